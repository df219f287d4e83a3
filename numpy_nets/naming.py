"""Keras's automatic names, and lookups that suggest the nearest name."""

import difflib
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TypeVar

T = TypeVar("T")

_used: Counter[str] = Counter()


def snake_case(name: str) -> str:
    """`LeakyReLU` -> `leaky_re_lu`, as Keras forms layer names and weight paths."""
    name = re.sub(r"\W+", "", name)
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def numbered(name: str, count: int) -> str:
    """`dense`, `dense_1`, `dense_2` …"""
    return f"{name}_{count}" if count else name


def unique_name(prefix: str) -> str:
    """The next free automatic name in this process."""
    _used[prefix] += 1
    return numbered(prefix, _used[prefix] - 1)


def clear_session() -> None:
    """Start automatic names from the beginning again."""
    _used.clear()


def suggest(name: str, valid: Iterable[str]) -> str:
    """The end of an error message: the nearest valid name, and all of them."""
    valid = list(valid)
    near = difflib.get_close_matches(name, valid, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"{hint}Known: {', '.join(valid)}"


def lookup(what: str, name: object, table: Mapping[str, T]) -> T:
    """table[name]; raises ValueError with a suggestion if there is none."""
    if isinstance(name, str) and name in table:
        return table[name]
    raise ValueError(f"{what}: unknown {name!r}; {suggest(str(name), table)}")
