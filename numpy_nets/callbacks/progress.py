"""Progress lines as Keras 3 prints them, and the callback that prints them in `fit`.

In a terminal, verbose=1 redraws one line in place, at most twenty times a second:

    2/3 ━━━━━━━━━━━━━━━━━━━━ 0s 28ms/step - loss: 1533.3000

verbose=2 prints one line at the end:

    3/3 - 0s - 28ms/step - loss: 1533.3000

The format is that of keras.utils.Progbar in Keras 3.15.1, escape codes included, and
tests/parity/test_progress.py compares the text. It differs where nobody could read Keras's: into a
file or a pipe, verbose=1 writes only the last state of each line, without escape codes; in a
notebook a line is redrawn without backspaces, which it would show as boxes.
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

from numpy_nets.callbacks.callback import Callback, Logs

BAR_WIDTH = 20
_ESCAPE_CODE = re.compile(r"\x1b\[\d+m")


class ProgressLine:
    """The progress of one epoch, evaluation or prediction, on standard output.

    Args:
        steps: the number of batches, or None if it is unknown.
        verbose: 1 for a bar that is redrawn, 2 for one line that `finish` writes.
        interval: the least time between two redraws, in seconds.
        clock: returns the time in seconds.
    """

    def __init__(
        self,
        steps: int | None,
        verbose: int = 1,
        interval: float = 0.05,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.steps = steps
        self.verbose = verbose
        self._interval = interval
        self._clock = clock
        self._logs: dict[str, float] = {}
        self._seen = 0
        self._start = clock()
        self._first_step_end: float | None = None
        self._last_draw = float("-inf")
        self._drawn_width = 0

    def update(self, step: int, logs: Mapping[str, float] | None = None) -> None:
        """Note that `step` batches are done, with the metrics so far; redraw if it is time."""
        self._seen = step
        if self.verbose != 1:
            return
        self._logs.update(logs or {})
        now = self._clock()
        per_step = self._seconds_per_step(step, now)
        if now - self._last_draw >= self._interval and _can_redraw():
            self._draw(step, now, per_step, done=False)

    def finish(self, logs: Mapping[str, float] | None = None) -> None:
        """Write the closing line. If the number of steps was unknown, it is now the number done."""
        if self.steps is None:
            self.steps = self._seen
        self._logs.update(logs or {})
        now = self._clock()
        per_step = self._seconds_per_step(self.steps, now)
        if self.verbose == 1:
            self._draw(self.steps, now, per_step, done=True)
        elif self.verbose == 2 and self.steps:
            elapsed = f"{now - self._start:.0f}s"
            count = f"{self.steps}/{self.steps}"
            # In this mode alone Keras takes no absolute value, so negative numbers get .4e.
            metrics = _metrics(self._logs, lambda value: value > 1e-3)
            print_text(f"{count} - {elapsed} - {_step_time(per_step)}{metrics}\n")

    def _seconds_per_step(self, step: int, now: float) -> float:
        """The mean; from the second step on without the first, which is often slow."""
        if step > 1 and self._first_step_end is not None:
            return (now - self._first_step_end) / (step - 1)
        if step == 1:
            self._first_step_end = now
        return (now - self._start) / step if step else 0.0

    def _draw(self, step: int, now: float, per_step: float, done: bool) -> None:
        if self.steps:
            filled = int(BAR_WIDTH * (step / self.steps))
            count = f"{step:{len(str(self.steps))}d}/{self.steps}"
            green = f"\x1b[32m{'━' * filled}\x1b[0m" if filled > 0 else ""
            bar = f"\x1b[1m{count}\x1b[0m {green}\x1b[37m{'━' * (BAR_WIDTH - filled)}\x1b[0m"
        else:
            bar = f"{step:7d}/Unknown"
        if self.steps and not done:
            when = _remaining(per_step * (self.steps - step))
        else:
            when = f"{now - self._start:.0f}s"
        metrics = _metrics(self._logs, lambda value: abs(value) > 1e-3)
        line = f"{bar} \x1b[1m{when}\x1b[0m {_step_time(per_step)}{metrics}"
        plain = _ESCAPE_CODE.sub("", line)
        width = len(plain)
        if not _can_redraw():
            print_text(plain + "\n")
            return
        home = "\r" if _in_notebook() else "\b" * self._drawn_width + "\r"
        padding = " " * (self._drawn_width - width)
        print_text(home + line + padding + ("\n" if done else ""))
        self._drawn_width = width
        self._last_draw = now


class ProgressBar(Callback):
    """Prints a `ProgressLine` for every epoch, evaluation or prediction (Keras: ProgbarLogger).

    `params["verbose"]` is 0 for nothing, 1 or "auto" for a bar, 2 for a line an epoch.
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


def print_text(text: str) -> None:
    """Write to standard output at once, without the characters that its encoding lacks (━: =)."""
    try:
        sys.stdout.write(text)
    except UnicodeEncodeError:
        encoding = sys.stdout.encoding or "utf-8"
        sys.stdout.write(text.replace("━", "=").encode(encoding, "ignore").decode(encoding))
    sys.stdout.flush()


def _can_redraw() -> bool:
    """Whether a line can be overwritten: not in a file, where every state would stay."""
    return sys.stdout.isatty() or _in_notebook() or "PYCHARM_HOSTED" in os.environ


def _in_notebook() -> bool:
    ipython = sys.modules.get("IPython")  # which may have been imported for something else
    return ipython is not None and hasattr(ipython.get_ipython(), "kernel")


def _metrics(logs: Mapping[str, float], is_large: Callable[[float], bool]) -> str:
    return "".join(
        f" - {name}: {value:.4f}" if is_large(value) else f" - {name}: {value:.4e}"
        for name, value in logs.items()
    )


def _step_time(seconds: float) -> str:
    if seconds >= 1 or seconds == 0:
        return f"{seconds:.0f}s/step"
    if seconds >= 1e-3:
        return f"{seconds * 1e3:.0f}ms/step"
    return f"{seconds * 1e6:.0f}us/step"


def _remaining(seconds: float) -> str:
    whole = int(seconds)
    if seconds > 3600:
        return f"{whole // 3600}:{whole % 3600 // 60:02d}:{whole % 60:02d}"
    if seconds > 60:
        return f"{whole // 60}:{whole % 60:02d}"
    return f"{whole}s"
