"""The variational autoencoder of Kingma & Welling (arXiv 1312.6114, "the paper" below).

The model of an image x: a latent z is drawn from N(0, I), then x from p(x|z), a decoder network.
Which z a given x came from, p(z|x), cannot be computed; an encoder network approximates it by
q(z|x) = N(μ(x), σ²(x)). Both networks are trained to raise a lower bound on log p(x), the ELBO:

    log p(x) = log E_q[p(x|z) p(z) / q(z|x)]                 (the integral of p(x|z) p(z) over z)
             ≥ E_q[log p(x|z)] - KL(q(z|x) ‖ p(z))           (Jensen; the paper's equation 3)

The expectation is estimated with samples z = μ + σ ε, ε ~ N(0, I) (equation 10): the randomness is
an input, and the gradient flows through μ and σ. The loss is the negative ELBO in nats per image:
sums over pixels and latents, means over the batch.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

from numpy_nets import random
from numpy_nets.autodiff import ops
from numpy_nets.autodiff.tensor import Tensor
from numpy_nets.checks import number, positive_int
from numpy_nets.layers import Dense, Input
from numpy_nets.losses import binary_crossentropy
from numpy_nets.models import Model
from numpy_nets.models.terms import TermModel, batch_size


def reparameterize(mean: Tensor, log_var: Tensor, epsilon: Tensor) -> Tensor:
    """z = μ + σ ε with σ = exp(½ log σ²).  All (batch, latent); ε ~ N(0, I).

    >>> mean, epsilon = ops.convert_to_tensor([[1.0]]), ops.convert_to_tensor([[0.5]])
    >>> float(reparameterize(mean, 0 * mean, epsilon)[0, 0])  # σ = 1
    1.5
    """
    return mean + ops.exp(0.5 * log_var) * epsilon


def gaussian_kl(mean: Tensor, log_var: Tensor) -> Tensor:
    """KL(N(μ, σ²) ‖ N(0, I)) = ½ Σ (μ² + σ² - 1 - log σ²), in nats: the paper's appendix B.

    (batch, latent) -> (batch,). It is E_q[log q(z) - log p(z)] = ½ Σ E_q[z² - (z-μ)²/σ² - log σ²],
    where E_q z² = μ² + σ² and E_q (z-μ)² = σ². expm1 keeps σ² - 1 exact near σ = 1, where the KL
    vanishes.

    >>> one, zero = ops.convert_to_tensor([[1.0]]), ops.convert_to_tensor([[0.0]])
    >>> float(gaussian_kl(one, zero)[0])  # N(1, 1) against N(0, 1)
    0.5
    """
    return 0.5 * ops.sum(ops.square(mean) + ops.expm1(log_var) - log_var, axis=-1)


def bernoulli_log_likelihood(x: Tensor, logits: Tensor) -> Tensor:
    """log p(x|z) = Σ x log p + (1-x) log(1-p), p = σ(logits).  (batch, pixels) -> (batch,).

    This is the logarithm of a probability only if every pixel is 0 or 1. Grey pixels train well
    with it, but then it is not the logarithm of any density (Loaiza-Ganem & Cunningham 2019, arXiv
    1907.06845).

    >>> x = ops.convert_to_tensor([[0.0, 1.0, 1.0]])
    >>> round(float(bernoulli_log_likelihood(x, 0 * x)[0]), 4)  # p = ½: -3 log 2
    -2.0794
    """
    return -ops.shape(x)[-1] * binary_crossentropy(x, logits, from_logits=True)


def gaussian_log_likelihood(x: Tensor, parameters: Sequence[Tensor]) -> Tensor:
    """log p(x|z) = Σ log N(x; m, s²), parameters = [m, log s²].  (batch, pixels) -> (batch,).

    >>> x = ops.convert_to_tensor([[1.0]])
    >>> round(float(gaussian_log_likelihood(x, [x, 0 * x])[0]), 4)  # x = m, s = 1: -½ log 2π
    -0.9189
    """
    mean, log_var = parameters
    squares = ops.square(x - mean) * ops.exp(-log_var)
    return -0.5 * ops.sum(math.log(2 * math.pi) + log_var + squares, axis=-1)


def build_encoder(
    input_dim: int = 784, hidden_dim: int = 400, latent_dim: int = 20, activation: str = "relu"
) -> Model:
    """x (batch, input_dim) -> [mean, log_var], each (batch, latent_dim).

    >>> build_encoder(4, 3, 2).count_params()  # (4 + 1) · 3 hidden, twice (3 + 1) · 2
    31
    """
    x = Input(shape=(input_dim,))
    hidden = Dense(hidden_dim, activation=activation)(x)
    return Model(x, [Dense(latent_dim)(hidden), Dense(latent_dim)(hidden)], name="encoder")


def build_decoder(
    input_dim: int = 784, hidden_dim: int = 400, latent_dim: int = 20, activation: str = "relu"
) -> Model:
    """z (batch, latent_dim) -> logits of the pixels, (batch, input_dim).

    >>> build_decoder(4, 3, 2).count_params()  # (2 + 1) · 3 hidden, (3 + 1) · 4
    25
    """
    z = Input(shape=(latent_dim,))
    hidden = Dense(hidden_dim, activation=activation)(z)
    return Model(z, Dense(input_dim)(hidden), name="decoder")


def build_gaussian_decoder(
    input_dim: int = 560, hidden_dim: int = 200, latent_dim: int = 20, activation: str = "tanh"
) -> Model:
    """z (batch, latent_dim) -> [mean in (0, 1), log_var] of the pixels, each (batch, input_dim).

    >>> build_gaussian_decoder(4, 3, 2).count_params()  # (2 + 1) · 3 hidden, twice (3 + 1) · 4
    41
    """
    z = Input(shape=(latent_dim,))
    hidden = Dense(hidden_dim, activation=activation)(z)
    mean = Dense(input_dim, activation="sigmoid")(hidden)
    return Model(z, [mean, Dense(input_dim)(hidden)], name="decoder")


class VAE(TermModel):
    """An encoder and a decoder trained on the ELBO: Algorithm 1 of the paper.

    Args:
        encoder: x (batch, pixels) -> [mean, log_var], each (batch, latent).
        decoder: z (batch, latent) -> the parameters of p(x|z).
        log_likelihood: (x, parameters) -> log p(x|z), (batch,).
        beta: the weight of the KL term: 1 in the paper, more in the β-VAE (Higgins et al. 2017).
        samples: L, the number of draws of ε for each image; 1 in the paper.
        seed: seeds ε; with None it comes from the random stream that everything shares.

    Raises:
        ValueError: beta is not a finite number >= 0, or samples is not a positive integer.

    fit and evaluate take images alone and report loss = reconstruction + kl in nats per image,
    where kl has been multiplied by beta.

    With all weights 0, q(z|x) is the prior and every pixel has probability ½:

    >>> vae = VAE(build_encoder(4, 3, 2), build_decoder(4, 3, 2))
    >>> vae.set_weights([0 * w for w in vae.get_weights()])
    >>> x = ops.convert_to_tensor([[0.0, 1.0, 1.0, 0.0]])
    >>> [round(float(term), 4) for term in vae.terms(x, vae.draw_noise(x))]  # 4 log 2, and no KL
    [2.7726, 0.0]
    """

    term_names: tuple[str, ...] = ("reconstruction", "kl")

    def __init__(
        self,
        encoder: Model,
        decoder: Model,
        log_likelihood: Callable[[Tensor, Any], Tensor] = bernoulli_log_likelihood,
        beta: float = 1.0,
        samples: int = 1,
        seed: int | None = None,
        **options: Any,
    ) -> None:
        name = type(self).__name__
        beta = number(f"{name}: beta", beta, "[0, inf)")
        samples = positive_int(f"{name}: samples", samples)
        super().__init__(seed, **options)
        self.encoder = encoder
        self.decoder = decoder
        self.log_likelihood = log_likelihood
        self.beta = beta
        self.samples = samples

    def call(self, x: Tensor) -> Any:
        """The parameters of p(x|z) at z = the mean of q(z|x)."""
        mean, _ = self.encoder(x)
        return self.decoder(mean)

    def encode(self, data: Any) -> tuple[Tensor, Tensor]:
        """mean and log_var of q(z|x), each (batch, latent)."""
        mean, log_var = self.encoder(data)
        return mean, log_var

    def log_likelihood_at(self, z: Tensor, data: Any, samples: int) -> Tensor:
        """log p(x|z), (samples · batch,), for z (samples · batch, latent)."""
        (x,) = repeat([data], samples)
        return self.log_likelihood(x, self.decoder(z))

    def draw_noise(self, data: Any) -> Tensor:
        """ε ~ N(0, I), (samples · batch, latent): the first `batch` rows are the first sample."""
        mean, _ = self.encoder.output_shape
        return random.normal((self.samples * batch_size(data), mean[-1]), seed=self.noise)

    def terms(self, data: Any, epsilon: Tensor) -> list[Tensor]:
        """-E_q[log p(x|z)] and β KL(q(z|x) ‖ p(z)), means over the batch."""
        mean, log_var = repeat(self.encode(data), self.samples)
        z = reparameterize(mean, log_var, epsilon)
        reconstruction = -ops.mean(self.log_likelihood_at(z, data, self.samples))
        return [reconstruction, self.beta * ops.mean(gaussian_kl(mean, log_var))]

    def log_weights(self, data: Any, epsilon: Tensor, samples: int) -> Tensor:
        """log w = log p(x|z) + log p(z) - log q(z|x): (samples, batch).

        Over z ~ q(z|x), the mean of w is p(x) and the mean of log w is the ELBO. ε is
        (samples · batch, latent). As z = μ + σ ε, log q(z|x) = log N(ε; 0, I) - ½ Σ log σ², and the
        -½ log 2π of log p(z) and of log N(ε; 0, I) cancel.
        """
        mean, log_var = repeat(self.encode(data), samples)
        z = reparameterize(mean, log_var, epsilon)
        log_ratio = 0.5 * ops.sum(ops.square(epsilon) + log_var - ops.square(z), axis=-1)
        log_w = self.log_likelihood_at(z, data, samples) + log_ratio
        return ops.reshape(log_w, (samples, batch_size(data)))


def repeat(tensors: Sequence[Tensor], times: int) -> list[Tensor]:
    """Each tensor (batch, ...) repeated as a whole: (times · batch, ...).

    >>> (x,) = repeat([ops.convert_to_tensor([[1.0], [2.0]])], 2)
    >>> ops.convert_to_numpy(x).tolist()
    [[1.0], [2.0], [1.0], [2.0]]
    """
    if times == 1:
        return list(tensors)
    return [ops.concatenate([tensor] * times, axis=0) for tensor in tensors]
