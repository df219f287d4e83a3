import csv

from numpy_nets import random
from numpy_nets.cli import main
from numpy_nets.cli.commands.invert import Draws
from numpy_nets.cli.recipes.codes import train_autoencoder


def test_an_encoder_is_trained_for_a_gan_and_judged_beside_its_untrained_self(trained, capsys):
    folder = trained("gan")
    before = {p.name: p.read_bytes() for p in folder.glob("*.h5")}
    assert main(["invert", "run", "--steps", "300", "--hidden", "32"]) == 0
    out = capsys.readouterr().out
    rows = {
        cells[1].strip(): [cell.strip() for cell in cells[2:6]]
        for cells in (line.split("│") for line in out.splitlines())
        if len(cells) == 7
    }
    assert list(rows) == ["encoder", "untrained", "autoencoder", "PCA", "pixels"]
    learned, untrained = (float(rows[name][1]) for name in ("encoder", "untrained"))
    assert learned < 0.8 * untrained
    assert rows["autoencoder"][1] == rows["PCA"][1] == "-" and rows["pixels"][:2] == ["-", "-"]
    assert float(rows["PCA"][0]) < float(rows["untrained"][0])
    assert all(row[2].endswith("%") for row in rows.values())  # the probe, for each of them
    assert (folder / "encoder.weights.h5").exists() and (folder / "inverted.png").exists()
    for name, content in before.items():
        assert (folder / name).read_bytes() == content
    assert main(["invert", "run", "--steps", "1", "--hidden", "2"]) == 0
    assert (folder / "encoder-2.weights.h5").exists()


def test_the_autoencoder_beside_it_changes_no_random_draw():
    x = random.normal((20, 6), seed=1).numpy()
    state = random.get_state()
    autoencoder, encoder = train_autoencoder(x, 3)
    assert random.get_state() == state
    assert autoencoder.output_shape == (None, 6) and encoder.output_shape == (None, 3)
    again, _ = train_autoencoder(x, 3)
    for a, b in zip(autoencoder.get_weights(), again.get_weights(), strict=True):
        assert a.tobytes() == b.tobytes()


def test_a_run_of_another_kind_is_refused(trained, fails):
    trained("vae")
    fails("invert run", "run: expected a run of gan, got one of vae")
    fails("invert nowhere", "nowhere: holds no run")
    fails("invert run --steps 0", "--steps: expected an integer >= 1")


def test_a_bigan_has_an_encoder_already(trained, fails):
    with open(trained("bigan") / "history.csv", newline="") as file:
        assert "e_loss" in next(csv.DictReader(file))
    fails("invert run", "a bigan has an encoder already")


def test_the_draws_are_new_every_time():
    draws = Draws(3, 2)
    (a, b), (c, d) = draws, draws
    assert a.shape == (128, 3) and len(draws) == 2
    assert len({x.tobytes() for x in (a, b, c, d)}) == 4
