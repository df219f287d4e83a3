"""LearningRateScheduler: a learning rate for each epoch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numpy_nets.callbacks.callback import Callback, Logs
from numpy_nets.callbacks.progress import print_text


class LearningRateScheduler(Callback):
    """Sets the optimizer's learning rate at the beginning of every epoch, and logs it.

    Args:
        schedule: (epoch from 0, learning rate so far) -> learning rate, a float.
        verbose: 1 prints it.

    Raises:
        ValueError: if schedule returns anything else.
    """

    def __init__(self, schedule: Callable[[int, float], float], verbose: int = 0) -> None:
        self.schedule = schedule
        self.verbose = verbose

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        optimizer: Any = self.model.optimizer  # type: ignore[attr-defined]  # of a Trainer
        rate = self.schedule(epoch, optimizer.learning_rate)
        if self.verbose > 0:
            print_text(
                f"\nEpoch {epoch + 1}: LearningRateScheduler setting learning rate to {rate}.\n"
            )
        optimizer.learning_rate = rate

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        if logs is not None:
            optimizer: Any = self.model.optimizer  # type: ignore[attr-defined]
            logs["learning_rate"] = optimizer.learning_rate
