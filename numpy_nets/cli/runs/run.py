"""A run folder: settings.json, history.csv, a checkpoint after every epoch, pictures.

A run that was stopped, by Ctrl-C or by a power cut, goes on with `--resume` from its last whole
epoch as if nothing had happened, bit for bit.
"""

import csv
import json
import math
import os
import signal
from argparse import ArgumentTypeError
from collections.abc import Iterable
from pathlib import Path
from types import FrameType
from typing import Any, Self

from numpy_nets.callbacks import Callback, CSVLogger
from numpy_nets.cli.arguments import Option
from numpy_nets.network import Model
from numpy_nets.storage.checkpoint import load_checkpoint, save_checkpoint


class Stopped(Exception):
    """Ctrl-C, at the end of a batch."""


class Run:
    """The folder of one training.

    Args:
        folder: new or empty; with `resume`, one that a run of the same settings has left.
        settings: what determines the result, apart from `epochs`.
        resume: go on where the folder's run stopped.

    Raises:
        ValueError: the folder is in use; or, with `resume`, holds no run or one of other settings.
        OSError: the folder cannot be made or written.
    """

    def __init__(self, folder: Path, settings: dict[str, Any], *, resume: bool = False) -> None:
        self.folder = folder
        self.checkpoint = folder / "checkpoint.weights.h5"
        self.history_file = folder / "history.csv"
        self.epoch = 0
        if resume:
            _check_same(folder, settings)
        else:
            if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
                raise ValueError(
                    f"--out {folder}: exists already: give another folder, or --resume to go on"
                )
            folder.mkdir(parents=True, exist_ok=True)
            self.write_settings(settings)

    def write_settings(self, settings: dict[str, Any]) -> None:
        """Write settings.json, whole or not at all."""
        temporary = self.folder / "settings.json.tmp"
        temporary.write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
        temporary.replace(self.folder / "settings.json")

    def restore(self, model: Model) -> None:
        """Bring a model that was just made to where the run stopped."""
        if self.checkpoint.exists():
            self.epoch = load_checkpoint(model, self.checkpoint)
        if self.history_file.exists():
            self._drop_rows_after(self.epoch)

    def _drop_rows_after(self, epoch: int) -> None:
        """A run killed between its row and its checkpoint has a row too many."""
        lines = self.history_file.read_bytes().splitlines(keepends=True)
        temporary = self.history_file.with_suffix(".csv.tmp")
        temporary.write_bytes(b"".join(lines[: epoch + 1]))
        temporary.replace(self.history_file)

    def callbacks(self) -> list[Callback]:
        """What writes the folder while `fit` runs, the row before the checkpoint."""
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

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        assert isinstance(self.model, Model)
        save_checkpoint(self.model, self.run.checkpoint, epoch + 1)
        self.run.epoch = epoch + 1


class StopOnDivergence(Callback):
    """Raises ValueError at the end of a batch that makes the mean loss infinite or NaN."""

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if not all(math.isfinite(value) for value in (logs or {}).values()):
            raise ValueError(
                f"training diverged at step {batch + 1} of the epoch: {logs}; "
                "expected finite values: try a smaller --learning-rate"
            )


class StopOnInterrupt(Callback):
    """Within `with`, Ctrl-C raises Stopped at the end of the batch; a second one at once."""

    def __enter__(self) -> Self:
        self._asked = False
        self._before = signal.signal(signal.SIGINT, self._ask)
        return self

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGINT, self._before)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self._asked = True
        signal.signal(signal.SIGINT, self._before)

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if self._asked:
            raise Stopped


def read_settings(folder: Path) -> dict[str, Any]:
    """The settings of the run in a folder.

    Raises:
        ValueError: there is none, or it is damaged.
    """
    file = folder / "settings.json"
    try:
        settings = json.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise ValueError(f"{folder}: holds no run: there is no settings.json") from None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{file}: damaged: {error}") from None
    if not isinstance(settings, dict):
        raise ValueError(f"{file}: damaged: expected settings by name")
    return settings


def check_settings(folder: Path, settings: dict[str, Any], options: Iterable[Option]) -> None:
    """Raises ValueError if one of the options, or what is known of the data, is no valid value."""
    for option in options:
        value = settings.get(option.name)
        try:
            valid = type(value) is type(option.default) and option.parse(str(value)) == value
        except ArgumentTypeError:
            valid = False
        if not valid:
            raise ValueError(f"{folder / 'settings.json'}: damaged: {option.name}: got {value!r}")
    shape, classes = settings.get("image_shape"), settings.get("classes")
    if not (isinstance(shape, list) and 1 <= len(shape) <= 2 and all(map(_is_count, shape))):
        raise ValueError(f"{folder / 'settings.json'}: damaged: image_shape: got {shape!r}")
    if not (classes == 0 or _is_count(classes)):
        raise ValueError(f"{folder / 'settings.json'}: damaged: classes: got {classes!r}")


def _is_count(value: object) -> bool:
    return type(value) is int and value >= 1


def free_path(folder: Path, stem: str, suffix: str = "") -> Path:
    """folder/stem, or the first of stem-2, stem-3 … that does not exist."""
    path, number = folder / f"{stem}{suffix}", 2
    while os.path.lexists(path):
        path, number = folder / f"{stem}-{number}{suffix}", number + 1
    return path


def _check_same(folder: Path, settings: dict[str, Any]) -> None:
    before = read_settings(folder)
    for name in dict.fromkeys([*before, *settings]):
        if name != "epochs" and before.get(name) != settings.get(name):
            raise ValueError(
                f"--resume {folder}: {name} was {before.get(name)!r}, now {settings.get(name)!r}"
            )
