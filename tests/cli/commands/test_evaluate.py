import json
import re

import numpy as np
import pytest

from numpy_nets.cli import main
from numpy_nets.cli.runs.saved import load_saved


def table(text):
    """The first number of each row."""
    rows = (line.split("│") for line in text.splitlines() if line.startswith("│"))
    return {row[1].strip(): row[2].strip() for row in rows}


def test_it_prints_the_table_that_training_ended_with(images, no_pictures, capsys):
    words = ["train", "vae", "--data", str(images), "--epochs", "1", "--out", "run"]
    assert main([*words, "--latent", "2", "--binarize", "static"]) == 0
    ended_with = table(capsys.readouterr().out)
    assert main(["evaluate", "run"]) == 0
    assert table(capsys.readouterr().out) == ended_with != {}


def other_training_images(images):
    """The same test images, beside other training images."""
    stored = dict(np.load(images))
    np.savez("other.npz", **{**stored, "x_train": 255 - stored["x_train"]})
    return ["evaluate", "run", "--data", "other.npz"]


@pytest.mark.parametrize("model", ["vae", "autoencoder"])
def test_pca_is_fitted_to_the_run_s_training_images_whatever_is_tested_on(
    model, trained, images, capsys
):
    trained(model)
    capsys.readouterr()
    assert main(["evaluate", "run"]) == 0
    expected = capsys.readouterr().out
    assert main(other_training_images(images)) == 0
    assert capsys.readouterr().out == expected


@pytest.mark.parametrize("more", [[], ["--likelihood", "gaussian"]])
@pytest.mark.parametrize("lost", ["removed", "changed"])
def test_there_is_no_pca_where_the_run_s_training_images_are_gone(
    more, lost, images, empty_folder, no_pictures, capsys
):
    name = "vae" if more else "autoencoder"
    words = ["train", name, "--data", str(images), "--latent", "3", "--epochs", "1", *more]
    assert main([*words, "--out", "run"]) == 0
    command = other_training_images(images)
    images.unlink()
    if lost == "changed":
        np.savez(images, x_train=np.ones((20, 6, 5)), x_test=np.ones((20, 6, 5)))
    capsys.readouterr()
    assert main(command) == 0
    out = capsys.readouterr().out
    if more:
        columns = [line.split("│")[3].strip() for line in out.splitlines() if line[0] == "│"]
        assert set(columns) == {"-"}
    else:
        (row,) = [line for line in out.splitlines() if "PCA" in line]
        assert [cell.strip() for cell in row.split("│")[2:5]] == ["-"] * 3


def test_the_run_s_data_under_another_name_are_its_own(trained, images):
    folder = trained("vae")
    settings = json.loads((folder / "settings.json").read_text())
    (folder / "settings.json").write_text(json.dumps({**settings, "data": "moved.npz"}))
    assert load_saved(folder).images(str(images)).trained_on


def test_pca_s_images_are_clipped_to_grey_levels(trained, monkeypatch, capsys):
    """As a decoder's are: without that its error in the table would be larger."""
    trained("vae")
    monkeypatch.setattr("numpy_nets.evaluation.pca.PCA.reconstruct", lambda self, x: 1e9 * x - 1e3)
    capsys.readouterr()
    assert main(["evaluate", "run"]) == 0
    (row,) = [line for line in capsys.readouterr().out.splitlines() if "squared error" in line]
    assert float(row.split("│")[3]) < 1


def test_more_samples_do_not_lower_the_likelihood(trained, capsys):
    trained("vae")
    found = []
    for samples in (1, 500):
        capsys.readouterr()
        assert main(["evaluate", "run", "--samples", str(samples)]) == 0
        row = re.search(rf"-log p of 20, {samples} samples +│ +([\d.]+)", capsys.readouterr().out)
        found.append(float(row[1]))
    assert found[0] > found[1]


def test_it_writes_nothing_but_the_page(trained):
    folder = trained("cvae")
    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    (folder / "index.html").unlink()
    assert main(["evaluate", "run"]) == 0
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before


@pytest.mark.parametrize("model", ["autoencoder", "denoising", "sparse"])
def test_samples_of_a_model_without_a_likelihood_are_refused(model, trained, fails):
    trained(model)
    fails("evaluate run --samples 5", f"--samples: the model is {model}, which has no likelihood")
    assert main(["evaluate", "run"]) == 0


def test_no_samples_are_refused(fails):
    fails("evaluate run --samples 0", "--samples: expected an integer >= 1")
