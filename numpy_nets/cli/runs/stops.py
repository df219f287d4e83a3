"""What ends a training before its last epoch: Ctrl-C, and a loss that is not finite."""

import math
import signal
from types import FrameType
from typing import Self

from numpy_nets.callbacks import Callback, Logs
from numpy_nets.distributed import World


class Stopped(Exception):
    """Ctrl-C was pressed, and the batch that was running then has ended."""


class Diverged(ValueError):
    """A loss is not finite any more."""


class StopOnInterrupt(Callback):
    """Within `with`, Ctrl-C raises Stopped at the end of the batch, and a second one at once.

    Args:
        world: the ranks that train together, if there are several: they stop after the same batch.
    """

    def __init__(self, world: World | None = None) -> None:
        self._world = world

    def __enter__(self) -> Self:
        self._asked = False
        if self._world is not None:
            self._world.asked = self._world.stopping = False
        self._before = signal.signal(signal.SIGINT, self._ask)
        return self

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGINT, self._before)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self._asked = True
        if self._world is not None:
            self._world.asked = True
        signal.signal(signal.SIGINT, self._before)

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        if self._asked if self._world is None else self._world.stopping:
            raise Stopped


class StopOnDivergence(Callback):
    """Raises Diverged at the end of a batch after which a mean of the epoch is not finite."""

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        if not all(math.isfinite(value) for value in (logs or {}).values()):
            raise Diverged(
                f"training diverged at step {batch + 1} of the epoch: {logs}; "
                "expected finite values: try a smaller --learning-rate"
            )
