import numpy as np
import pytest
from matplotlib.image import imread

from numpy_nets.figures.curves import curves_figure, save_curves

NAN, INF = float("nan"), float("inf")


def curves(figure):
    """The lines of all panels by their labels."""
    return {line.get_label(): line for axes in figure.axes for line in axes.lines}


def names(axes):
    return [line.get_label() for line in axes.lines]


def vae(epochs=30):
    falling = np.exp(-np.arange(epochs))
    terms = {"kl": 9 + falling, "loss": 109 + 3 * falling, "reconstruction": 100 + 2 * falling}
    return terms | {f"val_{name}": 1.1 * values for name, values in terms.items()}


def test_a_validation_curve_is_dashed_in_the_colour_of_its_quantity():
    lines = curves(curves_figure(vae()))
    assert len(lines) == 6
    for name in ("loss", "reconstruction", "kl"):
        training, validation = lines[name], lines[f"val_{name}"]
        assert training.get_color() == validation.get_color()
        assert (training.get_linestyle(), validation.get_linestyle()) == ("-", "--")
    assert len({line.get_color() for line in lines.values()}) == 3


def test_what_has_another_scale_has_a_panel_of_its_own_with_the_same_epochs():
    upper, lower = curves_figure(vae(), "nats per image").axes
    assert names(upper) == ["loss", "val_loss", "reconstruction", "val_reconstruction"]
    assert names(lower) == ["kl", "val_kl"]
    assert upper.get_xlim() == lower.get_xlim()
    assert upper.get_ylim()[0] > 90 and lower.get_ylim()[1] < 20
    assert upper.get_ylabel() == lower.get_ylabel() == "nats per image"
    assert (upper.get_xlabel(), lower.get_xlabel()) == ("", "epoch")
    (only,) = curves_figure({"kl": [2.0, 1.0]}).axes
    assert names(only) == ["kl"]
    (only,) = curves_figure(vae(), below=()).axes
    assert len(only.lines) == 6


def test_equal_curves_are_drawn_once_with_both_names():
    history = {"loss": [3.0, NAN], "negative_bound": [3.0, NAN]}
    history |= {"val_loss": [3.0, NAN], "val_negative_bound": [3.0, 2.0]}
    lines = curves(curves_figure(history))
    assert sorted(lines) == ["loss = negative_bound", "val_loss", "val_negative_bound"]
    assert lines["val_negative_bound"].get_linestyle() == "--"


def test_values_that_are_not_finite_leave_gaps_and_lone_ones_are_dots():
    values = np.arange(40.0)
    values[[10, 12, 39]] = NAN, INF, -INF
    axes = curves_figure({"loss": values, "val_loss": [NAN] * 40}).axes[0]
    loss, val_loss = axes.lines
    assert np.flatnonzero(np.isnan(loss.get_ydata())).tolist() == [10, 12, 39]
    assert loss.get_markevery() == [11] and loss.get_marker() == "o"
    assert val_loss.get_label() == "val_loss (no finite value)"
    low, high = axes.get_ylim()
    assert -5 < low < 0 < 38 < high < 45


@pytest.mark.parametrize("epochs", [1, 2, 7, 19])
def test_few_epochs_are_dots_whole_ones_first_and_last_included(epochs):
    figure = curves_figure({"loss": np.ones(epochs), "val_loss": 2 * np.ones(epochs)})
    loss, val_loss = figure.axes[0].lines
    assert loss.get_xdata().tolist() == list(range(1, epochs + 1))
    assert loss.get_markevery() == list(range(epochs))
    assert loss.get_markerfacecolor() != val_loss.get_markerfacecolor() == "white"
    ticks = figure.axes[0].get_xticks()
    assert ticks[0] == 1 and ticks[-1] >= 0.75 * epochs and (ticks == ticks.astype(int)).all()


def test_many_epochs_are_a_line_without_dots():
    (loss,) = curves_figure({"loss": np.ones(100)}).axes[0].lines
    assert loss.get_marker() == ""


def test_reference_lines_are_dotted_labelled_and_of_the_colour_of_their_quantity():
    figure = curves_figure(
        {"D's loss": [1.0, 2.0], "G's loss": [3.0, 2.0]},
        lines={"D's loss at equilibrium": 1.386, "G's loss at equilibrium": 0.693, "other": 5},
        colours={"G's loss": "tab:green"},
    )
    lines = curves(figure)
    for label, value in (("D's loss", 1.386), ("G's loss", 0.693)):
        line = lines[f"{label} at equilibrium"]
        assert line.get_linestyle() == ":" and list(line.get_ydata()) == [value] * 2
        assert line.get_color() == lines[label].get_color()
    assert lines["G's loss"].get_color() == "tab:green"
    assert lines["other"].get_color() == "0.3"
    low, high = figure.axes[0].get_ylim()
    assert low < 0.693 and high > 5


@pytest.mark.parametrize("history", [vae(), vae(1), {"loss = x": [1.0], "a" * 30: [2.0, 1.0]}])
def test_legends_name_every_curve_cover_no_panel_and_stay_in_the_picture(history):
    figure = curves_figure(history, lines={"a dotted line": 1.0})
    figure.draw_without_rendering()
    boxes = [axes.get_window_extent() for axes in figure.axes]
    for axes in figure.axes:
        legend = axes.get_legend()
        assert [text.get_text() for text in legend.get_texts()] == names(axes)
        extent = legend.get_window_extent()
        assert not any(extent.overlaps(box) for box in boxes)
        assert extent.x0 >= 0 and extent.x1 <= figure.bbox.x1 and extent.y1 <= figure.bbox.y1


def test_the_picture_is_written(tmp_path):
    save_curves(tmp_path / "c.png", {"loss": [3.0, 2.0], "val_loss": [3.0, 2.5]}, "nats")
    picture = imread(tmp_path / "c.png")
    assert picture.shape[:2] == (504, 840) and picture.std() > 0.05


def test_an_empty_history_is_refused(tmp_path):
    with pytest.raises(ValueError, match="save_curves: history: expected one curve or more"):
        save_curves(tmp_path / "c.png", {})
    assert not any(tmp_path.iterdir())
