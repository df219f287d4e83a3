"""A run folder: settings.json, history.csv, a checkpoint after every epoch, pictures.

A run that was stopped, by Ctrl-C or by a power cut, goes on with `--resume` after its last whole
epoch, and ends bit for bit as if it had not been stopped.
"""

import csv
import json
import os
from pathlib import Path
from typing import Any, Protocol

from numpy_nets import __version__
from numpy_nets.callbacks import Callback, CSVLogger, Logs
from numpy_nets.cli.runs.data import fits
from numpy_nets.cli.settings import Settings
from numpy_nets.network import Model
from numpy_nets.storage.checkpoint import load_checkpoint, save_checkpoint


class Trained(Protocol):
    """What a run folder needs of a recipe."""

    @property
    def name(self) -> str: ...
    @property
    def settings(self) -> type[Settings]: ...


class Run:
    """The folder of one training.

    Args:
        folder: new or empty; with `resume`, that of a run with the same settings.
        recipe: of the model.
        settings: what determines the result, apart from `epochs`.
        resume: go on where the folder's run stopped.

    Raises:
        ValueError: if the folder is in use; or, with `resume`, if it holds no run, or a run of
            other settings.
        OSError: if the folder cannot be created or written.
    """

    def __init__(
        self, folder: Path, recipe: Trained, settings: Settings, *, resume: bool = False
    ) -> None:
        self.folder, self.recipe, self.settings = folder, recipe, settings
        self.checkpoint = folder / "checkpoint.weights.h5"
        self.history_file = folder / "history.csv"
        self.epoch = 0
        if resume:
            self._check_same()
        else:
            if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
                raise ValueError(
                    f"--out {folder}: exists already: give another folder, or --resume to go on"
                )
            folder.mkdir(parents=True, exist_ok=True)
            self.write_settings()

    def _document(self) -> dict[str, Any]:
        return {**self.settings.as_json(), "model": self.recipe.name, "version": __version__}

    def write_settings(self) -> None:
        """Write settings.json, whole or not at all."""
        temporary = self.folder / "settings.json.tmp"
        temporary.write_text(json.dumps(self._document(), indent=2) + "\n", encoding="utf-8")
        temporary.replace(self.folder / "settings.json")

    def _check_same(self) -> None:
        before = read_document(self.folder)
        settings = read_settings(self.folder, self.recipe)
        before |= settings.as_json()
        if fits(self.settings.image_shape, settings.image_shape):
            before["image_shape"] = list(self.settings.image_shape)
        for name, now in self._document().items():
            if name != "epochs" and before.get(name) != now:
                raise ValueError(
                    f"--resume {self.folder}: {name} was {before.get(name)!r}, now {now!r}"
                )

    def restore(self, model: Model) -> None:
        """Bring a newly built model to where the run stopped."""
        if self.checkpoint.exists():
            self.epoch = load_checkpoint(model, self.checkpoint)
        if self.history_file.exists():
            self._drop_rows_after(self.epoch)

    def _drop_rows_after(self, epoch: int) -> None:
        """A run killed between its row and its checkpoint has one row too many."""
        lines = self.history_file.read_bytes().splitlines(keepends=True)
        temporary = self.history_file.with_suffix(".csv.tmp")
        temporary.write_bytes(b"".join(lines[: epoch + 1]))
        temporary.replace(self.history_file)

    def callbacks(self) -> list[Callback]:
        """What fills the folder while `fit` runs, the row of an epoch before its checkpoint."""
        return [CSVLogger(self.history_file, append=self.epoch > 0), _Checkpoint(self)]

    def history(self) -> dict[str, list[float]]:
        """The columns of history.csv, without `epoch` and without empty ones."""
        with open(self.history_file, newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        if not rows:
            raise ValueError(f"{self.history_file}: damaged: expected a row for every epoch")
        names = [k for k, value in rows[0].items() if k != "epoch" and value != "NA"]
        return {k: [float(row[k]) for row in rows] for k in names}


class _Checkpoint(Callback):
    def __init__(self, run: Run) -> None:
        self.run = run

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        assert isinstance(self.model, Model)
        save_checkpoint(self.model, self.run.checkpoint, epoch + 1)
        self.run.epoch = epoch + 1


def read_document(folder: Path) -> dict[str, Any]:
    """What a run's settings.json holds.

    Raises:
        ValueError: if there is none, or it is damaged.
    """
    file = folder / "settings.json"
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise ValueError(f"{folder}: holds no run: there is no settings.json") from None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{file}: damaged: {error}") from None
    if not isinstance(document, dict):
        raise ValueError(f"{file}: damaged: expected settings by name")
    return document


def read_settings(folder: Path, recipe: Trained) -> Settings:
    """The settings of a run of this recipe's model.

    Raises:
        ValueError: as `read_document`; or if the run is of another model, or a setting is damaged.
    """
    document = read_document(folder)
    model = document.get("model", recipe.name)
    if model != recipe.name:
        raise ValueError(f"--resume {folder}: holds a run of {model}, not {recipe.name}")
    try:
        return recipe.settings.from_json(document)
    except ValueError as error:
        raise ValueError(f"{folder / 'settings.json'}: damaged: {error}") from None


def free_path(folder: Path, stem: str, suffix: str = "") -> Path:
    """folder/stem, or the first of stem-2, stem-3 … that does not exist."""
    path, number = folder / f"{stem}{suffix}", 2
    while os.path.lexists(path):
        path, number = folder / f"{stem}-{number}{suffix}", number + 1
    return path
