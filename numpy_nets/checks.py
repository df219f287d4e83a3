"""Checks of arguments, worded in one way: what is checked, what was expected, and what came.

NumPy's numbers are accepted like Python's and returned as Python's, which do not turn float32
arrays into float64. A bool is not a number here.
"""

from math import inf, nan
from numbers import Integral, Real
from typing import Any


def positive_int(what: str, value: Any) -> int:
    """The value as an int; ValueError if it is not an integer of at least 1.

    Args:
        what: how the message names the argument, such as "Dense: units".

    >>> positive_int("Dense: units", 0)
    Traceback (most recent call last):
    ValueError: Dense: units: expected a positive integer, got 0
    """
    return _integer(what, value, 1, "a positive integer")


def non_negative_int(what: str, value: Any) -> int:
    """The value as an int; ValueError if it is not an integer of at least 0."""
    return _integer(what, value, 0, "an integer >= 0")


def number(what: str, value: Any, interval: str) -> float:
    """The value as a float; ValueError if it is not a number in the interval.

    Args:
        what: how the message names the argument, such as "GAN: real_label".
        interval: as mathematics writes it, "(0, 1]"; the open end of "[0, inf)" excludes infinity.

    >>> number("GAN: real_label", 0.0, "(0, 1]")
    Traceback (most recent call last):
    ValueError: GAN: real_label: expected a number in (0, 1], got 0.0
    """
    low, high = (float(end) for end in interval[1:-1].split(","))
    x = _float(value)
    above = x > low or (x == low and interval[0] == "[")
    below = x < high or (x == high and interval[-1] == "]")
    if above and below:
        return x
    expected = f"a number in {interval}"
    if interval == "(-inf, inf)":
        expected = "a finite number"
    elif high == inf:
        expected = f"a finite number {'>=' if interval[0] == '[' else '>'} {low:g}"
    raise ValueError(f"{what}: expected {expected}, got {value!r}")


def probability(what: str, value: Any) -> float:
    """The value as a float; ValueError if it is not a number in [0, 1]."""
    return number(what, value, "[0, 1]")


def _integer(what: str, value: Any, least: int, expected: str) -> int:
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        raise ValueError(f"{what}: expected {expected}, got {value!r}")
    return int(value)


def _float(value: Any) -> float:
    """nan for what is not a number; infinity for an integer that no float can hold."""
    if not isinstance(value, Real) or isinstance(value, bool):
        return nan
    try:
        return float(value)
    except OverflowError:
        return -inf if value < 0 else inf
