import json
import re

import pytest

from numpy_nets.cli import main
from numpy_nets.cli.recipes import RECIPES


def steps_of(path):
    (text,) = re.findall(
        r'<script type="application/json" id="data">(.*?)</script>', path.read_text("utf-8"), re.S
    )
    return json.loads(text.replace("<\\/", "</"))["steps"]


@pytest.mark.parametrize("name", RECIPES)
def test_every_gradient_of_a_trained_model_agrees_with_finite_differences(
    name, trained, empty_folder, capsys
):
    trained(name)
    before = {p.name: p.read_bytes() for p in (empty_folder / "run").iterdir() if p.is_file()}
    capsys.readouterr()
    assert main(["explain", "run", "--images", "6", "--out", "pages"]) == 0
    written = sorted((empty_folder / "pages").iterdir())
    adversarial = {"gan", "cgan", "bigan", "sgan"}
    kinds = ["discriminator", "generator"] if name in adversarial else ["step"]
    assert [p.name for p in written] == [f"{kind}-{name}.html" for kind in kinds]
    assert capsys.readouterr().out.count("written: pages/") == len(written)
    for path in written:
        checks = [check for step in steps_of(path) for check in step.get("checks", [])]
        assert len(checks) > 20
        assert sum(not close for *_, close in checks) <= 0.02 * len(checks), path
    for file, content in before.items():
        assert (empty_folder / "run" / file).read_bytes() == content


def test_a_name_that_is_neither_model_nor_run_is_refused(fails):
    fails("explain vea", "explain: MODEL | RUN: unknown 'vea'; did you mean 'vae'?")
    fails("explain .", "settings.json")
