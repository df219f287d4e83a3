"""MNIST handwritten digits (LeCun, Cortes, Burges; CC BY-SA 3.0 as commonly stated)."""

from pathlib import Path

from numpy_nets.datasets.download import BASE_URL, cache_dir, checked, fetch
from numpy_nets.datasets.npy import read_npz
from numpy_nets.datasets.raw import Labelled

SHA256 = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"
SHAPES = {
    "x_train": (60000, 28, 28), "y_train": (60000,), "x_test": (10000, 28, 28), "y_test": (10000,),
}  # fmt: skip


def load_data(path: str = "mnist.npz") -> tuple[Labelled, Labelled]:
    """`(x_train, y_train), (x_test, y_test)`, the arrays that keras.datasets.mnist returns.

    Args:
        path: the name of the file in Keras's cache.

    Returns:
        x: (60000, 28, 28) and (10000, 28, 28) uint8, 0 (background) to 255 (ink).
        y: (60000,) and (10000,) uint8, 0 to 9.

    Raises:
        ValueError: `path` is not a mere file name, or the file does not hold MNIST's arrays.
        OSError: the file is not in the cache and cannot be downloaded, or cannot be read.
    """
    if Path(path).name != path:
        raise ValueError(f"mnist.load_data: expected path to be a file name, got {path!r}")
    file = fetch(cache_dir() / path, BASE_URL + "mnist.npz", SHA256)
    arrays = read_npz(file)
    if not arrays.keys() >= SHAPES.keys():
        raise ValueError(f"{file}: expected arrays {list(SHAPES)}, got {list(arrays)}")
    x_train, y_train, x_test, y_test = (
        checked(f"{file}: {name}", arrays[name], shape) for name, shape in SHAPES.items()
    )
    return (x_train, y_train), (x_test, y_test)
