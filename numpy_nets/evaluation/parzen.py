"""Parzen-window log-likelihood: how Goodfellow et al. 2014 (arXiv 1406.2661, table 1) compare.

A model that can only be sampled is given a density: a Gaussian around each of its samples. It
says little in many dimensions, where a window that is wide enough to be hit is wider than the
data's structure: a model that repeats its training data, or blurs them, can win. Theis et al.
2016 (arXiv 1511.01844, on Parzen window estimates) show how far it misleads. It is here because it
was published.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from numpy_nets.autodiff.tensor import Array
from numpy_nets.evaluation.distances import blocks, centred, squared_distances

SIGMAS: tuple[float, ...] = tuple(np.logspace(-1, 0, 10).tolist())


class Parzen(NamedTuple):
    """log p(x) of test data in nats a sample: its mean, the standard error, and the window's σ."""

    mean: float
    standard_error: float
    sigma: float


def parzen_log_likelihood(
    samples: Any, test: Any, validation: Any, sigmas: Sequence[float] = SIGMAS
) -> Parzen:
    """The authors' protocol: the σ that suits `validation` best, then the mean over `test`.

    They took 10,000 samples, the 10,000 test images in [0, 1], and 1,000 images for validation.

    Args:
        samples: (n, ...) of the model; the pixels in the same range as the data's.
        test: (m, ...), at least 2.
        validation: (v, ...), no part of test.
        sigmas: to choose from.

    Raises:
        ValueError: shapes that differ, values that are not finite, no σ, or one that is not
            positive.
    """
    if len(test) < 2:
        raise ValueError(f"parzen_log_likelihood: test: expected 2 or more, got {len(test)}")
    means = parzen_log_density(validation, samples, sigmas).mean(axis=1)
    sigma = float(sigmas[int(np.argmax(means))])
    found = parzen_log_density(test, samples, [sigma])[0]
    return Parzen(float(found.mean()), float(found.std(ddof=1) / np.sqrt(len(found))), sigma)


def parzen_log_density(points: Any, samples: Any, sigmas: Sequence[float]) -> Array:
    """log p(x) = log 1/n Σ_j N(x; s_j, σ² I), in nats, for each σ.

    points (m, ...), samples (n, ...) -> (len(sigmas), m). Memory does not grow with m or n:
    log Σ exp is built up block by block, log(e^A + e^B) of the sums before and the next block.
    Distances come from a float32 product if both are float32, and are good to 1e-3 nats at
    σ = 0.1 and 784 pixels in [0, 1]; everything after it is float64.

    Raises:
        ValueError: see `parzen_log_likelihood`.
    """
    from scipy.special import logsumexp

    variances = np.square(np.asarray(sigmas, np.float64))
    if not len(variances) or not (np.asarray(sigmas, np.float64) > 0).all():
        raise ValueError(f"parzen_log_density: sigmas: expected numbers > 0, got {sigmas}")
    points, samples = centred("parzen_log_density", points, samples)
    n, d = samples.shape
    total = np.full((len(variances), len(points)), -np.inf)
    for rows in blocks(len(points), 500):
        for columns in blocks(n, 2000):
            squares = squared_distances(points[rows], samples[columns])
            for sums, variance in zip(total, variances, strict=True):
                block = logsumexp(squares / (-2 * variance), axis=1)
                sums[rows] = np.logaddexp(sums[rows], block)
    result: Array = total - np.log(n) - 0.5 * d * np.log(2 * np.pi * variances)[:, None]
    return result
