"""The value of a GAN's game when the densities are known: Goodfellow et al. 2014, "the paper".

(arXiv 1406.2661.) The data have the density p_data, the generator's samples the density p_g, and
the discriminator says that x is data with probability D(x). They play min over G, max over D of

    V(D, G) = E_data[log D(x)] + E_g[log(1 - D(x))]                              (equation 1)

Everything is in nats and float64. Densities are passed in one of two forms:

    tables      arrays of one shape, with `cell`: the width (area, quadrature weight) of each cell,
                a number or an array of that shape; 1 if the tables hold probabilities
    functions   x -> density, with `interval=(low, ..., high)`: integrated by quadrature from each
                of these points to the next; put a point at every narrow peak, or quadrature may
                miss it

Where both densities are 0, nothing is added: 0 log 0 = 0, and 0/0 is never computed.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from numpy_nets.autodiff.tensor import Array

Density: TypeAlias = Any  # a table, or a function of x

LOG_4 = float(np.log(4))
_LEAST = -54 * float(np.log(2))  # log of half the distance from 1 to the float64 below it


def optimal_discriminator(p_data: Density, p_g: Density) -> Any:
    """D*(x) = p_data(x) / (p_data(x) + p_g(x)), 0 where both are 0: equation 2.

    For tables, a table of their shape; for functions, a function of x.

    V is the integral of a log D + b log(1 - D) with a = p_data(x), b = p_g(x), and D can be chosen
    for every x separately. The derivative a/D - b/(1 - D) is zero only at D = a/(a + b); the second
    derivative, -a/D² - b/(1 - D)², is negative, so this is the maximum (the paper's proposition 1).
    Where a = b = 0, D does not matter.

    Raises:
        ValueError: a density is negative or not finite, or the shapes differ.

    >>> optimal_discriminator([0.75, 0.25, 0], [0.25, 0.25, 0.5]).tolist()
    [0.75, 0.5, 0.0]
    """
    if callable(p_data) and callable(p_g):
        return lambda x: optimal_discriminator(p_data(x), p_g(x))
    p_data, p_g = _checked("optimal_discriminator", p_data, p_g)
    total = p_data + p_g
    return np.divide(p_data, total, out=np.zeros_like(total), where=total > 0)


def value(
    discriminator: Density,
    p_data: Density,
    p_g: Density,
    *,
    cell: float | Array = 1.0,
    interval: Sequence[float] | None = None,
) -> float:
    """V(D, G) of equation 1.

    In float64 a D above 1 - 2⁻⁵⁴ is 1, so a D closer than that to 0 or 1 is taken to be 2⁻⁵⁴ away
    from it: where D is sure and wrong, it costs 54 log 2 = 37 nats instead of infinitely many.

    Raises:
        ValueError: D is not in [0, 1]; a density is negative or does not integrate to 1 (within
            1 %); the shapes differ.

    >>> round(value([0.5, 0.5], [0.75, 0.25], [0.25, 0.75]), 4)  # log ½ + log ½
    -1.3863
    """

    def integrand(d: Array, p: Array, g: Array) -> Array:
        if not ((d >= 0) & (d <= 1)).all():
            raise ValueError("value: discriminator: expected numbers in [0, 1], got others")
        with np.errstate(divide="ignore"):
            log_d, log_not_d = np.log(d), np.log1p(-d)
        result: Array = p * np.maximum(log_d, _LEAST) + g * np.maximum(log_not_d, _LEAST)
        return result

    _check_mass("value", p_data, p_g, cell, interval)
    return _integrate("value", integrand, [discriminator, p_data, p_g], cell, interval)


def jensen_shannon(
    p: Density, q: Density, *, cell: float | Array = 1.0, interval: Sequence[float] | None = None
) -> float:
    """JSD(p ‖ q) = ½ KL(p ‖ m) + ½ KL(q ‖ m), m = ½ (p + q), in nats: 0 to log 2.

    With δ = (p - q) / (p + q), p = m (1 + δ) and q = m (1 - δ), so the two integrals become one:

        JSD = ∫ ½ m ((1 + δ) log(1 + δ) + (1 - δ) log(1 - δ)) dx

    The bracket is convex and even in δ, so its least value, 0, is at δ = 0 (p = q) and its largest,
    2 log 2, at δ = ±1 (one of the two is 0). Lin 1991, IEEE Trans. Inf. Theory 37(1).

    Raises:
        ValueError: a density is negative or does not integrate to 1 (within 1 %); the shapes
            differ.

    >>> round(jensen_shannon([1, 0], [0, 1]), 4)  # densities that do not overlap: log 2
    0.6931
    """

    def integrand(p: Array, q: Array) -> Array:
        from scipy.special import xlog1py

        mean = 0.5 * (p + q)
        delta = np.divide(0.5 * (p - q), mean, out=np.zeros_like(mean), where=mean > 0)
        bracket: Array = xlog1py(1 + delta, delta) + xlog1py(1 - delta, -delta)
        return 0.5 * mean * bracket

    _check_mass("jensen_shannon", p, q, cell, interval)
    return _integrate("jensen_shannon", integrand, [p, q], cell, interval)


def generator_criterion(
    p_data: Density,
    p_g: Density,
    *,
    cell: float | Array = 1.0,
    interval: Sequence[float] | None = None,
) -> float:
    """C(G) = max over D of V(D, G) = -log 4 + 2 JSD(p_data ‖ p_g): equations 4 to 6.

    Insert D* and 1 - D* = p_g / (p_data + p_g) into V. With m as above, D* = p_data / 2m, hence

        log D* = log(p_data / m) - log 2,    log(1 - D*) = log(p_g / m) - log 2

    whose expectations add up to KL(p_data ‖ m) + KL(p_g ‖ m) - 2 log 2. As JSD ≥ 0, the best that G
    can do is p_g = p_data, where D* = ½ everywhere and C = -log 4 (theorem 1).

    Raises:
        ValueError: as for `jensen_shannon`.

    >>> round(generator_criterion([0.5, 0.5], [0.5, 0.5]), 4)  # -log 4
    -1.3863
    """
    return -LOG_4 + 2 * jensen_shannon(p_data, p_g, cell=cell, interval=interval)


def _integrate(
    what: str,
    integrand: Callable[..., Array],
    densities: Sequence[Density],
    cell: float | Array,
    interval: Sequence[float] | None,
) -> float:
    """∫ integrand(p(x), …) dx: the sum over tables, or functions by quadrature."""
    if interval is None:
        return float(np.sum(integrand(*_checked(what, *densities)) * cell))
    from scipy.integrate import quad

    def at(x: float) -> float:
        return float(integrand(*_checked(what, *(density(x) for density in densities))))

    return float(sum(quad(at, low, high, limit=200)[0] for low, high in pairwise(interval)))


def _check_mass(
    what: str, p: Density, q: Density, cell: float | Array, interval: Sequence[float] | None
) -> None:
    for density in (p, q):
        mass = _integrate(what, lambda values: values, [density], cell, interval)
        if abs(mass - 1) > 0.01:
            raise ValueError(f"{what}: expected densities that integrate to 1, got {mass:.4g}")


def _checked(what: str, *values: ArrayLike) -> list[Array]:
    """The values as float64 arrays of one shape, checked to be finite and not negative."""
    arrays = [np.asarray(value, np.float64) for value in values]
    if len({array.shape for array in arrays}) > 1:
        raise ValueError(f"{what}: expected one shape, got {[array.shape for array in arrays]}")
    for array in arrays:
        if not ((array >= 0) & (array < np.inf)).all():
            raise ValueError(f"{what}: expected finite values >= 0, got others")
    return arrays
