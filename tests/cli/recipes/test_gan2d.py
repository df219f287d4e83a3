"""numpy-nets train gan on points in the plane: its frames, its data, its mistakes."""

import base64
import json
import os
import signal

import numpy as np
import pytest

from numpy_nets.cli import main
from numpy_nets.cli.recipes import GAN2D
from numpy_nets.cli.recipes import gan2d as recipe
from numpy_nets.cli.recipes.gan2d import PlaneSettings, noise
from numpy_nets.cli.runs import stops
from numpy_nets.cli.runs.points import MIXTURES, are_points, density, load_points
from numpy_nets.evaluation.plane import compare_with_truth


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(recipe, "STEPS", 4)
    monkeypatch.setattr(recipe, "DRAWN", 300)
    monkeypatch.setattr(type(GAN2D), "draw_curves", lambda *_: None)


def words(*more, data="ring", out="run", epochs=3):
    return ["train", "gan", "--data", data, "--hidden", "8", "--batch-size", "16",
            "--epochs", str(epochs), "--out", out, *more]  # fmt: skip


def contents(folder):
    return {p.name: p.read_bytes() for p in folder.rglob("*.*") if p.name != "times.csv"}


def frames(folder):
    names = sorted((folder / "frames").glob("[0-9]*.json"))
    return [json.loads(path.read_text()) for path in names]


@pytest.mark.parametrize("data", MIXTURES)
def test_a_run_leaves_frames_and_a_page(data, empty_folder, capsys):
    assert main(words(data=data)) == 0
    assert {p.name for p in (empty_folder / "run").iterdir()} == {
        "settings.json", "history.csv", "times.csv", "checkpoint.weights.h5", "gan2d.weights.h5",
        "frames", "lab.html", "index.html",
    }  # fmt: skip
    assert '<a href="lab.html">' in (empty_folder / "run/index.html").read_text(encoding="utf-8")
    names = {p.name for p in (empty_folder / "run/frames").iterdir()}
    assert names == {"data.json", *(f"000{i}.json" for i in range(4))}
    assert [frame["step"] for frame in frames(empty_folder / "run")] == [0, 4, 8, 12]
    out = capsys.readouterr().out
    assert "20000 training and 2000 test points" in out
    assert "Jensen–Shannon divergence" in out and "lab.html" in out
    assert main(["evaluate", "run"]) == 0
    again = capsys.readouterr().out
    assert [line for line in out.splitlines() if "Shannon" in line] == [
        line for line in again.splitlines() if "Shannon" in line
    ]


def test_a_hundred_frames_make_a_page_below_two_megabytes(empty_folder, monkeypatch):
    assert main(words(epochs=2)) == 0
    folder = empty_folder / "run/frames"
    largest = max(len(p.read_bytes()) for p in folder.iterdir())
    assert largest < 12_000  # thousandths of ordinary size, two maps of 2,500 cells
    assert PlaneSettings().epochs <= 100
    for i in range(3, 150):  # of more, some are left out
        (folder / f"{i:04}.json").write_bytes((folder / "0001.json").read_bytes())
    assert main(["lab", "run", "--out", "page.html"]) == 0
    assert (empty_folder / "page.html").stat().st_size < 2_000_000


@pytest.mark.parametrize(
    "options",
    [[], ["--objective", "minimax", "--k", "2"], ["--objective", "least-squares"],
     ["--label-smoothing", "0.1", "--half-steps", "yes"]],
)  # fmt: skip
def test_a_frame_holds_what_is_computed_from_the_model(options, empty_folder):
    assert main(words(*options)) == 0
    settings = PlaneSettings.from_json(json.loads((empty_folder / "run/settings.json").read_text()))
    model = GAN2D.build(settings)
    model.load_weights(empty_folder / "run/gan2d.weights.h5")
    frame = frames(empty_folder / "run")[-1]
    x = model.generator(recipe.fixed_codes(settings)).numpy()
    np.testing.assert_allclose(frame["samples"], 1000 * x[: recipe.SHOWN].reshape(-1), atol=0.51)
    truth = compare_with_truth(model, x, MIXTURES["ring"], recipe.SQUARE, frame["noise"])
    values = frame["values"]
    for name in ("jsd", "d_loss", "least", "distance"):
        assert values[name] == pytest.approx(getattr(truth, name), abs=1e-4)
    plain = not options or "minimax" in options
    assert values["seen"] == (pytest.approx(truth.seen, abs=1e-4) if plain else None)
    for name in ("d", "best"):
        levels = np.frombuffer(base64.b64decode(frame[name]), np.uint8).reshape(50, 50)
        np.testing.assert_array_equal(levels == 255, truth.empty)
        shown = np.clip(getattr(truth, name), 0, 1)[~truth.empty]
        np.testing.assert_allclose(levels[~truth.empty] / 254, shown, atol=0.5 / 254 + 1e-6)
    with open(empty_folder / "run/history.csv") as file:
        header, *rows = (line.strip().split(",") for line in file)
    last = dict(zip(header, rows[-1], strict=True))
    assert values["d_trained"] == pytest.approx(float(last["d_loss"]), abs=1e-4)
    assert values["g_trained"] == pytest.approx(float(last["g_loss"]), abs=1e-4)


def test_a_run_is_reproducible_from_the_seed(empty_folder):
    for out, seed in (("a", "1"), ("b", "1"), ("c", "2")):
        assert main(words("--seed", seed, out=out)) == 0
    a, b, c = (contents(empty_folder / name) for name in "abc")
    a.pop("lab.html"), b.pop("lab.html")  # it has the name of the folder
    assert a == b and a["0003.json"] != c["0003.json"]
    assert a["data.json"] == c["data.json"]


def test_a_run_that_was_stopped_resumes_bit_for_bit(empty_folder, monkeypatch):
    (empty_folder / "whole").mkdir()
    assert main(words(out="whole/run", epochs=4)) == 0
    seen, ask = 0, stops.StopOnInterrupt.on_train_batch_end

    def count(self, batch, logs=None):
        nonlocal seen
        seen += 1
        if seen == 10:  # in the third epoch
            os.kill(os.getpid(), signal.SIGINT)
        ask(self, batch, logs)

    with monkeypatch.context() as patch:
        patch.setattr(stops.StopOnInterrupt, "on_train_batch_end", count)
        assert main(words(out="cut/run", epochs=4)) == 130
    assert main(["train", "gan2d", "--out", "cut/run", "--resume"]) == 0
    assert contents(empty_folder / "whole") == contents(empty_folder / "cut")


def test_a_longer_run_begins_like_a_shorter_one_and_resumes_it(empty_folder):
    assert main(words(out="a/run", epochs=4)) == 0
    assert main(words(out="b/run", epochs=2)) == 0
    assert main(["train", "gan", "--data", "ring", "--out", "b/run", "--resume",
                 "--epochs", "4"]) == 0  # fmt: skip
    assert contents(empty_folder / "a") == contents(empty_folder / "b")


def test_the_noise_fades_and_stays_at_its_least(monkeypatch):
    monkeypatch.setattr(recipe, "STEPS", 300)
    values = [noise(PlaneSettings(), epoch) for epoch in range(12)]
    assert values[0] == 0.3 and values == sorted(values, reverse=True)
    assert values[7:] == [recipe.BLUR] * 5
    assert noise(PlaneSettings(noise=0.0), 0) == recipe.BLUR


def test_the_discriminator_is_trained_with_the_noise_of_the_epoch(empty_folder, monkeypatch):
    seen, step = [], recipe.GAN.train_step

    def look(self, data):
        seen.append(self.discriminator.layers[0].stddev)
        return step(self, data)

    monkeypatch.setattr(recipe, "FADED", 12)
    monkeypatch.setattr(recipe.GAN, "train_step", look)
    assert main(words(epochs=3)) == 0
    assert seen == pytest.approx([0.3] * 4 + [0.2] * 4 + [0.1] * 4)
    assert [f["noise"] for f in frames(empty_folder / "run")] == [0.3, 0.3, 0.2, 0.1]


def test_a_table_of_points_is_scaled_and_its_density_is_that_of_its_points(empty_folder):
    rng = np.random.default_rng(0)
    table = rng.uniform([100, -1], [300, 1], (200, 2))
    np.savetxt("t.csv", table, delimiter=",")
    np.save("t.npy", table)
    np.savez("t.npz", x=table)
    loaded = [load_points(name) for name in ("t.csv", "t.npy", "t.npz")]
    for data in loaded:
        np.testing.assert_allclose(data.x_train, loaded[0].x_train, atol=1e-6)
    x = np.concatenate([loaded[0].x_train, loaded[0].x_test])
    assert x[:, 0].min() == pytest.approx(-2) and x[:, 0].max() == pytest.approx(2)
    np.testing.assert_allclose(np.ptp(x, axis=0) / np.ptp(table, axis=0), 4 / np.ptp(table[:, 0]))
    mixture, known = density("t.csv", loaded[0].x_train)
    assert not known and len(mixture.centres) == 180
    for name in ("t.csv", "t.npy"):
        assert main(words(data=name, out=f"run-{name}", epochs=1)) == 0
    page = (empty_folder / "run-t.csv/lab.html").read_text()
    assert '"known":false' in page and str(empty_folder) not in page


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("1,2,3\n" * 30, "expected a table (n, 2) of points, n >= 20, got (30, 3)"),
        ("1,2\n" * 19 + "nan,1\n", "holds NaN or infinite values"),
        ("1,2\n" * 19, "expected a table (n, 2) of points, n >= 20, got (19, 2)"),
        ("1,2\n" * 30, "expected points that differ, got all at [1.0, 2.0]"),
        ("x,y\n" + "1,2\n" * 30, "expected two numbers a line"),
        ("1,2\n" * 20 + "1\n", "expected two numbers a line"),
        ("", "expected a table (n, 2) of points, n >= 20, got (0"),
    ],
)
def test_a_table_of_something_else_is_refused(table, said, empty_folder, fails):
    (empty_folder / "t.csv").write_text(table)
    fails("train gan --data t.csv --out run", f"t.csv: {said}")
    assert not (empty_folder / "run").exists()


def test_what_is_no_table_of_points_is_refused(images, empty_folder, fails):
    np.save("three.npy", np.zeros((30, 3)))
    np.save("nan.npy", np.full((30, 2), np.nan))
    fails("train gan2d --data three.npy", "expected a table (n, 2) of points")
    fails("train gan --data nan.npy", "holds NaN or infinite values")
    fails(f"train gan2d --data {images}", "expected a table (n, 2) of points")
    fails("train gan2d --data rnig", "no data set or file 'rnig'; did you mean 'ring'?")
    fails("train gan2d --noise 2", "expected a number >= 0 and <= 1")
    fails("train vae --data ring", "no data set or file 'ring'")


def test_images_are_still_for_the_gan_of_images(images, fails):
    fails(f"train gan --data {images} --noise 0.1", "unknown argument '--noise'")
    fails("train gan --data ring --networks deep", "unknown argument '--networks'")


def test_a_folder_of_the_name_of_the_data_is_not_taken_for_them(empty_folder):
    (empty_folder / "ring").mkdir()
    assert main(words(epochs=1)) == 0
    assert json.loads((empty_folder / "run/settings.json").read_text())["data"] == "ring"
    (empty_folder / "digits").write_text("notes")  # and a file of the name of images
    assert not are_points("digits")


def test_commands_that_draw_images_refuse_it(fails):
    assert main(words(epochs=1)) == 0
    fails("sample run", "the run's data are not images")
    fails("interpolate run", "the run's data are not images")
    fails("invert run", "expected a run of gan, got one of gan2d")
    fails("evaluate run --samples 3", "--samples: the model is gan2d, which has no likelihood")


def test_runs_of_points_can_be_compared(empty_folder, capsys):
    assert main(words(out="a", epochs=1)) == main(words(out="b", epochs=1)) == 0
    capsys.readouterr()
    assert main(["compare", "a", "b"]) == 0
    assert "gan2d" in capsys.readouterr().out
