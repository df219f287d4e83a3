"""numpy-nets train gan."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from numpy_nets.autodiff.tensor import Array
from numpy_nets.callbacks import Callback, Logs
from numpy_nets.cli.arguments import choice, number
from numpy_nets.cli.recipes.recipe import History, Labels, Recipe
from numpy_nets.cli.runs.data import Images
from numpy_nets.cli.settings import Settings, count, option, rate
from numpy_nets.evaluation.classifier import train_classifier
from numpy_nets.evaluation.collapse import CollapseWarning
from numpy_nets.evaluation.samples import (
    diversity,
    frechet_distance,
    mode_coverage,
    nearest_neighbours,
)
from numpy_nets.figures.animation import save_animation
from numpy_nets.figures.curves import save_curves
from numpy_nets.figures.images import save_images, tile
from numpy_nets.models.gan import (
    GAN,
    LEAST_SQUARES,
    MINIMAX,
    NON_SATURATING,
    build_discriminator,
    build_generator,
)
from numpy_nets.network import Model
from numpy_nets.optimizers import Adam

OBJECTIVES = {"non-saturating": NON_SATURATING, "minimax": MINIMAX, "least-squares": LEAST_SQUARES}


@dataclass(frozen=True)
class GANSettings(Settings):
    """The settings of a GAN."""

    binarize: str = "none"  # not an option: binary pixels are for likelihoods
    epochs: int = count(375, "passes over the data")
    batch_size: int = count(128, "samples in a step")
    learning_rate: float = rate(8e-4)
    latent: int = count(100, "length of a code")
    hidden: int = count(128, "units of each hidden layer")
    objective: str = option(
        "non-saturating", choice(*OBJECTIVES),
        f"what the networks minimise: {', '.join(OBJECTIVES)}",
    )  # fmt: skip
    k: int = count(1, "steps of the discriminator, each with a batch, for one of the generator")
    half_steps: str = option(
        "no", choice("no", "yes"),
        "yes: update D on data, then on samples, as in the notebook; no: once on both",
    )  # fmt: skip
    label_smoothing: float = option(
        0.0, number(float, 0, most=0.5), "the discriminator's target for data is 1 - this"
    )


class GANRecipe(Recipe[GANSettings, GAN]):
    """A GAN has no likelihood, so it is judged by its samples, beside test images.

    Its networks see images in [-1, 1], the range of G's tanh; everything else here has [0, 1].
    """

    name = "gan"
    help = "a generative adversarial network"
    settings = GANSettings
    unit = "loss"
    shown = ("d_loss", "g_loss", "d_real", "d_fake")

    def build(self, settings: GANSettings) -> GAN:
        """With an average of G's weights, which all images that a run shows come from."""
        objective, size = OBJECTIVES[settings.objective], settings.pixels
        generator, averaged = (
            build_generator(settings.latent, size, settings.hidden) for _ in range(2)
        )
        model = GAN(
            generator,
            build_discriminator(size, settings.hidden, activation=objective.activation),
            objective,
            settings.k,
            half_steps=settings.half_steps == "yes",
            real_label=1 - settings.label_smoothing,
            averaged=averaged,
        )
        model.compile(*(Adam(settings.learning_rate, beta_1=0.5) for _ in range(2)))
        return model

    def fit(self, model: GAN, data: Images, settings: GANSettings, **options: Any) -> None:
        """Train without validation: a GAN's losses measure its balance, not its samples."""
        x, k = 2 * data.x_train - 1, settings.k
        if len(x) < k:
            raise ValueError(f"--k {k}: expected at most {len(x)}, the number of training images")
        size = k * settings.batch_size
        rest = len(x) % size
        if rest < k:  # the last batch is too small for k steps
            x = x[: len(x) - rest]
        model.fit(x, batch_size=size, **options)

    def callbacks(
        self, model: GAN, data: Images, settings: GANSettings, folder: Path
    ) -> Sequence[Callback]:
        if min(len(data.x_train), len(data.x_test)) < 2:
            raise ValueError(
                f"--data {settings.data}: gan: expected 2 or more training and test images, "
                f"got {len(data.x_train)} and {len(data.x_test)}"
            )
        noise = fixed_noise(settings)
        collapse = CollapseLine(noise, 2 * data.x_train - 1)
        if len(data.image_shape) != 2:
            return [collapse]
        return [collapse, SampleSheets(self, noise, data.image_shape, folder / "samples")]

    def draw_curves(self, history: History, folder: Path) -> None:
        losses = {"D's loss": history["d_loss"], "G's loss": history["g_loss"]}
        outputs = {"D(x)": history["d_real"], "D(G(z))": history["d_fake"]}
        save_curves(folder / "curves.png", losses, self.unit)
        save_curves(folder / "outputs.png", outputs, "mean of the discriminator's output")

    def decode(self, model: GAN, codes: Array, y: Labels) -> Array:
        assert model.averaged is not None
        images: Array = model.averaged(codes.astype(np.float32)).numpy()
        return (images + 1) / 2

    def ends(
        self, model: GAN, data: Images, rng: np.random.Generator
    ) -> tuple[Array, Array | None, Labels]:
        """New codes, since a GAN has no codes of given images."""
        return model.draw_noise(16).numpy(), None, None

    def sample(self, model: GAN, count: int, label: int | None) -> Array:
        if label is not None:
            raise ValueError(f"--label: the model is {self.name}, which knows no classes")
        return self.decode(model, model.draw_noise(count).numpy(), None)

    def draw(self, model: GAN, data: Images, settings: GANSettings, folder: Path) -> None:
        if len(data.image_shape) != 2:
            return
        images = self.decode(model, fixed_noise(settings), None)
        images = images.reshape(-1, *data.image_shape)
        save_images(
            folder / "samples.png", images, 10,
            "new images, from codes drawn from N(0, I)",
        )  # fmt: skip
        files = sorted((folder / "samples").glob("*.png"), key=lambda p: (len(p.name), p.name))
        save_animation(folder / "samples.gif", [*map(_load, files), tile(images, 10)])

    def print_table(
        self, model: GAN, data: Images, settings: GANSettings, samples: int | None, most: int
    ) -> None:
        from rich.console import Console
        from rich.table import Table

        if samples is not None:
            raise ValueError(f"--samples: the model is {self.name}, which has no likelihood")
        new = self.sample(model, 1000, None)
        chosen = np.linspace(0, len(data.x_test) - 1, min(1000, len(data.x_test))).astype(int)
        sets = {"samples": new, "test images": data.x_test[chosen]}
        table = Table(title="new images beside test images")
        table.add_column("")
        for name, x in sets.items():
            table.add_column(f"{len(x):,} {name}", justify="right")

        def add(label: str, values: list[str]) -> None:
            table.add_row(label, *values)

        labelled = 2 <= data.classes <= 1000
        if labelled:
            classifier, features = train_classifier(data.x_train, data.y_train)
            seen = [mode_coverage(classifier, x) for x in sets.values()]
            add("classes of 1 % or more", [f"{c.classes} of {data.classes}" for c in seen])
            add("imbalance of classes, nats", [f"{c.imbalance:.3f}" for c in seen])
        add("distance between two", [f"{diversity(x):.2f}" for x in sets.values()])
        nearest = [nearest_neighbours(x, data.x_train)[0].mean() for x in sets.values()]
        add("distance to the nearest training image", [f"{d:.2f}" for d in nearest])
        if labelled:
            trained = _features(features, data.x_train)
            distances = [frechet_distance(_features(features, x), trained) for x in sets.values()]
            add("Fréchet distance to training images", [f"{d:.2f}" for d in distances])
        console = Console()
        console.print(table)
        console.print("Distances between pixels in [0, 1]. Copies of training images are near 0.")
        console.print(
            "Classes and features are those of a classifier trained on the training images."
            if labelled
            else "Not all images have labels, so no classifier can tell what the samples show."
        )


class CollapseLine(CollapseWarning):
    """Warns in a line above the progress bar, without the line of source that Python shows."""

    def warn(self, message: str) -> None:
        from tqdm import tqdm

        self.warned = True
        tqdm.write(f"warning: {message}", file=sys.stderr)


class SampleSheets(Callback):
    """Writes folder/epoch-….png, G of the same noise after epochs 1 to 10 and every fifth one."""

    def __init__(
        self, recipe: GANRecipe, noise: Array, image_shape: tuple[int, ...], folder: Path
    ) -> None:
        self.recipe, self.noise, self.image_shape, self.folder = recipe, noise, image_shape, folder
        folder.mkdir(exist_ok=True)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        from PIL import Image

        done = epoch + 1
        if done <= 10 or done % 5 == 0:
            assert isinstance(self.model, GAN)
            images = self.recipe.decode(self.model, self.noise, None)
            sheet = tile(images.reshape(-1, *self.image_shape), 10)
            levels = np.rint(255 * sheet).astype(np.uint8)
            Image.fromarray(levels).save(self.folder / f"epoch-{done:04}.png")


def fixed_noise(settings: GANSettings) -> Array:
    """100 codes, from a stream of their own, so that looking at samples changes no result."""
    rng = np.random.default_rng([settings.seed, 2])
    return rng.standard_normal((100, settings.latent), np.float32)


def _load(path: Path) -> Array:
    from PIL import Image

    with Image.open(path) as image:
        return np.asarray(image, np.float32) / 255


def _features(features: Model, x: Array) -> Array:
    values: Array = features.predict(x, batch_size=1000, verbose=0)
    return values
