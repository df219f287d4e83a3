"""Callbacks: objects whose hooks `fit`, `evaluate` and `predict` call, as in keras.callbacks."""

from numpy_nets.callbacks.callback import Callback, CallbackList, LambdaCallback, Logs
from numpy_nets.callbacks.logging import CSVLogger, History
from numpy_nets.callbacks.monitors import EarlyStopping, ModelCheckpoint, TerminateOnNaN
from numpy_nets.callbacks.progress import ProgressBar
from numpy_nets.callbacks.scheduling import LearningRateScheduler

__all__ = [
    "CSVLogger", "Callback", "CallbackList", "EarlyStopping", "History", "LambdaCallback",
    "LearningRateScheduler", "Logs", "ModelCheckpoint", "ProgressBar", "TerminateOnNaN",
]  # fmt: skip
