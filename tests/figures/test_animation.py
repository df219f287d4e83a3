import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image, ImageSequence

from numpy_nets.figures.animation import figure_to_image, save_animation


def ramps(n=4):
    ramp = np.linspace(0, 1, 16).reshape(4, 4)
    return [np.roll(ramp, i) for i in range(n)]


@pytest.mark.parametrize("depth", [(), (3,)], ids=["grey", "colour"])
def test_frames_come_back_in_their_order_with_their_durations(tmp_path, depth):
    frames = [np.broadcast_to(f.reshape(4, 4, *[1] * len(depth)), (4, 4, *depth)) for f in ramps()]
    save_animation(tmp_path / "a.gif", frames, seconds=0.2, hold=1.0)
    with Image.open(tmp_path / "a.gif") as gif:
        found = [
            (np.asarray(frame.convert("L")) / 255, frame.info["duration"])
            for frame in ImageSequence.Iterator(gif)
        ]
        assert gif.info["loop"] == 0
    assert [duration for _, duration in found] == [200, 200, 200, 1000]
    for (picture, _), frame in zip(found, ramps(), strict=True):
        np.testing.assert_allclose(picture, frame, atol=1 / 64)


def test_one_frame_is_enough_and_values_outside_are_cut(tmp_path):
    save_animation(tmp_path / "a.gif", [np.array([[-1.0, 2.0]])])
    with Image.open(tmp_path / "a.gif") as gif:
        assert np.asarray(gif.convert("L")).tolist() == [[0, 255]]


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
