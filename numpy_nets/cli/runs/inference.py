"""A trained network as JSON, which `pages/network.js` runs.

It is a list of steps. Each takes arrays by their numbers and makes the next one: the inputs have
the numbers 0, 1, …, the first step's result the one after them, and so on; the last is the output.
The weights are float32, in the order of the steps, in base64.
"""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from numpy_nets import activations, layers
from numpy_nets.autodiff.tensor import Array
from numpy_nets.nested import flatten
from numpy_nets.network import Model
from numpy_nets.network.graph import depth_first

_KNOWN = ("linear", "relu", "leaky_relu", "sigmoid", "tanh", "softplus")


@dataclass(frozen=True)
class Affine:
    """y = scale · x + shift, which changes the range of pixels."""

    scale: float
    shift: float


Part: TypeAlias = layers.Layer | Affine  # a Model is a layer, too


def as_base64(*arrays: Array) -> str:
    """The numbers of all arrays, one after another, as float32.

    >>> as_base64(np.array([1.0]))
    'AACAPw=='
    """
    little_endian = (np.asarray(array).astype("<f4").tobytes() for array in arrays)
    return b64encode(b"".join(little_endian)).decode()


class Network:
    """What the parts do one after another, outside training; of several outputs, the first counts.

    Attributes:
        inputs, weights: how many there are.

    Raises:
        ValueError: if a layer is not among those that the page can run.

    >>> network = Network([layers.Activation("tanh"), Affine(0.5, 0.5)])
    >>> for step in network.as_json()["steps"]:
    ...     print(step)
    {'kind': 'tanh', 'from': [0]}
    {'kind': 'affine', 'from': [1], 'scale': 0.5, 'shift': 0.5}
    """

    def __init__(self, parts: Sequence[Part]) -> None:
        first = parts[0]
        graph = first.functional if isinstance(first, Model) else None
        self.inputs = len(flatten(graph.inputs)) if graph else 1
        self._steps: list[dict[str, Any]] = []
        self._weights: list[Array] = []
        values = list(range(self.inputs))
        for part in parts:
            values = [self._add(part, values)]
        self.weights = sum(w.size for w in self._weights)

    def as_json(self) -> dict[str, Any]:
        """The network as `pages/network.js` reads it."""
        return {
            "inputs": self.inputs, "steps": self._steps, "weights": as_base64(*self._weights)
        }

    def _step(self, kind: str, values: list[int], *weights: Array, **more: Any) -> int:
        """Add a step; returns the number of its result."""
        self._steps.append({"kind": kind, "from": values, **more})
        self._weights += weights
        return self.inputs + len(self._steps) - 1

    def _activation(self, function: Any, values: list[int]) -> int:
        name = next((n for n in _KNOWN if getattr(activations, n) is function), None)
        if name is None:
            raise ValueError(f"the activation {getattr(function, '__name__', function)}")
        if name == "linear":
            return values[0]
        return self._step(name, values, **({"slope": 0.2} if name == "leaky_relu" else {}))

    def _add(self, part: Any, values: list[int]) -> int:
        match part:
            case Affine():
                return self._step("affine", values, scale=part.scale, shift=part.shift)
            case Model() if part.functional is not None:
                return self._graph(part, values)
            case layers.Dense():
                size, units = part.kernel.shape
                bias = part.bias.numpy() if part.use_bias else np.zeros(units)
                y = self._step("dense", values, part.kernel.numpy(), bias, size=size, units=units)
                return self._activation(part.activation, [y])
            case layers.BatchNormalization():
                mean, variance = part.moving_mean.numpy(), part.moving_variance.numpy()
                factor = 1 / np.sqrt(variance + part.epsilon)
                factor = factor * part.gamma.numpy() if part.scale else factor
                beta = part.beta.numpy() if part.center else np.zeros_like(mean)
                return self._step("normalize", values, mean, factor, beta, size=len(mean))
            case layers.LeakyReLU():
                return self._step("leaky_relu", values, slope=part.negative_slope)
            case layers.ReLU():
                return self._step("relu", values)
            case layers.Activation():
                return self._activation(part.activation, values)
            case layers.Concatenate():
                return self._step("concatenate", values)
            case layers.Dropout() | layers.GaussianNoise():  # they act in training only
                return values[0]
        raise ValueError(f"the layer {type(part).__name__}")

    def _graph(self, model: Model, values: list[int]) -> int:
        graph = model.functional
        assert graph is not None
        number = {id(x): value for x, value in zip(flatten(graph.inputs), values, strict=True)}
        output = flatten(graph.outputs)[0]
        _, nodes = depth_first([output.node])
        for node in nodes:
            if not isinstance(node.layer, layers.InputLayer):
                inputs = [number[id(x)] for x in flatten(node.inputs)]
                number[id(flatten(node.output)[0])] = self._add(node.layer, inputs)
        return number[id(output)]
