"""Files that are nearly right: a strategy for bytes, and what a reader may do with them."""

import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import strategies as st


@st.composite
def damaged(draw: st.DrawFn, originals: list[bytes]) -> bytes:
    """One of `originals` with a few bytes changed, and perhaps cut, lengthened or spliced.

    Bytes are changed where they are not 0: most of an HDF5 file is padding.
    """
    original = draw(st.sampled_from(originals))
    content = bytearray(original)
    filled = [place for place, byte in enumerate(original) if byte]
    for _ in range(draw(st.integers(0, 4))):
        place = filled[draw(st.integers(0, len(filled) - 1))]
        content[place] ^= draw(st.integers(1, 255))
    kind = draw(st.sampled_from(["as is", "cut", "insert", "append", "splice"]))
    start = draw(st.integers(0, len(content)))
    extra = draw(st.binary(min_size=1, max_size=8))
    if kind == "cut":
        del content[start:]
    elif kind == "insert":
        content[start:start] = extra
    elif kind == "append":
        content += extra
    elif kind == "splice":
        content[start:] = draw(st.sampled_from(originals))[start:]
    return bytes(content)


def read_or_named_fault(
    read: Callable[[Path], Any], path: Path, content: bytes, memory: int = 0
) -> Any:
    """What `read` makes of a file with this content: its result, or None for a proper error.

    The memory of Python and NumPy may grow by as much as Deflate can inflate the file, 1,032
    times its size, a megabyte and `memory`.
    """
    path.write_bytes(content)
    tracemalloc.start()
    try:
        return read(path)
    except (ValueError, OSError) as error:
        assert str(path) in str(error)
        assert len(str(error).splitlines()) == 1
        return None
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak <= 1032 * len(content) + 2**20 + memory
