from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from numpy_nets.cli import main
from numpy_nets.cli.recipes import RECIPES
from numpy_nets.cli.runs import saved
from numpy_nets.cli.runs.saved import load_saved


@pytest.mark.parametrize("model", RECIPES)
def test_every_model_has_codes_to_walk_between(model, trained, capsys):
    trained(model)
    assert main(["interpolate", "run", "--steps", "4"]) == 0
    assert "written: run/interpolation-linear.png" in capsys.readouterr().out


def test_kind_and_seed_make_other_pictures(trained, empty_folder):
    folder = trained("vae")
    assert main(["interpolate", "run", "--kind", "spherical"]) == 0
    assert main(["interpolate", "run", "--kind", "spherical", "--seed", "5"]) == 0
    a, b = (folder / f"interpolation-spherical{n}.png" for n in ("", "-2"))
    assert a.read_bytes() != b.read_bytes()


def test_a_code_of_zeros_has_no_arc_to_it_but_a_straight_line(trained, monkeypatch, capsys):
    """Units of a sparse autoencoder with relu may all be 0."""
    trained("sparse")
    ends = RECIPES["sparse"].ends
    decoded = []

    def with_zeros(model, data, rng):
        codes, x, y = ends(model, data, rng)
        codes[3] = 0
        return codes, x, y

    def decode(model, codes, y):
        decoded.append(codes)
        return np.zeros((len(codes), 30))

    monkeypatch.setattr(RECIPES["sparse"], "ends", with_zeros)
    monkeypatch.setattr(RECIPES["sparse"], "decode", decode)
    capsys.readouterr()
    assert main(["interpolate", "run", "--kind", "spherical", "--steps", "3"]) == 0
    error = capsys.readouterr().err
    assert error.startswith("row 2 is a straight line: ") and error.count("\n") == 1, error
    np.testing.assert_allclose(decoded[1][1], decoded[1][0] / 2)
    assert len(decoded) == 8


def test_a_conditional_vae_walks_between_images_of_one_class(trained):
    run = load_saved(trained("cvae"))
    data = run.images()
    codes, x, y = run.recipe.ends(run.model, data, np.random.default_rng(0))
    assert len(codes) == len(x) == 16
    np.testing.assert_array_equal(y[::2], y[1::2])
    assert len(set(y)) == 3 and len(np.unique(x, axis=0)) == 16
    for image, label in zip(x, y, strict=True):
        assert label in data.y_test[(data.x_test == image).all(axis=1)]


def test_a_conditional_vae_without_two_images_of_a_class_has_nothing_to_walk_between(trained):
    run = load_saved(trained("cvae"))
    data = run.images()
    few = data._replace(x_test=data.x_test[:3], y_test=data.y_test[:3])
    with pytest.raises(ValueError, match="expected 2 test images of one class, got none"):
        run.recipe.ends(run.model, few, np.random.default_rng(0))


def test_wrong_arguments_are_one_line(trained, fails):
    trained("vae")
    fails("interpolate run --kind sperical", "unknown 'sperical'; did you mean 'spherical'?")
    fails("interpolate run --steps 1", "--steps: expected an integer >= 2 and <= 30, got '1'")


def test_data_that_are_no_images_have_nothing_to_draw(empty_folder, no_pictures, fails):
    np.save("x.npy", np.random.default_rng(0).random((40, 7)))
    words = "train vae --data x.npy --epochs 1 --latent 3 --out run"
    assert main(words.split()) == 0
    for command in ("sample", "interpolate"):
        fails(f"{command} run", "not images: nothing to draw")


@pytest.mark.parametrize("model", ["autoencoder", "vae", "bigan"])
def test_the_way_between_two_chosen_images_begins_and_ends_with_them(model, trained, monkeypatch):
    trained(model)
    drawn = {}
    monkeypatch.setattr(
        saved, "save_images",
        lambda path, images, columns, title, **labels: drawn.update(
            name=path.name, images=images, columns=columns, title=title, **labels
        ),
    )  # fmt: skip
    assert main(["interpolate", "run", "--from", "3", "--to", "7", "--steps", "5"]) == 0
    x = load_saved(Path("run")).images().x_test.reshape(-1, 6, 5)
    assert drawn["columns"] == len(drawn["images"]) == 7
    np.testing.assert_array_equal(drawn["images"][[0, -1]], x[[3, 7]])
    assert drawn["column_labels"] == ["image", "0.00", "0.25", "0.50", "0.75", "1.00", "image"]
    assert drawn["name"] == "interpolation-linear-3-to-7.png"
    assert "test images 3 and 7" in drawn["title"]


def test_indices_are_checked(trained, fails):
    trained("vae")
    fails("interpolate run --from 3", "--from: expected --to INDEX, too")
    fails("interpolate run --to 3", "--to: expected --from INDEX, too")
    fails("interpolate run --from 3 --to 20", "--to: expected a test image, 0 to 19, got 20")
    fails("interpolate run --from -1 --to 2", "--from: expected an integer >= 0")
    fails("interpolate run --from 1 --to 2 --seed 3", "--seed: chooses images")


@pytest.mark.parametrize("model", ["gan", "cgan"])
def test_a_model_without_an_encoder_has_no_codes_of_chosen_images(model, trained, fails):
    trained(model)
    fails("interpolate run --from 1 --to 2", f"the model is {model}, which has no encoder")


def test_a_conditional_model_needs_two_images_of_one_class(trained, fails):
    trained("cvae")  # image i has class i % 3
    assert main(["interpolate", "run", "--from", "1", "--to", "4"]) == 0
    fails("interpolate run --from 1 --to 2", "--from, --to")


def test_an_animation_goes_there_and_back_and_replaces_nothing(trained, empty_folder):
    folder = trained("vae")
    for _ in range(2):
        assert main(["interpolate", "run", "--steps", "4", "--gif"]) == 0
    for name in ("interpolation-linear.gif", "interpolation-linear-2.gif"):
        with Image.open(folder / name) as gif:
            assert gif.n_frames == 4 + 3
