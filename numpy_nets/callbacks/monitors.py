"""Callbacks that watch the logs: EarlyStopping, ModelCheckpoint and TerminateOnNaN."""

from __future__ import annotations

import math
import os
import warnings
from typing import Any

from numpy_nets.callbacks.callback import Callback, Logs
from numpy_nets.callbacks.progress import print_text


class _Monitor(Callback):
    """What the callbacks that watch one entry of the logs for an improvement have in common."""

    def __init__(
        self, monitor: str, mode: str, best: float | None = None, min_delta: float = 0.0
    ) -> None:
        if mode not in ("auto", "min", "max"):
            raise ValueError(
                f"{type(self).__name__}: expected mode 'auto', 'min' or 'max', got {mode!r}"
            )
        self.monitor = monitor
        self.mode = mode
        self.best = best
        self.min_delta = abs(min_delta)

    def _improves(self, value: float, reference: float | None) -> bool:
        # Keras compares in float32; Python floats see differences that float32 rounds away.
        if reference is None:
            return True
        if self._wants_more():
            return value - self.min_delta > reference
        return value + self.min_delta < reference

    def _wants_more(self) -> bool:
        if self.mode != "auto":
            return self.mode == "max"
        name = self.monitor.removeprefix("val_")
        if name == "acc" or name.endswith("accuracy"):
            return True
        if name in ("loss", "mse", "mean_squared_error"):
            return False
        raise ValueError(
            f"{type(self).__name__}: mode: expected 'min' or 'max' for monitor={self.monitor!r}, "
            "got 'auto', which knows only losses and accuracies"
        )

    def _current(self, logs: Logs) -> float | None:
        value: float | None = (logs or {}).get(self.monitor)
        if value is None:
            warnings.warn(
                f"{type(self).__name__}: monitor {self.monitor!r} is not in the logs,"
                f" available: {', '.join(logs or ())}",
                stacklevel=2,
            )
        return value


class EarlyStopping(_Monitor):
    """Stops training when `monitor` has not improved for `patience` epochs.

    Args:
        monitor: a name in the logs.
        min_delta: the least change that counts as an improvement.
        patience: the number of epochs to wait for an improvement.
        verbose: 1 prints what happens.
        mode: "min", "max", or "auto": "max" for an accuracy, "min" for a loss or squared error.
        baseline: only beating this value, too, restarts the wait.
        restore_best_weights: at the end of training, restore the weights of the best epoch.
        start_from_epoch: the first epoch that is looked at.

    Attributes:
        stopped_epoch: the epoch at which training was stopped, or 0 if it was not.
        best_epoch, best: the best epoch so far and its value.

    Raises:
        ValueError: if mode is unknown, or is "auto" and `monitor` does not tell its direction.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        super().__init__(monitor, mode, min_delta=min_delta)
        self.patience = patience
        self.verbose = verbose
        self.baseline = baseline
        self.restore_best_weights = restore_best_weights
        self.start_from_epoch = start_from_epoch

    def on_train_begin(self, logs: Logs = None) -> None:
        self._wants_more()
        self.wait = 0
        self.stopped_epoch = 0
        self.best = None
        self.best_epoch = 0
        self.best_weights: list[Any] | None = None

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        value = self._current(logs)
        if value is None or epoch < self.start_from_epoch:
            return
        self.wait += 1
        if self._improves(value, self.best):
            self.best = value
            self.best_epoch = epoch
            if self.restore_best_weights:
                self.best_weights = self.model.get_weights()
            if self._improves(value, self.baseline):
                self.wait = 0
            return
        if self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs: Logs = None) -> None:
        if self.stopped_epoch > 0 and self.verbose > 0:
            print_text(f"Epoch {self.stopped_epoch + 1}: early stopping\n")
        if self.best_weights is not None:
            if self.verbose > 0:
                print_text(
                    "Restoring model weights from the end of the best epoch:"
                    f" {self.best_epoch + 1}.\n"
                )
            self.model.set_weights(self.best_weights)


class ModelCheckpoint(_Monitor):
    """Saves the weights during training.

    This library saves weights and never whole models, so `save_weights_only=True` is required.

    Args:
        filepath: a path that ends in ".weights.h5", in which {epoch} (from 1), {batch} (from 1, if
            `save_freq` is a number) and names from the logs are filled in. A missing folder is
            created.
        monitor: a name in the logs, for `save_best_only`.
        verbose: 1 prints what happens.
        save_best_only: save only when `monitor` has improved, or is missing from the logs.
        mode: see `EarlyStopping`.
        save_freq: "epoch", or a number of batches.
        initial_value_threshold: the best value so far, when a run is resumed.

    Raises:
        ValueError: if one of the arguments is not as described, or `filepath` has a field that the
            logs do not have.
        OSError: if the file cannot be written.
    """

    def __init__(
        self,
        filepath: str | os.PathLike[str],
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: str | int = "epoch",
        initial_value_threshold: float | None = None,
    ) -> None:
        super().__init__(monitor, mode, best=initial_value_threshold)
        self.filepath = os.fspath(filepath)
        if not save_weights_only:
            raise ValueError("ModelCheckpoint: expected save_weights_only=True, got False")
        if not self.filepath.endswith(".weights.h5"):
            raise ValueError(
                f"ModelCheckpoint: expected filepath ending in .weights.h5, got {self.filepath!r}"
            )
        if save_freq != "epoch" and not (isinstance(save_freq, int) and save_freq > 0):
            raise ValueError(
                f"ModelCheckpoint: expected save_freq 'epoch' or a positive int, got {save_freq!r}"
            )
        self.verbose = verbose
        self.save_best_only = save_best_only
        self.save_weights_only = save_weights_only
        self.save_freq = save_freq
        self._batches = 0

    def on_train_begin(self, logs: Logs = None) -> None:
        if self.save_best_only:
            self._wants_more()

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        self._batches += 1
        if self._batches == self.save_freq:
            self._batches = 0
            self._save(self._epoch, {"batch": batch + 1, **(logs or {})})

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        if self.save_freq == "epoch":
            self._save(epoch, logs or {})

    def _save(self, epoch: int, logs: dict[str, Any]) -> None:
        path = self._path(epoch, logs)
        reason = ""
        if self.save_best_only:
            value = self._current(logs)
            if value is not None:
                best = "None" if self.best is None else f"{self.best:.5f}"
                if not self._improves(value, self.best):
                    self._say(epoch, f"{self.monitor} did not improve from {best}")
                    return
                reason = f"{self.monitor} improved from {best} to {value:.5f}, "
                self.best = value
        self._say(epoch, f"{reason}saving model to {path}")
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        self.model.save_weights(path, overwrite=True)
        self._say(epoch, f"finished saving model to {path}")

    def _path(self, epoch: int, logs: dict[str, Any]) -> str:
        fields = {"epoch": epoch + 1, **logs}
        try:
            return self.filepath.format(**fields)
        except (KeyError, IndexError, AttributeError) as error:
            raise ValueError(
                f"ModelCheckpoint: filepath {self.filepath!r} cannot be filled in ({error}),"
                f" available: {', '.join(fields)}"
            ) from None

    def _say(self, epoch: int, text: str) -> None:
        if self.verbose > 0:
            print_text(f"\nEpoch {epoch + 1}: {text}\n")


class TerminateOnNaN(Callback):
    """Stops training after a batch whose running mean of the loss is not finite."""

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        if not math.isfinite((logs or {}).get("loss", 0.0)):
            print_text(f"Batch {batch}: Invalid loss, terminating training\n")
            self.model.stop_training = True
