"""The bytes of one array: described by a header, then read from a stream or mapped from a file.

A header is a claim made by an untrusted file. Nothing is allocated on its word alone: memory grows
with the bytes that really arrive, and a compressed file may claim what compression can explain.
"""

import math
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Labelled = tuple[NDArray[np.uint8], NDArray[np.uint8]]  # images, labels

CHUNK = 1 << 20
# Deflate codes at most 258 bytes in 2 bits, 1032 to 1 (RFC 1951).
DEFLATE_LIMIT = 1032
# Beyond this size, data that shrink more than BOMB_RATIO-fold are taken for a decompression bomb.
BOMB_SIZE, BOMB_RATIO = 256 << 20, 200


class Reader(Protocol):
    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True)
class Header:
    """What a file says its data are."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    order: Literal["C", "F"] = "C"

    def __post_init__(self) -> None:
        if self.nbytes >= 2**63:
            raise ValueError("header declares more data than a file can hold")

    @property
    def nbytes(self) -> int:
        return self.dtype.itemsize * math.prod(self.shape)


# What the standard library raises on malformed archives, beside built-in exceptions.
ARCHIVE_ERRORS = (zlib.error, zipfile.BadZipFile, tarfile.TarError)


@contextmanager
def faults_named(where: object) -> Iterator[None]:
    """Turn every fault of a file's content into one line that begins with `where`."""
    try:
        yield
    except OSError as error:
        if error.filename is not None:
            raise
        raise OSError(f"{where}: {_one_line(error)}") from error
    except (ValueError, OverflowError, EOFError, RuntimeError, *ARCHIVE_ERRORS) as error:
        raise ValueError(f"{where}: {_one_line(error)}") from error


def read_exactly(stream: Reader, count: int) -> bytearray:
    """`count` bytes; ValueError if the stream ends before."""
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
            f"header declares {declared:,} bytes of data, "
            f"more than the {stored:,} compressed bytes account for"
        )


def read_array(stream: Reader, header: Header, stored: int) -> Array:
    """The array that fills the rest of `stream`, which decompresses `stored` bytes of a file."""
    check_expansion(header.nbytes, stored)
    data = read_exactly(stream, header.nbytes)
    if stream.read(1):
        raise ValueError(f"more data than the {header.nbytes:,} bytes its header declares")
    return np.ndarray(header.shape, header.dtype, data, order=header.order)


def map_array(path: Path, offset: int, header: Header, stored: int) -> Array:
    """The array whose data are the `stored` bytes at `offset`, memory-mapped read-only."""
    if header.nbytes != stored:
        raise ValueError(f"header declares {header.nbytes:,} bytes of data, file holds {stored:,}")
    if header.nbytes == 0:  # the operating system cannot map zero bytes
        return np.empty(header.shape, header.dtype, header.order)
    return np.memmap(path, header.dtype, "r", offset, header.shape, header.order)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
