"""CIFAR-10 (Krizhevsky 2009, "Learning Multiple Layers of Features from Tiny Images").

It is read from the binary version, because the one that Keras downloads consists of pickles, and
unpickling runs whatever program the file holds. A batch is 10,000 records of one label byte and
3,072 pixel bytes: the red, green and blue planes, each 32x32 row by row.
Source: https://www.cs.toronto.edu/~kriz/cifar.html
"""

import hashlib
import os
import tarfile
from pathlib import Path
from typing import IO

import numpy as np

from numpy_nets.datasets.download import cache_dir, fetch
from numpy_nets.datasets.raw import Labelled, faults_named, open_regular, read_exactly

URL = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"
SHA256 = "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"
FOLDER = "cifar-10-batches-bin"
BATCH_MD5 = {
    "data_batch_1.bin": "5dd7e06a14cb22eb9f671a540d1b7c25",
    "data_batch_2.bin": "5ea93a67294ea407fff1d09f752e9692",
    "data_batch_3.bin": "942cd6a4bcdd0dd3c604fbe906cb4421",
    "data_batch_4.bin": "ae636b3ba5c66a11e91e8cb52e771fcb",
    "data_batch_5.bin": "53f37980c15c3d472c316c40844f3f0d",
    "test_batch.bin": "803d5f7f4d78ea53de84dbe85f74fb6d",
}
RECORDS, RECORD_SIZE = 10_000, 1 + 3 * 32 * 32
BATCH_SIZE = RECORDS * RECORD_SIZE


def load_data() -> tuple[Labelled, Labelled]:
    """`(x_train, y_train), (x_test, y_test)`, the arrays that keras.datasets.cifar10 returns.

    Returns:
        x: (50000, 32, 32, 3) and (10000, 32, 32, 3) uint8, 0 to 255, the channels red, green, blue.
        y: (50000, 1) and (10000, 1) uint8: 0 airplane, 1 automobile, 2 bird, 3 cat, 4 deer, 5 dog,
            6 frog, 7 horse, 8 ship, 9 truck.

    Batches that are already unpacked in `cifar-10-batches-bin` in Keras's cache are used; missing
    ones are unpacked from the archive, which is downloaded if it is not in the cache either.

    Raises:
        ValueError: a file is not one of CIFAR-10's.
        OSError: a file is not in the cache and cannot be downloaded, or cannot be read or written.
    """
    folder = cache_dir() / FOLDER
    missing = {name for name in BATCH_MD5 if not (folder / name).exists()}
    if missing:
        unpack(fetch(cache_dir() / "cifar-10-binary.tar.gz", URL, SHA256), folder, missing)
    x_train = np.empty((5 * RECORDS, 32, 32, 3), np.uint8)
    y_train = np.empty((5 * RECORDS, 1), np.uint8)
    *train, test = BATCH_MD5
    for i, name in enumerate(train):
        rows = slice(i * RECORDS, (i + 1) * RECORDS)
        x_train[rows], y_train[rows] = read_batch(folder / name)
    return (x_train, y_train), read_batch(folder / test)


def read_batch(path: Path) -> Labelled:
    """x (10000, 32, 32, 3) and y (10000, 1) uint8 of a batch file.

    Raises:
        ValueError: the file has another size, or a label above 9.
        OSError: the file cannot be read.
    """
    with faults_named(path), open_regular(path) as file:
        if (size := os.fstat(file.fileno()).st_size) != BATCH_SIZE:
            raise ValueError(f"expected {BATCH_SIZE:,} bytes, got {size:,}")
        return _records(file)


def read_records(path: Path) -> Labelled:
    """x (n, 32, 32, 3) and y (n, 1) uint8 of a file with any number of a batch's records.

    Raises:
        ValueError: the file is not a whole number of records, is empty, or has a label above 9.
        OSError: the file cannot be read.
    """
    with faults_named(path), open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size == 0 or size % RECORD_SIZE:
            raise ValueError(
                f"expected records of {RECORD_SIZE:,} bytes each, as CIFAR-10's binary version "
                f"has, got {size:,} bytes in all"
            )
        return _records(file)


def _records(file: IO[bytes]) -> Labelled:
    records = np.fromfile(file, np.uint8).reshape(-1, RECORD_SIZE)
    x, y = records[:, 1:].reshape(-1, 3, 32, 32), records[:, :1]
    if y.max() > 9:
        raise ValueError(f"expected labels 0 to 9, got {y.max()}")
    return np.ascontiguousarray(x.transpose(0, 2, 3, 1)), y.copy()


def unpack(archive: Path, folder: Path, names: set[str]) -> None:
    """Write the batches `names` of the tar file `archive` into `folder`.

    Only the archive that was published is opened: of another one, tarfile would read into memory a
    name of gigabytes that are compressed to a megabyte. Only contents are taken from it, never
    paths, links or permissions, and a batch appears under its name only when its MD5 is right.

    Raises:
        ValueError: the archive is not the published one, or does not hold each batch.
        OSError: the archive cannot be read, or the folder cannot be written.
    """
    missing = {f"{FOLDER}/{name}" for name in names}
    with faults_named(archive), open_regular(archive) as file:
        if (digest := hashlib.file_digest(file, "sha256").hexdigest()) != SHA256:
            raise ValueError(
                f"expected the published SHA-256 {SHA256}, got {digest}; "
                "move the file away to have it downloaded again"
            )
        file.seek(0)
        folder.mkdir(parents=True, exist_ok=True)
        with tarfile.open(fileobj=file, mode="r|gz") as tar:
            for member in tar:
                if member.name in missing and member.isreg() and member.size == BATCH_SIZE:
                    content = tar.extractfile(member)
                    assert content is not None  # None only if the member is not a regular file
                    _write_batch(folder / Path(member.name).name, read_exactly(content, BATCH_SIZE))
                    missing.remove(member.name)
                if not missing:
                    return
    raise ValueError(f"{archive}: has no regular file of {BATCH_SIZE:,} bytes as {min(missing)}")


def _write_batch(path: Path, data: bytearray) -> None:
    if hashlib.md5(data, usedforsecurity=False).hexdigest() != BATCH_MD5[path.name]:
        raise ValueError(f"{path.name} does not have the published MD5 {BATCH_MD5[path.name]}")
    part = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        part.write_bytes(data)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
