"""What the command line has to know of a model. Each model has a subclass, in a file of its own."""

from collections.abc import Container, Sequence
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeAlias, TypeVar

import numpy as np

from numpy_nets.autodiff.tensor import Array
from numpy_nets.callbacks import Callback
from numpy_nets.cli.runs.binarize import DynamicBatches
from numpy_nets.cli.runs.data import NAMES, Images, load_images
from numpy_nets.cli.runs.inference import Part
from numpy_nets.cli.runs.printed import Printed
from numpy_nets.cli.settings import Settings
from numpy_nets.figures.curves import save_curves
from numpy_nets.network import Model

History: TypeAlias = dict[str, list[float]]
Labels: TypeAlias = Array | None  # (n,), or None where the data have none
S = TypeVar("S", bound=Settings)
M = TypeVar("M", bound=Model)


class Recipe(Generic[S, M]):
    """How a model is built from the settings of a run, trained, and shown.

    Images are (n, pixels) in [0, 1] and codes (n, latent), float32.
    """

    name: ClassVar[str]
    help: ClassVar[str]
    settings: type[S]
    unit: ClassVar[str]  # of the loss
    shown: ClassVar[tuple[str, ...]] = ("loss", "val_loss")  # in the progress bar
    has_encoder: ClassVar[bool] = True  # whether `encode` can be called
    things: ClassVar[str] = "images"  # that it is trained on
    named_data: ClassVar[Container[str]] = NAMES  # what --data can be beside the path of a file

    @property
    def weights_file(self) -> str:
        return f"{self.name}.weights.h5"

    def load(self, name: str) -> Images:
        """The data that --data names.

        Raises:
            ValueError, OSError: if there is no such name or file, or the file is damaged.
        """
        return load_images(name)

    def build(self, settings: S) -> M:
        """The model, compiled.

        Raises:
            ValueError: if settings contradict each other, or the model cannot take the data.
        """
        raise NotImplementedError

    def check_shareable(self, settings: S) -> None:
        """Raise ValueError if several processes cannot train the model together.

        They can if its loss is a mean over the batch; see `distributed`.
        """

    def batch(self, model: M, x: Array, y: Labels) -> tuple[Array, ...]:
        """The arguments of `fit` for images x with labels y."""
        raise NotImplementedError

    def fit(self, model: M, data: Images, settings: S, **options: Any) -> None:
        """Train. The options are those of `model.fit`."""
        arrays = self.batch(model, data.x_train, data.y_train)
        options["validation_data"] = self.batch(model, *data.validation)
        options["validation_batch_size"] = settings.batch_size
        if settings.binarize == "dynamic":
            model.fit(DynamicBatches(arrays, settings.batch_size), **options)
        else:
            x, y = (*arrays, None)[:2]
            model.fit(x, y, batch_size=settings.batch_size, **options)

    def ended(self, history: History, settings: S) -> str:
        """Why training has come to an end before the last epoch, or "" if it has not."""
        return ""

    def example(self, model: M, data: Images, settings: S, count: int) -> Any:
        """A batch of the first training images, as `train_step` takes it."""
        y = None if data.y_train is None else data.y_train[:count]
        arrays = self.batch(model, data.x_train[:count], y)
        return arrays if len(arrays) > 1 else arrays[0]

    def callbacks(self, model: M, data: Images, settings: S, folder: Path) -> Sequence[Callback]:
        """Callbacks that only this model has, such as images on the way."""
        return []

    def finish(self, model: M, folder: Path) -> None:
        """Bring a model whose last epoch has ended to the weights that the run is to have."""

    def draw_curves(self, history: History, settings: S, folder: Path) -> None:
        """Draw the history of the training."""
        losses_first = sorted(history.items(), key=lambda item: not item[0].endswith("loss"))
        save_curves(folder / "curves.png", dict(losses_first), self.unit)

    def encode(self, model: M, x: Array, y: Labels) -> Array:
        """The codes of images x."""
        raise NotImplementedError

    def decode(self, model: M, codes: Array, y: Labels) -> Array:
        """The images of codes."""
        raise NotImplementedError

    def decoder(self, model: M) -> Sequence[Part]:
        """The parts that `decode` runs one after another, on codes, and on one-hot labels if the
        model knows classes: for the page, which runs them, too.
        """
        raise NotImplementedError

    def encoder(self, model: M) -> Sequence[Part]:
        """The parts that `encode` runs, on images, and on one-hot labels if it needs them."""
        raise NotImplementedError

    def shown_codes(
        self, model: M, data: Images, settings: S
    ) -> tuple[Array, Array | None, Labels]:
        """Up to 1,000 codes that a page shows, with their images and labels if there are any."""
        x, y = data.x_test[:1000], None if data.y_test is None else data.y_test[:1000]
        return self.encode(model, x, y), x, y

    def ends(
        self, model: M, data: Images, rng: np.random.Generator
    ) -> tuple[Array, Array | None, Labels]:
        """Up to 16 codes to interpolate between, with their images and labels if there are any."""
        chosen = rng.permutation(len(data.x_test))[:16]
        x, y = data.x_test[chosen], None if data.y_test is None else data.y_test[chosen]
        return self.encode(model, x, y), x, y

    def chosen_ends(
        self, model: M, data: Images, first: int, second: int
    ) -> tuple[Array, Array, Labels]:
        """The codes of two test images, with the images and their labels if there are any.

        Raises:
            ValueError: if the model has no encoder, or there is no image of such an index.
        """
        if not self.has_encoder:
            raise ValueError(
                f"--from, --to: the model is {self.name}, which has no encoder to find the codes "
                "of images: leave both out to go from sample to sample, or train a bigan or vae"
            )
        n = len(data.x_test)
        for flag, index in (("--from", first), ("--to", second)):
            if not 0 <= index < n:
                raise ValueError(f"{flag}: expected a test image, 0 to {n - 1}, got {index}")
        chosen = [first, second]
        x, y = data.x_test[chosen], None if data.y_test is None else data.y_test[chosen]
        return self.encode(model, x, y), x, y

    def sample(self, model: M, count: int, label: int | None) -> Array:
        """New images (count, pixels), of one class if `label` is not None.

        Raises:
            ValueError: if the model cannot do so.
        """
        raise ValueError(
            f"sample: the model is {self.name}, which learns no distribution of codes to draw from"
        )

    def suggest(self, model: M, data: Images, given: str, count: int) -> None:
        """Print `count` items that go with those in a basket, for a model of baskets.

        Raises:
            ValueError: if the data have no such items.
        """
        raise NotImplementedError

    def compared(self, model: M, data: Images) -> dict[str, str]:
        """Rows that a table of several runs of the same data has for such models only."""
        return {}

    def draw(self, model: M, data: Images, settings: S, folder: Path) -> None:
        """Draw pictures of a trained model."""
        raise NotImplementedError

    def print_table(
        self, model: M, data: Images, settings: S, samples: int | None, most: int,
        printed: Printed,
    ) -> None:  # fmt: skip
        """Print how good a trained model is on the test images.

        Args:
            samples: the draws of a code for each image in an estimate of the likelihood; None
                leaves the number to the recipe.
            most: the number of images in that estimate, at most.
            printed: prints it.
        """
        raise NotImplementedError
