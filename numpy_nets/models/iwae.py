"""The importance-weighted autoencoder of Burda, Grosse & Salakhutdinov (arXiv 1509.00519).

A VAE with a tighter bound. With w = p(x|z) p(z) / q(z|x), the mean of w over z ~ q(z|x) is p(x), so
by Jensen's inequality the log of the mean of k of them is on the average below log p(x):

    log p(x) ≥ L_k = E[log 1/k Σ w_i] ≥ L_{k-1} ≥ … ≥ L_1 = ELBO        (the paper's theorem 1)

In the gradient, each sample counts by its share w_i / Σ w: the derivative of logsumexp.
"""

import math
from collections.abc import Callable
from typing import Any

from numpy_nets.autodiff import ops
from numpy_nets.models import Model
from numpy_nets.models.vae import VAE, bernoulli_log_likelihood


class IWAE(VAE):
    """A VAE trained on -L_k, with k = samples.

    The arguments of VAE but beta, as the bound has no KL term of its own. fit and evaluate report
    the loss and its only term, negative_bound: -L_k, in nats per image.
    """

    term_names = ("negative_bound",)

    def __init__(
        self,
        encoder: Model,
        decoder: Model,
        log_likelihood: Callable[[Any, Any], Any] = bernoulli_log_likelihood,
        samples: int = 5,
        seed: int | None = None,
        **options: Any,
    ) -> None:
        super().__init__(encoder, decoder, log_likelihood, 1.0, samples, seed, **options)

    def terms(self, data: Any, epsilon: Any) -> list[Any]:
        log_w = self.log_weights(data, epsilon, self.samples)
        return [math.log(self.samples) - ops.mean(ops.logsumexp(log_w, axis=0))]
