"""An encoder after the fact: what it minimises, and that it leaves the generator alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from numpy_nets import Sequential, random
from numpy_nets.autodiff.tensor import Tensor
from numpy_nets.layers import Dense, Input
from numpy_nets.models.gan import build_generator
from numpy_nets.models.latent_regressor import LatentRegressor, build_latent_encoder
from numpy_nets.optimizers import Adam


def test_the_loss_is_the_squared_error_of_a_code_summed_over_its_numbers() -> None:
    generator, encoder = build_generator(3, 6, 4), build_latent_encoder(6, 3, 4)
    z = np.random.default_rng(0).normal(size=(5, 3)).astype("float32")
    (term,) = LatentRegressor(generator, encoder).terms(Tensor(z), None)
    expected = np.mean(np.sum((encoder(generator(z)).array - z) ** 2, axis=1))
    assert float(term) == pytest.approx(float(expected), rel=1e-6)


def test_only_the_encoder_learns() -> None:
    generator, encoder = build_generator(3, 6, 4), build_latent_encoder(6, 3, 4)
    model = LatentRegressor(generator, encoder)
    model.compile("adam")
    assert {id(v) for v in model.trainable_variables} == {id(v) for v in encoder.weights}
    before, codes = generator.get_weights(), encoder.get_weights()
    model.fit(np.ones((8, 3)), batch_size=4, epochs=1, verbose=0)
    for a, b in zip(before, generator.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(codes[0], encoder.get_weights()[0])


def test_the_encoder_of_a_linear_generator_becomes_its_inverse() -> None:
    random.set_random_seed(0)
    generator = Sequential([Input((2,)), Dense(2, use_bias=False)])
    matrix = np.array([[2.0, 0.5], [-1.0, 1.0]], "float32")
    generator.set_weights([matrix])
    encoder = Sequential([Input((2,)), Dense(2)])
    model = LatentRegressor(generator, encoder)
    model.compile(Adam(0.01))
    z = np.random.default_rng(0).normal(size=(2000, 2))
    model.fit(z, batch_size=100, epochs=40, verbose=0)
    kernel, bias = encoder.get_weights()
    np.testing.assert_allclose(matrix @ kernel, np.eye(2), atol=1e-3)
    np.testing.assert_allclose(bias, 0, atol=1e-3)
    np.testing.assert_allclose(model.predict(z[:5], verbose=0), z[:5], atol=1e-2)


def test_the_best_code_of_an_image_that_many_codes_give_is_their_mean() -> None:
    """G that forgets z leaves E nothing but the mean, and the variance as its loss."""
    random.set_random_seed(0)
    generator = Sequential([Input((1,)), Dense(1)])
    generator.set_weights([np.zeros((1, 1)), np.ones(1)])
    model = LatentRegressor(generator, Sequential([Input((1,)), Dense(1)]))
    model.compile(Adam(0.02))
    z = np.random.default_rng(0).normal(3.0, 0.5, size=(4000, 1))
    history: Any = model.fit(z, batch_size=200, epochs=40, verbose=0).history
    assert history["loss"][-1] == pytest.approx(0.25, rel=0.05)
    assert float(model.encoder(np.ones((1, 1))).array.item()) == pytest.approx(3.0, abs=0.05)
