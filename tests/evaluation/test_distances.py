import numpy as np
import pytest
from scipy.spatial.distance import cdist

from numpy_nets.evaluation.distances import blocks, centred, squared_distances


def test_squared_distances_are_scipys():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(7, 5)), rng.normal(size=(4, 5))
    np.testing.assert_allclose(squared_distances(a, b), cdist(a, b) ** 2, rtol=1e-12)


def test_rounding_makes_no_square_negative():
    a = np.float32(100) + np.random.default_rng(0).random((50, 3), np.float32)
    assert (squared_distances(a, a) >= 0).all()


def test_float32_multiplies_in_float32_and_adds_in_float64():
    rng = np.random.default_rng(0)
    a, b = rng.random((20, 784), np.float32), rng.random((30, 784), np.float32)
    squares = squared_distances(*centred("x", a, b))
    assert squares.dtype == np.float64
    np.testing.assert_allclose(squares, cdist(a, b) ** 2, rtol=1e-5)


def test_centring_moves_both_by_the_mean_of_the_second_and_flattens():
    a, b = centred("x", np.full((2, 1, 2), 7), np.array([[[0, 2]], [[4, 6]]]))
    np.testing.assert_array_equal(a, [[5, 3], [5, 3]])
    np.testing.assert_array_equal(b, [[-2, -2], [2, 2]])


def test_blocks_cover_everything_once():
    assert [list(range(10))[block] for block in blocks(10, 4)] == [
        [0, 1, 2, 3], [4, 5, 6, 7], [8, 9]
    ]  # fmt: skip


@pytest.mark.parametrize("a", [np.ones(3), np.ones((2, 4)), np.ones((0, 3))])
def test_samples_of_another_shape_are_refused(a):
    with pytest.raises(ValueError, match=f"x: expected samples of one shape, got \\({len(a)},"):
        centred("x", a, np.ones((2, 3)))


def test_nan_is_refused():
    with pytest.raises(ValueError, match="x: expected finite values"):
        centred("x", np.ones((2, 3)), np.full((2, 3), np.nan))
