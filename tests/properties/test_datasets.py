"""Any bytes at all give the right array, or one line that names the file, in little memory."""

import gzip
import io
import struct
from collections.abc import Callable

import numpy as np
import pytest
from damage import damaged, read_or_named_fault
from hypothesis import given
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


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("damaged") / "file"


def any_bytes(valid: list[bytes]) -> st.SearchStrategy[bytes]:
    return st.one_of(damaged(valid), damaged(valid), st.binary(max_size=64))


@given(content=any_bytes(VALID_IDX))
def test_idx(path, content):
    array = read_or_named_fault(read_idx, path, content)
    if array is not None:
        plain = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
        assert plain[4 + 4 * plain[3] :] == array.tobytes()


@given(content=any_bytes(VALID_NPY))
def test_npy(path, content):
    array = read_or_named_fault(read_npy, path, content)
    if array is not None:
        expected = np.load(io.BytesIO(content), allow_pickle=False)
        assert array.dtype == expected.dtype and array.shape == expected.shape
        assert array.tobytes() == expected.tobytes()


@given(content=any_bytes(VALID_NPZ))
def test_npz(path, content):
    for array in (read_or_named_fault(read_npz, path, content) or {}).values():
        array.tobytes()


@given(content=any_bytes(VALID_IDX + VALID_NPY + VALID_NPZ))
def test_file_of_any_format(path, content):
    splits = read_or_named_fault(load_file, path, content)
    if splits is not None:
        assert splits.x_train.size > 0 and np.isfinite(splits.x_train).all()
