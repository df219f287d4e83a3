"""Mixtures of Gaussians in the plane: toys on which a GAN that loses modes is seen to do so."""

import numpy as np

from numpy_nets.datasets.raw import Array


def ring(
    n: int, seed: int, modes: int = 8, radius: float = 2.0, stddev: float = 0.02
) -> tuple[Array, Array]:
    """Points (n, 2) float32 and the centres (modes, 2) of equal Gaussians on a circle.

    Defaults: Metz et al. 2017 (arXiv 1611.02163, section 3.1).
    """
    angles = 2 * np.pi * np.arange(modes) / modes
    return _mixture(n, seed, radius * np.stack([np.cos(angles), np.sin(angles)], axis=1), stddev)


def grid(
    n: int, seed: int, side: int = 5, spacing: float = 2.0, stddev: float = 0.05
) -> tuple[Array, Array]:
    """Points (n, 2) float32 and the centres (side², 2) of equal Gaussians on a square grid.

    Defaults: Srivastava et al. 2017 (VEEGAN, arXiv 1705.07761, section 4.1).
    """
    line = spacing * (np.arange(side) - (side - 1) / 2)
    return _mixture(n, seed, np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2), stddev)


def _mixture(n: int, seed: int, centres: Array, stddev: float) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    points = centres[rng.integers(len(centres), size=n)] + stddev * rng.standard_normal((n, 2))
    return points.astype(np.float32), centres
