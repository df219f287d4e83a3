"""numpy-nets train denoising."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np

from numpy_nets.autodiff import ops
from numpy_nets.autodiff.tensor import Array
from numpy_nets.cli.arguments import choice, number
from numpy_nets.cli.recipes.autoencoder import CodeRecipe, CodeSettings, sigmoid
from numpy_nets.cli.recipes.recipe import Labels
from numpy_nets.cli.runs.data import Images
from numpy_nets.cli.runs.inference import Part
from numpy_nets.cli.settings import count, option
from numpy_nets.figures.images import save_images
from numpy_nets.layers import Activation
from numpy_nets.losses import BinaryCrossentropy
from numpy_nets.models.denoising import (
    DenoisingAutoencoder,
    GaussianNoise,
    MaskingNoise,
    build_code_decoder,
    build_code_encoder,
)
from numpy_nets.models.sparse import SparseAutoencoder
from numpy_nets.network import Model
from numpy_nets.optimizers import Adam


@dataclass(frozen=True)
class EncoderDecoderSettings(CodeSettings):
    """The settings of a model of one code layer, with its activation."""

    activation: str = option("sigmoid", choice("sigmoid", "relu", "tanh"), "of the code")


S = TypeVar("S", bound=EncoderDecoderSettings)
M = TypeVar("M", bound=DenoisingAutoencoder | SparseAutoencoder)


class EncoderDecoderRecipe(CodeRecipe[S, M], Generic[S, M]):
    """A model with an `encoder` and a `decoder`, trained on images alone, in nats per image."""

    unit = "nats per image"

    def networks(self, settings: S) -> tuple[Model, Model]:
        """The encoder and the decoder."""
        encoder = build_code_encoder(settings.pixels, settings.latent, settings.activation)
        return encoder, build_code_decoder(settings.pixels, settings.latent)

    def batch(self, model: M, x: Array, y: Labels) -> tuple[Array, ...]:
        return (x,)

    def encode(self, model: M, x: Array, y: Labels) -> Array:
        codes: Array = model.encoder(x).numpy()
        return codes

    def decode(self, model: M, codes: Array, y: Labels) -> Array:
        return sigmoid(model.decoder(codes.astype(np.float32)))

    def decoder(self, model: M) -> Sequence[Part]:
        return [model.decoder, Activation("sigmoid")]

    def encoder(self, model: M) -> Sequence[Part]:
        return [model.encoder]

    def test_loss(self, x: Array, images: Array) -> str:
        return f"{x.shape[1] * float(BinaryCrossentropy()(x, images)):.2f}"

    def draw(self, model: M, data: Images, settings: S, folder: Path) -> None:
        """Also draw the weights of each unit: grey is their mean, white 3 deviations above it."""
        super().draw(model, data, settings, folder)
        if data.drawable:
            kernel = model.encoder.get_weights()[0].T[:100]
            mean, deviation = (f(kernel, axis=1, keepdims=True) for f in (np.mean, np.std))
            save_images(
                folder / "features.png",
                np.clip(0.5 + (kernel - mean) / (6 * deviation), 0, 1).reshape(
                    -1, *data.image_shape
                ),
                min(10, len(kernel)),
                "weights of the first units of the code",
            )


@dataclass(frozen=True)
class DenoisingSettings(EncoderDecoderSettings):
    """The settings of a denoising autoencoder."""

    latent: int = count(500, "length of a code")
    corruption: str = option(
        "masking", choice("masking", "gaussian"), "masking sets pixels to 0, gaussian adds noise"
    )
    noise: float = option(
        0.3,
        number(float, 0, above=True, most=10),
        "part of the pixels that are masked, or standard deviation of the Gaussian noise",
    )


class DenoisingRecipe(EncoderDecoderRecipe[DenoisingSettings, DenoisingAutoencoder]):
    """Shown beside PCA of the same corrupted images."""

    name = "denoising"
    help = "a denoising autoencoder: images from corrupted images"
    settings = DenoisingSettings

    def build(self, settings: DenoisingSettings) -> DenoisingAutoencoder:
        kind = {"masking": MaskingNoise, "gaussian": GaussianNoise}[settings.corruption]
        model = DenoisingAutoencoder(*self.networks(settings), kind(settings.noise))
        model.compile(Adam(settings.learning_rate))
        return model

    def inputs(self, model: DenoisingAutoencoder, x: Array) -> dict[str, Array]:
        return {"": x, ", corrupted": corrupted(model, x)}

    def draw(
        self, model: DenoisingAutoencoder, data: Images, settings: DenoisingSettings, folder: Path
    ) -> None:
        super().draw(model, data, settings, folder)
        if data.drawable:
            x = data.x_test[:10]
            noisy = corrupted(model, x)
            rows = np.concatenate([x, noisy, self.reconstruct(model, noisy)])
            save_images(
                folder / "denoised.png", rows.reshape(-1, *data.image_shape), len(x),
                "reconstructions of corrupted test images",
                row_labels=["original", "corrupted", "reconstruction"],
            )  # fmt: skip


def corrupted(model: DenoisingAutoencoder, x: Array) -> Array:
    """Images x with the noise of training."""
    clean = ops.convert_to_tensor(x)
    noisy: Array = ops.convert_to_numpy(model.corruption(clean, model.draw_noise(clean)))
    return noisy
