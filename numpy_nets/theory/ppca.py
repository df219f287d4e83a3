"""Probabilistic PCA: a latent-variable model whose likelihood is known exactly.

    z ~ N(0, I),    x = W z + μ + ε,    ε ~ N(0, σ² I)

It is a VAE with a linear decoder, and nothing of it needs a bound or a sample: the marginal
likelihood, the posterior and the best parameters are closed forms. So the ELBO of a linear VAE can
be held against the truth. Source: Tipping & Bishop 1999, Probabilistic principal component
analysis, J. R. Statist. Soc. B 61(3), section 3; also Bishop 2006, section 12.2.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from numpy_nets.autodiff.tensor import Array
from numpy_nets.theory.gaussian import log_density


@dataclass(frozen=True, eq=False)
class PPCA:
    """The model's parameters: mean μ (d,), weights W (d, k), variance σ² of the noise.

    W and W R, with any orthogonal R (k, k), are the same model: z and Rᵀ z have the same prior.

    Raises:
        ValueError: the shapes do not fit, or the variance is not positive and finite.
    """

    mean: Array
    weights: Array
    variance: float

    def __post_init__(self) -> None:
        mean, weights = np.shape(self.mean), np.shape(self.weights)
        if len(mean) != 1 or len(weights) != 2 or weights[0] != mean[0]:
            raise ValueError(f"PPCA: expected mean (d,), weights (d, k), got {mean}, {weights}")
        if not 0 < self.variance < np.inf:
            raise ValueError(f"PPCA: variance: expected positive and finite, got {self.variance}")

    @property
    def covariance(self) -> Array:
        """C = W Wᵀ + σ² I, the covariance of x.  (d, d).

        x is a linear function of the Gaussians z and ε, so it is Gaussian, with mean μ; the two
        are independent, so their covariances add: Cov(W z) = W I Wᵀ and Cov(ε) = σ² I.
        """
        weights = np.asarray(self.weights, np.float64)
        result: Array = weights @ weights.T + self.variance * np.eye(len(weights))
        return result

    def log_likelihood(self, x: Any) -> Array:
        """log p(x) = log ∫ p(x|z) p(z) dz = log N(x; μ, C), in nats.  (..., d) -> (...).

        Raises:
            ValueError: the last axis of x is not d.
        """
        return log_density(x, self.mean, self.covariance)

    def posterior(self, x: Any) -> tuple[Array, Array]:
        """p(z|x) = N(M⁻¹ Wᵀ (x - μ), σ² M⁻¹) with M = Wᵀ W + σ² I.

        (..., d) -> means (..., k), and the covariance (k, k) that all x share.

        By Bayes' rule log p(z|x) = log p(z) + log p(x|z) + terms without z, which is

            -½ zᵀz - |x - μ - W z|² / 2σ² = -½ zᵀ (M / σ²) z + zᵀ Wᵀ (x - μ) / σ² + …

        A Gaussian N(m, S) has -½ zᵀ S⁻¹ z + zᵀ S⁻¹ m: hence S = σ² M⁻¹, m = S Wᵀ (x - μ) / σ².

        Raises:
            ValueError: the last axis of x is not d.
        """
        x, weights = np.asarray(x, np.float64), np.asarray(self.weights, np.float64)
        d, k = weights.shape
        if x.shape[-1:] != (d,):
            raise ValueError(f"posterior: x: expected last axis {d}, got {x.shape}")
        inverse = np.linalg.inv(weights.T @ weights + self.variance * np.eye(k))
        return (x - self.mean) @ weights @ inverse, self.variance * inverse


def fit_ppca(x: Any, latent_dim: int) -> PPCA:
    """The maximum of the likelihood of x (n, d): W = U (Λ - σ² I)^½, σ² = the mean of left-out λ.

    λ₁ ≥ λ₂ ≥ … are the eigenvalues of the sample covariance S (divided by n), Λ (k, k) holds the
    first k = latent_dim, U (d, k) their eigenvectors (Tipping & Bishop 1999, section 3.2).

    The log-likelihood of all samples is -n/2 (d log 2π + log det C + tr C⁻¹S), if μ is the mean
    of x, which is best for any C. Setting its derivative in W to zero gives

        S C⁻¹ W = W

    Write W = U diag(l) Rᵀ (singular values); R is free, take I. Then C⁻¹ U = U diag(l² + σ²)⁻¹, so
    S U = U diag(l² + σ²) where l > 0: U are eigenvectors of S, and C has their eigenvalue λ along
    each of them, σ² in the other directions. Any choice of k eigenvectors is stationary, with

        -2/n log-likelihood = d log 2π + Σ_kept (log λ + 1) + Σ_left (log σ² + λ / σ²)

    In σ² it is smallest at the mean of the left-out λ. What is left to choose is then
    Σ_kept log λ + (d - k) log mean_left λ, or, less the constant Σ_all log λ, d - k times

        log mean_left λ - mean_left log λ ≥ 0        (Jensen)

    which asks for left-out λ close to each other: neighbours in the order. As l² = λ - σ² ≥ 0
    for those kept, they are the smallest.

    Raises:
        ValueError: x is not (n, d) or not finite, latent_dim is not in 1 … d - 1, or nothing of
            the variance is left out: then σ² = 0, and the likelihood has no maximum.
    """
    x = np.asarray(x, np.float64)
    if x.ndim != 2 or not len(x):
        raise ValueError(f"fit_ppca: x: expected shape (n, d), got {x.shape}")
    n, d = x.shape
    if not np.isfinite(x).all():
        raise ValueError("fit_ppca: x: expected finite values, got nan or infinity")
    if not 1 <= latent_dim < d:
        raise ValueError(f"fit_ppca: latent_dim: expected 1 to {d - 1}, got {latent_dim}")
    mean = x.mean(axis=0)
    centred = x - mean
    values, vectors = np.linalg.eigh(centred.T @ centred / n)
    values, vectors = values[::-1], vectors[:, ::-1]
    variance = float(values[latent_dim:].mean())
    if variance <= d * np.finfo(np.float64).eps * values[0]:  # zero but for rounding
        raise ValueError(
            f"fit_ppca: x: expected variance in more than {latent_dim} directions, got {n} samples "
            "without"
        )
    scale = np.sqrt(np.maximum(values[:latent_dim] - variance, 0))  # equal λ may round below
    return PPCA(mean, vectors[:, :latent_dim] * scale, variance)
