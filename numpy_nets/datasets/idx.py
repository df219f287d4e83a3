"""IDX, the format MNIST was published in.

Two zero bytes, a type code, the number of axes, the length of each axis as a big-endian uint32,
then the data in row-major order. Source: http://yann.lecun.com/exdb/mnist/, "The IDX file format".
"""

import gzip
import math
import os
from pathlib import Path
from typing import Any

import numpy as np

from numpy_nets.datasets.raw import (
    Array,
    Reader,
    check_expansion,
    check_size,
    faults_named,
    map_array,
    open_regular,
    read_exactly,
)

GZIP_MAGIC = b"\x1f\x8b"
DTYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def read_idx(path: str | os.PathLike[str]) -> Array:
    """The array of an IDX file, of the shape and in the big-endian dtype that its header declares.

    A plain file is memory-mapped read-only; a gzip-compressed one is read into memory.

    Raises:
        ValueError: the content is not exactly one IDX array, or is a decompression bomb.
        OSError: the file cannot be read, or is not gzip throughout. Both messages name the file.
    """
    path = Path(path)
    with faults_named(path), open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        compressed = file.read(2) == GZIP_MAGIC
        file.seek(0)
        if compressed:
            with gzip.GzipFile(fileobj=file) as stream:
                dtype, shape = _read_header(stream)
                declared = dtype.itemsize * math.prod(shape)
                check_expansion(declared, size)
                data = read_exactly(stream, declared)
                if stream.read(1):  # at the end of the stream, this also verifies the checksum
                    raise ValueError(f"more data than the {declared:,} bytes its header declares")
                return np.frombuffer(data, dtype).reshape(shape)
        dtype, shape = _read_header(file)
        check_size(dtype, shape, size - file.tell())
        return map_array(path, file.tell(), dtype, shape)


def _read_header(stream: Reader) -> tuple[np.dtype[Any], tuple[int, ...]]:
    """The dtype and shape of the data that follow the header.

    >>> import io
    >>> _read_header(io.BytesIO(bytes([0, 0, 0x08, 2, 0, 0, 0, 3, 0, 0, 1, 0])))
    (dtype('uint8'), (3, 256))
    """
    zero, code, axes = int.from_bytes(stream.read(2)), *read_exactly(stream, 2)
    if zero or code not in DTYPES or not axes:
        raise ValueError(
            f"not an IDX file: magic number {zero:04x}{code:02x}{axes:02x}, "
            "expected 0000, a type code 08 to 0e, at least one axis"
        )
    lengths = np.frombuffer(read_exactly(stream, 4 * axes), ">u4")
    return np.dtype(DTYPES[code]), tuple(lengths.tolist())
