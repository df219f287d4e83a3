"""Callbacks that record the logs: History and CSVLogger."""

from __future__ import annotations

import csv
import os

from numpy_nets.callbacks.callback import Callback, Logs


class History(Callback):
    """Keeps the logs of every epoch, and becomes `model.history`.

    Attributes:
        history: lists of values, one for each epoch, by the name of the metric.
        epoch: the epochs, counted from 0.
    """

    def __init__(self) -> None:
        self.history: dict[str, list[float]] = {}
        self.epoch: list[int] = []

    def on_train_begin(self, logs: Logs = None) -> None:
        self.epoch = []
        self.model.history = self

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)


class CSVLogger(Callback):
    """Writes a row for every epoch: its number, then the logs in alphabetical order.

    Like Keras's, a file without validation has columns `val_*` all the same, filled with "NA". It
    is opened for one row at a time, so the rows that are written survive an interruption.

    Args:
        filename: the file, which is emptied when training begins unless `append` is True.
        separator: one character.
        append: continue an existing file; only an empty one gets a header.

    Raises:
        OSError: if the file cannot be written.
    """

    def __init__(
        self, filename: str | os.PathLike[str], separator: str = ",", append: bool = False
    ) -> None:
        self.filename = os.fspath(filename)
        self.separator = separator
        self.append = append

    def on_train_begin(self, logs: Logs = None) -> None:
        with open(self.filename, "a" if self.append else "w") as file:
            self._header_is_due = file.tell() == 0
        self._names: list[str] | None = None

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        logs = logs or {}
        if self._names is None:
            self._names = sorted(logs)
            if not any(name.startswith("val_") for name in logs):
                self._names += [f"val_{name}" for name in self._names]
        with open(self.filename, "a", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, delimiter=self.separator)
            if self._header_is_due:
                writer.writerow(["epoch", *self._names])
                self._header_is_due = False
            writer.writerow([epoch, *(logs.get(name, "NA") for name in self._names)])
