"""A linear autoencoder with a squared error becomes as good as PCA (Baldi & Hornik 1989)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

import numpy_nets
from numpy_nets import random
from numpy_nets.autodiff.tensor import Array
from numpy_nets.datasets import digits
from numpy_nets.models.autoencoder import build_autoencoder
from numpy_nets.optimizers import Adam


@pytest.fixture(autouse=True)
def _float32_afterwards() -> Iterator[None]:
    yield
    numpy_nets.config.set_floatx("float32")


def pca_error(x: Array, components: int) -> float:
    """The least mean squared error of any linear code: from the singular values left out."""
    singular = np.linalg.svd(x, compute_uv=False)
    return float(np.sum(singular[components:] ** 2) / x.size)


def train(x: Array, latent_dim: int, rates: list[float], epochs: int, batch_size: int) -> float:
    """The autoencoder's mean squared error on x (samples, d) after training at each of `rates`."""
    random.set_random_seed(0)
    model, _ = build_autoencoder(x.shape[1], latent_dim, "linear", "linear")
    model.compile(Adam(rates[0]), "mse")
    for rate in rates:
        model.optimizer.learning_rate = rate
        model.fit(x, x, batch_size=batch_size, epochs=epochs, verbose=0)
    return float(model.evaluate(x, x, batch_size=len(x), verbose=0))


def low_dimensional(samples: int, dimension: int) -> Array:
    """Centred data whose variance decreases from one direction to the next."""
    rng = np.random.default_rng(0)
    rotation, _ = np.linalg.qr(rng.standard_normal((dimension, dimension)))
    x = rng.standard_normal((samples, dimension)) * np.linspace(2, 0.5, dimension) @ rotation
    return x - x.mean(axis=0)


@pytest.mark.parametrize("components", [1, 4])
def test_a_linear_autoencoder_reaches_the_reconstruction_error_of_pca(components: int) -> None:
    numpy_nets.config.set_floatx("float64")
    x = low_dimensional(500, 12)
    best = pca_error(x, components)
    reached = train(x, components, [1e-2, 1e-3, 1e-4], epochs=100, batch_size=50)
    assert best * (1 - 1e-12) <= reached <= best * 1.0001


def test_on_digits_too_and_no_linear_code_is_better_than_pca() -> None:
    (x, _), _ = digits.load_data()
    x = x[:2000].reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4)).reshape(-1, 196) / 255
    x = (x - x.mean(axis=0)).astype(np.float32)
    best = pca_error(x.astype(np.float64), 16)
    reached = train(x, 16, [1e-2, 1e-3, 2e-4], epochs=25, batch_size=100)
    assert best * (1 - 1e-5) <= reached <= best * 1.0001
