"""A class-balanced part of MNIST that travels with this package, so that everything runs offline.

The images are MNIST's (Yann LeCun, Corinna Cortes, Christopher J. C. Burges; CC BY-SA 3.0 as
commonly stated). digits.LICENSE.txt, beside this file, says how they were chosen.
"""

from pathlib import Path

from numpy_nets.datasets.npy import read_npz
from numpy_nets.datasets.raw import Labelled


def load_data() -> tuple[Labelled, Labelled]:
    """`(x_train, y_train), (x_test, y_test)`: 600 and 100 images of each digit, in shuffled order.

    The training images are from MNIST's training set, the test images from its test set.

    Returns:
        x: (6000, 28, 28) and (1000, 28, 28) uint8, 0 (background) to 255 (ink).
        y: (6000,) and (1000,) uint8, 0 to 9.

    >>> import numpy as np
    >>> from numpy_nets.datasets import digits
    >>> (x_train, y_train), (x_test, y_test) = digits.load_data()
    >>> x_train.shape, x_test.shape
    ((6000, 28, 28), (1000, 28, 28))
    >>> x_train.dtype, int(x_train.min()), int(x_train.max())
    (dtype('uint8'), 0, 255)
    >>> np.bincount(y_test).tolist()  # the number of images of each digit
    [100, 100, 100, 100, 100, 100, 100, 100, 100, 100]
    """
    arrays = read_npz(Path(__file__).with_name("digits.npz"))
    return (arrays["x_train"], arrays["y_train"]), (arrays["x_test"], arrays["y_test"])
