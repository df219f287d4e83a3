"""Optimizers: weights and accumulators after 1, 2 and 12 steps beside Keras's."""

from __future__ import annotations

import pytest

pytest.importorskip("keras")

from keras_ref.parity import Case, cases_optimizers, runs


@pytest.mark.parametrize(("case", "dtype"), runs(cases_optimizers.CASES), ids=str)
def test_every_optimizer_takes_the_steps_of_keras(case: Case, dtype: str) -> None:
    rows = list(case.rows(dtype))
    assert rows
    assert not [row for row in rows if not row.holds]
