"""The denoising autoencoder (Vincent et al. 2008, Extracting and composing robust features, ICML).

Reproducing x is easy for a network with as many codes as pixels: it can copy. Reproducing x from a
corrupted x is not: what is missing has to be guessed from the rest, so the codes must hold what
pixels have to do with each other. The loss compares with the clean x,

    -log p(x|h) = -Σ x log y + (1-x) log(1-y),    h = f(x̃),    y = σ(g(h)),

in nats per image: a sum over pixels, a mean over the batch (the paper's section 2.3).
"""

from dataclasses import dataclass
from typing import Any

from keras import ops, random
from keras.layers import Dense, Input
from keras.models import Model

from keras_ref.models.terms import TermModel
from keras_ref.models.vae import bernoulli_log_likelihood


@dataclass(frozen=True)
class MaskingNoise:
    """Each pixel is 0 with probability `rate`, on its own; the paper erases rate · pixels of them.

    Raises:
        ValueError: rate is not in [0, 1).
    """

    rate: float = 0.3

    def __post_init__(self) -> None:
        if not isinstance(self.rate, int | float) or not 0 <= self.rate < 1:
            raise ValueError(f"MaskingNoise: rate: expected in [0, 1), got {self.rate!r}")

    def draw(self, shape: Any, seed: Any) -> Any:
        """Uniform in [0, 1), of x's shape."""
        return random.uniform(shape, seed=seed)

    def __call__(self, x: Any, uniform: Any) -> Any:
        return ops.where(uniform >= self.rate, x, 0.0)


@dataclass(frozen=True)
class GaussianNoise:
    """x̃ = x + stddev ε, ε ~ N(0, I)  (Vincent et al. 2010, JMLR 11, section 3.3).

    Raises:
        ValueError: stddev is not positive.
    """

    stddev: float = 0.3

    def __post_init__(self) -> None:
        if not isinstance(self.stddev, int | float) or not 0 < self.stddev < float("inf"):
            raise ValueError(f"GaussianNoise: stddev: expected > 0, got {self.stddev!r}")

    def draw(self, shape: Any, seed: Any) -> Any:
        """ε, of x's shape."""
        return random.normal(shape, seed=seed)

    def __call__(self, x: Any, epsilon: Any) -> Any:
        return x + self.stddev * epsilon


def build_code_encoder(
    input_dim: int = 784, latent_dim: int = 500, activation: str = "sigmoid"
) -> Model:
    """x (batch, input_dim) -> codes (batch, latent_dim), by one layer: its kernel's columns, seen
    as images, are the features."""
    x = Input(shape=(input_dim,))
    return Model(x, Dense(latent_dim, activation=activation)(x), name="encoder")


def build_code_decoder(input_dim: int = 784, latent_dim: int = 500) -> Model:
    """codes (batch, latent_dim) -> logits of the pixels, (batch, input_dim)."""
    codes = Input(shape=(latent_dim,))
    return Model(codes, Dense(input_dim)(codes), name="decoder")


class DenoisingAutoencoder(TermModel):
    """Learns x from a corrupted x.

    Args:
        encoder: x (batch, pixels) -> codes (batch, latent).
        decoder: codes -> logits of the pixels, (batch, pixels).
        corruption: MaskingNoise(rate), GaussianNoise(stddev), or another object with
            `draw(shape, seed)` and, for what it drew, `corruption(x, noise)`.
        seed: of the noise; None for the stream that all share.

    fit and evaluate take images alone, and both corrupt them; `call` does not.
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

    def call(self, x: Any) -> Any:
        """Logits of the reconstruction of x as it is."""
        return self.decoder(self.encoder(x))

    def draw_noise(self, data: Any) -> Any:
        return self.corruption.draw(ops.shape(data), self.noise)

    def terms(self, data: Any, noise: Any) -> list[Any]:
        logits = self(self.corruption(data, noise))
        return [-ops.mean(bernoulli_log_likelihood(data, logits))]
