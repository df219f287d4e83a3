"""Mixtures of Gaussians in the plane: toy data on which it shows when a GAN loses modes."""

import numpy as np

from numpy_nets.datasets.raw import Array


def ring(
    n: int, seed: int, modes: int = 8, radius: float = 2.0, stddev: float = 0.02
) -> tuple[Array, Array]:
    """Points (n, 2) float32 of a mixture of Gaussians on a circle, and the centres (modes, 2).

    The components are equally likely, have the same standard deviation along both axes, and lie
    at equal distances, the first at (radius, 0). The same seed gives the same points. Defaults:
    Metz et al. 2017 (arXiv 1611.02163, section 3.1).

    >>> import numpy as np
    >>> from numpy_nets.datasets.gaussians import ring
    >>> points, centres = ring(1000, seed=0, modes=4)
    >>> centres.round().astype(int).tolist()
    [[2, 0], [0, 2], [-2, 0], [0, -2]]
    >>> distances = np.linalg.norm(points[:, None] - centres, axis=2)  # (n, modes)
    >>> bool(distances.min(axis=1).max() < 5 * 0.02)  # of every point to its centre
    True
    """
    angles = 2 * np.pi * np.arange(modes) / modes
    return _mixture(n, seed, radius * np.stack([np.cos(angles), np.sin(angles)], axis=1), stddev)


def grid(
    n: int, seed: int, side: int = 5, spacing: float = 2.0, stddev: float = 0.05
) -> tuple[Array, Array]:
    """Points (n, 2) float32 of a mixture of Gaussians on a square grid, and the centres (side², 2).

    As `ring`, but the components lie `spacing` apart around the origin. Defaults: Srivastava et al.
    2017 (VEEGAN, arXiv 1705.07761, section 4.1).

    >>> from numpy_nets.datasets.gaussians import grid
    >>> grid(1, seed=0, side=2)[1].tolist()
    [[-1.0, -1.0], [1.0, -1.0], [-1.0, 1.0], [1.0, 1.0]]
    """
    line = spacing * (np.arange(side) - (side - 1) / 2)
    return _mixture(n, seed, np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2), stddev)


def _mixture(n: int, seed: int, centres: Array, stddev: float) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    points = centres[rng.integers(len(centres), size=n)] + stddev * rng.standard_normal((n, 2))
    return points.astype(np.float32), centres
