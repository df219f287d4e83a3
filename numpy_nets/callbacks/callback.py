"""Callbacks: objects whose hooks `fit`, `evaluate` and `predict` call, as in keras.callbacks.

Order of the calls: train_begin, then for every epoch: epoch_begin, (train_batch_begin,
train_batch_end)*, (test_begin, (test_batch_begin, test_batch_end)*, test_end), epoch_end; last
train_end. Semantics: Keras 3.15.1.
"""

from __future__ import annotations

import csv
import math
import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

from numpy_nets.callbacks.progress import ProgressLine, print_text

Logs: TypeAlias = dict[str, Any] | None


class Trainee(Protocol):
    """What the callbacks of this file need of a model."""

    stop_training: bool
    history: Any

    def get_weights(self) -> list[Any]: ...
    def set_weights(self, weights: list[Any], /) -> None: ...
    def save_weights(self, filepath: str, /, overwrite: bool = ...) -> None: ...


class Callback:
    """Base class: every hook does nothing.

    Epochs and batches count from 0. `logs` holds the metrics by name as floats: running values of
    the epoch at a batch's end, final ones (with `val_*`) at an epoch's end; `on_predict_batch_end`
    gets {"outputs": array}. `params` holds "verbose", "epochs" and "steps" (None if unknown).
    """

    model: Trainee
    params: dict[str, Any]

    def set_model(self, model: Trainee) -> None:
        self.model = model

    def set_params(self, params: dict[str, Any]) -> None:
        self.params = params

    def on_train_begin(self, logs: Logs = None) -> None: ...
    def on_train_end(self, logs: Logs = None) -> None: ...
    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None: ...
    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None: ...
    def on_train_batch_begin(self, batch: int, logs: Logs = None) -> None: ...
    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None: ...
    def on_test_begin(self, logs: Logs = None) -> None: ...
    def on_test_end(self, logs: Logs = None) -> None: ...
    def on_test_batch_begin(self, batch: int, logs: Logs = None) -> None: ...
    def on_test_batch_end(self, batch: int, logs: Logs = None) -> None: ...
    def on_predict_begin(self, logs: Logs = None) -> None: ...
    def on_predict_end(self, logs: Logs = None) -> None: ...
    def on_predict_batch_begin(self, batch: int, logs: Logs = None) -> None: ...
    def on_predict_batch_end(self, batch: int, logs: Logs = None) -> None: ...


_HOOKS = tuple(name for name in vars(Callback) if name.startswith("on_"))


class CallbackList:
    """Calls the hooks of several callbacks, in their order.

    Callbacks that do not override a hook cost nothing: where `has_train_batch_hooks` (or its likes)
    is False, a loop need neither call the hooks of its batches nor compute the logs for them.

    Raises:
        TypeError: an element is not a `Callback`, or has Keras's old hooks `on_batch_begin/end`.
    """

    def __init__(
        self,
        callbacks: Callback | Sequence[Callback] | None,
        model: Trainee,
        params: dict[str, Any],
    ) -> None:
        if callbacks is None:
            callbacks = []
        self.callbacks = list(callbacks) if isinstance(callbacks, Sequence) else [callbacks]
        for callback in self.callbacks:
            _check(callback)
        for callback in self.callbacks:
            callback.set_model(model)
            callback.set_params(params)
        self._hooks = {
            name: [getattr(c, name) for c in self.callbacks if _overrides(c, name)]
            for name in _HOOKS
        }
        self.has_train_batch_hooks = self._has("on_train_batch_begin", "on_train_batch_end")
        self.has_test_batch_hooks = self._has("on_test_batch_begin", "on_test_batch_end")
        self.has_predict_batch_hooks = self._has("on_predict_batch_begin", "on_predict_batch_end")

    def _has(self, *names: str) -> bool:
        return any(self._hooks[name] for name in names)

    def on_train_begin(self, logs: Logs = None) -> None:
        self._call("on_train_begin", _floats(logs))

    def on_train_end(self, logs: Logs = None) -> None:
        self._call("on_train_end", _floats(logs))

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        self._call("on_epoch_begin", epoch, _floats(logs))

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        self._call("on_epoch_end", epoch, _floats(logs))

    def on_train_batch_begin(self, batch: int, logs: Logs = None) -> None:
        self._call("on_train_batch_begin", batch, _floats(logs))

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        self._call("on_train_batch_end", batch, _floats(logs))

    def on_test_begin(self, logs: Logs = None) -> None:
        self._call("on_test_begin", _floats(logs))

    def on_test_end(self, logs: Logs = None) -> None:
        self._call("on_test_end", _floats(logs))

    def on_test_batch_begin(self, batch: int, logs: Logs = None) -> None:
        self._call("on_test_batch_begin", batch, _floats(logs))

    def on_test_batch_end(self, batch: int, logs: Logs = None) -> None:
        self._call("on_test_batch_end", batch, _floats(logs))

    def on_predict_begin(self, logs: Logs = None) -> None:
        self._call("on_predict_begin", logs or {})

    def on_predict_end(self, logs: Logs = None) -> None:
        self._call("on_predict_end", logs or {})

    def on_predict_batch_begin(self, batch: int, logs: Logs = None) -> None:
        self._call("on_predict_batch_begin", batch, logs or {})

    def on_predict_batch_end(self, batch: int, logs: Logs = None) -> None:
        self._call("on_predict_batch_end", batch, logs or {})

    def _call(self, name: str, *arguments: Any) -> None:
        for hook in self._hooks[name]:
            hook(*arguments)


def _check(callback: object) -> None:
    if not isinstance(callback, Callback):
        raise TypeError(f"callbacks: expected instances of Callback, got {callback!r}")
    for old in ("on_batch_begin", "on_batch_end"):
        if hasattr(callback, old):
            new = old.replace("batch", "train_batch")
            raise TypeError(f"{type(callback).__name__}: {old} is never called, expected {new}")


def _overrides(callback: Callback, name: str) -> bool:
    # A LambdaCallback keeps plain functions on the instance; those have no __func__.
    return getattr(getattr(callback, name), "__func__", None) is not getattr(Callback, name)


def _floats(logs: Mapping[str, Any] | None) -> dict[str, float]:
    """Python floats in alphabetical order, the order in which Keras shows and records them."""
    return {name: float(value) for name, value in sorted((logs or {}).items())}


class History(Callback):
    """Collects the logs: `.history[name]` is a list of floats, `.epoch` the list of epochs."""

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


class ProgressBar(Callback):
    """Prints Keras's progress lines (ProgbarLogger there); see progress.py.

    `params["verbose"]`: 0 silent; 1 or "auto" a bar; 2 a line an epoch.
    """

    def set_params(self, params: dict[str, Any]) -> None:
        super().set_params(params)
        self._verbose: int = 1 if params["verbose"] == "auto" else params["verbose"]
        self._steps: int | None = params["steps"]
        self._in_fit = False

    def on_train_begin(self, logs: Logs = None) -> None:
        self._in_fit = True

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        self._start()
        if self._verbose and self.params["epochs"] > 1:
            print_text(f"Epoch {epoch + 1}/{self.params['epochs']}\n")

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        self._line.update(batch + 1, logs)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        self._finish(logs)

    def on_test_begin(self, logs: Logs = None) -> None:
        if not self._in_fit:
            self._start()

    def on_test_batch_end(self, batch: int, logs: Logs = None) -> None:
        if not self._in_fit:
            self._line.update(batch + 1, logs)

    def on_test_end(self, logs: Logs = None) -> None:
        if not self._in_fit:
            self._finish(logs)

    def on_predict_begin(self, logs: Logs = None) -> None:
        self._start()

    def on_predict_batch_end(self, batch: int, logs: Logs = None) -> None:
        self._line.update(batch + 1)

    def on_predict_end(self, logs: Logs = None) -> None:
        self._finish(None)

    def _start(self) -> None:
        self._line = ProgressLine(self._steps, self._verbose)

    def _finish(self, logs: Logs) -> None:
        self._line.finish(logs)
        self._steps = self._line.steps


class CSVLogger(Callback):
    """Writes one row per epoch: epoch, then the logs in alphabetical order.

    Without validation Keras leaves empty places for it, a column `val_*` of "NA" for every log; so
    here. The file is opened for one row at a time: what is written survives an interruption.

    Args:
        filename: is emptied when training begins, unless `append`.
        separator: one character.
        append: go on with a file that exists; a header is written only into an empty one.

    Raises:
        OSError: the file cannot be written.
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


class _Monitor(Callback):
    """Common part of the callbacks that watch one entry of the logs for an improvement."""

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
        # Keras compares in float32 here; Python floats tell apart what float32 rounds together.
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
            f"{type(self).__name__}: mode='auto' knows losses and accuracies only,"
            f" expected mode='min' or mode='max' for monitor={self.monitor!r}"
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
        monitor: name in the logs.
        min_delta: a smaller change does not count as an improvement.
        patience: epochs without improvement to wait for.
        verbose: 1 prints what is done.
        mode: "min", "max", or "auto": "max" for an accuracy, "min" for a loss or squared error.
        baseline: the wait restarts only when this value is beaten as well.
        restore_best_weights: at the end of training, go back to the weights of the best epoch.
        start_from_epoch: epochs before it are not looked at.

    Attributes:
        stopped_epoch: the epoch that stopped training, 0 if none did; `best_epoch`, `best` value.

    Raises:
        ValueError: "auto" cannot tell the direction of `monitor`.
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

    This library saves weights, never whole models: `save_weights_only=True` must be passed.

    Args:
        filepath: ends in ".weights.h5"; {epoch} (from 1), {batch} (from 1, when `save_freq` is a
            number) and names from the logs are filled in. A missing folder is made.
        monitor: name in the logs, used by `save_best_only`.
        verbose: 1 prints what is done.
        save_best_only: save only when `monitor` has improved (always when it is missing).
        mode: see `EarlyStopping`.
        save_freq: "epoch", or a number of batches.
        initial_value_threshold: the best value so far, for a run that is resumed.

    Raises:
        ValueError: in the cases above, or a field of `filepath` that the logs do not hold.
        OSError: the file cannot be written.
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
    """Stops training after a batch whose running loss is NaN or infinite."""

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        if not math.isfinite((logs or {}).get("loss", 0.0)):
            print_text(f"Batch {batch}: Invalid loss, terminating training\n")
            self.model.stop_training = True


class LambdaCallback(Callback):
    """A callback made of functions; any hook of `Callback` may be given by its name.

    Raises:
        TypeError: a name is not a hook.
    """

    def __init__(
        self,
        on_epoch_begin: Callable[..., object] | None = None,
        on_epoch_end: Callable[..., object] | None = None,
        on_train_begin: Callable[..., object] | None = None,
        on_train_end: Callable[..., object] | None = None,
        on_train_batch_begin: Callable[..., object] | None = None,
        on_train_batch_end: Callable[..., object] | None = None,
        **kwargs: Callable[..., object],
    ) -> None:
        for name in kwargs:
            if name not in _HOOKS:
                raise TypeError(f"LambdaCallback: unknown hook {name!r}, expected one of {_HOOKS}")
        hooks = {
            "on_epoch_begin": on_epoch_begin,
            "on_epoch_end": on_epoch_end,
            "on_train_begin": on_train_begin,
            "on_train_end": on_train_end,
            "on_train_batch_begin": on_train_batch_begin,
            "on_train_batch_end": on_train_batch_end,
            **kwargs,
        }
        vars(self).update({name: hook for name, hook in hooks.items() if hook is not None})
