import csv

import numpy as np
import pytest

from numpy_nets.cli import main
from numpy_nets.cli.recipes import recipe
from numpy_nets.cli.recipes.vae import VAERecipe


def run(images, *more):
    return main(["train", "vae", "--data", str(images), "--latent", "2", "--hidden", "8",
                 "--epochs", "2", "--out", "run", *more])  # fmt: skip


def test_the_history_has_the_loss_and_its_terms_which_add_up(trained):
    with open(trained("vae") / "history.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == [
        "epoch", "kl", "loss", "reconstruction", "val_kl", "val_loss", "val_reconstruction",
    ]  # fmt: skip
    for row in rows:
        total = float(row["val_reconstruction"]) + float(row["val_kl"])
        assert float(row["val_loss"]) == pytest.approx(total, rel=1e-6)


def test_curves_are_in_nats_per_image_with_the_losses_first(images, monkeypatch):
    drawn = {}

    def save_curves(path, history, ylabel):
        drawn.update(names=list(history), ylabel=ylabel)

    monkeypatch.setattr(recipe, "save_curves", save_curves)
    for method in ("print_table", "draw"):
        monkeypatch.setattr(VAERecipe, method, lambda *_: None)
    assert run(images) == 0
    assert drawn["ylabel"] == "nats per image"
    assert drawn["names"][:2] == ["loss", "val_loss"] and len(drawn["names"]) == 6


def test_two_latent_units_are_drawn_as_a_manifold_and_a_scatter(images, empty_folder, capsys):
    assert run(images, "--binarize", "static") == 0
    assert (empty_folder / "run/manifold.png").exists()
    assert (empty_folder / "run/codes.png").exists()
    out = capsys.readouterr().out
    rows = ("loss", "reconstruction", "kl", "-ELBO", "-log p of 20, 50 samples", "units that")
    for row in rows:
        assert row in out
    assert "pseudo-likelihood" not in out


def test_grey_pixels_under_a_bernoulli_decoder_are_said_to_give_a_pseudo_likelihood(
    images, no_pictures, capsys
):
    assert run(images) == 0
    assert "pseudo-likelihood" in " ".join(capsys.readouterr().out.split())


def test_a_gaussian_likelihood_is_printed_beside_that_of_probabilistic_pca(
    images, no_pictures, capsys
):
    assert run(images, "--likelihood", "gaussian", "--activation", "tanh") == 0
    out = capsys.readouterr().out
    assert "densities" in out and "pseudo" not in out
    (row,) = [line for line in out.splitlines() if "-log p" in line]
    assert float(row.split("│")[3]) < 0  # nats of 30 pixels in [0, 1]


def test_more_codes_than_pixels_leave_no_probabilistic_pca(empty_folder, capsys, no_pictures):
    np.save("x.npy", np.random.default_rng(0).random((40, 7)))
    words = "train vae --data x.npy --likelihood gaussian --latent 9 --epochs 1 --out run"
    assert main(words.split()) == 0
    (row,) = [line for line in capsys.readouterr().out.splitlines() if "-log p" in line]
    assert row.split("│")[3].strip() == "-"


def test_data_that_are_no_images_are_trained_without_pictures_of_them(empty_folder):
    rng = np.random.default_rng(0)
    x, y = rng.random((40, 7)), np.arange(40) % 2
    np.savez("x.npz", x_train=x, y_train=y, x_test=x, y_test=y)
    assert run("x.npz") == 0
    assert {p.name for p in (empty_folder / "run").glob("*.png")} == {"curves.png", "codes.png"}


def test_the_likelihood_of_few_images_takes_them_from_all_over(
    images, no_pictures, monkeypatch, capsys
):
    """The first images of MNIST's test set are easier than the last."""
    whole = VAERecipe.print_table

    def few(self, model, data, settings, samples, most, printed):
        whole(self, model, data, settings, samples, 5, printed)

    monkeypatch.setattr(VAERecipe, "print_table", few)
    assert run(images) == 0
    assert "-log p of 5, 50 samples" in capsys.readouterr().out
