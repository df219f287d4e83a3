"""Two estimates of the gradient of an expectation: why a VAE is trained by reparameterization.

We want the gradient of E[f(z)], z ~ N(μ, σ²), with respect to μ and log σ², from samples of z: the
gradient of the ELBO has this form. The distribution of the samples depends on the parameters, and
there are two ways to deal with that. Both estimates have the right expectation but differ in their
variance; for polynomials f, everything can be computed exactly.

Everything is in float64. The last axis holds the d latents, and the samples are z = μ + σ ε, where
the noise ε is an argument.
"""

import math
from collections.abc import Callable

import numpy as np
from numpy.polynomial import Polynomial
from numpy.typing import ArrayLike

from numpy_nets.autodiff.tensor import Array


def score_function(
    f: Callable[[Array], Array], mean: ArrayLike, log_var: ArrayLike, epsilon: ArrayLike
) -> tuple[Array, Array]:
    """f(z) ∂ log N(z; μ, σ²) for each sample: the estimates for μ and for log σ², both (n, d).

    Moving the derivative into the integral, with ∂p = p ∂ log p,

        ∂ ∫ p(z) f(z) dz = ∫ p(z) f(z) ∂ log p(z) dz

    log p = -½ Σ (log 2πσ² + (z - μ)² / σ²), so its derivatives are ε / σ and ½ (ε² - 1). Only the
    value of f is needed (REINFORCE: Williams 1992, section 4); in return the estimate for every
    latent contains the noise of the whole f, and its variance grows with the number of latents.

    Args:
        f: z (n, d) -> (n,).
        mean, log_var: (d,).
        epsilon: (n, d), drawn from N(0, I).

    >>> in_mean, in_log_var = score_function(lambda z: (z**2).sum(axis=1), [1.0], [0.0], [[2.0]])
    >>> in_mean.tolist(), in_log_var.tolist()  # f = 3²: 9 · 2 and 9 · ½ (4 - 1)
    ([[18.0]], [[13.5]])
    """
    epsilon = np.asarray(epsilon, np.float64)
    mean, log_var = np.asarray(mean, np.float64), np.asarray(log_var, np.float64)
    deviation = np.exp(0.5 * log_var)
    value = f(mean + deviation * epsilon)[:, None]
    return value * epsilon / deviation, value * 0.5 * (epsilon**2 - 1)


def reparameterized(
    gradient: Callable[[Array], Array], mean: ArrayLike, log_var: ArrayLike, epsilon: ArrayLike
) -> tuple[Array, Array]:
    """∂ f(μ + σ ε) for each sample: the estimates for μ and for log σ², both (n, d).

    The distribution of ε has no parameters, so the derivative moves past the expectation to f. As
    ∂z/∂μ = 1 and ∂z/∂log σ² = ½ σ ε, it is ∇f for μ and ∇f · ½ σ ε for log σ² (Kingma & Welling,
    arXiv 1312.6114, section 2.4).

    Args:
        gradient: ∇f, z (n, d) -> (n, d).
        mean, log_var: (d,).
        epsilon: (n, d), drawn from N(0, I).

    >>> in_mean, in_log_var = reparameterized(lambda z: 2 * z, [1.0], [0.0], [[2.0]])  # f = z²
    >>> in_mean.tolist(), in_log_var.tolist()  # 2 · 3 and 6 · ½ · 2
    ([[6.0]], [[6.0]])
    """
    epsilon = np.asarray(epsilon, np.float64)
    mean, log_var = np.asarray(mean, np.float64), np.asarray(log_var, np.float64)
    deviation = np.exp(0.5 * log_var)
    slope = gradient(mean + deviation * epsilon)
    return slope, slope * 0.5 * deviation * epsilon


def expectation(f: Polynomial, mean: ArrayLike, log_var: ArrayLike) -> Array:
    """E[f(z)], z ~ N(μ, σ²), for a polynomial f of one variable, elementwise in μ and log σ².

    The Taylor series f(μ + σ ε) = Σ_j f⁽ʲ⁾(μ) σʲ εʲ / j! is finite. The odd moments of ε are 0, the
    even ones E[ε²ᵏ] = (2k)! / (2ᵏ k!), so E[f(z)] = Σ_k f⁽²ᵏ⁾(μ) (σ²/2)ᵏ / k!

    >>> float(expectation(Polynomial([0, 0, 1]), 1.0, 0.0))  # E[z²] = μ² + σ²
    2.0
    """
    mean, half_var = np.asarray(mean, np.float64), 0.5 * np.exp(np.asarray(log_var, np.float64))
    total: Array = f(mean)
    for k in range(1, f.degree() // 2 + 1):
        total = total + f.deriv(2 * k)(mean) * half_var**k / math.factorial(k)
    return total


def expectation_gradient(
    f: Polynomial, mean: ArrayLike, log_var: ArrayLike
) -> tuple[Array, Array]:
    """The derivatives of `expectation` with respect to μ and to log σ², elementwise.

    They are E[f'(z)] and ½ σ² E[f''(z)]: differentiate the series above term by term. (That they
    are so for every smooth f are the theorems of Bonnet and of Price: Rezende et al., arXiv
    1401.4082, section 3.)

    >>> [float(g) for g in expectation_gradient(Polynomial([0, 0, 1]), 3.0, 0.0)]  # 2μ and σ²
    [6.0, 1.0]
    """
    var = np.exp(np.asarray(log_var, np.float64))
    return (
        expectation(f.deriv(), mean, log_var),
        0.5 * var * expectation(f.deriv(2), mean, log_var),
    )
