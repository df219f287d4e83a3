"""A trained model, from the folder of its run."""

from pathlib import Path
from typing import Any, NamedTuple

from numpy_nets import random
from numpy_nets.cli.runs.binarize import binarized
from numpy_nets.cli.runs.data import Images, load_images
from numpy_nets.cli.recipes.recipe import Recipe, Settings
from numpy_nets.cli.runs.run import check_settings, free_path, read_settings
from numpy_nets.cli.recipes import RECIPES
from numpy_nets.figures.images import save_images
from numpy_nets.naming import lookup


class Saved(NamedTuple):
    """What a run's folder holds."""

    folder: Path
    recipe: Recipe
    settings: Settings
    model: Any

    def images(self, name: str | None = None) -> Images:
        """The data of the run, or others that are treated in the same way.

        The others are there to test on: the training images are still the run's, which what is
        compared with the model is fitted to, if they can be read and have not changed.

        Raises:
            ValueError, OSError: as `load_images`; images of another size, or the run's have
                changed.
        """
        data = load_images(self.settings["data"] if name is None else name)
        shape = tuple(self.settings["image_shape"])
        if data.image_shape != shape:
            raise ValueError(f"--data: expected images of {shape}, got {data.image_shape}")
        own = data.sha256 == self.settings.get("data_sha256")
        if name is None and not own:
            raise ValueError(f"{self.settings['data']}: has changed since the run {self.folder}")
        data = binarized(data, self.settings.get("binarize", "none"), self.settings["seed"])
        if own:
            return data
        try:
            x_train, y_train, *_ = self.images()
        except (ValueError, OSError):
            return data._replace(trained_on=False)
        return data._replace(x_train=x_train, y_train=y_train)

    def check_drawable(self) -> None:
        """Raises ValueError if the model's output is no images."""
        if len(self.settings["image_shape"]) != 2:
            raise ValueError(f"{self.folder}: the run's data are no images: nothing to draw")

    def save_picture(
        self, path: Path | None, stem: str, images: Any, columns: int, title: str
    ) -> None:
        """Draw images (n, pixels) into a new file, in the run's folder unless `path` is given."""
        path = path or free_path(self.folder, stem, ".png")
        save_images(path, images.reshape(-1, *self.settings["image_shape"]), columns, title)
        print(f"written: {path}")


def load_saved(folder: Path, seed: int | None = None) -> Saved:
    """The model of a run that has ended.  What it draws afterwards follows from the seed.

    Raises:
        ValueError, OSError: no run, a damaged one, or one that has not ended.
    """
    settings = read_settings(folder)
    file = folder / "settings.json"
    recipe = lookup(f"{file}: damaged: model", settings.get("model"), RECIPES)
    check_settings(folder, settings, recipe.options)
    weights = folder / recipe.weights_file
    # A run that was to have more epochs and was stopped has the weights of its former end.
    if not weights.exists() or _rows(folder / "history.csv") < settings["epochs"]:
        raise ValueError(
            f"{folder}: the run has not ended; go on with: "
            f"numpy-nets train {recipe.name} --out {folder} --resume"
        )
    model = recipe.build(settings)
    model.load_weights(weights)
    random.set_random_seed(settings["seed"] if seed is None else seed)
    return Saved(folder, recipe, settings, model)


def _rows(history: Path) -> int:
    """Epochs in a history.csv."""
    return len(history.read_bytes().splitlines()) - 1
