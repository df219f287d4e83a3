"""Cache-sized blocks, for formulas whose every pass over a large array is a trip to memory."""

from collections.abc import Iterator

# Numbers in a block. Four float32 arrays of this size, as many as a line of a formula touches, fit
# a cache of 512 KB.
SIZE = 32_768


def blocks(length: int, size: int = SIZE) -> Iterator[slice]:
    """Slices of up to `size` that cover `length`."""
    for start in range(0, length, size):
        yield slice(start, start + size)
