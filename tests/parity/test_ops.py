"""Operations: values and gradients beside Keras's, with TensorFlow's gradients."""

from __future__ import annotations

import pytest

pytest.importorskip("keras")

from keras_ref.parity import Case, cases_ops, runs


@pytest.mark.parametrize(("case", "dtype"), runs(cases_ops.CASES), ids=str)
def test_every_operation_has_the_value_and_gradients_of_keras(case: Case, dtype: str) -> None:
    rows = list(case.rows(dtype))
    assert rows
    assert not [row for row in rows if not row.holds]
