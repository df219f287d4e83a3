"""How weights begin.

An initializer is called with `(shape, dtype)` and returns an array. `seed` is as in `random`: with
an int, every call gives the same array. A seed of another kind raises ValueError.
"""

import math
from typing import Any

import numpy as np

from numpy_nets import config, random
from numpy_nets.autodiff.tensor import Array
from numpy_nets.naming import lookup
from numpy_nets.random import Seed


class Initializer:
    """Base class: `__call__(shape, dtype=None) -> array`."""

    def __call__(self, shape: tuple[int, ...], dtype: Any = None) -> Array:
        raise NotImplementedError


class Zeros(Initializer):
    """All entries 0."""

    def __call__(self, shape: tuple[int, ...], dtype: Any = None) -> Array:
        return np.zeros(shape, dtype or config.floatx())


class RandomNormal(Initializer):
    """Draws from N(mean, stddev²)."""

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: Seed = None) -> None:
        random.generator(seed)  # wrong seeds are found now
        self.mean, self.stddev, self.seed = mean, stddev, seed

    def __call__(self, shape: tuple[int, ...], dtype: Any = None) -> Array:
        return random.normal(shape, self.mean, self.stddev, dtype, self.seed).array


class RandomUniform(Initializer):
    """Draws from [minval, maxval)."""

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: Seed = None) -> None:
        random.generator(seed)  # wrong seeds are found now
        self.minval, self.maxval, self.seed = minval, maxval, seed

    def __call__(self, shape: tuple[int, ...], dtype: Any = None) -> Array:
        return random.uniform(shape, self.minval, self.maxval, dtype, self.seed).array


class GlorotUniform(Initializer):
    """Uniform on ±√(6 / (fan_in + fan_out)), of variance 2 / (fan_in + fan_out).

    Keeps the variance of activations and of gradients about equal from layer to layer, for units
    that are linear near 0 (Glorot & Bengio 2010, equation 16).
    """

    def __init__(self, seed: Seed = None) -> None:
        random.generator(seed)  # wrong seeds are found now
        self.seed = seed

    def __call__(self, shape: tuple[int, ...], dtype: Any = None) -> Array:
        fan_in, fan_out = _fans(shape)
        limit = math.sqrt(6 / (fan_in + fan_out))
        return random.uniform(shape, -limit, limit, dtype, self.seed).array


class HeNormal(Initializer):
    """Normal of variance 2 / fan_in, cut off at two standard deviations.

    Keeps the variance of activations through ReLU layers (He et al. 2015, equation 10). Draws
    beyond two standard deviations are drawn again, as in Keras; 0.8796… is the standard deviation
    of what is left of N(0, 1), so the variance is right after the cut.
    """

    def __init__(self, seed: Seed = None) -> None:
        random.generator(seed)  # wrong seeds are found now
        self.seed = seed

    def __call__(self, shape: tuple[int, ...], dtype: Any = None) -> Array:
        stddev = math.sqrt(2 / _fans(shape)[0]) / 0.87962566103423978
        generator = random.generator(self.seed)
        draw: Array = generator.standard_normal(shape)
        while (outside := np.abs(draw) > 2).any():
            draw[outside] = generator.standard_normal(np.count_nonzero(outside))
        return (draw * stddev).astype(dtype or config.floatx())


def _fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """How many units a kernel (in, out) reads from and writes to; for a vector, its length."""
    if not 1 <= len(shape) <= 2:
        raise ValueError(f"initializer: expected a kernel shape (in, out), got {shape}")
    return max(shape[0], 1), max(shape[-1], 1)


_BY_NAME = {
    "zeros": Zeros,
    "random_normal": RandomNormal,
    "random_uniform": RandomUniform,
    "glorot_uniform": GlorotUniform,
    "he_normal": HeNormal,
}


def get(identifier: str | Initializer) -> Initializer:
    """An initializer by its name, or the one given."""
    if isinstance(identifier, Initializer):
        return identifier
    initializer: type[Initializer] = lookup("initializer", identifier, _BY_NAME)
    return initializer()
