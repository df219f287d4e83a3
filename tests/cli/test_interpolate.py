import numpy as np
import pytest

from numpy_nets.cli import main
from numpy_nets.cli.train import RECIPES


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


def test_wrong_arguments_are_one_line(trained, fails):
    trained("vae")
    fails("interpolate run --kind sperical", "unknown 'sperical'; did you mean 'spherical'?")
    fails("interpolate run --steps 1", "--steps: expected an integer >= 2 and <= 30, got '1'")


def test_data_that_are_no_images_have_nothing_to_draw(empty_folder, no_pictures, fails):
    np.save("x.npy", np.random.default_rng(0).random((40, 7)))
    words = "train vae --data x.npy --epochs 1 --latent 3 --out run"
    assert main(words.split()) == 0
    for command in ("sample", "interpolate"):
        fails(f"{command} run", "no images: nothing to draw")
