"""The examples in docstrings run and print what they say; public names have one."""

from __future__ import annotations

import doctest
import importlib.util
import io
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import numpy_nets
from numpy_nets import config, naming, random

MODULES = [
    info.name
    for info in pkgutil.walk_packages(numpy_nets.__path__, "numpy_nets.")
    if not info.name.endswith(".__main__")
]


def source(name: str) -> str:
    spec = importlib.util.find_spec(name)
    assert spec is not None and spec.origin is not None
    return Path(spec.origin).read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def _restore() -> Iterator[None]:
    state, names = random.get_state(), naming._used.copy()
    yield
    random.set_state(state)
    naming._used.clear()
    naming._used.update(names)
    config.set_floatx("float32")


@pytest.mark.parametrize("name", [name for name in MODULES if ">>> " in source(name)])
def test_every_example_prints_what_it_says(name: str) -> None:
    """Each docstring starts from the same random numbers; a warning is an error, as everywhere."""
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS, verbose=False)
    output = io.StringIO()
    for test in doctest.DocTestFinder().find(importlib.import_module(name)):
        random.set_random_seed(0)
        naming.clear_session()
        runner.run(test, out=output.write)
        assert config.floatx() == "float32", f"{test.name} changes floatx"
    assert not runner.failures, output.getvalue()
    # Doctest skips objects that seem to come from another module, such as badly wrapped functions.
    assert runner.tries == len(re.findall(r"^ *>>> ", source(name), re.MULTILINE))


# Public names whose docstrings need no example: most are a formula of one variable.
PROSE = {
    "activations": {"linear", "leaky_relu", "relu", "softplus", "tanh"},
    "autodiff.ops": {
        "abs", "convert_to_numpy", "divide", "exp", "full_like", "log", "maximum", "minimum",
        "multiply", "negative", "ones", "relu", "shape", "sqrt", "square", "stop_gradient",
        "subtract", "tanh", "zeros",
    },
    "autodiff.gradcheck": {"GradientError"},
    "autodiff.tape": {"Record"},
    "config": {"epsilon", "floatx"},
    "initializers": {"Ones", "Zeros"},
    "layers": {"InputLayer"},
    "metrics": {"Metric", "PredictionMetric"},
    "random": {"generator", "set_state"},
}  # fmt: skip


def public(module: ModuleType) -> dict[str, Any]:
    """`__all__` if there is one, else the functions and classes that the module defines."""
    names = getattr(module, "__all__", None) or [
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and callable(value)
        and getattr(value, "__module__", "") == module.__name__
    ]
    return {name: getattr(module, name) for name in names}


@pytest.mark.parametrize(
    "name",
    [
        "activations", "autodiff.gradcheck", "autodiff.ops", "autodiff.tape", "config",
        "initializers", "layers", "losses", "metrics", "optimizers", "optimizers.rules",
        "optimizers.schedules", "random", "regularizers",
    ],
)  # fmt: skip
def test_a_public_name_has_an_example_unless_prose_says_it_all(name: str) -> None:
    members = public(importlib.import_module(f"numpy_nets.{name}"))
    without = {key for key, value in members.items() if ">>> " not in (value.__doc__ or "")}
    assert without == PROSE.get(name, set())
