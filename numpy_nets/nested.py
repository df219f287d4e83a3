"""Nested lists, tuples and dicts: the shape that inputs, outputs and attributes come in."""

import itertools
from collections.abc import Callable
from typing import Any


def flatten(nested: Any) -> list[Any]:
    """The leaves of nested lists and tuples, in order, without any None.

    >>> flatten([1, (2, [3, None])])
    [1, 2, 3]
    """
    if nested is None:
        return []
    if isinstance(nested, (list, tuple)):
        return list(itertools.chain.from_iterable(map(flatten, nested)))
    return [nested]


def map_nested(function: Callable[[Any], Any], nested: Any) -> Any:
    """Apply a function to every leaf of nested lists and tuples; tuples become lists.

    >>> map_nested(abs, [-1, (2, -3)])
    [1, [2, 3]]
    """
    if isinstance(nested, (list, tuple)):
        return [map_nested(function, x) for x in nested]
    return function(nested)


def instances(container: Any, kind: type | tuple[type, ...]) -> list[Any]:
    """The instances of `kind` in nested lists, tuples and dicts, in order.

    >>> instances({"a": [1, 2.0], "b": 3}, int)
    [1, 3]
    """
    matches = []
    for item in container.values() if isinstance(container, dict) else container:
        if isinstance(item, kind):
            matches.append(item)
        elif isinstance(item, (list, tuple, dict)):
            matches += instances(item, kind)
    return matches
