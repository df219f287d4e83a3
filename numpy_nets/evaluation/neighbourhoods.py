"""How well a map keeps neighbourhoods: what is near in it, and what was near before."""

import numpy as np
from numpy.typing import ArrayLike

from numpy_nets.autodiff.tensor import Array
from numpy_nets.checks import positive_int
from numpy_nets.evaluation.distances import blocks, squared_distances

BLOCK = 2**21  # distances at a time, 16 MB


def trustworthiness(x: ArrayLike, codes: ArrayLike, k: int) -> float:
    """Whether neighbours among the codes are neighbours among the data (Venna & Kaski 2001).

        T(k) = 1 - 2 / (n k (2n - 3k - 1)) Σ_i Σ_j max(0, r(i, j) - k)

    The inner sum is over the k codes nearest to code i; r(i, j) is the rank of x_j among the others
    by its distance from x_i, 1 for the nearest. At worst those k are the farthest of all, of ranks
    n-k … n-1, which add up to k (2n - 3k - 1) / 2 for each i: this is what the factor divides by,
    so T is in [0, 1]. It is 1 if the map shows no false neighbours. For codes that have nothing to
    do with x, r is uniform on 1 … n-1 and T on average

        1 - (n - k)(n - k - 1) / ((n - 1)(2n - 3k - 1)),    close to ½ for k much less than n.

    Distances are Euclidean; at equal distance the point in the earlier row counts as nearer.

    Args:
        x: (n, ...), the data.
        codes: (n, ...), what they are mapped to, row by row.
        k: the number of neighbours, less than n / 2.

    Raises:
        ValueError: the lengths differ, k is out of range, or a value is not finite.

    >>> x = [[0.0], [1.0], [10.0], [11.0]]
    >>> folded = [[0.0], [1.0], [0.1], [1.1]]  # next to each other are those of ranks 2, 3, 3, 2
    >>> trustworthiness(x, folded, k=1)  # 1 - 2 / (4 · 4) · (1 + 2 + 2 + 1)
    0.25
    """
    x, codes, k = _checked("trustworthiness", x, codes, k)
    return _share_kept(x, codes, k)


def continuity(x: ArrayLike, codes: ArrayLike, k: int) -> float:
    """Whether neighbours among the data are neighbours among the codes: not torn apart.

    This is the trustworthiness with the two spaces exchanged, and its arguments and errors are the
    same. A map that cuts the data into pieces may be trustworthy and is not continuous; one that
    lays pieces over each other may be continuous and is not trustworthy.

    >>> x = [[0.0], [1.0], [3.0], [7.0]]
    >>> codes = [[0.0], [1.0], [3.0], [0.4]]  # the last point has come between the first two
    >>> trustworthiness(x, codes, k=1), continuity(x, codes, k=1)
    (0.25, 0.5)
    """
    x, codes, k = _checked("continuity", x, codes, k)
    return _share_kept(codes, x, k)


def _share_kept(space: Array, neighbours_in: Array, k: int) -> float:
    """1 - Σ max(0, r - k) / its maximum: r ranks in `space` the k nearest in `neighbours_in`."""
    n = len(space)
    penalty = 0
    for rows in blocks(n, max(1, BLOCK // n)):
        order = _by_distance(space, rows)
        ranks = np.empty_like(order)
        np.put_along_axis(ranks, order, np.arange(1, n + 1)[None], axis=1)
        nearest = _by_distance(neighbours_in, rows)[:, :k]
        excess = np.take_along_axis(ranks, nearest, axis=1) - k
        penalty += int(np.maximum(excess, 0).sum())
    return 1 - 2 * penalty / (n * k * (2 * n - 3 * k - 1))


def _by_distance(x: Array, rows: slice) -> Array:
    """For each of some rows of x, all rows from the nearest to the farthest, and itself at the end.

    Itself by its index, and not as the nearest: x may contain the same point twice.
    """
    distances = squared_distances(x[rows], x)
    np.fill_diagonal(distances[:, rows], np.inf)
    order: Array = distances.argsort(axis=1, kind="stable")
    return order


def _checked(what: str, x: ArrayLike, codes: ArrayLike, k: int) -> tuple[Array, Array, int]:
    a, b = _scaled(f"{what}: x", x), _scaled(f"{what}: codes", codes)
    if len(a) != len(b):
        raise ValueError(f"{what}: codes: expected {len(a)}, one for each of x, got {len(b)}")
    k = positive_int(f"{what}: k", k)
    if not 2 * k < len(a):
        raise ValueError(f"{what}: k: expected less than half of the {len(a)} points, got {k}")
    return a, b, k


def _scaled(what: str, x: ArrayLike) -> Array:
    """x as (n, d), scaled so that no distance overflows, and moved to near the origin.

    The scale is a power of two and the shift a row of x: distances between whole numbers stay
    exact, and so equal where they are equal.
    """
    points = np.asarray(x, np.float64)
    if points.ndim < 2 or not points.size:
        raise ValueError(f"{what}: expected (n, ...) with n > 0, got {points.shape}")
    if not np.isfinite(points).all():
        raise ValueError(f"{what}: expected finite values, got nan or infinity")
    _, exponent = np.frexp(np.abs(points).max())
    points = np.ldexp(points.reshape(len(points), -1), -exponent)
    moved: Array = points - points[0]
    return moved
