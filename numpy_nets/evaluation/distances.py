"""Distances between all rows of two arrays."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike

from numpy_nets.autodiff.tensor import Array


def squared_distances(a: Array, b: Array) -> Array:
    """|a_i - b_j|² = |a_i|² - 2 a_i·b_j + |b_j|²:  (n, d), (m, d) -> (n, m) in float64.

    Almost all of the time goes into one matrix product, in the dtype of a and b. Rounding that the
    subtraction does not cancel is about ε |a|², so pass centred data.

    >>> squared_distances(np.array([[0.0, 0.0]]), np.array([[3.0, 4.0], [0.0, 1.0]])).tolist()
    [[25.0, 1.0]]
    """
    products = a @ b.T
    result: Array = _squares(a)[:, None] - 2.0 * products.astype(np.float64) + _squares(b)
    return np.maximum(result, 0.0, out=result)


def blocks(length: int, size: int) -> Iterator[slice]:
    """Slices of at most `size` that cover `length`, to compute something big in parts.

    >>> [list(range(5))[block] for block in blocks(5, 2)]
    [[0, 1], [2, 3], [4]]
    """
    return (slice(start, start + size) for start in range(0, length, size))


def centred(what: str, a: ArrayLike, b: ArrayLike) -> tuple[Array, Array]:
    """Both as (n, pixels), minus the mean of b: in float32 if both are, otherwise in float64.

    Args:
        what: the name of the caller, with which messages begin.
        a, b: (n, ...) and (m, ...).

    Raises:
        ValueError: there are no samples, their shapes differ, or a value is not finite.

    >>> a, b = centred("example", [[5.0]], [[1.0], [3.0]])
    >>> a.tolist(), b.tolist()
    ([[3.0]], [[-1.0], [1.0]])
    """
    a, b = np.asarray(a), np.asarray(b)
    if not (a.ndim > 1 and a.shape[1:] == b.shape[1:] and len(a) and len(b)):
        raise ValueError(f"{what}: expected samples of one shape, got {a.shape} and {b.shape}")
    dtype = np.float32 if a.dtype == b.dtype == np.float32 else np.float64
    a, b = (x.reshape(len(x), -1).astype(dtype) for x in (a, b))
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise ValueError(f"{what}: expected finite values, got nan or infinity")
    mean = b.mean(axis=0, dtype=np.float64).astype(dtype)
    return a - mean, b - mean


def _squares(a: Array) -> Array:
    """|a_i|² of every row, (n, d) -> (n,), summed in float64."""
    result: Array = np.einsum("ij,ij->i", a, a, dtype=np.float64)
    return result
