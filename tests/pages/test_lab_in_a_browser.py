"""The page of the lab as a person uses it: in Chromium, where there is one."""

import json
from pathlib import Path
from typing import Any

import pytest
from browser import FITS, needs_chromium, use

from numpy_nets.cli import main
from numpy_nets.cli.recipes import GAN2D
from numpy_nets.cli.recipes import gan2d as recipe

pytestmark = needs_chromium

NAME = "a_long_name_without_a_single_place_where_a_line_could_be_broken_into_two"
KEY = """
  const key = name => page.body.dispatchEvent(
    new page.defaultView.KeyboardEvent("keydown", {key: name, bubbles: true, cancelable: true}));
  const shown = run => Object.fromEntries([...all(".run")[run].querySelectorAll("td")].map(
    cell => [cell.dataset.name, cell.textContent]));
  const pixels = run => all(".run")[run].querySelector("canvas").toDataURL();
  const wait = ms => new Promise(done => setTimeout(done, ms));
"""


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of three runs, of which the last is shorter and of a game without a value."""
    folder = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recipe, "STEPS", 30)
        patch.setattr(type(GAN2D), "draw_curves", lambda *_: None)
        for name, more in (
            ("ring", ["--epochs", "6"]),
            (NAME, ["--epochs", "6", "--k", "2", "--objective", "minimax"]),
            ("short", ["--epochs", "3", "--objective", "least-squares"]),
        ):
            words = ["--data", "ring", "--hidden", "16", "--out", str(folder / name)]
            assert main(["train", "gan", *words, *more]) == 0
        names = [str(folder / name) for name in ("ring", NAME, "short")]
        assert main(["lab", *names, "--out", str(folder / "all.html")]) == 0
    return folder


def _use(tmp_path: Path, page: Path, script: str, width: int = 1200) -> dict[str, Any]:
    return use(tmp_path, page.read_text(encoding="utf-8"), KEY + script, width)


def _frame(runs: Path, name: str, number: int) -> dict[str, Any]:
    content = json.loads((runs / name / f"frames/{number:04}.json").read_text())
    assert isinstance(content, dict)
    return content


def _text(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}".replace("-", "−")


@pytest.mark.parametrize("width", [320, 390, 800, 1280, 1600])
@pytest.mark.parametrize("page", ["ring/lab.html", "all.html"])
def test_nothing_is_wider_than_the_screen(
    page: str, width: int, runs: Path, tmp_path: Path
) -> None:
    result = _use(tmp_path, runs / page, FITS, width)
    assert result == {"width": width, "wide": [], "small": 0}


def test_the_numbers_are_those_of_the_frame_also_of_a_run_that_is_shorter(
    runs: Path, tmp_path: Path
) -> None:
    result = _use(tmp_path, runs / "all.html", """
      result.last = [0, 1, 2].map(shown);
      key("Home");
      result.first = [0, 1, 2].map(shown);
      result.notes = all(".settings").map(note => note.textContent);
      result.same = text("#same");
    """)  # fmt: skip
    for which, numbers in (("last", (6, 6, 3)), ("first", (0, 0, 0))):
        for run, name, number in zip(result[which], ("ring", NAME, "short"), numbers, strict=True):
            frame = _frame(runs, name, number)
            assert run.pop("step") == str(frame["step"])
            expected = {"noise": frame["noise"], **frame["values"]}
            assert run == {key: _text(value) for key, value in expected.items()}
    assert result["notes"] == [
        "objective non-saturating, k 1", "objective minimax, k 2", "objective least-squares, k 1",
    ]  # fmt: skip
    assert "data ring" in result["same"] and "seed 0" in result["same"]


def test_keys_and_buttons_step_through_the_frames_which_differ(runs: Path, tmp_path: Path) -> None:
    result = _use(tmp_path, runs / "ring/lab.html", """
      const look = () => [text("#step"), page.getElementById("time").value];
      result.looks = [look()];
      const pictures = new Set([pixels(0)]);
      for (const name of ["ArrowRight", "Home", "ArrowLeft", "ArrowRight", "ArrowRight", "End"]) {
        key(name);
        pictures.add(pixels(0));
        result.looks.push(look());
      }
      page.getElementById("back").click();
      result.looks.push(look());
      page.getElementById("next").click();
      result.looks.push(look());
      const time = page.getElementById("time");
      time.value = 3;
      time.dispatchEvent(new Event("input"));
      result.looks.push(look());
      result.said = text("#said");
      result.label = page.querySelector("canvas").getAttribute("aria-label");
      result.pictures = pictures.size;
    """)  # fmt: skip
    steps = [6, 6, 0, 0, 1, 2, 6, 5, 6, 3]
    assert result["looks"] == [[f"step {30 * step}", str(step)] for step in steps]
    assert result["pictures"] == 4  # of the frames 6, 0, 1 and 2
    jsd = _text(_frame(runs, "ring", 3)["values"]["jsd"])
    assert result["said"].startswith(f"Step 90. ring: divergence {jsd}, of which D sees")
    assert "step 90" in result["label"] and jsd in result["label"]


def test_space_plays_from_the_beginning_says_nothing_meanwhile_and_pauses(
    runs: Path, tmp_path: Path
) -> None:
    result = _use(tmp_path, runs / "ring/lab.html", """
      const before = text("#said");
      key(" ");
      result.began = [text("#step"), text("#play")];
      await wait(400);
      const during = text("#step");
      result.quiet = text("#said") === before;
      key(" ");
      result.paused = [text("#play"), text("#step") === during, text("#said") !== before];
      await wait(400);
      result.still = text("#step") === during;
      result.advanced = during !== result.began[0];
      page.getElementById("play").click();
      await wait(2500);
      result.end = [text("#step"), text("#play")];
    """)  # fmt: skip
    assert result == {
        "began": ["step 0", "❚❚ Pause"], "quiet": True, "paused": ["▶ Play", True, True],
        "still": True, "advanced": True, "end": ["step 180", "▶ Play"],
    }  # fmt: skip
