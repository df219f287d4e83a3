"""Callback, whose hooks `fit`, `evaluate` and `predict` call, and lists of them.

The order of the calls: train_begin; for every epoch epoch_begin, (train_batch_begin,
train_batch_end)*, (test_begin, (test_batch_begin, test_batch_end)*, test_end), epoch_end; at last
train_end. Semantics: Keras 3.15.1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

Logs: TypeAlias = dict[str, Any] | None


class Trainee(Protocol):
    """What callbacks need of a model."""

    stop_training: bool
    history: Any

    def get_weights(self) -> list[Any]: ...
    def set_weights(self, weights: list[Any], /) -> None: ...
    def save_weights(self, filepath: str, /, overwrite: bool = ...) -> None: ...


class Callback:
    """The base class, whose hooks do nothing.

    Epochs and batches are counted from 0. `logs` holds the metrics as floats, by name: at the end
    of a batch their running values in this epoch, at the end of an epoch the final ones, with
    `val_*`. `on_predict_batch_end` gets {"outputs": array}. `params` holds "verbose", "epochs" and
    "steps" (None if unknown).
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


HOOKS = tuple(name for name in vars(Callback) if name.startswith("on_"))


class CallbackList:
    """Several callbacks as one: `on_epoch_end(epoch, logs)` calls that hook of each, in order.

    A callback that does not override a hook costs nothing: where `has_train_batch_hooks` (or its
    likes) is False, a loop need neither call the hooks of its batches nor compute their logs.

    Raises:
        TypeError: if an element is not a `Callback`, or has Keras's old hooks `on_batch_begin` or
            `on_batch_end`, which nothing calls.
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
            for name in HOOKS
        }
        self.has_train_batch_hooks = self._has("on_train_batch_begin", "on_train_batch_end")
        self.has_test_batch_hooks = self._has("on_test_batch_begin", "on_test_batch_end")
        self.has_predict_batch_hooks = self._has("on_predict_batch_begin", "on_predict_batch_end")

    def _has(self, *names: str) -> bool:
        return any(self._hooks[name] for name in names)

    def __getattr__(self, name: str) -> Callable[..., None]:
        """The hooks, all alike: with the epoch or batch that the name speaks of, then the logs."""
        if name not in HOOKS:
            raise AttributeError(f"CallbackList has no attribute {name!r}")
        position = name.count("epoch") + name.count("batch")

        def call(*arguments: Any) -> None:
            logs = arguments[position] if len(arguments) > position else None
            logs = (logs or {}) if "predict" in name else _floats(logs)
            for hook in self._hooks[name]:
                hook(*arguments[:position], logs)

        return call


def _check(callback: object) -> None:
    if not isinstance(callback, Callback):
        raise TypeError(f"callbacks: expected instances of Callback, got {callback!r}")
    for old in ("on_batch_begin", "on_batch_end"):
        if hasattr(callback, old):
            new = old.replace("batch", "train_batch")
            raise TypeError(f"{type(callback).__name__}: {old} is never called, expected {new}")


def _overrides(callback: Callback, name: str) -> bool:
    # A LambdaCallback holds plain functions as attributes, which have no __func__.
    return getattr(getattr(callback, name), "__func__", None) is not getattr(Callback, name)


def _floats(logs: Mapping[str, Any] | None) -> dict[str, float]:
    """Python floats in alphabetical order, the order in which Keras shows and records them."""
    return {name: float(value) for name, value in sorted((logs or {}).items())}


class LambdaCallback(Callback):
    """A callback made of functions: any hook of `Callback` can be passed under its name.

    Raises:
        TypeError: if a name is not that of a hook.

    >>> shout = LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch, logs["loss"]))
    >>> shout.on_epoch_end(0, {"loss": 0.5})
    0 0.5
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
            if name not in HOOKS:
                raise TypeError(f"LambdaCallback: unknown hook {name!r}, expected one of {HOOKS}")
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
