"""Whether the samples of a model are diverse, of all kinds, new, and like the data."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from numpy_nets.autodiff.tensor import Array
from numpy_nets.evaluation.distances import blocks, centred, squared_distances
from numpy_nets.network import Model


class Coverage(NamedTuple):
    """How the samples are distributed over the classes.

    Attributes:
        classes: the number of classes that hold at least the share `at_least` of the samples.
        histogram: (classes,), the share of the samples in each class.
        imbalance: KL(histogram ‖ uniform) in nats: from 0, if all classes are equally frequent, to
            log(classes), if there is only one.
    """

    classes: int
    histogram: Array
    imbalance: float


def mode_coverage(classifier: Model, samples: ArrayLike, at_least: float = 0.01) -> Coverage:
    """The classes that a classifier sees in samples (n, ...); see `classifier.train_classifier`.

    For k classes, KL(h ‖ uniform) = Σ h log(h / (1/k)) = log k - H(h).

    Raises:
        ValueError: there are no samples, or they do not have the classifier's input shape.

    >>> from numpy_nets.layers import Input
    >>> probabilities = Input((2,))
    >>> classifier = Model(probabilities, probabilities)  # the larger pixel is the class
    >>> coverage = mode_coverage(classifier, np.eye(2)[[0, 0, 0, 1]])
    >>> coverage.classes, coverage.histogram.tolist(), round(coverage.imbalance, 4)
    (2, [0.75, 0.25], 0.1308)
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
    """How well samples reach several known modes.

    Attributes:
        found: the number of modes with enough good samples.
        good: the share of the samples that are near a mode.
    """

    found: int
    good: float


def modes_found(
    samples: ArrayLike, centres: ArrayLike, radius: float, at_least: float = 0.01
) -> Modes:
    """How many of several known modes the samples reach.

    A sample is good if its nearest centre is within the radius (three standard deviations in
    Srivastava et al. 2017, VEEGAN, section 4.1). A mode is found if the good samples nearest to it
    are at least the share `at_least` of all samples. (In that paper one sample is enough.)

    Args:
        samples: (n, d).
        centres: (modes, d).

    Raises:
        ValueError: the shapes do not match, or a value is not finite.

    >>> modes_found([[0.1], [4.8], [5.1], [7.0]], centres=[[0.0], [5.0], [9.0]], radius=0.5)
    Modes(found=2, good=0.75)
    """
    distances, nearest = nearest_neighbours(samples, centres)
    good = distances <= radius
    shares = np.bincount(nearest[good], minlength=np.shape(centres)[0]) / len(good)
    return Modes(int(np.sum(shares >= at_least)), float(good.mean()))


def diversity(samples: ArrayLike) -> float:
    """The mean distance between two of the samples (n, ...), n > 1; 0 if all are equal.

    Raises:
        ValueError: there are fewer than two samples, or a value is not finite.

    >>> diversity([[0.0], [1.0], [3.0]])  # (1 + 2 + 3) / 3
    2.0
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


def nearest_neighbours(samples: ArrayLike, training: ArrayLike) -> tuple[Array, Array]:
    """The nearest row of the training data to each sample: distances (n,) and indices (n,).

    A model that copies its training data has distances near 0. What is normal can be seen from the
    distances of test data to the training data.

    Raises:
        ValueError: the shapes differ, there are no samples, or a value is not finite.

    >>> distances, indices = nearest_neighbours([[1.0], [6.0]], training=[[0.0], [4.0]])
    >>> distances.tolist(), indices.tolist()
    ([1.0, 2.0], [0, 1])
    """
    x, data = centred("nearest_neighbours", samples, training)
    squares, indices = np.full(len(x), np.inf), np.zeros(len(x), int)
    for rows in blocks(len(x), 500):
        for columns in blocks(len(data), 5000):
            block = squared_distances(x[rows], data[columns])
            best = block.argmin(axis=1)
            least = block[np.arange(len(block)), best]
            closer = least < squares[rows]
            squares[rows][closer] = least[closer]
            indices[rows][closer] = best[closer] + columns.start
    # Once more from differences: the expanded square is inaccurate near 0, where it matters.
    differences = (x - data[indices]).astype(np.float64)
    return np.sqrt(np.sum(differences**2, axis=1)), indices


def frechet_distance(features_a: ArrayLike, features_b: ArrayLike) -> float:
    """d² = |μ_a - μ_b|² + tr(C_a + C_b - 2 (C_a C_b)^½) of Gaussians fitted to (n, d) and (m, d).

    (Fréchet 1957; Dowson & Landau 1982. On the features of a network it is the FID of Heusel et al.
    2017, arXiv 1706.08500, equation 6; distances on features of different networks cannot be
    compared.)

    The matrix root of the product C_a C_b, which is not symmetric, may be computed as complex, or
    not at all if C_a or C_b is singular. But only its trace is needed: with C_a = AᵀA and C_b =
    BᵀB, the nonzero eigenvalues of AᵀA BᵀB are those of (B Aᵀ)(B Aᵀ)ᵀ, which are the squares of the
    singular values of B Aᵀ. So

        tr (C_a C_b)^½ = Σ singular values of B Aᵀ

    with triangular A and B from the QR decompositions of the centred features, for any n and m.

    Raises:
        ValueError: there are fewer than two features on one side, they are not (n, d), or a value
            is not finite.

    >>> round(frechet_distance([[0.0], [2.0]], [[3.0], [5.0]]), 4)  # means 1 and 4, equal variances
    9.0
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
    squared = np.sum(means**2) + np.sum(root_a**2) + np.sum(root_b**2) - 2 * overlap
    return max(float(squared), 0.0)  # of equal Gaussians rounding may leave less than 0


def _root_of_covariance(x: Array) -> Array:
    """R with RᵀR = the covariance of x (n, d), divided by n - 1."""
    root = np.linalg.qr((x - x.mean(axis=0)) / np.sqrt(len(x) - 1), mode="r")
    return np.asarray(root)
