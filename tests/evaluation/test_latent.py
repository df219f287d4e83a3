import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from numpy_nets.evaluation.latent import active_units, interpolate, quantile_grid, traverse
from numpy_nets.layers import Concatenate, Dense, Input
from numpy_nets.models import Model
from numpy_nets.models.cvae import ConditionalVAE
from numpy_nets.models.vae import VAE, gaussian_log_likelihood

few = settings(max_examples=50, deadline=None)
vectors = arrays(np.float64, 5, elements=st.floats(-10, 10))
X = np.random.default_rng(0).standard_normal((500, 6)).astype("float32")


def encoder(inputs, kernel):
    """Mean x @ kernel (6, 5) of the last of the inputs, log variance 0."""
    joined = inputs[-1] if len(inputs) == 1 else Concatenate()(inputs)
    model = Model(inputs if len(inputs) > 1 else inputs[0], [Dense(5)(joined), Dense(5)(joined)])
    kernel = np.vstack([kernel, np.zeros((joined.shape[1] - 6, 5))])
    model.set_weights([kernel, np.ones(5), np.zeros_like(kernel), np.zeros(5)])
    return model


# Active units.


@pytest.mark.parametrize("informative", range(6))
def test_as_many_units_are_active_as_depend_on_x(informative):
    """A constant mean is not active, however far from zero it is."""
    kernel = np.eye(6, 5) * (np.arange(5) < informative)
    vae = VAE(encoder([Input(shape=(6,))], kernel), None, gaussian_log_likelihood)
    assert active_units(vae, X) == informative


def test_a_unit_is_active_if_the_variance_of_its_mean_is_above_the_threshold():
    kernel = np.eye(6, 5) * np.sqrt([0.009, 0.011, 0.9, 1.1, 0])
    vae = VAE(encoder([Input(shape=(6,))], kernel), None)
    x = (X - X.mean(axis=0)) / X.std(axis=0)  # of variance 1
    assert active_units(vae, x) == 3
    assert active_units(vae, x, threshold=1.0) == 1


def test_the_variance_is_over_all_images_and_not_within_batches():
    vae = VAE(encoder([Input(shape=(6,))], np.eye(6, 5)), None)
    x = np.repeat(np.eye(2, 6), 1000, axis=0)  # the same in each batch of 1000
    assert active_units(vae, x) == 2


def test_a_conditional_model_is_given_x_and_y():
    inputs = [Input(shape=(6,)), Input(shape=(3,))]
    vae = ConditionalVAE(encoder(inputs, np.eye(6, 5)), None)
    assert active_units(vae, (X, np.eye(3)[np.arange(500) % 3])) == 5


# Traversal and interpolation.


def test_a_traversal_changes_one_unit_to_the_values_and_nothing_else():
    code = np.arange(4.0)
    codes = traverse(code, 2, [-3, 0, 3])
    np.testing.assert_array_equal(codes, [[0, 1, -3, 3], [0, 1, 0, 3], [0, 1, 3, 3]])
    np.testing.assert_array_equal(code, np.arange(4))


def test_a_traversal_of_whole_numbers_rounds_no_value():
    np.testing.assert_array_equal(traverse([1, 2], 0, [0.5]), [[0.5, 2]])


@few
@given(vectors, vectors, st.integers(2, 9))
def test_a_line_has_both_ends_and_equal_steps(start, end, steps):
    codes = interpolate(start, end, steps)
    np.testing.assert_array_equal(codes[[0, -1]], [start, end])
    expected = np.tile((end - start) / (steps - 1), (steps - 1, 1))
    np.testing.assert_allclose(np.diff(codes, axis=0), expected, atol=1e-13)


def angles(codes):
    """Between neighbours, by a formula that is exact for small angles."""
    a, b = codes[:-1], codes[1:]
    return 2 * np.arctan2(np.linalg.norm(a - b, axis=1), np.linalg.norm(a + b, axis=1))


def unit(vector):
    norm = np.linalg.norm(vector)
    assume(norm > 1e-3)
    return vector / norm


@few
@given(vectors, vectors, st.integers(2, 9))
def test_an_arc_keeps_the_norm_of_unit_vectors_and_turns_by_equal_angles(start, end, steps):
    start, end = unit(start), unit(end)
    assume(np.linalg.norm(start + end) > 1e-3)
    codes = interpolate(start, end, steps, "spherical")
    np.testing.assert_allclose(codes[[0, -1]], [start, end], atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(codes, axis=1), 1, rtol=1e-10)
    expected = angles(np.stack([start, end]))[0] / (steps - 1)
    np.testing.assert_allclose(angles(codes), expected, rtol=1e-9, atol=1e-12)


@few
@given(vectors, vectors, st.floats(0.1, 100), st.integers(2, 9))
def test_of_two_codes_of_one_norm_an_arc_keeps_it_and_the_middle_of_a_line_has_cos_half_the_angle(
    start, end, norm, steps
):
    start, end = norm * unit(start), norm * unit(end)
    angle = angles(np.stack([start, end]))[0]
    assume(angle < np.pi - 1e-3)
    arc = np.linalg.norm(interpolate(start, end, steps, "spherical"), axis=1)
    np.testing.assert_allclose(arc, norm, rtol=1e-10)
    middle = np.linalg.norm(interpolate(start, end, 3)[1])
    np.testing.assert_allclose(middle, norm * np.cos(angle / 2), rtol=1e-9)


def test_a_quarter_circle_is_a_quarter_circle():
    arc = interpolate([1, 0], [0, 1], 4, "spherical")
    t = np.pi / 6 * np.arange(4)
    np.testing.assert_allclose(arc, np.stack([np.cos(t), np.sin(t)], axis=1), atol=1e-15)


def test_the_middle_of_an_arc_keeps_the_norm_of_samples_and_that_of_a_line_does_not():
    rng = np.random.default_rng(0)
    start, end = rng.standard_normal((2, 1000))
    norms = [
        np.linalg.norm(interpolate(start, end, 3, kind)[1]) for kind in ("spherical", "linear")
    ]
    assert norms[0] == pytest.approx(np.sqrt(1000), rel=0.05)
    assert norms[1] == pytest.approx(np.sqrt(500), rel=0.05)


@pytest.mark.parametrize("turn", [0.0, 1e-300, 1e-16, 1e-9, 0.99e-8, 1.01e-8, 1e-6])
def test_nearly_parallel_vectors_give_the_straight_line(turn):
    start, end = np.array([1.0, 0, 0]), 3 * np.array([np.cos(turn), np.sin(turn), 0])
    arc = interpolate(start, end, 5, "spherical")
    np.testing.assert_allclose(arc, interpolate(start, end, 5), rtol=1e-12)


# Quantile grid.


@pytest.mark.parametrize("n", [1, 2, 5, 20])
def test_the_grid_is_symmetric(n):
    grid = quantile_grid(n).reshape(n, n, 2)
    np.testing.assert_allclose(grid[::-1, :, 1], -grid[:, :, 1], atol=1e-12)
    np.testing.assert_allclose(grid[:, ::-1, 0], -grid[:, :, 0], atol=1e-12)
    np.testing.assert_allclose(grid[::-1].transpose(1, 0, 2)[..., ::-1], grid[::-1], atol=1e-12)


def test_the_grid_is_in_reading_order_with_the_second_coordinate_upward():
    q = stats.norm.ppf(1 / 6)
    expected = [[q, -q], [0, -q], [-q, -q], [q, 0], [0, 0], [-q, 0], [q, q], [0, q], [-q, q]]
    np.testing.assert_allclose(quantile_grid(3), expected, atol=1e-12)


def test_the_same_part_of_the_distribution_lies_between_neighbours():
    first_row = quantile_grid(8)[:8, 0]
    np.testing.assert_allclose(np.diff(stats.norm.cdf(first_row)), 1 / 8)


# Errors.


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: traverse(np.zeros((2, 3)), 0, [1]),
            r"traverse: code: .* \(latent,\), got \(2, 3\)",
        ),
        (lambda: traverse(np.zeros(3), 3, [1]), "traverse: unit: expected 0 to 2, got 3"),
        (lambda: traverse(np.zeros(3), -1, [1]), "traverse: unit: expected 0 to 2, got -1"),
        (lambda: interpolate([1], [1, 2], 3), r"one shape \(latent,\), got \(1,\), \(2,\)"),
        (lambda: interpolate([1], [2], 1), "steps: expected at least 2, got 1"),
        (lambda: interpolate([1], [2], 3, "cubic"), "kind: expected 'linear' or .*, got 'cubic'"),
        (lambda: interpolate([0], [2], 3, "spherical"), "start: expected a norm above 0, got 0.0"),
        (lambda: interpolate([2], [0], 3, "spherical"), "end: expected a norm above 0, got 0.0"),
        (lambda: interpolate([2], [-1], 3, "spherical"), "end: expected a direction not opposite"),
        (lambda: quantile_grid(0), "quantile_grid: n: expected a positive integer, got 0"),
    ],
)
def test_what_does_not_fit_raises_one_line_that_says_what_was_expected(call, message):
    with pytest.raises(ValueError, match=message) as error:
        call()
    assert "\n" not in str(error.value)
