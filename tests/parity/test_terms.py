"""The VAE's family in Keras, where train_on_batch(x) passes (x, None, None) to train_step."""

from __future__ import annotations

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from keras_ref.parity.cases import clustering as clustering_cases  # noqa: E402
from keras_ref.parity.cases import family as family_cases  # noqa: E402
from keras_ref.parity.cases import semi_supervised as few_labels  # noqa: E402
from keras_ref.parity.cases import vae as vae_cases  # noqa: E402

X = np.zeros((2, family_cases.PIXELS), np.float32)
Y = np.eye(2, family_cases.CLASSES, dtype=np.float32)


@pytest.mark.parametrize(
    ("build", "data"),
    [
        (vae_cases.build, (X,)),
        (lambda k: family_cases.denoising(k, "MaskingNoise"), (X,)),
        (lambda k: family_cases.sparse(k, "kl_sparsity"), (X,)),
        (family_cases.conditional, (X, Y)),
        (few_labels._m2, (X, [X, Y])),
        (few_labels._m1m2, (X, [X, Y])),
        (clustering_cases._dec, (X, Y)),
    ],
    ids=["vae", "denoising", "sparse", "cvae", "m2", "m1m2", "dec"],
)
def test_single_batches_train_and_test(build, data) -> None:
    model = build(keras)
    model.compile("adam")
    for step in (model.train_on_batch, model.test_on_batch):
        assert np.isfinite(step(*data)).all()
