"""What `fit`, `evaluate` and `predict` take their batches from: arrays, or an iterable of batches.

`data` is what a `train_step` gets: x alone, or the tuple (x, y) or (x, y, sample_weight), where x
and y are Tensors, or lists of Tensors for several inputs.
"""

from collections.abc import Iterable, Iterator, Sized
from typing import Any

import numpy as np

from numpy_nets import config
from numpy_nets.autodiff.tensor import Array, Tensor
from numpy_nets.base_layer import flatten


def pack_x_y_sample_weight(x: Any, y: Any = None, sample_weight: Any = None) -> Any:
    """x alone if there is nothing else, otherwise a tuple."""
    if sample_weight is not None:
        return (x, y, sample_weight)
    return x if y is None else (x, y)


def unpack_x_y_sample_weight(data: Any) -> tuple[Any, Any, Any]:
    """(x, y, sample_weight) of what a `train_step` gets, None where there is none."""
    if not isinstance(data, tuple):
        return data, None, None
    if not 1 <= len(data) <= 3:
        raise ValueError(f"data: expected (x, y, sample_weight), got a tuple of {len(data)}")
    x, y, sample_weight = (*data, None, None)[:3]
    return x, y, sample_weight


class Batches:
    """Iterate over data in batches, as often as asked.

    Args:
        x, y, sample_weight: arrays, or lists and tuples of arrays, of one length; or, with the
            others None, x is any other iterable whose elements are batches as in `data`. An
            iterable is gone through once an epoch and brings its own order.
        batch_size: 32 if None; the last batch holds what is left.

    Raises:
        ValueError: empty or mismatched arrays, NaN or infinite values, a wrong batch size.
    """

    def __init__(
        self, x: Any, y: Any = None, sample_weight: Any = None, batch_size: int | None = None
    ) -> None:
        self.iterable: Iterable[Any] | None = None
        if not isinstance(x, np.ndarray | Tensor | list | tuple):
            if not isinstance(x, Iterable):
                raise TypeError(
                    f"x: expected arrays or an iterable of batches, got {type(x).__name__}"
                )
            if y is not None or sample_weight is not None or batch_size is not None:
                raise ValueError(
                    "x is an iterable of batches, which brings its own targets, weights and "
                    "batch size: expected no y, sample_weight or batch_size"
                )
            self.iterable = x
            self.steps: int | None = len(x) if isinstance(x, Sized) else None
            return
        if batch_size is None:
            batch_size = 32
        if not isinstance(batch_size, int | np.integer) or batch_size < 1:
            raise ValueError(f"batch_size: expected a positive integer, got {batch_size!r}")
        self.batch_size = int(batch_size)
        self.x, self.y = _arrays("x", x), _arrays("y", y)
        self.sample_weight = _arrays("sample_weight", sample_weight)
        if not flatten(self.x):
            raise ValueError("x: expected at least one array, got none")
        self.samples = len(flatten(self.x)[0])
        for name, nested in (("x", self.x), ("y", self.y), ("sample_weight", self.sample_weight)):
            for array in flatten(nested):
                if len(array) != self.samples:
                    raise ValueError(f"{name}: expected {self.samples} samples, got {len(array)}")
        self.steps = -(-self.samples // self.batch_size)

    def epoch(self, order: Array | None = None) -> Iterator[Any]:
        """The batches of one epoch; `order` is a permutation of the samples."""
        if self.iterable is not None:
            for data in self.iterable:
                yield pack_x_y_sample_weight(
                    *(_tensors(part) for part in unpack_x_y_sample_weight(data))
                )
            return
        for start in range(0, self.samples, self.batch_size):
            stop = start + self.batch_size
            index = slice(start, stop) if order is None else order[start:stop]
            yield pack_x_y_sample_weight(
                *(_take(part, index) for part in (self.x, self.y, self.sample_weight))
            )

    def split(self, fraction: float) -> tuple["Batches", "Batches"]:
        """All but the last `fraction` of the samples, and those."""
        if self.iterable is not None:
            raise ValueError("validation_split: expected x to be arrays, got an iterable")
        if not 0 < fraction < 1:
            raise ValueError(f"validation_split: expected a number in (0, 1), got {fraction!r}")
        at = int(self.samples * (1 - fraction))
        if at in (0, self.samples):
            raise ValueError(f"validation_split: {self.samples} samples are too few for {fraction}")
        return self._part(slice(0, at)), self._part(slice(at, None))

    def _part(self, where: slice) -> "Batches":
        x, y, sample_weight = (_cut(a, where) for a in (self.x, self.y, self.sample_weight))
        return Batches(x, y, sample_weight, self.batch_size)


def _arrays(name: str, nested: Any) -> Any:
    """Tensors as arrays, every array checked."""
    if nested is None:
        return None
    if isinstance(nested, list | tuple) and any(
        isinstance(item, np.ndarray | Tensor | list | tuple) for item in nested
    ):
        return [_arrays(name, item) for item in nested]
    array = nested.array if isinstance(nested, Tensor) else np.asarray(nested)
    if array.dtype.kind not in "fiub":
        raise ValueError(f"{name}: expected numbers, got an array of {array.dtype}")
    if array.ndim == 0 or array.size == 0:
        raise ValueError(f"{name}: expected samples, got an array of shape {array.shape}")
    # One sum finds any NaN or infinity in a single pass that allocates nothing.
    if array.dtype.kind == "f":
        with np.errstate(all="ignore"):
            finite = np.isfinite(array.sum()) or bool(np.isfinite(array).all())
        if not finite:
            where = np.argwhere(~np.isfinite(array))[0].tolist()
            raise ValueError(f"{name}: expected finite values, got {array[tuple(where)]} at {where}")
    return array


def _cut(nested: Any, where: slice) -> Any:
    if isinstance(nested, list):
        return [_cut(item, where) for item in nested]
    return None if nested is None else nested[where]


def _take(nested: Any, index: Any) -> Any:
    """The samples at `index` as Tensors; floats in the dtype that models compute in."""
    if isinstance(nested, list):
        return [_take(item, index) for item in nested]
    return None if nested is None else _tensors(nested[index])


def _tensors(nested: Any) -> Any:
    if nested is None or isinstance(nested, Tensor):
        return nested
    if isinstance(nested, list | tuple):
        return [_tensors(item) for item in nested]
    array = np.asarray(nested)
    if array.dtype.kind == "f":
        array = array.astype(config.floatx(), copy=False)
    return Tensor(array, "data")
