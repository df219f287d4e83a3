import numpy as np
import pytest

from numpy_nets.datasets.gaussians import grid, ring


@pytest.mark.parametrize(("data", "modes", "stddev"), [(ring, 8, 0.02), (grid, 25, 0.05)])
def test_points_are_normal_around_equally_likely_centres(data, modes, stddev):
    points, centres = data(20_000, seed=0)
    assert points.shape == (20_000, 2) and points.dtype == np.float32
    assert centres.shape == (modes, 2)
    offsets = points[:, None] - centres
    nearest = np.sum(offsets**2, axis=2).argmin(axis=1)
    counts = np.bincount(nearest, minlength=modes)
    expected = 20_000 / modes
    assert np.abs(counts - expected).max() < 5 * np.sqrt(expected)
    noise = offsets[np.arange(20_000), nearest] / stddev
    np.testing.assert_allclose(np.cov(noise.T), np.eye(2), atol=0.05)


def test_the_ring_is_a_circle_and_the_grid_is_centred():
    _, centres = ring(1, seed=0, modes=5, radius=3.0)
    np.testing.assert_allclose(np.hypot(*centres.T), 3)
    np.testing.assert_allclose(np.sort(np.linalg.norm(centres - centres[0], axis=1))[1:3],
                               6 * np.sin(np.pi / 5))  # fmt: skip
    _, centres = grid(1, seed=0, side=3, spacing=0.5)
    assert sorted(set(centres.ravel().tolist())) == [-0.5, 0, 0.5]
    assert len({tuple(c) for c in centres.tolist()}) == 9


def test_the_seed_decides():
    assert (ring(9, seed=1)[0] == ring(9, seed=1)[0]).all()
    assert (ring(9, seed=1)[0] != ring(9, seed=2)[0]).any()
