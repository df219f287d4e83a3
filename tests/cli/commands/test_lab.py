"""numpy-nets lab: one page of several runs."""

import json
import re

import pytest

from numpy_nets.cli import main
from numpy_nets.cli.recipes import GAN2D
from numpy_nets.cli.recipes import gan2d as recipe


@pytest.fixture
def runs(empty_folder, monkeypatch):
    monkeypatch.setattr(recipe, "STEPS", 2)
    monkeypatch.setattr(recipe, "DRAWN", 200)
    monkeypatch.setattr(type(GAN2D), "draw_curves", lambda *_: None)
    monkeypatch.setattr(type(GAN2D), "print_table", lambda *_: None)
    for name, more in (("a", []), ("b", ["--k", "3", "--objective", "minimax"])):
        words = ["--data", "line", "--hidden", "8", "--batch-size", "8", "--epochs", "2"]
        assert main(["train", "gan", *words, "--out", name, *more]) == 0


def content(page):
    return json.loads(re.search(r'id="data">(.*?)</script>', page.read_text(), re.DOTALL)[1])


def test_the_page_holds_the_frames_and_the_settings_of_each_run(runs, empty_folder, capsys):
    assert main(["lab", "a", "b"]) == 0
    assert "written: lab.html" in capsys.readouterr().out
    page = content(empty_folder / "lab.html")
    assert [run["name"] for run in page["runs"]] == ["a", "b"]
    for name, run in zip("ab", page["runs"], strict=True):
        files = sorted((empty_folder / name / "frames").glob("[0-9]*"))
        assert run["frames"] == [json.loads(file.read_text()) for file in files]
    assert [run["settings"]["k"] for run in page["runs"]] == [1, 3]
    assert main(["lab", "a", "b"]) == 0
    assert (empty_folder / "lab-2.html").exists()
    assert content(empty_folder / "a/lab.html")["runs"] == page["runs"][:1]


def test_wrong_arguments_are_refused_in_a_line(runs, empty_folder, trained, fails):
    trained("vae")
    fails("lab", "the following arguments are required: RUN")
    fails("lab run", "lab: run: expected a run of gan2d")
    fails("lab nothing", "nothing: holds no run")
    fails("lab a --out a/lab.html", "exists already")
    fails("lab a --out page.png", "expected a file name that ends in .html")
    fails("lab a --out no/such/page.html", "cannot be written")
    settings = json.loads((empty_folder / "b/settings.json").read_text())
    (empty_folder / "b/settings.json").write_text(json.dumps(settings | {"noise": None}))
    fails("lab b", "b/settings.json: damaged: expected data")
    (empty_folder / "b/settings.json").write_text(json.dumps(settings))
    (empty_folder / "a/frames/0001.json").write_text("[1]")
    fails("lab a", "0001.json: damaged")
    (empty_folder / "a/frames/0001.json").write_text('{"step":')
    fails("lab a", "0001.json: damaged")
    for path in (empty_folder / "b/frames").iterdir():
        path.unlink()
    fails("lab b", "lab: b: the run has no frames yet")
