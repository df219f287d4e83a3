"""Progress lines as Keras 3 prints them.

verbose=1 redraws one line in place, at most twenty times a second:

    2/3 ━━━━━━━━━━━━━━━━━━━━ 0s 28ms/step - loss: 1533.3000

verbose=2 prints one line when all is done:

    3/3 - 0s - 28ms/step - loss: 1533.3000

Format: keras.utils.Progbar of Keras 3.15.1, escape codes included; tests/parity/test_progress.py
compares the text.
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Callable, Mapping

BAR_WIDTH = 20
_ESCAPE_CODE = re.compile(r"\x1b\[\d+m")


class ProgressLine:
    """The progress of one epoch, evaluation or prediction on standard output.

    Args:
        steps: how many batches there will be, None if unknown.
        verbose: 1 (a bar that is redrawn) or 2 (one line, written by `finish`).
        interval: least time between two redraws, in seconds.
        clock: gives the time in seconds.
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
        if now - self._last_draw >= self._interval:
            self._draw(step, now, per_step, done=False)

    def finish(self, logs: Mapping[str, float] | None = None) -> None:
        """Write the closing line. An unknown number of steps becomes the number seen."""
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
            # Keras takes no absolute value in this mode only: negative numbers come out as .4e.
            metrics = _metrics(self._logs, lambda value: value > 1e-3)
            print_text(f"{count} - {elapsed} - {_step_time(per_step)}{metrics}\n")

    def _seconds_per_step(self, step: int, now: float) -> float:
        """The mean; without the first step, which is often slow, once there is a second one."""
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
        width = len(_ESCAPE_CODE.sub("", line))
        home = "\b" * self._drawn_width + "\r" if _redraws_in_place() else "\n"
        padding = " " * (self._drawn_width - width)
        print_text(home + line + padding + ("\n" if done else ""))
        self._drawn_width = width
        self._last_draw = now


def print_text(text: str) -> None:
    """Write to standard output at once; what its encoding cannot hold is left out (━ becomes =)."""
    try:
        sys.stdout.write(text)
    except UnicodeEncodeError:
        encoding = sys.stdout.encoding or "utf-8"
        sys.stdout.write(text.replace("━", "=").encode(encoding, "ignore").decode(encoding))
    sys.stdout.flush()


def _redraws_in_place() -> bool:
    # Keras draws in place on every POSIX system, even into a file; elsewhere it needs a terminal.
    return (
        os.name == "posix"
        or sys.stdout.isatty()
        or "ipykernel" in sys.modules
        or "PYCHARM_HOSTED" in os.environ
    )


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
