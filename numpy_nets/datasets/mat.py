"""MATLAB's .mat files of versions 5 to 7, which is what `save` has written by default since 1999.

After a header of 128 bytes, a file is a sequence of elements, each with a tag that states its type
and length. A variable is an element of type 14, or of type 15 if it is compressed; within it are
elements for its class, its lengths, its name and its numbers, column by column.

`scipy.io.loadmat` reads the same files, and more. It is not used here because it inflates what an
element declares before it compares that with the shape: with SciPy 1.17, a file of 1 MB that
declares 560 x 20 bytes takes up 1.3 GB before it is refused.
Source: MathWorks, "MAT-File Format", chapter 1.
"""

import math
import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np

from numpy_nets.datasets.raw import (
    CHUNK,
    Array,
    Reader,
    check_expansion,
    faults_named,
    open_regular,
    read_exactly,
)

MAT_MAGIC = b"MATLAB"
HEADER_SIZE = 128
MATRIX, COMPRESSED = 14, 15  # types of elements
DTYPES = {
    1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8",
}  # fmt: skip
NUMERIC = range(6, 16)  # the classes double, single, and integers of 8 to 64 bits
COMPLEX = 0x0800  # a flag beside the class
# In bytes. MATLAB's names are shorter than 64, and its arrays seldom have as many as 32 axes.
LONGEST_HEADING = 128


def read_mat(path: str | os.PathLike[str], name: str) -> Array:
    """The array of real numbers that is called `name` in a .mat file.

    Its dtype is the one that the file stores: MATLAB writes a matrix of doubles as bytes if bytes
    can hold its values.

    Raises:
        ValueError: the file has no such array, is damaged, is of another version, or is a
            decompression bomb.
        OSError: the file cannot be read. Both messages name the file.
    """
    path = Path(path)
    names: list[str] = []
    with faults_named(path), open_regular(path) as file:
        order = _byte_order(file.read(HEADER_SIZE))
        for stream, declared in _variables(file, order):
            heading = _heading(stream, order)
            if heading is None:
                continue
            names.append(heading[0])
            if heading[0] == name:
                array = _numbers(stream, order, heading[1], declared)
                if stream is not file and stream.read(1):  # at its end, zlib checks the checksum
                    raise ValueError(f"{name}: more data than its shape {heading[1]} declares")
                return array
        raise ValueError(f"expected an array of real numbers {name!r}, got {names or 'none'}")


def _byte_order(header: bytes) -> str:
    """NumPy's sign for the byte order of a file with this header."""
    orders = {b"\x00\x01IM": "<", b"\x01\x00MI": ">"}
    if header[124:] not in orders:
        raise ValueError(
            "not a .mat file of versions 5 to 7"
            + ("; save it with -v7" if header.startswith(b"MATLAB 7.3") else "")
        )
    return orders[header[124:]]


def _variables(file: IO[bytes], order: str) -> Iterator[tuple[Reader, int]]:
    """The content of each variable as a stream, inflated, and its length in bytes."""
    size = os.fstat(file.fileno()).st_size
    while file.tell() < size:
        kind, length = struct.unpack(order + "II", read_exactly(file, 8))
        end = file.tell() + length
        if end > size:
            raise ValueError(f"truncated: expected {end:,} bytes, got {size:,}")
        if kind == MATRIX:
            yield file, length
        elif kind == COMPRESSED:
            stream = _Inflated(file, length)
            kind, declared = struct.unpack(order + "II", read_exactly(stream, 8))
            check_expansion(declared, length)
            if kind == MATRIX:
                yield stream, declared
        file.seek(end)


def _heading(stream: Reader, order: str) -> tuple[str, tuple[int, ...]] | None:
    """The name and shape of a variable, or None if its values are not real numbers."""
    _, flags = _element(stream, order, LONGEST_HEADING)
    (word,) = struct.unpack_from(order + "I", flags.ljust(4, b"\0"))
    if word & 0xFF not in NUMERIC or word & COMPLEX:
        return None
    _, lengths = _element(stream, order, LONGEST_HEADING)
    if len(lengths) % 4:
        raise ValueError(f"expected lengths of 4 bytes, got {len(lengths)} bytes in all")
    _, name = _element(stream, order, LONGEST_HEADING)
    return name.decode("latin-1"), tuple(np.frombuffer(lengths, order + "i4").tolist())


def _numbers(stream: Reader, order: str, shape: tuple[int, ...], declared: int) -> Array:
    """The array of this shape from the next element of a variable of `declared` bytes."""
    if min(shape, default=-1) < 0:
        raise ValueError(f"shape {shape}, expected lengths of 0 and up")
    kind, data = _element(stream, order, min(declared, 8 * math.prod(shape)))
    if kind not in DTYPES:
        raise ValueError(f"type {kind} of numbers, expected one of {[*DTYPES]}")
    dtype = np.dtype(order + DTYPES[kind])
    if dtype.itemsize * math.prod(shape) != len(data):
        raise ValueError(f"{len(data):,} bytes of data for {dtype} of shape {shape}")
    return np.frombuffer(data, dtype).reshape(shape, order="F")


def _element(stream: Reader, order: str, most: int) -> tuple[int, bytearray]:
    """The type and data of the next element; ValueError if it is longer than `most` bytes.

    Up to 4 bytes of data may lie within the 8 bytes of a tag; others are padded to a multiple of 8.
    """
    tag = read_exactly(stream, 8)
    kind, length = struct.unpack(order + "II", tag)
    if kind >> 16:
        kind, length = kind & 0xFFFF, kind >> 16
        if length > 4:
            raise ValueError(f"an element of {length} bytes within a tag, which has room for 4")
        return kind, tag[4 : 4 + length]
    if length > most:
        raise ValueError(f"an element of {length:,} bytes, expected at most {most:,}")
    data = read_exactly(stream, length)
    read_exactly(stream, -length % 8)
    return kind, data


class _Inflated:
    """The next `length` bytes of a file, decompressed as they are read."""

    def __init__(self, file: IO[bytes], length: int) -> None:
        self._file, self._left, self._zlib = file, length, zlib.decompressobj()

    def read(self, size: int, /) -> bytes:
        """At least one byte and at most `size`; none at the end."""
        while not self._zlib.eof:
            stored = self._zlib.unconsumed_tail
            if not stored:
                stored = self._file.read(min(CHUNK, self._left))
                self._left -= len(stored)
            data = self._zlib.decompress(stored, size)
            if data or not stored:
                return data
        return b""
