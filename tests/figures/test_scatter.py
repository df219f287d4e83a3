import numpy as np
import pytest
from matplotlib import colormaps
from matplotlib.image import imread

from numpy_nets.figures.scatter import save_scatter


def shown(path, colours):
    """Which of the colours (n, 3) a picture has pixels of."""
    pixels = imread(path)[..., :3].reshape(-1, 3)
    return [bool((np.abs(pixels - c).max(axis=1) < 0.01).any()) for c in colours]


@pytest.mark.parametrize("labels", [[0], range(10), ["cat", "dog"]])
def test_up_to_ten_labels_have_one_colour_each(tmp_path, labels):
    path, n = tmp_path / "scatter.png", len(labels)
    codes = np.random.default_rng(0).standard_normal((30 * n, 2))
    save_scatter(path, codes, np.tile(labels, 30))
    found = shown(path, colormaps["tab10"].colors)
    found[7] = n > 7  # grey, which letters have at their edges
    assert found == [i < n for i in range(10)]
    assert imread(path).shape[:2] == (720, 840)


def test_more_labels_than_ten_have_one_colour_each(tmp_path):
    path = tmp_path / "scatter.png"
    codes = np.random.default_rng(0).standard_normal((360, 2))
    save_scatter(path, codes, np.arange(360) % 12)
    assert all(shown(path, colormaps["turbo"](np.linspace(0, 1, 12))[:, :3]))


@pytest.mark.parametrize(
    ("codes", "labels", "message"),
    [
        (np.zeros((3, 3)), np.zeros(3), r"codes: expected shape \(n, 2\), got \(3, 3\)"),
        (np.zeros((3, 2)), np.zeros(2), r"labels: expected shape \(3,\), got \(2,\)"),
    ],
)
def test_other_shapes_are_refused_and_nothing_is_written(tmp_path, codes, labels, message):
    with pytest.raises(ValueError, match=message):
        save_scatter(tmp_path / "s.png", codes, labels)
    assert not any(tmp_path.iterdir())
