"""Cache-sized blocks, for formulas that would read large arrays from memory in every pass."""

from collections.abc import Iterator

# Entries of a block. Two float32 arrays of this size, as many as most lines of a formula touch, are
# 512 KB, a common cache; smaller blocks cost more in calls than they save.
SIZE = 65_536


def blocks(length: int, size: int = SIZE) -> Iterator[slice]:
    """Slices of up to `size` entries that together cover range(length)."""
    for start in range(0, length, size):
        yield slice(start, start + size)
