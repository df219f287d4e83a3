"""Are samples of a model diverse, of all kinds, new, and like the data?"""

from typing import Any, NamedTuple

import numpy as np

from numpy_nets.autodiff.tensor import Array
from numpy_nets.evaluation.distances import blocks, centred, squared_distances
from numpy_nets.network import Model


class Coverage(NamedTuple):
    """Which classes samples are of.

    classes: how many have at least the asked part of the samples.
    histogram: (classes,), the part of the samples in each.
    imbalance: KL(histogram ‖ uniform) in nats: 0 if all are as frequent, log(classes) at worst.
    """

    classes: int
    histogram: Array
    imbalance: float


def mode_coverage(classifier: Model, samples: Any, at_least: float = 0.01) -> Coverage:
    """The classes that a classifier sees in samples (n, ...); see `classifier.train_classifier`.

    KL(h ‖ uniform) = Σ h log(h k) = log k - H(h) for k classes.

    Raises:
        ValueError: no samples, or not of the classifier's shape.
    """
    samples = np.asarray(samples)
    if not len(samples):
        raise ValueError(f"mode_coverage: samples: expected one or more, got {samples.shape}")
    flat = samples.reshape(len(samples), -1)
    probabilities = classifier.predict(flat, batch_size=1000, verbose=0)
    counts = np.bincount(probabilities.argmax(axis=1), minlength=probabilities.shape[1])
    histogram = counts / len(samples)
    present = histogram[histogram > 0]
    imbalance = float(np.sum(present * np.log(present * len(histogram))))
    return Coverage(int(np.sum(histogram >= at_least)), histogram, max(imbalance, 0.0))


class Modes(NamedTuple):
    """found: modes with enough good samples; good: the part of samples near a mode."""

    found: int
    good: float


def modes_found(samples: Any, centres: Any, radius: float, at_least: float = 0.01) -> Modes:
    """Which of several known modes do samples reach?

    A sample is good if its nearest centre is within the radius (three standard deviations in
    Srivastava et al. 2017, VEEGAN, section 4.1); a mode is found if it is the nearest of at least
    this part of all samples, all of them good. (There a single sample is enough.)

    Args:
        samples: (n, d).
        centres: (modes, d).

    Raises:
        ValueError: shapes that do not fit, or values that are not finite.
    """
    distances, nearest = nearest_neighbours(samples, centres)
    good = distances <= radius
    shares = np.bincount(nearest[good], minlength=len(centres)) / len(good)
    return Modes(int(np.sum(shares >= at_least)), float(good.mean()))


def diversity(samples: Any) -> float:
    """The mean distance between two different samples of (n, ...), n > 1; 0 if all are equal.

    Raises:
        ValueError: fewer than two, or not finite.
    """
    x, _ = centred("diversity", samples, samples)
    if len(x) < 2:
        raise ValueError(f"diversity: samples: expected 2 or more, got {len(x)}")
    x = x.astype(np.float64)  # equal samples are at distance 0, not at the root of float32's ε
    total = 0.0
    for rows in blocks(len(x), 500):
        distances = np.sqrt(squared_distances(x[rows], x))
        np.fill_diagonal(distances[:, rows], 0.0)
        total += float(distances.sum())
    return total / (len(x) * (len(x) - 1))


def nearest_neighbours(samples: Any, training: Any) -> tuple[Array, Array]:
    """For each sample the nearest of the training data: distances (n,) and indices (n,).

    A model that copies has distances near 0: compare with those from test data to training data.

    Raises:
        ValueError: samples of different shapes, none, or not finite.
    """
    x, data = centred("nearest_neighbours", samples, training)
    squares, indices = np.full(len(x), np.inf), np.zeros(len(x), int)
    for rows in blocks(len(x), 500):
        for columns in blocks(len(data), 5000):
            block = squared_distances(x[rows], data[columns])
            best = block.argmin(axis=1)
            found = block[np.arange(len(block)), best]
            closer = found < squares[rows]
            squares[rows][closer] = found[closer]
            indices[rows][closer] = best[closer] + columns.start
    # Again, from differences: the expanded square is inexact where it matters, near 0.
    differences = (x - data[indices]).astype(np.float64)
    return np.sqrt(np.sum(differences**2, axis=1)), indices


def frechet_distance(features_a: Any, features_b: Any) -> float:
    """d² = |μ_a - μ_b|² + tr(C_a + C_b - 2 (C_a C_b)^½), of Gaussians fitted to (n, d), (m, d).

    (Fréchet 1957; Dowson & Landau 1982; on features of a network, Heusel et al. 2017, arXiv
    1706.08500, equation 6, where it is an FID. Those of another network are another scale.)

    A matrix root of the product C_a C_b, which is not symmetric, may come out complex, or not at
    all if C is singular. Only its trace is needed: with C_a = AᵀA and C_b = BᵀB, the eigenvalues
    of AᵀA BᵀB are those of (B Aᵀ)(B Aᵀ)ᵀ, the squares of the singular values of B Aᵀ. So

        tr (C_a C_b)^½ = Σ singular values of B Aᵀ

    and triangular A, B come from a QR decomposition of the centred features, any number of them.

    Raises:
        ValueError: fewer than two features on a side, not (n, d), or not finite.
    """
    a, b = np.asarray(features_a, np.float64), np.asarray(features_b, np.float64)
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1] or min(len(a), len(b)) < 2:
        raise ValueError(
            f"frechet_distance: expected (n, d), (m, d) with n, m > 1, got {a.shape}, {b.shape}"
        )
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise ValueError("frechet_distance: expected finite values, got nan or infinity")
    means = a.mean(axis=0) - b.mean(axis=0)
    root_a, root_b = _root_of_covariance(a), _root_of_covariance(b)
    overlap = np.linalg.svd(root_b @ root_a.T, compute_uv=False).sum()
    found = np.sum(means**2) + np.sum(root_a**2) + np.sum(root_b**2) - 2 * overlap
    return max(float(found), 0.0)  # rounding of equals


def _root_of_covariance(x: Array) -> Array:
    """R with RᵀR = the covariance of x (n, d), divided by n - 1."""
    root = np.linalg.qr((x - x.mean(axis=0)) / np.sqrt(len(x) - 1), mode="r")
    return np.asarray(root)
