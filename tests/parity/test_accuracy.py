"""Elementary functions against the truth, which mpmath computes with 50 digits."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("keras")

from keras_ref.parity import Row
from keras_ref.parity.cases import accuracy as accuracy_cases


def _row(name: str, dtype: str) -> Row:
    (case,) = (case for case in accuracy_cases.CASES if case.subject == name)
    (row,) = case.rows(dtype)
    return row


def test_where_keras_is_the_inaccurate_side_the_row_shows_both() -> None:
    """max(z, 0) - z y cancels at y near 1, and z (1 - y) does not."""
    row = _row("ops.binary_crossentropy", "float64")
    assert row.unit == "ulp"
    assert row.keras_error is not None and row.keras_error > 50 > row.bound >= row.error


@pytest.mark.parametrize("name", accuracy_cases.ROUNDED)
def test_where_keras_rounds_a_constant_the_row_shows_what_that_costs(name) -> None:
    row = _row(name, "float64")
    assert row.keras_error is not None and row.keras_error > 1e4 > row.bound >= row.error


def test_an_error_is_counted_from_the_truth_in_units_in_the_last_place() -> None:
    """A function that is three units away from the truth on both sides."""
    thirds = accuracy_cases.Function(
        lambda ops, x: x * (1 + 3 * np.spacing(1.0)), lambda x: x, (np.ones(4),), "ones"
    )
    ((_, ours, theirs),) = accuracy_cases._run(thirds, "float64")
    assert ours == theirs == 3
    half = thirds._replace(exact=lambda x: x + x * 2**-53)
    ((_, ours, theirs),) = accuracy_cases._run(half, "float64")
    assert ours == theirs == 2.5
