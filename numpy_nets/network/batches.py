"""The batches of `fit`, `evaluate` and `predict`, from arrays or from an iterable of batches.

The argument `data` of a `train_step` is x alone, (x, y), or (x, y, sample_weight), where x and y
are Tensors, or lists of Tensors for a model of several inputs or outputs. If x is a list and comes
alone, data is the tuple (x,).
"""

import math
import mmap
from collections.abc import Iterable, Iterator, Mapping, Sized
from typing import Any

import numpy as np

from numpy_nets import config
from numpy_nets.autodiff.tensor import Array, Tensor
from numpy_nets.blocks import SIZE, blocks
from numpy_nets.checks import number, positive_int
from numpy_nets.nested import flatten


def pack_x_y_sample_weight(x: Any, y: Any = None, sample_weight: Any = None) -> Any:
    """The `data` of a `train_step`: x if it is one array and comes alone, otherwise a tuple."""
    if sample_weight is not None:
        return (x, y, sample_weight)
    if y is not None:
        return (x, y)
    return (x,) if isinstance(x, list | tuple) else x


def unpack_x_y_sample_weight(data: Any) -> tuple[Any, Any, Any]:
    """The parts (x, y, sample_weight) of a `train_step`'s data, with None for a missing part.

    >>> unpack_x_y_sample_weight(("x", "y"))
    ('x', 'y', None)
    """
    if not isinstance(data, list | tuple):
        return data, None, None
    if not 1 <= len(data) <= 3:
        raise ValueError(f"data: expected (x, y, sample_weight), got a tuple of {len(data)}")
    x, y, sample_weight = (*data, None, None)[:3]
    return x, y, sample_weight


def weigh_classes(y: Any, sample_weight: Any, class_weight: dict[int, float] | None) -> Any:
    """sample_weight; or with class_weight, the weight of each sample's class, or else 1.

    >>> weigh_classes(np.array([0, 2, 1]), None, {0: 2.0, 1: 0.5}).tolist()
    [2.0, 1.0, 0.5]

    Args:
        y: classes as integers (batch,) or (batch, 1), or one-hot (batch, classes).

    Raises:
        ValueError: sample_weight beside class_weight, or no targets.
    """
    if class_weight is None:
        return sample_weight
    if sample_weight is not None:
        raise ValueError("class_weight: expected no sample_weight beside it")
    if not isinstance(y, np.ndarray | Tensor):
        raise ValueError("class_weight: expected one array of targets y")
    classes = y.array if isinstance(y, Tensor) else y
    if classes.ndim > 1:
        classes = classes[..., 0] if classes.shape[-1] == 1 else classes.argmax(axis=-1)
    weights = [class_weight.get(int(c), 1.0) for c in np.round(classes)]
    return np.array(weights, config.floatx())


def one_batch(x: Any, y: Any = None, sample_weight: Any = None) -> Any:
    """All samples as one batch, after the checks that `Batches` makes."""
    parts, _ = _checked(x, y, sample_weight)
    return pack_x_y_sample_weight(*(_take(part, slice(None)) for part in parts))


class Batches:
    """Data in batches, which can be iterated over once an epoch.

    Args:
        x, y, sample_weight: arrays, or lists and tuples of arrays, with the same number of samples.
            Or x is any other iterable of batches, each like `data` above, and the others are None;
            it is iterated over once an epoch, in its own order.
        batch_size: the samples in a batch, 32 by default; the last batch holds the remainder.
        what: names the source of the data in errors, before x, y and sample_weight.

    Raises:
        TypeError: if x is neither arrays nor an iterable.
        ValueError: if arrays are empty, of different lengths, or have values that are not finite;
            or if batch_size is not a positive integer.

    >>> [len(x.array) for x in Batches(np.zeros((7, 2)), batch_size=3).epoch()]
    [3, 3, 1]
    """

    class_weight: dict[int, float] | None = None  # see `weigh_classes`

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
            # Text and dicts are iterables too, but not of batches.
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
            try:
                self.steps: int | None = len(x) if isinstance(x, Sized) else None
            except TypeError:  # tf.data has a length that may be unknown
                self.steps = None
            return
        self.batch_size = positive_int("batch_size", 32 if batch_size is None else batch_size)
        self.parts, self.samples = _checked(x, y, sample_weight, what)
        self.steps = -(-self.samples // self.batch_size)

    def epoch(self, order: Array | None = None) -> Iterator[Any]:
        """The batches of one epoch, with the samples permuted by `order` (samples,)."""
        if self.iterable is not None:
            for data in self.iterable:
                x, y, sample_weight = unpack_x_y_sample_weight(data)
                yield one_batch(x, y, weigh_classes(y, sample_weight, self.class_weight))
            return
        for start in range(0, self.samples, self.batch_size):
            stop = start + self.batch_size
            yield self.at(slice(start, stop) if order is None else order[start:stop])

    def at(self, index: Any) -> Any:
        """The samples at an index, a slice or an array of integers, as one batch."""
        x, y, sample_weight = self.parts
        inputs = _take(x, index)
        targets = inputs if y is x else _take(y, index)  # an autoencoder's y is its x
        if self.class_weight is None:
            weights = _take(sample_weight, index)
        else:
            by_class = weigh_classes(_cut(y, index), sample_weight, self.class_weight)
            weights = _take(by_class, slice(None))
        return pack_x_y_sample_weight(inputs, targets, weights)

    def split(self, fraction: float) -> tuple["Batches", "Batches"]:
        """The samples before the last `fraction` of them, and that fraction."""
        if self.iterable is not None:
            raise ValueError("validation_split: expected x to be arrays, got an iterable")
        fraction = number("validation_split", fraction, "(0, 1)")
        at = int(self.samples * (1 - fraction))
        if at in (0, self.samples):
            raise ValueError(f"validation_split: {self.samples} samples are too few for {fraction}")
        return self._part(slice(0, at)), self._part(slice(at, None))

    def _part(self, where: slice) -> "Batches":
        x, y, sample_weight = (_cut(part, where) for part in self.parts)
        return Batches(x, y, sample_weight, self.batch_size)


def _checked(x: Any, y: Any, sample_weight: Any, what: str = "") -> tuple[list[Any], int]:
    """The parts x, y and sample_weight, with every array checked, and the number of samples."""
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
    """The same nested lists with Tensors as arrays; raises unless all are arrays of numbers."""
    if nested is None:
        return None
    if isinstance(nested, list | tuple):
        return [_arrays(name, item) for item in nested]
    array = nested.array if isinstance(nested, Tensor) else nested
    if not isinstance(array, np.ndarray):
        raise TypeError(
            f"{name}: expected an array, got {type(array).__name__} "
            "(np.array turns a list of numbers into one)"
        )
    if array.dtype.kind not in "fiub":
        raise ValueError(f"{name}: expected numbers, got an array of {array.dtype}")
    if array.ndim == 0 or array.size == 0:
        raise ValueError(f"{name}: expected samples, got an array of shape {array.shape}")
    return array


def _check_finite(name: str, array: Array) -> None:
    """In blocks of rows: the array may be a file that is larger than the memory."""
    if array.dtype.kind != "f":
        return
    rows = max(1, SIZE // math.prod(array.shape[1:]))
    with np.errstate(all="ignore"):
        for where in blocks(len(array), rows):
            block = array[where]
            used = block.astype(config.floatx(), copy=False)  # as `_take` casts it
            # A sum finds any NaN or infinity in one pass, but it may overflow.
            if np.isfinite(used.sum()) or np.isfinite(used).all():
                continue
            first, *others = np.argwhere(~np.isfinite(used))[0].tolist()
            value = block[(first, *others)]
            why = f", which is too large for {config.floatx()}" if np.isfinite(value) else ""
            at = [where.start + first, *others]
            raise ValueError(f"{name}: expected finite values, got {value} at {at}{why}")


def _expect(array: Array, shuffled: bool) -> None:
    """Tell the kernel how a memory-mapped file will be read.

    It expects to go on from where it is, and reads 128 KB for a row of 3 KB. With the rows of a
    shuffled batch, and a file of 32 GB on a machine with 23, a batch took 300 ms, and takes 23 ms
    (`python -m benchmarks large-file`).
    """
    file = getattr(array, "_mmap", None)  # np.memmap has it, and so have its slices
    if isinstance(file, mmap.mmap) and hasattr(mmap, "MADV_RANDOM"):  # Windows has no madvise
        file.madvise(mmap.MADV_RANDOM if shuffled else mmap.MADV_NORMAL)


def _cut(nested: Any, where: Any) -> Any:
    if isinstance(nested, list):
        return [_cut(item, where) for item in nested]
    return None if nested is None else nested[where]


def _take(nested: Any, index: Any) -> Any:
    """The samples at `index` as Tensors, floats among them cast to `config.floatx()`."""
    if isinstance(nested, list):
        return [_take(item, index) for item in nested]
    if nested is None:
        return None
    _expect(nested, shuffled=not isinstance(index, slice))
    array = nested[index]
    if array.dtype.kind == "f":
        array = array.astype(config.floatx(), copy=False)
    return Tensor(array, "data")
