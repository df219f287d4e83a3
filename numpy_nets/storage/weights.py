"""Read and write Keras's `.weights.h5`: HDF5 datasets named `<path of the layer>/vars/<k>`.

The layout is the one Keras 3.15 writes (keras/src/saving/saving_lib.py), reduced to what Keras
needs to load it: the datasets. Which paths a model has is for the model to say.

A weights file may come from anywhere, so the reader trusts nothing in it: it follows only hard
links, reads only numbers of the expected shape, unpickles nothing, and neither opens nor imports
anything that the file names.
"""

import io
import itertools
import math
import os
import secrets
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

_SUFFIX = ".weights.h5"
_LONGEST_ATTRIBUTE = 60_000  # bytes; HDF5 keeps an attribute in a message of less than 64 KiB
_LARGEST_SPARE_CHUNK = 1024 * 1024  # bytes; what h5py may choose for a growable dataset of any size

# Filter numbers of the HDF5 specification (format 3.0, section IV.A.2.l).
_DEFLATE, _SHUFFLE = 1, 2


def write_weights(
    path: str | os.PathLike[str],
    arrays: Mapping[str, np.ndarray],
    attributes: Mapping[str, str] = MappingProxyType({}),
    overwrite: bool = True,
) -> None:
    """Write `arrays` to a weights file that Keras loads.

    The file appears whole or not at all: on any failure the file that was at `path` is untouched.
    The same arrays and attributes give the same bytes. NaN and infinities are written, as in Keras,
    so that a model that has diverged can be examined; `read_weights` refuses them.

    Args:
        path: where to write; ends in `.weights.h5`, in a folder that exists.
        arrays: dataset path, such as `layers/dense/vars/0` or `optimizer/vars/0`, to its floating
            or integer array, in the order that the data are to have in the file.
        attributes: texts of up to 60,000 bytes for the root of the file; Keras ignores them.
        overwrite: replace an existing file.

    Raises:
        ValueError: `path` has another ending, or an attribute is too long.
        TypeError: an array is not floating or integer.
        FileExistsError: `path` exists and `overwrite` is False.
        OSError: the folder does not exist or cannot be written.
    """
    import h5py

    path = Path(path)
    if not path.name.endswith(_SUFFIX):
        raise ValueError(f"weights file {path}: the name must end in {_SUFFIX}")
    if path.exists() and not overwrite:
        raise FileExistsError(f"weights file {path}: exists, and overwrite is False")

    image = io.BytesIO()  # so that the disk sees one plain write, whose failure is a plain OSError
    with h5py.File(image, "w") as file:
        for name, array in arrays.items():
            if array.dtype.kind not in "fiu":
                raise TypeError(f"{name}: expected a floating or integer array, got {array.dtype}")
            file.create_dataset(name, data=array)
        for name, text in attributes.items():
            data = text.encode()
            if len(data) > _LONGEST_ATTRIBUTE:
                raise ValueError(f"attribute {name}: {len(data)} bytes, limit {_LONGEST_ATTRIBUTE}")
            file.attrs.create(name, data, dtype=h5py.string_dtype(length=len(data) or 1))

    temporary = path.parent / f".{secrets.token_hex(8)}.tmp"
    try:
        with open(temporary, "xb") as stream:
            stream.write(image.getbuffer())
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    except OSError as error:
        reason = f"cannot write in folder {path.parent}: {error.strerror}"
        raise OSError(f"weights file {path}: {reason}") from error
    finally:
        with suppress(OSError):  # gone after success; after a failure its reason is what counts
            temporary.unlink()


def read_weights(
    path: str | os.PathLike[str],
    expected: Mapping[str, tuple[tuple[int, ...], np.dtype[Any]]],
) -> dict[str, np.ndarray]:
    """Read exactly the datasets that `expected` names, in its order, from a file of any origin.

    Floating data of any precision is cast to the expected dtype; an integer dtype must fit into it.
    Contiguous and chunked storage is read, the latter also with gzip and shuffle.

    Args:
        path: the weights file.
        expected: dataset path to (shape, dtype). Every path must be in the file, and every `vars/k`
            of the file must be named here; only the variables of an optimizer (`optimizer/vars/k`,
            `d_optimizer/vars/k`, ...) may all be left out. Other datasets are ignored, as in Keras.

    Returns:
        Dataset path to an array of its own, writable, of the expected shape and dtype, all finite.

    Raises:
        FileNotFoundError, PermissionError: there is no such file, or it may not be read.
        ValueError: the file is not HDF5, is damaged, belongs to another model, holds values that
            are not finite, or has features that a weights file does not need (links, external or
            virtual data, other filters). The message is one line that names the file.
    """
    with _opened(path) as file:
        stored = _datasets(file)
        missing = [name for name in expected if name not in stored]
        unexpected = [name for name in stored if _is_unexpected(name, expected)]
        misfits = [
            f"{name!r} has shape {stored[name].shape}, expected {shape}"
            for name, (shape, _) in expected.items()
            if name in stored and stored[name].shape != shape
        ]
        differences = [
            f"{label} {_first_few(items)}"
            for label, items in (
                ("missing", [repr(name) for name in missing]),
                ("unexpected", [repr(name) for name in unexpected]),
                ("dataset", misfits),
            )
            if items
        ]
        if differences:
            raise _RefusedError(f"does not fit this model: {'; '.join(differences)}")
        return {name: _values(stored[name], name, dtype) for name, (_, dtype) in expected.items()}


def dataset_paths(path: str | os.PathLike[str]) -> list[str]:
    """The sorted paths of all datasets in a weights file. Raises as `read_weights` does."""
    with _opened(path) as file:
        return sorted(_datasets(file))


def read_attributes(path: str | os.PathLike[str]) -> dict[str, str]:
    """The texts that `write_weights` put on the root of a file. Raises as `read_weights` does.

    Strings of variable length are skipped: reading one from a damaged file can hang HDF5 1.14.
    """
    import h5py

    texts = {}
    with _opened(path) as file:
        for name in file.attrs:
            attribute = file.attrs.get_id(name)
            string = h5py.check_string_dtype(attribute.dtype)
            if attribute.shape != () or string is None or string.length is None:
                continue
            if string.length > _LONGEST_ATTRIBUTE:
                raise _RefusedError(f"attribute {name!r} is longer than {_LONGEST_ATTRIBUTE} bytes")
            texts[name] = bytes(file.attrs[name]).decode()
    return texts


class _RefusedError(Exception):
    """A fault that this module detects, as opposed to an exception from h5py."""


@contextmanager
def _opened(path: str | os.PathLike[str]) -> Iterator[Any]:
    """The open file; every exception raised while it is open becomes one line that names it."""
    import h5py

    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"weights file {path}: not found")
    if not path.is_file():
        raise ValueError(f"weights file {path}: not a regular file")
    try:
        with h5py.File(path, "r") as file:
            yield file
    except PermissionError:
        raise PermissionError(f"weights file {path}: no permission to read it") from None
    except _RefusedError as refusal:
        raise ValueError(f"weights file {path}: {refusal}") from None
    except Exception as error:  # h5py raises OSError, KeyError, TypeError ... on damaged files
        raise ValueError(f"weights file {path}: damaged, or not HDF5: {error!r}") from error


def _datasets(file: Any) -> dict[str, Any]:
    """All datasets of a file by path; refuses anything but a tree of hard links."""
    import h5py

    datasets: dict[str, Any] = {}
    seen = {h5py.h5o.get_info(file.id).addr}
    groups = [("", file)]
    while groups:
        prefix, group = groups.pop()
        for name in group:
            path = prefix + name
            # h5py would resolve a name with a slash as a path, whose links would go unchecked.
            if "/" in name or not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise _RefusedError(f"{path!r} is a soft or external link")
            item = group[name]
            address = h5py.h5o.get_info(item.id).addr
            if address in seen:
                raise _RefusedError(f"{path!r} is a second link to the same object")
            seen.add(address)
            if isinstance(item, h5py.Group):
                groups.append((path + "/", item))
            elif not isinstance(item, h5py.Dataset):
                raise _RefusedError(f"{path!r} is neither a group nor a dataset")
            elif item.external or item.is_virtual:
                raise _RefusedError(f"{path!r} keeps its data in another file")
            else:
                datasets[path] = item
    return datasets


def _is_unexpected(path: str, expected: Mapping[str, Any]) -> bool:
    """Whether the model would have to name the dataset, and does not."""
    owner, is_variable, _ = f"/{path}".rpartition("/vars/")
    if path in expected or not is_variable:
        return False
    unnamed = not any(name.startswith(f"{owner[1:]}/") for name in expected)
    return not (owner.endswith("optimizer") and unnamed)


def _first_few(items: list[str]) -> str:
    rest = f" and {len(items) - 3} more" if len(items) > 3 else ""
    return ", ".join(items[:3]) + rest


def _values(dataset: Any, name: str, dtype: np.dtype[Any]) -> np.ndarray:
    """The values of a dataset of the expected shape, cast to `dtype`; refuses NaN and infinity."""
    stored = dataset.dtype
    integers = stored.kind in "iu" and dtype.kind in "iu" and np.can_cast(stored, dtype)
    if not integers and not (stored.kind == dtype.kind == "f"):
        raise _RefusedError(f"{name!r} holds {stored}, expected {dtype}")
    _check_storage(dataset, name)
    # The allocation is bounded by the model, because the shape is the one that it expects.
    with np.errstate(over="ignore"):  # float64 beyond float32 becomes inf, and is refused below
        values = np.array(dataset[()], dtype=dtype)
    if not np.isfinite(values).all():
        raise _RefusedError(f"{name!r} holds values that are not finite in {dtype}")
    return values


def _check_storage(dataset: Any, name: str) -> None:
    """Refuse a dataset unless the file stores all of it, and its chunks decode to their size.

    HDF5 inflates a gzip chunk to whatever length the chunk has, not to the length that it should
    have, and loads a plug-in for a filter that it does not know. So the filters and the length of
    every chunk are checked before HDF5 decodes anything.
    """
    if dataset.chunks is None:
        if (length := dataset.id.get_storage_size()) != dataset.nbytes:
            raise _RefusedError(f"{name!r} stores {length} bytes, expected {dataset.nbytes}")
        return

    settings = dataset.id.get_create_plist()
    filters = [settings.get_filter(k)[0] for k in range(settings.get_nfilters())]
    if filters not in ([], [_SHUFFLE], [_DEFLATE], [_SHUFFLE, _DEFLATE]):
        raise _RefusedError(f"{name!r} has filters {filters}, expected gzip and shuffle at most")
    size = math.prod(dataset.chunks) * dataset.dtype.itemsize
    if size > max(dataset.nbytes, _LARGEST_SPARE_CHUNK):
        raise _RefusedError(f"{name!r} has chunks of {size} bytes for {dataset.nbytes} bytes")

    steps = [range(0, n, step) for n, step in zip(dataset.shape, dataset.chunks, strict=True)]
    for corner in itertools.product(*steps):
        info = dataset.id.get_chunk_info_by_coord(corner)
        if info.byte_offset is None:  # then the rest of `info` is undefined
            raise _RefusedError(f"{name!r} has a chunk that is not stored")
        length = info.size
        # A chunk that gzip would not shrink is stored as it is, with the filter's bit in its mask.
        if _DEFLATE in filters and not info.filter_mask & 1 << filters.index(_DEFLATE):
            if info.size > 2 * size + 1024:
                raise _RefusedError(f"{name!r} has a gzip chunk longer than its data")
            _, packed = dataset.id.read_direct_chunk(corner)
            length = len(zlib.decompressobj().decompress(packed, size + 1))
        if length != size:
            raise _RefusedError(f"{name!r} has a chunk of {length} bytes or more, expected {size}")
