"""The latent playground of a run's page: what it decodes, and that it can be used."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser import FITS, needs_chromium, use

from numpy_nets.cli import main
from numpy_nets.cli.recipes import RECIPES
from numpy_nets.cli.runs.saved import load_saved
from numpy_nets.evaluation.latent import interpolate
from numpy_nets.evaluation.pca import fit_pca

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


# The controls

LOOK = """const look = () => ({
  code: [...playground.state.code], label: playground.state.label,
  image: page.getElementById("image").getAttribute("aria-label"),
  pressed: all("#strip [aria-pressed=true]").map(button => button.getAttribute("aria-label")),
});
result.before = look();"""


def test_the_plane_is_moved_in_with_the_keyboard(trained, tmp_path):
    folder = trained("vae")
    result = in_browser(tmp_path, folder, LOOK + """
      const pad = page.getElementById("pad");
      const press = (key, shiftKey = false) => {
        const event = new KeyboardEvent("keydown", {key, shiftKey, cancelable: true});
        pad.dispatchEvent(event);
        return {...look(), handled: event.defaultPrevented};
      };
      for (let i = 0; i < 3; i++) press("ArrowLeft", true), press("ArrowDown", true);
      result.start = look();
      result.right = press("ArrowRight");
      result.up = press("ArrowUp", true);
      result.tab = press("Tab").handled;
      for (let i = 0; i < 60; i++) press("ArrowRight");
      result.edge = look();
    """)  # fmt: skip
    saved = load_saved(folder)
    codes = saved.recipe.encode(saved.model, saved.images().x_test, None)
    pca = fit_pca(codes, 4)
    start, right, up, edge = (
        pca.encode(np.array(result[name]["code"])) for name in ("start", "right", "up", "edge")
    )
    width, height = np.ptp(pca.encode(codes), axis=0)[:2]
    np.testing.assert_allclose(right - start, [0.02 * width, 0, 0, 0], atol=1e-5)
    np.testing.assert_allclose(up - right, [0, 0.1 * height, 0, 0], atol=1e-5)
    np.testing.assert_allclose(edge, [pca.encode(codes)[:, 0].max(), *up[1:]], atol=1e-5)
    assert result["right"]["handled"] and not result["tab"]
    assert result["start"]["image"] != result["right"]["image"] != result["up"]["image"]
    assert result["before"]["pressed"] == ["test image 1, class 0"]
    assert result["start"]["pressed"] == []


@pytest.mark.parametrize("latent", [1, 2, 4])
def test_the_plane_is_moved_in_by_pointing(latent, train, tmp_path):
    result = in_browser(tmp_path, train("gan", f"--latent {latent}"), """
      const pad = page.getElementById("pad");
      const box = pad.getBoundingClientRect();
      const event = new PointerEvent("pointerdown", {
        clientX: box.left + 0.25 * box.width, clientY: box.top + 0.25 * box.height,
      });
      pad.dispatchEvent(event);
      const marker = page.getElementById("marker").getBoundingClientRect();
      result.marker = [
        (marker.left + marker.width / 2 - box.left) / box.width,
        (marker.top + marker.height / 2 - box.top) / box.height,
      ];
      result.code = [...playground.state.code];
      result.others = [...playground.items[0].code];
      result.ranges = page.defaultView.eval("data").plane.ranges;
      result.directions = [...page.defaultView.eval("floats(data.plane.directions)")];
      result.centre = [...page.defaultView.eval("floats(data.plane.centre)")];
      const map = page.getElementById("map");
      result.map = [map.width, map.height];
    """)  # fmt: skip
    assert result["marker"] == pytest.approx([0.25, 0.25 if latent > 1 else 0.5], abs=0.01)
    directions = np.array(result["directions"]).reshape(-1, latent)
    place = directions @ (np.array(result["code"]) - result["centre"])
    wanted = [low + share * (high - low) for share, (low, high)
              in zip((0.25, 0.75), result["ranges"], strict=False)]  # fmt: skip
    np.testing.assert_allclose(place, wanted, atol=1e-5)
    rest = np.array(result["code"]) - result["others"]
    np.testing.assert_allclose(rest, directions.T @ directions @ rest, atol=1e-5)
    assert result["map"] == [35, 42]


def test_images_are_chosen_walked_between_and_changed_by_number_and_class(trained, tmp_path):
    folder = trained("cvae")
    result = in_browser(tmp_path, folder, LOOK + """
      all("#strip button")[4].click();
      result.chosen = look();
      change("to", 7, "change");
      change("way", 1);
      result.end = look();
      change("kind", "spherical", "change");
      change("way", 0.5);
      result.middle = look();
      change("class", 1, "change");
      result.other = look();
      const slider = page.querySelectorAll("#units input")[2];
      slider.value = slider.max;
      slider.dispatchEvent(new Event("input"));
      result.slid = look();
      result.shown = page.querySelectorAll("#units output")[2].textContent;
      result.most = Number(slider.max);
      result.codes = playground.items.map(item => [...item.code]);
    """)  # fmt: skip
    assert result["chosen"]["code"] == result["codes"][4]
    name = f"test image 5, class {result['chosen']['label']}"
    assert result["chosen"]["pressed"] == [name]
    assert result["end"]["code"] == pytest.approx(result["codes"][7], abs=1e-6)
    assert result["middle"]["code"] != result["end"]["code"]
    assert result["middle"]["label"] == result["chosen"]["label"]  # though that image has another
    assert result["other"]["label"] == 1 and result["other"]["code"] == result["middle"]["code"]
    assert result["slid"]["code"][2] == pytest.approx(result["most"], rel=0.01)
    assert float(result["shown"].replace("−", "-")) == pytest.approx(result["most"], abs=0.02)
    saved = load_saved(folder)
    data = saved.images()
    (label,) = {data.y_test[i] for i in [np.linspace(0, 19, 16).astype(int)[4]]}
    assert result["chosen"]["label"] == label


@pytest.mark.parametrize("model", ["bigan", "cvae"])
@pytest.mark.parametrize("width", [390, 1200])
def test_it_fits_on_a_telephone_and_on_a_screen(model, width, trained, tmp_path):
    result = in_browser(tmp_path, trained(model), FITS, width)
    assert result == {"width": width, "wide": [], "small": 0}


def test_what_the_keyboard_and_a_screen_reader_need_is_there(trained, tmp_path):
    result = in_browser(tmp_path, trained("cvae"), """
      const named = element => element.labels?.length || element.getAttribute("aria-label")
        || element.getAttribute("aria-labelledby");
      result.nameless = all("input, select, button, [role]").filter(
        element => !named(element)
      ).map(element => element.outerHTML);
      result.order = all("select, button, input, [tabindex]").filter(
        element => element.checkVisibility() && element.tabIndex >= 0
      ).map(element => element.id || element.localName).filter((x, i, all) => x !== all[i - 1]);
      result.headings = all("h1, h2, h3").map(heading => heading.localName).join(" ");
      result.live = page.getElementById("says").getAttribute("aria-live");
      result.rows = all("tbody tr").every(row => row.cells[0].matches("th[scope=row]"));
      result.heads = all("thead th").every(head => head.scope === "col");
    """, 390)  # fmt: skip
    assert [x for x in result["nameless"] if "no-arc" not in x] == []
    assert result["order"] == [
        "class", "pad", "button", "from", "to", "kind", "way", "input",
    ]  # fmt: skip
    assert result["headings"] == "h1 h2 h2 h2 h3 h3 h3 h3 h2 h2"
    assert result["live"] == "polite" and result["rows"] and result["heads"]
