"""Models: outputs, losses and gradients beside Keras's."""

from __future__ import annotations

import pytest

pytest.importorskip("keras")

from keras_ref.parity import Case, cases_models, cases_vae, runs


@pytest.mark.parametrize(("case", "dtype"), runs([*cases_models.CASES, *cases_vae.CASES]), ids=str)
def test_every_model_has_the_outputs_loss_and_gradients_of_keras(case: Case, dtype: str) -> None:
    rows = list(case.rows(dtype))
    assert rows
    assert not [row for row in rows if not row.holds]
