"""Losses: values and gradients beside Keras's, for all options and reductions."""

from __future__ import annotations

import pytest

pytest.importorskip("keras")

from keras_ref.parity import Case, cases_losses, runs


@pytest.mark.parametrize(
    ("case", "dtype"), runs(c for c in cases_losses.CASES if c.kind == "loss"), ids=str
)
def test_every_loss_has_the_value_and_gradient_of_keras(case: Case, dtype: str) -> None:
    rows = list(case.rows(dtype))
    assert rows
    assert not [row for row in rows if not row.holds]
