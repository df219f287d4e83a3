"""Known answers of trustworthiness and continuity; their laws are in tests/properties."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from numpy_nets.datasets import digits
from numpy_nets.evaluation import neighbourhoods
from numpy_nets.evaluation.neighbourhoods import continuity, trustworthiness
from numpy_nets.evaluation.pca import fit_pca

BOTH = pytest.mark.parametrize("measure", [trustworthiness, continuity])


@BOTH
def test_they_are_0_where_every_neighbour_is_the_farthest_point_of_all(measure) -> None:
    x = [[0.0], [1.0], [10.0], [11.0]]
    codes = [[0.0], [0.5], [-1.0], [0.1]]  # the nearest to rows 0 … 3 are 3, 3, 0, 0
    assert trustworthiness(x, codes, 1) == continuity(codes, x, 1) == 0


def test_scikit_learn_has_this_number_in_its_own_tests() -> None:
    x, codes = np.arange(5)[:, None], np.array([[0], [2], [4], [1], [3]])
    assert trustworthiness(x, codes, 1) == pytest.approx(0.2)


@pytest.mark.parametrize("k", [1, 5, 12, 100])
def test_they_are_those_of_scikit_learn(k) -> None:
    manifold = pytest.importorskip("sklearn.manifold")
    (_, _), (x, _) = digits.load_data()
    x = x[:300].reshape(300, -1) / 255
    codes = fit_pca(x, 2).encode(x)
    theirs = manifold.trustworthiness
    # Pixels are whole numbers, so that a few distances are equal; who is first of two is chance.
    assert trustworthiness(x, codes, k) == pytest.approx(theirs(x, codes, n_neighbors=k), abs=1e-5)
    assert continuity(x, codes, k) == pytest.approx(theirs(codes, x, n_neighbors=k), abs=1e-5)


@BOTH
@pytest.mark.parametrize(("n", "k"), [(40, 1), (40, 19), (100, 12)])
def test_codes_that_have_nothing_to_do_with_the_data_have_the_expectation(measure, n, k) -> None:
    """About ½.

    A neighbour among such codes is any of the n-1 other points with equal probability, so its rank
    r is uniform on 1 … n-1, and

        E max(0, r - k) = Σ_{m=1}^{n-1-k} m / (n-1) = (n-k-1)(n-k) / (2 (n-1)).

    There are n k neighbours, so E T = 1 - 2 / (n k (2n-3k-1)) · n k (n-k-1)(n-k) / (2 (n-1)).
    """
    rng, repeats = np.random.default_rng(0), 300
    values = [measure(rng.normal(size=(n, 3)), rng.normal(size=(n, 2)), k) for _ in range(repeats)]
    expected = 1 - (n - k) * (n - k - 1) / ((n - 1) * (2 * n - 3 * k - 1))
    error = np.std(values, ddof=1) / np.sqrt(repeats)
    assert error < 0.005
    assert abs(np.mean(values) - expected) < 4 * error


@BOTH
def test_the_more_components_the_more_neighbours_are_kept(measure) -> None:
    (_, _), (x, _) = digits.load_data()
    x = x[:300].reshape(300, -1) / 255
    values = [measure(x, fit_pca(x, d).encode(x), 12) for d in (2, 10, 64, 299)]
    assert values == sorted(values) and values[0] > 0.6
    assert values[-1] == pytest.approx(1, abs=1e-5)  # 299 hold 300 points; rounding breaks ties


@BOTH
def test_images_are_taken_as_they_are(measure) -> None:
    (_, _), (x, _) = digits.load_data()
    flat = x[:50].reshape(50, -1)
    assert measure(x[:50], flat[:, ::3], 5) == measure(flat.astype(float), flat[:, ::3], 5)


@BOTH
def test_blocks_of_any_size_give_the_same(measure, monkeypatch) -> None:
    rng = np.random.default_rng(0)
    x, codes = rng.integers(0, 3, (50, 4)), rng.integers(0, 3, (50, 2))
    whole = measure(x, codes, 5)
    for size in (1, 50, 350, 49 * 50):
        monkeypatch.setattr(neighbourhoods, "BLOCK", size)
        assert measure(x, codes, 5) == whole


def test_memory_does_not_grow_with_the_square_of_the_number_of_points(monkeypatch) -> None:
    monkeypatch.setattr(neighbourhoods, "BLOCK", 10_000)
    codes = np.random.default_rng(0).normal(size=(2000, 2))
    tracemalloc.start()
    trustworthiness(codes, codes, 5)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2e6  # all distances at once would be 32 MB


@BOTH
def test_bad_input_is_refused_by_name(measure) -> None:
    x, name = np.eye(6), measure.__name__
    for k in (0, -1, 2.0, True):
        with pytest.raises(ValueError, match=f"{name}: k: expected a positive integer, got {k}"):
            measure(x, x, k)
    for k in (3, 6, 100):
        with pytest.raises(
            ValueError, match=f"{name}: k: expected less than half of the 6 points, got {k}"
        ):
            measure(x, x, k)
    with pytest.raises(ValueError, match=f"{name}: codes: expected 6, one for each of x, got 5"):
        measure(x, x[:5], 2)
    for bad in (np.nan, np.inf):
        broken = np.where(x == 1, bad, x)
        with pytest.raises(ValueError, match=f"{name}: codes: expected finite values, got nan or"):
            measure(x, broken, 2)
        with pytest.raises(ValueError, match=f"{name}: x: expected finite values, got nan or"):
            measure(broken, x, 2)
    for shape in ((6,), (0, 3), (6, 0)):
        with pytest.raises(ValueError) as error:
            measure(x, np.zeros(shape), 2)
        assert str(error.value) == f"{name}: codes: expected (n, ...) with n > 0, got {shape}"
