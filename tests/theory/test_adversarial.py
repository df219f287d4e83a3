"""The GAN's game against quadrature, closed forms, random competitors and a trained network."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import minimize
from scipy.spatial.distance import jensenshannon

from numpy_nets import GradientTape, Model, config, ops, random
from numpy_nets.layers import Dense, Input
from numpy_nets.losses import binary_crossentropy
from numpy_nets.theory.adversarial import (
    LOG_4,
    generator_criterion,
    jensen_shannon,
    optimal_discriminator,
    value,
)

few = settings(max_examples=50, deadline=None, derandomize=True)
LOG_2 = math.log(2)


def close(actual, expected, rtol=1e-10, atol=1e-12):
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol)


def mixture(*parts):
    """A density from (weight, mean, standard deviation) of its Gaussians."""

    def density(x):
        return sum(
            w / (s * math.sqrt(2 * math.pi)) * np.exp(-0.5 * ((x - m) / s) ** 2)
            for w, m, s in parts
        )

    return density


PAIRS = {
    "two Gaussians": (mixture((1, 0, 1)), mixture((1, 1, 1.5))),
    "two Gaussians far apart": (mixture((1, -2, 0.7)), mixture((1, 2, 0.7))),
    "a mixture and a Gaussian": (mixture((0.5, -2, 0.6), (0.5, 2, 0.6)), mixture((1, 0, 1.2))),
    "two mixtures": (
        mixture((0.3, -2, 0.5), (0.7, 1, 0.8)),
        mixture((0.6, -1, 0.7), (0.4, 2, 0.6)),
    ),
}
INTERVAL = (-14, -2, 0, 2, 14)
pairs = pytest.mark.parametrize("p_data, p_g", PAIRS.values(), ids=PAIRS)


@st.composite
def tables(draw):
    """Two tables of probabilities over the same cells, with zeros."""
    n = draw(st.integers(1, 8))
    mass = st.sampled_from([0.0, 0.0, 1e-9]) | st.floats(0.01, 1)
    both = draw(arrays(float, (2, n), elements=mass))
    both[np.arange(2), draw(arrays(int, 2, elements=st.integers(0, n - 1)))] += 1
    return both / both.sum(axis=1, keepdims=True)


# The optimal discriminator and the value function.


@few
@given(tables(), st.integers(0, 1000))
def test_no_other_discriminator_reaches_the_value_of_the_optimal_one(both, seed):
    best = optimal_discriminator(*both)
    rng = np.random.default_rng(seed)
    other = np.clip(best + rng.normal(size=best.shape) * 10.0 ** rng.integers(-6, 1), 0, 1)
    assert value(other, *both) <= value(best, *both) + 1e-15


@few
@given(tables())
def test_the_optimal_discriminators_value_is_minus_log_4_plus_twice_the_jsd(both):
    close(value(optimal_discriminator(*both), *both), generator_criterion(*both))


@pairs
def test_for_functions_the_same_holds_by_quadrature(p_data, p_g):
    def best(x):
        return optimal_discriminator(p_data(x), p_g(x))

    reached = value(best, p_data, p_g, interval=INTERVAL)
    close(reached, generator_criterion(p_data, p_g, interval=INTERVAL), rtol=1e-7)


@pairs
def test_tables_and_functions_give_the_same(p_data, p_g):
    x, cell = np.linspace(-14, 14, 1401, retstep=True)

    def other(x):
        return 1 / (1 + np.exp(-x))

    from_tables = value(other(x), p_data(x), p_g(x), cell=cell)
    close(from_tables, value(other, p_data, p_g, interval=INTERVAL), rtol=1e-7)
    from_tables = jensen_shannon(p_data(x), p_g(x), cell=np.full_like(x, cell))
    close(from_tables, jensen_shannon(p_data, p_g, interval=INTERVAL), rtol=1e-7)


def test_where_both_densities_are_0_nothing_is_added():
    p, q = [0, 0.5, 0.5, 0], [0, 0, 0.25, 0.75]
    close(optimal_discriminator(p, q), [0, 1, 2 / 3, 0])
    assert value([0.3, 1, 2 / 3, 0], p, q) == value([0, 1, 2 / 3, 0], p, q)
    assert np.isfinite(jensen_shannon(p, q))


def test_if_the_densities_are_equal_the_best_discriminator_is_a_half_and_the_value_minus_log_4():
    p = np.full(7, 1 / 7)
    close(optimal_discriminator(p, p), 0.5)
    assert generator_criterion(p, p) == -LOG_4
    close(value(np.full(7, 0.5), p, p), -LOG_4)


def test_a_discriminator_that_is_sure_and_wrong_pays_a_finite_price():
    close(value([0, 1], [1, 0], [0, 1]), -2 * 54 * LOG_2)
    close(value([1, 0], [1, 0], [0, 1]), 0)


@few
@given(tables(), st.integers(0, 1000))
def test_the_value_is_the_same_when_data_and_generator_change_places_and_d_with_them(both, seed):
    d = np.random.default_rng(seed).integers(0, 9, both.shape[1]) / 8
    close(value(d, *both), value(1 - d, *both[::-1]))


# The Jensen-Shannon divergence.


@few
@given(tables())
def test_the_jsd_is_scipys_between_0_and_log_2_and_symmetric(both):
    jsd = jensen_shannon(*both)
    assert -1e-17 <= jsd <= LOG_2 * (1 + 1e-15)
    close(jsd, jensen_shannon(*both[::-1]), atol=1e-17)
    close(jsd, jensenshannon(*both) ** 2, atol=1e-15)


@few
@given(tables())
def test_the_jsd_of_equals_is_exactly_zero(both):
    assert jensen_shannon(both[0], both[0]) == 0


@few
@given(tables())
def test_the_jsd_is_positive_as_soon_as_they_differ(both):
    near = both[0] + 1e-5 * (both[1] - both[0])
    differ = np.abs(near - both[0]).max() > 1e-9
    assert jensen_shannon(both[0], near) > 0 or not differ


def test_the_jsd_of_near_equals_is_their_squared_difference_over_8():
    p, change = np.full(4, 0.25), 1e-7 * np.array([1, -1, 1, -1])
    close(jensen_shannon(p + change, p), np.sum(change**2 / p) / 8, rtol=1e-6, atol=0)


def test_the_jsd_of_densities_that_do_not_overlap_is_log_2():
    close(jensen_shannon([1, 0], [0, 1]), LOG_2)
    p, q = mixture((1, -30, 1)), mixture((1, 30, 1))
    close(jensen_shannon(p, q, interval=(-45, -30, 0, 30, 45)), LOG_2, rtol=1e-7)


# A network.


def trained(p, q, x):
    """D(x) of a small network that minimizes the loss over the tables p, q (n,), and the V reached.

    Its loss is that of a GAN's D: crossentropy with label 1 for data and 0 for samples. By L-BFGS:
    what is asked is where training ends, not how long it takes.
    """
    random.set_random_seed(0)
    entry = Input(shape=(1,))
    judged = Dense(1, activation="sigmoid")(Dense(32, activation="tanh")(entry))
    discriminator = Model(entry, judged)
    variables = discriminator.trainable_variables
    ends = np.cumsum([v.array.size for v in variables])[:-1]
    ones, zeros = np.ones((len(x), 1)), np.zeros((len(x), 1))

    def minus_value(weights):
        for variable, part in zip(variables, np.split(weights, ends), strict=True):
            variable.assign(part.reshape(variable.shape))
        with GradientTape() as tape:
            d = discriminator(x[:, None])
            loss = ops.sum(p * binary_crossentropy(ones, d) + q * binary_crossentropy(zeros, d))
        gradients = tape.gradient(loss, variables)
        return float(loss), np.concatenate([g.array.ravel() for g in gradients])

    start = np.concatenate([v.array.ravel() for v in variables])
    options = {"maxiter": 1500, "maxcor": 30, "ftol": 1e-14, "gtol": 1e-9}
    optimum = minimize(minus_value, start, jac=True, method="L-BFGS-B", options=options)
    minus_value(optimum.x)
    return discriminator(x[:, None]).array[:, 0], -optimum.fun


@pairs
def test_a_trained_discriminator_is_the_optimal_one_to_1_percent_and_its_value_that_of_c(
    p_data, p_g
):
    x, cell = np.linspace(-10, 10, 201, retstep=True)
    p, q = p_data(x), p_g(x)
    config.set_floatx("float64")
    try:
        d, reached = trained(p * cell, q * cell, x)
    finally:
        config.set_floatx("float32")
    seen = np.maximum(p, q) > 0.01 * max(p.max(), q.max())  # not negligible
    close(d[seen], optimal_discriminator(p, q)[seen], rtol=0, atol=0.01)
    expected = generator_criterion(p_data, p_g, interval=INTERVAL)
    close(reached, expected, rtol=0, atol=1e-3)
    close(value(d, p, q, cell=cell), expected, rtol=0, atol=1e-3)


def test_for_functions_the_optimal_discriminator_is_a_function():
    p, q = PAIRS["two mixtures"]
    x = np.linspace(-5, 5, 11)
    np.testing.assert_array_equal(optimal_discriminator(p, q)(x), optimal_discriminator(p(x), q(x)))
    reached = value(optimal_discriminator(p, q), p, q, interval=INTERVAL)
    close(reached, generator_criterion(p, q, interval=INTERVAL), rtol=1e-6)


# Errors.


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: optimal_discriminator([-1], [1]), "optimal_discriminator: expected finite values"),
        (lambda: optimal_discriminator([np.nan], [1]), "expected finite values >= 0, got others"),
        (lambda: optimal_discriminator([1, 0], [1]), r"expected one shape, got \[\(2,\), \(1,\)\]"),
        (lambda: value([0.5], [1], [0.5]), "value: .* integrate to 1, got 0.5"),
        (lambda: value([1.5], [1], [1]), "value: discriminator: expected numbers in"),
        (lambda: jensen_shannon([1, 1], [0.5, 0.5]), "jensen_shannon: .* integrate to 1, got 2"),
        (lambda: jensen_shannon([1], [0.5, 0.5]), "jensen_shannon: expected one shape"),
        (
            lambda: generator_criterion(mixture((1, 9, 1)), mixture((1, 0, 1)), interval=(-8, 8)),
            "integrate to 1, got 0.1587",
        ),
    ],
)
def test_what_does_not_fit_raises_one_line_that_says_what_was_expected(call, message):
    with pytest.raises(ValueError, match=message) as error:
        call()
    assert "\n" not in str(error.value)
