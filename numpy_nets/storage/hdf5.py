"""The process in which `foreign` reads a weights file with h5py.

It runs as a script, so it imports nothing of this package. It follows only hard links, reads only
numbers of the expected shape, and neither opens nor imports anything that the file names.

Standard input holds a request in JSON; `answer` says what is in it, and in the reply.
"""

import itertools
import json
import math
import sys
import zlib
from collections.abc import Mapping, Sequence
from typing import IO, Any

MOST_CHUNKS = 100_000  # of a dataset; more take minutes
LARGEST_SPARE_CHUNK = 1 << 20  # bytes; what h5py may choose for a growable dataset of any size
MOST_NAMES = 16 << 20  # characters of all paths together
SPARE_MEMORY = 1 << 30  # bytes; a gigabyte, most of which is for what libraries reserve and not use

# Filter numbers of the HDF5 specification (format 3.0, section IV.A.2.l).
DEFLATE, SHUFFLE = 1, 2


class RefusedError(Exception):
    """A fault that this module detects, as opposed to an exception from h5py."""


def main() -> None:
    request = json.load(sys.stdin)
    limit_memory(SPARE_MEMORY + 4 * size(request["shapes"]))
    answer(request, sys.stdout.buffer)


def size(shapes: Mapping[str, Sequence[int]]) -> int:
    """Bytes of arrays of these shapes, of the largest dtype."""
    return 8 * sum(math.prod(shape) for shape in shapes.values())


def limit_memory(most: int) -> None:
    """From now on, whoever asks for more fails; nor does a crash leave a file. Not on Windows."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def answer(request: dict[str, Any], reply: IO[bytes]) -> None:
    """Write what a file holds.

    Args:
        request: `path` of the file; `shapes`, the shape of each dataset to be read by its path;
            `longest_attribute`, in bytes.
        reply: gets a line of JSON: `fault` if the file cannot be read, else "" with `attributes`
            and the `paths` of all datasets. For each path in `shapes`, in the order of `paths`,
            another line follows: `shape`, `dtype`, and `fault` if it could not be read, else ""
            and after the line its data.
    """
    try:
        import h5py

        file = h5py.File(request["path"], "r")
        datasets = walk(file)
        attributes = texts(file, request["longest_attribute"])
    except Exception as error:  # h5py raises OSError, KeyError, TypeError ... on damaged files
        _line(reply, fault=_described(error))
        return
    with file:
        _line(reply, fault="", attributes=attributes, paths=list(datasets))
        for name in datasets:
            if name in request["shapes"]:
                _write_array(datasets[name], name, tuple(request["shapes"][name]), reply)


def _line(reply: IO[bytes], **fields: Any) -> None:
    reply.write(json.dumps(fields).encode() + b"\n")


def _described(error: Exception) -> str:
    if isinstance(error, RefusedError):
        return str(error)
    return f"damaged, or not HDF5: {error!r}"


def walk(file: Any) -> dict[str, Any]:
    """All datasets of a file by path; refuses anything but a tree of hard links."""
    import h5py

    datasets: dict[str, Any] = {}
    seen: set[int] = set()
    names = 0
    groups = [("", file)]
    while groups:
        prefix, group = groups.pop()
        for name in group:
            path = prefix + name
            names += len(path)
            if names > MOST_NAMES:
                raise RefusedError(f"the names of its groups and datasets exceed {MOST_NAMES:,}")
            # h5py would resolve a name with a slash as a path, whose links would go unchecked.
            encoded = name.encode("utf-8", "surrogateescape")
            link = None if "/" in name else group.id.links.get_info(encoded)
            if link is None or link.type != h5py.h5l.TYPE_HARD:
                raise RefusedError(f"{path!r} is a soft or external link")
            address = link.u  # h5o.get_info, which has it too, crashes on some damaged objects
            if address in seen:
                raise RefusedError(f"{path!r} is a second link to the same object")
            seen.add(address)
            item = group[name]
            if isinstance(item, h5py.Group):
                groups.append((path + "/", item))
            elif not isinstance(item, h5py.Dataset):
                raise RefusedError(f"{path!r} is neither a group nor a dataset")
            elif item.external or item.is_virtual:
                raise RefusedError(f"{path!r} keeps its data in another file")
            else:
                datasets[path] = item
    return datasets


def texts(file: Any, longest: int) -> dict[str, str]:
    """The attributes of the root that are texts of up to `longest` bytes.

    Strings of variable length are skipped: reading one from a damaged file can hang HDF5 1.14.
    """
    import h5py

    attributes = {}
    for name in file.attrs:
        attribute = file.attrs.get_id(name)
        string = h5py.check_string_dtype(attribute.dtype)
        if attribute.shape != () or string is None or string.length is None:
            continue
        if string.length > longest:
            raise RefusedError(f"attribute {name!r} is longer than {longest} bytes")
        attributes[name] = bytes(file.attrs[name]).decode()
    return attributes


def _write_array(dataset: Any, name: str, shape: tuple[int, ...], reply: IO[bytes]) -> None:
    """Write a dataset if it has the shape, which bounds the memory, and holds numbers."""
    dtype, array, fault = "V", None, ""
    try:
        if dataset.shape == shape:
            dtype = dataset.dtype.str
            if dataset.dtype.kind in "fiu":
                check_storage(dataset, name)
                array = dataset[()]
    except Exception as error:
        fault = _described(error)
    _line(reply, shape=dataset.shape, dtype=dtype, fault=fault)
    if array is not None:
        reply.write(array.tobytes())


def check_storage(dataset: Any, name: str) -> None:
    """Refuse a dataset unless the file stores all of it, and its chunks decode to their size.

    HDF5 inflates a gzip chunk to whatever length the chunk has, not to the length that it should
    have, and loads a plug-in for a filter that it does not know. So the filters and the length of
    every chunk are checked before HDF5 decodes anything.
    """
    if dataset.chunks is None:
        if (length := dataset.id.get_storage_size()) != dataset.nbytes:
            raise RefusedError(f"{name!r} stores {length} bytes, expected {dataset.nbytes}")
        return

    settings = dataset.id.get_create_plist()
    filters = [settings.get_filter(k)[0] for k in range(settings.get_nfilters())]
    if filters not in ([], [SHUFFLE], [DEFLATE], [SHUFFLE, DEFLATE]):
        raise RefusedError(f"{name!r} has filters {filters}, expected gzip and shuffle at most")
    size = math.prod(dataset.chunks) * dataset.dtype.itemsize
    if size > max(dataset.nbytes, LARGEST_SPARE_CHUNK):
        raise RefusedError(f"{name!r} has chunks of {size} bytes for {dataset.nbytes} bytes")

    steps = [range(0, n, step) for n, step in zip(dataset.shape, dataset.chunks, strict=True)]
    if (count := math.prod(map(len, steps))) > MOST_CHUNKS:
        raise RefusedError(f"{name!r} has {count:,} chunks, expected at most {MOST_CHUNKS:,}")
    # One walk over all: to look up each by its coordinates takes a time that grows as their square.
    chunks: dict[tuple[int, ...], Any] = {}
    dataset.id.chunk_iter(lambda chunk: chunks.update({chunk.chunk_offset: chunk}))
    for corner in itertools.product(*steps):
        if corner not in chunks:
            raise RefusedError(f"{name!r} has a chunk that is not stored")
        chunk = chunks[corner]
        length = chunk.size
        # A chunk that gzip would not shrink is stored as it is, with the filter's bit in its mask.
        if DEFLATE in filters and not chunk.filter_mask & 1 << filters.index(DEFLATE):
            if chunk.size > 2 * size + 1024:
                raise RefusedError(f"{name!r} has a gzip chunk longer than its data")
            _, packed = dataset.id.read_direct_chunk(corner)
            length = len(zlib.decompressobj().decompress(packed, size + 1))
        if length != size:
            raise RefusedError(f"{name!r} has a chunk of {length} bytes or more, expected {size}")


if __name__ == "__main__":
    main()
