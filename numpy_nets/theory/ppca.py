"""Probabilistic PCA: a latent-variable model whose likelihood is known exactly.

    z ~ N(0, I),    x = W z + μ + ε,    ε ~ N(0, σ² I)

This is a VAE with a linear decoder for which nothing has to be bounded or sampled: the marginal
likelihood, the posterior and the best parameters have closed forms. So the ELBO of a linear VAE can
be compared with the truth. Source: Tipping & Bishop 1999, Probabilistic principal component
analysis, J. R. Statist. Soc. B 61(3), section 3; also Bishop 2006, section 12.2.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from numpy_nets.autodiff.tensor import Array
from numpy_nets.checks import number
from numpy_nets.theory.gaussian import log_density


@dataclass(frozen=True, eq=False)
class PPCA:
    """The model's parameters: mean μ (d,), weights W (d, k), variance σ² of the noise.

    W and W R, with any orthogonal R (k, k), give the same model: z and R z have the same prior.

    Raises:
        ValueError: the shapes do not match, or the variance is not a finite number > 0.

    >>> ppca = PPCA(mean=np.zeros(2), weights=np.array([[1.0], [0.0]]), variance=1.0)
    >>> ppca.covariance.tolist()
    [[2.0, 0.0], [0.0, 1.0]]
    >>> round(float(ppca.log_likelihood([0, 0])), 4)  # -½ (2 log 2π + log 2)
    -2.1845
    >>> mean, covariance = ppca.posterior([2, 5])  # z and ε: half of x₁ each
    >>> mean.tolist(), covariance.tolist()
    ([1.0], [[0.5]])
    """

    mean: Array
    weights: Array
    variance: float

    def __post_init__(self) -> None:
        mean, weights = np.shape(self.mean), np.shape(self.weights)
        if len(mean) != 1 or len(weights) != 2 or weights[0] != mean[0]:
            raise ValueError(f"PPCA: expected mean (d,), weights (d, k), got {mean}, {weights}")
        number("PPCA: variance", self.variance, "(0, inf)")

    @property
    def covariance(self) -> Array:
        """C = W Wᵀ + σ² I, the covariance of x.  (d, d).

        x is a linear function of the Gaussians z and ε, so it is Gaussian too, with mean μ. The two
        are independent, so their covariances add: Cov(W z) = W I Wᵀ and Cov(ε) = σ² I.
        """
        weights = np.asarray(self.weights, np.float64)
        result: Array = weights @ weights.T + self.variance * np.eye(len(weights))
        return result

    def log_likelihood(self, x: ArrayLike) -> Array:
        """log p(x) = log ∫ p(x|z) p(z) dz = log N(x; μ, C), in nats.  (..., d) -> (...).

        Raises:
            ValueError: the last axis of x is not d.
        """
        return log_density(x, self.mean, self.covariance)

    def posterior(self, x: ArrayLike) -> tuple[Array, Array]:
        """p(z|x) = N(M⁻¹ Wᵀ (x - μ), σ² M⁻¹) with M = Wᵀ W + σ² I.

        (..., d) -> means (..., k), and the covariance (k, k), which is the same for all x.

        By Bayes' rule log p(z|x) = log p(z) + log p(x|z) + terms without z, which is

            -½ zᵀz - |x - μ - W z|² / 2σ² = -½ zᵀ (M / σ²) z + zᵀ Wᵀ (x - μ) / σ² + …

        The exponent of a Gaussian N(m, S) is -½ zᵀ S⁻¹ z + zᵀ S⁻¹ m + …, and comparing the two
        gives S = σ² M⁻¹ and m = S Wᵀ (x - μ) / σ².

        Raises:
            ValueError: the last axis of x is not d.
        """
        x, weights = np.asarray(x, np.float64), np.asarray(self.weights, np.float64)
        d, k = weights.shape
        if x.shape[-1:] != (d,):
            raise ValueError(f"PPCA.posterior: x: expected last axis {d}, got {x.shape}")
        inverse = np.linalg.inv(weights.T @ weights + self.variance * np.eye(k))
        return (x - self.mean) @ weights @ inverse, self.variance * inverse


def fit_ppca(x: ArrayLike, latent_dim: int) -> PPCA:
    """The maximum-likelihood fit to x (n, d): W = U (Λ - σ² I)^½, σ² = the mean of the left-out λ.

    λ₁ ≥ λ₂ ≥ … are the eigenvalues of the sample covariance S (divided by n). Λ (k, k) holds the
    first k = latent_dim of them, U (d, k) their eigenvectors (Tipping & Bishop 1999, section 3.2).

    The log-likelihood of all samples is -n/2 (d log 2π + log det C + tr C⁻¹S), if μ is the mean of
    x, the best μ for any C. In W, log det C has the derivative 2 C⁻¹ W and tr C⁻¹S has
    -2 C⁻¹ S C⁻¹ W; their sum is zero where

        S C⁻¹ W = W

    Write W = U diag(l) Rᵀ (singular values); R is arbitrary, so take I. Then C⁻¹ U =
    U diag(l² + σ²)⁻¹, so S U = U diag(l² + σ²) where l > 0: the columns of U are eigenvectors of S,
    and C has their eigenvalue λ along each of them and σ² in the other directions. Every choice of
    k eigenvectors to keep is stationary, with

        -2/n log-likelihood = d log 2π + Σ_kept (log λ + 1) + Σ_left (log σ² + λ / σ²)

    As a function of σ² this is least at the mean of the left-out λ. It remains to choose which λ to
    keep, to make Σ_kept log λ + (d - k) log mean_left λ least. Subtracting the constant Σ_all log λ
    and dividing by d - k leaves

        log mean_left λ - mean_left log λ ≥ 0        (Jensen)

    which is small if the left-out λ are close to each other: they are neighbours in the order. And
    as l² = λ - σ² ≥ 0 for the kept ones, the left-out ones are the smallest.

    Raises:
        ValueError: x is not (n, d) or not finite, latent_dim is not in 1 … d - 1, or no variance is
            left out: then σ² = 0, and the likelihood has no maximum.

    >>> fit = fit_ppca([[2, 0], [-2, 0], [0, 1], [0, -1]], latent_dim=1)  # eigenvalues 2 and ½
    >>> fit.variance, (fit.weights @ fit.weights.T).round(12).tolist()
    (0.5, [[1.5, 0.0], [0.0, 0.0]])
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
    if variance <= d * np.finfo(np.float64).eps * values[0]:  # zero up to rounding
        raise ValueError(
            f"fit_ppca: x: expected variance in more than {latent_dim} directions, got none in {n} "
            "samples"
        )
    scale = np.sqrt(np.maximum(values[:latent_dim] - variance, 0))  # equal λ may round to less
    return PPCA(mean, vectors[:, :latent_dim] * scale, variance)
