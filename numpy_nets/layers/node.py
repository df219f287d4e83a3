"""The graph that arises when layers are called on an `Input`: KerasTensors joined by Nodes."""

from typing import TYPE_CHECKING, Any, TypeAlias

from numpy_nets.autodiff.tensor import Symbolic
from numpy_nets.nested import flatten

if TYPE_CHECKING:
    from numpy_nets.layers.layer import Layer

Shape: TypeAlias = tuple[int | None, ...]


class KerasTensor(Symbolic):
    """A placeholder for a layer's output: its shape, and the node that will compute it.

    The first axis of the shape, the batch, is None.
    """

    def __init__(self, shape: Shape, name: str, node: "Node") -> None:
        self.shape = shape
        self.name = name
        self.node = node

    def __repr__(self) -> str:
        return f"<KerasTensor shape={self.shape}, name={self.name}>"


class Node:
    """One call of a layer on KerasTensors.

    Args:
        layer: what was called.
        inputs: what it was called on: a KerasTensor, nested lists of them, or None for an Input.
        output_shape: the shape of the output, or a list of shapes for several outputs.
    """

    def __init__(self, layer: "Layer", inputs: Any, output_shape: Any) -> None:
        self.layer = layer
        self.inputs = inputs
        name = f"{layer.name}_output"
        if isinstance(output_shape, list):
            self.output: Any = [KerasTensor(shape, name, self) for shape in output_shape]
        else:
            self.output = KerasTensor(output_shape, name, self)
        layer.nodes.append(self)

    @property
    def parents(self) -> list["Node"]:
        """The nodes that compute the inputs."""
        return [x.node for x in flatten(self.inputs)]
