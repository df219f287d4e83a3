"""Any bytes at all give the right array, or one line that names the file, in little memory."""

import gzip
import hashlib
import io
import shutil
import struct
import tarfile
import zipfile
from collections.abc import Callable
from unittest.mock import patch

import numpy as np
import pytest
import scipy.io
from damage import damaged, read_or_named_fault
from hypothesis import example, given
from hypothesis import strategies as st

from numpy_nets.datasets import cifar10
from numpy_nets.datasets.baskets import read_baskets
from numpy_nets.datasets.idx import read_idx
from numpy_nets.datasets.mat import read_mat
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
VALID_MAT = [
    saved(scipy.io.savemat, {"s": "text", "ff": IMAGES[0] * scale}, do_compression=compressed)
    for scale in (1, 0.5)
    for compressed in (False, True)
]

TICKS = np.eye(3, 10, dtype="u1")
VALID_BASKETS = [
    saved(save, baskets=baskets, items=np.array([f"item {i}" for i in range(10)]), shape=[3, 10])
    for save in (np.savez, np.savez_compressed)
    for baskets in (TICKS, np.packbits(TICKS, axis=1))
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
    arrays = read_or_named_fault(read_npz, path, content)
    expected = members(content) if arrays is not None else None
    if expected is not None:
        assert set(arrays) == set(expected)
        for name, array in arrays.items():
            assert array.dtype == expected[name].dtype and array.shape == expected[name].shape
            assert array.tobytes() == expected[name].tobytes()


@given(content=any_bytes(VALID_BASKETS))
def test_baskets(path, content):
    baskets = read_or_named_fault(read_baskets, path, content)
    if baskets is not None:
        x, items, _ = baskets
        assert x.dtype == np.uint8 and x.shape[1] == len(items) and set(np.unique(x)) <= {0, 1}
        assert len({name.casefold() for name in items}) == len(items)
        assert all(name.isprintable() for name in items)


@given(content=any_bytes(VALID_MAT))
def test_mat(path, content):
    array = read_or_named_fault(lambda p: read_mat(p, "ff"), path, content)
    if array is not None:
        assert array.dtype.kind in "iuf" and array.nbytes < 10_000


def members(content: bytes) -> dict[str, np.ndarray] | None:
    """The arrays of a .npz file; None if a checksum is wrong, which no memory map notices."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        try:
            read = {name: archive.read(name) for name in archive.namelist()}
        except zipfile.BadZipFile:
            return None
    return {
        name.removesuffix(".npy"): np.lib.format.read_array(io.BytesIO(data), allow_pickle=False)
        for name, data in read.items()
    }


def training_images(content: bytes) -> bytes | None:
    """The training images of a valid file, without numpy_nets; None where `members` is None."""
    if content[:2] == b"PK":
        arrays = members(content)
        return arrays and arrays["x_train"].tobytes()
    if content[:6] == b"\x93NUMPY":
        return np.load(io.BytesIO(content), allow_pickle=False).tobytes()
    plain = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
    return plain[4 + 4 * plain[3] :]


@given(content=any_bytes(VALID_IDX + VALID_NPY + VALID_NPZ))
def test_file_of_any_format(path, content):
    splits = read_or_named_fault(load_file, path, content)
    if splits is not None:
        assert splits.x_train.size > 0 and np.isfinite(splits.x_train).all()
        assert training_images(content) in (None, splits.x_train.tobytes())


# Batches of three records instead of ten thousand.
RECORDS = 3
BATCHES = {
    name: np.random.default_rng(i).integers(0, 10, RECORDS * cifar10.RECORD_SIZE, "u1").tobytes()
    for i, name in enumerate(cifar10.BATCH_MD5)
}
SMALL = {
    "RECORDS": RECORDS,
    "BATCH_SIZE": RECORDS * cifar10.RECORD_SIZE,
    "BATCH_MD5": {name: hashlib.md5(content).hexdigest() for name, content in BATCHES.items()},
}


def archive(kind: str) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=f"w:{kind}") as tar:
        for name, content in BATCHES.items():
            member = tarfile.TarInfo(f"{cifar10.FOLDER}/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return file.getvalue()


VALID_ARCHIVE = archive("gz")
SMALL["SHA256"] = hashlib.sha256(VALID_ARCHIVE).hexdigest()


@given(content=any_bytes([VALID_ARCHIVE]))
@example(content=b"\x1f\x8b\x08")
@example(content=VALID_ARCHIVE)
def test_cifar10_archive(path, content):
    """Batches are written, all of them, only if every byte is right."""
    folder = path.with_name("unpacked")
    shutil.rmtree(folder, ignore_errors=True)
    with patch.multiple(cifar10, **SMALL):
        names = set(BATCHES)
        read_or_named_fault(lambda p: cifar10.unpack(p, folder, names), path, content)
    unpacked = {file.name: file.read_bytes() for file in folder.glob("*")}
    assert unpacked == (BATCHES if content == VALID_ARCHIVE else {})


@given(content=any_bytes([*BATCHES.values()]))
def test_cifar10_batch(path, content):
    with patch.multiple(cifar10, **SMALL):
        batch = read_or_named_fault(cifar10.read_batch, path, content)
    if batch is not None:
        x, y = batch
        planes = np.frombuffer(content, "u1").reshape(RECORDS, -1)
        np.testing.assert_array_equal(y, planes[:, :1])
        np.testing.assert_array_equal(x[:, 1, 2], planes[:, 1:].reshape(-1, 3, 32, 32)[:, :, 1, 2])
