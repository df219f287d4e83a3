from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from numpy_nets import figures
from numpy_nets.figures.code_norms import (
    COLOURS,
    code_norms_figure,
    save_code_norms,
    way_norms,
)
from numpy_nets.theory.gaussian import line_norm_mean, norm_mean, norm_variance


def test_between_draws_a_line_leaves_the_shell_of_draws_and_an_arc_does_not():
    """On the mean of 500 pairs, whose ends are draws themselves."""
    pairs = np.random.default_rng(0).standard_normal((500, 2, 100))
    spread = np.sqrt(norm_variance(100))
    norms = {
        kind: np.mean([way_norms(*pair, 5, kind) for pair in pairs], axis=0) for kind in COLOURS
    }
    for kind in COLOURS:
        np.testing.assert_allclose(norms[kind][[0, -1]], norm_mean(100), atol=0.2 * spread)
    np.testing.assert_allclose(norms["spherical"], norm_mean(100), atol=0.2 * spread)
    t = np.linspace(0, 1, 5)
    expected = [line_norm_mean(100, step) for step in t]
    np.testing.assert_allclose(norms["linear"], expected, atol=0.2 * spread)
    assert norms["linear"][2] < norm_mean(100) - 4 * spread


@pytest.mark.parametrize("d", [2, 100])
def test_dots_lie_on_the_lines_of_the_densities(d):
    left, _ = code_norms_figure(d).axes
    lines = left.lines
    assert len(lines) == 4
    for exact, dots in zip(lines[::2], lines[1::2], strict=True):
        at_dots = np.interp(dots.get_ydata(), exact.get_ydata(), exact.get_xdata())
        np.testing.assert_allclose(dots.get_xdata(), at_dots, atol=0.05)


def test_ten_ways_of_each_kind_are_drawn_in_its_colour():
    _, right = code_norms_figure(20).axes
    for colour in COLOURS.values():
        lines = [line for line in right.lines if line.get_color() == colour]
        ways = [line for line in lines if len(line.get_xdata())]
        assert len(ways) == 10


@pytest.mark.parametrize(
    ("d", "said"), [(1, "expected at least 2, got 1"), (0, "expected a positive integer, got 0")]
)
def test_in_one_dimension_there_are_no_arcs(tmp_path, d, said):
    with pytest.raises(ValueError, match=f"save_code_norms: dimensions: {said}"):
        save_code_norms(tmp_path / "new.png", d)


def test_the_figure_is_written_and_is_the_one_of_the_gallery(tmp_path):
    """Up to what another Matplotlib draws differently: fonts, and the smoothing of lines."""
    save_code_norms(tmp_path / "new.png")
    kept = Path(figures.__file__).parent / "gallery" / "code_norms.png"
    new, old = imread(tmp_path / "new.png"), imread(kept)
    assert new.shape == old.shape
    assert old.std() > 0.05 and np.abs(new - old).mean() < 0.02
    assert kept.stat().st_size < 80_000
