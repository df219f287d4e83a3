"""Who imports whom: one direction, no Keras, and nothing but NumPy until it is used."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "numpy_nets"
FILES = sorted(PACKAGE.rglob("*.py"))

# Every module imports only from rows above its own, or from its own sub-package.
ORDER = [
    ["config", "naming", "checks", "nested", "blocks", "datasets", "pages"],
    ["autodiff"],
    ["shares"],
    ["random", "theory"],
    ["initializers", "activations", "regularizers"],
    ["layers", "losses", "optimizers", "callbacks"],
    ["metrics", "storage", "distributed"],
    ["network"],
    ["models"],
    ["evaluation"],
    ["figures"],
    ["tour"],
    ["cli"],
    ["__main__"],
]
RANK = {name: rank for rank, row in enumerate(ORDER) for name in row}


def imports(path: Path) -> Iterator[tuple[str, bool]]:
    """Modules that a file imports anywhere but for type checkers, and whether at the top."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    skipped = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node in tree.body
        elif isinstance(node, ast.ImportFrom):
            parents = path.relative_to(PACKAGE.parent).parts[: -node.level] if node.level else ()
            module = ".".join([*parents, *([node.module] if node.module else [])])
            for alias in node.names:
                yield f"{module}.{alias.name}", node in tree.body


def component(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def test_every_module_has_its_place_in_the_order() -> None:
    assert {component(path) for path in FILES} - {"__init__"} <= set(RANK)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_imports_only_from_the_rows_above_it(path: Path) -> None:
    here = component(path)
    if here == "__init__":  # the package's own face
        return
    for name, _ in imports(path):
        package, *rest = name.split(".")
        if package == "numpy_nets" and rest[0] not in (here, "__version__"):
            assert RANK[rest[0]] < RANK[here], f"{path.name} imports {name}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_imports_no_keras_and_at_the_top_only_numpy(path: Path) -> None:
    for name, at_top in imports(path):
        package = name.split(".")[0]
        assert package not in ("keras", "keras_ref", "tensorflow")
        if at_top:
            assert package in {"numpy", "numpy_nets", *sys.stdlib_module_names}, name


def test_importing_numpy_nets_loads_numpy_only_and_is_quick() -> None:
    program = """
import json, sys, time, numpy.random
before, start = set(sys.modules), time.process_time()
import numpy_nets
seconds = time.process_time() - start
packages = {name.split(".")[0] for name in set(sys.modules) - before}
print(json.dumps([seconds, sorted(packages - set(sys.stdlib_module_names))]))
"""
    best = 10.0
    for _ in range(3):  # the first may find no compiled files
        output = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True
        ).stdout
        seconds, packages = json.loads(output)
        assert [p for p in packages if p not in ("numpy", "numpy_nets")] == []
        best = min(best, seconds)
    assert best < 0.5
