"""Curves as SVG: what is drawn of a history."""

import math
import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from numpy_nets.pages.curves import curves, ticks


def figures(history):
    """The caption, and the path of each line by its class."""
    found = []
    for figure in re.findall("<figure>.*?</figure>", curves(history), re.DOTALL):
        caption = unescape(re.sub("<.*?>", "", figure[: figure.index("<svg")]))
        found.append((caption, dict(
            line[::-1] for line in re.findall('<path d="([^"]*)" class="line (.*?)"', figure)
        )))  # fmt: skip
    return found


def points(path):
    return [tuple(map(float, point)) for point in re.findall(r"[ML]([\d.]+) ([\d.]+)", path)]


def test_a_quantity_and_its_validation_share_a_figure_and_losses_come_first():
    history = {"kl": [2.0, 3.0], "loss": [9.0, 1.0], "val_kl": [2.5, 3.5], "val_loss": [8.0, 2.0]}
    captions = [caption for caption, _ in figures(history)]
    assert captions == ["loss 9 → 1, validation 8 → 2", "kl 2 → 3, validation 2.5 → 3.5"]
    assert all(set(lines) == {"trained", "held"} for _, lines in figures(history))


def test_larger_values_are_higher_and_later_epochs_further_right():
    ((_, lines),) = figures({"loss": [3.0, 2.0, 1.0]})
    (x1, y1), (x2, y2), (x3, y3) = points(lines["trained"])
    assert x2 - x1 == pytest.approx(x3 - x2, abs=0.1) and x1 < x2
    assert y2 - y1 == pytest.approx(y3 - y2, abs=0.1) and y1 < y2  # y points downwards


@pytest.mark.parametrize("hole", [math.nan, math.inf])
def test_a_value_that_is_not_finite_leaves_a_gap(hole):
    ((caption, lines),) = figures({"loss": [1.0, 2.0, hole, 3.0]})
    assert re.sub(r"[\d. ]", "", lines["trained"]) == "MLM"
    assert caption == "loss 1 → 3"
    assert curves({"loss": [1.0, 2.0, hole, 3.0]}).count("h0") == 1  # the last one is a dot


@pytest.mark.parametrize("values", [[5.0], [0.0, 0.0], [math.nan, math.nan], [1.0, 1 + 1e-16]])
def test_one_epoch_or_one_value_is_drawn_too(values):
    ((caption, lines),) = figures({"loss": values})
    assert len(points(lines["trained"])) == sum(map(math.isfinite, values))
    assert ("→" in caption) == (len(values) > 1)


def test_nothing_is_drawn_of_no_history():
    assert curves({}) == ""


@given(st.floats(-1e30, 1e30), st.floats(-1e30, 1e30))
def test_ticks_enclose_all_values_and_are_few(a, b):
    marks = ticks(min(a, b), max(a, b))
    assert marks[0] <= min(a, b) + 1e-9 * abs(a) and max(a, b) - 1e-9 * abs(b) <= marks[-1]
    assert marks == sorted(set(marks)) and 3 <= len(marks) <= 7
