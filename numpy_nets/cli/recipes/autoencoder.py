"""numpy-nets train autoencoder."""

from pathlib import Path
from typing import Any

import numpy as np

from numpy_nets.autodiff import ops
from numpy_nets.autodiff.tensor import Array
from numpy_nets.cli.recipes.recipe import Recipe, Settings, count, pixels, shared_options
from numpy_nets.cli.runs.data import Images
from numpy_nets.evaluation.clustering import kmeans_purity
from numpy_nets.evaluation.pca import PCA, fit_pca
from numpy_nets.figures.images import save_reconstructions
from numpy_nets.losses import BinaryCrossentropy
from numpy_nets.models.autoencoder import build_autoencoder
from numpy_nets.network import Model
from numpy_nets.optimizers import Adam


class AutoencoderRecipe(Recipe):
    """One hidden layer, beside PCA; the base of the recipes of models with a code and no more."""

    name = "autoencoder"
    help = "an autoencoder with one hidden layer, beside PCA"
    options = (
        *shared_options(epochs=30, batch_size=32),
        count("latent", 64, "length of a code"),
    )
    unit = "nats per pixel"

    def build(self, settings: Settings) -> Model:
        model, _ = build_autoencoder(pixels(settings), settings["latent"])
        model.compile(optimizer=Adam(settings["learning_rate"]), loss="binary_crossentropy")
        return model

    def batch(self, model: Any, x: Array, y: Array | None) -> tuple[Array, ...]:
        return x, x

    def encode(self, model: Any, x: Array, y: Array | None) -> Array:
        _, encoder, _ = model.layers
        codes: Array = encoder(x).numpy()
        return codes

    def decode(self, model: Any, codes: Array, y: Array | None) -> Array:
        _, _, decoder = model.layers
        images: Array = decoder(codes.astype(np.float32)).numpy()
        return images

    def reconstruct(self, model: Any, x: Array) -> Array:
        """Images (n, pixels) from the codes of x (n, pixels)."""
        return self.decode(model, self.encode(model, x, None), None)

    def draw(self, model: Any, data: Images, folder: Path) -> None:
        if len(data.image_shape) == 2:
            x = data.x_test[:20]
            save_reconstructions(
                folder / "reconstructions.png",
                x.reshape(-1, *data.image_shape),
                self.reconstruct(model, x).reshape(-1, *data.image_shape),
            )

    def print_table(
        self, model: Any, data: Images, settings: Settings, samples: int | None, most: int
    ) -> None:
        from rich.console import Console
        from rich.table import Table

        if samples is not None:
            raise ValueError(f"--samples: the model is {self.name}, which has no likelihood")
        pca = nearest_pca(data, settings)
        table = Table(title=f"{len(data.x_test)} test images, {settings['latent']} numbers a code")
        for column in ("", "crossentropy", "squared error", "k-means purity"):
            table.add_column(column, justify="right" if column else "left")
        for name, x in self.inputs(model, data.x_test).items():
            shown = {self.name: (self.reconstruct(model, x), self.encode(model, x, None))}
            if pca is not None:
                shown["PCA"] = np.clip(pca.reconstruct(x), 0, 1), pca.encode(x)
            for label, (images, codes) in shown.items():
                table.add_row(
                    label + name,
                    self.test_loss(data.x_test, images),
                    f"{squared_error(data.x_test, images):.5f}",
                    purity(codes, data.y_test),
                )
            if pca is None:
                table.add_row("PCA" + name, "-", "-", "-")
        console = Console()
        console.print(table)
        console.print(f"Crossentropy in {self.unit}; squared error: the mean over all pixels.")

    def test_loss(self, x: Array, images: Array) -> str:
        """Of images (n, pixels) that are to be x."""
        return f"{float(BinaryCrossentropy()(x, images)):.4f}"

    def inputs(self, model: Any, x: Array) -> dict[str, Array]:
        """What x is to be reconstructed from, by a name of it for the table."""
        return {"": x}


def nearest_pca(data: Images, settings: Settings) -> PCA | None:
    """PCA with as many numbers a code, as far as there are pixels; None without the run's data."""
    if not data.trained_on:
        return None
    return fit_pca(data.x_train, min(settings["latent"], data.x_train.shape[1]))


def squared_error(x: Array, images: Array) -> float:
    """Mean over all pixels."""
    return float(np.mean((images - x) ** 2))


def purity(codes: Array, labels: Array | None) -> str:
    """k-means purity, where there are labels."""
    return "-" if labels is None else f"{kmeans_purity(codes, labels):.3f}"


def sigmoid(logits: Any) -> Array:
    """Logits as pixels."""
    images: Array = ops.sigmoid(logits).numpy()
    return images
