"""Layers and activations: outputs, gradients and declared shapes beside Keras's."""

from __future__ import annotations

import pytest

pytest.importorskip("keras")

from keras_ref.parity import Case, cases_layers, runs


@pytest.mark.parametrize(
    ("case", "dtype"), runs(c for c in cases_layers.CASES if c.kind != "initializer"), ids=str
)
def test_every_layer_and_activation_has_the_outputs_and_gradients_of_keras(
    case: Case, dtype: str
) -> None:
    rows = list(case.rows(dtype))
    assert rows
    assert not [row for row in rows if not row.holds]
