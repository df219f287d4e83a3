"""The importance-weighted autoencoder of Burda, Grosse & Salakhutdinov (arXiv 1509.00519).

A VAE with a tighter bound. With w = p(x|z) p(z) / q(z|x), the mean of w over z ~ q(z|x) is p(x); so
is the expectation of the average of k of them, and by Jensen's inequality the expectation of the
logarithm of that average is at most log p(x):

    log p(x) ≥ L_k = E[log 1/k Σ w_i] ≥ L_{k-1} ≥ … ≥ L_1 = ELBO        (the paper's theorem 1)

In the gradient of L_k, sample i has the weight w_i / Σ w, which is the derivative of logsumexp.
"""

import math
from collections.abc import Callable
from typing import Any

from keras import ops
from keras.models import Model
from tensorflow import Tensor

from keras_ref.models.vae import VAE, bernoulli_log_likelihood


class IWAE(VAE):
    """A VAE trained on -L_k, with k = samples.

    It has the arguments of VAE without beta, as the bound has no separate KL term. fit and evaluate
    report the loss and its only term, negative_bound: -L_k, in nats per image.

    Where q(z|x) is the prior and the decoder ignores z, every weight w is p(x), here ½ · ½, and the
    bound is log p(x):

    >>> iwae = IWAE(lambda x: [0 * x, 0 * x], lambda z: 0 * z, samples=3)
    >>> x, epsilon = ops.convert_to_tensor([[0.0, 1.0]]), ops.convert_to_tensor([[1.0, -1.0]] * 3)
    >>> [round(float(term), 4) for term in iwae.terms(x, epsilon)]  # 2 log 2
    [1.3863]
    """

    term_names = ("negative_bound",)

    def __init__(
        self,
        encoder: Model,
        decoder: Model,
        log_likelihood: Callable[[Tensor, Any], Tensor] = bernoulli_log_likelihood,
        samples: int = 5,
        seed: int | None = None,
        **options: Any,
    ) -> None:
        super().__init__(encoder, decoder, log_likelihood, 1.0, samples, seed, **options)

    def terms(self, data: Any, epsilon: Tensor) -> list[Tensor]:
        log_w = self.log_weights(data, epsilon, self.samples)
        return [math.log(self.samples) - ops.mean(ops.logsumexp(log_w, axis=0))]
