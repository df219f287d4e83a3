"""The report: its tables, files and exit codes, and that it cannot miss a difference."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import re
import signal
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("keras")

import keras

import numpy_nets
from keras_ref.parity import CASES, Case, Row, compute
from keras_ref.parity import __main__ as report
from keras_ref.parity.report import page, results
from numpy_nets import cli


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wide enough that no line of a table is folded."""
    monkeypatch.setenv("COLUMNS", "160")


def _line(text: str, *parts: str) -> str:
    """The one line that has all the parts."""
    (line,) = (line for line in text.splitlines() if all(part in line for part in parts))
    return line


def _case(name: str) -> Case:
    (case,) = (case for case in CASES if str(case) == name)
    return case


def _one_row(
    ours: float, theirs: float = 1.0
) -> Callable[[str], Iterator[tuple[str, object, object]]]:
    def run(dtype: str) -> Iterator[tuple[str, object, object]]:
        yield "value", np.float64(ours), np.float64(theirs)

    return run


def _training(dtype: str) -> Iterator[tuple[str, object, object]]:
    """Losses 4, 3, 2, 1; ours are 0, 1, 2, 3 times 2 eps of the largest away from them."""
    losses = np.arange(4.0, 0, -1)
    yield "loss at each of 4 steps", losses + 8 * np.finfo(dtype).eps * np.arange(4), losses


# What is printed.


def test_a_filter_selects_cases_and_each_quantity_has_a_line_for_each_dtype(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert report.main(["--filter", "ops.add"]) == 0
    out, err = capsys.readouterr()
    for dtype in ("float32", "float64"):
        for quantity in ("value", "gradient of input 0", "gradient of input 1"):
            line = _line(out, "│ ops.add ", f" {quantity} ", dtype, "holds")
            assert " 32 " in line
        assert "ops.add: " in _line(out, "op ", dtype, "eps", "holds")  # in the summary
    assert "At most 32 eps: rounding: the two sides sum in different orders" in out
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
    case = _case("ops.add")

    def run(dtype: str) -> Iterator[tuple[str, object, object]]:
        yield from case.run(dtype)
        yield "injected [fault]", np.float64(1 + error * np.finfo(dtype).eps), np.float64(1)

    faulty = dataclasses.replace(case, run=run, dtypes=("float64",))
    monkeypatch.setattr(report, "CASES", [faulty])
    assert report.main([]) == 1
    out = capsys.readouterr().out
    assert "injected [fault]" in _line(out, "│ ops.add ", "BROKEN")
    broken = _line(out, "BROKEN op float64 ops.add: injected [fault]: ")
    assert broken.endswith("eps, bound 32 (rounding: the two sides sum in different orders)")
    assert out.splitlines()[-1].endswith("rows, 1 broken")


def test_a_case_that_raises_is_broken_and_the_others_go_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(dtype: str) -> Iterator[tuple[str, object, object]]:
        raise ZeroDivisionError("in the\ncase")
        yield

    cases = [Case("op", "ops.bad", run), Case("op", "ops.good", _one_row(1.0))]
    monkeypatch.setattr(report, "CASES", cases)
    assert report.main(["--dtype", "float64"]) == 1
    out = capsys.readouterr().out
    assert "BROKEN op float64 ops.bad: ZeroDivisionError: in the case: nan eps" in out
    assert "holds" in _line(out, "│ ops.good ", "value")


def test_wide_bounds_truths_and_statistics_have_tables_of_their_own_with_their_reason(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wide = 1 + 2.0**28 * float(np.finfo("float64").eps)
    double = ("float64",)
    cases = [
        Case(
            "op",
            "drawn",
            _one_row(3.0),
            dtypes=double,
            bound=5,
            reason="r4",
            unit="standard errors",
        ),
        Case("op", "trap", _one_row(wide), dtypes=double, bound=2.0**29, reason="r2"),
        Case("op", "true", _one_row(1.5, 7.25), dtypes=double, bound=4, reason="r3", unit="ulp"),
        Case("op", "exact", _one_row(1.0), dtypes=double, reason="r1"),
    ]
    monkeypatch.setattr(report, "CASES", cases)
    assert report.main([]) == 0
    out = capsys.readouterr().out
    titles = ["At most 32 eps: r1", "│ exact", "At most 5.37e+08 eps: r2", "│ trap",
              "At most 4 ulp: r3", "│ true", "At most 5 standard errors: r4", "│ drawn",
              "The worst of each kind"]  # fmt: skip
    places = [out.index(title) for title in titles]
    assert places == sorted(places)
    line = _line(out, "│ true ", "value")
    assert line.index(" 1.5 ") < line.index(" 7.25 ") and "holds" in line
    assert "NumPy ┃ Keras" in out


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


# Files.


def test_json_has_versions_and_every_row(tmp_path: Path) -> None:
    file = tmp_path / "rows.json"
    assert report.main(["--filter", "ops.relu", "--json", str(file)]) == 0
    document = json.loads(file.read_text(encoding="utf-8"))
    rows = [row for dtype in ("float64", "float32") for row in _case("ops.relu").rows(dtype)]
    assert [row["quantity"] for row in document["rows"]] == [row.quantity for row in rows]
    assert [row["error"] for row in document["rows"]] == [row.error for row in rows]
    assert document["broken"] == 0 and all(row["holds"] for row in document["rows"])
    assert {"numpy_nets", "numpy", "keras", "tensorflow", "mpmath", "python"} <= set(
        document["versions"]
    )
    assert list(tmp_path.iterdir()) == [file]


def test_json_says_inf_and_nan_in_words() -> None:
    row = Row(
        "op", "ops.add", "value", "float64", math.inf, 32.0, "eps", "r", series=(0.5, math.nan)
    )
    (written,) = json.loads(results.as_json([row]))["rows"]
    assert written["error"] == "inf" and written["series"] == [0.5, "nan"] and not written["holds"]


def test_the_error_of_a_training_run_is_the_largest_of_its_steps() -> None:
    (row,) = Case("training", "Model.fit", _training).rows("float64")
    assert row.series == (0, 2, 4, 6) and row.error == 6
    (row,) = Case("op", "ops.add", _one_row(1.0)).rows("float64")
    assert row.series == ()


class _Page(HTMLParser):
    """Checks that tags are closed in order, and collects the cells of each row and all links."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.rows: list[list[str]] = []
        self.links: list[str | None] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [value for name, value in attrs if name in ("src", "href")]
        if tag not in ("meta", "input", "path", "polyline", "wbr"):
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("path", "polyline"):
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and {"td", "th"} & set(self.open):
            self.rows[-1][-1] += data


def test_html_is_one_page_with_tables_and_plots_and_nothing_from_elsewhere() -> None:
    cases = [
        Case("training", "Model.fit", _training, "a <b> & c"),
        Case("op", "ops.add", _one_row(math.nan), reason="<reason>"),
        Case("accuracy", "ops.tanh", _one_row(1.5, 7.25), bound=4.0, unit="ulp"),
    ]
    rows = [row for case in cases for dtype in case.dtypes for row in case.rows(dtype)]
    text = page.as_html(rows)
    document = _Page(text)
    assert document.open == [] and document.links == []
    assert re.findall(r"https?:|@import|url\(|\$[a-z]", text) == []
    assert "6 comparisons, 2 broken" in text and "6 of 6 lines" in text and ">1 of 1 plots<" in text
    add = ["op", "ops.add", "value", "float64", "1", "inf", "32", "eps", "> 999 %", "BROKEN",
           "<reason>"]  # fmt: skip
    tanh = ["accuracy", "ops.tanh", "value", "float32", "1", "1.5", "7.25", "4", "ulp", "38 %",
            "holds"]  # fmt: skip
    worst = ["op", "float64", "1", "inf", "32", "eps", "> 999 %", "BROKEN", "ops.add: value"]
    assert add in document.rows and worst in document.rows
    assert tanh in [row[:-1] for row in document.rows]
    headings = [row for row in document.rows if row[0] == "kind"]
    assert len(headings) == 3
    assert {len(row) for row in document.rows} == {len(row) for row in headings}

    (svg,) = re.findall(r"<svg.*?</svg>", text)
    lines = ET.fromstring(svg).findall("{*}polyline")
    assert len(lines) == 2  # float32 and float64
    for line in lines:
        points = [tuple(map(float, p.split(","))) for p in line.attrib["points"].split()]
        (x, y) = zip(*points, strict=True)
        assert len(points) == 4
        assert list(x) == sorted(set(x)) and list(y) == sorted(set(y), reverse=True)


@pytest.mark.parametrize("option", ["--json", "--html"])
def test_a_file_that_cannot_be_written_is_an_error_before_anything_is_computed(
    option: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def never(dtype: str) -> Iterator[tuple[str, object, object]]:
        pytest.fail("computed")
        yield

    monkeypatch.setattr(report, "CASES", [Case("op", "ops.add", never)])
    for file in (tmp_path, tmp_path / "no folder" / "file"):
        assert report.main([option, str(file)]) == 2
        out, err = capsys.readouterr()
        assert out == "" and len(err.splitlines()) == 1 and str(file) in err
    assert list(tmp_path.iterdir()) == []


def test_one_file_for_both_formats_is_refused_before_anything_is_computed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = str(tmp_path / "rows")
    assert report.main(["--filter", "ops.add", "--json", file, "--html", file]) == 2
    out, err = capsys.readouterr()
    assert out == "" and len(err.splitlines()) == 1 and "expected two files" in err
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_write_leaves_the_earlier_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    file = tmp_path / "report.html"
    file.write_text("earlier")
    monkeypatch.setattr(Path, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        results.write(file, "new")
    assert file.read_text() == "earlier" and list(tmp_path.iterdir()) == [file]


# The command, in processes of its own.


def test_many_cases_are_computed_by_two_processes_with_the_same_rows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    selected = [
        (_case(name), "float64") for name in ("ops.relu", "ops.tanh", "losses.MeanSquaredError")
    ]
    expected = compute.compute(selected)
    monkeypatch.setattr(compute, "FEW", 0)
    assert compute.compute(selected) == expected


def test_a_report_has_the_same_rows_whatever_ran_before() -> None:
    selected = [(_case("models.build_autoencoder, encoder"), "float64")]
    selected += [(_case("models.Sequential"), "float64")]
    expected = compute.compute(selected)
    numpy_nets.layers.Dense(1)(np.ones((1, 3)))
    keras.layers.Dense(1)(np.ones((1, 3)))
    assert compute.compute(selected) == expected


def test_numpy_nets_parity_passes_arguments_and_exit_code_on(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "rows.json"
    assert cli.main(["parity", "--filter", "ops.negative", "--json", str(file)]) == 0
    out, _ = capfd.readouterr()
    assert "│ ops.negative " in out and out.splitlines()[-1].endswith("0 broken")
    assert json.loads(file.read_text(encoding="utf-8"))["broken"] == 0


def _standard_error(*arguments: str) -> list[str]:
    """The lines that `numpy-nets parity` writes there, each state of the progress bar as one."""
    # As a user starts it: the tests themselves have set variables that quieten TensorFlow.
    environment = {name: value for name, value in os.environ.items() if name[:3] != "TF_"}
    process = subprocess.run(
        [sys.executable, "-m", "numpy_nets", "parity", *arguments],
        env={**environment, "PYTHONPATH": str(Path(numpy_nets.__file__).parent.parent)},
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    return process.stderr.splitlines()


def test_a_filter_that_matches_nothing_is_all_that_is_said() -> None:
    (line,) = _standard_error("--filter", "Nothing")
    assert line.startswith("numpy-nets parity: error: --filter: ") and "'Nothing'" in line


def test_beside_the_progress_bar_a_report_writes_nothing_to_standard_error() -> None:
    lines = _standard_error("--filter", "ops.negative")
    assert lines and all(re.match(r" *\d+%\|", line) for line in lines if line)


def test_ctrl_c_stops_the_report_in_one_line(tmp_path: Path) -> None:
    # Where the tests run in the background, Ctrl-C is ignored, and children inherit that.
    start = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "from numpy_nets.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", start, "parity", "--html", str(tmp_path / "page.html")]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )
    assert process.stderr is not None
    before = process.stderr.read(4)  # the progress bar has begun
    os.killpg(process.pid, signal.SIGINT)
    _, after = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"Traceback" not in before + after
    assert after.splitlines()[-1] == b"numpy-nets: stopped"
    assert list(tmp_path.iterdir()) == []
