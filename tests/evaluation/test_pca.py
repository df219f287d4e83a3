import numpy as np
import pytest

from numpy_nets.evaluation.pca import fit_pca, random_projection


def data(n=200, d=6, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, d)) * np.arange(1, d + 1) @ rng.standard_normal((d, d)) + 3


def test_components_are_the_right_singular_vectors_of_the_centred_data():
    x = data()
    _, _, directions = np.linalg.svd(x - x.mean(axis=0), full_matrices=False)
    components = fit_pca(x, 3).components
    np.testing.assert_allclose(np.abs(np.sum(components * directions[:3], axis=1)), 1, rtol=1e-10)


def test_the_error_is_the_sum_of_the_squared_singular_values_left_out():
    x = data()
    values = np.linalg.svd(x - x.mean(axis=0), compute_uv=False)
    error = np.sum((fit_pca(x, 2).reconstruct(x) - x) ** 2)
    np.testing.assert_allclose(error, np.sum(values[2:] ** 2), rtol=1e-10)


def test_all_components_reconstruct_exactly():
    x = data()
    np.testing.assert_allclose(fit_pca(x, 6).reconstruct(x), x, rtol=1e-10)


def test_codes_are_uncorrelated():
    codes = fit_pca(data(), 4).encode(data())
    covariance = np.cov(codes.T)
    np.testing.assert_allclose(covariance, np.diag(np.diag(covariance)), atol=1e-8)


@pytest.mark.parametrize("components", [0, 7])
@pytest.mark.parametrize("fit", [fit_pca, random_projection])
def test_an_impossible_number_of_components_is_refused(fit, components):
    name = f"{fit.__name__}: components: expected 1 to the number of columns of x"
    with pytest.raises(ValueError, match=f"{name}, got {components}"):
        fit(data(), components)


def test_fewer_samples_than_columns_give_the_same_as_many():
    x = data(5, 6)
    _, values, directions = np.linalg.svd(x - x.mean(axis=0), full_matrices=False)
    pca = fit_pca(x, 2)
    np.testing.assert_allclose(np.abs(np.sum(pca.components * directions[:2], axis=1)), 1)
    error = np.sum((pca.reconstruct(x) - x) ** 2)
    np.testing.assert_allclose(error, np.sum(values[2:] ** 2), rtol=1e-10)


def test_a_random_projection_keeps_the_share_of_the_variance_that_it_has_of_the_dimensions():
    """E |Px|² = (k / d) |x|², since every direction is as likely as any other."""
    x = data(d=6)
    x -= x.mean(axis=0)
    shares = [np.sum(random_projection(x, 2, s).encode(x) ** 2) / np.sum(x**2) for s in range(2000)]
    error = np.std(shares, ddof=1) / np.sqrt(len(shares))
    assert error < 0.01 and abs(np.mean(shares) - 2 / 6) < 4 * error


def test_a_random_projection_is_orthogonal_repeatable_and_never_better_than_pca():
    x = data()
    projection, pca = random_projection(x, 3, seed=1), fit_pca(x, 3)
    directions = projection.components
    np.testing.assert_allclose(directions @ directions.T, np.eye(3), atol=1e-12)
    np.testing.assert_array_equal(directions, random_projection(x, 3, seed=1).components)
    assert not np.allclose(directions, random_projection(x, 3, seed=2).components)
    errors = [np.sum((p.reconstruct(x) - x) ** 2) for p in (pca, projection)]
    assert errors[0] < errors[1] < np.sum((x - x.mean(axis=0)) ** 2)
    np.testing.assert_allclose(random_projection(x, 6).reconstruct(x), x, rtol=1e-10)


def test_a_random_projection_keeps_the_dtype():
    x = data().astype(np.float32)
    assert random_projection(x, 3).reconstruct(x).dtype == np.float32
