"""Data files of your own: `load_file`, which tells the format, and a reader for each format."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from numpy_nets.datasets.cifar10 import RECORD_SIZE, read_records
from numpy_nets.datasets.idx import DTYPES, GZIP_MAGIC, read_idx
from numpy_nets.datasets.mat import MAT_MAGIC, read_mat
from numpy_nets.datasets.npy import NPY_MAGIC, read_npy, read_npz
from numpy_nets.datasets.raw import Array, faults_named, open_regular

__all__ = ["Splits", "load_file", "read_idx", "read_mat", "read_npy", "read_npz"]

KERAS_NAMES = {"x_train", "y_train", "x_test", "y_test"}
SPLIT_NAMES = {"train": "x_train", "valid": "x_valid", "test": "x_test"}
PLAIN_NAMES = {"x": "x_train", "y": "y_train"}
# What may be an IDX file although its name ends in .bin: gzip, or zero bytes and a type.
IDX_STARTS = (GZIP_MAGIC, *(bytes([0, 0, code]) for code in DTYPES))
FREY_FACE = (28, 20)  # height and width


@dataclass(frozen=True, eq=False)
class Splits:
    """The parts of a data set, None where absent: x (examples, ...), y (examples,) of integers."""

    x_train: Array
    y_train: Array | None = None
    x_valid: Array | None = None
    x_test: Array | None = None
    y_test: Array | None = None


def load_file(path: str | os.PathLike[str]) -> Splits:
    """Read a data set from a file, whose format its first bytes tell:

    - .npz with `x_train` and any of `y_train`, `x_test`, `y_test` (Keras's layout);
    - .npz with `train` and any of `valid`, `test` (Larochelle's binarised MNIST);
    - .npz with `x` and its labels `y`: all of it is for training;
    - .npz with one array, .npy, or IDX, gzip-compressed or not: all of it is `x_train`;
    - .mat with the matrix `ff` of Frey Face, 560 x n: `x_train` is (n, 28, 20).

    A batch of CIFAR-10's binary version has no such first bytes, but a name that ends in .bin:
    `x_train` is (n, 32, 32, 3), and `y_train` holds the labels.

    Arrays keep the dtype and the scale that they have in the file, and may be read-only maps of it.

    Raises:
        ValueError: the file is none of these, an array is empty or holds NaN or infinity, or arrays
            do not fit each other. The message names the file and the fault.
        OSError: the file cannot be read.
    """
    path = Path(path)
    with faults_named(path), open_regular(path) as file:
        start, size = file.read(len(NPY_MAGIC)), os.fstat(file.fileno()).st_size
    if start.startswith(b"PK"):
        splits = _arrange(path, read_npz(path))
    elif start == NPY_MAGIC:
        splits = Splits(read_npy(path))
    elif start == MAT_MAGIC:
        splits = Splits(_frey_faces(path, read_mat(path, "ff")))
    elif path.suffix == ".bin" and not (start.startswith(IDX_STARTS) and size % RECORD_SIZE):
        splits = Splits(*read_records(path))
    elif start.startswith((GZIP_MAGIC, b"\0\0")):
        splits = Splits(read_idx(path))
    else:
        raise ValueError(f"{path}: not an .npz, .npy, IDX, .mat or CIFAR-10 .bin file")

    images = {"x_train": splits.x_train, "x_valid": splits.x_valid, "x_test": splits.x_test}
    for name, x in images.items():
        if x is not None:
            _check_images(f"{path}: {name}", x, splits.x_train.shape[1:])
    y_train = _checked_labels(f"{path}: y_train", splits.y_train, splits.x_train)
    y_test = _checked_labels(f"{path}: y_test", splits.y_test, splits.x_test)
    return Splits(splits.x_train, y_train, splits.x_valid, splits.x_test, y_test)


def _arrange(path: Path, arrays: dict[str, Array]) -> Splits:
    names = set(arrays)
    if "x_train" in names and names <= KERAS_NAMES and ("x_test" in names or "y_test" not in names):
        return Splits(**arrays)
    if "train" in names and names <= set(SPLIT_NAMES):
        return Splits(**{SPLIT_NAMES[name]: array for name, array in arrays.items()})
    if "x" in names and names <= set(PLAIN_NAMES):
        return Splits(**{PLAIN_NAMES[name]: array for name, array in arrays.items()})
    if len(names) == 1:
        return Splits(*arrays.values())
    raise ValueError(
        f"{path}: arrays {sorted(names)}, expected x_train (y_train, x_test, y_test), "
        "or train (valid, test), or x (y), or a single array"
    )


def _frey_faces(path: Path, matrix: Array) -> Array:
    """(560, n) -> (n, 28, 20): each column holds the rows of an image, from top to bottom."""
    height, width = FREY_FACE
    if matrix.ndim != 2 or len(matrix) != height * width:
        raise ValueError(
            f"{path}: ff: expected a matrix of {height * width} rows, with an image of "
            f"{height} x {width} pixels in each column, got shape {matrix.shape}"
        )
    return matrix.T.reshape(-1, height, width)


def _check_images(where: str, x: Array, example: tuple[int, ...]) -> None:
    if x.size == 0:
        raise ValueError(f"{where}: empty array of shape {x.shape}")
    if x.ndim < 2:
        raise ValueError(f"{where}: expected (examples, ...), got shape {x.shape}")
    if x.shape[1:] != example:
        raise ValueError(f"{where}: expected examples of shape {example}, got {x.shape[1:]}")
    # The extremes show NaN and infinity without a temporary as large as the array.
    if not (np.isfinite(x.min()) and np.isfinite(x.max())):
        raise ValueError(f"{where}: holds NaN or infinite values")


def _checked_labels(where: str, y: Array | None, x: Array | None) -> Array | None:
    if y is None or x is None:
        return None
    if y.shape not in ((len(x),), (len(x), 1)):
        raise ValueError(f"{where}: expected {len(x)} labels, one per image, got shape {y.shape}")
    if y.dtype.kind not in "iu":
        raise ValueError(f"{where}: expected integer labels, got {y.dtype}")
    if y.min() < 0:
        raise ValueError(f"{where}: expected labels of 0 and up, got {y.min()}")
    return y.reshape(-1)
