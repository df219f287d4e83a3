"""The printed report: its table, its exit code, and that it cannot miss a difference."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator

import numpy as np
import pytest

pytest.importorskip("keras")

from keras_ref.parity import CASES, Case
from keras_ref.parity import __main__ as report


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """No line of a table is folded."""
    monkeypatch.setenv("COLUMNS", "160")


def _line(text: str, *parts: str) -> str:
    """The one line that has all the parts."""
    (line,) = (line for line in text.splitlines() if all(part in line for part in parts))
    return line


def test_a_filter_selects_cases_and_the_table_has_a_line_for_each_dtype(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert report.main(["--filter", "ops.add"]) == 0
    out, err = capsys.readouterr()
    for dtype in ("float32", "float64"):
        line = _line(out, "op", dtype, "holds")
        assert "ops.add" in line and "eps" in line and " 32 " in line
    assert out.splitlines()[-1].endswith("rows, 0 broken")
    assert "BROKEN" not in out
    assert "2/2" in err  # the progress bar


def test_one_dtype_alone_can_be_compared(capsys: pytest.CaptureFixture[str]) -> None:
    assert report.main(["--filter", "ops.add", "--dtype", "float64"]) == 0
    out = capsys.readouterr().out
    assert "float64" in out and "float32" not in out


@pytest.mark.parametrize("error", [33.0, math.nan, math.inf])
def test_a_fault_is_exit_code_1_and_a_line_of_its_own(
    error: float, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (case,) = (case for case in CASES if str(case) == "ops.add")

    def run(dtype: str) -> Iterator[tuple[str, object, object]]:
        yield from case.run(dtype)
        yield "injected [fault]", np.float64(1 + error * np.finfo(dtype).eps), np.float64(1)

    faulty = dataclasses.replace(case, run=run, dtypes=("float64",))
    monkeypatch.setattr(report, "CASES", [faulty])
    assert report.main([]) == 1
    out = capsys.readouterr().out
    assert "injected [fault]" in _line(out, "│", "BROKEN")
    broken = _line(out, "BROKEN op float64 ops.add: injected [fault]: ")
    assert broken.endswith("eps, bound 32 (rounding: both sides sum in another order)")
    assert out.splitlines()[-1].endswith("rows, 1 broken")


def _one_row(ours: float) -> Callable[[str], Iterator[tuple[str, object, object]]]:
    def run(dtype: str) -> Iterator[tuple[str, object, object]]:
        yield "value", np.float64(ours), np.float64(1)

    return run


def test_wide_bounds_and_statistics_do_not_hide_in_the_figures_of_rounding(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wide = 1 + 2.0**28 * float(np.finfo("float64").eps)
    cases = [
        Case("op", "exact", _one_row(1.0), dtypes=("float64",)),
        Case("op", "trap", _one_row(wide), dtypes=("float64",), bound=2.0**29),
        Case("op", "drawn", _one_row(3.0), dtypes=("float64",), bound=5.0, unit="standard errors"),
    ]
    monkeypatch.setattr(report, "CASES", cases)
    assert report.main([]) == 0
    out = capsys.readouterr().out
    places = [
        out.index(text)
        for pair in zip(report.SECTIONS, ("exact: ", "trap: ", "drawn: "), strict=True)
        for text in pair
    ]
    assert places == sorted(places)


@pytest.mark.parametrize(
    "arguments", [["--filter", "no such name"], ["--filter", "in float64", "--dtype", "float32"]]
)
def test_a_filter_that_matches_nothing_is_exit_code_2_and_one_line(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert report.main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == "" and len(err.splitlines()) == 1
    assert repr(arguments[1]) in err
