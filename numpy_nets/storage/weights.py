"""Read and write Keras's `.weights.h5`: HDF5 datasets named `<path of the layer>/vars/<k>`.

The layout is the one Keras 3.15 writes (keras/src/saving/saving_lib.py), reduced to what Keras
needs to load it: the datasets. Which paths a model has is for the model to say.

A weights file may come from anywhere, so the reader trusts nothing in it: it follows only hard
links, reads only numbers of the expected shape, unpickles nothing, and neither opens nor imports
anything that the file names. The HDF5 library reads it only in a process of its own (`foreign`);
the layout that is written here, `plain` reads itself.
"""

import io
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from numpy_nets.datasets.raw import open_regular
from numpy_nets.storage import foreign, plain
from numpy_nets.storage.contents import LONGEST_ATTRIBUTE, Contents, Dataset, RefusedError

_SUFFIX = ".weights.h5"


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
            if len(data) > LONGEST_ATTRIBUTE:
                raise ValueError(f"attribute {name}: {len(data)} bytes, limit {LONGEST_ATTRIBUTE}")
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
    shapes = {name: shape for name, (shape, _) in expected.items()}
    with _opened(path, shapes) as contents:
        stored = contents.datasets
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
            raise RefusedError(f"does not fit this model: {'; '.join(differences)}")
        return {name: _values(stored[name], name, dtype) for name, (_, dtype) in expected.items()}


def dataset_paths(path: str | os.PathLike[str]) -> list[str]:
    """The sorted paths of all datasets in a weights file. Raises as `read_weights` does."""
    with _opened(path) as contents:
        return sorted(contents.datasets)


def read_attributes(path: str | os.PathLike[str]) -> dict[str, str]:
    """The texts that `write_weights` put on the root of a file. Raises as `read_weights` does.

    Other attributes, such as strings of variable length, are skipped.
    """
    with _opened(path) as contents:
        return contents.attributes


@contextmanager
def _opened(
    path: str | os.PathLike[str], shapes: Mapping[str, tuple[int, ...]] = MappingProxyType({})
) -> Iterator[Contents]:
    """The contents of a file, of which the datasets in `shapes` can be loaded; names all faults."""
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"weights file {path}: not found")
    try:
        with ExitStack() as stack:
            file = stack.enter_context(open_regular(path))
            try:
                contents = plain.read(file)
            except plain.NotPlainError:
                contents = stack.enter_context(foreign.opened(path, shapes))
            yield contents
    except PermissionError:
        raise PermissionError(f"weights file {path}: no permission to read it") from None
    except (RefusedError, ValueError) as refusal:
        raise ValueError(f"weights file {path}: {refusal}") from None


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


def _values(dataset: Dataset, name: str, dtype: np.dtype[Any]) -> np.ndarray:
    """The values of a dataset of the expected shape, cast to `dtype`; refuses NaN and infinity."""
    stored = dataset.dtype
    integers = stored.kind in "iu" and dtype.kind in "iu" and np.can_cast(stored, dtype)
    if not integers and not (stored.kind == dtype.kind == "f"):
        raise RefusedError(f"{name!r} holds {stored}, expected {dtype}")
    with np.errstate(over="ignore"):  # float64 beyond float32 becomes inf, and is refused below
        values = np.array(dataset.load(), dtype=dtype)
    if not np.isfinite(values).all():
        raise RefusedError(f"{name!r} holds values that are not finite in {dtype}")
    return values
