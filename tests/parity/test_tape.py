"""GradientTape beside TensorFlow's."""

from __future__ import annotations

import pytest

pytest.importorskip("keras")

from keras_ref.parity import Case, cases_tape, runs


@pytest.mark.parametrize(("case", "dtype"), runs(cases_tape.CASES), ids=str)
def test_a_tape_gives_what_the_tape_of_tensorflow_gives(case: Case, dtype: str) -> None:
    rows = list(case.rows(dtype))
    assert rows
    assert not [row for row in rows if not row.holds]
