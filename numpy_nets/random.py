"""Random numbers: one generator behind everything that is not given its own.

Initial weights, the shuffling of `fit`, dropout and noise draw from it in the order in which a
program asks, so the same seed and program give the same numbers. Its state can be saved and set,
which is how a resumed run goes on bit for bit.

`seed` arguments take None (the shared generator), an int (the same numbers at every call, as in
Keras), a `numpy.random.Generator`, or a SeedGenerator. The streams are NumPy's (PCG64), not those
of TensorFlow.
"""

import json
from typing import Any, TypeAlias

import numpy as np

from numpy_nets import config
from numpy_nets.autodiff.tensor import Array, Tensor


class SeedGenerator:
    """A stream of its own, Keras's name for a Generator: two with one seed give one stream.

    Args:
        seed: an int >= 0, or None for entropy from the operating system.

    Raises:
        ValueError: any other seed.
    """

    def __init__(self, seed: int | None = None) -> None:
        self.generator = np.random.default_rng(None if seed is None else _checked(seed))


Seed: TypeAlias = int | np.random.Generator | SeedGenerator | None

_shared = SeedGenerator()


def set_random_seed(seed: int) -> None:
    """Seed the shared generator, so that what follows is reproducible.

    Raises ValueError unless seed is an int >= 0.
    """
    _shared.generator = np.random.default_rng(_checked(seed))


def get_state() -> str:
    """The shared generator's state as JSON text."""
    return json.dumps(_shared.generator.bit_generator.state)


def set_state(state: str) -> None:
    """Continue from a state that `get_state` gave; raises ValueError if it is none."""
    generator = np.random.default_rng(0)
    try:
        generator.bit_generator.state = json.loads(state)
    except (ValueError, TypeError, LookupError, ArithmeticError, RecursionError) as error:
        raise ValueError(f"random.set_state: not a state of {generator}: {error}") from None
    _shared.generator = generator


def generator(seed: Seed = None) -> np.random.Generator:
    """The generator that a `seed` argument means; raises ValueError if it means none."""
    if seed is None:
        return _shared.generator
    if isinstance(seed, SeedGenerator):
        return seed.generator
    if isinstance(seed, np.random.Generator):
        return seed
    return np.random.default_rng(_checked(seed))


def _checked(seed: object) -> int:
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise ValueError(f"seed: expected an integer >= 0, got {seed!r}")
    return int(seed)


def _real(dtype: str | None) -> Any:
    return np.dtype(dtype or config.floatx())


def normal(
    shape: tuple[int, ...],
    mean: float = 0.0,
    stddev: float = 1.0,
    dtype: str | None = None,
    seed: Seed = None,
) -> Tensor:
    """A constant Tensor of independent draws from N(mean, stddev²)."""
    draw: Array = generator(seed).standard_normal(shape, _real(dtype))
    return Tensor(draw * float(stddev) + float(mean), "normal")


def uniform(
    shape: tuple[int, ...],
    minval: float = 0.0,
    maxval: float = 1.0,
    dtype: str | None = None,
    seed: Seed = None,
) -> Tensor:
    """A constant Tensor of independent draws from [minval, maxval)."""
    draw: Array = generator(seed).random(shape, _real(dtype))
    return Tensor(draw * float(maxval - minval) + float(minval), "uniform")
