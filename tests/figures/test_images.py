import numpy as np
import pytest
from matplotlib.image import imread

from numpy_nets.figures.curves import save_curves
from numpy_nets.figures.images import save_images, save_reconstructions, tile


def test_tile_puts_images_row_by_row_with_gaps():
    images = np.arange(3)[:, None, None] * np.full((2, 2), 0.1)
    sheet = tile(images, 2)
    assert sheet.shape == (5, 5)
    np.testing.assert_array_equal(sheet[:2, :2], images[0])
    np.testing.assert_array_equal(sheet[:2, 3:], images[1])
    np.testing.assert_array_equal(sheet[3:, :2], images[2])
    assert (sheet[2] == 1).all() and (sheet[:, 2] == 1).all() and (sheet[3:, 3:] == 1).all()


def test_pictures_are_written_and_not_blank(tmp_path):
    rng = np.random.default_rng(0)
    save_reconstructions(tmp_path / "r.png", rng.random((13, 8, 8)), rng.random((13, 8, 8)))
    save_curves(tmp_path / "c.png", {"loss": [3.0, 2.0, 1.0], "val_loss": [3.0, 2.5, 2.0]})
    for name in ("r.png", "c.png"):
        picture = imread(tmp_path / name)
        assert picture.shape[0] > 200 and picture.shape[1] > 200
        assert picture.std() > 0.05


def test_a_grid_shows_its_images_in_reading_order(tmp_path):
    """Images of one grey each: what is at the centre of each cell is its grey."""
    greys = np.arange(6) / 6
    save_images(tmp_path / "g.png", greys[:, None, None] * np.ones((10, 10)), 3)
    picture = imread(tmp_path / "g.png")[..., 0]
    dark = np.argwhere(picture < 1)  # without the margin; the first image is black
    (top, left), (bottom, right) = dark.min(axis=0), dark.max(axis=0)
    rows = (top + (bottom - top) * np.array([0.25, 0.75])).astype(int)
    columns = (left + (right - left) * np.array([1, 3, 5]) / 6).astype(int)
    np.testing.assert_allclose(picture[np.ix_(rows, columns)].ravel(), greys, atol=0.01)


def test_a_title_adds_to_the_height_and_takes_nothing_from_the_images(tmp_path):
    images = np.random.default_rng(0).random((7, 8, 8))
    save_images(tmp_path / "plain.png", images, 4)
    save_images(tmp_path / "titled.png", images, 4, title="seven images")
    plain, titled = (imread(tmp_path / f"{name}.png") for name in ("plain", "titled"))
    assert titled.shape[0] > plain.shape[0] and titled.shape[1] == plain.shape[1]


@pytest.mark.parametrize(
    ("shape", "columns", "message"),
    [
        ((4, 8), 2, r"images: expected shape \(n, h, w\), got \(4, 8\)"),
        ((0, 8, 8), 2, r"images: expected shape \(n, h, w\), got \(0, 8, 8\)"),
        ((4, 8, 8), 0, "columns: expected at least 1, got 0"),
    ],
)
def test_what_is_no_grid_is_refused_and_nothing_is_written(tmp_path, shape, columns, message):
    with pytest.raises(ValueError, match=message):
        save_images(tmp_path / "g.png", np.zeros(shape), columns)
    assert not any(tmp_path.iterdir())
