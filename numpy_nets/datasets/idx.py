"""IDX, the format MNIST was published in.

Two zero bytes, a type code, the number of axes, the length of each axis as a big-endian uint32,
then the data in row-major order. Source: http://yann.lecun.com/exdb/mnist/, "The IDX file format".
"""

import gzip
import os
from pathlib import Path

import numpy as np

from numpy_nets.datasets.raw import (
    Array,
    Header,
    Reader,
    faults_named,
    map_array,
    read_array,
    read_exactly,
)

GZIP_MAGIC = b"\x1f\x8b"
DTYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def read_idx(path: str | os.PathLike[str]) -> Array:
    """The array of an IDX file, in the file's own big-endian dtype.

    A plain file is memory-mapped read-only; a gzip-compressed one is read into memory. ValueError
    or OSError, naming the file, if the content is not exactly one IDX array.
    """
    path = Path(path)
    with faults_named(path), open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        compressed = file.read(2) == GZIP_MAGIC
        file.seek(0)
        if compressed:
            with gzip.GzipFile(fileobj=file) as stream:
                return read_array(stream, _read_header(stream), stored=size)
        header = _read_header(file)
        return map_array(path, file.tell(), header, stored=size - file.tell())


def _read_header(stream: Reader) -> Header:
    zero, code, axes = int.from_bytes(stream.read(2)), *read_exactly(stream, 2)
    if zero or code not in DTYPES or not axes:
        raise ValueError(
            f"not an IDX file: magic number {zero:04x}{code:02x}{axes:02x}, "
            "expected 0000, a type code 08 to 0e, at least one axis"
        )
    shape = np.frombuffer(read_exactly(stream, 4 * axes), ">u4")
    return Header(np.dtype(DTYPES[code]), tuple(shape.tolist()))
