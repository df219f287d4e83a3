"""Parzen windows against SciPy's, and the protocol around them."""

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad
from scipy.special import logsumexp

from numpy_nets.evaluation.parzen import SIGMAS, parzen_log_density, parzen_log_likelihood


def normals(n, d, seed, dtype=np.float64):
    return np.random.default_rng(seed).standard_normal((n, d)).astype(dtype)


def brute_force(points, samples, sigma):
    """The definition, one point at a time."""
    logs = [stats.norm.logpdf(x, samples, sigma).sum(axis=1) for x in points]
    return logsumexp(logs, axis=1) - np.log(len(samples))


@pytest.mark.parametrize("d", [1, 3, 20])
def test_the_density_is_the_mean_of_the_windows(d):
    points, samples = normals(9, d, 0), normals(17, d, 1)
    log_p = parzen_log_density(points, samples, [0.3, 0.1])
    for row, sigma in zip(log_p, [0.3, 0.1], strict=True):
        np.testing.assert_allclose(row, brute_force(points, samples, sigma), rtol=1e-10)


def test_the_density_is_that_of_scipys_gaussian_kde():
    points, samples = normals(9, 1, 0), normals(30, 1, 1)
    kde = stats.gaussian_kde(samples[:, 0], bw_method=0.25 / samples.std(ddof=1))
    log_p = parzen_log_density(points, samples, [0.25])[0]
    np.testing.assert_allclose(log_p, kde.logpdf(points[:, 0]), rtol=1e-10)


def test_it_is_a_density():
    samples = normals(5, 1, 0)
    mass, _ = quad(lambda x: np.exp(parzen_log_density([[x]], samples, [0.5])[0, 0]), -9, 9)
    assert abs(mass - 1) < 1e-8


def test_blocks_change_nothing():
    points, samples = normals(1201, 2, 0), normals(4501, 2, 1)
    log_p = parzen_log_density(points, samples, [0.2])[0]
    np.testing.assert_allclose(log_p[1195:], brute_force(points[1195:], samples, 0.2), rtol=1e-10)
    np.testing.assert_allclose(log_p[:5], brute_force(points[:5], samples, 0.2), rtol=1e-10)


def test_float32_images_are_accurate_to_a_thousandth_of_a_nat_at_the_narrowest_window():
    rng = np.random.default_rng(0)
    points, samples = rng.random((20, 784), np.float32), rng.random((500, 784), np.float32)
    log_p = parzen_log_density(points, samples, [0.1])[0]
    expected = brute_force(points.astype(float), samples.astype(float), 0.1)
    assert np.abs(log_p - expected).max() < 1e-3


def test_a_point_far_from_all_samples_has_a_finite_density():
    log_p = parzen_log_density([[1000.0]], normals(5, 1, 0), [0.1])
    assert np.isfinite(log_p).all() and log_p < -1e7


def test_images_may_keep_their_shape():
    points, samples = normals(6, 4, 0), normals(8, 4, 1)
    log_p = parzen_log_density(points.reshape(6, 2, 2), samples.reshape(8, 2, 2), [0.5])
    np.testing.assert_array_equal(log_p, parzen_log_density(points, samples, [0.5]))


def test_sigma_is_the_best_on_validation_and_the_score_that_of_the_test_data():
    samples, test, validation = normals(300, 2, 0), normals(200, 2, 1), normals(100, 2, 2)
    mean, error, sigma = parzen_log_likelihood(samples, test, validation)
    best = max(SIGMAS, key=lambda s: brute_force(validation, samples, s).mean())
    assert sigma == best and 0.1 < sigma < 1
    logs = brute_force(test, samples, sigma)
    np.testing.assert_allclose([mean, error], [logs.mean(), stats.sem(logs)], rtol=1e-10)


def test_the_widths_are_ten_from_a_tenth_to_one_evenly_spaced_in_the_logarithm():
    assert len(SIGMAS) == 10 and (SIGMAS[0], SIGMAS[-1]) == (0.1, 1)
    np.testing.assert_allclose(np.diff(np.log(SIGMAS)), np.log(10) / 9)


def test_many_samples_of_the_true_distribution_come_close_to_its_negative_entropy():
    score = parzen_log_likelihood(normals(2000, 1, 0), normals(1000, 1, 1), normals(300, 1, 2))
    entropy = 0.5 * np.log(2 * np.pi * np.e)
    assert abs(score.mean + entropy) < 0.02 + 4 * score.standard_error


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.ones((5, 2)), np.ones((5, 3)), np.ones((5, 2))), "one shape, got"),
        ((np.ones((5, 2)), np.ones((1, 2)), np.ones((5, 2))), "test: expected 2 or more, got 1"),
        ((np.ones((5, 2)), np.ones((5, 2)), np.ones((5, 2)), [0.1, 0]), "sigmas: .* numbers > 0"),
        ((np.ones((5, 2)), np.ones((5, 2)), np.ones((5, 2)), []), r"numbers > 0, got \[\]"),
        ((np.ones((5, 2)) * np.inf, np.ones((5, 2)), np.ones((5, 2))), "finite values"),
    ],
)
def test_what_does_not_fit_raises_one_line_that_says_what_was_expected(arguments, message):
    with pytest.raises(ValueError, match=message) as error:
        parzen_log_likelihood(*arguments)
    assert "\n" not in str(error.value)
