"""What a reader of weights files gives: `plain` from files of one simple layout, `foreign` others.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

LONGEST_ATTRIBUTE = 60_000  # bytes; HDF5 keeps an attribute in a message of less than 64 KiB


class RefusedError(Exception):
    """A fault in a file, said in one line without its name."""


class Dataset(NamedTuple):
    """An array of a file, not yet read.

    Attributes:
        shape: None if it has none.
        dtype: what the file stores, of any kind.
        load: reads it; RefusedError if it cannot be read.
    """

    shape: tuple[int, ...] | None
    dtype: np.dtype[Any]
    load: Callable[[], np.ndarray]


class Contents(NamedTuple):
    """The texts at the root of a file, and its datasets by path."""

    attributes: dict[str, str]
    datasets: dict[str, Dataset]
