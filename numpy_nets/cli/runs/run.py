"""A run folder: settings.json, history.csv, a checkpoint after every epoch, pictures, a page.

A run that was stopped, by Ctrl-C or by a power cut, goes on with `--resume` after its last whole
epoch. With the same number of threads, and of ranks if mpiexec starts several, it ends bit for bit
as if it had not been stopped, but for times.csv, the seconds of each epoch.

The checkpoint is what counts: it holds the history, and history.csv is written from it.
"""

import json
import math
import os
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from numpy_nets import __version__, distributed
from numpy_nets.callbacks import Callback, Logs
from numpy_nets.cli.runs.data import fits
from numpy_nets.cli.runs.files import is_leftover, remove_temporaries, sync, write_whole
from numpy_nets.cli.runs.tables import read_table, table
from numpy_nets.cli.runs.threads import blas_threads
from numpy_nets.cli.settings import Settings
from numpy_nets.network import Model
from numpy_nets.storage.checkpoint import load_checkpoint, read_checkpoint, save_checkpoint

SETTINGS, CHECKPOINT = "settings.json", "checkpoint.weights.h5"
DIGESTS = ("data_sha256", "data_digest")  # of the data, in settings.json
HISTORY, TIMES, PAGE = "history.csv", "times.csv", "index.html"
# The settings that do not say what a checkpoint is: how long the run is, where the data are and how
# they are drawn. What they are, data_digest says.
NOT_IN_CHECKPOINT = ("epochs", "data", "data_sha256", "image_shape", "threads", "ranks")


class Trained(Protocol):
    """What a run folder needs of a recipe."""

    @property
    def name(self) -> str: ...
    @property
    def shown(self) -> tuple[str, ...]: ...
    @property
    def weights_file(self) -> str: ...
    @property
    def settings(self) -> type[Settings]: ...


class Run:
    """The folder of one training, which no other process may use meanwhile: see `locked`.

    Args:
        folder: holds nothing, or a run that has not ended an epoch. With `resume`, a run with the
            same settings.
        recipe: of the model.
        settings: what determines the result, apart from `epochs`.
        resume: go on where the folder's run stopped.

    Attributes:
        epoch: the number of epochs that are kept.
        history: a value for each of them, by the name of the metric.
        threads: the number of threads at the beginning of the run; None if nobody wrote it down.
        ranks: the number of processes that trained together then.

    Raises:
        ValueError: if the folder is in use; or, with `resume`, if it holds no run, or a run of
            other settings.
        OSError: if the folder cannot be written.
    """

    def __init__(
        self, folder: Path, recipe: Trained, settings: Settings, *, resume: bool = False
    ) -> None:
        self.folder, self.recipe, self.settings = folder, recipe, settings
        self.checkpoint = folder / CHECKPOINT
        self.epoch = 0
        self.history: dict[str, list[float]] = {}
        self.threads: int | None = blas_threads()
        self.ranks = distributed.size()
        self._seconds: dict[int, float] = {}
        self._synced: dict[Path, int] = {}
        if resume:
            self._check_same()
            before = read_document(folder)
            self.threads, self.ranks = before.get("threads"), before.get("ranks", 1)
        elif not _is_free(folder):
            raise ValueError(
                f"--out {folder}: exists already: give another folder, or --resume to go on"
            )
        remove_temporaries(folder)

    def _document(self) -> dict[str, Any]:
        return {
            **self.settings.as_json(), "model": self.recipe.name, "version": __version__,
            "threads": self.threads, "ranks": self.ranks,
        }  # fmt: skip

    def _check_same(self) -> None:
        before = read_document(self.folder)
        settings = read_settings(self.folder, self.recipe)
        before |= settings.as_json()
        if fits(self.settings.image_shape, settings.image_shape):
            before["image_shape"] = list(self.settings.image_shape)
        now, same = self._document(), self.settings.same_data(settings)
        for name in DIGESTS:  # an old run has only the first
            if same or not before[name]:
                before[name] = now[name]
        ignored = ("epochs", "threads", "ranks")
        self._refuse_others(before, f"--resume {self.folder}", ignored)

    def _refuse_others(
        self, before: Mapping[str, Any], where: str, ignored: Sequence[str]
    ) -> None:
        for name, now in self._document().items():
            if name not in ignored and before.get(name) != now:
                if name in DIGESTS:
                    raise ValueError(
                        f"{where}: the data {self.settings.data} are not those that it was trained "
                        "on: other images, other labels, or another place of the split"
                    )
                raise ValueError(f"{where}: {name} was {before.get(name)!r}, now {now!r}")

    def restore(self, model: Model) -> None:
        """Bring a newly built model to where the run stopped.

        Raises:
            ValueError: if the checkpoint is damaged, or that of a run with other settings, or was
                removed after the end of the run; or if an old run has no history there, and
                history.csv is not a table of this model.
        """
        if not self.checkpoint.exists():
            weights = self.folder / self.recipe.weights_file
            if weights.exists():  # `begin` would remove them, to train from the start
                raise ValueError(
                    f"--resume {self.folder}: expected {CHECKPOINT} beside {weights.name}, got "
                    "none: the run cannot go on"
                )
            return
        saved = read_checkpoint(self.checkpoint)
        if saved.settings is not None:
            self._refuse_others(
                self._document() | saved.settings, f"{self.checkpoint}: is of another run",
                NOT_IN_CHECKPOINT,
            )  # fmt: skip
        self.epoch = load_checkpoint(model, self.checkpoint)
        self.history = self._old_history() if saved.history is None else saved.history
        _, rows = read_table(self.folder / TIMES)
        self._seconds = {
            epoch: row["seconds"] for epoch, row in rows.items()
            if epoch in range(self.epoch) and "seconds" in row
        }  # fmt: skip

    def _old_history(self) -> dict[str, list[float]]:
        """That of a run whose checkpoint is from before they held it."""
        file = self.folder / HISTORY
        header, rows = read_table(file)
        names = [name for name in header if name != "epoch"] or list(self.recipe.shown)
        if header and not {"epoch", *self.recipe.shown} <= set(header):
            raise ValueError(
                f"{file}: damaged: expected columns epoch, {', '.join(self.recipe.shown)}, got "
                f"{', '.join(header)}: mend the first line, or remove the file to go on without it"
            )
        lost = [epoch for epoch in range(self.epoch) if epoch not in rows]
        if lost:
            print(
                f"warning: {file}: no whole row for {len(lost)} of {self.epoch} epochs, the first "
                f"of them {lost[0]}: their values are lost, and nan from now on",
                file=sys.stderr,
            )
        history = {
            name: [rows.get(epoch, {}).get(name, math.nan) for epoch in range(self.epoch)]
            for name in names
        }
        return {
            name: values for name, values in history.items()
            if name in self.recipe.shown or not all(map(math.isnan, values))  # only "NA"
        }  # fmt: skip

    def end(self) -> Settings:
        """Write that the run has no more epochs than those it has; returns its settings."""
        self.settings = replace(self.settings, epochs=self.epoch)
        self._write_settings()
        return self.settings

    def _write_settings(self) -> None:
        write_whole(self.folder / SETTINGS, json.dumps(self._document(), indent=2) + "\n")

    def begin(self) -> None:
        """Write settings.json, and bring the other files to the state that `fit` goes on from."""
        self._write_settings()
        if self.epoch:
            self._write_times()
            self._write_history()
        if self.epoch < self.settings.epochs:
            # If --epochs was raised, these are the weights and the page of the former end.
            for name in (self.recipe.weights_file, PAGE):
                (self.folder / name).unlink(missing_ok=True)

    # Waiting for the disk at the end of every epoch would cost more than these two files are worth.

    def _write_times(self) -> None:
        text = table({"seconds": list(self._seconds.values())}, list(self._seconds))
        write_whole(self.folder / TIMES, text, durable=False)

    def _write_history(self) -> None:
        text = table(self.history, range(self.epoch))
        write_whole(self.folder / HISTORY, text, durable=False)

    def callbacks(self, others: Sequence[Callback] = ()) -> list[Callback]:
        """What fills the folder while `fit` runs.

        Args:
            others: write files of their own at the end of an epoch, which are on the disk before
                the checkpoint says that the epoch has ended. They are not timed.
        """
        return [_Clock(self._seconds), *others, _Checkpoint(self)]

    def end_epoch(self, model: Model, logs: Mapping[str, float]) -> None:
        """Keep an epoch that has ended."""
        before = {name: [math.nan] * self.epoch for name in logs} | self.history
        self.history = {
            name: [*values, logs.get(name, math.nan)] for name, values in before.items()
        }
        self._write_times()  # before the checkpoint: a row too many is dropped by `restore`
        sync(self.folder, self._synced, without=(CHECKPOINT, HISTORY, TIMES))
        settings = {k: v for k, v in self._document().items() if k not in NOT_IN_CHECKPOINT}
        save_checkpoint(
            model, self.checkpoint, self.epoch + 1, history=self.history, settings=settings
        )
        self.epoch += 1
        self._write_history()


class _Clock(Callback):
    def __init__(self, seconds: dict[int, float]) -> None:
        self.seconds = seconds

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        self.start = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        self.seconds[epoch] = round(time.perf_counter() - self.start, 3)


class _Checkpoint(Callback):
    def __init__(self, run: Run) -> None:
        self.run = run

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        assert isinstance(self.model, Model)
        self.run.end_epoch(self.model, logs or {})


def _is_free(folder: Path) -> bool:
    """Whether a folder holds nothing but a run, if any, that has not ended an epoch."""
    kept = [path for path in folder.iterdir() if not is_leftover(path)]
    try:
        return not kept or (
            "model" in read_document(folder)
            and not any(path.name.endswith(".weights.h5") for path in kept)
        )
    except ValueError:
        return False


def read_document(folder: Path) -> dict[str, Any]:
    """What a run's settings.json holds.

    Raises:
        ValueError: if there is none, or it is damaged.
    """
    file = folder / SETTINGS
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
        raise ValueError(f"{folder / SETTINGS}: damaged: {error}") from None


def training_seconds(folder: Path, epochs: int) -> float | None:
    """What a training took, each epoch counted once; None if not all epochs were timed."""
    _, rows = read_table(folder / TIMES)
    seconds = [rows.get(epoch, {}).get("seconds") for epoch in range(epochs)]
    return None if None in seconds else sum(s for s in seconds if s is not None)


def free_path(folder: Path, stem: str, suffix: str = "") -> Path:
    """folder/stem, or the first of stem-2, stem-3 … that does not exist."""
    path, number = folder / f"{stem}{suffix}", 2
    while os.path.lexists(path):
        path, number = folder / f"{stem}-{number}{suffix}", number + 1
    return path


def new_folder(parent: Path, stem: str) -> Path:
    """Create parent/stem, or the first of stem-2, stem-3 … that does not exist."""
    while True:
        folder = free_path(parent, stem)
        with suppress(FileExistsError):  # another process was faster
            folder.mkdir(parents=True)
            return folder
