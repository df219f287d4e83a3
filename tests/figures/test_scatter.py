import numpy as np
import pytest
from matplotlib import colormaps
from matplotlib.image import imread

from numpy_nets.figures.scatter import PRIOR_RADIUS, dot_area, save_scatter, scatter_figure


def random_codes(n):
    return np.random.default_rng(0).standard_normal((n, 2))


def names(legend):
    return [text.get_text() for text in legend.get_texts()]


@pytest.mark.parametrize("labels", [[0], range(10), ["cat", "dog"], range(12)], ids=str)
def test_dots_have_the_colour_that_the_legend_gives_to_their_class(labels):
    labels = np.tile(labels, 30)
    figure = scatter_figure(random_codes(len(labels)), labels)
    (dots,), (legend,) = figure.axes[0].collections, figure.legends
    classes = np.unique(labels)
    assert names(legend) == list(map(str, classes))
    by_class = dict(zip(classes, (h.get_color() for h in legend.legend_handles), strict=True))
    assert len({tuple(colour) for colour in by_class.values()}) == len(classes)
    for label, colour in zip(labels, dots.get_facecolors(), strict=True):
        np.testing.assert_array_equal(colour[:3], by_class[label][:3])
    map_name = "tab10" if len(classes) <= 10 else "turbo"
    assert tuple(by_class[classes[0]]) == colormaps[map_name](0)


def test_one_class_in_so_many_is_named_where_there_are_too_many():
    figure = scatter_figure(random_codes(300), np.arange(300) % 100)
    (legend,) = figure.legends
    assert names(legend) == [str(i) for i in range(0, 100, 3)]
    assert legend.get_title().get_text() == "one class in 3"


@pytest.mark.parametrize("classes", [2, 30, 300])
def test_legends_are_outside_the_panel_and_inside_the_picture(classes):
    codes, labels = random_codes(600), np.arange(600) % classes
    figure = scatter_figure(codes, labels, prior=True)
    figure.draw_without_rendering()
    panel = figure.axes[0].get_window_extent()
    assert len(figure.legends) == 2
    for legend in figure.legends:
        box = legend.get_window_extent()
        assert not box.overlaps(panel)
        assert min(box.x0, box.y0) >= 0
        assert box.x1 <= figure.bbox.x1 and box.y1 <= figure.bbox.y1


def test_the_circle_of_the_prior_holds_95_percent_and_is_named():
    radii = np.linalg.norm(np.random.default_rng(0).standard_normal((100_000, 2)), axis=1)
    assert (radii < PRIOR_RADIUS).mean() == pytest.approx(0.95, abs=0.003)
    figure = scatter_figure(random_codes(9), np.zeros(9), prior=True)
    (circle,) = figure.axes[0].lines
    np.testing.assert_allclose(np.hypot(*circle.get_data()), PRIOR_RADIUS)
    assert names(figure.legends[1]) == ["holds 95 % of the prior, N(0, I)"]
    plain = scatter_figure(random_codes(9), np.zeros(9))
    assert not plain.axes[0].lines and len(plain.legends) == 1


def test_the_whole_circle_is_shown_where_the_codes_lie_to_one_side():
    axes = scatter_figure(0.1 * random_codes(9) + 4, np.zeros(9), prior=True).axes[0]
    for low, high in (axes.get_xlim(), axes.get_ylim()):
        assert low < -PRIOR_RADIUS and high > 4


def test_dots_are_smaller_the_more_there_are():
    areas = [dot_area(n) for n in (0, 10, 1000, 10_000, 60_000, 10**7)]
    assert areas == sorted(areas, reverse=True)
    assert areas[0] == 30 and areas[-1] == 2
    (dots,) = scatter_figure(random_codes(1000), np.zeros(1000)).axes[0].collections
    assert dots.get_sizes().tolist() == [16]


def test_the_picture_is_written(tmp_path):
    save_scatter(tmp_path / "s.png", random_codes(100), np.arange(100) % 3)
    picture = imread(tmp_path / "s.png")
    assert picture.shape[:2] == (720, 840) and picture.std() > 0.05


@pytest.mark.parametrize(
    ("codes", "labels", "message"),
    [
        (np.zeros((3, 3)), np.zeros(3), r"save_scatter: codes: expected shape \(n, 2\), got"),
        (np.zeros((3, 2)), np.zeros(2), r"save_scatter: labels: expected shape \(3,\), got \(2,\)"),
    ],
)
def test_other_shapes_are_refused_and_nothing_is_written(tmp_path, codes, labels, message):
    with pytest.raises(ValueError, match=message):
        save_scatter(tmp_path / "s.png", codes, labels)
    assert not any(tmp_path.iterdir())
