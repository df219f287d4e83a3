"""EASE: its optimality conditions, ridge regressions item by item, and training that ends there."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numpy_nets import GradientTape, Variable, config, ops
from numpy_nets.optimizers import SGD
from numpy_nets.theory.ease import fit_ease

penalties = st.floats(0.01, 1000)
tables = st.tuples(st.integers(1, 30), st.integers(1, 8), st.integers(0, 2**32)).map(
    lambda t: (np.random.default_rng(t[2]).random(t[:2]) < 0.4).astype(float)
)


def objective(x, weights, penalty) -> float:
    return 0.5 * np.sum((x - x @ weights) ** 2) + 0.5 * penalty * np.sum(weights**2)


@given(tables, penalties)
def test_no_item_explains_itself(x, penalty) -> None:
    assert np.all(np.diag(fit_ease(x, penalty)) == 0)


@given(tables, penalties)
def test_the_gradient_vanishes_but_for_the_multipliers_on_the_diagonal(x, penalty) -> None:
    """Xᵀ(X B - X) + λ B = -diag(γ), with γ_j = 1 / P_jj - λ."""
    weights = fit_ease(x, penalty)
    gradient = x.T @ (x @ weights - x) + penalty * weights
    inverse = np.linalg.inv(x.T @ x + penalty * np.eye(x.shape[1]))
    expected = np.diag(penalty - 1 / np.diag(inverse))
    np.testing.assert_allclose(gradient, expected, atol=1e-9 * (penalty + len(x)))


@given(tables, penalties)
def test_each_column_is_the_ridge_regression_of_its_item_on_the_others(x, penalty) -> None:
    weights = fit_ease(x, penalty)
    for j in range(x.shape[1]):
        others = np.delete(x, j, axis=1)
        gram = others.T @ others + penalty * np.eye(others.shape[1])
        expected = np.linalg.solve(gram, others.T @ x[:, j])
        np.testing.assert_allclose(np.delete(weights[:, j], j), expected, atol=1e-9)


@given(tables, penalties, st.integers(0, 2**32))
def test_any_other_weights_without_a_diagonal_are_worse(x, penalty, seed) -> None:
    weights = fit_ease(x, penalty)
    change = np.random.default_rng(seed).standard_normal(weights.shape)
    np.fill_diagonal(change, 0)
    least = objective(x, weights, penalty)
    assert objective(x, weights + 0.1 * change, penalty) >= least - 1e-9 * (1 + least)


def test_a_linear_autoencoder_that_may_not_copy_is_trained_to_it():
    """Gradient descent on the tape; a mask keeps the diagonal at zero."""
    rng = np.random.default_rng(0)
    x = (rng.random((60, 6)) < 0.4).astype(float)
    x[:, 1] = np.where(rng.random(60) < 0.8, x[:, 0], x[:, 1])
    penalty, mask = 5.0, 1 - np.eye(6)
    config.set_floatx("float64")
    try:
        kernel = Variable(rng.standard_normal((6, 6)))
        optimizer = SGD(1 / (np.linalg.norm(x.T @ x, 2) + penalty))
        for _ in range(300):
            with GradientTape() as tape:
                weights = kernel * mask
                error = ops.matmul(x, weights) - x
                squares = ops.sum(ops.square(error)) + penalty * ops.sum(ops.square(weights))
                loss = 0.5 * squares
            optimizer.apply(tape.gradient(loss, [kernel]), [kernel])
        trained = kernel.numpy() * mask
    finally:
        config.set_floatx("float32")
    closed_form = fit_ease(x, penalty)
    assert np.abs(closed_form).max() > 0.3
    np.testing.assert_allclose(trained, closed_form, atol=1e-8)


def test_without_the_constraint_it_would_copy():
    x = (np.random.default_rng(0).random((60, 6)) < 0.4).astype(float)
    gram = x.T @ x
    free = np.linalg.solve(gram + 1e-6 * np.eye(6), gram)
    np.testing.assert_allclose(free, np.eye(6), atol=1e-6)
    assert objective(x, free, 1e-6) < 1e-4 < objective(x, fit_ease(x, 1e-6), 1e-6)


def test_items_that_have_nothing_to_do_with_each_other_get_no_weight():
    assert not fit_ease(np.eye(4), 1.0).any()


def test_what_it_cannot_be_fitted_to_is_refused():
    for x in ([1, 0], np.empty((0, 3)), [[np.nan, 1]]):
        with pytest.raises(ValueError, match="fit_ease: x: expected finite values"):
            fit_ease(x, 1.0)
    with pytest.raises(ValueError, match="fit_ease: penalty: expected a finite number > 0, got 0"):
        fit_ease(np.eye(3), 0)
