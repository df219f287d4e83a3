"""numpy-nets train denoising."""

from pathlib import Path
from typing import Any

import numpy as np

from numpy_nets.autodiff import ops
from numpy_nets.autodiff.tensor import Array
from numpy_nets.cli.arguments import Option, choice, number
from numpy_nets.cli.recipes.autoencoder import AutoencoderRecipe, sigmoid
from numpy_nets.cli.recipes.recipe import Settings, count, pixels, shared_options
from numpy_nets.cli.runs.data import Images
from numpy_nets.figures.images import save_images
from numpy_nets.losses import BinaryCrossentropy
from numpy_nets.models.denoising import (
    DenoisingAutoencoder,
    GaussianNoise,
    MaskingNoise,
    build_code_decoder,
    build_code_encoder,
)
from numpy_nets.network import Model
from numpy_nets.optimizers import Adam


class CodeRecipe(AutoencoderRecipe):
    """A model of `encoder` and `decoder` that is trained on images alone, in nats per image."""

    unit = "nats per image"

    def layers(self, settings: Settings) -> tuple[Model, Model]:
        """Encoder and decoder."""
        size, latent = pixels(settings), settings["latent"]
        encoder = build_code_encoder(size, latent, settings["activation"])
        return encoder, build_code_decoder(size, latent)

    def batch(self, model: Any, x: Array, y: Array | None) -> tuple[Array, ...]:
        return (x,)

    def encode(self, model: Any, x: Array, y: Array | None) -> Array:
        codes: Array = model.encoder(x).numpy()
        return codes

    def decode(self, model: Any, codes: Array, y: Array | None) -> Array:
        return sigmoid(model.decoder(codes.astype(np.float32)))

    def test_loss(self, x: Array, images: Array) -> str:
        return f"{x.shape[1] * float(BinaryCrossentropy()(x, images)):.2f}"

    def draw(self, model: Any, data: Images, folder: Path) -> None:
        """Also what each unit answers to: its weights, those of mean ± 3 deviations in range."""
        super().draw(model, data, folder)
        if len(data.image_shape) == 2:
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


class DenoisingRecipe(CodeRecipe):
    """Beside PCA on the same corrupted images."""

    name = "denoising"
    help = "a denoising autoencoder: images from corrupted images"
    options = (
        *shared_options(epochs=20, batch_size=50),
        count("latent", 500, "length of a code"),
        Option("activation", "sigmoid", choice("sigmoid", "relu", "tanh"), "of the code"),
        Option("corruption", "masking", choice("masking", "gaussian"), "masking sets pixels to 0"),
        Option("noise", 0.3, number(float, 0, above=True, most=10),
               "part of the pixels that are masked, or deviation of Gaussian noise"),
    )  # fmt: skip

    def build(self, settings: Settings) -> Model:
        kind = {"masking": MaskingNoise, "gaussian": GaussianNoise}[settings["corruption"]]
        model = DenoisingAutoencoder(*self.layers(settings), kind(settings["noise"]))
        model.compile(Adam(settings["learning_rate"]))
        return model

    def inputs(self, model: Any, x: Array) -> dict[str, Array]:
        return {"": x, ", corrupted": corrupted(model, x)}

    def draw(self, model: Any, data: Images, folder: Path) -> None:
        super().draw(model, data, folder)
        if len(data.image_shape) == 2:
            x = data.x_test[:10]
            noisy = corrupted(model, x)
            rows = np.concatenate([x, noisy, self.reconstruct(model, noisy)])
            save_images(
                folder / "denoised.png", rows.reshape(-1, *data.image_shape), len(x),
                "originals, corrupted, and what the model makes of those",
            )  # fmt: skip


def corrupted(model: Any, x: Array) -> Array:
    """x with the noise of training."""
    noisy: Array = ops.convert_to_numpy(
        model.corruption(ops.convert_to_tensor(x), model.draw_noise(ops.convert_to_tensor(x)))
    )
    return noisy
