"""Probabilistic PCA against SciPy, quadrature, Bayes' rule and random competitors."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.integrate import quad
from scipy.stats import ortho_group

from numpy_nets.theory.ppca import PPCA, fit_ppca

few = settings(max_examples=15, deadline=None)
seeds = st.integers(0, 10_000)


def close(actual, expected, rtol=1e-9, atol=1e-12):
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol)


def a_model(d=5, k=2, seed=0):
    rng = np.random.default_rng(seed)
    return PPCA(rng.normal(size=d), rng.normal(size=(d, k)), rng.uniform(0.2, 1))


def sample(model, n, seed=1):
    rng = np.random.default_rng(seed)
    d, k = model.weights.shape
    noise = np.sqrt(model.variance) * rng.standard_normal((n, d))
    return rng.standard_normal((n, k)) @ model.weights.T + model.mean + noise


def log_joint(model, x, z):
    """log p(z) + log p(x|z), from the definition of the model.  z (n, k) -> (n,)."""
    log_prior = stats.norm.logpdf(z).sum(axis=-1)
    decoded = z @ model.weights.T + model.mean
    return log_prior + stats.norm.logpdf(x, decoded, np.sqrt(model.variance)).sum(axis=-1)


def eigenvalues(x):
    """Those of the covariance of x, largest first: by singular values, unlike in the code."""
    return np.linalg.svd(x - x.mean(axis=0), compute_uv=False) ** 2 / len(x)


# Likelihood.


@few
@given(st.integers(1, 6), st.integers(1, 3), seeds)
def test_the_likelihood_is_the_gaussian_of_its_covariance(d, k, seed):
    model = a_model(d, k, seed)
    x = sample(model, 20, seed)
    covariance = model.weights @ model.weights.T + model.variance * np.eye(d)
    close(model.log_likelihood(x), stats.multivariate_normal(model.mean, covariance).logpdf(x))


def test_samples_of_the_model_have_its_mean_and_covariance():
    model = a_model()
    x, n = sample(model, 100_000), 100_000
    c = model.covariance
    mean_error = np.sqrt(np.diag(c) / n)
    covariance_error = np.sqrt((np.outer(np.diag(c), np.diag(c)) + c**2) / n)
    assert np.all(np.abs(x.mean(axis=0) - model.mean) < 5 * mean_error)
    assert np.all(np.abs(np.cov(x.T) - c) < 5 * covariance_error)


@pytest.mark.parametrize("seed", range(3))
def test_the_likelihood_is_the_integral_of_the_joint_density_over_z(seed):
    model = a_model(d=3, k=1, seed=seed)
    for x in sample(model, 2, seed):
        (centre,), ((var,),) = model.posterior(x)  # where the integrand is, for quad to find it
        width = 12 * np.sqrt(var)
        integral, _ = quad(
            lambda z, x=x: np.exp(log_joint(model, x, np.array([z]))),
            centre - width, centre + width, epsabs=0, epsrel=1e-9,
        )  # fmt: skip
        close(np.exp(model.log_likelihood(x)), integral, rtol=1e-8)


def test_the_likelihood_is_within_five_standard_errors_of_monte_carlo_over_z():
    model = a_model(d=3, k=2)
    x = sample(model, 1)[0]
    z = np.random.default_rng(2).standard_normal((100_000, 2))
    p = np.exp(log_joint(model, x, z) - stats.norm.logpdf(z).sum(axis=1))
    error = p.std() / np.sqrt(len(p))
    assert abs(np.exp(model.log_likelihood(x)) - p.mean()) < 5 * error
    assert error < 0.05 * p.mean()


def test_the_likelihood_integrates_to_one_over_x():
    model = a_model(d=2, k=1)
    sides = [
        m + np.sqrt(v) * np.linspace(-9, 9, 801)
        for m, v in zip(model.mean, np.diag(model.covariance), strict=True)
    ]
    x = np.stack(np.meshgrid(*sides, indexing="ij"), axis=-1)  # (801, 801, 2)
    cell = np.prod([side[1] - side[0] for side in sides])
    close(np.exp(model.log_likelihood(x)).sum() * cell, 1, rtol=1e-10)


@few
@given(st.integers(2, 4), seeds)
def test_rotating_the_weights_changes_neither_likelihood_nor_reconstruction(k, seed):
    model = a_model(6, k, seed)
    rotated = model.weights @ ortho_group.rvs(k, random_state=seed)
    other = PPCA(model.mean, rotated, model.variance)
    x = sample(model, 10, seed)
    close(other.log_likelihood(x), model.log_likelihood(x))
    close(
        other.posterior(x)[0] @ other.weights.T, model.posterior(x)[0] @ model.weights.T, atol=1e-9
    )


# Posterior.


@pytest.mark.parametrize("seed", range(5))
def test_the_posterior_is_bayes_rule_on_a_grid(seed):
    model = a_model(d=3, k=1, seed=seed)
    x = sample(model, 1, seed)[0]
    (mean,), ((var,),) = model.posterior(x)
    z = np.linspace(-15, 15, 6001)
    joint = np.exp(log_joint(model, x, z[:, None]))
    density = joint / (joint.sum() * (z[1] - z[0]))
    close(stats.norm.pdf(z, mean, np.sqrt(var)), density, rtol=1e-8)


@few
@given(st.integers(2, 6), st.integers(1, 3), seeds)
def test_joint_over_posterior_is_the_likelihood_at_every_z(d, k, seed):
    model = a_model(d, k, seed)
    x, z = sample(model, 1, seed)[0], np.random.default_rng(seed).normal(size=(10, k))
    log_posterior = stats.multivariate_normal(*model.posterior(x)).logpdf(z)
    close(log_joint(model, x, z) - log_posterior, np.full(10, model.log_likelihood(x)), atol=1e-8)


def test_leading_axes_are_kept():
    model = a_model()
    x = sample(model, 6).reshape(2, 3, 5)
    means, covariance = model.posterior(x)
    assert (means.shape, covariance.shape) == ((2, 3, 2), (2, 2))
    assert model.log_likelihood(x).shape == (2, 3)
    close(means[1, 2], model.posterior(x[1, 2])[0])
    close(model.log_likelihood(x)[1, 2], model.log_likelihood(x[1, 2]))


def test_a_float32_model_is_computed_in_float64():
    model = a_model()
    single = PPCA(model.mean, model.weights.astype("float32"), model.variance)
    double = PPCA(model.mean, single.weights.astype("float64"), model.variance)
    x = sample(model, 4)
    np.testing.assert_array_equal(single.log_likelihood(x), double.log_likelihood(x))
    np.testing.assert_array_equal(single.posterior(x)[0], double.posterior(x)[0])


# The fit.


@pytest.mark.parametrize("size", [1e-3, 1e-2, 1e-1])
@pytest.mark.parametrize("what", ["mean", "weights", "variance", "all"])
def test_no_change_of_the_fitted_parameters_improves_the_likelihood(what, size):
    x = sample(a_model(6, 3), 60)
    fit = fit_ppca(x, 2)  # fewer dimensions than the truth has: a maximum all the same
    best = fit.log_likelihood(x).mean()
    rng = np.random.default_rng(0)
    for _ in range(20):
        mean, weights, variance = fit.mean, fit.weights, fit.variance
        if what in ("mean", "all"):
            mean = mean + size * rng.normal(size=mean.shape)
        if what in ("weights", "all"):
            weights = weights + size * rng.normal(size=weights.shape)
        if what in ("variance", "all"):
            variance = variance * np.exp(size * rng.normal())
        # Strictly: only a rotation of W changes nothing, and no random change is one.
        assert PPCA(mean, weights, variance).log_likelihood(x).mean() < best


def test_other_eigenvectors_than_the_first_are_stationary_but_worse():
    values = np.array([9, 8, 7, 1.2, 1.1, 1])
    root = np.diag(np.sqrt(6 * values))
    x = np.vstack([root, -root])  # its covariance is diag(values)
    best = fit_ppca(x, 2).log_likelihood(x).mean()
    for kept in ([0, 2], [1, 2]):
        variance = np.delete(values, kept).mean()
        weights = np.eye(6)[:, kept] * np.sqrt(values[kept] - variance)
        other = PPCA(np.zeros(6), weights, variance)
        close(x.T @ x / 12 @ np.linalg.solve(other.covariance, weights), weights)  # S C⁻¹ W = W
        assert other.log_likelihood(x).mean() < best - 1e-3


@few
@given(st.integers(2, 6), st.data(), seeds)
def test_the_variance_is_the_mean_of_the_eigenvalues_left_out(d, data, seed):
    k = data.draw(st.integers(1, d - 1))
    x = sample(a_model(d, 2, seed), 50, seed)
    fit, values = fit_ppca(x, k), eigenvalues(x)
    close(fit.variance, values[k:].mean())
    kept = np.append(values[:k], np.full(d - k, fit.variance))
    close(np.linalg.eigvalsh(fit.covariance)[::-1], kept)
    close(fit.mean, x.mean(axis=0))
    assert fit.weights.shape == (d, k)


@few
@given(st.integers(2, 6), st.data(), seeds)
def test_the_maximum_is_that_of_the_eigenvalues(d, data, seed):
    k = data.draw(st.integers(1, d - 1))
    x = sample(a_model(d, 2, seed), 50, seed)
    fit, values = fit_ppca(x, k), eigenvalues(x)
    logs = np.log(values[:k]).sum() + (d - k) * np.log(values[k:].mean())
    close(fit.log_likelihood(x).mean(), -0.5 * (d * np.log(2 * np.pi) + logs + d))


def test_another_latent_dimension_never_lowers_the_maximum():
    x = sample(a_model(6, 3), 200)
    maxima = [fit_ppca(x, k).log_likelihood(x).mean() for k in range(1, 6)]
    assert (np.diff(maxima) > 0).all()


def test_all_but_one_dimension_fit_the_sample_covariance_exactly():
    x = sample(a_model(4, 2), 100)
    close(fit_ppca(x, 3).covariance, np.cov(x.T, bias=True))


def test_many_samples_give_back_the_parameters_they_are_from():
    model, n = a_model(5, 2), 200_000
    fit = fit_ppca(sample(model, n), 2)
    c = model.covariance
    error = np.sqrt((np.outer(np.diag(c), np.diag(c)) + c**2) / n)
    assert np.all(np.abs(fit.covariance - c) < 5 * error)
    assert np.all(np.abs(fit.mean - model.mean) < 5 * np.sqrt(np.diag(c) / n))
    # 3 left-out dimensions give 3n squares of noise, each with variance 2σ⁴.
    assert abs(fit.variance - model.variance) < 5 * model.variance * np.sqrt(2 / (3 * n))


def test_data_without_preferred_direction_have_weights_near_zero_and_no_nan():
    x = np.vstack([np.eye(4), -np.eye(4)])  # all eigenvalues equal
    close(fit_ppca(x, 2).weights, np.zeros((4, 2)), atol=1e-7)
    close(fit_ppca(x, 2).variance, 0.25)


def test_fewer_samples_than_dimensions_are_enough_if_some_variance_is_left():
    x = sample(a_model(20, 2), 6)
    assert np.isfinite(fit_ppca(x, 2).log_likelihood(x)).all()


def test_the_data_are_not_changed_and_float32_is_fitted_in_float64():
    x = sample(a_model(), 30).astype("float32")
    before = x.copy()
    fit = fit_ppca(x, 2)
    np.testing.assert_array_equal(x, before)
    np.testing.assert_array_equal(fit.weights, fit_ppca(x.astype("float64"), 2).weights)


# Errors.

X = np.random.default_rng(0).normal(size=(10, 3))
MODEL = PPCA(np.zeros(3), np.ones((3, 2)), 1.0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: fit_ppca(X, 0), "fit_ppca: latent_dim: expected 1 to 2, got 0"),
        (lambda: fit_ppca(X, 3), "fit_ppca: latent_dim: expected 1 to 2, got 3"),
        (lambda: fit_ppca(X[0], 1), r"fit_ppca: x: expected shape \(n, d\), got \(3,\)"),
        (lambda: fit_ppca(X[:0], 1), r"fit_ppca: x: expected shape \(n, d\), got \(0, 3\)"),
        (lambda: fit_ppca(X * np.nan, 1), "fit_ppca: x: expected finite values"),
        (lambda: fit_ppca(X[:1], 1), "more than 1 directions, got none in 1 samples"),
        (lambda: fit_ppca(X[:3], 2), "more than 2 directions, got none in 3 samples"),
        (lambda: fit_ppca(X[:, :1] * [1, 2, 3] + 5, 1), "more than 1 directions, got none in 10"),
        (lambda: PPCA(np.zeros(3), np.ones((3, 2)), 0.0), "variance: expected a finite number > 0"),
        (lambda: PPCA(np.zeros(3), np.ones((3, 2)), np.nan), "PPCA: variance: .* got nan"),
        (
            lambda: PPCA(np.zeros(3), np.ones((2, 3)), 1.0),
            r"PPCA: expected mean \(d,\), weights \(d, k\), got \(3,\), \(2, 3\)",
        ),
        (lambda: MODEL.log_likelihood(np.ones((4, 2))), r"got \(4, 2\), \(3,\), \(3, 3\)"),
        (lambda: MODEL.posterior(np.ones((4, 2))), r"PPCA.posterior: x: .* axis 3, got \(4, 2\)"),
    ],
)
def test_what_does_not_fit_raises_one_line_that_says_what_was_expected(call, message):
    with pytest.raises(ValueError, match=message) as error:
        call()
    assert "\n" not in str(error.value)
