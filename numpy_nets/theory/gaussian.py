"""Gaussians: entropy, Kullback-Leibler divergence, density and norm, with their derivations.

Everything is in nats and computed in float64. Where the covariance is diagonal, the last axis holds
the d dimensions, and the result is the sum over them, because the densities of independent
coordinates multiply. A plain number stands for the same value in every dimension:
`kl_divergence(m, v, 0, 1)`.
"""

import numpy as np
from numpy.typing import ArrayLike

from numpy_nets.autodiff.tensor import Array
from numpy_nets.checks import positive_int, probability


def entropy(var: ArrayLike) -> Array:
    """Entropy of N(·, diag var): H = ½ Σ (1 + log 2πσ²).  (..., d) -> (...).

    H = -E log N(x; μ, σ²) = ½ log 2πσ² + E(x - μ)² / 2σ², and E(x - μ)² = σ² by definition, so the
    last term is ½. The mean does not matter: a shift changes no volume. H is negative if the
    Gaussian is narrower than σ² = 1/2πe (Cover & Thomas 2006, theorem 8.4.1).

    Raises:
        ValueError: a variance is not positive and finite, or var has no axis.

    >>> round(float(entropy([1.0])), 4)  # ½ (1 + log 2π)
    1.4189
    """
    (var,) = _same_dimensions("entropy", var=var)
    result: Array = 0.5 * np.sum(1 + np.log(2 * np.pi * var), axis=-1)
    return result


def kl_divergence(
    mean_q: ArrayLike, var_q: ArrayLike, mean_p: ArrayLike, var_p: ArrayLike
) -> Array:
    """KL(q ‖ p) of Gaussians with diagonal covariance.  (..., d) each -> (...).

    KL = E_q[log q - log p] = -H(q) - E_q log p: the extra nats spent coding samples of q with a
    code built for p. With x - μ_p = (x - μ_q) + (μ_q - μ_p), whose cross term has expectation 0,

        E_q(x - μ_p)² = σ_q² + (μ_q - μ_p)²
        -E_q log p    = ½ Σ (log 2πσ_p² + (σ_q² + (μ_q - μ_p)²) / σ_p²)
        -H(q)         = -½ Σ (1 + log 2πσ_q²)

    and the sum of the last two lines, with r = σ_q² / σ_p², is

        KL = ½ Σ (r - 1 - log r + (μ_q - μ_p)² / σ_p²)

    As log r ≤ r - 1, with equality only at r = 1, KL ≥ 0, and KL = 0 only if q = p. For p = N(0, I)
    it is the KL of a VAE (Kingma & Welling 2013, appendix B).

    Raises:
        ValueError: a variance is not positive and finite, or the shapes do not match.

    >>> float(kl_divergence([1.0], [1.0], 0, 1))  # N(1, 1) against N(0, 1)
    0.5
    """
    mean_q, var_q, mean_p, var_p = _same_dimensions(
        "kl_divergence", mean_q=mean_q, var_q=var_q, mean_p=mean_p, var_p=var_p
    )
    r = var_q / var_p
    # In this order rounding cannot make the sum negative: r - 1 is exact near r = 1.
    result: Array = 0.5 * np.sum((r - 1) - np.log(r) + (mean_q - mean_p) ** 2 / var_p, axis=-1)
    return result


def log_density(x: ArrayLike, mean: ArrayLike, covariance: ArrayLike) -> Array:
    """log N(x; μ, C) for a full covariance.  x (..., d), mean (d,), covariance (d, d) -> (...).

        log N(x; μ, C) = -½ (d log 2π + log det C + (x - μ)ᵀ C⁻¹ (x - μ))

    Cholesky's factorization C = L Lᵀ with triangular L gives both hard parts without an inverse.
    Solve L ε = x - μ by substitution; then (x - μ)ᵀ C⁻¹ (x - μ) = |L⁻¹ (x - μ)|² = |ε|². And
    det C = (det L)² = Π L_ii² (Rasmussen & Williams 2006, appendix A.4).

    Raises:
        ValueError: the shapes do not match, or the covariance is not symmetric positive definite.

    >>> round(float(log_density([0, 0], [0, 0], [[1, 0], [0, 1]])), 4)  # -log 2π
    -1.8379
    """
    from scipy.linalg import solve_triangular

    x, mean, covariance = (np.asarray(a, np.float64) for a in (x, mean, covariance))
    d = mean.size
    if mean.ndim != 1 or covariance.shape != (d, d) or x.shape[-1:] != (d,):
        raise ValueError(
            "log_density: expected x (..., d), mean (d,), covariance (d, d), "
            f"got {x.shape}, {mean.shape}, {covariance.shape}"
        )
    # NumPy's Cholesky reads only one triangle and accepts infinity.
    if not (np.isfinite(covariance).all() and np.allclose(covariance, covariance.T)):
        raise ValueError("log_density: covariance: expected a finite symmetric matrix, got another")
    try:
        factor = np.linalg.cholesky(covariance)
    except np.linalg.LinAlgError:
        raise ValueError(
            "log_density: covariance: expected positive eigenvalues, "
            f"got {np.linalg.eigvalsh(covariance)[0]:.3g}"
        ) from None
    noise = solve_triangular(factor, (x - mean).reshape(-1, d).T, lower=True, check_finite=False)
    log_det = 2 * np.sum(np.log(np.diag(factor)))
    result: Array = -0.5 * (d * np.log(2 * np.pi) + log_det + np.sum(noise**2, axis=0))
    return result.reshape(x.shape[:-1])


def norm_density(r: ArrayLike, d: int) -> Array:
    """Density of |z| at r >= 0, z ~ N(0, I) in d dimensions: the chi distribution.  (...) -> (...).

        p(r) = r^(d-1) e^(-r²/2) / (2^(d/2-1) Γ(d/2))

    N(z; 0, I) is (2π)^(-d/2) e^(-r²/2) everywhere on the sphere of radius r, whose area is
    2 π^(d/2) r^(d-1) / Γ(d/2); p is their product. The density is highest at z = 0, but the area
    grows faster than it falls, up to r = √(d-1).

    Raises:
        ValueError: d is not a positive integer, or r is negative.

    >>> round(float(norm_density(0.0, 1)), 4), round(float(norm_density(1.0, 2)), 4)  # √(2/π), e^-½
    (0.7979, 0.6065)
    """
    from scipy.special import gammaln, xlogy

    d, r = positive_int("norm_density: d", d), np.asarray(r, np.float64)
    if not (r >= 0).all():
        raise ValueError(f"norm_density: r: expected no negative number, got {r.min()}")
    log_constant = (d / 2 - 1) * np.log(2) + gammaln(d / 2)
    result: Array = np.exp(xlogy(d - 1, r) - r**2 / 2 - log_constant)
    return result


def norm_mean(d: int) -> float:
    """E|z| for z ~ N(0, I) in d dimensions: √2 Γ((d+1)/2) / Γ(d/2), a little less than √d.

    E|z| = ∫ r p(r) dr with the p of `norm_density`. But r p(r) is the density for d + 1 times the
    ratio of the two constants, 2^((d+1)/2-1) Γ((d+1)/2) / (2^(d/2-1) Γ(d/2)), and integrates to it.

    Raises:
        ValueError: d is not a positive integer.

    >>> round(norm_mean(1), 4), round(norm_mean(100), 4)  # √(2/π), and nearly 10
    (0.7979, 9.975)
    """
    from scipy.special import poch  # poch(a, ½) = Γ(a + ½) / Γ(a), also where Γ overflows

    return float(np.sqrt(2) * poch(positive_int("norm_mean: d", d) / 2, 0.5))


def norm_variance(d: int) -> float:
    """Var |z| for z ~ N(0, I) in d dimensions: d - (E|z|)², which is below ½ whatever d is.

    E|z|² = Σ E z_i² = d. With x = (d-1)/2, (Γ(x+1) / Γ(x+½))² > x + ¼ (Watson 1959), so that
    (E|z|)² > 2x + ½ = d - ½. The shell around √d in which samples lie thus becomes no thicker as
    its radius grows.

    Raises:
        ValueError: d is not a positive integer.

    >>> round(norm_variance(1), 4), round(norm_variance(100), 4)  # 1 - 2/π, and nearly ½
    (0.3634, 0.4987)
    """
    d = positive_int("norm_variance: d", d)
    return d - norm_mean(d) ** 2


def line_norm_mean(d: int, t: float = 0.5) -> float:
    """E|(1-t) a + t b| for independent a, b ~ N(0, I) in d dimensions: √((1-t)² + t²) E|a|.

    A sum of independent Gaussians is Gaussian, and the variances add: (1-t) a + t b has the law of
    √((1-t)² + t²) a. In the middle the norm is E|a| / √2, about √(d/2), which is (√2 - 1) √d
    standard deviations of |z| below its mean: 4 of them in 100 dimensions, where no sample is.

    Raises:
        ValueError: d is not a positive integer, or t is not in [0, 1].

    >>> round(line_norm_mean(100), 4), line_norm_mean(100, 0.0) == norm_mean(100)
    (7.0534, True)
    """
    d, t = positive_int("line_norm_mean: d", d), probability("line_norm_mean: t", t)
    return float(np.hypot(1 - t, t)) * norm_mean(d)


def _same_dimensions(function: str, **parameters: ArrayLike) -> list[Array]:
    """The parameters in float64 and one shape (..., d), with every var* positive and finite.

    Only a plain number is broadcast along d. A (n, 1) next to a (n, d) is usually a mistake, and
    would be added d times.
    """
    arrays = {name: np.asarray(value, np.float64) for name, value in parameters.items()}
    shapes = ", ".join(f"{name} {array.shape}" for name, array in arrays.items())
    if len({array.shape[-1] for array in arrays.values() if array.ndim}) != 1:
        raise ValueError(f"{function}: expected the same last axis d, got {shapes}")
    for name, array in arrays.items():
        wrong = array[~((array > 0) & (array < np.inf))]
        if name.startswith("var") and wrong.size:
            raise ValueError(f"{function}: {name}: expected positive and finite, got {wrong[0]}")
    try:
        return list(np.broadcast_arrays(*arrays.values()))
    except ValueError:
        raise ValueError(f"{function}: expected shapes that match, got {shapes}") from None
