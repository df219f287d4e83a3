"""Regularizers against their formulas."""

import numpy as np
import pytest

from numpy_nets import gradcheck, regularizers
from numpy_nets.autodiff.tensor import Tensor
from numpy_nets.regularizers import L1, L1L2, L2

W = np.array([[1.0, -2.0], [0.5, 3.0]])


@pytest.mark.parametrize(
    ("regularizer", "expected"),
    [
        (L1(0.5), 0.5 * np.abs(W).sum()),
        (L2(0.25), 0.25 * np.square(W).sum()),
        (L1L2(0.5, 0.25), 0.5 * np.abs(W).sum() + 0.25 * np.square(W).sum()),
        (L1L2(), 0.0),
    ],
)
def test_a_penalty_is_its_formula(regularizer, expected) -> None:
    assert float(regularizer(Tensor(W))) == pytest.approx(expected, rel=1e-15)
    gradcheck(regularizer, [W])


def test_get_takes_names_functions_classes_and_none() -> None:
    l2 = regularizers.get("l2")
    assert type(l2) is L2 and l2.l2 == 0.01
    assert type(regularizers.get(L1)) is L1
    assert regularizers.get(abs) is abs
    assert regularizers.get(None) is None
    with pytest.raises(ValueError, match="regularizer: unknown 'l3'"):
        regularizers.get("l3")


@pytest.mark.parametrize("wrong", [-1.0, np.inf, "0.1", None])
def test_a_factor_is_a_number(wrong) -> None:
    with pytest.raises(ValueError, match="L2: l2: expected a finite number >= 0, got"):
        L2(wrong)
