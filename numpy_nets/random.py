"""Random numbers: one shared generator for everything that is not given its own.

Initial weights, the shuffling of `fit`, dropout and noise draw from it in the order in which a
program asks, so the same seed and program give the same numbers. Its state can be saved and set,
so that a resumed run continues bit for bit.

"Shared" means by all code of one thread. Each thread has a generator of its own, so that two
trainings at once do not take numbers from each other. It starts unseeded, whatever other threads
did: to reproduce what a thread computes, call `set_random_seed` in that thread.

`seed` arguments take None (the shared generator), an int (the same numbers at every call, as in
Keras), a `numpy.random.Generator`, or a SeedGenerator. The streams are NumPy's (PCG64), not those
of TensorFlow.

    >>> a, b = normal((), seed=7), normal((), seed=7)
    >>> float(a) == float(b)
    True
    >>> stream = SeedGenerator(7)
    >>> a, b = normal((), seed=stream), normal((), seed=stream)
    >>> float(a) == float(b)
    False
"""

import json
import random
import threading
from typing import Any, TypeAlias

import numpy as np

from numpy_nets import config, shares
from numpy_nets.autodiff.tensor import Tensor
from numpy_nets.checks import non_negative_int


class SeedGenerator:
    """A separate stream of random numbers, by Keras's name; the same seed gives the same stream.

    >>> a, b = SeedGenerator(7), SeedGenerator(7)
    >>> float(normal((), seed=a)) == float(normal((), seed=b))
    True

    Args:
        seed: an int >= 0, or None for entropy from the operating system.

    Raises:
        ValueError: any other seed.
    """

    def __init__(self, seed: int | None = None) -> None:
        seed = None if seed is None else non_negative_int("seed", seed)
        self.generator = np.random.default_rng(seed)


Seed: TypeAlias = int | np.random.Generator | SeedGenerator | None


class _Shared(threading.local):
    """The shared generator of this thread."""

    def __init__(self) -> None:
        self.generator = np.random.default_rng()


_shared = _Shared()


def set_random_seed(seed: int) -> None:
    """Seed this thread's shared generator, so that everything that follows is reproducible.

    As in Keras, it also seeds Python's `random` and NumPy's `np.random`, which other code of a
    program may use. Nothing here does, and all threads share those two.

    >>> set_random_seed(7)
    >>> first = float(normal(()))
    >>> set_random_seed(7)
    >>> float(normal(())) == first
    True

    Raises ValueError unless seed is an int >= 0.
    """
    seed = non_negative_int("seed", seed)
    _shared.generator = np.random.default_rng(seed)
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002  # it takes no larger seeds


def get_state() -> str:
    """The shared generator's state as JSON text.

    >>> state = get_state()
    >>> first = float(normal(()))
    >>> set_state(state)
    >>> float(normal(())) == first
    True
    """
    return json.dumps(_shared.generator.bit_generator.state)


def set_state(state: str) -> None:
    """Continue from a state that `get_state` returned; raises ValueError for any other text."""
    generator = np.random.default_rng(0)
    try:
        generator.bit_generator.state = json.loads(state)
    except (ValueError, TypeError, LookupError, ArithmeticError, RecursionError) as error:
        raise ValueError(f"random.set_state: not a state of {generator}: {error}") from None
    _shared.generator = generator


def generator(seed: Seed = None) -> np.random.Generator:
    """The generator that a `seed` argument stands for; raises ValueError if it is not a seed."""
    if seed is None:
        return _shared.generator
    if isinstance(seed, SeedGenerator):
        return seed.generator
    if isinstance(seed, np.random.Generator):
        return seed
    return np.random.default_rng(non_negative_int("seed", seed))


def _real(dtype: str | None) -> Any:
    return np.dtype(dtype or config.floatx())


def normal(
    shape: tuple[int, ...],
    mean: float = 0.0,
    stddev: float = 1.0,
    dtype: str | None = None,
    seed: Seed = None,
) -> Tensor:
    """A constant Tensor of independent draws from N(mean, stddev²).

    >>> x = normal((10_000,), mean=5.0, stddev=2.0, seed=0).numpy()
    >>> print(x.mean().round(1), x.std().round(1))
    5.0 2.0
    """
    rng = generator(seed)
    draw = shares.draw_rows(lambda shape: rng.standard_normal(shape, _real(dtype)), shape)
    return Tensor(draw * float(stddev) + float(mean), "normal")


def uniform(
    shape: tuple[int, ...],
    minval: float = 0.0,
    maxval: float = 1.0,
    dtype: str | None = None,
    seed: Seed = None,
) -> Tensor:
    """A constant Tensor of independent draws from the interval [minval, maxval).

    >>> x = uniform((10_000,), minval=-1.0, maxval=3.0, seed=0).numpy()
    >>> print(x.min().round(2), x.mean().round(1), x.max().round(2))
    -1.0 1.0 3.0
    """
    rng = generator(seed)
    draw = shares.draw_rows(lambda shape: rng.random(shape, _real(dtype)), shape)
    return Tensor(draw * float(maxval - minval) + float(minval), "uniform")
