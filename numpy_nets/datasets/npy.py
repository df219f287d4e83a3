"""NumPy's own files: .npy, and .npz, a zip archive of them.

A .npy file is a magic string, a version, the header's length, the header — a Python dict literal
with `descr`, `fortran_order` and `shape` — then the data. Source: NumPy Enhancement Proposal 1.
`np.load` would do for files one trusts; here a header is checked before memory is spent on it.
"""

import ast
import os
import re
import struct
import zipfile
from pathlib import Path

import numpy as np

from numpy_nets.datasets.raw import (
    Array,
    Header,
    Reader,
    check_expansion,
    faults_named,
    map_array,
    read_array,
    read_exactly,
)

NPY_MAGIC = b"\x93NUMPY"
MAX_HEADER = 10_000  # NumPy's own limit: parsing a long literal can exhaust the interpreter's stack
REAL_DTYPE = re.compile(r"[<>|=]?[biuf]\d{1,2}")


def read_npy(path: str | os.PathLike[str]) -> Array:
    """The array of a .npy file, memory-mapped read-only.

    ValueError or OSError, naming the file, unless it is exactly one array of booleans, integers or
    floats.
    """
    path = Path(path)
    with faults_named(path), open(path, "rb") as file:
        header = _read_header(file)
        stored = os.fstat(file.fileno()).st_size - file.tell()
        return map_array(path, file.tell(), header, stored)


def read_npz(path: str | os.PathLike[str]) -> dict[str, Array]:
    """The arrays of a .npz file by name.

    Members written by `np.savez` are memory-mapped read-only (their checksums are not verified),
    those written by `np.savez_compressed` are read into memory. ValueError or OSError, naming the
    file and the member, unless every member is one array of booleans, integers or floats.
    """
    path = Path(path)
    arrays: dict[str, Array] = {}
    with faults_named(path):
        archive = zipfile.ZipFile(path)
    with archive:
        members, size = archive.infolist(), path.stat().st_size
        # Overlapping members are how a small archive feigns to hold a lot.
        if sum(member.compress_size for member in members) > size:
            raise ValueError(f"{path}: members overlap, or the archive is truncated")
        with faults_named(path):
            check_expansion(sum(member.file_size for member in members), size)
        for member in members:
            with faults_named(f"{path}: member {member.filename!r}"):
                name = member.filename.removesuffix(".npy")
                if name == member.filename or name in arrays:
                    raise ValueError("expected .npy members with distinct names")
                arrays[name] = _read_member(path, archive, member)
    return arrays


def _read_member(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Array:
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"compression method {member.compress_type}, expected stored or deflated")
    with archive.open(member) as stream:
        header = _read_header(stream)
        if member.compress_type == zipfile.ZIP_DEFLATED:
            return read_array(stream, header, stored=member.compress_size)
        npy_header_size = stream.tell()
    with open(path, "rb") as file:  # a local file header ends in a name and an extra field
        file.seek(member.header_offset)
        name_size, extra_size = struct.unpack("<26xHH", read_exactly(file, 30))
    offset = member.header_offset + 30 + name_size + extra_size + npy_header_size
    return map_array(path, offset, header, stored=member.compress_size - npy_header_size)


def _read_header(stream: Reader) -> Header:
    if stream.read(len(NPY_MAGIC)) != NPY_MAGIC:
        raise ValueError("not a .npy array: wrong magic string")
    version, minor = read_exactly(stream, 2)
    if version not in (1, 2, 3) or minor:
        raise ValueError(f".npy version {version}.{minor}, expected 1.0, 2.0 or 3.0")
    size = int.from_bytes(read_exactly(stream, 2 if version == 1 else 4), "little")
    if size > MAX_HEADER:
        raise ValueError(f".npy header of {size:,} bytes, expected at most {MAX_HEADER:,}")
    literal = read_exactly(stream, size).decode("utf-8" if version == 3 else "latin-1")
    try:
        fields = ast.literal_eval(literal)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        raise ValueError("malformed .npy header") from None
    match fields:
        case {"descr": descr, "fortran_order": bool(fortran), "shape": tuple(shape)}:
            pass
        case _:
            raise ValueError("malformed .npy header")
    if len(fields) != 3 or not all(type(length) is int and length >= 0 for length in shape):
        raise ValueError("malformed .npy header")
    if not isinstance(descr, str) or not REAL_DTYPE.fullmatch(descr):
        raise ValueError(f"dtype {descr!r}, expected booleans, integers or floats")
    try:
        dtype = np.dtype(descr)
    except TypeError:
        raise ValueError(f"dtype {descr!r} is unknown") from None
    return Header(dtype, shape, "F" if fortran else "C")
