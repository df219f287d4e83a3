"""Layers that do something only in training."""

import numpy as np

from numpy_nets import random
from numpy_nets.autodiff.tensor import Tensor
from numpy_nets.checks import number, probability
from numpy_nets.layers.layer import OneInputLayer


class Dropout(OneInputLayer):
    """In training, y = x · m / (1 - rate), where each m is 0 with probability `rate`, else 1.

    E[m] = 1 - rate, so the expectation of y is x, and outside training y = x (Srivastava et al.
    2014, JMLR 15, section 4, who scale the weights at test time instead).

    Args:
        rate: the probability that an entry becomes 0, in [0, 1].
        seed: None draws from the shared generator; an int starts a stream of its own. See `random`.

    Raises:
        ValueError: if rate is not a probability, or seed is not one of the above.

    >>> layer = Dropout(0.5, seed=1)
    >>> layer(np.array([[1.0, 1.0, 1.0, 1.0]])).numpy().tolist()
    [[1.0, 1.0, 1.0, 1.0]]
    >>> layer(np.array([[1.0, 1.0, 1.0, 1.0]]), training=True).numpy().tolist()
    [[0.0, 2.0, 2.0, 2.0]]
    """

    def __init__(self, rate: float, *, seed: random.Seed = None, name: str | None = None) -> None:
        super().__init__(name=name)
        self.rate = probability("Dropout: rate", rate)
        self.built = True
        random.generator(seed)  # so that a wrong seed is reported here
        self.seed = random.SeedGenerator(int(seed)) if isinstance(seed, int | np.integer) else seed

    def mask(self, shape: tuple[int, ...]) -> Tensor:
        """m / (1 - rate), which a training step multiplies its input by."""
        uniform = random.uniform(shape, dtype=self.dtype, seed=self.seed).array
        return Tensor((uniform >= self.rate) / uniform.dtype.type(1 - self.rate), "dropout mask")

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        if not training or self.rate == 0:
            return inputs
        return inputs * (self.mask(inputs.shape) if self.rate < 1 else 0.0)


class GaussianNoise(OneInputLayer):
    """In training, y = x + stddev · ε with ε ~ N(0, I); outside training, y = x.

    Args:
        stddev: the standard deviation of the noise.
        seed: None draws from the shared generator; an int starts a stream of its own. See `random`.

    Raises:
        ValueError: if stddev is negative or not a number, or seed is not one of the above.

    >>> x = np.zeros((1000, 100))
    >>> noise = GaussianNoise(0.5)
    >>> print(noise(x).array.std(), noise(x, training=True).array.std().round(2))
    0.0 0.5
    """

    def __init__(self, stddev: float, *, seed: random.Seed = None, name: str | None = None) -> None:
        super().__init__(name=name)
        self.stddev = number("GaussianNoise: stddev", stddev, "[0, inf)")
        self.built = True
        random.generator(seed)  # so that a wrong seed is reported here
        self.seed = random.SeedGenerator(int(seed)) if isinstance(seed, int | np.integer) else seed

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        if not training or self.stddev == 0:
            return inputs
        return inputs + random.normal(
            inputs.shape, stddev=self.stddev, dtype=self.dtype, seed=self.seed
        )
