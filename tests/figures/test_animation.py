import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image, ImageSequence

from numpy_nets.figures.animation import CAPTION_HEIGHT, figure_to_image, save_animation


def ramps(n=4):
    ramp = np.linspace(0, 1, 16).reshape(4, 4)
    return [np.roll(ramp, i) for i in range(n)]


@pytest.mark.parametrize("depth", [(), (3,)], ids=["grey", "colour"])
def test_frames_come_back_in_their_order_with_their_durations(tmp_path, depth):
    frames = [np.broadcast_to(f.reshape(4, 4, *[1] * len(depth)), (4, 4, *depth)) for f in ramps()]
    save_animation(tmp_path / "a.gif", frames, seconds=0.2, hold=1.0)
    with Image.open(tmp_path / "a.gif") as gif:
        frames_and_durations = [
            (np.asarray(frame.convert("L")) / 255, frame.info["duration"])
            for frame in ImageSequence.Iterator(gif)
        ]
        assert gif.info["loop"] == 0
    assert [duration for _, duration in frames_and_durations] == [200, 200, 200, 1000]
    for (picture, _), frame in zip(frames_and_durations, ramps(), strict=True):
        np.testing.assert_allclose(picture, frame, atol=1 / 64)


def test_one_frame_is_enough_and_values_outside_are_cut(tmp_path):
    save_animation(tmp_path / "a.gif", [np.array([[-1.0, 2.0]])])
    with Image.open(tmp_path / "a.gif") as gif:
        assert np.asarray(gif.convert("L")).tolist() == [[0, 255]]


def read(path):
    """The frames of a GIF, (h, w) of 0 to 255."""
    with Image.open(path) as gif:
        return [np.asarray(frame.convert("L")).astype(int) for frame in ImageSequence.Iterator(gif)]


def test_a_scale_makes_squares_of_the_pixels(tmp_path):
    save_animation(tmp_path / "small.gif", ramps())
    save_animation(tmp_path / "large.gif", ramps(), scale=3)
    pairs = list(zip(read(tmp_path / "small.gif"), read(tmp_path / "large.gif"), strict=True))
    assert len(pairs) == 4
    for small, large in pairs:
        np.testing.assert_array_equal(large, np.kron(small, np.ones((3, 3))))


@pytest.mark.parametrize("depth", [(), (3,)], ids=["grey", "colour"])
def test_captions_are_above_the_frames_and_differ(tmp_path, depth):
    frames = [np.broadcast_to(f.reshape(4, 4, *[1] * len(depth)), (4, 4, *depth)) for f in ramps()]
    captions = [f"epoch {10**i}" for i in range(4)]
    save_animation(tmp_path / "plain.gif", frames, scale=40)
    save_animation(tmp_path / "a.gif", frames, scale=40, captions=captions)
    plain, captioned = read(tmp_path / "plain.gif"), read(tmp_path / "a.gif")
    assert len(captioned) == 4
    strips = [page[:CAPTION_HEIGHT] for page in captioned]
    for page, picture in zip(captioned, plain, strict=True):
        assert page.shape == (160 + CAPTION_HEIGHT, 160)
        np.testing.assert_allclose(page[CAPTION_HEIGHT:], picture, atol=8)
    for strip in strips:  # black on white, with white above and below
        assert strip.min() < 64 and (strip[0] == 255).all() and (strip[-1] == 255).all()
        assert (strip[:, 0] == 255).all() and (strip[:, -1] == 255).all()
    inks = [(strip < 128).sum() for strip in strips]
    assert inks == sorted(set(inks))  # each has one more digit


def test_a_page_is_as_wide_as_its_longest_caption(tmp_path):
    save_animation(tmp_path / "a.gif", [np.zeros((4, 4))] * 2, captions=["epoch 1", "epoch 10,000"])
    first, last = read(tmp_path / "a.gif")
    assert first.shape == last.shape and 80 < last.shape[1] < 160
    assert last.shape[0] == 4 + CAPTION_HEIGHT
    columns = np.flatnonzero((last[CAPTION_HEIGHT:] == 0).all(axis=0))
    assert len(columns) == 4 and abs(columns.mean() - last.shape[1] / 2) <= 1


def test_white_stays_white_and_black_black(tmp_path):
    grey = np.linspace(0, 1, 4096).reshape(64, 64)
    save_animation(tmp_path / "a.gif", [grey, grey.T])
    for frame in read(tmp_path / "a.gif"):
        assert frame.min() == 0 and frame.max() == 255
    np.testing.assert_allclose(read(tmp_path / "a.gif")[0] / 255, grey, atol=0.05)


@pytest.mark.parametrize("colours", [8, 64, 256])
def test_a_file_has_at_most_as_many_colours_as_asked_for(tmp_path, colours):
    frame = np.random.default_rng(0).random((30, 30, 3))
    save_animation(tmp_path / "a.gif", [frame], colours=colours)
    with Image.open(tmp_path / "a.gif") as gif:
        shown = np.asarray(gif.convert("RGB"))
    count = len(np.unique(shown.reshape(-1, 3), axis=0))
    assert colours // 2 < count <= colours


def test_captions_and_scales_that_do_not_fit_are_refused(tmp_path):
    with pytest.raises(ValueError, match="captions: expected 2, one for each frame, got 1"):
        save_animation(tmp_path / "a.gif", [np.ones((2, 2))] * 2, captions=["one"])
    with pytest.raises(ValueError, match="save_animation: scale: expected a positive integer"):
        save_animation(tmp_path / "a.gif", [np.ones((2, 2))], scale=0)
    with pytest.raises(ValueError, match="colours: expected at most 256, got 257"):
        save_animation(tmp_path / "a.gif", [np.ones((2, 2))], colours=257)
    assert not (tmp_path / "a.gif").exists()


def test_no_frames_and_frames_of_different_shapes_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"one shape \(h, w, ...\), got \[\]"):
        save_animation(tmp_path / "a.gif", [])
    with pytest.raises(ValueError, match=r"got \[\(2, 2\), \(2, 3\)\]"):
        save_animation(tmp_path / "a.gif", [np.ones((2, 2)), np.ones((2, 3))])
    assert not (tmp_path / "a.gif").exists()


def test_a_figure_becomes_an_image_of_its_colours():
    figure = Figure(figsize=(2, 1), dpi=50, facecolor="red")
    image = figure_to_image(figure)
    assert image.shape == (50, 100, 3)
    assert (image == [1, 0, 0]).all()
