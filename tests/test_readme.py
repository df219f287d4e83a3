"""README's example prints what README says, and its links lead somewhere."""

import contextlib
import io
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_tape_example_prints_the_program_and_the_gradient_beside_it() -> None:
    code, printed = re.search(r"```python\n(.*?)```\n\n```\n(.*?)```", README, re.DOTALL).groups()
    assert "GradientTape" in code
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        exec(code, {})
    assert output.getvalue() == printed


def test_the_vae_example_trains_without_a_network() -> None:
    code = re.findall(r"```python\n(.*?)```", README, re.DOTALL)[1]
    assert "datasets import digits" in code
    variables: dict = {}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(code.replace("epochs=10", "epochs=1"), variables)
    assert variables["vae"].history.history["val_loss"][-1] < 250  # nats; 543 at first


@pytest.mark.parametrize("page", ["README.md", "benchmarks/README.md", "CONTRIBUTING.md"])
def test_links_lead_to_files_of_the_project(page) -> None:
    path = ROOT / page
    links = re.findall(r"\]\(([^)#]+)\)", path.read_text(encoding="utf-8"))
    assert [link for link in links if not (path.parent / link).exists()] == []
