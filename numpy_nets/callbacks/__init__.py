"""Callbacks: objects whose hooks `fit`, `evaluate` and `predict` call, as in keras.callbacks."""

from numpy_nets.callbacks.callback import (
    Callback,
    CallbackList,
    CSVLogger,
    EarlyStopping,
    History,
    LambdaCallback,
    Logs,
    ModelCheckpoint,
    ProgressBar,
    TerminateOnNaN,
    Trainee,
)

__all__ = [
    "CSVLogger", "Callback", "CallbackList", "EarlyStopping", "History", "LambdaCallback", "Logs",
    "ModelCheckpoint", "ProgressBar", "TerminateOnNaN", "Trainee",
]  # fmt: skip
