import re

import pytest

from numpy_nets.cli import main


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


def test_more_samples_do_not_lower_the_likelihood(trained, capsys):
    trained("vae")
    found = []
    for samples in (1, 500):
        capsys.readouterr()
        assert main(["evaluate", "run", "--samples", str(samples)]) == 0
        row = re.search(rf"-log p of 20, {samples} samples +│ +([\d.]+)", capsys.readouterr().out)
        found.append(float(row[1]))
    assert found[0] > found[1]


def test_it_writes_nothing(trained):
    folder = trained("cvae")
    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    assert main(["evaluate", "run"]) == 0
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before


@pytest.mark.parametrize("model", ["autoencoder", "denoising", "sparse"])
def test_samples_of_a_model_without_a_likelihood_are_refused(model, trained, fails):
    trained(model)
    fails("evaluate run --samples 5", f"--samples: the model is {model}, which has no likelihood")
    assert main(["evaluate", "run"]) == 0


def test_no_samples_are_refused(fails):
    fails("evaluate run --samples 0", "--samples: expected an integer >= 1")
