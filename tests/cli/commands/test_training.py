"""What holds for the training of every model."""

import json
import os
import signal

import numpy as np
import pytest

from numpy_nets.cli import main
from numpy_nets.cli.commands import train
from numpy_nets.cli.recipes import RECIPES
from numpy_nets.cli.recipes.vae import VAERecipe
from numpy_nets.cli.runs import stops

ALWAYS = {"settings.json", "history.csv", "times.csv", "checkpoint.weights.h5", "curves.png",
          "index.html"}
PICTURES = {
    "autoencoder": {"reconstructions.png"},
    "denoising": {"reconstructions.png", "features.png", "denoised.png"},
    "sparse": {"reconstructions.png", "features.png"},
    "vae": {"reconstructions.png", "samples.png", "traversal.png"},
    "cvae": {"reconstructions.png", "samples.png", "traversal.png"},
    "iwae": {"reconstructions.png", "samples.png", "traversal.png"},
    "gan": {"outputs.png", "samples.png", "samples.gif", "samples/epoch-0001.png"},
    "cgan": {"outputs.png", "samples.png", "samples.gif", "samples/epoch-0001.png"},
    "bigan": {"outputs.png", "samples.png", "samples.gif", "samples/epoch-0001.png",
              "reconstructions.png"},
    "sgan": {"outputs.png", "samples.png", "samples.gif", "samples/epoch-0001.png"},
    "m1m2": {"reconstructions.png", "samples.png", "analogies.png"},
    "dec": {"clusters.png"},
}
OTHER = {  # options that differ from the defaults, for each model
    "autoencoder": "--binarize dynamic",
    "denoising": "--corruption gaussian --noise 0.2 --activation relu",
    "sparse": "--penalty l1 --weight 0.1 --activation tanh --binarize static",
    "vae": "--binarize dynamic --beta 2 --samples 3",
    "cvae": "--binarize dynamic --activation tanh",
    "iwae": "--samples 2 --hidden 7 --likelihood gaussian",
    "gan": "--objective least-squares --half-steps yes --label-smoothing 0.1",
    "cgan": "--dropout 0.2 --hidden 7",
    "bigan": "--hidden 6 --dropout 0.1",
    "sgan": "--hidden 6 --labels 9",
    "m1m2": "--hidden 6 --m2-hidden 7 --style 3 --labels 9 --alpha 2 --binarize static",
    "dec": "--hidden 6 --clusters 3 --pretraining 0 --update 2 --tolerance 0 --binarize static",
}


def contents(folder):
    """All but the times, which are never the same."""
    files = {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*.*")}
    del files["times.csv"]
    return files


def words(model, images, *more):
    return ["train", model, "--data", str(images), "--latent", "4", "--batch-size", "16",
            *OTHER[model].split(), *more]  # fmt: skip


@pytest.fixture
def no_report(monkeypatch):
    monkeypatch.setattr(train, "_report", lambda *_: None)


@pytest.mark.parametrize("model", RECIPES)
def test_a_run_leaves_settings_history_weights_and_pictures(model, images, empty_folder):
    assert main(words(model, images, "--epochs", "1", "--out", "run")) == 0
    files = list((empty_folder / "run").rglob("*.*"))
    names = {p.relative_to(empty_folder / "run").as_posix() for p in files}
    assert names == ALWAYS | PICTURES[model] | {f"{model}.weights.h5"}
    for file in files:
        if file.suffix == ".png":
            assert file.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("model", RECIPES)
def test_the_settings_hold_every_option(model, images, empty_folder, no_report):
    assert main(words(model, images, "--epochs", "1", "--out", "run")) == 0
    settings = json.loads((empty_folder / "run/settings.json").read_text())
    given = dict(zip(*[iter(words(model, images)[2:])] * 2, strict=True))
    for option in RECIPES[model].settings.options():
        flag = "--" + option.name.replace("_", "-")
        if option.name != "epochs":
            parse = option.metadata["parse"]
            assert settings[option.name] == parse(given.get(flag, str(option.default)))
    assert settings["model"] == model and settings["image_shape"] == [6, 5]


@pytest.mark.parametrize("model", RECIPES)
def test_a_run_that_was_stopped_resumes_bit_for_bit(
    model, images, empty_folder, no_report, monkeypatch
):
    assert main(words(model, images, "--epochs", "4", "--out", "whole")) == 0
    seen, ask = 0, stops.StopOnInterrupt.on_train_batch_end

    def count(self, batch, logs=None):
        nonlocal seen
        seen += 1
        if seen == 10:  # in the third epoch
            os.kill(os.getpid(), signal.SIGINT)
        ask(self, batch, logs)

    with monkeypatch.context() as patch:
        patch.setattr(stops.StopOnInterrupt, "on_train_batch_end", count)
        assert main(words(model, images, "--epochs", "4", "--out", "cut")) == 130
    assert main(["train", model, "--out", "cut", "--resume"]) == 0
    assert contents(empty_folder / "whole") == contents(empty_folder / "cut")


@pytest.mark.parametrize("model", RECIPES)
def test_the_same_seed_gives_the_same_run_and_another_seed_another(
    model, images, empty_folder, no_report
):
    for name, seed in (("a", "1"), ("b", "1"), ("c", "2")):
        main(words(model, images, "--epochs", "1", "--seed", seed, "--out", name))
    a, b, c = (contents(empty_folder / name) for name in "abc")
    assert a == b and a["history.csv"] != c["history.csv"]


def test_a_run_resumed_after_its_end_leaves_what_it_had(images, empty_folder):
    folder = empty_folder / "run"
    main(words("vae", images, "--epochs", "1", "--out", "run"))
    before = contents(folder)
    assert main(["train", "vae", "--out", "run", "--resume"]) == 0
    assert contents(folder) == before


def test_a_run_of_another_model_is_not_resumed(trained, fails):
    folder = trained("vae")
    before = contents(folder)
    fails("train iwae --out run --resume", "holds a run of vae, not iwae")
    assert contents(folder) == before


def test_other_settings_are_not_resumed(trained, fails):
    trained("vae")
    fails("train vae --out run --resume --beta 2", "beta was 1.0, now 2.0")
    fails("train vae --out run --resume --binarize static", "binarize was 'none', now 'static'")


@pytest.mark.parametrize(
    ("name", "value"),
    [("likelihood", "poisson"), ("beta", -1.0), ("hidden", 0), ("image_shape", [0]),
     ("image_shape", 784), ("classes", -1)],
)  # fmt: skip
def test_settings_of_no_valid_value_are_one_line(name, value, trained, fails):
    file = trained("vae") / "settings.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), name: value}))
    said = f"settings.json: damaged: {name}: got {value!r}"
    fails("train vae --out run --resume", said)
    fails("evaluate run", said)


def test_x_valid_is_for_validation_and_x_test_for_the_end_only(
    empty_folder, no_pictures, monkeypatch, capsys
):
    rng = np.random.default_rng(0)
    train, valid, test = (rng.integers(0, 2, (n, 16)).astype(np.uint8) for n in (40, 12, 8))
    np.savez(empty_folder / "b.npz", train=train, valid=valid, test=test)
    seen = {}

    def fit(self, model, data, settings, **options):
        seen["validation"] = data.validation
        return super(VAERecipe, self).fit(model, data, settings, **options)

    monkeypatch.setattr(VAERecipe, "fit", fit)
    words = "train vae --data b.npz --epochs 1 --latent 2 --out run"
    assert main(words.split()) == 0
    np.testing.assert_array_equal(seen["validation"][0], valid)
    out = capsys.readouterr().out
    assert "40 training, 12 validation and 8 test images" in out
    assert "of 8, 50 samples" in out and "pseudo" not in out
