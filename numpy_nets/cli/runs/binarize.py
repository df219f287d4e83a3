"""--binarize: grey pixels as probabilities of being 1 (Salakhutdinov & Murray 2008, ICML).

A likelihood of pixels of 0 and 1 is one of the data only when the data are 0 and 1. Static: drawn
once. Dynamic: training pixels are drawn anew every epoch, which keeps a model from learning single
draws by heart; the test images are the same every time.
"""

from collections.abc import Iterator

import numpy as np

from numpy_nets import random
from numpy_nets.autodiff.tensor import Array
from numpy_nets.cli.runs.data import Images

MODES = ("none", "static", "dynamic")


def binarized(data: Images, mode: str, seed: int) -> Images:
    """The data as `mode` asks; with "dynamic" all but the training images, see DynamicBatches."""
    if mode == "none":
        return data
    # A stream of its own: the shared one begins with the initial weights. The test images come
    # first, so that they do not depend on how many others there are.
    rng = np.random.default_rng([seed, 1])
    x_test = draw(data.x_test, rng)
    x_valid = None if data.x_valid is None else draw(data.x_valid, rng)
    x_train = draw(data.x_train, rng) if mode == "static" else data.x_train
    return data._replace(x_train=x_train, x_valid=x_valid, x_test=x_test)


def draw(x: Array, rng: np.random.Generator) -> Array:
    """1 with probability x, else 0: of x's shape, float32."""
    return (rng.random(x.shape, np.float32) < x).astype(np.float32)


class DynamicBatches:
    """The batches of an epoch, in a new order and with pixels drawn anew every time.

    Order and pixels are drawn from the shared generator, whose state is in a checkpoint.

    Args:
        arrays: what the model is trained on, images first; the same images may occur twice.
        batch_size: the last batch holds what is left.
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
