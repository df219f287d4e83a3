"""Two gradients of an expectation, from samples: why a VAE is trained by reparameterization.

What is wanted is the gradient of E[f(z)], z ~ N(μ, σ²), in μ and log σ²: that of the ELBO has
this form. The samples depend on the parameters, and there are two ways to deal with that. Both
have the right expectation; they differ in variance, and by how much is shown here for polynomials,
where everything is known exactly.

Everything is in float64. d latents are the last axis, and samples z = μ + σ ε with given noise ε.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.polynomial import Polynomial

from numpy_nets.autodiff.tensor import Array


def score_function(
    f: Callable[[Array], Array], mean: Any, log_var: Any, epsilon: Any
) -> tuple[Array, Array]:
    """f(z) ∂ log N(z; μ, σ²), the estimate of each sample: in μ and in log σ², both (n, d).

    Moving the derivative into the integral, with ∂p = p ∂ log p,

        ∂ ∫ p(z) f(z) dz = ∫ p(z) f(z) ∂ log p(z) dz

    log p = -½ Σ (log 2πσ² + (z - μ)² / σ²), so its derivatives are ε / σ and ½ (ε² - 1). Nothing
    is asked of f but its value (REINFORCE: Williams 1992, section 4); so every latent's estimate
    has the noise of the whole f, and its variance rises with the number of latents.

    Args:
        f: z (n, d) -> (n,).
        mean, log_var: (d,).
        epsilon: (n, d), from N(0, I).
    """
    epsilon = np.asarray(epsilon, np.float64)
    mean, log_var = np.asarray(mean, np.float64), np.asarray(log_var, np.float64)
    deviation = np.exp(0.5 * log_var)
    value = f(mean + deviation * epsilon)[:, None]
    return value * epsilon / deviation, value * 0.5 * (epsilon**2 - 1)


def reparameterized(
    gradient: Callable[[Array], Array], mean: Any, log_var: Any, epsilon: Any
) -> tuple[Array, Array]:
    """∂ f(μ + σ ε), the estimate of each sample: in μ and in log σ², both (n, d).

    The distribution of ε has no parameters, so the derivative moves past the expectation to f:
    ∇f in μ, and ∇f · ½ σ ε in log σ² (Kingma & Welling, arXiv 1312.6114, section 2.4).

    Args:
        gradient: ∇f, z (n, d) -> (n, d).
        mean, log_var: (d,).
        epsilon: (n, d), from N(0, I).
    """
    epsilon = np.asarray(epsilon, np.float64)
    mean, log_var = np.asarray(mean, np.float64), np.asarray(log_var, np.float64)
    deviation = np.exp(0.5 * log_var)
    slope = gradient(mean + deviation * epsilon)
    return slope, slope * 0.5 * deviation * epsilon


def expectation(f: Polynomial, mean: Any, log_var: Any) -> Array:
    """E[f(z)], z ~ N(μ, σ²), for a polynomial f of one variable, at each element.

    Taylor's series f(μ + σ ε) = Σ_j f⁽ʲ⁾(μ) σʲ εʲ / j! ends, and of the moments of ε the odd
    ones are 0, the even ones E[ε²ᵏ] = (2k)! / (2ᵏ k!). So E[f(z)] = Σ_k f⁽²ᵏ⁾(μ) (σ²/2)ᵏ / k!
    """
    mean, half_var = np.asarray(mean, np.float64), 0.5 * np.exp(np.asarray(log_var, np.float64))
    total: Array = f(mean)
    for k in range(1, f.degree() // 2 + 1):
        total = total + f.deriv(2 * k)(mean) * half_var**k / math.factorial(k)
    return total


def expectation_gradient(f: Polynomial, mean: Any, log_var: Any) -> tuple[Array, Array]:
    """The derivatives of `expectation` in μ and in log σ², at each element.

    E[f'(z)] and ½ σ² E[f''(z)]: the series above differentiated term by term (for any smooth f
    they are the theorems of Bonnet and Price: Rezende et al., arXiv 1401.4082, section 3).
    """
    var = np.exp(np.asarray(log_var, np.float64))
    return (
        expectation(f.deriv(), mean, log_var),
        0.5 * var * expectation(f.deriv(2), mean, log_var),
    )
