"""index.html of a run, but for what its script does: see test_page_in_a_browser.py."""

import json
import re
import shlex
from base64 import b64decode
from html import unescape

import numpy as np
import pytest

from numpy_nets import layers
from numpy_nets.cli import main
from numpy_nets.cli.commands import train
from numpy_nets.cli.recipes import RECIPES
from numpy_nets.cli.runs import page
from numpy_nets.cli.runs.inference import Network
from numpy_nets.cli.runs.saved import load_saved

OPTIONS = {  # that differ from the defaults
    "denoising": "--corruption gaussian --noise 0.25 --activation relu",
    "sparse": "--penalty l1 --weight 0.1 --activation tanh --binarize static",
    "vae": "--likelihood gaussian --binarize dynamic --beta 2 --learning-rate 1e-4",
    "gan": "--networks notebook --half-steps yes",
    "sgan": "--labels 9",
    "dec": "--pretraining 1 --clusters 3",
}


def text(folder):
    return (folder / "index.html").read_text(encoding="utf-8")


def command(folder):
    return unescape(re.sub("</?span>", "", re.search("<code>(.*?)</code>", text(folder))[1]))


def playground(folder):
    """The numbers inside the page."""
    pattern = '<script id="data" type="application/json">(.*?)</script>'
    return json.loads(re.search(pattern, text(folder))[1])


def plain(folder):
    """The words that are seen, without the playground."""
    return unescape(re.sub(r"<[^>]*>", " ", text(folder)[: text(folder).index("<script")]))


@pytest.mark.parametrize("model", RECIPES)
def test_its_command_repeats_the_run_bit_for_bit(
    model, images, empty_folder, no_pictures, monkeypatch
):
    monkeypatch.setattr(type(RECIPES[model]), "print_table", lambda *_: None)  # takes long
    data = images.rename(empty_folder / "two words.npz")
    words = ["--data", str(data), "--epochs", "2", "--latent", "3", "--seed", "4", "--batch-size",
             "25", *OPTIONS.get(model, "").split()]  # fmt: skip
    assert main(["train", model, *words, "--out", "run"]) == 0
    program, *again = shlex.split(command(empty_folder / "run"))
    assert program == "numpy-nets"
    assert main([*again, "--out", "again"]) == 0
    for name in (f"{model}.weights.h5", "history.csv", "index.html"):
        first, second = (empty_folder / folder / name for folder in ("run", "again"))
        assert first.read_bytes() == second.read_bytes()


def test_its_command_names_only_what_differs_from_the_defaults(trained):
    words = shlex.split(command(trained("vae")))
    assert words[3:5] == ["--data", words[4]]
    assert words[5:] == ["--epochs", "2", "--seed", "0", "--latent", "4"]


def test_it_has_the_table_the_curves_and_every_setting(trained, capsys):
    capsys.readouterr()
    folder = trained("vae")
    seen = plain(folder)
    assert "-log p of 20, 50 samples" in seen and "Grey pixels under a Bernoulli decoder" in seen
    assert re.search(r"loss\s+[\d.]+ → [\d.]+,?\s+,?\s*validation [\d.]+ → [\d.]+", seen)
    for option in RECIPES["vae"].settings.options():
        assert option.metadata["help"] in seen
    assert "4 (default: 20)" in seen
    assert "2 epochs on 60 images of 6 × 5 pixels; 20 others are for the test." in seen


def test_evaluate_gives_it_the_new_table(trained):
    folder = trained("vae")
    assert main(["evaluate", "run", "--samples", "7"]) == 0
    assert "-log p of 20, 7 samples" in plain(folder)
    assert len(playground(folder)["labels"]) == 16


def test_a_run_that_goes_on_has_no_page_of_its_former_end(trained, monkeypatch):
    folder = trained("vae")

    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(train, "_fit", stop)
    assert main(["train", "vae", "--out", "run", "--resume", "--epochs", "3"]) == 130
    assert not (folder / "index.html").exists()


def test_evaluating_on_other_data_leaves_it_alone(trained, images):
    folder = trained("vae")
    before = text(folder)
    stored = dict(np.load(images))
    np.savez("other.npz", **{**stored, "x_test": 255 - stored["x_test"]})
    assert main(["evaluate", "run", "--data", "other.npz"]) == 0
    assert text(folder) == before


def test_a_folder_that_cannot_be_written_is_evaluated_all_the_same(trained, monkeypatch, capsys):
    trained("vae")

    def full(path, *_, **__):
        raise OSError(f"{path}: cannot be written: No space left on device")

    monkeypatch.setattr(page, "write_whole", full)
    assert main(["evaluate", "run"]) == 0
    assert "warning: run/index.html: cannot be written" in capsys.readouterr().err


def test_it_links_to_the_pictures_beside_it_and_names_what_they_show(images, empty_folder):
    words = ["--data", str(images), "--epochs", "1", "--latent", "2", "--out", "run"]
    assert main(["train", "gan", *words]) == 0
    links = re.findall('<img src="(.*?)" alt="(.*?)"', text(empty_folder / "run"))
    assert links == [("samples.gif", "New images, epoch by epoch"), ("samples.png", "New images")]


def test_what_a_user_named_is_text_in_it(images, empty_folder, no_pictures):
    data = images.rename(empty_folder / "<b>$x&.npz")
    words = ["train", "vae", "--data", str(data), "--epochs", "1", "--out", "run"]
    assert main(words) == 0
    (empty_folder / "run" / "<i>.png").touch()
    assert main(["evaluate", "run"]) == 0
    assert "<title>vae on &lt;b&gt;$x&amp;</title>" in text(empty_folder / "run")
    assert "<b>" not in text(empty_folder / "run") and "<i>" not in text(empty_folder / "run")


@pytest.mark.parametrize("model", RECIPES)
def test_it_holds_the_networks_of_every_model(model, trained):
    folder = trained(model)
    play, run = playground(folder), load_saved(folder)
    assert (play["encoder"] is not None) == run.recipe.has_encoder
    assert play["classes"] == (3 if model in ("cvae", "cgan") else 0)
    assert play["shape"] == [6, 5] and play["latent"] == 4


def test_a_large_encoder_stays_out_and_the_codes_are_there(trained, monkeypatch):
    monkeypatch.setattr(page, "MOST_TOGETHER", 100)
    folder = trained("vae")
    assert main(["evaluate", "run"]) == 0
    play, run = playground(folder), load_saved(folder)
    assert play["encoder"] is None and "The encoder is too large for the page" in plain(folder)
    x = run.images().x_test[np.linspace(0, 19, 16).astype(int)]
    codes = np.frombuffer(b64decode(play["codes"]), "<f4").reshape(16, 4)
    np.testing.assert_allclose(codes, run.recipe.encode(run.model, x, None), atol=1e-6)


def test_a_larger_decoder_leaves_no_playground_and_the_page_says_so(trained, monkeypatch):
    monkeypatch.setattr(page, "MOST", 100)
    folder = trained("vae")
    assert main(["evaluate", "run"]) == 0
    assert playground(folder) is None and '<div class="play" hidden>' in text(folder)
    assert "since the decoder has 14,030 weights; a page holds at most 100" in plain(folder)


def test_a_layer_that_no_page_can_run_leaves_no_playground(trained, monkeypatch):
    folder = trained("vae")
    maxout = layers.Maxout(30, 2)
    monkeypatch.setattr(type(RECIPES["vae"]), "decoder", lambda *_: [maxout])
    assert main(["evaluate", "run"]) == 0
    assert playground(folder) is None
    assert "There is no playground, since a page cannot run the layer Maxout." in plain(folder)


def test_an_activation_that_no_page_can_run_is_named():
    with pytest.raises(ValueError, match="the activation softmax"):
        Network([layers.Activation("softmax")])


@pytest.mark.parametrize("model", ["vae", "gan"])
def test_data_that_are_no_images_have_no_playground(model, empty_folder):
    np.save("x.npy", np.random.default_rng(0).random((40, 7)))
    assert main(["train", model, "--data", "x.npy", "--epochs", "1", "--out", "run"]) == 0
    assert playground(empty_folder / "run") is None
    seen = plain(empty_folder / "run")
    assert "The data are not images" in seen and "1 epoch on 36 samples of 7 numbers" in seen
