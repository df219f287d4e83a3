"""Any bytes at all give the right array, or one line that names the file."""

import gzip
import io
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from numpy_nets.datasets.idx import read_idx
from numpy_nets.datasets.npy import read_npy, read_npz
from numpy_nets.datasets.readers import load_file

IMAGES = np.arange(24, dtype="u1").reshape(2, 3, 4)
IDX = b"\0\0\x08\3" + struct.pack(">3I", *IMAGES.shape) + IMAGES.tobytes()


def saved(save: Callable[..., None], *arrays: np.ndarray, **named: np.ndarray) -> bytes:
    file = io.BytesIO()
    save(file, *arrays, **named)
    return file.getvalue()


VALID_IDX = [IDX, gzip.compress(IDX, mtime=0)]
VALID_NPY = [saved(np.save, a) for a in (IMAGES, IMAGES * 0.5, np.asfortranarray(IMAGES))]
VALID_NPZ = [
    saved(save, x_train=IMAGES, y_train=IMAGES[0, 0, :2])
    for save in (np.savez, np.savez_compressed)
]


def read_or_named_fault(read: Callable[[Path], Any], path: Path, content: bytes) -> Any:
    """What `read` makes of a file with this content: its result, or None for a proper error."""
    path.write_bytes(content)
    try:
        return read(path)
    except (ValueError, OSError) as error:
        assert str(path) in str(error)
        assert len(str(error).splitlines()) == 1
        return None


@st.composite
def damaged(draw: st.DrawFn, originals: list[bytes]) -> bytes:
    """One of `originals` with a few bytes changed, and perhaps cut, lengthened or spliced."""
    content = bytearray(draw(st.sampled_from(originals)))
    for _ in range(draw(st.integers(0, 4))):
        content[draw(st.integers(0, len(content) - 1))] = draw(st.integers(0, 255))
    start = draw(st.integers(0, len(content)))
    kind = draw(st.sampled_from(["as is", "cut", "insert", "append"]))
    extra = draw(st.binary(min_size=1, max_size=8))
    if kind == "cut":
        del content[start:]
    elif kind == "insert":
        content[start:start] = extra
    elif kind == "append":
        content += extra
    return bytes(content)


def fuzz(valid: list[bytes]) -> Callable[..., Any]:
    contents = st.one_of(st.binary(max_size=64), damaged(valid))
    return lambda test: settings(max_examples=150, deadline=None)(given(content=contents)(test))


@fuzz(VALID_IDX)
def test_idx(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "fuzz-idx"
    array = read_or_named_fault(read_idx, path, content)
    if array is not None:
        plain = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
        assert plain[4 + 4 * plain[3] :] == array.tobytes()


@fuzz(VALID_NPY)
def test_npy(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "fuzz.npy"
    array = read_or_named_fault(read_npy, path, content)
    if array is not None:
        expected = np.load(io.BytesIO(content), allow_pickle=False)
        assert array.dtype == expected.dtype and array.shape == expected.shape
        assert array.tobytes() == expected.tobytes()


@fuzz(VALID_NPZ)
def test_npz(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "fuzz.npz"
    for array in (read_or_named_fault(read_npz, path, content) or {}).values():
        array.tobytes()


@fuzz(VALID_IDX + VALID_NPY + VALID_NPZ)
def test_file_of_any_format(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "fuzz-any"
    splits = read_or_named_fault(load_file, path, content)
    if splits is not None:
        assert splits.x_train.size > 0 and np.isfinite(splits.x_train).all()
