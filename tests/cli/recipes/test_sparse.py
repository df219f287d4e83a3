from numpy_nets.cli import main


def test_the_table_ends_in_how_sparse_the_codes_are(trained, capsys):
    trained("sparse")
    capsys.readouterr()
    assert main(["evaluate", "run"]) == 0
    out = capsys.readouterr().out
    assert "Mean activation 0." in out and "of the 4 units" in out


def test_the_kl_penalty_needs_codes_between_0_and_1(images, empty_folder, fails):
    words = f"train sparse --data {images} --activation relu --out run"
    fails(words, "--penalty kl: needs codes between 0 and 1: expected --activation sigmoid")
    assert not (empty_folder / "run").exists()
