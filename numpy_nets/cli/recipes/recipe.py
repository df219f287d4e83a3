"""What the command line has to know of a model; one subclass, in one file, a model."""

import math
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from numpy_nets.autodiff.tensor import Array
from numpy_nets.callbacks import Callback
from numpy_nets.cli.arguments import Option, choice, number
from numpy_nets.cli.runs.binarize import MODES, DynamicBatches
from numpy_nets.cli.runs.data import NAMES, Images
from numpy_nets.network import Model

Settings = dict[str, Any]
Curves = dict[str, list[float]]


class Recipe:
    """How a model is made of the settings of a run, trained, and shown.

    A training that is not one call of `model.fit` overrides `fit`.
    """

    name: ClassVar[str]
    help: ClassVar[str]
    options: ClassVar[tuple[Option, ...]]
    unit: ClassVar[str]  # of the loss
    shown: ClassVar[tuple[str, ...]] = ("loss", "val_loss")  # while it is trained

    @property
    def weights_file(self) -> str:
        return f"{self.name}.weights.h5"

    def build(self, settings: Settings) -> Model:
        """The model, compiled.

        Raises:
            ValueError: settings that do not go together, or data that the model cannot take.
        """
        raise NotImplementedError

    def batch(self, model: Any, x: Array, y: Array | None) -> tuple[Array, ...]:
        """What the model is trained on for images x (n, pixels) with labels y (n,)."""
        raise NotImplementedError

    def fit(self, model: Any, data: Images, settings: Settings, **options: Any) -> None:
        """Train; the options are those of `model.fit`."""
        arrays = self.batch(model, data.x_train, data.y_train)
        options["validation_data"] = self.batch(model, *data.validation)
        options["validation_batch_size"] = settings["batch_size"]
        if settings["binarize"] == "dynamic":
            model.fit(DynamicBatches(arrays, settings["batch_size"]), **options)
        else:
            model.fit(*arrays, batch_size=settings["batch_size"], **options)

    def callbacks(
        self, model: Any, data: Images, settings: Settings, folder: Path
    ) -> list[Callback]:
        """What the recipe adds to a training, such as pictures on the way."""
        return []

    def curves(self, history: Curves) -> dict[str, tuple[Curves, str]]:
        """What is drawn of the history: (curves, their unit), by the name of the file."""
        losses_first = sorted(history.items(), key=lambda item: not item[0].endswith("loss"))
        return {"curves.png": (dict(losses_first), self.unit)}

    def encode(self, model: Any, x: Array, y: Array | None) -> Array:
        """Codes (n, latent) of images x (n, pixels)."""
        raise NotImplementedError

    def decode(self, model: Any, codes: Array, y: Array | None) -> Array:
        """Images (n, pixels) in [0, 1] of codes (n, latent)."""
        raise NotImplementedError

    def ends(
        self, model: Any, data: Images, rng: np.random.Generator
    ) -> tuple[Array, Array | None, Array | None]:
        """Up to 16 codes to walk between; the images they are of and their labels, if any."""
        chosen = rng.permutation(len(data.x_test))[:16]
        x, y = data.x_test[chosen], None if data.y_test is None else data.y_test[chosen]
        return self.encode(model, x, y), x, y

    def sample(self, model: Any, count: int, label: int | None) -> Array:
        """New images, (count, pixels), of a class if the model knows any."""
        raise ValueError(
            f"sample: the model is {self.name}, which learns no distribution of codes to draw from"
        )

    def draw(self, model: Any, data: Images, folder: Path) -> None:
        """Write pictures of a trained model."""
        raise NotImplementedError

    def print_table(
        self, model: Any, data: Images, settings: Settings, samples: int | None, most: int
    ) -> None:
        """Print how good a trained model is on the test images.

        `samples` are those of a likelihood that is estimated, on `most` of the images; None if
        the caller leaves that to the recipe.
        """
        raise NotImplementedError


def shared_options(
    *, epochs: int, batch_size: int, learning_rate: float = 1e-3
) -> tuple[Option, ...]:
    """The options that all models have, with their defaults."""
    known = ", ".join(NAMES)
    return (
        Option("data", "digits", str, f"{known}, or a .npz, .npy or IDX file"),
        Option("binarize", "none", choice(*MODES),
               "make pixels 0 or 1, which is drawn with their grey as probability: static once, "
               "dynamic anew in every epoch of training"),
        Option("epochs", epochs, number(int, 1), "passes over the data"),
        Option("batch_size", batch_size, number(int, 1), "samples a step"),
        Option("learning_rate", learning_rate, number(float, 0, above=True, most=1),
               "of Adam, at most 1"),
        Option("seed", 0, number(int, 0), "of initial weights, shuffling and all else drawn"),
    )  # fmt: skip


def count(name: str, default: int, text: str) -> Option:
    """An option that is a number of something."""
    return Option(name, default, number(int, 1), text)


def pixels(settings: Settings) -> int:
    """Of one image."""
    return math.prod(settings["image_shape"])
