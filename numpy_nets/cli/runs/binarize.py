"""--binarize: each pixel is drawn as 0 or 1, its grey the probability of 1.

A Bernoulli likelihood is one of the data only if the data are 0 and 1 (Salakhutdinov & Murray 2008,
ICML). "static" draws the pixels once. "dynamic" draws the training pixels anew in every epoch, so
that a model cannot learn single draws by heart; the test images are drawn once here, too.
"""

from collections.abc import Iterator

import numpy as np

from numpy_nets import random
from numpy_nets.autodiff.tensor import Array
from numpy_nets.cli.runs.data import Images

MODES = ("none", "static", "dynamic")


def binarized(data: Images, mode: str, seed: int) -> Images:
    """The data binarized; "dynamic" leaves the training images to `DynamicBatches`."""
    if mode == "none":
        return data
    # A stream of its own, since the shared one begins with the initial weights. The test images
    # come first, so that they do not depend on how many other images there are.
    rng = np.random.default_rng([seed, 1])
    x_test = draw(data.x_test, rng)
    x_valid = None if data.x_valid is None else draw(data.x_valid, rng)
    x_train = draw(data.x_train, rng) if mode == "static" else data.x_train
    return data._replace(x_train=x_train, x_valid=x_valid, x_test=x_test)


def draw(x: Array, rng: np.random.Generator) -> Array:
    """1 with probability x, else 0; float32 of x's shape."""
    return (rng.random(x.shape, np.float32) < x).astype(np.float32)


class DynamicBatches:
    """The batches of an epoch, each time in a new order and with newly drawn pixels.

    Order and pixels come from the shared generator, whose state is part of a checkpoint.

    Args:
        arrays: the arguments of `fit`, images first; the same images may occur twice.
        batch_size: the last batch holds the remainder.
    """

    def __init__(self, arrays: tuple[Array, ...], batch_size: int) -> None:
        self.arrays, self.batch_size = arrays, batch_size

    def __len__(self) -> int:
        return -(-len(self.arrays[0]) // self.batch_size)

    def __iter__(self) -> Iterator[tuple[Array, ...]]:
        grey = self.arrays[0]
        order = random.generator().permutation(len(grey))
        for start in range(0, len(grey), self.batch_size):
            index = order[start : start + self.batch_size]
            x = draw(grey[index], random.generator())
            yield tuple(x if array is grey else array[index] for array in self.arrays)
