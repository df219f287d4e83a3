"""How probable is an image under a VAE? The lower bound, and the log-likelihood from samples.

With k samples z ~ q(z|x) of each image and the importance weights w = p(x, z) / q(z|x),

    ELBO_k  = (1/k) Σ log w               its expectation is below log p(x) for every k
    IWAE_k  = log (1/k) Σ w               below as well, but rising to log p(x) with k

Both follow from E_q[w] = p(x): the mean of w is unbiased, and Jensen's inequality puts the
expectation of its logarithm below (Burda, Grosse & Salakhutdinov 2016, arXiv 1509.00519,
equation 8 and theorem 1; Kingma & Welling, arXiv 1312.6114, equations 2 and 3).
"""

from typing import Any

import numpy as np

from numpy_nets import random
from numpy_nets.autodiff.tensor import Array
from numpy_nets.models.vae import VAE
from numpy_nets.network.batches import Batches, unpack_x_y_sample_weight


def elbo(
    model: VAE, data: Any, samples: int = 1, *, seed: random.Seed = None, batch_size: int = 100
) -> Array:
    """The evidence lower bound of each image, in nats: (n,), float64.

    Args:
        model: any model with `encode` and `log_weights`. A weight beta of its KL does not enter.
        data: x (n, pixels), or the tuple (x, y) if the model is conditional on y (n, classes).
        samples: of z for each image. More make the estimate less noisy, not the bound tighter.
        seed: of the noise: the same seed, samples and batch_size give the same numbers.
        batch_size: images at a time.

    Raises:
        ValueError, TypeError: data that are no arrays of finite numbers of one length; samples or
            batch_size that are no positive integers.
    """
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
    """log (1/k) Σ w of each image, with k = samples: log p(x) or a little less, in nats.

    (n,), float64. Arguments and errors are those of `elbo`, and one more:

    Args:
        chunk: samples at a time. Memory grows with batch_size · chunk, not with samples; the
            result is the same up to rounding.
    """
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
    """The log weights of each image put together by `add`: np.add or np.logaddexp, log Σ exp."""
    for name, value in (("samples", samples), ("chunk", chunk)):
        if not isinstance(value, int | np.integer) or value < 1:
            raise ValueError(f"{name}: expected a positive integer, got {value!r}")
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
