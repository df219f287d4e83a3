"""Colour images are trained on as plain numbers, and drawn in colour."""

import numpy as np
import pytest
from PIL import Image

from numpy_nets.cli import main

SAMPLED = {"samples.png", "samples.gif", "samples/epoch-0001.png"}
PICTURES = {  # cvae and iwae draw as vae does, and cgan as gan does
    "autoencoder": {"reconstructions.png"},
    "denoising": {"reconstructions.png", "features.png", "denoised.png"},
    "sparse": {"reconstructions.png", "features.png"},
    "vae": {"reconstructions.png", "samples.png", "traversal.png", "manifold.png"},
    "gan": SAMPLED,
    "bigan": {"reconstructions.png", *SAMPLED},
}


def colours(path):
    """The colours in a picture, as rows of red, green and blue."""
    with Image.open(path) as picture:
        return np.unique(np.asarray(picture.convert("RGB")).reshape(-1, 3), axis=0).astype(int)


def is_coloured(path):
    """Grey has three equal channels; what a G draws after one epoch is not far from it."""
    return (np.ptp(colours(path), axis=1) > 2).any()


def train(model, data, *more):
    words = ["--latent", "2", "--batch-size", "16", "--epochs", "1", "--out", "run"]
    assert main(["train", model, "--data", str(data), *words, *more]) == 0


@pytest.mark.parametrize("model", PICTURES)
def test_every_picture_of_a_model_is_in_colour(model, colour_images, empty_folder, capsys):
    train(model, colour_images)
    assert "not drawn" not in capsys.readouterr().out
    for name in PICTURES[model]:
        assert is_coloured(empty_folder / "run" / name), name
    originals = np.load(colour_images)["x_test"][:10].reshape(-1, 3)
    if "reconstructions.png" in PICTURES[model]:  # has the originals unchanged
        drawn = {tuple(row) for row in colours(empty_folder / "run/reconstructions.png").tolist()}
        assert {tuple(row) for row in originals.tolist()} <= drawn


@pytest.mark.parametrize("model", ["vae", "gan"])
def test_samples_and_interpolations_of_a_run_are_in_colour(model, colour_images, empty_folder):
    train(model, colour_images)
    assert main(["sample", "run", "--count", "7", "--out", "a.png"]) == 0
    assert main(["interpolate", "run", "--steps", "4", "--out", "b.png"]) == 0
    assert is_coloured("a.png") and is_coloured("b.png")


def test_a_sheet_of_a_gan_has_ten_by_ten_images_in_colour(colour_images, empty_folder):
    train("gan", colour_images)
    with Image.open("run/samples/epoch-0001.png") as sheet:
        assert sheet.mode == "RGB" and sheet.size == (10 * 9 - 1, 10 * 9 - 1)


def test_a_gif_of_colours_has_more_of_them_than_one_of_grey_levels(
    images, colour_images, empty_folder
):
    train("gan", colour_images)
    assert 64 < len(colours("run/samples.gif")) <= 256
    train("gan", images, "--out", "grey")
    assert len(colours("grey/samples.gif")) <= 64


def test_a_batch_of_cifar10_is_trained_on_and_drawn(empty_folder, capsys):
    rng = np.random.default_rng(0)
    records = np.hstack([np.arange(40)[:, None] % 10, rng.integers(0, 256, (40, 3072))])
    (empty_folder / "batch.bin").write_bytes(records.astype(np.uint8).tobytes())
    train("cgan", "batch.bin", "--hidden", "4")
    assert "36 training and 4 test images" in capsys.readouterr().out
    assert is_coloured("run/samples.png")
