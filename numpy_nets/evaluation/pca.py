"""Principal component analysis, the best of linear autoencoders, and a random one beside it."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from numpy_nets.autodiff.tensor import Array


class PCA(NamedTuple):
    """The mean (d,) of some data, and their first components (k, d): orthonormal rows."""

    mean: Array
    components: Array

    def encode(self, x: Array) -> Array:
        """(n, d) -> (n, k): the coordinates along the components."""
        codes: Array = (x - self.mean) @ self.components.T
        return codes

    def reconstruct(self, x: Array) -> Array:
        """(n, d) -> (n, d): the nearest points in the space of the components."""
        nearest: Array = self.encode(x) @ self.components + self.mean
        return nearest


def fit_pca(x: ArrayLike, components: int) -> PCA:
    """The `components` directions in which x (n, d) varies most.

    They are the first right singular vectors of the centred data (Eckart & Young 1936). If there
    are more samples than columns, they are computed from the (d, d) covariance, which is smaller
    and has the same ones.

    Raises:
        ValueError: components is not in 1 … d. With fewer samples n than that, there are only n.

    >>> pca = fit_pca([[1, 1], [-1, -1], [2, 2], [-2, -2]], components=1)  # points on a line
    >>> pca.reconstruct(np.array([[3, 1]])).round(4).tolist()
    [[2.0, 2.0]]
    """
    x = _checked("fit_pca", x, components)
    mean = x.mean(axis=0)
    centred = x - mean
    if len(x) > x.shape[1]:
        _, _, directions = np.linalg.svd(centred.T @ centred / len(x), hermitian=True)
    else:
        _, _, directions = np.linalg.svd(centred, full_matrices=False)
    return PCA(mean, directions[:components])


def random_projection(x: ArrayLike, components: int, seed: int = 0) -> PCA:
    """As many orthonormal directions drawn at random, in the place of the components of x (n, d).

    This is the floor for every method that learns from the data: only the mean is taken from them.
    The directions come from Gaussian vectors, so every subspace is as likely as any other. On
    average a projection keeps components / d of a squared distance, and the more components, the
    closer all of them are to that average (Johnson & Lindenstrauss 1984).

    Raises:
        ValueError: components is not in 1 … d.

    >>> projection = random_projection(np.eye(3), components=2)
    >>> (projection.components @ projection.components.T).round(4) + 0.0  # orthonormal rows
    array([[1., 0.],
           [0., 1.]])
    """
    x = _checked("random_projection", x, components)
    gaussian = np.random.default_rng(seed).standard_normal((x.shape[1], components))
    directions, _ = np.linalg.qr(gaussian)
    mean = x.mean(axis=0)
    return PCA(mean, directions.T.astype(mean.dtype))


def _checked(what: str, x: ArrayLike, components: int) -> Array:
    x = np.asarray(x)
    if x.ndim != 2 or not 1 <= components <= x.shape[1]:
        raise ValueError(
            f"{what}: components: expected 1 to the number of columns of x, "
            f"got {components} and x {x.shape}"
        )
    return x
