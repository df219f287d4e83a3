"""The notebook's GAN on Keras 3: a fault pinned, so that the day it goes away is noticed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from keras_ref import notebook_gan  # noqa: E402
from keras_ref.models import gan as right  # noqa: E402

ITERATIONS = 60


def images() -> Any:
    return np.random.default_rng(0).uniform(-1, 1, (32, 784)).astype("float32")


def change(model: Any, before: list[Any]) -> float:
    """max|Δ| over all weights."""
    return max(
        float(np.max(np.abs(a - b))) for a, b in zip(model.get_weights(), before, strict=True)
    )


def test_the_recipe_of_the_notebook_never_trains_d_on_keras_3() -> None:
    generator, discriminator, gan = notebook_gan.build()
    g_before, d_before = generator.get_weights(), discriminator.get_weights()
    noise = np.random.default_rng(1).normal(size=(32, 100)).astype("float32")
    with pytest.warns(UserWarning, match="does not have any trainable weights"):  # the only sign
        for _ in range(ITERATIONS):
            notebook_gan.iterate(generator, discriminator, gan, images(), noise)
    assert change(discriminator, d_before) == 0
    assert not discriminator.optimizer.variables[2:]  # no moments beside iteration and rate
    assert change(generator, g_before) > 0


def test_two_optimizers_with_lists_of_variables_train_both() -> None:
    generator, discriminator = right.build_generator(), right.build_discriminator()
    discriminator.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])
    gan = right.build_gan(generator, discriminator)
    g_before, d_before = generator.get_weights(), discriminator.get_weights()
    right.train_gan(gan, generator, discriminator, images(), ITERATIONS, 32)
    assert change(discriminator, d_before) > 0.01
    assert change(generator, g_before) > 0.001
    assert int(discriminator.optimizer.iterations) == 2 * ITERATIONS
