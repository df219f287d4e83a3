"""What `fit`, `evaluate` and `predict` take their batches from: arrays, or an iterable of batches.

`data` is what a `train_step` gets: x alone, or the tuple (x, y) or (x, y, sample_weight), where x
and y are Tensors, or lists of Tensors for several inputs; a list x alone comes as the tuple (x,).
"""

from collections.abc import Iterable, Iterator, Mapping, Sized
from typing import Any

import numpy as np

from numpy_nets import config
from numpy_nets.autodiff.tensor import Array, Tensor
from numpy_nets.nested import flatten


def pack_x_y_sample_weight(x: Any, y: Any = None, sample_weight: Any = None) -> Any:
    """x alone if it is one array and all there is, otherwise a tuple."""
    if sample_weight is not None:
        return (x, y, sample_weight)
    if y is not None:
        return (x, y)
    return (x,) if isinstance(x, list | tuple) else x


def unpack_x_y_sample_weight(data: Any) -> tuple[Any, Any, Any]:
    """(x, y, sample_weight) of what a `train_step` gets, None where there is none."""
    if not isinstance(data, list | tuple):
        return data, None, None
    if not 1 <= len(data) <= 3:
        raise ValueError(f"data: expected (x, y, sample_weight), got {len(data)} of them")
    x, y, sample_weight = (*data, None, None)[:3]
    return x, y, sample_weight


def one_batch(x: Any, y: Any = None, sample_weight: Any = None) -> Any:
    """All the samples as one batch, with the checks that `Batches` makes."""
    parts, _ = _checked(x, y, sample_weight)
    return pack_x_y_sample_weight(*(_take(part, slice(None)) for part in parts))


class Batches:
    """Iterate over data in batches, as often as asked.

    Args:
        x, y, sample_weight: arrays, or lists and tuples of arrays, of one length; or, with the
            others None, x is any other iterable whose elements are batches as in `data`. An
            iterable is gone through once an epoch and brings its own order.
        batch_size: 32 if None; the last batch holds what is left.
        what: where the data come from, put before x, y and sample_weight in errors.

    Raises:
        TypeError: data that are neither.
        ValueError: empty or mismatched arrays, NaN or infinite values, a wrong batch size.
    """

    def __init__(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        batch_size: int | None = None,
        what: str = "",
    ) -> None:
        self.iterable: Iterable[Any] | None = None
        if not isinstance(x, np.ndarray | Tensor | list | tuple):
            # Text and tables are iterables too, but of no batches.
            if isinstance(x, str | bytes | Mapping) or not isinstance(x, Iterable):
                raise TypeError(
                    f"{what}x: expected arrays or an iterable of batches, got {type(x).__name__}"
                )
            if y is not None or sample_weight is not None or batch_size is not None:
                raise ValueError(
                    f"{what}x is an iterable of batches, which brings its own targets, weights "
                    "and batch size: expected no y, sample_weight or batch_size"
                )
            self.iterable = x
            self.steps: int | None = len(x) if isinstance(x, Sized) else None
            return
        if batch_size is None:
            batch_size = 32
        if not isinstance(batch_size, int | np.integer) or batch_size < 1:
            raise ValueError(f"batch_size: expected a positive integer, got {batch_size!r}")
        self.batch_size = int(batch_size)
        self.parts, self.samples = _checked(x, y, sample_weight, what)
        self.steps = -(-self.samples // self.batch_size)

    def epoch(self, order: Array | None = None) -> Iterator[Any]:
        """The batches of one epoch; `order` is a permutation of the samples."""
        if self.iterable is not None:
            for data in self.iterable:
                yield one_batch(*unpack_x_y_sample_weight(data))
            return
        for start in range(0, self.samples, self.batch_size):
            stop = start + self.batch_size
            index = slice(start, stop) if order is None else order[start:stop]
            x, y, sample_weight = self.parts
            taken = _take(x, index)
            # An autoencoder's y is its x.
            targets = taken if y is x else _take(y, index)
            yield pack_x_y_sample_weight(taken, targets, _take(sample_weight, index))

    def split(self, fraction: float) -> tuple["Batches", "Batches"]:
        """All but the last `fraction` of the samples, and those."""
        if self.iterable is not None:
            raise ValueError("validation_split: expected x to be arrays, got an iterable")
        if not isinstance(fraction, float | np.floating) or not 0 < fraction < 1:
            raise ValueError(f"validation_split: expected a number in (0, 1), got {fraction!r}")
        at = int(self.samples * (1 - fraction))
        if at in (0, self.samples):
            raise ValueError(f"validation_split: {self.samples} samples are too few for {fraction}")
        return self._part(slice(0, at)), self._part(slice(at, None))

    def _part(self, where: slice) -> "Batches":
        x, y, sample_weight = (_cut(part, where) for part in self.parts)
        return Batches(x, y, sample_weight, self.batch_size)


def _checked(x: Any, y: Any, sample_weight: Any, what: str = "") -> tuple[list[Any], int]:
    """x, y and sample_weight, every array checked, and the number of samples."""
    named = {f"{what}x": x, f"{what}y": y, f"{what}sample_weight": sample_weight}
    parts = [_arrays(name, nested) for name, nested in named.items()]
    if not flatten(parts[0]):
        raise ValueError(f"{what}x: expected at least one array, got none")
    samples = len(flatten(parts[0])[0])
    seen: list[Array] = []
    for name, nested in zip(named, parts, strict=True):
        for array in flatten(nested):
            if len(array) != samples:
                raise ValueError(f"{name}: expected {samples} samples, got {len(array)}")
            if not any(array is other for other in seen):  # an autoencoder's y is its x
                _check_finite(name, array)
                seen.append(array)
    return parts, samples


def _arrays(name: str, nested: Any) -> Any:
    """Tensors as arrays, and arrays of numbers only."""
    if nested is None:
        return None
    if isinstance(nested, list | tuple):
        return [_arrays(name, item) for item in nested]
    array = nested.array if isinstance(nested, Tensor) else nested
    if not isinstance(array, np.ndarray):
        raise TypeError(
            f"{name}: expected an array, got {type(array).__name__} "
            "(np.array makes one of a list of numbers)"
        )
    if array.dtype.kind not in "fiub":
        raise ValueError(f"{name}: expected numbers, got an array of {array.dtype}")
    if array.ndim == 0 or array.size == 0:
        raise ValueError(f"{name}: expected samples, got an array of shape {array.shape}")
    return array


def _check_finite(name: str, array: Array) -> None:
    if array.dtype.kind != "f":
        return
    # One sum finds any NaN or infinity in a single pass that allocates nothing.
    with np.errstate(all="ignore"):
        finite = np.isfinite(array.sum()) or bool(np.isfinite(array).all())
    if not finite:
        at = np.argwhere(~np.isfinite(array))[0].tolist()
        raise ValueError(f"{name}: expected finite values, got {array[tuple(at)]} at {at}")


def _cut(nested: Any, where: slice) -> Any:
    if isinstance(nested, list):
        return [_cut(item, where) for item in nested]
    return None if nested is None else nested[where]


def _take(nested: Any, index: Any) -> Any:
    """The samples at `index` as Tensors; floats in the dtype that models compute in."""
    if isinstance(nested, list):
        return [_take(item, index) for item in nested]
    if nested is None:
        return None
    array = nested[index]
    if array.dtype.kind == "f":
        array = array.astype(config.floatx(), copy=False)
    return Tensor(array, "data")
