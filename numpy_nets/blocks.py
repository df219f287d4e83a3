"""Cache-sized blocks, for formulas that would read large arrays from memory in every pass."""

from collections.abc import Iterator

# Entries in a block. Most lines of a formula touch two arrays; two float32 arrays of this size take
# 512 KB, a common size of a cache. Smaller blocks cost more in calls than they save.
SIZE = 65_536


def blocks(length: int, size: int = SIZE) -> Iterator[slice]:
    """Slices of up to `size` entries that together cover range(length).

    >>> [range(5)[block] for block in blocks(5, size=2)]
    [range(0, 2), range(2, 4), range(4, 5)]
    """
    for start in range(0, length, size):
        yield slice(start, start + size)
