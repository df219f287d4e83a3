"""Closed forms of Gaussians against SciPy, quadrature, samples and their definitions."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.polynomial.hermite_e import hermegauss
from scipy import stats
from scipy.integrate import quad

from numpy_nets.theory.gaussian import (
    entropy,
    kl_divergence,
    line_norm_mean,
    log_density,
    norm_density,
    norm_mean,
    norm_variance,
)

few = settings(max_examples=25, deadline=None)
means, variances = st.floats(-3, 3), st.floats(0.05, 20)
one = st.tuples(means, variances, means, variances)  # mean_q, var_q, mean_p, var_p
several = st.lists(one, min_size=1, max_size=5).map(lambda rows: np.array(rows).T)


def close(actual, expected, rtol=1e-10, atol=1e-12):
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol)


def expectation(f, mean, var):
    """E f(x), x ~ N(mean, var), by Gauss-Hermite quadrature: exact for polynomials."""
    nodes, weights = hermegauss(20)
    return np.sum(weights * f(mean + np.sqrt(var) * nodes)) / np.sqrt(2 * np.pi)


def log_normal(x, mean, var):
    """The definition of the density, in one dimension (SciPy's is slow, one point at a time)."""
    return -0.5 * (math.log(2 * math.pi * var) + (x - mean) ** 2 / var)


def normals(q):
    mean_q, var_q, mean_p, var_p = q
    return stats.norm(mean_q, np.sqrt(var_q)), stats.norm(mean_p, np.sqrt(var_p))


# Kullback-Leibler divergence.


@few
@given(several)
def test_kl_is_never_negative(q):
    assert kl_divergence(*q) >= 0


@few
@given(several, st.floats(-1e-6, 1e-6))
def test_rounding_makes_no_kl_of_near_equals_negative(q, change):
    assert kl_divergence(q[0], q[1] * (1 + change), q[0], q[1]) >= 0


@few
@given(several)
def test_kl_is_exactly_zero_at_equality(q):
    assert kl_divergence(q[0], q[1], q[0], q[1]) == 0


@few
@given(several, st.sampled_from([-0.1, -0.01, 0.01, 0.1]), st.data())
def test_kl_is_positive_as_soon_as_one_parameter_differs(q, change, data):
    mean, var = q[0].copy(), q[1].copy()
    i = data.draw(st.integers(0, len(mean) - 1))
    if data.draw(st.booleans()):
        mean[i] += change
    else:
        var[i] *= 1 + change
    assert kl_divergence(mean, var, q[0], q[1]) > 1e-7


@few
@given(several)
def test_kl_adds_over_dimensions(q):
    close(kl_divergence(*q), sum(kl_divergence(*q[:, [i]]) for i in range(q.shape[1])))


@few
@given(one)
def test_kl_is_its_integral_in_one_dimension(q):
    mean_q, var_q, mean_p, var_p = q

    def integrand(t):  # in standard deviations of q; the tails beyond 12 weigh less than 1e-28
        x = mean_q + math.sqrt(var_q) * t
        log_ratio = log_normal(x, mean_q, var_q) - log_normal(x, mean_p, var_p)
        return math.exp(log_normal(t, 0, 1)) * log_ratio

    expected, _ = quad(integrand, -12, 12, epsabs=1e-13, epsrel=1e-10)
    close(kl_divergence(*([value] for value in q)), expected, rtol=1e-8)


@pytest.mark.parametrize("seed", range(5))
def test_kl_is_within_five_standard_errors_of_monte_carlo(seed):
    rng = np.random.default_rng(seed)
    q = rng.normal(size=4), rng.uniform(0.2, 3, 4), rng.normal(size=4), rng.uniform(0.2, 3, 4)
    normal_q, normal_p = normals(q)
    x = q[0] + np.sqrt(q[1]) * rng.standard_normal((50_000, 4))
    terms = np.sum(normal_q.logpdf(x) - normal_p.logpdf(x), axis=1)
    error = terms.std() / np.sqrt(len(terms))
    assert abs(kl_divergence(*q) - terms.mean()) < 5 * error
    assert error < 0.05 * kl_divergence(*q)  # or the line above would say little


@few
@given(several, st.floats(0.1, 10), st.sampled_from([-1, 1]), st.floats(-5, 5))
def test_kl_is_invariant_under_a_common_affine_map(q, size, sign, shift):
    a = sign * size * np.arange(1, q.shape[1] + 1)  # another factor for every dimension
    mapped = a * q[0] + shift, a**2 * q[1], a * q[2] + shift, a**2 * q[3]
    close(kl_divergence(*mapped), kl_divergence(*q))


@few
@given(several)
def test_kl_is_cross_entropy_minus_entropy(q):
    cross_entropy = -sum(
        expectation(lambda x, p=p: log_normal(x, *p), mean_q, var_q) for mean_q, var_q, *p in q.T
    )
    close(kl_divergence(*q), cross_entropy - entropy(q[1]), rtol=1e-9, atol=1e-10)


@few
@given(several)
def test_kl_to_the_standard_normal_is_that_of_a_vae(q):
    mean, log_var = q[0], np.log(q[1])
    expected = -0.5 * np.sum(1 + log_var - mean**2 - np.exp(log_var))
    close(kl_divergence(mean, q[1], 0, 1), expected)


def test_kl_stays_finite_at_log_variances_of_80():
    kl = kl_divergence([[0.0], [0.0]], np.exp([[80.0], [-80.0]]), 0, 1)
    close(kl, [(np.exp(80) - 81) / 2, (80 - 1) / 2])


def test_leading_axes_are_kept_and_broadcast():
    rng = np.random.default_rng(0)
    mean, var = rng.normal(size=(2, 3, 4)), rng.uniform(1, 2, (2, 3, 4))
    kl = kl_divergence(mean, var, mean[0, 0], var[0, 0])
    assert kl.shape == entropy(var).shape == (2, 3)
    close(kl[1, 2], kl_divergence(mean[1, 2], var[1, 2], mean[0, 0], var[0, 0]))


def test_float32_is_computed_in_float64():
    var = np.float32([0.3, 0.7])
    assert entropy(var) == entropy(var.astype("float64"))
    assert kl_divergence(var, var, 0, 1) == kl_divergence(*[var.astype("float64")] * 2, 0, 1)


# Entropy.


@few
@given(st.lists(variances, min_size=1, max_size=5))
def test_entropy_is_scipys_and_adds_over_dimensions(var):
    close(entropy(var), stats.norm.entropy(0, np.sqrt(var)).sum())
    close(entropy(var), stats.multivariate_normal(cov=np.diag(var)).entropy())


@few
@given(variances)
def test_entropy_is_its_integral_in_one_dimension(var):
    def integrand(t):
        return -math.exp(log_normal(t, 0, 1)) * log_normal(math.sqrt(var) * t, 0, var)

    expected, _ = quad(integrand, -12, 12, epsabs=1e-13)
    close(entropy([var]), expected, rtol=1e-8)


@few
@given(variances, st.floats(0.1, 10))
def test_scaling_by_a_adds_log_a_to_the_entropy(var, a):
    close(entropy([a**2 * var]), entropy([var]) + np.log(a))


# Density with full covariance.


@st.composite
def gaussians(draw):
    """x (n, d), mean (d,), covariance (d, d)."""
    d, seed = draw(st.integers(1, 6)), draw(st.integers(0, 10_000))
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(d, d))
    return 3 * rng.normal(size=(7, d)), rng.normal(size=d), root @ root.T + 0.1 * np.eye(d)


@few
@given(gaussians())
def test_log_density_is_scipys(gaussian):
    x, mean, covariance = gaussian
    close(log_density(x, mean, covariance), stats.multivariate_normal(mean, covariance).logpdf(x))


@few
@given(gaussians())
def test_log_density_of_independent_coordinates_is_the_sum_of_theirs(gaussian):
    x, mean, covariance = gaussian
    var = np.diag(covariance)
    expected = stats.norm.logpdf(x, mean, np.sqrt(var)).sum(axis=1)
    close(log_density(x, mean, np.diag(var)), expected)


@few
@given(gaussians())
def test_an_affine_map_subtracts_its_log_determinant(gaussian):
    x, mean, covariance = gaussian
    a = np.random.default_rng(0).normal(size=covariance.shape) + 3 * np.eye(len(mean))
    mapped = log_density(x @ a.T + 1, a @ mean + 1, a @ covariance @ a.T)
    log_det = np.linalg.slogdet(a).logabsdet
    close(mapped, log_density(x, mean, covariance) - log_det, rtol=1e-8)


def test_log_density_keeps_the_leading_axes():
    x = np.random.default_rng(0).normal(size=(2, 3, 4))
    log_p = log_density(x, np.zeros(4), np.eye(4))
    assert log_p.shape == (2, 3)
    assert log_density(x[1, 2], np.zeros(4), np.eye(4)).shape == ()
    close(log_p[1, 2], log_density(x[1, 2], np.zeros(4), np.eye(4)))


def test_arguments_are_not_changed():
    x, mean, covariance = np.ones((2, 3)), np.ones(3), np.eye(3)
    log_density(x, mean, covariance)
    kl_divergence(mean, mean, 0, 1)
    assert (x == 1).all() and (mean == 1).all() and (covariance == np.eye(3)).all()


# Norm.

DIMENSIONS = [1, 2, 3, 10, 100, 1000]


def norm_integral(f, d):
    """∫ f(r) p(r) dr with SciPy's density of the chi distribution, 15 units around √d."""
    low, high = max(0.0, np.sqrt(d) - 15), np.sqrt(d) + 15
    value, _ = quad(lambda r: f(r) * stats.chi.pdf(r, d), low, high, epsabs=1e-12, epsrel=1e-11)
    return value


@pytest.mark.parametrize("d", DIMENSIONS)
def test_norm_density_is_scipys_chi_and_integrates_to_1(d):
    r = np.sqrt(d) + np.linspace(-min(8, np.sqrt(d)), 8, 33)
    close(norm_density(r, d), stats.chi.pdf(r, d), rtol=1e-9)
    low, high = max(0.0, np.sqrt(d) - 15), np.sqrt(d) + 15
    close(quad(norm_density, low, high, args=(d,))[0], 1, rtol=1e-8)


def test_norm_density_at_0_is_that_of_one_dimension_only():
    close(norm_density(0, 1), np.sqrt(2 / np.pi))
    assert norm_density(0, 2) == norm_density(0, 100) == 0


@pytest.mark.parametrize("d", [2, 3, 100])
def test_norm_density_is_highest_at_the_root_of_d_minus_1(d):
    r = np.linspace(0, 2 * np.sqrt(d), 2001)
    assert r[norm_density(r, d).argmax()] == pytest.approx(np.sqrt(d - 1), abs=2 * r[1])


@pytest.mark.parametrize("d", DIMENSIONS)
def test_norm_mean_and_variance_are_their_integrals(d):
    mean = norm_integral(lambda r: r, d)
    close(norm_mean(d), mean, rtol=1e-9)
    close(norm_variance(d), norm_integral(lambda r: (r - mean) ** 2, d), rtol=1e-8)


@pytest.mark.parametrize("d", [1, 2, 10, 100])
def test_norm_mean_and_variance_are_within_five_standard_errors_of_monte_carlo(d):
    norms = np.linalg.norm(np.random.default_rng(d).standard_normal((50_000, d)), axis=1)
    squares = (norms - norm_mean(d)) ** 2
    assert abs(norms.mean() - norm_mean(d)) < 5 * norms.std() / np.sqrt(len(norms))
    assert abs(squares.mean() - norm_variance(d)) < 5 * squares.std() / np.sqrt(len(norms))


@few
@given(st.integers(1, 10**6))
def test_norm_mean_is_near_the_root_of_d_and_the_variance_grows_to_one_half(d):
    assert np.sqrt(d - 0.5) < norm_mean(d) < np.sqrt(d)
    assert 0.36 < norm_variance(d) < 0.5
    # Γ(x + 1) = x Γ(x). Up to x = 10⁴ poch subtracts two log Γ(x), of up to 8e4: each is rounded
    # to half of 1.5e-11, and what is lost there is relative after the exponential.
    close(norm_mean(d) * norm_mean(d + 1), d, rtol=3e-11)


def test_means_of_one_to_three_dimensions_are_known():
    close([norm_mean(1), norm_mean(2), norm_mean(3)], np.sqrt([2 / np.pi, np.pi / 2, 8 / np.pi]))


@pytest.mark.parametrize("d", [1, 2, 100])
@pytest.mark.parametrize("t", [0.0, 0.25, 0.5, 0.9, 1.0])
def test_norms_on_a_straight_line_are_within_five_standard_errors_of_monte_carlo(d, t):
    a, b = np.random.default_rng(d).standard_normal((2, 20_000, d))
    norms = np.linalg.norm((1 - t) * a + t * b, axis=1)
    assert abs(norms.mean() - line_norm_mean(d, t)) < 5 * norms.std() / np.sqrt(len(norms))


@few
@given(st.integers(1, 10**6), st.floats(0, 1))
def test_a_straight_line_starts_at_the_norm_of_samples_and_is_lowest_in_the_middle(d, t):
    assert line_norm_mean(d, 0) == line_norm_mean(d, 1) == norm_mean(d)
    close(line_norm_mean(d), norm_mean(d) / np.sqrt(2))
    close(line_norm_mean(d, t), line_norm_mean(d, 1 - t))
    assert line_norm_mean(d) * (1 - 1e-12) <= line_norm_mean(d, t) <= norm_mean(d)


# Errors.

I2 = np.eye(2)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: entropy([1, 0.0]), "entropy: var: expected positive and finite, got 0.0"),
        (lambda: entropy([np.inf]), "entropy: var: expected positive and finite, got inf"),
        (lambda: entropy(2.0), r"entropy: expected the same last axis d, got var \(\)"),
        (lambda: kl_divergence([0], [-1], 0, 1), "kl_divergence: var_q: .* got -1.0"),
        (lambda: kl_divergence([0], [1], 0, 0), "kl_divergence: var_p: .* got 0.0"),
        (lambda: kl_divergence([0], [np.nan], 0, 1), "kl_divergence: var_q: .* got nan"),
        (
            lambda: kl_divergence(np.ones((3, 2)), np.ones((3, 1)), 0, 1),
            r"last axis d, got mean_q \(3, 2\), var_q \(3, 1\), mean_p \(\), var_p \(\)",
        ),
        (
            lambda: kl_divergence(np.ones((3, 2)), np.ones((4, 2)), 0, 1),
            r"expected shapes that match, got mean_q \(3, 2\), var_q \(4, 2\)",
        ),
        (
            lambda: log_density(np.ones((5, 3)), np.ones(2), I2),
            r"got \(5, 3\), \(2,\), \(2, 2\)",
        ),
        (lambda: log_density([1, 1], [0, 0], [1, 1]), r"got \(2,\), \(2,\), \(2,\)"),
        (lambda: log_density([1, 1], [0, 0], [[1, 0.5], [0, 1]]), "a finite symmetric matrix"),
        (lambda: log_density([1, 1], [0, 0], I2 * np.nan), "a finite symmetric matrix"),
        (lambda: log_density([1, 1], [0, 0], np.diag([1, np.inf])), "a finite symmetric matrix"),
        (lambda: log_density([1, 1], [0, 0], np.diag([1, -2])), "positive eigenvalues, got -2"),
        (lambda: norm_density(1.0, 0), "norm_density: d: expected a positive integer, got 0"),
        (lambda: norm_density([1, -0.5], 2), "norm_density: r: .* no negative number, got -0.5"),
        (lambda: norm_mean(2.5), "norm_mean: d: expected a positive integer, got 2.5"),
        (lambda: norm_variance(0), "norm_variance: d: expected a positive integer, got 0"),
        (lambda: line_norm_mean(0), "line_norm_mean: d: expected a positive integer, got 0"),
        (lambda: line_norm_mean(2, 1.5), r"line_norm_mean: t: .* in \[0, 1\], got 1.5"),
    ],
)
def test_what_does_not_fit_raises_one_line_that_says_what_was_expected(call, message):
    with pytest.raises(ValueError, match=message) as error:
        call()
    assert "\n" not in str(error.value)
