"""The Parzen-window log-likelihood, by which Goodfellow et al. 2014 (table 1) compare models.

(arXiv 1406.2661.) It gives a density to a model that can only be sampled: a Gaussian window around
each sample. In many dimensions it says little, because a window wide enough to reach the test data
is wider than their structure; a model that repeats its training data, or blurs them, can come out
best. Theis et al. 2016 (arXiv 1511.01844, on Parzen window estimates) show how misleading it can
be. It is here to reproduce the published numbers.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from numpy_nets.autodiff.tensor import Array
from numpy_nets.evaluation.distances import blocks, centred, squared_distances

SIGMAS: tuple[float, ...] = tuple(np.logspace(-1, 0, 10).tolist())


class Parzen(NamedTuple):
    """log p(x) of the test data in nats: its mean, the standard error, and the window's σ."""

    mean: float
    standard_error: float
    sigma: float


def parzen_log_likelihood(
    samples: ArrayLike, test: Array, validation: ArrayLike, sigmas: Sequence[float] = SIGMAS
) -> Parzen:
    """The authors' protocol: choose the σ that is best on `validation`, then score `test` with it.

    They used 10,000 samples, the 10,000 test images in [0, 1], and 1,000 images for validation.

    Args:
        samples: (n, ...), made by the model; pixels in the same range as those of the data.
        test: (m, ...), m at least 2.
        validation: (v, ...), none of which are in test.
        sigmas: the σ to choose from.

    Raises:
        ValueError: the shapes differ, a value is not finite, there is no σ, or one is not positive.

    Where all points are the same, the narrowest window is best:

    >>> parzen = parzen_log_likelihood([[0.0]], np.zeros((2, 1)), [[0.0]], sigmas=[0.1, 1.0])
    >>> round(parzen.mean, 4), parzen.standard_error, parzen.sigma  # log 10 - ½ log 2π
    (1.3836, 0.0, 0.1)
    """
    if len(test) < 2:
        raise ValueError(f"parzen_log_likelihood: test: expected 2 or more, got {len(test)}")
    means = parzen_log_density(validation, samples, sigmas).mean(axis=1)
    sigma = float(sigmas[int(np.argmax(means))])
    log_p = parzen_log_density(test, samples, [sigma])[0]
    return Parzen(float(log_p.mean()), float(log_p.std(ddof=1) / np.sqrt(len(log_p))), sigma)


def parzen_log_density(points: ArrayLike, samples: ArrayLike, sigmas: Sequence[float]) -> Array:
    """log p(x) = log 1/n Σ_j N(x; s_j, σ² I), in nats, for each σ.

    points (m, ...), samples (n, ...) -> (len(sigmas), m). The n · m distances are never all in
    memory: log Σ exp is accumulated block by block, as log(e^A + e^B) of the sum so far and the
    next block. If points and samples are float32, the distances are computed in float32, which is
    accurate to 1e-3 nats at σ = 0.1 and 784 pixels in [0, 1]; everything after them is float64.

    Raises:
        ValueError: see `parzen_log_likelihood`.

    >>> parzen_log_density([[1.0]], [[1.0]], sigmas=[1.0]).round(4).tolist()  # -½ log 2π
    [[-0.9189]]
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
