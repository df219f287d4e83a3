"""Every model file is the same text in both libraries, below its imports.

The comparison of the texts needs no Keras; the examples in the docstrings of the twins do.
"""

from __future__ import annotations

import ast
import doctest
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OURS, THEIRS = ROOT / "numpy_nets" / "models", ROOT / "keras_ref" / "models"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*.py") if path.name != "__init__.py")


def parts(path: Path) -> tuple[str, str, list[str]]:
    """The text before and after the import block, and the names that it binds."""
    text = path.read_text(encoding="utf-8")
    imports = [n for n in ast.parse(text).body if isinstance(n, ast.Import | ast.ImportFrom)]
    lines = text.splitlines(keepends=True)
    bound = [alias.asname or alias.name for node in imports for alias in node.names]
    start, stop = imports[0].lineno - 1, imports[-1].end_lineno
    return "".join(lines[:start]), "".join(lines[stop:]), sorted(bound)


def test_every_model_has_a_twin_and_every_twin_a_model() -> None:
    assert names(OURS) == names(THEIRS) != []


@pytest.mark.parametrize("name", names(OURS))
def test_a_model_and_its_twin_are_the_same_text_but_for_the_imports(name: str) -> None:
    ours, theirs = parts(OURS / name), parts(THEIRS / name)
    docstring, body, bound = ours
    assert docstring.startswith('"""') and "def " in body and bound
    assert ours == theirs


@pytest.mark.parametrize("name", names(THEIRS))
def test_a_twin_uses_nothing_of_numpy_nets_but_its_checks_of_arguments(name: str) -> None:
    """A twin that computed with numpy_nets would prove nothing."""
    for line in (THEIRS / name).read_text(encoding="utf-8").splitlines():
        assert "numpy_nets" not in line or line.startswith("from numpy_nets.checks import ")


@pytest.mark.parametrize("name", names(THEIRS))
def test_the_examples_of_a_twin_give_in_keras_the_output_that_they_show(name: str) -> None:
    pytest.importorskip("keras")
    twin = importlib.import_module(f"keras_ref.models.{Path(name).stem}")
    failed, attempted = doctest.testmod(twin)
    assert attempted > 0 == failed


@pytest.mark.parametrize("name", ["layers", "weights"])
def test_the_examples_of_keras_ref_give_the_output_that_they_show(name: str) -> None:
    pytest.importorskip("keras")
    failed, attempted = doctest.testmod(importlib.import_module(f"keras_ref.{name}"))
    assert attempted > 0 == failed
