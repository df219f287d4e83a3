"""The HDF5 that `write_weights` and Keras write, read without the HDF5 library.

HDF5 1.14 crashes on some damaged files, and whoever calls it crashes with it. Of the format's many
layouts, weights files use the oldest: groups that are B-trees of names, and datasets that lie in
one piece. These few structures are read here; any other, and every file that is not sound, is left
to `foreign`.

Source: The HDF Group, "HDF5 File Format Specification Version 3.0"; the sections are named below.
All numbers are little-endian; addresses and lengths have 8 bytes.
"""

import math
import os
import struct
from collections.abc import Iterator
from typing import IO, Any

import numpy as np

from numpy_nets.storage.contents import LONGEST_ATTRIBUTE, Contents, Dataset, RefusedError

SIGNATURE = b"\x89HDF\r\n\x1a\n"
UNDEFINED = 2**64 - 1  # the address of what does not exist
MOST_STRUCTURE = 16 << 20  # bytes; a variable needs some 500

# Types of header messages (section IV.A.2).
NIL, DATASPACE, DATATYPE, OLD_FILL_VALUE, FILL_VALUE, LAYOUT = 0x00, 0x01, 0x03, 0x04, 0x05, 0x08
ATTRIBUTE, CONTINUATION, SYMBOL_TABLE = 0x0C, 0x10, 0x11
GROUP_MESSAGES = {NIL, ATTRIBUTE, SYMBOL_TABLE}
DATASET_MESSAGES = {NIL, DATASPACE, DATATYPE, OLD_FILL_VALUE, FILL_VALUE, LAYOUT, ATTRIBUTE}

Message = tuple[int, bytes]  # type, data


class NotPlainError(Exception):
    """The file is of another layout, or damaged."""


def read(file: IO[bytes]) -> Contents:
    """What a weights file holds; the data are read from `file` when they are asked for.

    Raises:
        NotPlainError: the file is of another layout, or damaged; this does not say which.
        RefusedError: the file is not HDF5, or shorter than it says.
    """
    source = _Source(file)
    place = 0  # or 512, 1024, 2048 ..., where others may have put something else before (II.A)
    while file.seek(place) + len(SIGNATURE) <= source.size and file.read(8) != SIGNATURE:
        place = 2 * place or 512
    if place + len(SIGNATURE) > source.size:
        raise RefusedError("damaged, or not HDF5: its signature is missing")
    try:
        return _contents(source)
    except (struct.error, ValueError) as error:  # of a name: without its end, or not UTF-8
        raise NotPlainError(str(error)) from None


class _Source:
    """The bytes of a file, of which only so many are read for its structure.

    A sound file needs each byte once. One whose structures overlap would cost time and memory.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self.file, self.size = file, os.fstat(file.fileno()).st_size
        self._left = min(4 * self.size, MOST_STRUCTURE)

    def bytes(self, address: int, count: int) -> bytes:
        self.spend(count)
        if address + count > self.size:
            raise NotPlainError(f"{count} bytes at {address} end beyond the file")
        self.file.seek(address)
        return self.file.read(count)

    def numbers(self, form: str, address: int) -> tuple[Any, ...]:
        form = "<" + form
        return struct.unpack(form, self.bytes(address, struct.calcsize(form)))

    def spend(self, count: int) -> None:
        self._left -= count
        if self._left < 0:
            raise NotPlainError("more structure than a weights file has")


def _expect(what: str, actual: object, expected: object) -> None:
    if actual != expected:
        raise NotPlainError(f"{what}: expected {expected}, got {actual}")


def _contents(source: _Source) -> Contents:
    root = _header(source, _root(source))
    attributes = dict(_texts(data for kind, data in root if kind == ATTRIBUTE))
    datasets: dict[str, Dataset] = {}
    seen: set[int] = set()
    groups = [("", _members(root))]
    while groups:
        prefix, members = groups.pop()
        for name, address in _links(source, *members):
            path = prefix + name
            source.spend(len(path))
            if name in ("", ".") or "/" in name or address in seen:
                raise NotPlainError(f"{path!r}: a second link, or a name that HDF5 resolves")
            seen.add(address)
            messages = _header(source, address)
            if any(kind == SYMBOL_TABLE for kind, _ in messages):
                groups.append((path + "/", _members(messages)))
            else:
                datasets[path] = _dataset(source, messages)
    return Contents(attributes, datasets)


def _root(source: _Source) -> int:
    """The address of the root's header, from a superblock of version 0 (section II.A)."""
    signature, versions, base, _, end, driver, root = source.numbers("8s8s8x4Q8xQ24x", 0)
    _expect("signature", signature, SIGNATURE)
    _expect("versions, and sizes of addresses", versions, bytes([0, 0, 0, 0, 0, 8, 8, 0]))
    _expect("base and driver", (base, driver), (0, UNDEFINED))
    if end > source.size:
        raise RefusedError(
            f"damaged, or not HDF5: truncated, {source.size:,} bytes of the {end:,} that it names"
        )
    return int(root)


def _header(source: _Source, address: int) -> list[Message]:
    """The messages of an object's header of version 1 (section IV.A.1.a)."""
    version, count, length = source.numbers("BxH4xI4x", address)
    _expect("version of an object header", version, 1)
    messages: list[Message] = []
    blocks = [(address + 16, length)]
    while blocks:
        start, length = blocks.pop()
        block = source.bytes(start, length)
        place = 0
        while place < length:
            kind, size, flags = struct.unpack_from("<HHB3x", block, place)
            data = block[place + 8 : place + 8 + size]
            place += 8 + size
            if len(data) < size or flags & ~1:  # a bit other than "constant": shared, or unknown
                raise NotPlainError(f"message {kind:#x}: {len(data)} of {size} bytes, {flags=}")
            if kind == CONTINUATION:
                blocks.append(struct.unpack("<QQ", data))
            messages.append((kind, data))
        if len(messages) > count:
            break
    _expect("messages of an object header", len(messages), count)
    return [message for message in messages if message[0] != CONTINUATION]


def _members(messages: list[Message]) -> tuple[int, int]:
    """Where a group has the B-tree of its members, and the heap of their names."""
    _expect("messages of a group", {kind for kind, _ in messages} - GROUP_MESSAGES, set())
    tree, heap = struct.unpack("<QQ", _only(messages, SYMBOL_TABLE))
    return tree, heap


def _links(source: _Source, tree: int, heap: int) -> Iterator[tuple[str, int]]:
    """The name of each member of a group, and the address of its header."""
    # The local heap (section III.D) holds the names, each up to a zero byte.
    magic, size, data = source.numbers("8s Q 8x Q", heap)
    _expect("local heap", magic, b"HEAP\0\0\0\0")
    names = source.bytes(data, size)
    for node in _leaves(source, tree):
        magic, count = source.numbers("6sH", node)  # a symbol table node (section III.B)
        _expect("symbol table node", magic, b"SNOD\1\0")
        entries = source.bytes(node + 8, 40 * count)
        for offset, address, cache in struct.iter_unpack("<QQI20x", entries):
            if cache not in (0, 1) or offset >= size:  # 2 is a soft link
                raise NotPlainError(f"symbol table entry: type {cache}, name at {offset}")
            yield names[offset : names.index(b"\0", offset)].decode(), address


def _leaves(source: _Source, root: int) -> Iterator[int]:
    """The addresses below a B-tree of version 1, in order (section III.A.1)."""
    (level,) = source.numbers("5xB", root)
    nodes = [(root, level)]
    while nodes:
        node, expected = nodes.pop()
        magic, kind, level, count = source.numbers("4sBBH", node)
        _expect("B-tree node", (magic, kind, level), (b"TREE", 0, expected))
        children = source.numbers("8xQ" * count, node + 24)  # the first 24: the header, siblings
        if level == 0:
            yield from children
        else:
            nodes += [(child, level - 1) for child in reversed(children)]


def _only(messages: list[Message], kind: int) -> bytes:
    data = [data for message, data in messages if message == kind]
    _expect(f"number of messages {kind:#x}", len(data), 1)
    return data[0]


def _dataset(source: _Source, messages: list[Message]) -> Dataset:
    _expect("messages of a dataset", {kind for kind, _ in messages} - DATASET_MESSAGES, set())
    shape = _shape(_only(messages, DATASPACE))
    dtype = NUMBERS.get(_only(messages, DATATYPE).ljust(24, b"\0"))
    if dtype is None:
        raise NotPlainError("another type than integers or floats")
    layout, place, size = struct.unpack_from("<HQQ", _only(messages, LAYOUT))
    _expect("layout", layout, 0x0103)  # version 3, class 1: in one piece (section IV.A.2.i)
    _expect("bytes of data", size, dtype.itemsize * math.prod(shape))
    if size and place + size > source.size:
        raise NotPlainError(f"{size} bytes of data at {place} end beyond the file")

    def load() -> np.ndarray:
        source.file.seek(place if size else 0)  # no data have no place
        return np.fromfile(source.file, dtype, math.prod(shape)).reshape(shape)

    return Dataset(shape, dtype, load)


def _shape(data: bytes) -> tuple[int, ...]:
    """The lengths of the axes that cannot grow, from a dataspace (section IV.A.2.b)."""
    version, axes, limited = struct.unpack_from("<BBB5x", data)
    _expect("version of a dataspace", version, 1)
    shape = struct.unpack_from(f"<{axes}Q", data, 8)
    if limited:
        _expect("largest shape", struct.unpack_from(f"<{axes}Q", data, 8 + 8 * axes), shape)
        _expect("flags of a dataspace", limited, 1)
    return shape


def _texts(messages: Iterator[bytes]) -> Iterator[tuple[str, str]]:
    """The names and texts of those attributes that are strings of fixed length (IV.A.2.m)."""
    for data in messages:
        version, flags, *sizes = struct.unpack_from("<BBHHH", data)
        if flags or version not in (1, 3):
            raise NotPlainError(f"attribute of version {version}, {flags=}")
        start = 8 if version == 1 else 9  # version 3 names the encoding, and pads nothing
        parts = []
        for size in sizes:
            parts.append(data[start : start + size])
            start += size if version == 3 else -(-size // 8) * 8
        name, datatype, dataspace = parts
        kind, length = struct.unpack_from("<B3xI", datatype)
        if kind & 15 != 3 or _shape(dataspace) != ():
            continue
        text = data[start : start + length]
        if length > LONGEST_ATTRIBUTE or len(text) < length or datatype[1] & 15 != 1:
            raise NotPlainError(f"text of {length} bytes: too long, cut off or padded otherwise")
        yield name.rstrip(b"\0").decode(), text.rstrip(b"\0").decode()


def _encoded(dtype: np.dtype[Any]) -> bytes:
    """The message that describes an integer or IEEE type (section IV.A.2.d).

    >>> _encoded(np.dtype("<i2"))[:12].hex(" ", 4)
    '10080000 02000000 00001000'
    """
    big, size, bits = dtype.str[0] == ">", dtype.itemsize, 8 * dtype.itemsize
    if dtype.kind in "iu":
        message = struct.pack("<BBxxIHH", 0x10, big | (dtype.kind == "i") << 3, size, 0, bits)
    else:
        ieee = np.finfo(dtype)  # sign, exponent, mantissa, of which the first bit is not stored
        message = struct.pack(
            "<BBBxIHHBBBBI", 0x11, 0x20 | big, bits - 1, size, 0, bits,
            ieee.nmant, ieee.nexp, 0, ieee.nmant, ieee.maxexp - 1,
        )  # fmt: skip
    return message.ljust(24, b"\0")


NUMBERS = {
    _encoded(dtype): dtype
    for order in "<>"
    for kind in ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8")
    for dtype in [np.dtype(order + kind)]
}
