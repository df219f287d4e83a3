"""numpy-nets train sgan."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from numpy_nets import random
from numpy_nets.autodiff.tensor import Array
from numpy_nets.callbacks import Callback
from numpy_nets.cli.recipes.cvae import one_hot
from numpy_nets.cli.recipes.gan import AdversarialRecipe, AdversarialSettings, SampleSheets
from numpy_nets.cli.recipes.recipe import History, Labels
from numpy_nets.cli.runs.data import Images
from numpy_nets.cli.runs.inference import Part
from numpy_nets.cli.runs.printed import Printed
from numpy_nets.cli.settings import Settings, count, rate
from numpy_nets.evaluation.neighbours import nearest_neighbour_accuracy
from numpy_nets.evaluation.probe import linear_probe
from numpy_nets.figures import palette
from numpy_nets.figures.curves import save_curves
from numpy_nets.figures.images import tile
from numpy_nets.losses import CategoricalCrossentropy
from numpy_nets.models.sgan import (
    SemiSupervisedGAN,
    build_sgan_discriminator,
    build_sgan_generator,
)
from numpy_nets.network import Model
from numpy_nets.optimizers import Adam

ALONE = 500  # steps of the network that is trained on the labelled images alone


@dataclass(frozen=True)
class SGANSettings(AdversarialSettings):
    """The settings of a semi-supervised GAN."""

    objective: str = "feature matching"  # these three are not options: the losses are the paper's
    half_steps: str = "no"
    label_smoothing: float = 0.0
    labels: int = count(100, "training images whose labels are used, as many of each class")
    epochs: int = count(70, "passes over the data")
    batch_size: int = count(100, "images in a step, and as many of those with a label")
    learning_rate: float = rate(3e-3)
    hidden: int = count(
        256, "units of D's first hidden layer; its two others and G's two have half as many"
    )


class SGANRecipe(AdversarialRecipe[SGANSettings, SemiSupervisedGAN]):
    """A GAN that classifies, judged beside what the same few labels give without it.

    Pixels are in [0, 1], as in the paper.
    """

    name = "sgan"
    help = "a semi-supervised GAN: a classifier from few labels and many images"
    settings = SGANSettings
    shown = ("d_loss", "g_loss", "accuracy", "d_real", "d_fake")
    prior = "U(0, 1)"

    def build(self, settings: SGANSettings) -> SemiSupervisedGAN:
        check_labels(self.name, settings, settings.labels)
        half = max(1, settings.hidden // 2)
        model = SemiSupervisedGAN(
            build_sgan_generator(settings.latent, settings.pixels, (half, half)),
            discriminator(settings),
            k=settings.k,
            averaged=discriminator(settings),
            ema_momentum=0.999,
        )
        model.compile(*self.optimizers(settings))
        return model

    def labelled(self, data: Images, settings: SGANSettings) -> tuple[Array, Array]:
        """The labelled images and their labels: all that is used of the training labels."""
        assert data.y_train is not None
        rows = labelled_rows(data.y_train, settings.labels, settings.seed)
        return data.x_train[rows], data.y_train[rows]

    def example(
        self, model: SemiSupervisedGAN, data: Images, settings: SGANSettings, count: int
    ) -> Any:
        x, y = self.labelled(data, settings)
        targets = one_hot(y, settings.classes, self.name)
        return next(iter(PairedBatches(data.x_train, x, targets, count)))

    def fit(
        self, model: SemiSupervisedGAN, data: Images, settings: SGANSettings, **options: Any
    ) -> None:
        """Train without validation: there are no labels left for it."""
        x, y = self.labelled(data, settings)
        size = settings.k * settings.batch_size
        if min(size, len(data.x_train)) < settings.k:
            raise ValueError(f"--k {settings.k}: expected at most {len(data.x_train)} images")
        targets = one_hot(y, settings.classes, self.name)
        model.fit(PairedBatches(data.x_train, x, targets, size, settings.k), **options)

    def check_shareable(self, settings: SGANSettings) -> None:
        raise ValueError(
            f"train {self.name}: G's loss is a function of a whole batch's mean features, which "
            "several processes cannot share: expected no mpiexec"
        )

    def callbacks(
        self, model: SemiSupervisedGAN, data: Images, settings: SGANSettings, folder: Path
    ) -> Sequence[Callback]:
        """Sheets of samples. D may tell all images apart: G still has its features to match."""
        if len(data.image_shape) != 2:
            return []
        noise = self.fixed_codes(settings)

        def sheet() -> Array:
            return tile(self.decode(model, noise, None).reshape(-1, *data.image_shape), 10)

        return [SampleSheets(sheet, folder / "samples")]

    def draw_curves(self, history: History, settings: SGANSettings, folder: Path) -> None:
        save_curves(
            folder / "curves.png",
            {"D's loss": history["d_loss"], "G's loss": history["g_loss"]},
            self.unit,
            colours={"D's loss": palette.DISCRIMINATOR, "G's loss": palette.GENERATOR},
        )
        save_curves(
            folder / "outputs.png",
            {"D(x)": history["d_real"], "D(G(z))": history["d_fake"]},
            "mean of the discriminator's output",
            colours={"D(x)": palette.DATA, "D(G(z))": palette.GENERATOR},
        )

    def fixed_codes(self, settings: SGANSettings) -> Array:
        rng = np.random.default_rng([settings.seed, 2])
        return rng.random((100, settings.latent), np.float32)

    def decode(self, model: SemiSupervisedGAN, codes: Array, y: Labels) -> Array:
        """G's images: the average is of D."""
        images: Array = model.generator(self.g_inputs(model, codes, y)).numpy()
        return images

    def decoder(self, model: SemiSupervisedGAN) -> Sequence[Part]:
        return [model.generator]

    def sample(self, model: SemiSupervisedGAN, count: int, label: int | None) -> Array:
        if label is not None:
            raise ValueError(f"--label: the model is {self.name}, whose G knows no classes")
        return self.decode(model, model.draw_noise(count).numpy(), None)

    def print_table(
        self, model: SemiSupervisedGAN, data: Images, settings: SGANSettings,
        samples: int | None, most: int, printed: Printed,
    ) -> None:  # fmt: skip
        if samples is not None:
            raise ValueError(f"--samples: the model is {self.name}, which has no likelihood")
        x, y = data.x_test, data.y_test
        if y is None:
            printed.print("The test images have no labels, so there is no error to print.")
            return
        rights = {
            "sgan, average of D's weights": accuracy(model, x, y),
            "sgan, D itself": accuracy(classifier(model.discriminator), x, y),
        }
        if data.trained_on:
            x_labelled, y_labelled = self.labelled(data, settings)
            alone = train_alone(
                lambda: classifier(discriminator(settings)),
                lambda rows: x_labelled[rows],
                y_labelled,
                settings,
            )
            rights |= {
                "the same D, trained on the labels alone": accuracy(alone, x, y),
                "linear probe of pixels": linear_probe(x_labelled, y_labelled, x, y),
                "nearest labelled image": nearest_neighbour_accuracy(x_labelled, y_labelled, x, y),
            }
        print_errors(rights, len(x), min(settings.labels, len(data.x_train)), printed)


class PairedBatches:
    """Batches (x, [x_labelled, y]) of an epoch: x in a new order, the others drawn at random.

    They come from the shared generator, whose state is part of a checkpoint.

    Args:
        x: (n, pixels).
        x_labelled, y: the few images with labels, and their labels one-hot. As many as there are
            images x in a batch are drawn, with replacement.
        batch_size: the last batch holds the remainder.
        least: a last batch of fewer images is left out.
    """

    def __init__(
        self, x: Array, x_labelled: Array, y: Array, batch_size: int, least: int = 1
    ) -> None:
        self.x, self.x_labelled, self.y, self.batch_size = x, x_labelled, y, batch_size
        rest = len(x) % batch_size
        self.used = len(x) - (rest if rest < least else 0)

    def __len__(self) -> int:
        return -(-self.used // self.batch_size)

    def __iter__(self) -> Iterator[tuple[Array, list[Array]]]:
        order = random.generator().permutation(len(self.x))[: self.used]
        for start in range(0, self.used, self.batch_size):
            index = order[start : start + self.batch_size]
            rows = random.generator().integers(len(self.y), size=len(index))
            yield self.x[index], [self.x_labelled[rows], self.y[rows]]


def check_labels(model: str, settings: Settings, labels: int) -> None:
    """Raise ValueError unless the data have classes, and there is a label for each of them."""
    if not 2 <= settings.classes <= 1000:
        raise ValueError(
            f"--data {settings.data}: {model}: expected a label from 2 to 1,000 classes for "
            f"every image, got {settings.classes or 'none'}"
        )
    if labels < settings.classes:
        raise ValueError(
            f"--labels {labels}: expected at least {settings.classes}, one of each class"
        )


def labelled_rows(y: Array, labels: int, seed: int) -> Array:
    """`labels` rows drawn at random, as many of each class, or one more of some classes.

    A class that has fewer rows gives all of them, and the others give more. With the same seed, a
    larger number of labels includes the rows of a smaller one.

    Args:
        y: (n,), the classes.

    >>> labelled_rows(np.array([0, 0, 0, 0, 1, 1, 2]), 5, seed=0).tolist()
    [1, 3, 4, 5, 6]
    """
    # A stream of its own, since the shared one begins with the initial weights.
    order = np.random.default_rng([seed, 3]).permutation(len(y))
    rank = np.empty(len(y), int)  # of each row among those of its class
    for label in np.unique(y):
        rank[y[order] == label] = np.arange(np.sum(y == label))
    chosen: Array = np.sort(order[np.argsort(rank, kind="stable")[:labels]])
    return chosen


def discriminator(settings: SGANSettings) -> Model:
    """D of the settings: three hidden layers, where the paper has five."""
    half = max(1, settings.hidden // 2)
    return build_sgan_discriminator(
        settings.pixels, settings.classes, (settings.hidden, half, half)
    )


def classifier(network: Model) -> Model:
    """D without its features: images -> logits."""
    assert network.functional is not None
    return Model(network.functional.inputs, network.functional.outputs[1])


def train_alone(
    build: Callable[[], Model], inputs: Callable[[Array], Array], y: Array, settings: Settings
) -> Model:
    """A classifier trained on labelled images alone, which changes no random draw of the run.

    Args:
        build: makes the classifier, whose outputs are logits.
        inputs: rows of the labelled images -> what the classifier is given of them.
        y: their labels.
    """
    state = random.get_state()
    random.set_random_seed(settings.seed)
    try:
        model = build()
        model.compile(
            Adam(settings.learning_rate, beta_1=0.5), CategoricalCrossentropy(from_logits=True)
        )
        targets = np.eye(settings.classes, dtype=np.float32)[y]
        for _ in range(ALONE):
            rows = random.generator().integers(len(y), size=settings.batch_size)
            model.train_on_batch(inputs(rows), targets[rows])
    finally:
        random.set_state(state)
    return model


def print_errors(rights: dict[str, float], images: int, labels: int, printed: Printed) -> None:
    """Print the table of classifiers, with the share of test images that each has right."""
    from rich.table import Table

    table = Table(title=f"error on {images:,} test images, from {labels:,} labels")
    table.add_column("")
    table.add_column("wrong", justify="right")
    table.add_column("error", justify="right")
    for name, right in rights.items():
        table.add_row(name, f"{round((1 - right) * images):,}", f"{1 - right:.2%}")
    printed.print(table)


def accuracy(model: Model, x: Array, y: Array) -> float:
    """The share of images x whose class y has the largest of the model's outputs."""
    outputs: Array = model.predict(x, batch_size=1000, verbose=0)
    return float(np.mean(outputs.argmax(axis=1) == y))
