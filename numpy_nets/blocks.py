"""Cache-sized blocks, for formulas that would read large arrays from memory in every pass."""

from collections.abc import Iterator

# Entries of a block. Four float32 arrays of this size, as many as a line of a formula touches, fit
# a cache of 512 KB.
SIZE = 32_768


def blocks(length: int, size: int = SIZE) -> Iterator[slice]:
    """Slices of up to `size` entries that together cover range(length)."""
    for start in range(0, length, size):
        yield slice(start, start + size)
