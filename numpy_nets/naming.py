"""Keras's automatic names, and lookups that suggest the nearest name."""

import difflib
import itertools
import re
from collections.abc import Iterable, Mapping
from typing import TypeVar

T = TypeVar("T")

_used: dict[str, "itertools.count[int]"] = {}


def snake_case(name: str) -> str:
    """A class name as Keras writes it in layer names and weight paths.

    >>> snake_case("LeakyReLU")
    'leaky_re_lu'
    """
    name = re.sub(r"\W+", "", name)
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def numbered(name: str, count: int) -> str:
    """`dense`, `dense_1`, `dense_2` …

    >>> numbered("dense", 0), numbered("dense", 1)
    ('dense', 'dense_1')
    """
    return f"{name}_{count}" if count else name


def unique_name(prefix: str) -> str:
    """The next free automatic name in this process.

    >>> clear_session()
    >>> unique_name("dense"), unique_name("dense")
    ('dense', 'dense_1')
    """
    # No thread can come between the two halves of `setdefault` or `next`: no name is given twice.
    return numbered(prefix, next(_used.setdefault(prefix, itertools.count())))


def clear_session() -> None:
    """Start the numbering of automatic names again."""
    _used.clear()


def suggest(name: str, valid: Iterable[str]) -> str:
    """The end of an error message: the nearest valid name, and all valid names.

    >>> suggest("sigmiod", ["tanh", "sigmoid"])
    "did you mean 'sigmoid'? known: tanh, sigmoid"
    """
    valid = list(valid)
    near = difflib.get_close_matches(name, valid, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"{hint}known: {', '.join(valid)}"


def lookup(what: str, name: object, table: Mapping[str, T]) -> T:
    """table[name]; raises ValueError with a suggestion if the table has no such name."""
    if isinstance(name, str) and name in table:
        return table[name]
    raise ValueError(f"{what}: unknown {name!r}; {suggest(str(name), table)}")
