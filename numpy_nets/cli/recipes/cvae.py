"""numpy-nets train cvae."""

from typing import Any

import numpy as np

from numpy_nets.autodiff.tensor import Array
from numpy_nets.cli.arguments import Option, number
from numpy_nets.cli.recipes.recipe import Settings, count, pixels, shared_options
from numpy_nets.cli.recipes.vae import LAYERS, VAERecipe, mean_pixels, prior
from numpy_nets.cli.runs.data import Images
from numpy_nets.models.cvae import (
    ConditionalVAE,
    build_conditional_decoder,
    build_conditional_encoder,
)
from numpy_nets.network import Model
from numpy_nets.optimizers import Adam


class ConditionalVAERecipe(VAERecipe):
    """A VAE that is told the label."""

    name = "cvae"
    help = "a conditional VAE, which is told the class of an image"
    options = (
        *shared_options(epochs=20, batch_size=50),
        # With more, a few thousand images put the class into the code too, and samples mix classes.
        count("latent", 5, "length of a code"),
        *LAYERS,
        Option("beta", 1.0, number(float, 0, most=1e6), "weight of the KL term"),
        count("samples", 1, "of the code, for each image and step"),
    )

    def build(self, settings: Settings) -> Model:
        classes = settings["classes"]
        if not 2 <= classes <= 1000:
            raise ValueError(
                f"--data {settings['data']}: cvae: expected a label from 2 to 1,000 classes for "
                f"every image, got {classes or 'none'}"
            )
        sizes = (
            pixels(settings), classes, settings["hidden"], settings["latent"],
            settings["activation"],
        )  # fmt: skip
        model = ConditionalVAE(
            build_conditional_encoder(*sizes),
            build_conditional_decoder(*sizes),
            beta=settings["beta"],
            samples=settings["samples"],
        )
        model.compile(Adam(settings["learning_rate"]))
        return model

    def batch(self, model: Any, x: Array, y: Array | None) -> tuple[Array, ...]:
        return x, one_hot(model, y)

    def decode(self, model: Any, codes: Array, y: Array | None) -> Array:
        return mean_pixels(model.decoder([codes.astype(np.float32), one_hot(model, y)]))

    def ends(
        self, model: Any, data: Images, rng: np.random.Generator
    ) -> tuple[Array, Array | None, Array | None]:
        """In pairs of one class, which the images between them are decoded with."""
        labels = one_hot(model, data.y_test).argmax(axis=1)
        chosen: list[int] = []
        single: dict[int, int] = {}  # the image of each class that has no partner yet
        for i in rng.permutation(len(labels)):
            if labels[i] in single:
                chosen += single.pop(labels[i]), i
            else:
                single[labels[i]] = i
        if not chosen:
            raise ValueError("--data: cvae: expected 2 test images of one class, got none")
        x, y = data.x_test[chosen[:16]], labels[chosen[:16]]
        return self.encode(model, x, y), x, y

    def sample(self, model: Any, count: int, label: int | None) -> Array:
        """Without a label of all classes in turn, as many of each."""
        classes = number_of_classes(model)
        if label is not None and not 0 <= label < classes:
            raise ValueError(f"--label: expected 0 to {classes - 1}, got {label}")
        y = np.arange(count) * classes // count if label is None else np.full(count, label)
        return self.decode(model, prior(model, count), y)


def number_of_classes(model: Any) -> int:
    """That the model was built for."""
    _, y = model.encoder.input_shape
    return int(y[-1])


def one_hot(model: Any, y: Array | None) -> Array:
    """Labels (n,) as rows (n, classes) with a single 1; ValueError if the model lacks a class."""
    classes = number_of_classes(model)
    if y is None or y.max() >= classes:
        got = "none" if y is None else y.max()
        raise ValueError(f"--data: cvae: expected a label of 0 to {classes - 1} for every image, "
                         f"got {got}")  # fmt: skip
    rows: Array = np.eye(classes, dtype=np.float32)[y]
    return rows
