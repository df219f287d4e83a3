"""numpy-nets train cvae."""

from dataclasses import dataclass

import numpy as np

from numpy_nets.autodiff.tensor import Array
from numpy_nets.cli.arguments import number
from numpy_nets.cli.recipes.recipe import Labels
from numpy_nets.cli.recipes.vae import VariationalRecipe, VariationalSettings, mean_pixels, prior
from numpy_nets.cli.runs.data import Images
from numpy_nets.cli.settings import count, option
from numpy_nets.models.cvae import (
    ConditionalVAE,
    build_conditional_decoder,
    build_conditional_encoder,
)
from numpy_nets.optimizers import Adam


@dataclass(frozen=True)
class ConditionalVAESettings(VariationalSettings):
    """The settings of a conditional VAE."""

    epochs: int = count(100, "passes over the data")
    # A longer code learns the class as well from a few thousand images, and samples mix classes.
    latent: int = count(5, "length of a code")
    beta: float = option(1.0, number(float, 0, most=1e6), "weight of the KL term")


class ConditionalVAERecipe(VariationalRecipe[ConditionalVAESettings, ConditionalVAE]):
    """A VAE that is told the label."""

    name = "cvae"
    help = "a conditional VAE, which is told the class of an image"
    settings = ConditionalVAESettings

    def build(self, settings: ConditionalVAESettings) -> ConditionalVAE:
        if not 2 <= settings.classes <= 1000:
            raise ValueError(
                f"--data {settings.data}: cvae: expected a label from 2 to 1,000 classes for "
                f"every image, got {settings.classes or 'none'}"
            )
        sizes = (
            settings.pixels, settings.classes, settings.hidden, settings.latent,
            settings.activation,
        )  # fmt: skip
        model = ConditionalVAE(
            build_conditional_encoder(*sizes),
            build_conditional_decoder(*sizes),
            beta=settings.beta,
            samples=settings.samples,
        )
        model.compile(Adam(settings.learning_rate))
        return model

    def batch(self, model: ConditionalVAE, x: Array, y: Labels) -> tuple[Array, ...]:
        return x, one_hot(y, number_of_classes(model), self.name)

    def decode(self, model: ConditionalVAE, codes: Array, y: Labels) -> Array:
        rows = one_hot(y, number_of_classes(model), self.name)
        return mean_pixels(model.decoder([codes.astype(np.float32), rows]))

    def ends(
        self, model: ConditionalVAE, data: Images, rng: np.random.Generator
    ) -> tuple[Array, Array | None, Labels]:
        """Pairs of one class, which is also that of the images between them."""
        labels = one_hot(data.y_test, number_of_classes(model), self.name).argmax(axis=1)
        chosen: list[int] = []
        single: dict[int, int] = {}  # for each class, an image that has no partner yet
        for i in rng.permutation(len(labels)):
            if labels[i] in single:
                chosen += single.pop(labels[i]), i
            else:
                single[labels[i]] = i
        if not chosen:
            raise ValueError("--data: cvae: expected 2 test images of one class, got none")
        x, y = data.x_test[chosen[:16]], labels[chosen[:16]]
        return self.encode(model, x, y), x, y

    def chosen_ends(
        self, model: ConditionalVAE, data: Images, first: int, second: int
    ) -> tuple[Array, Array, Labels]:
        """The codes of two images of one class, which is also that of the images between them.

        The code says how an image is written, and the label what it shows. Halfway from a label to
        another there is none that the decoder was trained on.
        """
        codes, x, y = super().chosen_ends(model, data, first, second)
        assert y is not None  # or `encode` would have failed
        if y[0] != y[1]:
            raise ValueError(
                f"--from, --to: cvae: expected two images of one class, got image {first} of "
                f"class {y[0]} and image {second} of class {y[1]}"
            )
        return codes, x, y

    def sample(self, model: ConditionalVAE, count: int, label: int | None) -> Array:
        """New images, in the order of their classes if no label is given."""
        return self.decode(
            model, prior(model, count), labels_to_sample(count, label, number_of_classes(model))
        )

    def sample_rows(self, model: ConditionalVAE) -> list[str] | None:
        return row_labels(number_of_classes(model))


def number_of_classes(model: ConditionalVAE) -> int:
    """The number of classes that the model was built for."""
    _, y = model.encoder.input_shape
    return int(y[-1])


def labels_to_sample(count: int, label: int | None, classes: int) -> Array:
    """(count,): all the label that was asked for, or every class equally often, in order."""
    if label is not None and not 0 <= label < classes:
        raise ValueError(f"--label: expected 0 to {classes - 1}, got {label}")
    return np.arange(count) * classes // count if label is None else np.full(count, label)


def row_labels(classes: int) -> list[str] | None:
    """The classes of a sheet of 100 samples, ten to a row, where each row has one."""
    return [str(row * classes // 10) for row in range(10)] if classes in (2, 5, 10) else None


def one_hot(y: Labels, classes: int, model: str) -> Array:
    """Labels (n,) as rows (n, classes) with a single 1.

    Raises:
        ValueError: if there are no labels, or one is outside 0 … classes - 1.
    """
    if y is None or y.max() >= classes:
        got = "none" if y is None else y.max()
        raise ValueError(
            f"--data: {model}: expected a label of 0 to {classes - 1} for every image, got {got}"
        )
    rows: Array = np.eye(classes, dtype=np.float32)[y]
    return rows
