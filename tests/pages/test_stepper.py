"""The page of a tape: what it shows is what was computed, and a wrong derivative shows."""

import base64
import json
import re

import numpy as np
import pytest
from browser import FITS, needs_chromium, use

from numpy_nets.autodiff import GradientTape, Tensor, Variable, op, ops
from numpy_nets.pages.stepper import as_view, source_of


def data_of(path):
    page = path.read_text(encoding="utf-8")
    (text,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page, re.S)
    return json.loads(text.replace("<\\/", "</"))


def small():
    """A program in which one array is used twice: σ(x w) σ(x w) + w, summed."""
    x, w = np.array([[1.0, 2.0]]), Variable([[0.5], [-0.25]], dtype="float64", name="w")
    with GradientTape(persistent=True) as tape:
        y = ops.sigmoid(ops.matmul(x, w))
        loss = ops.sum(y * y + ops.sum(w))
    return tape, loss, w


def test_it_goes_forwards_through_every_record_and_backwards_to_every_source(tmp_path):
    tape, loss, w = small()
    tape.save_page(tmp_path / "t.html", title="A <title> & more")
    data = data_of(tmp_path / "t.html")
    program = [record["text"] for record in data["program"]]
    assert program == [
        "matmul(constant, w)", "sigmoid(%0)", "multiply(%1, %1)", "sum(w)", "add(%2, %3)",
        "sum(%4)",
    ]  # fmt: skip
    kinds = [step["kind"] for step in data["steps"]]
    assert kinds == ["forward"] * 6 + ["seed"] + ["backward"] * 8 + ["source"]
    backward = [(s["record"], s["to"]) for s in data["steps"] if s["kind"] == "backward"]
    assert backward == [
        (5, "%4"), (4, "%2"), (4, "%3"), (3, "w"), (2, "%1"), (2, "%1"), (1, "%0"), (0, "w"),
    ]  # fmt: skip
    views = data["views"]
    shown = np.array(views[data["steps"][-1]["value"]]["numbers"], float)
    np.testing.assert_allclose(shown, tape.gradient(loss, w).numpy(), rtol=1e-3)
    assert "<title>A &lt;title&gt; &amp; more</title>" in (tmp_path / "t.html").read_text("utf-8")


def test_formula_and_source_are_those_of_the_table(tmp_path):
    tape, _, _ = small()
    tape.save_page(tmp_path / "t.html")
    steps = {(s["record"], s["to"]): s for s in data_of(tmp_path / "t.html")["steps"]
             if s["kind"] == "backward"}  # fmt: skip
    assert steps[1, "%0"]["formula"] == "∂L/∂X = G Y (1 - Y)"
    assert steps[1, "%0"]["source"] == "lambda g: g * y * (1 - y)"
    assert steps[0, "w"]["formula"] == "∂L/∂B = Aᵀ G"
    assert "np.swapaxes(a, -1, -2) @ g" in steps[0, "w"]["source"]


def test_where_paths_meet_the_sum_is_shown(tmp_path):
    tape, _, _ = small()
    tape.save_page(tmp_path / "t.html")
    data = data_of(tmp_path / "t.html")
    to_y = [s for s in data["steps"] if s["kind"] == "backward" and s["to"] == "%1"]
    assert [s["sum"] is None for s in to_y] == [True, False]
    first, second = (float(data["views"][s["part"]]["numbers"][0][0]) for s in to_y)
    total = float(data["views"][to_y[1]["sum"]]["numbers"][0][0])
    assert total == pytest.approx(first + second, rel=1e-3)


def test_a_wrong_derivative_differs_from_its_finite_difference_and_a_right_one_does_not(tmp_path):
    @op
    def cube(x):
        return x**3, (lambda g: g * x**2,)  # the factor 3 is missing

    for function, right in ((cube, False), (lambda x: x * x * x, True)):
        x = Variable([1.0, 2.0], name="x")
        with GradientTape() as tape:
            ops.sum(function(2.0 * x))
        tape.save_page(tmp_path / "t.html")
        data = data_of(tmp_path / "t.html")
        checks = [c for step in data["steps"] for c in step.get("checks", [])]
        assert checks and all(close for *_, close in checks) is right
    assert data["steps"][-1]["checks"][0][:3] == ["[1]", "96", "96"]  # 8 · 3 x²


def test_the_target_and_the_sources_can_be_chosen_and_may_not_depend_on_each_other(tmp_path):
    x, y = Tensor(3.0, "x"), Variable(2.0, dtype="float64", name="y")
    with GradientTape() as tape:
        tape.watch(x)
        square = x * x
        _ = y * square
    tape.save_page(tmp_path / "t.html", square, [x, y])
    steps = data_of(tmp_path / "t.html")["steps"]
    assert [s["kind"] for s in steps[-2:]] == ["source", "none"]
    assert steps[-2]["checks"][0][1:] == ["6", "6", True]


def test_a_target_that_is_zero_is_a_target(tmp_path):
    x = Variable(0.0, name="x")
    with GradientTape() as tape:
        zero = x * 1.0
        _ = x + 5.0
    tape.save_page(tmp_path / "t.html", target=zero)
    assert "%0" in data_of(tmp_path / "t.html")["steps"][2]["name"]


def test_without_a_program_there_is_no_page(tmp_path):
    tape = GradientTape()
    with pytest.raises(ValueError, match="save_page: expected a recorded program, got none"):
        tape.save_page(tmp_path / "t.html")
    assert not list(tmp_path.iterdir())


def pixels(view):
    return np.frombuffer(base64.b64decode(view["pixels"]), np.uint8).reshape(view["size"])


def test_large_arrays_are_thinned_to_entries_that_they_have():
    x = np.arange(100 * 130.0).reshape(100, 130)
    view = as_view(x)
    assert view["note"] == "every 3rd of 100 rows, every 3rd of 130 columns"
    np.testing.assert_array_equal(
        pixels(view)[0], np.round(255 * x[::3, ::3] / x.max()).astype(np.uint8)
    )
    assert "largest 12999" in view["figures"] and view["scale"] == "12999"


def test_images_are_shown_as_images_and_signs_as_colours():
    x = np.zeros((9, 784), np.float32)
    x[0, 0] = 1
    view = as_view(x)
    assert view["size"] == [6, 28, 28] and not view["signed"]
    assert view["note"] == "the first 6 of 9 rows, each as 28 × 28"
    assert pixels(view)[0, 0, 0] == 255 and pixels(view).sum() == 255
    view = as_view(-x)
    assert view["signed"] and pixels(view)[0, 0, 0] == 1 and pixels(view)[0, 0, 1] == 128
    assert as_view(x, signed=True)["signed"]


def test_equal_entries_need_no_picture():
    view = as_view(np.zeros(64))
    assert view["note"] == "all entries are the same" and "largest 0" in view["figures"]
    assert "pixels" not in view


@pytest.mark.parametrize("array", [np.zeros((0, 3)), np.array([np.nan] * 30), np.float32(2)])
def test_odd_arrays_have_a_view(array):
    json.dumps(as_view(array))


def test_a_source_that_cannot_be_found_is_left_out():
    assert source_of(eval("lambda g: g")) == ""
    assert source_of(np.sqrt) == ""
    first, second = (lambda g: g, lambda g: 2 * g)
    assert source_of(second) == "lambda g: 2 * g" and source_of(first) == "lambda g: g"


@needs_chromium
@pytest.mark.parametrize("width", [390, 1280])
def test_buttons_and_keys_walk_through_it_and_nothing_is_wider_than_the_screen(tmp_path, width):
    tape, _, _ = small()
    tape.save_page(tmp_path / "t.html")
    page = (tmp_path / "t.html").read_text(encoding="utf-8")
    result = use(tmp_path, page, """
      const press = key => page.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
      result.start = [text("#count"), text("#step h2")];
      page.getElementById("next").click();
      press("ArrowRight");
      result.third = [text("#count"), text("#program .now")];
      page.getElementById("turn").click();
      result.turn = text("#step h2");
      press("ArrowRight");
      result.back = [text("#step h2"), text(".formula"), seen(".agrees")];
      press("End");
      result.last = [text("#count"), page.getElementById("next").disabled];
      press("ArrowRight");
      result.still = text("#count");
      all("#program button")[1].click();
      result.clicked = text("#step h2");
      press("End");
    """ + FITS, width)  # fmt: skip
    assert result["start"] == ["1 of 16", "Forwards: %0 = matmul(constant, w)"]
    assert result["third"] == ["3 of 16", "%2 (1, 1) = multiply(%1, %1)"]
    assert result["turn"].startswith("Here the program ends")
    assert result["back"][0] == "Backwards through %5 = sum(%4), to %4"
    assert result["back"][1].startswith("∂L/∂X = G") and result["back"][2] >= 1
    assert result["last"] == ["16 of 16", True] and result["still"] == "16 of 16"
    assert result["clicked"] == "Forwards: %1 = sigmoid(%0)"
    assert result["wide"] == [] and result["small"] == 0 and result["width"] == width
