"""The VAE's family in Keras, whose steps on one batch fill what is not given with None."""

from __future__ import annotations

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from keras_ref.parity import cases_family, cases_vae  # noqa: E402

X = np.zeros((2, cases_family.PIXELS), np.float32)
Y = np.eye(2, cases_family.CLASSES, dtype=np.float32)


@pytest.mark.parametrize(
    ("build", "data"),
    [
        (cases_vae.build, (X,)),
        (lambda k: cases_family.denoising(k, "MaskingNoise"), (X,)),
        (lambda k: cases_family.sparse(k, "kl_sparsity"), (X,)),
        (cases_family.conditional, (X, Y)),
    ],
    ids=["vae", "denoising", "sparse", "cvae"],
)
def test_single_batches_train_and_test(build, data) -> None:
    model = build(keras)
    model.compile("adam")
    for step in (model.train_on_batch, model.test_on_batch):
        assert np.isfinite(step(*data)).all()
