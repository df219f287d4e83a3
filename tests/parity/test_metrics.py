"""Metrics: results batch by batch beside Keras's."""

from __future__ import annotations

import pytest

pytest.importorskip("keras")

from keras_ref.parity import Case, cases_losses, runs


@pytest.mark.parametrize(
    ("case", "dtype"), runs(c for c in cases_losses.CASES if c.kind == "metric"), ids=str
)
def test_every_metric_accumulates_as_in_keras(case: Case, dtype: str) -> None:
    rows = list(case.rows(dtype))
    assert rows
    assert not [row for row in rows if not row.holds]
