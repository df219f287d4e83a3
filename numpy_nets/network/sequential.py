"""Sequential: a model whose layers follow one another."""

from typing import Any

from numpy_nets.layers import InputLayer, Layer
from numpy_nets.layers.node import KerasTensor
from numpy_nets.naming import unique_name
from numpy_nets.network.graph import Graph
from numpy_nets.network.model import Model


class Sequential(Model):
    """A chain of layers.

    An `Input` as its first element builds it at once; without one, the first data it sees do.

    Args:
        layers: layers or models; the first may be an `Input`.

    Raises:
        TypeError: if an element is not a layer.
        ValueError: if two layers have one name, or an Input is not the first.

    >>> from numpy_nets.layers import Dense, Input
    >>> model = Sequential([Input(shape=(784,)), Dense(64, "relu"), Dense(784, "sigmoid")])
    >>> model.output_shape, model.count_params()
    ((None, 784), 101200)
    """

    def __init__(self, layers: Any = None, *, name: str | None = None) -> None:
        super().__init__(name=name)
        if layers is not None and not isinstance(layers, list | tuple):
            raise TypeError(f"Sequential: expected a list of layers, got {layers!r}")
        self._stack: list[Layer] = []
        self._first: KerasTensor | None = None  # None until the shape of the input is known
        self._last: KerasTensor | None = None
        for layer in layers or []:
            self._append(layer)
        self._connect()

    def add(self, layer: Layer | KerasTensor) -> None:
        """Append a layer."""
        self._append(layer)
        self._connect()

    def _append(self, layer: Layer | KerasTensor) -> None:
        if isinstance(layer, KerasTensor) and isinstance(layer.node.layer, InputLayer):
            layer = layer.node.layer
        if not isinstance(layer, Layer):
            raise TypeError(f"Sequential: expected a layer, got {layer!r}")
        if isinstance(layer, InputLayer):
            if self._first is not None or self._stack:
                raise ValueError(f"Sequential: {layer.name}: an Input must come first, and once")
            self._first = self._last = layer.output
            return
        if any(layer.name == other.name for other in self._stack):
            raise ValueError(
                f"Sequential: expected distinct names of layers, got {layer.name!r} twice"
            )
        is_first = not self._stack and self._first is None
        if is_first and isinstance(layer, Model) and layer.functional:
            self._first = self._last = InputLayer(layer.input_shape[1:]).output
        if self._last is not None:
            self._last = layer(self._last)
        self._stack.append(layer)

    def _connect(self) -> None:
        if self._first is not None and self._stack:
            self.functional = Graph(self._first, self._last)
            self.built = True
            unique_name("functional")  # Keras uses this name up for a functional model inside

    def _run(self, inputs: Any) -> Any:
        for layer in self._stack:
            inputs = layer(inputs)
        return inputs

    @property
    def layers(self) -> list[Layer]:
        return self._stack

    def build(self, input_shape: Any) -> None:
        if not self._stack:
            raise ValueError(f"{self.name}: expected at least one layer")
        first = last = InputLayer(tuple(input_shape[1:])).output
        for layer in self._stack:
            last = layer(last)
        self._first, self._last = first, last
        self._connect()
