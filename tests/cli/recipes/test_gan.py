import csv
import json
import os
import signal

import numpy as np
import pytest
from PIL import Image

from numpy_nets import random
from numpy_nets.cli import main
from numpy_nets.cli.recipes import gan as gan_recipe
from numpy_nets.cli.recipes.gan import (
    OBJECTIVES,
    AdversarialRecipe,
    GANRecipe,
    GANSettings,
    fixed_noise,
)
from numpy_nets.cli.runs import stops
from numpy_nets.cli.runs.data import load_images
from numpy_nets.cli.runs.saved import load_saved
from numpy_nets.models.gan import GAN


def words(data, *more, epochs=2):
    return ["train", "gan", "--data", str(data), "--latent", "3", "--hidden", "8",
            "--batch-size", "16", "--epochs", str(epochs), "--out", "run", *more]  # fmt: skip


def settings(images, **changed):
    return GANSettings(**{"image_shape": (6, 5), "data": str(images), "latent": 3} | changed)


def test_the_defaults_make_ten_thousand_iterations_and_more_on_the_embedded_digits():
    default = settings("digits")
    assert default.epochs * (6000 // default.batch_size) >= 10_000
    assert (default.batch_size, default.learning_rate, default.k) == (128, 4e-4, 1)


def test_the_options_are_those_of_the_model(images):
    recipe = GANRecipe()
    for name, objective in OBJECTIVES.items():
        changed = {"objective": name, "k": 3, "half_steps": "yes", "label_smoothing": 0.1}
        model = recipe.build(settings(images, **changed))
        assert model.objective is objective and model.k == 3 and model.half_steps
        assert model.real_label == 0.9
        for optimizer in (model.d_optimizer, model.g_optimizer):
            assert float(optimizer.learning_rate) == pytest.approx(4e-4)
            assert optimizer.beta_1 == 0.5


def test_the_networks_see_pixels_from_minus_one_to_one_and_people_from_zero_to_one(images):
    recipe, data, seen = GANRecipe(), load_images(str(images)), []

    class Model:
        def fit(self, x, y, **_):
            seen.append(x)

    recipe.fit(Model(), data, settings(images))
    np.testing.assert_allclose((seen[0] + 1) / 2, data.x_train, atol=1e-6)
    samples = recipe.sample(recipe.build(settings(images)), 9, None)
    assert samples.shape == (9, 30) and 0 <= samples.min() < samples.max() <= 1


@pytest.mark.parametrize(
    ("k", "batch_size", "batches"),
    [(1, 16, [16, 16, 16, 12]), (3, 16, [48, 12]), (3, 19, [57, 3]), (2, 59, [60])],
)
def test_a_batch_holds_k_minibatches_and_the_last_at_least_k_pictures(
    k, batch_size, batches, images, monkeypatch
):
    recipe, data, seen = GANRecipe(), load_images(str(images)), []
    some = settings(images, k=k, batch_size=batch_size)
    step = GAN.train_step

    def count(self, pictures):
        seen.append(len(pictures.numpy()))
        return step(self, pictures)

    monkeypatch.setattr(GAN, "train_step", count)
    recipe.fit(recipe.build(some), data, some, epochs=1, verbose=0)
    assert seen == batches


def test_what_is_too_little_for_k_steps_is_left_out(images):
    recipe, data, seen = GANRecipe(), load_images(str(images)), []

    class Model:
        def fit(self, x, y, batch_size, **_):
            seen.append((len(x), batch_size))

    for k, batch_size in ((2, 59), (1, 59), (29, 1), (31, 1), (59, 1)):
        recipe.fit(Model(), data, settings(images, k=k, batch_size=batch_size))
    assert seen == [(60, 118), (60, 59), (58, 29), (31, 31), (59, 59)]


def test_the_fixed_noise_follows_from_the_seed_and_leaves_the_shared_stream(images):
    before = random.get_state()
    a, b, c = (fixed_noise(settings(images, seed=seed)) for seed in (0, 0, 1))
    assert random.get_state() == before
    assert a.shape == (100, 3) and (a == b).all() and not (a == c).any()


def test_the_bar_shows_losses_and_outputs_and_the_history_holds_them(images, no_pictures, capsys):
    assert main(words(images)) == 0
    bar = capsys.readouterr().err
    for name in ("d_loss=", "g_loss=", "d_real=", "d_fake="):
        assert name in bar
    assert "d_accuracy" not in bar
    with open("run/history.csv", newline="") as file:
        for row in csv.DictReader(file):
            total = float(row["d_loss_real"]) + float(row["d_loss_fake"])
            assert float(row["d_loss"]) == pytest.approx(total, rel=1e-5)


def test_the_table_compares_samples_with_test_images(images, no_pictures, capsys):
    assert main(words(images)) == 0
    ended_with = capsys.readouterr().out
    for row in ("classes of 1 % or more", "imbalance", "distance between two", "nearest training"):
        assert row in ended_with
    assert "of 3" in ended_with and "Fréchet" in ended_with
    assert main(["evaluate", "run"]) == 0
    again = [line for line in capsys.readouterr().out.splitlines() if line.startswith("│")]
    assert again == [line for line in ended_with.splitlines() if line.startswith("│")] != []


def test_without_labels_the_table_has_what_needs_none(empty_folder, no_pictures, capsys):
    np.save("x.npy", np.random.default_rng(0).random((40, 6, 5)))
    assert main(words("x.npy")) == 0
    out = capsys.readouterr().out
    assert "distance between two" in out and "nearest training" in out
    assert "Not all images have labels" in out and "Fréchet" not in out and "classes of" not in out


def test_data_that_are_no_images_are_trained_without_pictures_of_them(empty_folder):
    np.save("x.npy", np.random.default_rng(0).random((40, 7)))
    assert main(words("x.npy")) == 0
    assert {p.name for p in (empty_folder / "run").glob("*.*")} == {
        "settings.json", "history.csv", "times.csv", "checkpoint.weights.h5", "gan.weights.h5",
        "curves.png", "outputs.png", "index.html",
    }  # fmt: skip


def sheets(folder):
    return {p.name: p.read_bytes() for p in (folder / "samples").iterdir()}


def test_sheets_are_of_the_first_ten_epochs_and_every_fifth_also_after_a_resume(
    images, empty_folder, monkeypatch
):
    monkeypatch.setattr(GANRecipe, "draw_curves", lambda *_: None)
    monkeypatch.setattr(GANRecipe, "print_table", lambda *_: None)
    assert main([*words(images, epochs=21), "--out", "whole"]) == 0
    seen, ask = 0, stops.StopOnInterrupt.on_train_batch_end

    def stop(self, batch, logs=None):
        nonlocal seen
        seen += 1
        if seen == 50:  # in epoch 13
            os.kill(os.getpid(), signal.SIGINT)
        ask(self, batch, logs)

    with monkeypatch.context() as patch:
        patch.setattr(stops.StopOnInterrupt, "on_train_batch_end", stop)
        assert main(words(images, epochs=21)) == 130
    assert len(sheets(empty_folder / "run")) == 10
    assert main(["train", "gan", "--out", "run", "--resume"]) == 0
    expected = [*range(1, 11), 15, 20]
    assert sorted(sheets(empty_folder / "run")) == [f"epoch-{n:04}.png" for n in expected]
    assert sheets(empty_folder / "run") == sheets(empty_folder / "whole")
    for name in ("samples.gif", "samples.png", "history.csv", "gan.weights.h5"):
        assert (empty_folder / "run" / name).read_bytes() == (
            empty_folder / "whole" / name
        ).read_bytes()
    with Image.open("run/samples.gif") as gif, Image.open("run/samples/epoch-0001.png") as sheet:
        assert gif.n_frames == len(expected) + 1  # all, as they are fewer than 30
        assert sheet.size == (10 * 6 - 1, 10 * 7 - 1)
        assert gif.width % sheet.width == 0 and gif.height > gif.width // sheet.width * sheet.height


def test_a_collapse_is_one_line_and_no_warning_of_python(images, no_pictures, monkeypatch, capsys):
    monkeypatch.setattr("numpy_nets.evaluation.collapse.ALIKE", 1e9)
    assert main(words(images, epochs=5)) == 0
    lines = capsys.readouterr().err.replace("\r", "\n").splitlines()
    (line,) = [line for line in lines if "collapsed" in line]
    assert line.startswith("warning: epoch 3: the generator has collapsed: ")


def test_codes_of_a_gan_are_walked_between_without_images_at_the_ends(trained, empty_folder):
    trained("gan")
    words = "interpolate run --steps 4 --kind spherical --out a.png"
    assert main(words.split()) == 0
    model = GANRecipe().build(settings("", latent=4))
    codes, x, y = GANRecipe().ends(model, None, None)
    assert codes.shape == (16, 4) and x is None and y is None


def test_losses_that_are_not_finite_stop_the_run_with_one_line(images, monkeypatch, capsys):
    monkeypatch.setattr(GAN, "train_step", lambda *_: {"d_loss": float("nan"), "g_loss": 1.0})
    assert main(words(images)) == 2
    error = capsys.readouterr().err.replace("\r", "\n").splitlines()[-1]
    assert error.startswith("numpy-nets: error: training diverged at step 1")


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ("--objective minmax", "unknown 'minmax'; did you mean 'minimax'?"),
        ("--k 0", "--k: expected an integer >= 1"),
        ("--half-steps maybe", "unknown 'maybe'"),
        ("--label-smoothing 0.6", "--label-smoothing: expected a number >= 0 and <= 0.5"),
        ("--binarize static", "unknown argument '--binarize'"),
        ("--objectiv minimax", "did you mean '--objective'?"),
    ],
)
def test_wrong_arguments_are_one_line(argument, said, fails):
    fails(f"train gan {argument}", said)


def test_what_the_data_do_not_allow_is_one_line(images, empty_folder, fails):
    fails(f"train gan --data {images} --k 61 --out a", "--k 61: expected at most 60, the number")
    x = np.random.default_rng(0).random((10, 6, 5))
    np.savez("one.npz", x_train=x, x_test=x[:1])
    fails("train gan --data one.npz --out b", "expected 2 or more training and test images, got 10")


def test_what_a_gan_has_not_is_one_line(trained, fails):
    trained("gan")
    fails("sample run --label 1", "--label: the model is gan, which knows no classes")
    fails("evaluate run --samples 5", "--samples: the model is gan, which has no likelihood")


def test_a_damaged_setting_is_one_line(trained, fails):
    file = trained("gan") / "settings.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "objective": "wasserstein"}))
    fails("evaluate run", "settings.json: damaged: objective: got 'wasserstein'")


RANGES = {"N(0, I)": (-np.inf, np.inf), "U(-1, 1)": (-1, 1), "U(0, 1)": (0, 1)}


@pytest.mark.parametrize(
    ("name", "prior"),
    [("gan", "N(0, I)"), ("cgan", "N(0, I)"), ("bigan", "U(-1, 1)"), ("sgan", "U(0, 1)")],
)
def test_a_sheet_says_what_its_codes_were_drawn_from(name, prior, trained, tmp_path, monkeypatch):
    titles = []
    monkeypatch.setattr(gan_recipe, "save_images", lambda *a, **_: titles.append(a[3]))
    monkeypatch.setattr(gan_recipe, "save_animation", lambda *_, **__: None)
    run = load_saved(trained(name))
    AdversarialRecipe.draw(run.recipe, run.model, run.images(), run.settings, tmp_path)
    assert titles == [f"new images, from codes drawn from {prior}"]
    low, high = RANGES[prior]
    codes = run.recipe.fixed_codes(run.settings)
    for z in (codes, run.model.draw_noise(400).numpy()):
        assert z.min() >= low and z.max() <= high
        if np.isfinite(high):  # close to both ends, and so of this range and not of a part of it
            assert z.min() < low + 0.05 and z.max() > high - 0.05
        else:
            assert abs(z.std() - 1) < 0.2 and abs(z).max() > 2
