"""The measures of samples against brute force and closed forms."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import sqrtm
from scipy.spatial.distance import cdist, pdist

from numpy_nets.evaluation.samples import (
    diversity,
    frechet_distance,
    mode_coverage,
    modes_found,
    nearest_neighbours,
)
from numpy_nets.layers import Dense, Input
from numpy_nets.models import Model

few = settings(max_examples=25, deadline=None, derandomize=True)


def normals(n, d, seed=0, dtype=np.float64):
    return np.random.default_rng(seed).standard_normal((n, d)).astype(dtype)


# Coverage.


def the_largest_pixel(classes):
    """A classifier whose class is the position of the largest pixel."""
    pixels = Input(shape=(classes,))
    dense = Dense(classes, activation="softmax", use_bias=False)
    model = Model(pixels, dense(pixels))
    model.set_weights([np.eye(classes, dtype=np.float32)])
    return model


def images(counts):
    return np.repeat(np.eye(len(counts), dtype=np.float32), counts, axis=0)


def test_a_class_counts_if_it_holds_at_least_the_asked_share_of_the_samples():
    samples = images([10, 9, 0, 981])
    coverage = mode_coverage(the_largest_pixel(4), samples)
    assert coverage.classes == 2
    np.testing.assert_allclose(coverage.histogram, [0.01, 0.009, 0, 0.981])
    assert mode_coverage(the_largest_pixel(4), samples, at_least=0.005).classes == 3


def test_imbalance_is_zero_for_equal_classes_and_the_logarithm_of_their_number_for_one():
    assert mode_coverage(the_largest_pixel(4), images([5, 5, 5, 5])).imbalance == 0
    coverage = mode_coverage(the_largest_pixel(4), images([0, 5, 0, 0]))
    np.testing.assert_allclose(coverage.imbalance, np.log(4))
    h = np.array([0.5, 0.25, 0.25])
    coverage = mode_coverage(the_largest_pixel(3), images([4, 2, 2]))
    np.testing.assert_allclose(coverage.imbalance, np.log(3) + np.sum(h * np.log(h)))


def test_samples_may_be_images():
    assert mode_coverage(the_largest_pixel(4), images([1, 1, 1, 1]).reshape(4, 2, 2)).classes == 4


def test_no_samples_are_refused():
    with pytest.raises(ValueError, match=r"mode_coverage: samples: expected one or more"):
        mode_coverage(the_largest_pixel(4), np.ones((0, 4)))


# Modes.


def test_a_mode_is_found_by_enough_samples_within_the_radius():
    centres = np.array([[0.0, 0], [5, 0], [0, 5], [5, 5]])
    near_first, near_second = np.tile([0.1, 0], (60, 1)), np.tile([5, 0.3], (9, 1))
    off, near_third = np.tile([0, 4], (30, 1)), np.tile([0, 5], (1, 1))
    samples = np.concatenate([near_first, near_second, off, near_third])
    modes = modes_found(samples, centres, radius=0.3 + 1e-9)
    assert modes.found == 3
    np.testing.assert_allclose(modes.good, 0.70)
    assert modes_found(samples, centres, radius=0.2).found == 2
    assert modes_found(samples, centres, radius=0.31, at_least=0.05).found == 2


def test_samples_of_the_mixture_itself_find_all_modes_and_the_rayleigh_share_is_good():
    centres = np.array([[-1.0, 0], [1, 0], [0, 1]])
    samples = centres[np.arange(3000) % 3] + 0.05 * normals(3000, 2)
    reached, good = modes_found(samples, centres, radius=0.15)
    expected = 1 - np.exp(-(3**2) / 2)  # within three standard deviations in the plane
    assert reached == 3 and abs(good - expected) < 0.01


# Diversity and neighbours.


@few
@given(st.integers(2, 30), st.integers(1, 5), st.integers(0, 1000))
def test_diversity_is_the_mean_of_all_pairwise_distances(n, d, seed):
    x = normals(n, d, seed)
    np.testing.assert_allclose(diversity(x), pdist(x).mean(), rtol=1e-6)


def test_diversity_of_more_than_one_block_and_of_images():
    x = normals(1203, 4)
    np.testing.assert_allclose(diversity(x.reshape(-1, 2, 2)), pdist(x).mean(), rtol=1e-9)


def test_diversity_of_equal_samples_is_zero():
    assert diversity(np.full((10, 784), 0.3, np.float32)) < 1e-7
    assert diversity(np.ones((10, 3))) == 0


def test_diversity_of_one_sample_is_refused():
    with pytest.raises(ValueError, match="diversity: samples: expected 2 or more, got 1"):
        diversity(np.ones((1, 3)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_neighbours_are_those_of_brute_force_over_all_blocks(dtype):
    samples, training = normals(20, 3, 0, dtype), normals(10_500, 3, 1, dtype)
    distances, indices = nearest_neighbours(samples, training)
    every = cdist(samples, training)
    np.testing.assert_allclose(distances, every.min(axis=1), rtol=1e-5)
    np.testing.assert_allclose(every[np.arange(20), indices], every.min(axis=1), rtol=1e-5)


def test_copies_are_found_at_distance_zero():
    training = np.random.default_rng(0).random((200, 784), np.float32)
    distances, indices = nearest_neighbours(training[[7, 150]], training)
    assert distances.tolist() == [0, 0] and indices.tolist() == [7, 150]


# Fréchet.


def gaussian_frechet(a, b):
    """The formula itself, with SciPy's matrix root."""
    c_a, c_b = np.cov(a.T), np.cov(b.T)
    means = np.sum((a.mean(axis=0) - b.mean(axis=0)) ** 2)
    return means + np.trace(c_a + c_b - 2 * np.real(sqrtm(c_a @ c_b)))


@few
@given(st.integers(2, 8), st.integers(0, 1000))
def test_the_frechet_distance_is_its_formula_with_scipys_matrix_root(d, seed):
    a, b = normals(60, d, seed) @ normals(d, d, seed + 1), 1 + normals(50, d, seed + 2)
    np.testing.assert_allclose(frechet_distance(a, b), gaussian_frechet(a, b), rtol=1e-6)


def standard(n, d):
    """Features whose sample mean and covariance are exactly 0 and I."""
    x = normals(n, d)
    q, _ = np.linalg.qr(x - x.mean(axis=0))
    return q * np.sqrt(n - 1)


def test_of_gaussians_with_the_same_axes_it_is_the_difference_of_means_and_deviations():
    x, deviations = standard(50, 3), np.array([2.0, 0.5, 1.0])
    distance = frechet_distance(x, x * deviations + [0, 3, 4])
    np.testing.assert_allclose(distance, 25 + np.sum((deviations - 1) ** 2))


def test_it_is_symmetric_and_zero_for_equals():
    a, b = normals(40, 5, 0), 2 * normals(30, 5, 1)
    np.testing.assert_allclose(frechet_distance(a, b), frechet_distance(b, a))
    assert 0 <= frechet_distance(a, a) < 1e-12
    assert 0 <= frechet_distance(a, a[::-1]) < 1e-12


def test_fewer_samples_than_features_and_dead_features_give_no_nan():
    a, b = normals(6, 20, 0), normals(9, 20, 1)
    a[:, :10] = 0
    distance = frechet_distance(a, b)
    assert np.isfinite(distance) and distance > 0
    # With one direction each, u and v, it is |u|² + |v|² - 2 |u·v|.
    u, v = normals(2, 4, 3)
    distance = frechet_distance(np.stack([u, -u]) / np.sqrt(2), np.stack([v, -v]) / np.sqrt(2))
    np.testing.assert_allclose(distance, u @ u + v @ v - 2 * abs(u @ v))


def test_samples_of_one_distribution_come_closer_as_there_are_more():
    distances = [frechet_distance(normals(n, 4, 0), normals(n, 4, 1)) for n in (50, 500, 5000)]
    assert distances[0] > 3 * distances[1] > 9 * distances[2]


@pytest.mark.parametrize(
    ("a", "message"),
    [
        (np.ones((1, 3)), r"n, m > 1, got \(1, 3\), \(4, 3\)"),
        (np.ones((4, 2)), r"got \(4, 2\), \(4, 3\)"),
        (np.ones(3), r"got \(3,\), \(4, 3\)"),
        (np.full((4, 3), np.nan), "finite values"),
    ],
)
def test_features_that_do_not_fit_are_refused(a, message):
    with pytest.raises(ValueError, match=message):
        frechet_distance(a, np.ones((4, 3)))
