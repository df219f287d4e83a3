import pytest

from numpy_nets.cli import main


def test_a_picture_is_written_into_the_run_beside_those_it_has(trained, capsys):
    folder = trained("vae")
    (folder / "samples.png").write_text("of the training")
    for number in (2, 3):
        assert main(["sample", "run", "--count", "7"]) == 0
        assert f"written: run/samples-{number}.png" in capsys.readouterr().out
    assert (folder / "samples.png").read_text() == "of the training"
    two, three = ((folder / f"samples-{n}.png").read_bytes() for n in (2, 3))
    assert two == three and two.startswith(b"\x89PNG")


def test_another_seed_gives_other_images_and_out_another_place(trained, empty_folder):
    trained("iwae")
    for name, seed in (("a", "1"), ("b", "1"), ("c", "2")):
        assert main(["sample", "run", "--seed", seed, "--out", f"{name}.png"]) == 0
    a, b, c = ((empty_folder / f"{name}.png").read_bytes() for name in "abc")
    assert a == b != c


def test_a_class_can_be_asked_for_where_the_model_knows_it(trained, empty_folder, fails):
    trained("cvae")
    assert main(["sample", "run", "--label", "2", "--count", "5", "--out", "a.png"]) == 0
    fails("sample run --label 3", "--label: expected 0 to 2, got 3")
    fails("sample run --label -1", "--label: expected an integer >= 0")


def test_a_label_for_a_model_without_classes_is_refused(trained, fails):
    trained("vae")
    fails("sample run --label 1", "--label: the model is vae, which knows no classes")


@pytest.mark.parametrize("model", ["autoencoder", "denoising", "sparse"])
def test_a_model_without_a_distribution_of_codes_is_refused(model, trained, fails):
    trained(model)
    fails("sample run", f"the model is {model}, which learns no distribution of codes")


def test_nothing_is_overwritten(trained, empty_folder, fails):
    trained("vae")
    (empty_folder / "mine.png").write_text("mine")
    fails("sample run --out mine.png", "mine.png: exists already")
    assert (empty_folder / "mine.png").read_text() == "mine"
    fails("sample run --out mine", "ends in .png")
    fails("sample run --out missing/a.png", "missing/a.png: No such file or directory")
    fails("sample run --count 0", "--count: expected an integer >= 1 and <= 1,000")
