"""Every comparison of the list keeps its bound: the rows of the report, as tests."""

from __future__ import annotations

import pytest

pytest.importorskip("keras")

from keras_ref.parity import CASES, Case, runs


@pytest.mark.parametrize(("case", "dtype"), runs(CASES), ids=str)
def test_what_numpy_nets_computes_is_what_keras_computes(case: Case, dtype: str) -> None:
    rows = list(case.rows(dtype))
    assert rows
    assert not [row for row in rows if not row.holds]
