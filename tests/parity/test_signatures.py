"""What is given by position means here what it means in Keras."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from inspect import Parameter
from types import ModuleType
from typing import Any

import pytest

keras = pytest.importorskip("keras")

import tensorflow as tf  # noqa: E402

import numpy_nets  # noqa: E402

MODULES = [
    "activations", "callbacks", "config", "initializers", "layers", "losses", "metrics", "ops",
    "optimizers", "random", "regularizers",
]  # fmt: skip

# What does not follow Keras, and why.
BY_POSITION = "two tensors (a, b), which Keras calls x1 and x2: tensors go in by position only"
ALLOWED = {
    **{
        f"ops.{name}": BY_POSITION
        for name in (
            "add", "divide", "matmul", "maximum", "minimum", "multiply", "power", "subtract",
        )
    },
    "callbacks.CallbackList": "made by fit, evaluate and predict, from lists that they checked",
    "layers.InputLayer.call": "takes the input that it hands on",
    "layers.InputLayer.compute_output_shape": "as any layer's",
    "layers.LeakyReLU": "alpha, the name in Keras 2, which Keras 3 takes from its **kwargs",
    "metrics.get": "'accuracy' means another metric for other shapes of y_true and y_pred",
    "optimizers.Adagrad.build": "variables, as in Keras's base class",
    "optimizers.Adam.build": "variables, as in Keras's base class",
    "optimizers.Optimizer": "Keras's base class only passes its arguments on",
    "optimizers.RMSprop.build": "variables, as in Keras's base class",
}  # fmt: skip


def compared() -> Iterator[tuple[str, Any, Any]]:
    """(name, ours, theirs) of every public function, class and method that both have."""
    pairs = [(name, getattr(numpy_nets, name), getattr(keras, name)) for name in MODULES]
    for prefix, ours, theirs in pairs:
        names = getattr(ours, "__all__", None) or [
            name for name, x in vars(ours).items() if getattr(x, "__module__", "") == ours.__name__
        ]
        for name in names:
            yield from with_methods(f"{prefix}.{name}", getattr(ours, name), theirs, name)
    for name in ("Input", "Model", "Sequential", "Variable"):
        yield from with_methods(name, getattr(numpy_nets, name), keras, name)
    yield from with_methods("GradientTape", numpy_nets.GradientTape, tf, "GradientTape")
    yield from with_methods(
        "optimizers.schedules.ExponentialDecay",
        numpy_nets.optimizers.schedules.ExponentialDecay,
        keras.optimizers.schedules,
        "ExponentialDecay",
    )
    set_seed = numpy_nets.random.set_random_seed
    yield "random.set_random_seed", set_seed, keras.utils.set_random_seed


def with_methods(
    path: str, ours: Any, module: ModuleType, name: str
) -> Iterator[tuple[str, Any, Any]]:
    theirs = getattr(module, name, None)
    if name.startswith("_") or theirs is None or not callable(ours):
        return
    yield path, ours, theirs
    if inspect.isclass(ours):
        for method, function in inspect.getmembers(ours, inspect.isfunction):
            if not method.startswith("_") and hasattr(theirs, method):
                yield f"{path}.{method}", function, getattr(theirs, method)


def parameters(function: Any, *kinds: Any) -> list[Parameter]:
    """The parameters of some kinds: of a class, those of its __init__."""
    function = function.__init__ if inspect.isclass(function) else function
    return [p for p in inspect.signature(function).parameters.values() if p.kind in kinds]


def positional(function: Any) -> list[Parameter]:
    return parameters(function, Parameter.POSITIONAL_OR_KEYWORD)


def every(function: Any) -> list[Parameter]:
    return positional(function) + parameters(function, Parameter.KEYWORD_ONLY)


def names(function: Any) -> set[str]:
    return {p.name for p in every(function)}


PAIRS = [(path, *rest) for path, *rest in compared() if path not in ALLOWED]


@pytest.mark.parametrize(("path", "ours", "theirs"), PAIRS, ids=[path for path, *_ in PAIRS])
def test_positional_parameters_begin_as_those_of_keras(path: str, ours: Any, theirs: Any) -> None:
    if parameters(theirs, Parameter.VAR_POSITIONAL):
        return  # Keras passes them on, and so says nothing
    found, expected = positional(ours), positional(theirs)
    assert [p.name for p in found] == [p.name for p in expected[: len(found)]]
    for mine, other in zip(found, expected, strict=False):
        # One that has to be given here cannot be left out with another meaning.
        assert mine.default is Parameter.empty or mine.default == other.default, mine


# What has to be given here and has a default in Keras, and why.
REQUIRED = {
    "Input": "Keras takes batch_shape or tensor in place of shape",
    "Sequential.build": "with an Input, a model is built when it is made",
    "layers.Input": "Keras takes batch_shape or tensor in place of shape",
    "layers.InputLayer": "Keras takes batch_shape or tensor in place of shape",
    "ops.where": "without x1 and x2, Keras gives indices",
}


@pytest.mark.parametrize(("path", "ours", "theirs"), PAIRS, ids=[path for path, *_ in PAIRS])
def test_what_keras_lets_one_leave_out_can_be_left_out(path: str, ours: Any, theirs: Any) -> None:
    optional = {p.name for p in every(theirs) if p.default is not Parameter.empty}
    required = {p.name for p in every(ours) if p.default is Parameter.empty}
    assert bool(required & optional) == (path in REQUIRED), required & optional


@pytest.mark.parametrize(("path", "ours", "theirs"), PAIRS, ids=[path for path, *_ in PAIRS])
def test_parameters_by_name_exist_in_keras(path: str, ours: Any, theirs: Any) -> None:
    known = names(theirs)
    if parameters(theirs, Parameter.VAR_KEYWORD) and path.startswith(
        ("layers.", "Model", "Sequential")
    ):
        known |= names(keras.layers.Layer)
    keyword = {p.name for p in parameters(ours, Parameter.KEYWORD_ONLY)}
    assert keyword - known == set()


def test_every_exception_is_still_one() -> None:
    paths = {path for path, *_ in compared()}
    assert ALLOWED.keys() <= paths and REQUIRED.keys() <= paths
