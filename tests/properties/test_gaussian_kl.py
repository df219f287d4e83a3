"""The KL divergence of a Gaussian from the standard normal, specified.

    D(μ, v) = KL(N(μ, e^v) ‖ N(0, I)) = E_q[log q(z) - log p(z)]
            = ½ Σ (μ² + e^v - 1 - v),    v = log σ², in nats

Each test is one law of D, from its definition to its gradient.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from strategies import dtypes, fewer, log_vars, means, number, rounding

from numpy_nets import GradientTape
from numpy_nets.autodiff.tensor import Tensor
from numpy_nets.models.vae import gaussian_kl
from numpy_nets.theory.gaussian import kl_divergence

gaussians = st.lists(st.tuples(means, log_vars), min_size=1, max_size=5).map(np.transpose)


def kl(mean, log_var, dtype=np.float64) -> float:
    """D of one sample."""
    mean, log_var = (Tensor(np.atleast_2d(x).astype(dtype)) for x in (mean, log_var))
    (found,) = gaussian_kl(mean, log_var).array
    assert found.dtype == dtype
    return float(found)


def gradients(mean, log_var, dtype=np.float64) -> list[np.ndarray]:
    """∂D/∂μ and ∂D/∂v."""
    sources = [Tensor(np.atleast_2d(x).astype(dtype)) for x in (mean, log_var)]
    with GradientTape() as tape:
        tape.watch(sources)
        value = gaussian_kl(*sources)
    return [g.array[0] for g in tape.gradient(value, sources)]


@given(gaussians, dtypes)
def test_it_is_finite_and_so_is_its_gradient(gaussian, dtype) -> None:
    """|D| < ∞ and |∇D| < ∞ for variances from e^-80 to e^80."""
    assert np.isfinite(kl(*gaussian, dtype))
    assert np.isfinite(gradients(*gaussian, dtype)).all()


@given(gaussians, dtypes)
def test_it_is_never_negative(gaussian, dtype) -> None:
    """D ≥ 0 (Gibbs), up to the rounding of e^v - 1, which is less than that of v."""
    assert kl(*gaussian, dtype) >= -rounding(dtype) * np.minimum(1, np.abs(gaussian[1])).sum()


@given(st.integers(1, 50), dtypes)
def test_it_is_exactly_zero_at_the_standard_normal_and_flat(n, dtype) -> None:
    """D(0, 0) = 0 and ∇D(0, 0) = 0."""
    assert kl(np.zeros(n), np.zeros(n), dtype) == 0
    assert not np.any(gradients(np.zeros(n), np.zeros(n), dtype))


@given(means, log_vars)
def test_it_is_positive_everywhere_else(mean, log_var) -> None:
    """D(μ, v) > 0 unless μ = v = 0; nearer than 10⁻⁷ it is too small for float64."""
    if abs(mean) >= 1e-7 or abs(log_var) >= 1e-7:
        assert kl(mean, log_var) > 0


@given(gaussians)
def test_it_is_additive_over_dimensions(gaussian) -> None:
    """D(μ, v) = Σᵢ D(μᵢ, vᵢ): densities of independent coordinates multiply."""
    each = [kl(m, v) for m, v in gaussian.T]
    assert kl(*gaussian) == pytest.approx(sum(each), rel=rounding(float), abs=rounding(float))


@given(gaussians)
def test_it_is_the_general_closed_form_with_the_standard_normal_in_it(gaussian) -> None:
    """D(μ, v) = theory.kl_divergence(μ, e^v, 0, 1), two derivations of one number."""
    mean, log_var = gaussian
    expected = float(kl_divergence(mean, np.exp(log_var), 0.0, 1.0))
    assert kl(mean, log_var) == pytest.approx(expected, rel=1e-12, abs=1e-12)


@fewer(2)
@given(number(-3, 3, 0.0), number(-3, 3, 0.0))
def test_it_equals_quadrature_in_one_dimension(mean, log_var) -> None:
    """D = ∫ q(z) (log q(z) - log p(z)) dz, with z = μ + σ e."""
    deviation = np.exp(0.5 * log_var)

    def integrand(e: float) -> float:
        z = mean + deviation * e
        log_ratio = -0.5 * (e * e + log_var) + 0.5 * z * z
        return np.exp(-0.5 * e * e) / np.sqrt(2 * np.pi) * log_ratio

    assert kl(mean, log_var) == pytest.approx(quad(integrand, -12, 12)[0], rel=1e-8, abs=1e-8)


@fewer(2)
@given(
    st.lists(st.tuples(number(-3, 3), number(-3, 3)), min_size=1, max_size=4).map(np.transpose),
    st.integers(0, 2**32),
)
def test_it_is_within_five_standard_errors_of_monte_carlo(gaussian, seed) -> None:
    """D = E_q[log q(z) - log p(z)], from 20,000 samples z ~ q."""
    mean, log_var = gaussian
    e = np.random.default_rng(seed).standard_normal((20_000, len(mean)))
    z = mean + np.exp(0.5 * log_var) * e
    log_ratio = 0.5 * np.sum(z * z - e * e - log_var, axis=1)
    error = log_ratio.std() / np.sqrt(len(log_ratio))
    assert abs(kl(mean, log_var) - log_ratio.mean()) <= 5 * error + 1e-12


@given(gaussians, dtypes)
def test_its_gradient_is_the_closed_form(gaussian, dtype) -> None:
    """∂D/∂μ = μ, exactly; ∂D/∂v = ½ (e^v - 1), up to rounding."""
    mean, log_var = gaussian.astype(dtype)
    by_mean, by_log_var = gradients(mean, log_var, dtype)
    np.testing.assert_array_equal(by_mean, mean)
    expected = 0.5 * np.expm1(log_var.astype(np.float64))
    np.testing.assert_allclose(
        by_log_var, expected, rtol=1e-5 if dtype == np.float32 else 1e-13, atol=rounding(dtype)
    )


@given(means, log_vars)
def test_it_is_even_in_the_mean(mean, log_var) -> None:
    """D(-μ, v) = D(μ, v): the standard normal has no preferred direction."""
    assert kl(-mean, log_var) == kl(mean, log_var)
