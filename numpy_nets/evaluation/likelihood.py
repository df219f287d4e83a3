"""How probable an image is under a VAE: the lower bound, and the log-likelihood from samples.

With k samples z ~ q(z|x) for each image and the importance weights w = p(x, z) / q(z|x),

    ELBO_k  = (1/k) Σ log w        its expectation is at most log p(x), and the same for every k
    IWAE_k  = log (1/k) Σ w        its expectation is at most log p(x) too, but rises to it with k

Both follow from E_q[w] = ∫ q(z|x) p(x, z) / q(z|x) dz = p(x): the mean of w is unbiased, and by
Jensen's inequality the expectation of its logarithm is at most log p(x) (Burda, Grosse &
Salakhutdinov 2016, arXiv 1509.00519, equation 8 and theorem 1; Kingma & Welling, arXiv 1312.6114,
equations 2 and 3).
"""

from typing import Any

import numpy as np

from numpy_nets import random
from numpy_nets.autodiff.tensor import Array
from numpy_nets.checks import positive_int
from numpy_nets.models.vae import VAE
from numpy_nets.network.batches import Batches, unpack_x_y_sample_weight


def elbo(
    model: VAE, data: Any, samples: int = 1, *, seed: random.Seed = None, batch_size: int = 100
) -> Array:
    """The evidence lower bound of each image, in nats: (n,), float64.

    Args:
        model: any model with `encode` and `log_weights`. The weight beta of its KL is not used.
        data: x (n, pixels), or the tuple (x, y) if the model is conditional on y (n, classes).
        samples: the number of z for each image. More make the estimate less noisy, but not the
            bound tighter.
        seed: seeds the noise: the same seed, samples and batch_size give the same numbers.
        batch_size: the number of images computed at a time.

    Raises:
        ValueError, TypeError: the data are not arrays of finite numbers of one length; samples or
            batch_size is not a positive integer.

    With q(z|x) = p(z) and a decoder that gives every pixel the probability ½, every log w is
    -2 log 2 for two pixels:

    >>> vae = VAE(lambda x: [0 * x, 0 * x], lambda z: 0 * z)
    >>> elbo(vae, np.array([[0.0, 1.0]]), samples=3, seed=0).round(4).tolist()
    [-1.3863]
    """
    samples = positive_int("elbo: samples", samples)
    return _accumulate(np.add, model, data, samples, seed, batch_size, 50) / samples


def log_likelihood(
    model: VAE,
    data: Any,
    samples: int = 5000,
    *,
    seed: random.Seed = None,
    batch_size: int = 100,
    chunk: int = 50,
) -> Array:
    """log (1/k) Σ w of each image, with k = samples, in nats: (n,), float64.

    Its expectation is a little below log p(x). The arguments and errors are those of `elbo`, and:

    Args:
        chunk: the number of samples computed at a time. Memory grows with batch_size · chunk, not
            with samples; the result is the same up to rounding.

    >>> vae = VAE(lambda x: [0 * x, 0 * x], lambda z: 0 * z)  # every w is p(x) = ½ · ½
    >>> log_likelihood(vae, np.array([[0.0, 1.0]]), samples=3, seed=0).round(4).tolist()
    [-1.3863]
    """
    samples = positive_int("log_likelihood: samples", samples)
    chunk = positive_int("log_likelihood: chunk", chunk)
    total = _accumulate(np.logaddexp, model, data, samples, seed, batch_size, chunk)
    result: Array = total - np.log(samples)
    return result


def _accumulate(
    add: np.ufunc,
    model: VAE,
    data: Any,
    samples: int,
    seed: random.Seed,
    batch_size: int,
    chunk: int,
) -> Array:
    """The sum over the samples of each image: Σ log w with np.add, log Σ w with np.logaddexp."""
    batches = Batches(*unpack_x_y_sample_weight(data), batch_size, "data: ")
    generator = random.generator(seed)
    totals = []
    for batch in batches.epoch():
        n, latent = model.encode(batch)[0].shape
        total = np.full(n, add.identity, np.float64)
        for start in range(0, samples, chunk):
            k = min(chunk, samples - start)
            epsilon = random.normal((k * n, latent), seed=generator)
            log_w = model.log_weights(batch, epsilon, k).numpy()
            total = add(total, add.reduce(log_w.astype(np.float64), axis=0))
        totals.append(total)
    return np.concatenate(totals)
