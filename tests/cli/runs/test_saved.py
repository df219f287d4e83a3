import json

import numpy as np
import pytest

from numpy_nets.cli import main
from numpy_nets.cli.recipes import RECIPES
from numpy_nets.cli.runs.saved import load_saved

COMMANDS = ["evaluate", "sample", "interpolate"]


@pytest.mark.parametrize("model", RECIPES)
def test_a_saved_model_is_the_one_that_was_trained(model, trained):
    run = load_saved(trained(model))
    assert run.recipe is RECIPES[model]
    other = run.recipe.build(run.settings)
    other.load_weights(run.folder / "checkpoint.weights.h5")
    for a, b in zip(run.model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_folder_without_a_run_is_one_line(command, empty_folder, fails):
    fails(f"{command} nowhere", "nowhere: holds no run: there is no settings.json")
    (empty_folder / "file").write_text("mine")
    fails(f"{command} file", "file: holds no run")
    fails(command, "RUN")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_run_without_weights_is_one_line_that_says_how_to_go_on(command, trained, fails):
    (trained("vae") / "vae.weights.h5").unlink()
    fails(f"{command} run", "numpy-nets train vae --out run --resume")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_run_that_was_stopped_on_the_way_to_more_epochs_has_not_ended(command, trained, fails):
    """The weights of its former end are there still, and would be taken for those of the new."""
    file = trained("vae") / "settings.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "epochs": 3}))
    fails(f"{command} run", "run: the run has not ended; go on with: numpy-nets train vae")


def test_damaged_weights_or_those_of_another_model_are_one_line(trained, fails):
    folder = trained("vae")
    weights = folder / "vae.weights.h5"
    settings = json.loads((folder / "settings.json").read_text())
    (folder / "settings.json").write_text(json.dumps({**settings, "hidden": 7}))
    fails("evaluate run", "does not fit this model")
    (folder / "settings.json").write_text(json.dumps(settings))
    weights.write_bytes(weights.read_bytes()[:1000])
    fails("evaluate run", "vae.weights.h5")
    (folder / "settings.json").write_text(json.dumps({**settings, "model": "vea"}))
    fails("evaluate run", "settings.json: damaged: model: unknown 'vea'; did you mean 'vae'?")


def test_data_that_changed_since_the_run_are_noticed(trained, images, fails):
    folder = trained("vae")
    settings = json.loads((folder / "settings.json").read_text())
    stored = dict(np.load(images))
    stored["x_test"] = stored["x_test"][::-1]
    np.savez(images, **stored)
    settings["data"] = str(images)
    (folder / "settings.json").write_text(json.dumps(settings))
    for command in ("evaluate", "interpolate"):
        fails(f"{command} run", "has changed since the run")
    assert main(["evaluate", "run", "--data", str(images)]) == 0


def test_data_of_another_size_are_one_line(trained, fails):
    trained("vae")
    fails(
        "evaluate run --data digits",
        "--data: expected grey images of (6, 5), got grey images of (28, 28)",
    )
    fails("evaluate run --data digist", "did you mean 'digits'?")


def test_colour_images_for_a_run_of_grey_ones_are_one_line_and_the_reverse(
    trained, images, colour_images, fails
):
    trained("vae")
    grey, colour = "grey images of (6, 5)", "colour images of (8, 8, 3)"
    fails(f"evaluate run --data {colour_images}", f"--data: expected {grey}, got {colour}")
    words = ["train", "vae", "--data", str(colour_images), "--latent", "3", "--epochs", "1"]
    assert main([*words, "--out", "colours"]) == 0
    fails(f"evaluate colours --data {images}", f"--data: expected {colour}, got {grey}")
    x = np.load(colour_images)["x_test"]
    np.save("grey.npy", x[..., 0])
    fails("evaluate colours --data grey.npy", f"expected {colour}, got grey images of (8, 8)")
    np.save("numbers.npy", x.reshape(len(x), -1))
    fails("evaluate colours --data numbers.npy", f"expected {colour}, got samples of (192,)")


def forget_colours(folder):
    """Make the settings those of a run made before colour images were drawn."""
    settings = json.loads((folder / "settings.json").read_text())
    assert settings["image_shape"] == [8, 8, 3]
    (folder / "settings.json").write_text(json.dumps({**settings, "image_shape": [192]}))


@pytest.mark.parametrize("model", ["vae", "gan"])
def test_a_run_from_before_colours_were_drawn_is_evaluated_and_goes_on_in_colour(
    model, colour_images, empty_folder, capsys, monkeypatch, fails
):
    words = ["train", model, "--data", str(colour_images), "--latent", "3", "--hidden", "8"]
    with monkeypatch.context() as patch:  # as then
        for method in ("draw", "draw_curves"):
            patch.setattr(type(RECIPES[model]), method, lambda *_: None)
        patch.setattr(type(RECIPES[model]), "callbacks", lambda *_: [])
        assert main([*words, "--epochs", "1", "--out", "run"]) == 0
    folder = empty_folder / "run"
    table = [line for line in capsys.readouterr().out.splitlines() if line.startswith("│")]
    forget_colours(folder)
    assert main(["evaluate", "run"]) == 0
    again = [line for line in capsys.readouterr().out.splitlines() if line.startswith("│")]
    assert again == table != []
    fails("sample run", "run: the run's data are not images: nothing to draw")
    assert not (folder / "samples.png").exists()
    assert main(["train", model, "--out", "run", "--resume"]) == 0  # draws what can be drawn now
    assert json.loads((folder / "settings.json").read_text())["image_shape"] == [8, 8, 3]
    assert (folder / "samples.png").exists()
    forget_colours(folder)
    assert main(["train", model, "--out", "run", "--resume", "--epochs", "2"]) == 0
    assert main(["sample", "run"]) == 0
