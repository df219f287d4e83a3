"""The page of the report as a person uses it: in Chromium, where there is one."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from browser import FITS, needs_chromium, use

pytest.importorskip("keras")

from keras_ref.parity import Row
from keras_ref.parity.report.page import as_html

pytestmark = needs_chromium

LONG = "a_name_without_a_single_place_where_a_line_could_be_broken_into_two"


def _row(kind: str, subject: str, dtype: str, error: float, **others: Any) -> Row:
    defaults = {"quantity": "value", "bound": 32.0, "unit": "eps", "reason": "rounding"}
    return Row(kind, subject, dtype=dtype, error=error, **(defaults | others))


DTYPES = ("float32", "float64")
ROWS = [
    *(_row("op", f"ops.op_{i}", dtype, i / 10) for i in range(150) for dtype in DTYPES),
    _row("op", f"ops.{LONG}", "float32", math.nan, reason=LONG),
    _row("op", "ops.sum", "float64", 3.2e9, bound=2.0**29, quantity=f"gradient of {LONG}"),
    _row("accuracy", "ops.exp", "float64", 1.5, bound=4.0, unit="ulp", keras_error=1e7),
    _row("initializer", "normal", "float64", 4.5, bound=5.0, unit="standard errors"),
    *(
        _row("training", f"Model.fit, {name}", dtype, 8.0, series=(0.0, 0.5, 8.0, 2.0))
        for name in ("sgd", "adam", LONG)
        for dtype in DTYPES
    ),
]
LINES = len(ROWS)

SEARCH = """
  const search = words => {
    page.getElementById("filter").value = words;
    page.getElementById("filter").dispatchEvent(new Event("input"));
  };
"""


def _use(folder: Path, script: str, width: int = 1200) -> dict[str, Any]:
    """What the script has put into `result`."""
    return use(folder, as_html(ROWS), SEARCH + script, width)


@pytest.mark.parametrize("width", [320, 390, 800, 1180, 1600])
def test_nothing_is_wider_than_the_screen(width: int, tmp_path: Path) -> None:
    assert _use(tmp_path, FITS, width) == {"width": width, "wide": [], "small": 0}


def test_before_anything_is_typed_all_lines_are_there_and_the_plots_are_folded(
    tmp_path: Path,
) -> None:
    result = _use(tmp_path, """
      result.lines = seen("#accuracy tbody tr, #agreement tbody tr");
      result.count = text("#count");
      result.plots = [text("#plot-count"), seen("figure")];
    """)  # fmt: skip
    assert result["lines"] == LINES and result["count"] == f"{LINES} of {LINES} lines"
    assert result["plots"] == ["3 of 3 plots", 0]


def test_a_filter_leaves_the_lines_with_all_words_and_their_plots_and_counts_them(
    tmp_path: Path,
) -> None:
    result = _use(tmp_path, """
      page.querySelector("#plots details").open = true;
      const look = () => [
        text("#count"), seen("#agreement tbody tr"), seen("#accuracy"), text("#plot-count"),
        seen("figure"),
      ];
      for (const words of [
        "  ADAM float32 ", "ops.op_1 float64", '"op ops.op_1 value"', "no such word", "",
      ]) {
        search(words);
        result[words] = look();
      }
    """)  # fmt: skip
    everything = [f"{LINES} of {LINES} lines", LINES - 1, 1, "3 of 3 plots", 3]
    assert result == {
        "  ADAM float32 ": [f"1 of {LINES} lines", 1, 0, "1 of 3 plots", 1],
        "ops.op_1 float64": [f"61 of {LINES} lines", 61, 0, "0 of 3 plots", 0],
        '"op ops.op_1 value"': [f"2 of {LINES} lines", 2, 0, "0 of 3 plots", 0],
        "no such word": [f"0 of {LINES} lines", 0, 0, "0 of 3 plots", 0],
        "": everything,
    }


def test_the_summary_is_of_the_lines_that_the_filter_leaves(tmp_path: Path) -> None:
    result = _use(tmp_path, """
      const summary = () => all("#worst tbody tr").filter(row => !row.hidden).map(
        row => [...row.cells].map(cell => cell.textContent).join(" | ")
      );
      search("ops.op_14");
      result.some = summary();
      search("ops. eps 32");
      result.broken = summary();
    """)  # fmt: skip
    assert result["some"] == [
        f"op | {dtype} | 11 | 14.9 | 32 | eps | 47 % | holds | ops.op_149: value"
        for dtype in DTYPES
    ]
    name = f"ops.{LONG}: value"
    assert result["broken"] == [
        f"op | float32 | 151 | nan | 32 | eps | > 999 % | BROKEN | {name}",
        "op | float64 | 150 | 14.9 | 32 | eps | 47 % | holds | ops.op_149: value",
    ]


def test_a_bar_is_as_long_as_the_root_of_error_over_bound_and_red_if_broken(tmp_path: Path) -> None:
    result = _use(tmp_path, """
      const bar = subject => {
        const row = all("#agreement tbody tr").find(row => row.textContent.includes(subject));
        const inner = getComputedStyle(row.querySelector(".bar"), "::before");
        const outer = getComputedStyle(row.querySelector(".bar"));
        return [parseFloat(inner.width) / parseFloat(outer.width), inner.backgroundColor];
      };
      for (const subject of ["ops.op_0", "ops.op_80", "ops.a_name", "ops.sum"]) {
        result[subject] = bar(subject);
      }
    """)  # fmt: skip
    assert result["ops.op_0"][0] == 0
    assert result["ops.op_80"][0] == pytest.approx(0.5, abs=0.01)  # 8 of 32 eps
    assert result["ops.a_name"][0] == result["ops.sum"][0] == 1
    assert result["ops.a_name"][1] == result["ops.sum"][1] != result["ops.op_0"][1]


def test_a_button_sorts_numbers_from_the_largest_and_words_from_a_and_then_the_reverse(
    tmp_path: Path,
) -> None:
    result = _use(tmp_path, """
      const sort = name => {
        const button = all("#agreement thead button").find(b => b.textContent === name);
        button.click();
        const rows = all("#agreement tbody tr");
        const column = button.parentElement.cellIndex;
        return [
          button.parentElement.getAttribute("aria-sort"), all("[aria-sort]").length,
          ...[rows[0], rows[1], rows.at(-1)].map(row => row.cells[column].textContent),
        ];
      };
      result.largest = [sort("largest"), sort("largest")];
      result.kind = [sort("kind"), sort("kind")];
    """)  # fmt: skip
    down = ["descending", 1, "nan", "3.2e+09", "0"]
    assert result["largest"] == [down, ["ascending", 1, "0", "0", "nan"]]
    up = ["ascending", 1, "initializer", "op", "training"]
    assert result["kind"] == [up, ["descending", 1, "training", "training", "initializer"]]


@pytest.mark.parametrize("width", [390, 1200])
def test_the_filter_stays_on_the_screen_and_headings_stay_below_it(
    width: int, tmp_path: Path
) -> None:
    result = _use(tmp_path, """
      page.defaultView.scrollTo(0, page.documentElement.scrollHeight);
      result.filter = page.getElementById("bar").getBoundingClientRect();
      result.headings = page.querySelector("#agreement thead").getBoundingClientRect();
    """, width)  # fmt: skip
    assert result["filter"]["top"] == 0
    if width == 1200:  # on a telephone they scroll away
        assert result["headings"]["top"] == pytest.approx(result["filter"]["bottom"], abs=1)


def test_what_the_keyboard_and_a_screen_reader_need_is_there(tmp_path: Path) -> None:
    result = _use(tmp_path, """
      result.label = page.getElementById("filter").labels[0].textContent;
      result.live = page.getElementById("count").getAttribute("aria-live");
      const keys = "a[href], button, input, summary, [tabindex]";
      result.order = all(keys).slice(0, 3).map(element => element.localName);
      result.unreachable = all(keys).filter(element => element.tabIndex < 0).length;
      result.heads = all("thead th").every(
        head => head.scope === "col" && head.querySelector("button").textContent
      );
      result.names = all("#agreement tbody tr").every(
        row => row.querySelectorAll("th[scope=row]").length === 1
      );
      result.roles = all("table, thead, tbody, tr, th, td").every(e => e.hasAttribute("role"));
    """, 390)  # fmt: skip
    assert result == {
        "label": "Filter", "live": "polite", "order": ["input", "summary", "button"],
        "unreachable": 0, "heads": True, "names": True, "roles": True,
    }  # fmt: skip
