import numpy as np
from matplotlib.image import imread

from numpy_nets.figures.curves import save_curves
from numpy_nets.figures.images import save_reconstructions, tile


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
