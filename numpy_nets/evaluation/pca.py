"""Principal component analysis: the best that a linear autoencoder can do."""

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
    x = np.asarray(x)
    if x.ndim != 2 or not 1 <= components <= x.shape[1]:
        raise ValueError(
            "fit_pca: components: expected 1 to the number of columns of x, "
            f"got {components} and x {x.shape}"
        )
    mean = x.mean(axis=0)
    centred = x - mean
    if len(x) > x.shape[1]:
        _, _, directions = np.linalg.svd(centred.T @ centred / len(x), hermitian=True)
    else:
        _, _, directions = np.linalg.svd(centred, full_matrices=False)
    return PCA(mean, directions[:components])
