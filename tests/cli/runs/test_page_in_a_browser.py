"""The latent playground of a run's page: what it decodes, and that it can be used."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser import needs_chromium, use

from numpy_nets.cli import main
from numpy_nets.cli.recipes import RECIPES
from numpy_nets.cli.runs.saved import load_saved

pytestmark = needs_chromium

OTHERS = [  # whose networks are not those of the defaults
    ("vae", "--likelihood gaussian --activation tanh"), ("gan", "--networks notebook"),
    ("sparse", "--activation relu --penalty l1"),
]  # fmt: skip
# `playground` is what run.js calls so; it is not a property of the window.
START = """const playground = page.defaultView.eval("playground");
const change = (id, value, event = "input") => {
  page.getElementById(id).value = value;
  page.getElementById(id).dispatchEvent(new Event(event));
};"""


def in_browser(tmp_path: Path, folder: Path, script: str, width: int = 1200) -> dict[str, Any]:
    page = (folder / "index.html").read_text(encoding="utf-8")
    return use(tmp_path, page, START + script, width)


@pytest.fixture
def train(images: Path, empty_folder: Path, no_pictures: None):
    def run(model: str, more: str = "", data: Path = images) -> Path:
        words = ["--data", str(data), "--latent", "4", "--epochs", "2", "--out", "run"]
        assert main(["train", model, *words, *more.split()]) == 0
        return empty_folder / "run"

    return run


def check(folder: Path, tmp_path: Path) -> None:
    """Decoded images, what is drawn of them, and codes of test images are NumPy's."""
    saved = load_saved(folder)
    data = saved.images()
    codes = 1.5 * np.random.default_rng(0).standard_normal((8, 4)).astype(np.float32)
    labels = np.arange(8) % 3
    result = in_browser(tmp_path, folder, f"""
      const codes = {json.dumps(codes.tolist())}, labels = {labels.tolist()};
      result.images = codes.map((c, i) => [...playground.decode(Float32Array.from(c), labels[i])]);
      result.drawn = codes.map((code, i) => {{
        playground.state.code = Float32Array.from(code);
        playground.state.label = labels[i];
        playground.show();
        const canvas = page.getElementById("image");
        return [...canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data];
      }});
      result.codes = playground.items.map(item => [...item.code]);
      result.strip = playground.items.map(item => [...item.image]);
    """)  # fmt: skip
    expected = saved.recipe.decode(saved.model, codes, labels)
    np.testing.assert_allclose(result["images"], expected, rtol=0, atol=1e-5)
    drawn = np.array(result["drawn"]).reshape(8, -1, 4)
    pixels = 255 * expected.reshape(8, drawn.shape[1], -1)
    assert np.all(np.abs(drawn[..., :3] - pixels) <= 0.5 + 255e-5) and np.all(drawn[..., 3] == 255)

    codes, x, y = saved.recipe.shown_codes(saved.model, data, saved.settings)
    chosen = np.linspace(0, len(codes) - 1, 16).astype(int)
    np.testing.assert_allclose(result["codes"], codes[chosen], rtol=1e-5, atol=1e-5)
    if x is None:
        x = saved.recipe.decode(saved.model, codes, y)
    np.testing.assert_allclose(result["strip"], x[chosen], rtol=0, atol=1e-5)


@pytest.mark.parametrize("model", RECIPES)
def test_what_the_page_draws_is_numpy_s(model, trained, tmp_path):
    check(trained(model), tmp_path)


@pytest.mark.parametrize(("model", "more"), OTHERS)
def test_what_other_networks_draw_is_numpy_s(model, more, train, tmp_path):
    check(train(model, more), tmp_path)


@pytest.mark.parametrize("model", ["vae", "gan"])
def test_what_the_page_draws_in_colour_is_numpy_s(model, train, colour_images, tmp_path):
    check(train(model, data=colour_images), tmp_path)


def test_the_walk_is_that_of_interpolate(trained, tmp_path):
    from numpy_nets.evaluation.latent import interpolate

    start, end = [1.0, 0.5, -1.0, 0.2], [0.3, -2.0, 0.4, 1.0]
    result = in_browser(tmp_path, trained("vae"), f"""
      const [a, b] = [{start}, {end}].map(code => Float32Array.from(code));
      for (const kind of ["linear", "spherical"]) {{
        result[kind] = [0, 0.25, 0.5, 0.75, 1].map(t => [...playground.between(a, b, t, kind)]);
      }}
      result.none = [a.map(x => -x), a.map(() => 0)].map(to =>
        playground.between(a, to, 0.5, "spherical"));
      result.still = [...playground.between(a, a, 0.5, "spherical")];
    """)  # fmt: skip
    for kind in ("linear", "spherical"):
        np.testing.assert_allclose(result[kind], interpolate(start, end, 5, kind), atol=1e-6)
    assert result["none"] == [None, None]
    np.testing.assert_allclose(result["still"], start, atol=1e-6)
