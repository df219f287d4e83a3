"""Every model file is the same text in both libraries, below its imports.  Needs no Keras."""

from __future__ import annotations

import ast
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
def test_a_twin_imports_nothing_of_numpy_nets(name: str) -> None:
    assert "numpy_nets" not in (THEIRS / name).read_text(encoding="utf-8")
