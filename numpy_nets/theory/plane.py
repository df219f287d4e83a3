"""Densities in the plane that are known: mixtures of Gaussians, as tables on a square.

What is compared here is blurred: to each point, of either side, N(0, s² I) is added. A mixture of
Gaussians stays one, with s² more of variance; and n points that were drawn from anything become a
mixture of n equal Gaussians of variance s², which is on average the blurred density of what they
were drawn from. So a generator, whose density nobody knows, can be compared with one that is known,
and only the number of points stands between the table and the truth. A GAN whose D is shown
everything with this noise plays the game of the blurred densities (Arjovsky & Bottou 2017, arXiv
1701.04862, section 3). Their divergence is at most that of the densities themselves, since
processing cannot tell apart what was the same before.
"""

from typing import NamedTuple

import numpy as np

from numpy_nets.autodiff.tensor import Array


class Mixture(NamedTuple):
    """Gaussians along the axes: Σ w_k N(μ_k, diag(σ_k²)).

    Attributes:
        centres: (m, 2).
        stddevs: (m, 2); 0 for points.
        weights: (m,), which add up to 1.
    """

    centres: Array
    stddevs: Array
    weights: Array

    def draw(self, n: int, rng: np.random.Generator) -> Array:
        """Points (n, 2), float32."""
        component = rng.choice(len(self.weights), size=n, p=self.weights)
        noise = self.stddevs[component] * rng.standard_normal((n, 2))
        return (self.centres[component] + noise).astype(np.float32)


def points_as_mixture(points: Array) -> Mixture:
    """Points (n, 2), all of the same weight."""
    n = len(points)
    return Mixture(np.asarray(points, np.float64), np.zeros((n, 2)), np.full(n, 1 / n))


class Square(NamedTuple):
    """The square [-half, half]², in cells² equal cells."""

    half: float
    cells: int

    @property
    def line(self) -> Array:
        """The middles of the cells along an axis, (cells,)."""
        return (np.arange(self.cells) + 0.5) * self.width - self.half

    @property
    def width(self) -> float:
        """The width of a cell."""
        return 2 * self.half / self.cells

    @property
    def middles(self) -> Array:
        """The middles of all cells, (cells², 2): row by row from below, each from left to right.

        >>> Square(2.0, 2).middles.tolist()
        [[-1.0, -1.0], [1.0, -1.0], [-1.0, 1.0], [1.0, 1.0]]
        """
        x, y = np.meshgrid(self.line, self.line)
        return np.stack([x, y], axis=-1).reshape(-1, 2)


def probabilities(mixture: Mixture, square: Square, blur: float) -> Array:
    """The blurred mixture's probability of each cell, and of all that is outside, last.

    (cells² + 1,), in the order of `Square.middles`: the density in the middle of the cell,
    times its area. While the smallest standard deviation is not less than 0.8 cells, these add up
    to the probability of the square with an error below 1e-5, because the rule of rectangles is
    that good for a Gaussian: 2 exp(-2 π² · 0.8²), the first term of Poisson's sum.

    >>> standard = Mixture(np.zeros((1, 2)), np.ones((1, 2)), np.ones(1))
    >>> p = probabilities(standard, Square(1.0, 50), blur=0.0)
    >>> print(round(p[:-1].sum(), 3), round(p[-1], 3))  # 0.6827² within one standard deviation
    0.466 0.534
    """
    variances = mixture.stddevs**2 + blur**2
    offsets = square.line[:, None, None] - mixture.centres  # (cells, m, 2)
    densities = np.exp(-0.5 * offsets**2 / variances) / np.sqrt(2 * np.pi * variances)
    x, y = densities[..., 0], densities[..., 1]
    inside = ((y * mixture.weights) @ x.T).reshape(-1) * square.width**2
    return np.append(inside, max(0.0, 1 - inside.sum()))
