"""gradcheck accepts correct derivatives and finds wrong ones."""

from collections.abc import Callable

import numpy as np
import pytest

from numpy_nets import random
from numpy_nets.autodiff import GradientError, gradcheck, op, ops
from numpy_nets.autodiff.tensor import Tensor
from numpy_nets.layers import Dense

X = np.random.default_rng(0).normal(size=(3, 4))


def cube_with(vjp: Callable) -> Callable[..., Tensor]:
    """X³ with the derivative that is to be checked."""

    @op
    def cube(x):
        return x**3, (lambda g: vjp(g, x),)

    return cube


def with_one_nan(g):
    g = g.copy()
    g.flat[0] = np.nan
    return g


def test_a_correct_derivative_passes() -> None:
    gradcheck(cube_with(lambda g, x: 3 * g * x**2), [X])


def slightly(g, x):
    return 3.0003 * g * x**2


WRONG = {
    "wrong sign": lambda g, x: -3 * g * x**2,
    "missing factor": lambda g, x: g * x**2,
    "forgotten upstream gradient": lambda g, x: 3 * x**2,
    "transposed entries": lambda g, x: (3 * g * x**2).T.reshape(x.shape),
    "one part in ten thousand": slightly,
    "no gradient": lambda g, x: 0 * g,
}
NOT_FINITE = {
    "nan": (lambda g, x: g * np.nan, 12),
    "one nan": (lambda g, x: with_one_nan(3 * g * x**2), 1),
    "inf": (lambda g, x: g * np.inf, 12),
}


@pytest.mark.parametrize("vjp", WRONG.values(), ids=WRONG)
def test_a_wrong_derivative_is_found(vjp) -> None:
    with pytest.raises(GradientError, match=r"^input 0, direction 0: gradient .* central"):
        gradcheck(cube_with(vjp), [X])


@pytest.mark.parametrize("vjp", WRONG.values(), ids=WRONG)
def test_a_wrong_derivative_is_found_entry_by_entry(vjp) -> None:
    with pytest.raises(GradientError, match=r"input 0, entry \("):
        gradcheck(cube_with(vjp), [X], directions=0)


@pytest.mark.parametrize("vjp", WRONG.values(), ids=WRONG)
def test_a_wrong_derivative_is_found_along_directions(vjp) -> None:
    with pytest.raises(GradientError, match="input 0, direction 0"):
        gradcheck(cube_with(vjp), [X], entries=0)


@pytest.mark.parametrize("shape", [(4, 3), (12,), (3, 1), (1, 3, 4), ()])
def test_a_gradient_of_the_wrong_shape_is_found(shape) -> None:
    message = r"^cube: the VJP of input 0: expected an array of shape \(3, 4\), got one of shape \("
    with pytest.raises(ValueError, match=message):
        gradcheck(cube_with(lambda g, x: np.zeros(shape)), [X])


@pytest.mark.parametrize(("vjp", "count"), NOT_FINITE.values(), ids=NOT_FINITE)
def test_a_gradient_of_nan_or_inf_is_found(vjp, count) -> None:
    with pytest.raises(GradientError, match=f"input 0: gradient with {count} entries that are inf"):
        gradcheck(cube_with(vjp), [X])


def test_a_function_that_is_not_finite_next_to_the_point_is_found() -> None:
    @op
    def wall(x):
        return np.where(x > 1, np.inf, x), (lambda g: g,)

    with pytest.raises(GradientError, match=r"central difference -?inf"):
        gradcheck(wall, [np.ones(1)])


def test_a_gradient_that_was_not_summed_over_broadcasting_is_found() -> None:
    @op
    def add(a, b):
        return a + b, (lambda g: g, lambda g: g)

    with pytest.raises(ValueError, match=r"add: the VJP of input 1: .* \(4,\), got .* \(3, 4\)$"):
        gradcheck(add, [X, X[0]])


def test_a_missing_gradient_is_found() -> None:
    with pytest.raises(GradientError, match="gradient 0, central difference"):
        gradcheck(lambda x: ops.stop_gradient(x) * 2, [X])


def test_an_input_that_is_not_used_passes_with_a_zero_gradient() -> None:
    gradcheck(lambda x, y: x * 2, [X, X])


def test_the_second_input_is_checked_and_named() -> None:
    @op
    def product(a, b):
        return a * b, (lambda g: g * b, lambda g: g * b)

    with pytest.raises(GradientError, match=r"^input 1, direction 0"):
        gradcheck(product, [X, X + 1])


def test_entry_by_entry_finds_what_one_direction_barely_sees() -> None:
    """One wrong entry of 200: a random direction of norm 1 dilutes it some fourteenfold."""

    def vjp(g, x):
        g = 3 * g * x**2
        g[117] += 5e-6
        return g

    x = np.full(200, 0.5)
    gradcheck(cube_with(vjp), [x], directions=1, entries=0)
    with pytest.raises(GradientError, match=r"input 0, entry \(117,\)"):
        gradcheck(cube_with(vjp), [x], directions=1, entries=200)


def test_large_inputs_are_checked_along_directions_only() -> None:
    evaluations = []

    def counted(x):
        evaluations.append(1)
        return ops.square(x)

    gradcheck(counted, [np.ones(201)], directions=2)
    assert len(evaluations) == 1 + 2 * 2
    evaluations.clear()
    gradcheck(counted, [np.ones(200)], directions=2)
    assert len(evaluations) == 1 + 2 * (2 + 200)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_the_step_fits_inputs_of_any_size(scale) -> None:
    gradcheck(ops.square, [X * scale])


@pytest.mark.parametrize("shape", [(), (0,), (0, 3), (1,), (2, 1, 2, 2)])
def test_every_shape_of_input_works(shape) -> None:
    gradcheck(lambda x: ops.sum(ops.square(x)), [np.full(shape, 0.7)])


def test_the_inputs_are_left_as_they_were_and_computed_in_float64() -> None:
    x = X.astype(np.float32)
    kept = x.copy()
    gradcheck(ops.exp, [x])
    np.testing.assert_array_equal(x, kept)
    gradcheck(ops.square, [[1, 2, 3]])


def test_the_same_seed_checks_the_same_directions() -> None:
    messages = []
    for seed in (0, 0, 1):
        with pytest.raises(GradientError) as error:
            gradcheck(cube_with(WRONG["wrong sign"]), [X], seed=seed)
        messages.append(str(error.value))
    assert messages[0] == messages[1] != messages[2]


def test_a_gradient_error_is_an_assertion_error() -> None:
    assert issubclass(GradientError, AssertionError)


def test_a_function_that_does_not_return_a_tensor_is_named() -> None:
    with pytest.raises(TypeError, match="gradcheck: function: expected it to return a Tensor, got"):
        gradcheck(lambda x: 1.0, [np.ones(2)])


@pytest.mark.parametrize("size", [1e-9, 0.5, 8.0])
def test_the_step_is_the_cube_root_of_eps_and_grows_with_x_above_1(size) -> None:
    seen = []

    def identity(x: Tensor) -> Tensor:
        seen.append(x.array)
        return ops.sum(x)

    gradcheck(identity, [np.array([size])], directions=0)
    h = np.finfo(np.float64).eps ** (1 / 3) * max(1.0, size)
    at, above, below = np.concatenate(seen)
    assert at == size
    assert (above, below) == pytest.approx((size + h, size - h), rel=1e-15)


def test_directions_have_norm_1_and_options_a_name() -> None:
    seen = []

    def identity(x: Tensor) -> Tensor:
        seen.append(x.array)
        return ops.sum(x)

    gradcheck(identity, [X], directions=2, entries=0)
    h = np.finfo(np.float64).eps ** (1 / 3) * np.abs(X).max()
    assert len(seen) == 5
    for moved in seen[1:]:
        assert np.linalg.norm(moved - seen[0]) == pytest.approx(h, rel=1e-6)
    with pytest.raises(TypeError, match="positional"):
        gradcheck(identity, [X], 2)


def test_a_derivative_is_allowed_an_error_relative_to_1_at_least() -> None:
    """A difference of numbers of size 1 has no more digits."""

    def slightly_wrong(error: float) -> Callable[..., Tensor]:
        return cube_with(lambda g, x: 3 * g * x**2 + error)

    gradcheck(slightly_wrong(1e-8), [np.full(3, 1e-4)])
    with pytest.raises(GradientError):
        gradcheck(slightly_wrong(1e-4), [np.full(3, 1e-4)])


def test_an_input_without_entries_does_not_hide_the_next() -> None:
    @op
    def wrong(a, b):
        return b * (1 + a.sum()), (lambda g: np.zeros_like(a), lambda g: 2 * g)

    with pytest.raises(GradientError, match="^input 1, direction 0"):
        gradcheck(wrong, [np.zeros((0, 2)), X])


def test_an_error_above_rtol_is_found_where_the_derivative_is_small() -> None:
    @op
    def flat(x):
        return 0 * x, (lambda g: np.full_like(x, 1.5e-3),)

    gradcheck(flat, [np.array(0.0)], rtol=2e-3)
    with pytest.raises(GradientError):
        gradcheck(flat, [np.array(0.0)], rtol=1e-3)


# Functions that compute in float32.


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "softplus", "linear"])
def test_a_layer_in_float32_passes(activation) -> None:
    random.set_random_seed(0)
    gradcheck(Dense(2, activation), [X])
    gradcheck(Dense(2, activation), [10 * X])


def test_a_cast_to_float32_and_back_is_noticed() -> None:
    gradcheck(lambda x: ops.cast(ops.exp(ops.cast(x, "float32")), "float64"), [X])


@pytest.mark.parametrize("vjp", WRONG.values(), ids=WRONG)
def test_a_wrong_derivative_is_found_in_float32(vjp) -> None:
    cube = cube_with(lambda g, x: vjp(g, x) if vjp is not slightly else 3.03 * g * x**2)
    with pytest.raises(GradientError, match=r"^input 0, direction 0: gradient .* central"):
        gradcheck(lambda x: cube(ops.cast(x, "float32")), [X])


def test_float64_is_not_treated_as_float32() -> None:
    with pytest.raises(GradientError):
        gradcheck(cube_with(slightly), [X])


def test_float16_is_refused() -> None:
    with pytest.raises(TypeError, match="function: expected float64 or float32, got float16"):
        gradcheck(lambda x: ops.exp(ops.cast(x, "float16")), [X])


@pytest.mark.parametrize("inputs", [X, Tensor(X), 1.0, iter([X])])
def test_inputs_that_are_not_a_list_are_named(inputs) -> None:
    with pytest.raises(TypeError, match="inputs: expected a list of arrays, one for each argument"):
        gradcheck(ops.sum, inputs)
