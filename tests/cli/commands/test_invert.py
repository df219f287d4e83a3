import csv

from numpy_nets.cli import main
from numpy_nets.cli.commands.invert import Draws


def test_an_encoder_is_trained_for_a_gan_and_judged_beside_its_untrained_self(trained, capsys):
    folder = trained("gan")
    before = {p.name: p.read_bytes() for p in folder.glob("*.h5")}
    assert main(["invert", "run", "--steps", "300", "--hidden", "32"]) == 0
    out = capsys.readouterr().out
    for row in ("G(E(x))", "E(G(z))", "1-nearest neighbour", "layer before", "untrained", "PCA"):
        assert row in out
    errors = next(line for line in out.splitlines() if "E(G(z))" in line).split("│")[2:4]
    learned, untrained = map(float, errors)
    assert learned < 0.8 * untrained
    assert (folder / "encoder.weights.h5").exists() and (folder / "inverted.png").exists()
    for name, content in before.items():
        assert (folder / name).read_bytes() == content
    assert main(["invert", "run", "--steps", "1", "--hidden", "2"]) == 0
    assert (folder / "encoder-2.weights.h5").exists()


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
