"""Where each variable is stored in a `.weights.h5` file: Keras's walk over a model.

An object's own variables are `path/vars/0`, `path/vars/1`, …; its children follow, the layers and
optimizers that it holds, each only where it is met first. A functional or sequential model starts
with its `layers`, as `layers/dense`, `layers/dense_1`, …, by class and a number. Attributes follow
in alphabetical order under their own names, such as `encoder/layers/dense`. In a subclassed model
the list `layers` is one of these attributes, so a layer whose own attribute sorts after "layers"
is stored under `layers`. (Established by experiment with Keras 3.15.1.)
"""

import copy
import os
import warnings
from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

import numpy as np

from numpy_nets.autodiff.tensor import Array, Variable
from numpy_nets.layers import Layer
from numpy_nets.naming import numbered, snake_case
from numpy_nets.optimizers import Optimizer
from numpy_nets.storage import weights as file_format

Owner: TypeAlias = Layer | Optimizer


def _owners(thing: Owner, path: str, seen: set[int]) -> Iterator[tuple[str, Owner]]:
    """`thing` itself and every layer and optimizer inside it, each with its path."""
    if id(thing) in seen:
        return
    seen.add(id(thing))
    yield path, thing
    if isinstance(thing, Layer):
        for name, value in _attributes(thing):
            yield from _inside(value, f"{path}{name}/", seen)


def _attributes(layer: Layer) -> list[tuple[str, Any]]:
    attributes = dict(vars(layer))
    if hasattr(layer, "layers"):  # a model
        attributes["layers"] = layer.layers
    layers_first = getattr(layer, "functional", None) is not None

    def order(item: tuple[str, Any]) -> tuple[bool, bool, str]:
        name = item[0]
        return not (layers_first and name == "layers"), name.startswith("_"), name

    return sorted(attributes.items(), key=order)


def _inside(value: Any, path: str, seen: set[int]) -> Iterator[tuple[str, Owner]]:
    if isinstance(value, Layer | Optimizer):
        yield from _owners(value, path, seen)
    elif isinstance(value, list | tuple | dict):
        counts: dict[str, int] = {}
        for item in value.values() if isinstance(value, dict) else value:
            if isinstance(item, Layer | Optimizer):
                kind = snake_case(getattr(item, "class_name", type(item).__name__))
            elif isinstance(item, list | tuple | dict):
                kind = "container"
            else:
                continue
            name = numbered(kind, counts.get(kind, 0))
            counts[kind] = counts.get(kind, 0) + 1
            yield from _inside(item, f"{path}{name}/", seen)


def _split(
    owners: Iterable[tuple[str, Owner]],
) -> tuple[dict[str, Variable], dict[str, Optimizer]]:
    """The variables of the layers by the path of their dataset; the optimizers by their path."""
    variables: dict[str, Variable] = {}
    optimizers: dict[str, Optimizer] = {}
    for path, owner in owners:
        if isinstance(owner, Optimizer):
            optimizers[path] = owner
        else:
            for k, variable in enumerate(owner.direct_parts()[0]):
                variables[f"{path}vars/{k}"] = variable
    return variables, optimizers


def save_weights(
    model: Layer,
    path: str | os.PathLike[str],
    *,
    attributes: dict[str, str] | None = None,
    overwrite: bool = True,
) -> None:
    """Write a model's variables and the state of its optimizers; raises as `write_weights`."""
    variables, optimizers = _split(_owners(model, "", set()))
    arrays: dict[str, Array] = {name: v.array for name, v in variables.items()}
    for prefix, optimizer in optimizers.items():
        for k, array in enumerate(optimizer.get_state()):
            arrays[f"{prefix}vars/{k}"] = array
    file_format.write_weights(path, arrays, attributes or {}, overwrite)


def load_weights(model: Layer, path: str | os.PathLike[str]) -> None:
    """Read a model's variables and the state of its optimizers; raises as `read_weights`.

    The optimizer of a compiled model that has taken no step yet is built first. An optimizer whose
    state does not match the file's keeps its state, with a warning.
    """
    variables, optimizers = _split(_owners(model, "", set()))
    expected = {name: (v.shape, v.dtype) for name, v in variables.items()}
    compiled_optimizer = getattr(model, "optimizer", None)
    stored = file_format.dataset_paths(path)
    counts: dict[str, int] = {}  # the variables of each optimizer that will be read
    for prefix, optimizer in optimizers.items():
        count = sum(name.startswith(f"{prefix}vars/") for name in stored)
        state = optimizer.get_state()
        trains = model.trainable_variables if optimizer is compiled_optimizer else []
        if trains and not optimizer.built and count > len(state):
            trial = copy.copy(optimizer)  # the optimizer itself waits until everything fits
            trial.build(trains)
            state = trial.get_state()
        if count != len(state):
            warnings.warn(
                f"{path}: the state of optimizer {optimizer.name!r} was not loaded: "
                f"{len(state)} variables here, {count} in the file",
                stacklevel=3,
            )
            continue
        counts[prefix] = count
        for k, array in enumerate(state):
            expected[f"{prefix}vars/{k}"] = (array.shape, array.dtype)
    arrays = file_format.read_weights(path, expected)
    for prefix, count in counts.items():
        if count > len(optimizers[prefix].get_state()):
            optimizers[prefix].build(model.trainable_variables)
        optimizers[prefix].set_state([arrays[f"{prefix}vars/{k}"] for k in range(count)])
    for name, variable in variables.items():
        variable.assign(np.asarray(arrays[name]))
