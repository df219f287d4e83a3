"""Distances between all rows of two arrays."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from numpy_nets.autodiff.tensor import Array


def squared_distances(a: Array, b: Array) -> Array:
    """|a_i - b_j|² = |a_i|² - 2 a_i·b_j + |b_j|²:  (n, d), (m, d) -> (n, m) in float64.

    One matrix product in the dtype of a and b, which is where the time goes. What remains after
    cancellation is rounded: the error is about ε |a|², so give centred data.
    """
    products = a @ b.T
    result: Array = _squares(a)[:, None] - 2.0 * products.astype(np.float64) + _squares(b)
    return np.maximum(result, 0.0, out=result)


def blocks(length: int, size: int) -> Iterator[slice]:
    """Slices of at most `size` that cover `length`: what is big is computed in parts."""
    return (slice(start, start + size) for start in range(0, length, size))


def centred(what: str, a: Any, b: Any) -> tuple[Array, Array]:
    """Both as (n, pixels), shifted alike so that b has mean 0; float32 stays, the rest is float64.

    Raises:
        ValueError: no samples, samples of different shapes, or a value that is not finite.
    """
    a, b = np.asarray(a), np.asarray(b)
    if not (a.ndim > 1 and a.shape[1:] == b.shape[1:] and len(a) and len(b)):
        raise ValueError(f"{what}: expected samples of one shape, got {a.shape} and {b.shape}")
    dtype = np.float32 if a.dtype == b.dtype == np.float32 else np.float64
    a, b = (x.reshape(len(x), -1).astype(dtype) for x in (a, b))
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise ValueError(f"{what}: expected finite values, got nan or infinity")
    middle = b.mean(axis=0, dtype=np.float64).astype(dtype)
    return a - middle, b - middle


def _squares(a: Array) -> Array:
    result: Array = np.einsum("ij,ij->i", a, a, dtype=np.float64)
    return result
