"""--data: a name or a file, as images in [0, 1] ready for training."""

import hashlib
import math
import os
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from numpy_nets.autodiff.tensor import Array
from numpy_nets.datasets import cifar10, digits, fashion_mnist, mnist
from numpy_nets.datasets.readers import Splits, load_file
from numpy_nets.naming import suggest

NAMES: dict[str, ModuleType] = {
    "digits": digits, "mnist": mnist, "fashion-mnist": fashion_mnist, "cifar10": cifar10,
}  # fmt: skip


class Images(NamedTuple):
    """Images of a data set, float32 in [0, 1].

    Attributes:
        x_train, y_train: (n, pixels), and labels (n,) or None.
        x_test, y_test: (m, pixels), and labels (m,) or None.
        image_shape: (height, width), or (height, width, 3) in colour, or (pixels,) if the data are
            not images.
        sha256: tells two data sets apart.
        x_valid: for validation, where the data have it; then x_test is for the end only.
        trained_on: False if a model was trained on other images than x_train.
        names: of the columns, if they have any.
    """

    x_train: Array
    y_train: Array | None
    x_test: Array
    y_test: Array | None
    image_shape: tuple[int, ...]
    sha256: str
    x_valid: Array | None = None
    trained_on: bool = True
    names: tuple[str, ...] = ()

    @property
    def drawable(self) -> bool:
        """Whether the data are images."""
        return drawable(self.image_shape)

    @property
    def validation(self) -> tuple[Array, Array | None]:
        """The images to validate on, and their labels."""
        return (self.x_test, self.y_test) if self.x_valid is None else (self.x_valid, None)

    @property
    def classes(self) -> int:
        """The number of classes, one more than the largest label; 0 if an image has no label."""
        if self.y_train is None or self.y_test is None or self.x_valid is not None:
            return 0
        return int(max(self.y_train.max(), self.y_test.max())) + 1


def load_images(name: str) -> Images:
    """The data set of this name, or that in the file of this path.

    If a file has no test images, the last tenth of its images becomes those.

    Raises:
        ValueError, OSError: if there is no such name or file, the file is damaged, or its values
            are neither bytes nor in [0, 1].
    """
    if name in NAMES:
        (x_train, y_train), (x_test, y_test) = NAMES[name].load_data()
        splits = Splits(x_train, y_train.reshape(-1), None, x_test, y_test.reshape(-1))
    elif os.path.exists(name):
        try:
            splits = load_file(name)
        except ValueError as error:
            raise ValueError(f"--data {error}") from error
    else:
        raise ValueError(f"--data: no data set or file {name!r}; {suggest(name, NAMES)}, or a path")
    x_train, y_train, x_valid, x_test, y_test = (
        splits.x_train, splits.y_train, splits.x_valid, splits.x_test, splits.y_test
    )  # fmt: skip
    if x_test is None:
        test = len(x_train) // 10
        if test == 0:
            raise ValueError(f"--data {name}: expected at least 10 samples, got {len(x_train)}")
        print(f"{name} has no test images: its last {test} samples are held out for the test")
        x_train, x_test = x_train[:-test], x_train[-test:]
        if y_train is not None:
            y_train, y_test = y_train[:-test], y_train[-test:]
            unseen = np.setdiff1d(y_test, y_train).size
            if unseen:
                print(f"{unseen} of their classes occur in no training sample: is the file sorted?")
    digest = hashlib.sha256()
    parts = [x for x in (x_train, x_test, x_valid) if x is not None]
    for part in parts:
        digest.update(np.ascontiguousarray(part).data)
    scale = _scale(name, *parts)
    return Images(
        _pixels(x_train, scale), y_train, _pixels(x_test, scale), y_test,
        _image_shape(x_train.shape[1:]), digest.hexdigest(),
        None if x_valid is None else _pixels(x_valid, scale),
    )  # fmt: skip


def _scale(name: str, *splits: Any) -> float:
    """The divisor that brings pixels to [0, 1]: 255 for bytes, 1 for values there already."""
    low, high = min(x.min() for x in splits), max(x.max() for x in splits)
    if low >= 0 and high <= 1:
        return 1.0
    if all(x.dtype == np.uint8 for x in splits):
        return 255.0
    dtypes = " and ".join(dict.fromkeys(str(x.dtype) for x in splits))
    raise ValueError(
        f"--data {name}: expected bytes, or values in [0, 1], got {dtypes} from {low:g} to {high:g}"
        + ("; divide them by 255" if low >= 0 and 1 < high <= 255 else "")
    )


def _pixels(x: Any, scale: float) -> Array:
    """(n, ...) -> (n, pixels), float32 in [0, 1]."""
    flat = np.array(x.reshape(len(x), -1), np.float32)  # a copy, in memory
    flat /= np.float32(scale)
    return flat


def _image_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    """(height, width), (height, width, 3), or (pixels,), from the shape of a sample.

    >>> _image_shape((28, 20)), _image_shape((28, 20, 1)), _image_shape((32, 32, 3))
    ((28, 20), (28, 20), (32, 32, 3))
    >>> _image_shape((784,)), _image_shape((200,)), _image_shape((3, 32, 32))
    ((28, 28), (200,), (3072,))
    """
    if drawable(shape):
        return shape
    if len(shape) == 3 and shape[2] == 1:
        return shape[:2]
    side = math.isqrt(shape[0]) if len(shape) == 1 else 0
    return (side, side) if side * side == shape[0] else (math.prod(shape),)


def drawable(image_shape: tuple[int, ...]) -> bool:
    """Whether samples of this shape are images: (height, width) grey, (height, width, 3) colour."""
    return len(image_shape) == 2 or (len(image_shape) == 3 and image_shape[2] == 3)


def describe(image_shape: tuple[int, ...]) -> str:
    """What samples of this shape are, for a message.

    >>> describe((28, 28)), describe((32, 32, 3)), describe((200,))
    ('grey images of (28, 28)', 'colour images of (32, 32, 3)', 'samples of (200,)')
    """
    kinds = {2: "grey images", 3: "colour images"}
    kind = kinds[len(image_shape)] if drawable(image_shape) else "samples"
    return f"{kind} of {image_shape}"


def fits(image_shape: tuple[int, ...], run: tuple[int, ...]) -> bool:
    """Whether a run of the shape `run` can take data of this shape.

    The shape of a run with colour images was (pixels,) before such images were drawn.
    """
    return run in (image_shape, (math.prod(image_shape),))
