"""Tables of mixtures in the plane against finer grids, quadrature and draws."""

import numpy as np
import pytest
from scipy.stats import norm

from numpy_nets.theory.adversarial import jensen_shannon
from numpy_nets.theory.plane import Mixture, Square, points_as_mixture, probabilities

RING = Mixture(
    2 * np.array([[np.cos(a), np.sin(a)] for a in np.arange(8) * np.pi / 4]),
    np.full((8, 2), 0.05),
    np.full(8, 1 / 8),
)
LONG = Mixture(
    np.array([[-1.0, 0.0], [1.5, 0.5]]), np.array([[0.6, 0.05], [0.3, 0.2]]), np.array([0.6, 0.4])
)


def in_the_square(mixture, square, blur):
    """The probability of the square, from the normal distribution function."""
    stddevs = np.sqrt(mixture.stddevs**2 + blur**2)
    low, high = (
        norm.cdf((edge - mixture.centres) / stddevs) for edge in (-square.half, square.half)
    )
    return float(mixture.weights @ (high - low).prod(axis=1))


@pytest.mark.parametrize("mixture", [RING, LONG])
@pytest.mark.parametrize("half", [3.0, 1.9])
def test_the_cells_and_the_outside_have_the_probabilities_that_they_should(mixture, half):
    square = Square(half, 50)
    p = probabilities(mixture, square, blur=0.1)
    assert p.shape == (2501,) and (p >= 0).all() and p.sum() == pytest.approx(1, abs=1e-5)
    exact = 1 - in_the_square(mixture, square, 0.1)
    # Rectangles are that good where the density ends within the square; else to second order.
    assert p[-1] == pytest.approx(exact, abs=1e-5 if half == 3 else 0.005)


def test_a_table_is_the_density_in_the_middle_of_each_cell_with_rows_from_below():
    square = Square(3.0, 50)
    x, y = square.middles.T
    blurred = sum(
        w * norm.pdf(x, *a) * norm.pdf(y, *b)
        for w, (a, b) in zip(
            LONG.weights,
            [[(-1.0, np.hypot(0.6, 0.1)), (0.0, np.hypot(0.05, 0.1))],
             [(1.5, np.hypot(0.3, 0.1)), (0.5, np.hypot(0.2, 0.1))]],
            strict=True,
        )
    )  # fmt: skip
    p = probabilities(LONG, square, blur=0.1)[:-1]
    np.testing.assert_allclose(p, blurred * square.width**2, rtol=1e-10)


@pytest.mark.parametrize("blur", [0.1, 0.3])
def test_the_divergence_is_that_of_a_grid_eight_times_as_fine(blur):
    coarse, fine = (
        jensen_shannon(*(probabilities(m, Square(3.0, cells), blur) for m in (RING, LONG)))
        for cells in (50, 400)
    )
    assert coarse == pytest.approx(fine, abs=1e-4) and 0.1 < fine < 0.69


@pytest.mark.parametrize("mixture", [RING, LONG])
def test_blurred_points_have_the_density_that_they_were_drawn_from(mixture):
    points = mixture.draw(5000, np.random.default_rng(0))
    assert points.dtype == np.float32
    square = Square(3.0, 50)
    g, p = (probabilities(m, square, 0.1) for m in (points_as_mixture(points), mixture))
    assert jensen_shannon(p, g) < 0.002  # what chance adds, as the page says


def test_points_far_outside_are_one_cell():
    p = probabilities(points_as_mixture(np.array([[0.0, 0.0], [50.0, 0.0]])), Square(3.0, 50), 0.1)
    assert p[-1] == pytest.approx(0.5, abs=1e-4)
