"""The progress lines are Keras's, character for character, under the same clock."""

from __future__ import annotations

import functools
import random
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

keras = pytest.importorskip("keras")

from numpy_nets.callbacks import CallbackList, ProgressBar, progress  # noqa: E402
from numpy_nets.callbacks.progress import ProgressLine  # noqa: E402

VALUES = [1533.3, 28.5, 0.1, 0.001, 1e-3 + 1e-9, 4.2e-7, 0.0, -3.25, float("nan"), float("inf")]


@pytest.fixture(autouse=True)
def _terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing can be redrawn, in a file, ours differs on purpose."""
    monkeypatch.setattr(progress, "_can_redraw", lambda: True)


def ticking(seed: int, scale: float) -> Callable[[], float]:
    """A clock whose reading moves on by a random amount at every call, from one hour on."""
    rng = random.Random(seed)
    now = 3600.0

    def clock() -> float:
        nonlocal now
        now += rng.expovariate(1.0) * scale
        return now

    return clock


def drive(target: Any, job: str, epochs: int, steps: int, logs: list[dict[str, float]]) -> None:
    """Call the hooks of `target` as fit, evaluate or predict would."""
    values = iter(logs)
    if job == "fit":
        target.on_train_begin()
        for epoch in range(epochs):
            target.on_epoch_begin(epoch)
            for batch in range(steps):
                target.on_train_batch_begin(batch)
                target.on_train_batch_end(batch, next(values))
            target.on_test_begin()
            for batch in range(2):
                target.on_test_batch_begin(batch)
                target.on_test_batch_end(batch, next(values))
            target.on_test_end(next(values))
            last = next(values)
            target.on_epoch_end(epoch, last | {f"val_{name}": last[name] for name in last})
        target.on_train_end()
    elif job == "evaluate":
        target.on_test_begin()
        for batch in range(steps):
            target.on_test_batch_end(batch, next(values))
        target.on_test_end(next(values))
    else:
        target.on_predict_begin()
        for batch in range(steps):
            target.on_predict_batch_end(batch, {"outputs": [1.0]})
        target.on_predict_end()


@pytest.mark.parametrize("job", ["fit", "evaluate", "predict"])
@pytest.mark.parametrize("verbose", ["auto", 1, 2])
@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("scale", [1e-5, 0.03, 1.7, 900.0])
@pytest.mark.parametrize("steps", [1, 2, 17, 250])
def test_progress_bar_prints_what_keras_prints(
    job: str,
    verbose: str | int,
    known: bool,
    scale: float,
    steps: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    epochs = 2 if job == "fit" else 1
    rng = random.Random(steps)
    logs = [{"mae": rng.choice(VALUES), "loss": rng.choice(VALUES)} for _ in range(2 * steps + 20)]
    params = {"verbose": verbose, "epochs": epochs, "steps": steps if known else None}

    clock = SimpleNamespace(time=ticking(steps, scale))
    monkeypatch.setattr("keras.src.utils.progbar.time", clock)
    theirs = keras.callbacks.CallbackList([], add_progbar=True, model=None, **params)
    drive(theirs, job, epochs, steps, logs)
    expected = capsys.readouterr().out

    line = functools.partial(ProgressLine, clock=ticking(steps, scale))
    monkeypatch.setattr(progress, "ProgressLine", line)
    ours = CallbackList([ProgressBar()], SimpleNamespace(), params)
    drive(ours, job, epochs, steps, logs)
    assert capsys.readouterr().out == expected
    assert expected.endswith("\n")


def test_every_length_of_bar_is_filled_as_in_keras(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """20 · (step / steps) is rounded down: the order of the two operations shows."""
    monkeypatch.setattr("keras.src.utils.progbar.time", SimpleNamespace(time=lambda: 1.0))
    for steps in (*range(2, 121), 999, 1000, 1001):
        for step in range(1, steps, 1 + steps // 120):
            keras.utils.Progbar(steps, interval=-1).update(step)
            expected = capsys.readouterr().out
            ProgressLine(steps, interval=-1, clock=lambda: 1.0).update(step)
            assert capsys.readouterr().out == expected
