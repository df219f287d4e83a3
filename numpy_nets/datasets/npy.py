"""NumPy's own files: .npy, and .npz, a zip archive of them.

NumPy parses the headers and inflates the data. For a file one trusts, `np.load` does the rest; for
any other it falls short, measured with NumPy 2.4, in what is checked here:

- A header may announce a length of 4 GiB, and `np.load` reserves as much to read it.
- A malformed header may raise TokenError, TypeError, IndexError or MemoryError, and lengths too
  large for an int64 wrap around or raise OverflowError.
- Data that go on after the array are ignored, and texts, dates, complex numbers and records read.
- In an .npz, memory is reserved on the word of a header, however small the archive; members that
  overlap, share a name or are not arrays pass; and no member is memory-mapped.
- No message names the file.

Sources: NumPy Enhancement Proposal 1 (.npy); PKWARE's APPNOTE.TXT 6.3.10, section 4.3.7 (zip).
"""

import io
import os
import struct
import zipfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from numpy_nets.datasets.raw import (
    Array,
    Order,
    Reader,
    check_expansion,
    check_size,
    faults_named,
    map_array,
    open_regular,
)

NPY_MAGIC = np.lib.format.MAGIC_PREFIX
# The longest start of a file before its data: magic string, version and length, then a header of
# the size up to which NumPy takes it to be safe to parse.
LONGEST_START = 12 + 10_000
NUMBERS = "biuf"  # NumPy's letters for booleans, integers and floats
HEADER_READERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
    (3, 0): np.lib.format.read_array_header_2_0,  # differs in the encoding of the names of fields
}


def read_npy(path: str | os.PathLike[str]) -> Array:
    """The array of a .npy file, of any shape, memory-mapped read-only.

    Raises:
        ValueError: the file is not exactly one array of booleans, integers or floats.
        OSError: the file cannot be read. Both messages name the file.
    """
    path = Path(path)
    with faults_named(path), open_regular(path) as file:
        return map_array(path, *_read_header(file, os.fstat(file.fileno()).st_size))


def read_npz(path: str | os.PathLike[str], *, texts: bool = False) -> dict[str, Array]:
    """The arrays of a .npz file, of any shapes, by name.

    Args:
        texts: accept arrays of texts, too, whose characters are not checked.

    Members written by `np.savez` are memory-mapped read-only (their checksums are not verified);
    those written by `np.savez_compressed` are read into memory.

    Raises:
        ValueError: a member is not exactly one array of booleans, integers or floats, or the
            archive is damaged or a decompression bomb.
        OSError: the file cannot be read. Both messages name the file, and the member at fault.
    """
    path = Path(path)
    arrays: dict[str, Array] = {}
    with ExitStack() as stack:
        with faults_named(path):
            file = stack.enter_context(open_regular(path))
            archive = stack.enter_context(zipfile.ZipFile(file))
            members, size = archive.infolist(), os.fstat(file.fileno()).st_size
            # A small archive can pretend to hold a lot by letting its members overlap.
            if sum(member.compress_size for member in members) > size:
                raise ValueError("members overlap, or the archive is truncated")
            check_expansion(sum(member.file_size for member in members), size)
        for member in members:
            with faults_named(f"{path}: member {member.filename!r}"):
                name = member.filename.removesuffix(".npy")
                if name == member.filename or name in arrays:
                    raise ValueError("expected .npy members with distinct names")
                arrays[name] = _read_member(path, archive, member, NUMBERS + "U" * texts)
    return arrays


def _read_member(
    path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo, kinds: str
) -> Array:
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        # zipfile inflates the others by whole blocks, however much memory that takes.
        raise ValueError(f"compression method {member.compress_type}, expected stored or deflated")
    stored = member.compress_type == zipfile.ZIP_STORED
    with archive.open(member) as stream:
        size = member.compress_size if stored else member.file_size
        offset, dtype, shape, order = _read_header(stream, size, kinds)
        if not stored:
            stream.seek(0)
            return np.lib.format.read_array(stream, allow_pickle=False)
    with open(path, "rb") as file:  # a local file header ends in a name and an extra field
        file.seek(member.header_offset)
        name_size, extra_size = struct.unpack("<26xHH", file.read(30))
    offset += member.header_offset + 30 + name_size + extra_size
    return map_array(path, offset, dtype, shape, order)


def _read_header(
    stream: Reader, size: int, kinds: str = NUMBERS
) -> tuple[int, np.dtype[Any], tuple[int, ...], Order]:
    """Where the data of a .npy file of `size` bytes begin, their dtype, shape and order.

    ValueError unless they are of these kinds, as NumPy's letters name them, and fill the file
    exactly.
    """
    start = io.BytesIO(stream.read(LONGEST_START))
    try:
        version = np.lib.format.read_magic(start)
        if version not in HEADER_READERS:
            raise ValueError(f"version {version}, expected one of {[*HEADER_READERS]}")
        shape, fortran, dtype = HEADER_READERS[version](start)
    except Exception as error:  # not ValueError alone: see the top of this file
        raise ValueError(f"malformed .npy header: {error}") from error
    if not all(type(length) is int and length >= 0 for length in shape):
        raise ValueError(f"malformed .npy header: shape {shape}, expected lengths of 0 and up")
    if dtype.kind not in kinds or dtype.itemsize == 0:  # texts of no length may be any number
        or_texts = ", or texts" if "U" in kinds else ""
        raise ValueError(f"dtype {dtype}, expected booleans, integers or floats{or_texts}")
    check_size(dtype, shape, size - start.tell())
    return start.tell(), dtype, shape, "F" if fortran else "C"
