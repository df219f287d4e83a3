"""The variational autoencoder of Kingma & Welling (arXiv 1312.6114): AEVB, "the paper" below.

A picture x is thought to come from a latent z ~ N(0, I) through p(x|z), a decoder network. What z
a given x came from cannot be computed, so an encoder network gives an approximation,
q(z|x) = N(μ(x), σ²(x)). Both are trained to raise a lower bound of log p(x), the ELBO:

    log p(x) ≥ E_q[log p(x|z)] - KL(q(z|x) ‖ p(z))            (the paper's equation 3)

The expectation is estimated with samples z = μ + σ ε, ε ~ N(0, I) (equation 10): the randomness is
an input, and the gradient flows through μ and σ. The loss is the ELBO's negative, in nats per
image: sums over pixels and latents, means over the batch.
"""

import math
from collections.abc import Callable
from numbers import Integral, Real
from typing import Any

from numpy_nets import random
from numpy_nets.autodiff import ops
from numpy_nets.layers import Dense, Input
from numpy_nets.losses import binary_crossentropy
from numpy_nets.models import Model
from numpy_nets.models.terms import TermModel, batch_size


def reparameterize(mean: Any, log_var: Any, epsilon: Any) -> Any:
    """z = μ + σ ε with σ = exp(½ log σ²).  All (batch, latent); ε ~ N(0, I)."""
    return mean + ops.exp(0.5 * log_var) * epsilon


def gaussian_kl(mean: Any, log_var: Any) -> Any:
    """KL(N(μ, σ²) ‖ N(0, I)) = ½ Σ (μ² + σ² - 1 - log σ²), in nats: the paper's appendix B.

    (batch, latent) -> (batch,). expm1 keeps σ² - 1 exact near σ = 1, where the KL vanishes.
    """
    return 0.5 * ops.sum(ops.square(mean) + ops.expm1(log_var) - log_var, axis=-1)


def bernoulli_log_likelihood(x: Any, logits: Any) -> Any:
    """log p(x|z) = Σ x log p + (1-x) log(1-p), p = σ(logits).  (batch, pixels) -> (batch,).

    For pixels of 0 and 1. For grey pixels it is no probability of anything, though it trains well.
    """
    return -ops.shape(x)[-1] * binary_crossentropy(x, logits, from_logits=True)


def gaussian_log_likelihood(x: Any, parameters: Any) -> Any:
    """log p(x|z) = Σ log N(x; m, s²), parameters = [m, log s²].  (batch, pixels) -> (batch,)."""
    mean, log_var = parameters
    squares = ops.square(x - mean) * ops.exp(-log_var)
    return -0.5 * ops.sum(math.log(2 * math.pi) + log_var + squares, axis=-1)


def build_encoder(
    input_dim: int = 784, hidden_dim: int = 400, latent_dim: int = 20, activation: str = "relu"
) -> Model:
    """x (batch, input_dim) -> [mean, log_var], each (batch, latent_dim)."""
    x = Input(shape=(input_dim,))
    hidden = Dense(hidden_dim, activation=activation)(x)
    return Model(x, [Dense(latent_dim)(hidden), Dense(latent_dim)(hidden)], name="encoder")


def build_decoder(
    input_dim: int = 784, hidden_dim: int = 400, latent_dim: int = 20, activation: str = "relu"
) -> Model:
    """z (batch, latent_dim) -> logits of the pixels, (batch, input_dim)."""
    z = Input(shape=(latent_dim,))
    hidden = Dense(hidden_dim, activation=activation)(z)
    return Model(z, Dense(input_dim)(hidden), name="decoder")


def build_gaussian_decoder(
    input_dim: int = 560, hidden_dim: int = 200, latent_dim: int = 20, activation: str = "tanh"
) -> Model:
    """z (batch, latent_dim) -> [mean in (0, 1), log_var] of the pixels, each (batch, input_dim)."""
    z = Input(shape=(latent_dim,))
    hidden = Dense(hidden_dim, activation=activation)(z)
    mean = Dense(input_dim, activation="sigmoid")(hidden)
    return Model(z, [mean, Dense(input_dim)(hidden)], name="decoder")


class VAE(TermModel):
    """Encoder, decoder and the ELBO between them: Algorithm 1 of the paper.

    Args:
        encoder: x (batch, pixels) -> [mean, log_var], each (batch, latent).
        decoder: z (batch, latent) -> the parameters of p(x|z).
        log_likelihood: (x, parameters) -> log p(x|z), (batch,).
        beta: weight of the KL term; 1 in the paper, more in the β-VAE (Higgins et al. 2017).
        samples: L, draws of ε for each image; 1 in the paper.
        seed: of ε; None for the stream that all share.

    Raises:
        ValueError: beta is no finite number >= 0, or samples no integer >= 1.

    fit and evaluate take images alone and report loss = reconstruction + kl, where kl has been
    multiplied by beta, in nats per image.
    """

    term_names: tuple[str, ...] = ("reconstruction", "kl")

    def __init__(
        self,
        encoder: Model,
        decoder: Model,
        log_likelihood: Callable[[Any, Any], Any] = bernoulli_log_likelihood,
        beta: float = 1.0,
        samples: int = 1,
        seed: int | None = None,
        **options: Any,
    ) -> None:
        name = type(self).__name__
        if not isinstance(beta, float | Real) or not 0 <= beta < math.inf:
            raise ValueError(f"{name}: beta: expected a finite number >= 0, got {beta!r}")
        if not isinstance(samples, int | Integral) or samples < 1:
            raise ValueError(f"{name}: samples: expected an integer >= 1, got {samples!r}")
        super().__init__(seed, **options)
        self.encoder = encoder
        self.decoder = decoder
        self.log_likelihood = log_likelihood
        self.beta = float(beta)
        self.samples = int(samples)

    def call(self, x: Any) -> Any:
        """The parameters of p(x|z) at z = the mean of q(z|x)."""
        mean, _ = self.encoder(x)
        return self.decoder(mean)

    def encode(self, data: Any) -> Any:
        """mean and log_var of q(z|x), each (batch, latent)."""
        return self.encoder(data)

    def log_likelihood_at(self, z: Any, data: Any, samples: int) -> Any:
        """log p(x|z), (samples · batch,), for z (samples · batch, latent)."""
        (x,) = repeat([data], samples)
        return self.log_likelihood(x, self.decoder(z))

    def draw_noise(self, data: Any) -> Any:
        """ε ~ N(0, I), (samples · batch, latent): the first batch of rows is the first sample."""
        mean, _ = self.encoder.output_shape
        return random.normal((self.samples * batch_size(data), mean[-1]), seed=self.noise)

    def terms(self, data: Any, epsilon: Any) -> list[Any]:
        """-E_q[log p(x|z)] and β KL(q(z|x) ‖ p(z)), means over the batch."""
        mean, log_var = repeat(self.encode(data), self.samples)
        z = reparameterize(mean, log_var, epsilon)
        reconstruction = -ops.mean(self.log_likelihood_at(z, data, self.samples))
        return [reconstruction, self.beta * ops.mean(gaussian_kl(mean, log_var))]

    def log_weights(self, data: Any, epsilon: Any, samples: int) -> Any:
        """log w = log p(x|z) + log p(z) - log q(z|x): (samples, batch).

        The mean of w over z ~ q(z|x) is p(x), that of log w the ELBO. ε is (samples · batch,
        latent); z = μ + σ ε, so log q(z|x) = log N(ε; 0, I) - ½ Σ log σ², and two terms cancel.
        """
        mean, log_var = repeat(self.encode(data), samples)
        z = reparameterize(mean, log_var, epsilon)
        log_ratio = 0.5 * ops.sum(ops.square(epsilon) + log_var - ops.square(z), axis=-1)
        log_w = self.log_likelihood_at(z, data, samples) + log_ratio
        return ops.reshape(log_w, (samples, batch_size(data)))


def repeat(tensors: Any, times: int) -> list[Any]:
    """Each tensor (batch, ...) `times` times, one copy below the other."""
    if times == 1:
        return list(tensors)
    return [ops.concatenate([tensor] * times, axis=0) for tensor in tensors]
