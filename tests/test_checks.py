"""Checks of arguments: what they accept, what they return, and what they say."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from numpy_nets.checks import non_negative_int, number, positive_int, probability


@pytest.mark.parametrize("value", [1, 2**40, np.int64(3), np.uint8(4)])
def test_an_integer_is_returned_as_pythons(value: Any) -> None:
    result = positive_int("x", value)
    assert result == value
    assert type(result) is int


@pytest.mark.parametrize("value", [0, -1, 1.0, True, "1", None, np.float64(1), np.bool_(True)])
def test_what_is_no_positive_integer_is_named(value: Any) -> None:
    message = re.escape(f"x: expected a positive integer, got {value!r}")
    with pytest.raises(ValueError, match=message):
        positive_int("x", value)


def test_zero_is_not_positive_but_not_negative_either() -> None:
    assert non_negative_int("x", 0) == 0
    with pytest.raises(ValueError, match="x: expected an integer >= 0, got -1"):
        non_negative_int("x", -1)


@pytest.mark.parametrize(
    ("interval", "inside", "outside"),
    [
        ("[0, 1]", [0, 1, 0.5], [-1e-9, 1.1, np.nan]),
        ("(0, 1)", [0.5, np.float32(0.5)], [0, 1]),
        ("[0, 1)", [0], [1]),
        ("(0, 1]", [1], [0]),
        ("[0, inf)", [0, 1e300], [np.inf, -1, 10**400]),
        ("(0, inf]", [np.inf], [0]),
        ("(-inf, inf)", [-1e300, 0], [np.inf, -np.inf, np.nan]),
    ],
)
def test_an_interval_includes_the_ends_that_its_brackets_include(
    interval: str, inside: list[float], outside: list[float]
) -> None:
    for value in inside:
        result = number("x", value, interval)
        assert result == value
        assert type(result) is float
    for value in outside:
        with pytest.raises(ValueError, match="x: expected"):
            number("x", value, interval)


@pytest.mark.parametrize("value", ["0.5", None, True, 1j, [0.5], np.array([0.5]), np.bool_(True)])
def test_what_is_no_number_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match=re.escape("x: expected a number in [0, 1], got")):
        probability("x", value)


def test_a_message_says_finite_where_an_end_is_infinite() -> None:
    for interval, words in (
        ("[0, inf)", "a finite number >= 0"),
        ("(0, inf)", "a finite number > 0"),
        ("(-inf, inf)", "a finite number"),
    ):
        with pytest.raises(ValueError, match=f"^x: expected {words}, got nan$"):
            number("x", np.nan, interval)
