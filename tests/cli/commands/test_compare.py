import shutil

import numpy as np

from numpy_nets.cli import main


def test_several_runs_are_one_table_and_one_picture(trained, empty_folder, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    for model in ("autoencoder", "vae", "gan", "cvae", "bigan"):
        shutil.move(trained(model), empty_folder / model)
    (empty_folder / "cvae/times.csv").unlink()  # as in a run from before they were written
    capsys.readouterr()
    assert main(["compare", "autoencoder", "vae", "gan", "cvae", "bigan", "--out", "c.png"]) == 0
    out = capsys.readouterr().out
    rows = {line.split("│")[1].strip(): line.split("│")[2:-1] for line in out.splitlines()
            if line.startswith("│")}  # fmt: skip
    none = {name: [cell.strip() == "–" for cell in cells] for name, cells in rows.items()}
    assert none["squared error of a pixel"] == [False, False, True, False, False]
    assert none["linear probe with 100 labels"] == [False, False, True, False, False]
    assert none["classes of its samples"] == [True, False, False, False, False]
    assert none["seconds of training"] == [False, False, False, True, False]
    seconds = (empty_folder / "vae/times.csv").read_text().split()[1:]
    total = sum(float(row.split(",")[1]) for row in seconds)
    assert rows["seconds of training"][1].strip() == f"{total:,.1f}"
    parameters = [int(cell.replace(",", "")) for cell in rows["parameters"]]
    assert parameters[0] == 30 * 4 + 4 + 4 * 30 + 30
    assert (empty_folder / "c.png").exists()


def test_a_second_picture_does_not_replace_the_first(trained, empty_folder):
    shutil.move(trained("vae"), empty_folder / "a")
    shutil.copytree("a", "b")
    for _ in range(2):
        assert main(["compare", "a", "b"]) == 0
    assert (empty_folder / "comparison.png").exists()
    assert (empty_folder / "comparison-2.png").exists()


def test_runs_of_other_data_and_single_runs_are_refused(trained, empty_folder, images, fails):
    shutil.move(trained("vae"), empty_folder / "a")
    fails("compare a", "compare: expected two runs or more, got a alone")
    fails("compare a nowhere", "nowhere: holds no run")
    stored = dict(np.load(images))
    np.savez("other.npz", **{**stored, "x_train": stored["x_train"][::-1]})
    words = "train vae --data other.npz --epochs 1 --latent 2 --out b"
    assert main(words.split()) == 0
    fails("compare a b", "compare: expected runs of the same data")
