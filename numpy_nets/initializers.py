"""Initial values of weights.

An initializer is called with `(shape, dtype)` and returns an array. `seed` is as in `random`: with
an int or None, every call gives the same array. Anything that is not a seed raises ValueError.
"""

import copy
import math
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from numpy_nets import config, random
from numpy_nets.autodiff.tensor import Array
from numpy_nets.checks import number
from numpy_nets.naming import lookup
from numpy_nets.random import Seed


class Initializer:
    """Base class: `__call__(shape, dtype=None) -> array`.

    >>> class Halves(Initializer):
    ...     def __call__(self, shape, dtype=None):
    ...         return np.full(shape, 0.5, dtype)
    >>> from numpy_nets.layers import Dense
    >>> dense = Dense(2, bias_initializer=Halves())
    >>> dense.build((None, 3))
    >>> dense.bias.numpy().tolist()
    [0.5, 0.5]
    """

    def __call__(self, shape: tuple[int, ...], dtype: Any = None) -> Array:
        raise NotImplementedError


class Zeros(Initializer):
    """All entries are 0."""

    def __call__(self, shape: tuple[int, ...], dtype: Any = None) -> Array:
        return np.zeros(shape, dtype or config.floatx())


class Ones(Initializer):
    """All entries are 1."""

    def __call__(self, shape: tuple[int, ...], dtype: Any = None) -> Array:
        return np.ones(shape, dtype or config.floatx())


class Constant(Initializer):
    """All entries are `value`.

    >>> Constant(0.5)((2,)).tolist()
    [0.5, 0.5]
    """

    def __init__(self, value: float = 0.0) -> None:
        self.value = number("Constant: value", value, "(-inf, inf)")

    def __call__(self, shape: tuple[int, ...], dtype: Any = None) -> Array:
        return np.full(shape, self.value, dtype or config.floatx())


class _Random(Initializer):
    """Without a seed, the first call draws from the shared generator, and later calls repeat it.

    So an initializer that two layers share gives both the same weights, as in Keras.
    """

    def __init__(self, seed: Seed = None) -> None:
        random.generator(seed)  # raises here, not at the first call
        self.seed = seed
        self._start: np.random.Generator | None = None

    def generator(self) -> np.random.Generator:
        if self.seed is not None:
            return random.generator(self.seed)
        if self._start is not None:
            return copy.deepcopy(self._start)
        shared = random.generator()
        self._start = copy.deepcopy(shared)
        return shared


class RandomNormal(_Random):
    """Draws from N(mean, stddev²).

    >>> print(RandomNormal(seed=0)((100, 100)).std().round(3))
    0.05
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: Seed = None) -> None:
        super().__init__(seed)
        self.mean, self.stddev = mean, stddev

    def __call__(self, shape: tuple[int, ...], dtype: Any = None) -> Array:
        return random.normal(shape, self.mean, self.stddev, dtype, self.generator()).array


class RandomUniform(_Random):
    """Draws from the interval [minval, maxval).

    >>> kernel = RandomUniform(seed=0)((100, 100))
    >>> print(kernel.min().round(3), kernel.max().round(3))
    -0.05 0.05
    """

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: Seed = None) -> None:
        super().__init__(seed)
        self.minval, self.maxval = minval, maxval

    def __call__(self, shape: tuple[int, ...], dtype: Any = None) -> Array:
        return random.uniform(shape, self.minval, self.maxval, dtype, self.generator()).array


class GlorotUniform(_Random):
    """Uniform on ±a, a = √(6 / (fan_in + fan_out)): variance a²/3 = 2 / (fan_in + fan_out).

    A linear unit multiplies the variance of its inputs by fan_in · Var(w) forwards, and that of
    gradients by fan_out · Var(w) backwards. Both are 1 where fan_in = fan_out; otherwise this is
    a compromise between 1 / fan_in and 1 / fan_out (Glorot & Bengio 2010, equations 10 to 16).

    >>> kernel = GlorotUniform(seed=0)((100, 50))
    >>> print(kernel.min().round(3), kernel.max().round(3))  # a = √(6 / 150)
    -0.2 0.2
    """

    def __call__(self, shape: tuple[int, ...], dtype: Any = None) -> Array:
        fan_in, fan_out = _fans(shape)
        limit = math.sqrt(6 / (fan_in + fan_out))
        return random.uniform(shape, -limit, limit, dtype, self.generator()).array


class HeNormal(_Random):
    """Normal of variance 2 / fan_in, cut off at two standard deviations.

    A ReLU halves the mean square of its inputs, and the unit that reads it multiplies it by
    fan_in · Var(w), so that it stays the same (He et al. 2015, equation 10). Draws beyond two
    standard deviations are drawn again, as in Keras. For N(0, 1) this leaves the standard
    deviation √(1 - 4 φ(2) / (2 Φ(2) - 1)) = 0.8796…; dividing by it restores the variance.

    >>> kernel = HeNormal(seed=0)((200, 50))
    >>> print(kernel.std().round(2), np.abs(kernel).max().round(2))  # √(2 / 200), 0.2 / 0.88
    0.1 0.23
    """

    def __call__(self, shape: tuple[int, ...], dtype: Any = None) -> Array:
        stddev = math.sqrt(2 / _fans(shape)[0]) / 0.87962566103423978
        generator = self.generator()
        draw: Array = generator.standard_normal(shape)
        while (outside := np.abs(draw) > 2).any():
            draw[outside] = generator.standard_normal(np.count_nonzero(outside))
        return (draw * stddev).astype(dtype or config.floatx())


def _fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """How many units a kernel (in, out) reads from and writes to; both are a vector's length."""
    if not 1 <= len(shape) <= 2:
        raise ValueError(f"initializer: expected a kernel shape (in, out), got {shape}")
    return max(shape[0], 1), max(shape[-1], 1)


_BY_NAME = {
    "zeros": Zeros,
    "ones": Ones,
    "constant": Constant,
    "random_normal": RandomNormal,
    "random_uniform": RandomUniform,
    "glorot_uniform": GlorotUniform,
    "he_normal": HeNormal,
}

InitializerLike: TypeAlias = str | Initializer | type[Initializer] | Callable[..., Any]


def get(identifier: InitializerLike) -> Callable[..., Any]:
    """An initializer by its name; an initializer or a function as it is; of a class, an instance.

    >>> type(get("he_normal")).__name__
    'HeNormal'
    >>> get(lambda shape, dtype=None: np.eye(*shape, dtype=dtype))((2, 2)).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    if not callable(identifier):
        identifier = lookup("initializer", identifier, _BY_NAME)
    return identifier() if isinstance(identifier, type) else identifier
