"""numpy-nets train gan."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np

from numpy_nets.autodiff.tensor import Array, Tensor
from numpy_nets.callbacks import Callback, Logs
from numpy_nets.cli.arguments import choice, number
from numpy_nets.cli.recipes.recipe import History, Labels, Recipe
from numpy_nets.cli.runs.data import Images
from numpy_nets.cli.runs.inference import Affine, Part
from numpy_nets.cli.runs.printed import Printed
from numpy_nets.cli.settings import IMAGES, Settings, count, option, rate
from numpy_nets.evaluation.classifier import train_classifier
from numpy_nets.evaluation.collapse import CollapseWarning
from numpy_nets.evaluation.samples import (
    diversity,
    frechet_distance,
    mode_coverage,
    nearest_neighbours,
)
from numpy_nets.figures import palette
from numpy_nets.figures.animation import save_animation
from numpy_nets.figures.curves import save_curves
from numpy_nets.figures.images import fitting_scale, save_images, tile
from numpy_nets.models.gan import (
    GAN,
    LEAST_SQUARES,
    MINIMAX,
    NON_SATURATING,
    Objective,
    build_discriminator,
    build_generator,
)
from numpy_nets.models.gan_deep import build_deep_discriminator, build_deep_generator
from numpy_nets.network import Model
from numpy_nets.optimizers import Adam

OBJECTIVES = {"non-saturating": NON_SATURATING, "minimax": MINIMAX, "least-squares": LEAST_SQUARES}


@dataclass(frozen=True)
class AdversarialSettings(Settings):
    """The settings that all GANs have."""

    binarize: str = "none"  # not an option: binary pixels are for likelihoods
    epochs: int = count(375, "passes over the data")
    batch_size: int = count(128, "samples in a step")
    learning_rate: float = rate(8e-4)
    latent: int = count(100, "length of a code")
    hidden: int = count(128, "units of each hidden layer")
    objective: str = option(
        "non-saturating", choice(*OBJECTIVES),
        "what the networks minimise",
    )  # fmt: skip
    k: int = count(1, "steps of the discriminator, each with a batch, for one of the generator")
    half_steps: str = option(
        "no", choice("no", "yes"),
        "yes: update D on data, then on samples, as in the notebook; no: once on both",
    )  # fmt: skip
    label_smoothing: float = option(
        0.0, number(float, 0, most=0.5), "the discriminator's target for data is 1 - this"
    )


S = TypeVar("S", bound=AdversarialSettings)
M = TypeVar("M", bound=GAN)


class AdversarialRecipe(Recipe[S, M], Generic[S, M]):
    """A GAN has no likelihood, so it is judged by its samples, beside test images.

    Its networks see images in [-1, 1], the range of G's tanh; everything else here has [0, 1]. An
    average of G's weights draws all images that a run shows.
    """

    unit = "loss"
    shown: ClassVar[tuple[str, ...]] = ("d_loss", "g_loss", "d_real", "d_fake")
    has_encoder = False
    prior = "N(0, I)"  # which codes are drawn from, in the words of a picture's title

    def game(self, settings: S) -> dict[str, Any]:
        """The arguments of the GAN beside its networks."""
        return {
            "objective": OBJECTIVES[settings.objective],
            "k": settings.k,
            "half_steps": settings.half_steps == "yes",
            "real_label": 1 - settings.label_smoothing,
        }

    def optimizers(self, settings: S) -> list[Adam]:
        """One for D and one for G."""
        return [Adam(settings.learning_rate, beta_1=0.5) for _ in range(2)]

    def g_inputs(self, model: M, codes: Array, y: Labels) -> Any:
        """What G turns into images: codes (n, latent), and labels if the model knows classes."""
        return codes.astype(np.float32)

    def fixed_codes(self, settings: S) -> Array:
        """The 100 codes whose images are drawn again and again."""
        return fixed_noise(settings)

    def labels(self, settings: S, count: int) -> Labels:
        """The classes to ask for when `count` samples are shown, if the model knows classes."""
        return None

    def batch(self, model: M, x: Array, y: Labels) -> tuple[Array, ...]:
        return (2 * x - 1,)

    def fit(self, model: M, data: Images, settings: S, **options: Any) -> None:
        """Train without validation: a GAN's losses measure its balance, not its samples."""
        arrays, k = self.batch(model, data.x_train, data.y_train), settings.k
        n = len(data.x_train)
        if n < k:
            raise ValueError(f"--k {k}: expected at most {n}, the number of training images")
        size = k * settings.batch_size
        rest = n % size
        if rest < k:  # the last batch is too small for k steps
            arrays = tuple(array[: n - rest] for array in arrays)
        x, y = (*arrays, None)[:2]
        model.fit(x, y, batch_size=size, **options)

    def callbacks(self, model: M, data: Images, settings: S, folder: Path) -> Sequence[Callback]:
        if min(len(data.x_train), len(data.x_test)) < 2:
            raise ValueError(
                f"--data {settings.data}: {self.name}: expected 2 or more training and test "
                f"images, got {len(data.x_train)} and {len(data.x_test)}"
            )
        noise, y = self.fixed_codes(settings), self.labels(settings, 100)
        collapse = CollapseLine(self.g_inputs(model, noise, y), 2 * data.x_train - 1)
        if not data.drawable:
            return [collapse]

        def sheet() -> Array:
            return tile(self.decode(model, noise, y).reshape(-1, *data.image_shape), 10)

        return [collapse, SampleSheets(sheet, folder / "samples")]

    def draw_curves(self, history: History, settings: S, folder: Path) -> None:
        save_curves(
            folder / "curves.png",
            {"D's loss": history["d_loss"], "G's loss": history["g_loss"]},
            self.unit,
            colours={"D's loss": palette.DISCRIMINATOR, "G's loss": palette.GENERATOR},
            lines=None if settings.label_smoothing else equilibrium(OBJECTIVES[settings.objective]),
        )
        save_curves(
            folder / "outputs.png",
            {"D(x)": history["d_real"], "D(G(z))": history["d_fake"]},
            "mean of the discriminator's output",
            colours={"D(x)": palette.DATA, "D(G(z))": palette.GENERATOR},
            lines={"equilibrium, 1/2": 0.5},
        )

    def sample_rows(self, settings: S) -> list[str] | None:
        """What each row of ten samples shows, if that is known."""
        return None

    def decode(self, model: M, codes: Array, y: Labels) -> Array:
        assert model.averaged is not None
        images: Array = model.averaged(self.g_inputs(model, codes, y)).numpy()
        return (images + 1) / 2

    def decoder(self, model: M) -> Sequence[Part]:
        assert model.averaged is not None
        return [model.averaged, Affine(0.5, 0.5)]

    def shown_codes(
        self, model: M, data: Images, settings: S
    ) -> tuple[Array, Array | None, Labels]:
        if self.has_encoder:
            return super().shown_codes(model, data, settings)
        return self.fixed_codes(settings), None, self.labels(settings, 100)

    def ends(
        self, model: M, data: Images, rng: np.random.Generator
    ) -> tuple[Array, Array | None, Labels]:
        """New codes, since a GAN has no codes of given images."""
        return model.draw_noise(16).numpy(), None, None

    def draw(self, model: M, data: Images, settings: S, folder: Path) -> None:
        if not data.drawable:
            return
        images = self.decode(model, self.fixed_codes(settings), self.labels(settings, 100))
        images = images.reshape(-1, *data.image_shape)
        save_images(
            folder / "samples.png", images, 10, f"new images, from codes drawn from {self.prior}",
            row_labels=self.sample_rows(settings),
        )  # fmt: skip
        sheets = {int(p.stem.split("-")[1]): p for p in (folder / "samples").glob("epoch-*.png")}
        epochs = sorted(sheets)
        few = epochs[:0]  # nothing is left to choose from in a folder without sheets
        if epochs:
            few = [epochs[i] for i in np.unique(np.geomspace(1, len(epochs), 30).astype(int)) - 1]
        last = tile(images, 10)
        save_animation(
            folder / "samples.gif",
            [*(_load(sheets[epoch]) for epoch in few), last],
            seconds=0.25,
            captions=[*(f"epoch {epoch}" for epoch in few), f"epoch {settings.epochs}"],
            scale=fitting_scale(last.shape, 600),
            colours=64 if last.ndim == 2 else 256,
        )

    def print_table(
        self, model: M, data: Images, settings: S, samples: int | None, most: int,
        printed: Printed,
    ) -> None:  # fmt: skip
        from rich.table import Table

        if samples is not None:
            raise ValueError(f"--samples: the model is {self.name}, which has no likelihood")
        asked = self.labels(settings, 1000)
        new = self.decode(model, model.draw_noise(1000).numpy(), asked)
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
            probabilities = [classifier.predict(x, 1000, verbose=0) for x in sets.values()]
            if asked is not None:
                assert data.y_test is not None
                right = zip(probabilities, (asked, data.y_test[chosen]), strict=True)
                shares = [np.mean(p.argmax(axis=1) == y) for p, y in right]
                add("show the class of their label", [f"{share:.1%}" for share in shares])
            seen = [mode_coverage(classifier, x) for x in sets.values()]
            add("classes of 1 % or more", [f"{c.classes} of {data.classes}" for c in seen])
            add("imbalance of classes, nats", [f"{c.imbalance:.3f}" for c in seen])
            add("look to the classifier like one class (> 90 %)",
                [f"{np.mean(p.max(axis=1) > 0.9):.1%}" for p in probabilities])  # fmt: skip
        add("distance between two", [f"{diversity(x):.2f}" for x in sets.values()])
        nearest = [nearest_neighbours(x, data.x_train)[0].mean() for x in sets.values()]
        add("distance to the nearest training image", [f"{d:.2f}" for d in nearest])
        if labelled:
            trained = _features(features, data.x_train)
            distances = [frechet_distance(_features(features, x), trained) for x in sets.values()]
            add("Fréchet distance to training images", [f"{d:.2f}" for d in distances])
        printed.print(table)
        printed.print("Distances between pixels in [0, 1]. Copies of training images are near 0.")
        printed.print(
            "Classes and features are those of a classifier trained on the training images."
            if labelled
            else "Not all images have labels, so no classifier can tell what the samples show."
        )


def dropout(default: float) -> float:
    """The option --dropout."""
    text = "part of the discriminator's inputs and hidden units that is left out in training"
    return option(default, number(float, 0, most=0.9), text, formerly=0.0)


@dataclass(frozen=True)
class GANSettings(AdversarialSettings):
    """The settings of a GAN."""

    data: str = option(
        "digits", str,
        f"{IMAGES}; or points in the plane: ring, grid, line, or a table (n, 2), for which see "
        "train gan2d --help",
    )  # fmt: skip
    epochs: int = count(330, "passes over the data")
    learning_rate: float = rate(4e-4)
    networks: str = option(
        "deep", choice("deep", "notebook"),
        "deep has two hidden layers, batch normalization and dropout; notebook, with --hidden 128 "
        "and --learning-rate 0.0008, is the notebook's", formerly="notebook",
    )  # fmt: skip
    hidden: int = count(256, "units of each hidden layer")
    dropout: float = dropout(0.3)


class GANRecipe(AdversarialRecipe[GANSettings, GAN]):
    """The GAN of Goodfellow et al., with networks that do not learn a small data set by heart."""

    name = "gan"
    help = "a generative adversarial network"
    settings = GANSettings

    def build(self, settings: GANSettings) -> GAN:
        game = self.game(settings)
        activation = game["objective"].activation
        latent, pixels, hidden = settings.latent, settings.pixels, settings.hidden
        if settings.networks == "notebook":
            generator, averaged = (build_generator(latent, pixels, hidden) for _ in range(2))
            discriminator = build_discriminator(pixels, hidden, activation=activation)
        else:
            sizes = (hidden, hidden)
            generator, averaged = (build_deep_generator(latent, pixels, sizes) for _ in range(2))
            discriminator = build_deep_discriminator(
                pixels, sizes, activation=activation, dropout=settings.dropout
            )
        model = GAN(generator, discriminator, **game, averaged=averaged)
        model.compile(*self.optimizers(settings))
        return model

    def sample(self, model: GAN, count: int, label: int | None) -> Array:
        if label is not None:
            raise ValueError(f"--label: the model is {self.name}, which knows no classes")
        return self.decode(model, model.draw_noise(count).numpy(), None)


class CollapseLine(CollapseWarning):
    """Warns in a line above the progress bar, without the line of source that Python shows."""

    def warn(self, message: str) -> None:
        from tqdm import tqdm

        self.warned = True
        tqdm.write(f"warning: {message}", file=sys.stderr)


class SampleSheets(Callback):
    """Writes folder/epoch-….png, G of the same noise after epochs 1 to 10 and every fifth one.

    Args:
        sheet: draws it: () -> (height, width) or (height, width, 3) in [0, 1].
        folder: is created.
    """

    def __init__(self, sheet: Callable[[], Array], folder: Path) -> None:
        self.sheet, self.folder = sheet, folder
        folder.mkdir(exist_ok=True)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        from PIL import Image

        done = epoch + 1
        if done <= 10 or done % 5 == 0:
            levels = np.rint(255 * self.sheet()).astype(np.uint8)
            Image.fromarray(levels).save(self.folder / f"epoch-{done:04}.png")


def equilibrium(objective: Objective) -> dict[str, float]:
    """Both losses where G has the distribution of the data and D says ½ to everything."""
    half = Tensor(np.array([[0.5]]))
    d_loss = objective.discriminator(1.0, half) + objective.discriminator(0.0, half)
    values = {"D's loss": float(d_loss), "G's loss": float(objective.generator(half))}
    return {f"{name} at equilibrium, {value:.3f}": value for name, value in values.items()}


def fixed_noise(settings: AdversarialSettings) -> Array:
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
