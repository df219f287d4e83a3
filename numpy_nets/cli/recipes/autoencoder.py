"""numpy-nets train autoencoder."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic

import numpy as np

from numpy_nets.autodiff import ops
from numpy_nets.autodiff.tensor import Array, Tensor
from numpy_nets.cli.recipes.recipe import Labels, M, Recipe, S
from numpy_nets.cli.runs.data import Images
from numpy_nets.cli.runs.inference import Part
from numpy_nets.cli.runs.printed import Printed
from numpy_nets.cli.settings import Settings, count
from numpy_nets.evaluation.clustering import kmeans_purity
from numpy_nets.evaluation.pca import PCA, fit_pca
from numpy_nets.figures.images import save_reconstructions
from numpy_nets.losses import BinaryCrossentropy
from numpy_nets.models.autoencoder import build_autoencoder
from numpy_nets.network import Model
from numpy_nets.optimizers import Adam


@dataclass(frozen=True)
class CodeSettings(Settings):
    """The settings of a model with a code."""

    latent: int = count(64, "length of a code")


class CodeRecipe(Recipe[S, M], Generic[S, M]):
    """What a model with a code, and no likelihood, is shown by: its reconstructions, beside PCA."""

    def reconstruct(self, model: M, x: Array) -> Array:
        """Images (n, pixels) from the codes of x (n, pixels)."""
        return self.decode(model, self.encode(model, x, None), None)

    def test_loss(self, x: Array, images: Array) -> str:
        """The loss of reconstructions `images` of x, both (n, pixels), in the recipe's unit."""
        raise NotImplementedError

    def inputs(self, model: M, x: Array) -> dict[str, Array]:
        """What x is reconstructed from: by the words that the table adds to the model's name."""
        return {"": x}

    def draw(self, model: M, data: Images, settings: S, folder: Path) -> None:
        if data.drawable:
            x = data.x_test[:20]
            save_reconstructions(
                folder / "reconstructions.png",
                x.reshape(-1, *data.image_shape),
                self.reconstruct(model, x).reshape(-1, *data.image_shape),
            )

    def print_table(
        self, model: M, data: Images, settings: S, samples: int | None, most: int,
        printed: Printed,
    ) -> None:  # fmt: skip
        from rich.table import Table

        if samples is not None:
            raise ValueError(f"--samples: the model is {self.name}, which has no likelihood")
        latent = self.encode(model, data.x_test[:1], None).shape[1]
        pca = nearest_pca(data, latent)
        table = Table(title=f"{len(data.x_test)} test images, {latent} numbers a code")
        for column in ("", "crossentropy", "squared error", "k-means purity"):
            table.add_column(column, justify="right" if column else "left")
        for words, x in self.inputs(model, data.x_test).items():
            rows = {self.name: (self.reconstruct(model, x), self.encode(model, x, None))}
            if pca is not None:
                rows["PCA"] = np.clip(pca.reconstruct(x), 0, 1), pca.encode(x)
            for name, (images, codes) in rows.items():
                table.add_row(
                    name + words,
                    self.test_loss(data.x_test, images),
                    f"{squared_error(data.x_test, images):.5f}",
                    purity(codes, data.y_test),
                )
            if pca is None:
                table.add_row("PCA" + words, "-", "-", "-")
        printed.print(table)
        printed.print(
            f"Crossentropy in {self.unit}; squared error: the mean over all pixels. Purity, the "
            "share of images whose class is the commonest of their cluster: higher is better."
        )


@dataclass(frozen=True)
class AutoencoderSettings(CodeSettings):
    """The settings of the notebook's autoencoder."""

    epochs: int = count(30, "passes over the data")
    batch_size: int = count(32, "samples in a step")


class AutoencoderRecipe(CodeRecipe[CodeSettings, Model]):
    """One hidden layer, trained on the mean crossentropy of a pixel."""

    name = "autoencoder"
    help = "an autoencoder with one hidden layer, beside PCA"
    settings = AutoencoderSettings
    unit = "nats per pixel"

    def build(self, settings: CodeSettings) -> Model:
        model, _ = build_autoencoder(settings.pixels, settings.latent)
        model.compile(optimizer=Adam(settings.learning_rate), loss="binary_crossentropy")
        return model

    def batch(self, model: Model, x: Array, y: Labels) -> tuple[Array, ...]:
        return x, x

    def encode(self, model: Model, x: Array, y: Labels) -> Array:
        _, encoder, _ = model.layers
        codes: Array = encoder(x).numpy()
        return codes

    def decode(self, model: Model, codes: Array, y: Labels) -> Array:
        _, _, decoder = model.layers
        images: Array = decoder(codes.astype(np.float32)).numpy()
        return images

    def decoder(self, model: Model) -> Sequence[Part]:
        return model.layers[-1:]

    def encoder(self, model: Model) -> Sequence[Part]:
        return model.layers[1:-1]

    def test_loss(self, x: Array, images: Array) -> str:
        return f"{float(BinaryCrossentropy()(x, images)):.4f}"


def nearest_pca(data: Images, latent: int) -> PCA | None:
    """PCA with codes of that length, if there are as many pixels; None without the run's data."""
    if not data.trained_on:
        return None
    return fit_pca(data.x_train, min(latent, data.x_train.shape[1]))


def squared_error(x: Array, images: Array) -> float:
    """The mean over all pixels."""
    return float(np.mean((images - x) ** 2))


def purity(codes: Array, labels: Labels) -> str:
    """The k-means purity, where there are labels."""
    return "-" if labels is None else f"{kmeans_purity(codes, labels):.3f}"


def sigmoid(logits: Tensor) -> Array:
    """Pixels from their logits."""
    images: Array = ops.sigmoid(logits).numpy()
    return images
