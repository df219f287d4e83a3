"""The progress line: what is written, when, and how often."""

from __future__ import annotations

import io
import sys
import types
from collections.abc import Callable

import pytest

from numpy_nets.callbacks.progress import ProgressLine, print_text


def clock_at(*times: float) -> Callable[[], float]:
    return iter(times).__next__


def bar(full: int) -> str:
    green = f"\x1b[32m{'━' * full}\x1b[0m" if full else ""
    return f"{green}\x1b[37m{'━' * (20 - full)}\x1b[0m"


Output = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _terminal(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Standard output can redraw, but for the tests that are marked otherwise by their name."""
    if "into_a_log" not in request.node.name and "notebook" not in request.node.name:
        monkeypatch.setattr("numpy_nets.callbacks.progress._can_redraw", lambda: True)


def test_into_a_log_goes_only_the_last_state_without_escape_codes(capsys: Output) -> None:
    line = ProgressLine(10, clock=clock_at(0.0, 1.0, 3.0, 19.0))
    line.update(1, {"loss": 0.5})
    line.update(2, {"loss": 0.25})
    line.finish({"loss": 0.125})
    assert capsys.readouterr().out == f"10/10 {'━' * 20} 19s 2s/step - loss: 0.1250\n"


def test_ipython_that_is_only_imported_is_no_notebook_into_a_log(
    capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    ipython = types.SimpleNamespace(get_ipython=lambda: None)
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    ProgressLine(2, clock=clock_at(0.0, 1.0)).update(1, {"loss": 0.5})
    assert "\x1b" not in capsys.readouterr().out


def test_a_notebook_gets_no_backspaces(capsys: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    ipython = types.SimpleNamespace(get_ipython=lambda: types.SimpleNamespace(kernel=None))
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    line = ProgressLine(2, clock=clock_at(0.0, 1.0, 2.0))
    line.update(1, {"loss": 0.5})
    line.finish({"loss": 0.25})
    text = capsys.readouterr().out
    assert text.count("\r") == 2
    assert "\b" not in text


def test_verbose_2_writes_one_line_when_finished(capsys: Output) -> None:
    line = ProgressLine(3, verbose=2, clock=clock_at(0.0, 0.084))
    for step in (1, 2, 3):
        line.update(step, {"loss": 9.0})
    assert capsys.readouterr().out == ""
    line.finish({"loss": 1533.3, "mae": 28.5})
    assert capsys.readouterr().out == "3/3 - 0s - 28ms/step - loss: 1533.3000 - mae: 28.5000\n"


def test_verbose_0_writes_nothing(capsys: Output) -> None:
    line = ProgressLine(1, verbose=0)
    line.update(1, {"loss": 9.0})
    line.finish({"loss": 9.0})
    assert capsys.readouterr().out == ""


def test_verbose_1_redraws_the_bar_over_the_previous_one(capsys: Output) -> None:
    line = ProgressLine(10, clock=clock_at(0.0, 1.0, 3.0, 19.0))
    line.update(1, {"loss": 0.5})
    line.update(2, {"loss": 0.25})
    line.finish({"loss": 0.125, "val_loss": 0.75})
    first = f"\x1b[1m 1/10\x1b[0m {bar(2)} \x1b[1m9s\x1b[0m 1s/step - loss: 0.5000"
    second = f"\x1b[1m 2/10\x1b[0m {bar(4)} \x1b[1m16s\x1b[0m 2s/step - loss: 0.2500"
    last = f"\x1b[1m10/10\x1b[0m {bar(20)} \x1b[1m19s\x1b[0m 2s/step - loss: 0.1250"
    width = len(f" 1/10 {'━' * 20} 9s 1s/step - loss: 0.5000")
    back = "\b" * width + "\r"
    longer = "\b" * (width + 1) + "\r"
    # The step time of the last line leaves out the first step: (19 - 1) / 9.
    expected = "\r" + first + back + second + longer + last + " - val_loss: 0.7500\n"
    assert capsys.readouterr().out == expected


def test_a_shorter_line_is_padded_over_the_longer_one(capsys: Output) -> None:
    line = ProgressLine(3, clock=clock_at(0.0, 0.1, 0.12))
    line.update(1)
    line.finish()
    first, last = capsys.readouterr().out.split("\b", maxsplit=1)
    assert first.endswith("0s\x1b[0m 100ms/step")
    assert last.endswith("0s\x1b[0m 10ms/step \n")


def test_redraws_are_at_least_the_interval_apart(capsys: Output) -> None:
    ticks = [i / 1000 for i in range(1002)]
    line = ProgressLine(1001, clock=clock_at(*ticks))
    for step in range(1, 1001):
        line.update(step, {"loss": 1.0})
    assert capsys.readouterr().out.count("\r") == 1000 / 50


def test_the_closing_line_is_never_throttled(capsys: Output) -> None:
    line = ProgressLine(2, clock=clock_at(0.0, 0.001, 0.002))
    line.update(1)
    line.finish()
    text = capsys.readouterr().out
    assert text.count("\r") == 2
    assert text.endswith("\n")


def test_unknown_steps_become_the_number_seen(capsys: Output) -> None:
    line = ProgressLine(None, clock=clock_at(0.0, 1.0, 2.0))
    line.update(1, {"loss": 0.5})
    assert capsys.readouterr().out == "\r      1/Unknown \x1b[1m1s\x1b[0m 1s/step - loss: 0.5000"
    line.finish()
    assert line.steps == 1
    assert "\x1b[1m1/1\x1b[0m" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0s"),
        (59.9, "59s"),
        (60.0, "60s"),
        (61.0, "1:01"),
        (3600.0, "60:00"),
        (3661.0, "1:01:01"),
    ],
)
def test_remaining_time_is_written_as(seconds: float, text: str, capsys: Output) -> None:
    line = ProgressLine(2, clock=clock_at(0.0, seconds))
    line.update(1)
    assert f" \x1b[1m{text}\x1b[0m " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0, "0s"), (2e-5, "20us"), (9.99e-4, "999us"), (1e-3, "1ms"), (0.9, "900ms"), (1.0, "1s")],
)
def test_step_time_is_written_as(seconds: float, text: str, capsys: Output) -> None:
    ProgressLine(1, verbose=2, clock=clock_at(0.0, seconds)).finish()
    assert capsys.readouterr().out.endswith(f" - {text}/step\n")


@pytest.mark.parametrize(
    ("value", "in_bar", "in_line"),
    [
        (12.34567, "12.3457", "12.3457"),
        (0.0011, "0.0011", "0.0011"),
        (0.001, "1.0000e-03", "1.0000e-03"),
        (0.0, "0.0000e+00", "0.0000e+00"),
        (-2.5, "-2.5000", "-2.5000e+00"),
        (float("nan"), "nan", "nan"),
        (float("inf"), "inf", "inf"),
    ],
)
def test_values_have_four_decimals_and_small_ones_an_exponent(
    value: float, in_bar: str, in_line: str, capsys: Output
) -> None:
    ProgressLine(1, verbose=1).finish({"loss": value})
    assert capsys.readouterr().out.endswith(f" - loss: {in_bar}\n")
    ProgressLine(1, verbose=2).finish({"loss": value})
    assert capsys.readouterr().out.endswith(f" - loss: {in_line}\n")


def test_an_encoding_without_the_bar_gets_equal_signs(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    print_text("━━ é ok\n")
    assert raw.getvalue() == b"==  ok\n"


def test_text_is_flushed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="utf-8"))
    print_text("no line end")
    assert raw.getvalue() == b"no line end"
