"""Both estimates of a gradient against the closed form, for polynomials."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.polynomial import Polynomial
from numpy.polynomial.hermite_e import hermegauss

from numpy_nets import GradientTape, ops
from numpy_nets.autodiff.tensor import Tensor
from numpy_nets.models.vae import reparameterize
from numpy_nets.theory.score_function import (
    expectation,
    expectation_gradient,
    reparameterized,
    score_function,
)

few = settings(max_examples=25, deadline=None)
coefficients = st.lists(st.floats(-2, 2), min_size=1, max_size=7)
means, log_vars = st.floats(-2, 2), st.floats(-2, 1.5)
NODES, WEIGHTS = hermegauss(20)


def estimates(p, mean, log_var, epsilon):
    """Both estimates for f(z) = Σ_j p(z_j), each (n, 2 d): with respect to μ, then to log σ²."""
    by_score = score_function(lambda z: p(z).sum(axis=1), mean, log_var, epsilon)
    by_path = reparameterized(p.deriv(), mean, log_var, epsilon)
    return [np.concatenate(pair, axis=1) for pair in (by_score, by_path)]


@few
@given(coefficients, means, log_vars)
def test_the_expectation_of_a_polynomial_is_that_of_quadrature(c, mean, log_var):
    p = Polynomial(c)
    expected = WEIGHTS @ p(mean + np.exp(0.5 * log_var) * NODES) / np.sqrt(2 * np.pi)
    np.testing.assert_allclose(expectation(p, mean, log_var), expected, rtol=1e-9, atol=1e-9)


@few
@given(coefficients, means, log_vars)
def test_its_gradient_is_that_of_central_differences(c, mean, log_var):
    p, h = Polynomial(c), 1e-5
    gradient = expectation_gradient(p, mean, log_var)
    in_mean = expectation(p, mean + h, log_var) - expectation(p, mean - h, log_var)
    in_log_var = expectation(p, mean, log_var + h) - expectation(p, mean, log_var - h)
    np.testing.assert_allclose(gradient, np.divide([in_mean, in_log_var], 2 * h), 1e-5, 1e-5)


@few
@given(coefficients, means, log_vars)
def test_both_estimates_have_exactly_that_expectation(c, mean, log_var):
    """By quadrature over ε, which is exact for polynomials: no sampling error hides a mistake."""
    p = Polynomial(c)
    expected = expectation_gradient(p, mean, log_var)
    for each in estimates(p, [mean], [log_var], NODES[:, None]):
        average = WEIGHTS @ each / np.sqrt(2 * np.pi)
        np.testing.assert_allclose(average, expected, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("seed", range(5))
def test_both_estimates_are_within_five_standard_errors_of_the_closed_form(seed):
    rng = np.random.default_rng(seed)
    p = Polynomial(rng.normal(size=5))
    mean, log_var, epsilon = rng.normal(size=3), rng.normal(size=3), rng.normal(size=(50_000, 3))
    expected = np.concatenate(expectation_gradient(p, mean, log_var))
    for each in estimates(p, mean, log_var, epsilon):
        error = each.std(axis=0) / np.sqrt(len(each))
        assert (np.abs(each.mean(axis=0) - expected) < 5 * error).all()


@pytest.mark.parametrize("power", [1, 2, 3, 4])
def test_reparameterization_has_far_lower_variance(power):
    """Ten times lower in 8 dimensions, for every latent, for μ and for log σ²."""
    rng = np.random.default_rng(0)
    p = Polynomial.basis(power)
    epsilon = rng.standard_normal((50_000, 8))
    by_score, by_path = estimates(p, np.full(8, 1.0), np.full(8, -1.0), epsilon)
    assert (by_path.var(axis=0) < by_score.var(axis=0) / 10).all()


def test_the_tape_s_gradient_through_the_model_s_reparameterize_is_the_same_estimate():
    rng = np.random.default_rng(0)
    mean, log_var, epsilon = rng.normal(size=3), rng.normal(size=3), rng.normal(size=(6, 3))
    inputs = [Tensor(np.tile(a, (6, 1))) for a in (mean, log_var)]  # one row of each for a sample
    with GradientTape() as tape:
        tape.watch(inputs)
        z = reparameterize(*inputs, epsilon)
        value = ops.sum(z * z * z)
    by_tape = [g.array for g in tape.gradient(value, inputs)]
    expected = reparameterized(lambda z: 3 * z**2, mean, log_var, epsilon)
    np.testing.assert_allclose(by_tape, expected, rtol=1e-12)
