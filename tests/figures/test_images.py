from itertools import combinations

import numpy as np
import pytest
from matplotlib.image import imread

from numpy_nets.figures.images import (
    fitting_scale,
    images_figure,
    reconstructions_figure,
    save_images,
    save_reconstructions,
    tile,
    to_bytes,
)

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


def random_images(*shape):
    return np.random.default_rng(0).random(shape)


def shown(path, figure):
    """The part of a picture where its figure has the sheet, (h, w, 3) of 0 to 255."""
    (image,) = figure.images
    picture = np.rint(255 * imread(path)[..., :3]).astype(int)
    height, width = image.get_array().shape[:2]
    bottom = len(picture) - int(image.oy)
    return picture[bottom - height : bottom, int(image.ox) : int(image.ox) + width]


def blocks(sheet, scale):
    """Every pixel of a sheet as a square."""
    pixels = np.kron(to_bytes(sheet), np.ones((scale, scale, *[1] * (sheet.ndim - 2))))
    return pixels if sheet.ndim == 3 else np.repeat(pixels[..., None], 3, axis=2)


def test_tile_puts_images_row_by_row_with_gaps():
    images = np.arange(3)[:, None, None] * np.full((2, 2), 0.1)
    sheet = tile(images, 2)
    assert sheet.shape == (5, 5)
    np.testing.assert_array_equal(sheet[:2, :2], images[0])
    np.testing.assert_array_equal(sheet[:2, 3:], images[1])
    np.testing.assert_array_equal(sheet[3:, :2], images[2])
    assert (sheet[2] == 1).all() and (sheet[:, 2] == 1).all() and (sheet[3:, 3:] == 1).all()


def test_tile_treats_each_colour_as_it_treats_grey():
    images = random_images(5, 3, 4, 3)
    sheet = tile(images, 2)
    for colour in range(3):
        np.testing.assert_array_equal(sheet[..., colour], tile(images[..., colour], 2))


@pytest.mark.parametrize("labels", [False, True], ids=["plain", "labelled"])
@pytest.mark.parametrize(
    ("shape", "columns", "scale"),
    [
        ((1, 28, 28), 10, 5),
        ((10, 28, 28), 5, 5),
        ((100, 28, 28), 10, 3),
        ((400, 28, 28), 20, 2),
        ((1, 8, 8), 1, 20),
        ((7, 8, 8), 4, 20),
        ((100, 8, 8), 10, 11),
        ((100, 32, 32), 10, 3),
        ((100, 32, 32, 3), 10, 3),
        ((3, 32, 32, 3), 3, 5),
        ((2, 200, 100), 2, 1),
    ],
)
def test_every_pixel_is_a_square_of_the_same_whole_size(tmp_path, shape, columns, scale, labels):
    images, extra = random_images(*shape), {}
    columns = min(columns, len(images))
    if labels:
        rows = -(-len(images) // columns)
        extra = {
            "title": "some images of random pixels, and a long title",
            "row_labels": [f"row {i}" for i in range(rows)],
            "column_labels": [f"{i / 10}" for i in range(columns)],
        }
    save_images(tmp_path / "g.png", images, columns, **extra)
    picture = shown(tmp_path / "g.png", images_figure(images, columns, **extra))
    np.testing.assert_array_equal(picture, blocks(tile(images, columns), scale))


@pytest.mark.parametrize("n", [1, 4, 10, 13, 20])
@pytest.mark.parametrize("shape", [(28, 28), (8, 8), (32, 32, 3)], ids=str)
def test_reconstructions_are_below_their_originals_in_the_same_squares(tmp_path, n, shape):
    originals, others = np.split(random_images(2 * n, *shape), 2)
    save_reconstructions(tmp_path / "r.png", originals, others)
    figure = reconstructions_figure(originals, others)
    picture = shown(tmp_path / "r.png", figure)
    h, w = shape[:2]
    space = max(2, h // 4)
    scale = picture.shape[1] // (min(n, 10) * (w + 1) - 1)
    assert [text.get_text() for text in figure.texts] == (
        ["original", "reconstruction"] * -(-n // 10)
    )
    seen = np.zeros(picture.shape[:2], bool)
    for i in range(n):
        for j, images in enumerate((originals, others)):
            top = scale * ((i // 10) * (2 * h + 1 + space) + j * (h + 1))
            left = scale * (i % 10) * (w + 1)
            part = slice(top, top + scale * h), slice(left, left + scale * w)
            np.testing.assert_array_equal(picture[part], blocks(images[i], scale))
            seen[part] = True
    assert (picture[~seen] == 255).all()


@pytest.mark.parametrize("size", [8, 28, 32])
@pytest.mark.parametrize(("n", "columns"), [(1, 1), (9, 3), (100, 10), (100, 20), (100, 1)])
def test_labels_are_readable_beside_their_images_and_do_not_overlap(size, n, columns):
    rows = -(-n // columns)
    across, down = ([CLASSES[i % 10] for i in range(count)] for count in (columns, rows))
    figure = images_figure(
        random_images(n, size, size), columns, "a title of some length, wider than one image",
        row_labels=down, column_labels=across,
    )  # fmt: skip
    (sheet,) = figure.images
    height, width = sheet.get_array().shape[:2]
    right, top = sheet.ox + width, sheet.oy + height
    texts = [(text.get_text(), text.get_window_extent()) for text in figure.texts]
    assert [text for text, _ in texts[:rows]] == down
    assert [text for text, _ in texts[rows:-1]] == across
    for text in figure.texts:
        assert text.get_fontsize() * figure.dpi / 72 >= 10  # pixels of the file
    for _, box in texts:
        assert box.x0 >= 0 and box.x1 <= figure.bbox.x1 and box.y0 >= 0
        assert box.y1 <= figure.bbox.y1
        assert box.x1 < sheet.ox or box.y0 > top
    for (_, one), (_, other) in combinations(texts, 2):
        assert not one.overlaps(other)
    for i, (_, box) in enumerate(texts[:rows]):
        assert top - (i + 1) * height / rows < (box.y0 + box.y1) / 2 < top - i * height / rows
    for i, (_, box) in enumerate(texts[rows:-1]):
        middle = (box.x0 + box.x1) / 2
        assert sheet.ox + i * width / columns < middle < right - (columns - 1 - i) * width / columns


def test_short_column_labels_are_level_and_long_ones_upright():
    images = random_images(20, 28, 28)
    short = images_figure(images, 20, column_labels=[f"{i}.5" for i in range(20)])
    long = images_figure(images, 20, column_labels=["automobile", *"abcdefghijklmnopqrs"])
    assert {text.get_rotation() for text in short.texts} == {0}
    assert {text.get_rotation() for text in long.texts} == {90}


def test_a_sheet_is_no_wider_than_its_images(tmp_path):
    save_images(tmp_path / "few.png", random_images(3, 28, 28), 10)
    save_images(tmp_path / "same.png", random_images(3, 28, 28), 3)
    assert (tmp_path / "few.png").read_bytes() == (tmp_path / "same.png").read_bytes()


def test_a_title_adds_to_the_height_and_takes_nothing_from_the_images(tmp_path):
    images = random_images(7, 28, 28)
    save_images(tmp_path / "plain.png", images, 4)
    save_images(tmp_path / "titled.png", images, 4, title="seven images")
    plain, titled = (imread(tmp_path / f"{name}.png") for name in ("plain", "titled"))
    assert titled.shape[0] > plain.shape[0] and titled.shape[1] == plain.shape[1]
    np.testing.assert_array_equal(titled[-len(plain) :], plain)


def test_values_outside_are_clipped_and_nan_is_white():
    image = [[-1.0, 2.0, np.nan, np.inf, -np.inf, 0.2]]
    assert to_bytes(image).tolist() == [[0, 255, 255, 255, 0, 51]]


def test_a_scale_is_whole_and_at_least_one():
    assert [fitting_scale((n, 3)) for n in (10, 90, 300, 650, 700, 5000)] == [100, 11, 3, 2, 1, 1]


@pytest.mark.parametrize(
    ("shape", "columns", "labels", "message"),
    [
        ((4, 8), 2, {}, r"save_images: images: expected shape \(n, h, w\) or \(n, h, w, 3\), "
                        r"got \(4, 8\)"),
        ((0, 8, 8), 2, {}, r"save_images: images: .* got \(0, 8, 8\)"),
        ((4, 8, 8, 2), 2, {}, r"save_images: images: .* got \(4, 8, 8, 2\)"),
        ((4, 8, 8), 0, {}, "save_images: columns: expected a positive integer, got 0"),
        ((4, 8, 8), 3, {"row_labels": ["a"]},
         "save_images: row_labels: expected 2 labels, one for each row, got 1"),
        ((4, 8, 8), 3, {"column_labels": "abcd"},
         "save_images: column_labels: expected 3 labels, one for each column, got 4"),
        ((4, 8, 8), 3, {"row_labels": []}, "row_labels: expected 2 labels"),
    ],
)  # fmt: skip
def test_what_is_not_a_grid_is_refused_and_nothing_is_written(
    tmp_path, shape, columns, labels, message
):
    with pytest.raises(ValueError, match=message):
        save_images(tmp_path / "g.png", np.zeros(shape), columns, **labels)
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("images", "columns", "message"),
    [
        (np.zeros((4, 8)), 2, r"tile: images: expected shape \(n, h, w\) or \(n, h, w, 3\)"),
        (np.zeros((4, 8, 8)), 0, "tile: columns: expected a positive integer, got 0"),
    ],
)
def test_tile_refuses_what_is_not_a_grid(images, columns, message):
    with pytest.raises(ValueError, match=message):
        tile(images, columns)


def test_reconstructions_of_other_shapes_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"reconstructions: expected shape \(2, 8, 8\), got \(1,"):
        save_reconstructions(tmp_path / "r.png", np.zeros((2, 8, 8)), np.zeros((1, 8, 8)))
    with pytest.raises(ValueError, match=r"originals: expected shape .* got \(2, 8\)"):
        save_reconstructions(tmp_path / "r.png", np.zeros((2, 8)), np.zeros((2, 8)))
    assert not any(tmp_path.iterdir())
