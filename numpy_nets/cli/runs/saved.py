"""A trained model, from the folder of its run."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy_nets import random
from numpy_nets.autodiff.tensor import Array
from numpy_nets.cli.recipes import ALL
from numpy_nets.cli.recipes.recipe import Recipe
from numpy_nets.cli.runs.binarize import binarized
from numpy_nets.cli.runs.data import Images, describe, fits
from numpy_nets.cli.runs.run import (
    CHECKPOINT,
    free_path,
    read_document,
    read_settings,
    training_seconds,
)
from numpy_nets.cli.settings import Settings
from numpy_nets.figures.images import save_images
from numpy_nets.naming import lookup
from numpy_nets.storage.checkpoint import read_checkpoint


@dataclass(frozen=True)
class Saved:
    """What the folder of a run that has ended holds."""

    folder: Path
    recipe: Recipe[Any, Any]
    settings: Settings
    model: Any

    def images(self, name: str | None = None) -> Images:
        """The data of the run, or other data that are treated in the same way.

        Other data are there to test on. The training images are still the run's, if they can be
        read and have not changed, so that what the model is compared with is fitted to them.

        Raises:
            ValueError, OSError: as `Recipe.load`; if images have another size or other colours, or
                the run's own have changed.
        """
        data = self.recipe.load(self.settings.data if name is None else name)
        if not fits(data.image_shape, self.settings.image_shape):
            raise ValueError(
                f"--data: expected {describe(self.settings.image_shape)}, "
                f"got {describe(data.image_shape)}"
            )
        own = self.settings.same_data(self.settings.on(data))
        if name is None and not own:
            raise ValueError(f"{self.settings.data}: has changed since the run {self.folder}")
        data = binarized(data, self.settings.binarize, self.settings.seed)
        if own:
            return data
        try:
            x_train, y_train, *_ = self.images()
        except (ValueError, OSError):
            return data._replace(trained_on=False)
        return data._replace(x_train=x_train, y_train=y_train)

    def seconds(self) -> float | None:
        """What the training took, each epoch counted once; None if not all epochs were timed."""
        return training_seconds(self.folder, self.settings.epochs)

    def check_drawable(self) -> None:
        """Raise ValueError if the run's data are not images."""
        if not self.settings.drawable:
            raise ValueError(f"{self.folder}: the run's data are not images: nothing to draw")

    def save_picture(
        self, path: Path | None, stem: str, images: Array, columns: int, title: str,
        column_labels: list[str] | None = None,
    ) -> None:  # fmt: skip
        """Draw images (n, pixels) into a new file, in the run's folder unless `path` is given."""
        path = path or free_path(self.folder, stem, ".png")
        images = images.reshape(-1, *self.settings.image_shape)
        save_images(path, images, columns, title, column_labels=column_labels)
        print(f"written: {path}")


def load_saved(folder: Path, seed: int | None = None) -> Saved:
    """The model of a run that has ended. All that it draws afterwards follows from the seed.

    Raises:
        ValueError, OSError: if there is no run, a damaged one, or one that has not ended.
    """
    document = read_document(folder)
    file = folder / "settings.json"
    recipe = lookup(f"{file}: damaged: model", document.get("model"), ALL)
    settings = read_settings(folder, recipe)
    weights, checkpoint = folder / recipe.weights_file, folder / CHECKPOINT
    # An old run that was stopped after --epochs was raised has the weights of its former end.
    if not weights.exists() or (
        checkpoint.exists() and read_checkpoint(checkpoint).epoch < settings.epochs
    ):
        raise ValueError(
            f"{folder}: the run has not ended; go on with: "
            f"numpy-nets train {recipe.name} --out {folder} --resume"
        )
    model = recipe.build(settings)
    model.load_weights(weights)
    random.set_random_seed(settings.seed if seed is None else seed)
    return Saved(folder, recipe, settings, model)
