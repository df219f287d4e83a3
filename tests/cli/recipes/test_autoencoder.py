import csv
import json
import os
import signal

import numpy as np
import pytest

from numpy_nets.cli import main
from numpy_nets.cli.recipes import autoencoder
from numpy_nets.cli.recipes.autoencoder import AutoencoderSettings
from numpy_nets.cli.runs import stops
from numpy_nets.models.autoencoder import build_autoencoder

FILES = {
    "settings.json", "history.csv", "times.csv", "checkpoint.weights.h5",
    "autoencoder.weights.h5", "curves.png", "reconstructions.png", "index.html",
}  # fmt: skip


def train(images, *more: str) -> int:
    return main(["train", "autoencoder", "--data", str(images), "--latent", "4",
                 "--batch-size", "16", *more])  # fmt: skip


def history(folder):
    with open(folder / "history.csv", newline="") as file:
        return list(csv.DictReader(file))


def contents(folder):
    """All but the times, which are never the same."""
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.name != "times.csv"}


def test_a_run_leaves_settings_history_weights_and_pictures(images, empty_folder, capsys):
    assert train(images, "--epochs", "3", "--out", "run") == 0
    folder = empty_folder / "run"
    assert {p.name for p in folder.iterdir()} == FILES
    rows = history(folder)
    assert list(rows[0]) == ["epoch", "loss", "val_loss"]
    assert [row["epoch"] for row in rows] == ["0", "1", "2"]
    assert float(rows[-1]["loss"]) < float(rows[0]["loss"])
    settings = json.loads((folder / "settings.json").read_text())
    assert settings["latent"] == 4 and settings["epochs"] == 3 and settings["seed"] == 0
    for picture in ("curves.png", "reconstructions.png"):
        assert (folder / picture).read_bytes().startswith(b"\x89PNG")
    out, err = capsys.readouterr()
    assert "autoencoder" in out and "PCA" in out and "purity" in out
    assert "val_loss" in err and "epoch 3/3" in err


def test_the_saved_weights_are_those_of_the_trained_model(images, empty_folder):
    train(images, "--epochs", "2", "--out", "run")
    model, _ = build_autoencoder(30, 4)
    model.load_weights(empty_folder / "run/autoencoder.weights.h5")
    model.compile(loss="binary_crossentropy")
    x = np.load(images)["x_test"].reshape(20, 30) / np.float32(255)
    assert model.evaluate(x, x, batch_size=16, verbose=0) == pytest.approx(
        float(history(empty_folder / "run")[-1]["val_loss"]), rel=1e-6
    )


def test_the_same_seed_gives_the_same_run_and_another_seed_another(images, empty_folder):
    for name, seed in (("a", "1"), ("b", "1"), ("c", "2")):
        train(images, "--epochs", "2", "--seed", seed, "--out", name)
    a, b, c = (contents(empty_folder / name) for name in "abc")
    assert a["autoencoder.weights.h5"] == b["autoencoder.weights.h5"]
    assert a["history.csv"] == b["history.csv"] != c["history.csv"]


def test_without_out_every_run_gets_a_new_folder(images, empty_folder):
    for _ in range(2):
        train(images, "--epochs", "1")
    assert sorted(p.name for p in (empty_folder / "runs").iterdir()) == [
        "autoencoder-small", "autoencoder-small-2",
    ]  # fmt: skip


def stop_after(monkeypatch, batches):
    """Send this process Ctrl-C in the given batch."""
    seen = 0
    ask = stops.StopOnInterrupt.on_train_batch_end

    def count(self, batch, logs=None):
        nonlocal seen
        seen += 1
        if seen == batches:
            os.kill(os.getpid(), signal.SIGINT)
        ask(self, batch, logs)

    monkeypatch.setattr(stops.StopOnInterrupt, "on_train_batch_end", count)


@pytest.mark.parametrize("batches", [2, 4, 6])  # in the first epoch, at its end, in the second
def test_ctrl_c_leaves_a_run_that_resumes_bit_for_bit(
    batches, images, empty_folder, monkeypatch, capsys
):
    train(images, "--epochs", "4", "--out", "whole")
    with monkeypatch.context() as patch:
        stop_after(patch, batches)
        assert train(images, "--epochs", "4", "--out", "cut") == 130
    assert "--out cut --resume" in capsys.readouterr().err
    assert not (empty_folder / "cut/autoencoder.weights.h5").exists()
    assert main(["train", "autoencoder", "--out", "cut", "--resume"]) == 0
    assert contents(empty_folder / "whole") == contents(empty_folder / "cut")


def test_resume_with_more_epochs_goes_on(images, empty_folder):
    train(images, "--epochs", "4", "--out", "whole")
    train(images, "--epochs", "2", "--out", "part")
    assert main(["train", "autoencoder", "--out", "part", "--resume", "--epochs", "4"]) == 0
    whole, part = contents(empty_folder / "whole"), contents(empty_folder / "part")
    assert whole["history.csv"] == part["history.csv"]
    assert whole["checkpoint.weights.h5"] == part["checkpoint.weights.h5"]


def fails(capsys, words, said):
    capsys.readouterr()
    assert main(words) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1 and said in err, err


def test_nothing_is_overwritten(images, empty_folder, capsys):
    train(images, "--epochs", "1", "--out", "run")
    before = contents(empty_folder / "run")
    words = ["train", "autoencoder", "--data", str(images), "--out", "run"]
    fails(capsys, words, "exists already")
    for change, said in (
        (["--latent", "5"], "latent was 4, now 5"),
        (["--seed", "5"], "seed was 0, now 5"),
        (["--data", "digits"], "small.npz"),
    ):
        fails(capsys, ["train", "autoencoder", "--out", "run", "--resume", *change], said)
    assert contents(empty_folder / "run") == before


def test_fewer_epochs_than_the_run_has_are_refused(images, empty_folder, capsys):
    train(images, "--epochs", "2", "--out", "run")
    before = contents(empty_folder / "run")
    words = ["train", "autoencoder", "--out", "run", "--resume", "--epochs", "1"]
    fails(capsys, words, "--epochs 1: the run has 2 already")
    assert contents(empty_folder / "run") == before


def test_changed_data_are_noticed_on_resume(images, empty_folder, capsys):
    train(images, "--epochs", "1", "--out", "run")
    stored = dict(np.load(images))
    stored["x_train"] = stored["x_train"][::-1]
    np.savez(images, **stored)
    said = "small.npz are not those that it was trained on: other images, other labels, or"
    fails(capsys, ["train", "autoencoder", "--out", "run", "--resume"], said)


@pytest.mark.parametrize("text", ["", "[]", "{", "null"])
def test_damaged_settings_are_one_line(text, images, empty_folder, capsys):
    train(images, "--epochs", "1", "--out", "run")
    (empty_folder / "run/settings.json").write_text(text)
    fails(capsys, ["train", "autoencoder", "--out", "run", "--resume"], "settings.json: damaged")


def test_a_damaged_checkpoint_is_one_line(images, empty_folder, capsys):
    train(images, "--epochs", "1", "--out", "run")
    (empty_folder / "run/checkpoint.weights.h5").write_bytes(b"no")
    fails(capsys, ["train", "autoencoder", "--out", "run", "--resume"], "checkpoint.weights.h5")


def test_a_folder_that_holds_no_run_cannot_be_resumed(empty_folder, capsys):
    fails(capsys, ["train", "autoencoder", "--out", "nothing", "--resume"], "holds no run")


def test_a_folder_that_cannot_be_made_is_one_line(images, empty_folder, capsys):
    (empty_folder / "file").write_text("mine")
    words = ["train", "autoencoder", "--data", str(images), "--out"]
    fails(capsys, [*words, "file"], "exists already")
    fails(capsys, [*words, "file/inside"], "file")
    assert (empty_folder / "file").read_text() == "mine"


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.full((20, 4), np.nan), "NaN"),
        (np.full((20, 4), np.inf), "infinite"),
        (np.zeros((0, 4)), "empty"),
        (np.full((20, 4), 7.0), "expected bytes, or values in [0, 1]"),
        (np.full((20, 4), 1j), "complex128"),
    ],
)
def test_bad_data_are_one_line_and_leave_no_folder(array, said, empty_folder, capsys):
    np.save(empty_folder / "x.npy", array)
    fails(capsys, ["train", "autoencoder", "--data", "x.npy", "--out", "run"], said)
    assert not (empty_folder / "run").exists()


def test_data_that_are_no_images_are_trained_without_a_picture(empty_folder):
    np.save(empty_folder / "x.npy", np.random.default_rng(0).random((40, 7)))
    assert train("x.npy", "--epochs", "1", "--out", "run") == 0
    assert {p.name for p in (empty_folder / "run").iterdir()} == FILES - {"reconstructions.png"}


def test_defaults_are_the_embedded_digits():
    assert AutoencoderSettings().data == "digits"
    assert AutoencoderSettings().latent == 64


def test_a_diverging_run_stops_with_one_line(images, empty_folder, capsys, monkeypatch):
    class Wild(autoencoder.Adam):
        def step(self, g, *slots):
            return np.full_like(g, 1e30)

    monkeypatch.setattr(autoencoder, "Adam", Wild)
    assert train(images, "--epochs", "2", "--out", "run") == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert "training diverged" in error and "--learning-rate" in error


@pytest.mark.parametrize(
    ("name", "value"), [("data", 5), ("epochs", "x"), ("latent", None), ("learning_rate", 1)]
)
def test_settings_of_a_wrong_type_are_one_line(name, value, images, empty_folder, capsys):
    train(images, "--epochs", "1", "--out", "run")
    file = empty_folder / "run/settings.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), name: value}))
    words = ["train", "autoencoder", "--out", "run", "--resume"]
    fails(capsys, words, f"settings.json: damaged: {name}: got {value!r}")


def test_labels_of_any_size_and_large_images_need_no_large_memory(empty_folder):
    rng = np.random.default_rng(0)
    y = np.array([2**40, 5] * 10)
    x = rng.integers(0, 255, (20, 200, 200), np.uint8)
    np.savez(empty_folder / "x.npz", x_train=x, y_train=y, x_test=x, y_test=y)
    words = ["train", "autoencoder", "--data", "x.npz", "--epochs", "1", "--latent", "2"]
    assert main([*words, "--out", "run"]) == 0


def test_a_log_that_is_no_terminal_gets_few_redraws_of_the_bar(images, empty_folder, capsys):
    assert train(images, "--epochs", "30", "--out", "run") == 0
    assert capsys.readouterr().err.count("\r") < 10
