"""What the readers of untrusted files share: bounds on memory, and faults in one line.

A header is a claim made by an untrusted file. Before memory is spent on it, the claim is held
against the size of the file: a compressed file may claim what compression can explain, any other
must hold exactly the bytes it declares.
"""

import io
import math
import os
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Labelled = tuple[NDArray[np.uint8], NDArray[np.uint8]]  # images, labels
Order = Literal["C", "F"]

CHUNK = 1 << 20
# Deflate codes at most 258 bytes in 2 bits, 1032 to 1 (RFC 1951).
DEFLATE_LIMIT = 1032
# Beyond this size, data that shrink more than BOMB_RATIO-fold are taken for a decompression bomb.
BOMB_SIZE, BOMB_RATIO = 256 << 20, 200
# What the standard library raises on malformed archives, in addition to built-in exceptions.
ARCHIVE_ERRORS = (zlib.error, zipfile.BadZipFile, tarfile.TarError)


# What a path may lead to, beside a regular file.
KINDS = {
    stat.S_IFDIR: "folder", stat.S_IFIFO: "named pipe", stat.S_IFSOCK: "socket",
    stat.S_IFCHR: "device", stat.S_IFBLK: "device",
}  # fmt: skip


class Reader(Protocol):
    def read(self, size: int, /) -> bytes: ...


@contextmanager
def faults_named(where: object) -> Iterator[None]:
    """Turn every fault in the content of a file into one line that begins with `where`."""
    try:
        yield
    except OSError as error:
        if error.filename is not None:
            raise
        raise OSError(f"{where}: {_one_line(error)}") from error
    except (ValueError, OverflowError, EOFError, RuntimeError, *ARCHIVE_ERRORS) as error:
        raise ValueError(f"{where}: {_one_line(error)}") from error


def open_regular(path: Path) -> io.BufferedReader:
    """Open a file for reading; ValueError at once if it could keep the reader waiting, or endless.

    A named pipe waits for somebody to write; a device such as /dev/zero has no end.
    """
    kind = stat.S_IFMT(os.stat(path).st_mode)
    if kind != stat.S_IFREG:
        raise ValueError(f"expected a regular file, got a {KINDS.get(kind, 'special file')}")
    return open(path, "rb")


def _one_line(error: Exception) -> str:
    """The message, cut at 300 characters: NumPy quotes the whole header that it cannot parse."""
    line = " ".join(str(error).split()) or type(error).__name__
    return line if len(line) <= 300 else f"{line[:300]} ..."


def read_exactly(stream: Reader, count: int) -> bytearray:
    """The next `count` bytes; ValueError if the stream ends before.

    Memory grows with the bytes that arrive, where `stream.read(count)` may reserve it all at once.
    """
    data = bytearray()
    while len(data) < count:
        chunk = stream.read(min(CHUNK, count - len(data)))
        if not chunk:
            raise ValueError(f"truncated: expected {count:,} bytes, got {len(data):,}")
        data += chunk
    return data


def check_expansion(declared: int, stored: int) -> None:
    """ValueError if `stored` bytes of a file should decompress to an implausible `declared`."""
    if declared > min(DEFLATE_LIMIT * stored, max(BOMB_RATIO * stored, BOMB_SIZE)):
        raise ValueError(
            f"{stored:,} compressed bytes do not account for the {declared:,} bytes declared"
        )


def check_size(dtype: np.dtype[Any], shape: tuple[int, ...], size: int) -> None:
    """ValueError unless an array of this dtype and shape has exactly `size` bytes."""
    if dtype.itemsize * math.prod(shape) != size:  # Python's integers do not overflow
        raise ValueError(
            f"the header declares {dtype} of shape {shape}, but {size:,} bytes of data follow it"
        )


def map_array(
    path: Path, offset: int, dtype: np.dtype[Any], shape: tuple[int, ...], order: Order = "C"
) -> Array:
    """The array at byte `offset` of a file, memory-mapped read-only."""
    if 0 in shape:  # nothing to map; np.memmap would multiply the other lengths, and may overflow
        return np.empty(shape, dtype, order)
    return np.memmap(path, dtype, "r", offset, shape, order)
