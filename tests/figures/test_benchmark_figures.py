"""Pictures that the benchmarks draw, from made-up numbers: nothing is trained here."""

import numpy as np
import pytest

from benchmarks import aevb_figure2, gan_1d, gan_ring
from numpy_nets.figures import palette
from numpy_nets.figures.code_norms import code_norms_figure
from numpy_nets.figures.gan_gradients import gan_gradients_figure
from numpy_nets.figures.gradient_variance import gradient_variance_figure


def states(n):
    return [(100 * i, gan_1d.p_data(gan_1d.X - i), np.full(len(gan_1d.X), 0.5)) for i in range(n)]


def samples(n):
    points = np.random.default_rng(0).standard_normal((2500, 2))
    return [(f"seed {i}: 8 of 8 modes", points) for i in range(n)]


def centres(modes=8):
    angles = 2 * np.pi * np.arange(modes) / modes
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def rows(*kinds, bound=None):
    bounds = {"MNIST": -150.0, "Frey Face": 700.0} if bound is None else dict.fromkeys(kinds, bound)
    return [
        [kind, latent, 0.1, seen, bounds[kind], bounds[kind] - 1]
        for kind in kinds
        for latent in aevb_figure2.LATENTS[kind]
        for seen in (100, 1000)
    ]


FIGURES = {
    "gan-1d strip": lambda: gan_1d.figure(states(5)),
    "gan-1d frame": lambda: gan_1d.figure(states(1)),
    "gan-ring": lambda: gan_ring.figure(samples(10), 5, centres()),
    "gan-ring, two": lambda: gan_ring.figure(samples(2), 5, centres()),
    "gan-ring frame": lambda: gan_ring.figure(samples(1), 1, centres()),
    "aevb": lambda: aevb_figure2.figure(rows("MNIST", "Frey Face")),
    "aevb without Frey": lambda: aevb_figure2.figure(rows("MNIST")[2:6]),
    "aevb of a few steps": lambda: aevb_figure2.figure(rows("MNIST", bound=-300.0)[2:6]),
    "gan gradients": gan_gradients_figure,
    "gradient variance": gradient_variance_figure,
    "code norms": code_norms_figure,
    "code norms in the plane": lambda: code_norms_figure(2),
}


@pytest.mark.parametrize("name", FIGURES)
def test_texts_and_legends_cover_no_panel_and_no_other_and_stay_in_the_picture(name):
    figure = FIGURES[name]()
    figure.draw_without_rendering()
    panels = [axes for axes in figure.axes if axes.axison]
    legends = [*figure.legends, *(axes.get_legend() for axes in figure.axes if axes.get_legend())]
    assert len(legends) == 1
    around = [legends[0], *(axes.title for axes in panels)]
    around += [label for axes in panels for label in (axes.xaxis.label, axes.yaxis.label)]
    boxes = [artist.get_window_extent() for artist in around]
    boxes = [box for box in boxes if box.width > 1 and box.height > 1]  # without empty texts
    for i, box in enumerate(boxes):
        others = boxes[:i] + [axes.get_window_extent() for axes in panels]
        assert not any(box.overlaps(other) for other in others)
        assert min(box.x0, box.y0) >= 0
        assert box.x1 <= figure.bbox.x1 and box.y1 <= figure.bbox.y1


@pytest.mark.parametrize("n", [1, 5])
def test_data_generator_and_both_discriminators_have_their_colours(n):
    figure = gan_1d.figure(states(n))
    expected = [
        palette.DATA, palette.GENERATOR, palette.DISCRIMINATOR, palette.BEST_DISCRIMINATOR
    ]  # fmt: skip
    panels = [axes for axes in figure.axes if axes.lines]
    assert [axes.get_title() for axes in panels] == [f"step {100 * i}" for i in range(n)]
    for axes in panels:
        assert [line.get_color() for line in axes.lines] == expected


def test_circles_are_three_standard_deviations_around_the_modes_and_the_legend_says_so():
    figure = gan_ring.figure(samples(2), 5, centres())
    for axes in figure.axes:
        assert [circle.get_radius() for circle in axes.patches] == [3 * gan_ring.STDDEV] * 8
        np.testing.assert_allclose([circle.center for circle in axes.patches], centres())
        (dots,) = axes.collections
        assert len(dots.get_offsets()) == 1000
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts == ["1,000 samples of G", "a mode of the data, out to three standard deviations"]


def test_a_data_set_has_a_row_of_panels_with_one_scale():
    figure = aevb_figure2.figure(rows("MNIST", "Frey Face"))
    panels = [axes for axes in figure.axes if axes.axison]
    assert len(panels) == 9
    assert {axes.get_ylim() for axes in panels[:5]} == {(-180, -100)}
    assert {axes.get_ylim() for axes in panels[5:]} == {(0, 1600)}
    for axes in panels:
        training, test = axes.lines
        assert (training.get_linestyle(), test.get_linestyle()) == ("-", "--")


def test_bounds_below_the_limits_of_the_paper_are_shown_all_the_same():
    axes, *_ = aevb_figure2.figure(rows("MNIST", bound=-300.0)).axes
    low, high = axes.get_ylim()
    assert low < -301 and high > -300
