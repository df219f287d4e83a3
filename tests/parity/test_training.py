"""Training: History, evaluation, prediction and final weights beside Keras's."""

from __future__ import annotations

import pytest

pytest.importorskip("keras")

from keras_ref.parity import Case, cases_training, runs


@pytest.mark.parametrize(("case", "dtype"), runs(cases_training.CASES), ids=str)
def test_a_training_run_is_the_run_of_keras(case: Case, dtype: str) -> None:
    rows = list(case.rows(dtype))
    assert rows
    assert not [row for row in rows if not row.holds]
