"""Principal component analysis: what a linear autoencoder can reach at best."""

from typing import Any, NamedTuple

import numpy as np

from numpy_nets.autodiff.tensor import Array


class PCA(NamedTuple):
    """The mean (d,) and the first components (k, d), orthonormal rows, of some data."""

    mean: Array
    components: Array

    def encode(self, x: Array) -> Array:
        """(n, d) -> (n, k): coordinates along the components."""
        codes: Array = (x - self.mean) @ self.components.T
        return codes

    def reconstruct(self, x: Array) -> Array:
        """(n, d) -> (n, d): the nearest points, in squared error, of the components' space."""
        nearest: Array = self.encode(x) @ self.components + self.mean
        return nearest


def fit_pca(x: Any, components: int) -> PCA:
    """The `components` directions in which x (n, d) varies most.

    They are the right singular vectors of the centred data (Eckart & Young 1936). With more
    samples than columns they are found from its (d, d) covariance, which has the same ones and is
    smaller.

    Raises:
        ValueError: components not in 1 … d. From fewer samples n come n components at most.
    """
    x = np.asarray(x)
    if x.ndim != 2 or not 1 <= components <= x.shape[1]:
        raise ValueError(
            f"fit_pca: components: expected 1 to the columns of x, got {components} and x {x.shape}"
        )
    mean = x.mean(axis=0)
    centred = x - mean
    if len(x) > x.shape[1]:
        _, _, directions = np.linalg.svd(centred.T @ centred / len(x), hermitian=True)
    else:
        _, _, directions = np.linalg.svd(centred, full_matrices=False)
    return PCA(mean, directions[:components])
