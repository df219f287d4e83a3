"""The denoising autoencoder (Vincent et al. 2008, Extracting and composing robust features, ICML).

A network with as many codes as pixels can reproduce x simply by copying it. To reproduce x from a
corrupted version x̃, it has to infer what is missing from what is left, so the codes must capture
how pixels depend on each other. The loss compares the output with the clean x,

    -log p(x|h) = -Σ (x log y + (1-x) log(1-y)),    h = f(x̃),    y = σ(g(h)),

in nats per image: the sum over pixels, the mean over the batch (the paper's section 2.3).
"""

from dataclasses import dataclass
from typing import Any

from keras import ops, random
from keras.layers import Dense, Input
from keras.models import Model
from tensorflow import Tensor

from keras_ref.models.terms import TermModel
from keras_ref.models.vae import bernoulli_log_likelihood
from numpy_nets.checks import number


@dataclass(frozen=True)
class MaskingNoise:
    """Sets each pixel to 0 with probability `rate`, independently of the others.

    (In the paper, section 2.3, exactly rate · pixels of every image are set to 0.)

    Raises:
        ValueError: rate is not a number in [0, 1).

    >>> x = ops.convert_to_tensor([[1.0, 1.0, 1.0]])
    >>> uniform = ops.convert_to_tensor([[0.25, 0.5, 0.75]])
    >>> ops.convert_to_numpy(MaskingNoise(0.5)(x, uniform)).tolist()
    [[0.0, 1.0, 1.0]]
    """

    rate: float = 0.3

    def __post_init__(self) -> None:
        object.__setattr__(self, "rate", number("MaskingNoise: rate", self.rate, "[0, 1)"))

    def draw(self, shape: tuple[int, ...], seed: Any) -> Tensor:
        """Draws from [0, 1), one for each pixel: of the shape of x, (batch, pixels)."""
        return random.uniform(shape, seed=seed)

    def __call__(self, x: Tensor, uniform: Tensor) -> Tensor:
        return ops.where(uniform >= self.rate, x, 0.0)


@dataclass(frozen=True)
class GaussianNoise:
    """x̃ = x + stddev ε, ε ~ N(0, I)  (Vincent et al. 2010, JMLR 11, section 3.3).

    Raises:
        ValueError: stddev is not a finite number > 0.

    >>> x, epsilon = ops.convert_to_tensor([[1.0, 1.0]]), ops.convert_to_tensor([[2.0, -4.0]])
    >>> ops.convert_to_numpy(GaussianNoise(0.5)(x, epsilon)).tolist()
    [[2.0, -1.0]]
    """

    stddev: float = 0.3

    def __post_init__(self) -> None:
        object.__setattr__(self, "stddev", number("GaussianNoise: stddev", self.stddev, "(0, inf)"))

    def draw(self, shape: tuple[int, ...], seed: Any) -> Tensor:
        """ε, of the shape of x, (batch, pixels)."""
        return random.normal(shape, seed=seed)

    def __call__(self, x: Tensor, epsilon: Tensor) -> Tensor:
        return x + self.stddev * epsilon


def build_code_encoder(
    input_dim: int = 784, latent_dim: int = 500, activation: str = "sigmoid"
) -> Model:
    """x (batch, input_dim) -> codes (batch, latent_dim), in one layer.

    The columns of its kernel, seen as images, are the features that it has learned.

    >>> build_code_encoder(4, 2).count_params()  # a kernel 4 · 2 and 2 biases
    10
    """
    x = Input(shape=(input_dim,))
    return Model(x, Dense(latent_dim, activation=activation)(x), name="encoder")


def build_code_decoder(input_dim: int = 784, latent_dim: int = 500) -> Model:
    """codes (batch, latent_dim) -> logits of the pixels, (batch, input_dim).

    >>> build_code_decoder(4, 2).count_params()  # a kernel 2 · 4 and 4 biases
    12
    """
    codes = Input(shape=(latent_dim,))
    return Model(codes, Dense(input_dim)(codes), name="decoder")


class DenoisingAutoencoder(TermModel):
    """Learns to reproduce x from a corrupted x.

    Args:
        encoder: x (batch, pixels) -> codes (batch, latent).
        decoder: codes -> logits of the pixels, (batch, pixels).
        corruption: MaskingNoise(rate), GaussianNoise(stddev), or any object whose
            `draw(shape, seed)` draws noise and which, called with (x, noise), corrupts x.
        seed: seeds the noise; with None it comes from the random stream that everything shares.

    fit and evaluate take images alone, and both corrupt them; `call` does not.

    With a decoder that ignores the codes every pixel has probability ½ and costs log 2 nats:

    >>> dae = DenoisingAutoencoder(build_code_encoder(4, 2), build_code_decoder(4, 2))
    >>> dae.decoder.set_weights([0 * w for w in dae.decoder.get_weights()])
    >>> x = ops.convert_to_tensor([[0.0, 1.0, 1.0, 0.0]])
    >>> [round(float(term), 4) for term in dae.terms(x, dae.draw_noise(x))]  # 4 log 2
    [2.7726]
    """

    term_names = ("reconstruction",)

    def __init__(
        self,
        encoder: Model,
        decoder: Model,
        corruption: Any = MaskingNoise(),
        seed: int | None = None,
        **options: Any,
    ) -> None:
        super().__init__(seed, **options)
        self.encoder = encoder
        self.decoder = decoder
        self.corruption = corruption

    def call(self, x: Tensor) -> Any:
        """The logits of the reconstruction of x, which is not corrupted here."""
        return self.decoder(self.encoder(x))

    def draw_noise(self, data: Any) -> Any:
        return self.corruption.draw(ops.shape(data), self.noise)

    def terms(self, data: Any, noise: Any) -> list[Tensor]:
        logits = self(self.corruption(data, noise))
        return [-ops.mean(bernoulli_log_likelihood(data, logits))]
