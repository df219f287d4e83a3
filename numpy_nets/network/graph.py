"""Graph: the calls of layers between the inputs and outputs of a functional model."""

from collections.abc import Callable
from typing import Any

from numpy_nets.layers import InputLayer, Layer
from numpy_nets.layers.node import KerasTensor, Node
from numpy_nets.nested import flatten, map_nested


class Graph:
    """The calls of layers between `inputs` and `outputs`.

    Args:
        inputs: a KerasTensor from `Input`, or a list of them.
        outputs: a KerasTensor computed from them, or a list.

    Attributes:
        nodes: the calls, each after those it needs.
        layers: the layers, in the order in which Keras lists them.

    Raises:
        ValueError: if an input does not come from `Input`, an output needs an Input that is not
            among the inputs, or two layers have one name.
    """

    def __init__(self, inputs: Any, outputs: Any) -> None:
        for name, nested in (("inputs", inputs), ("outputs", outputs)):
            for x in flatten(nested) or [None]:
                if not isinstance(x, KerasTensor):
                    raise ValueError(
                        f"Model: {name}: expected the result of Input, or of layers called on it, "
                        f"got {type(x).__name__}"
                    )
        self.inputs, self.outputs = inputs, outputs
        # One output in a list is computed as one tensor, as in Keras.
        listed = isinstance(outputs, list | tuple) and len(outputs) == 1
        self.result = outputs[0] if listed else outputs
        input_nodes = [x.node for x in flatten(inputs)]
        for node in input_nodes:
            if not isinstance(node.layer, InputLayer):
                raise ValueError(
                    f"Model: inputs: expected Inputs, got the output of {node.layer.name}"
                )
        visited, nodes = depth_first([x.node for x in flatten(outputs)])
        for node in nodes:
            if isinstance(node.layer, InputLayer) and node not in input_nodes:
                raise ValueError(f"Model: outputs need {node.layer.name}, which is not in inputs")
        unused = [node for node in input_nodes if node not in nodes]  # allowed, as in Keras
        self.nodes = unused + nodes
        self.depths = depths(self.nodes)
        self.layers = keras_order(self.nodes, self.depths, unused + visited)
        names = [layer.name for layer in self.layers]
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise ValueError(f"Model: expected distinct names of layers, got {twice!r} twice")

    def run(self, inputs: Any, function: Callable[[Layer, Any], Any]) -> Any:
        """Compute the outputs from inputs, with `function(layer, values)` at each node."""
        values: dict[int, Any] = {
            id(x): value for x, value in zip(flatten(self.inputs), inputs, strict=True)
        }

        def value_of(x: KerasTensor) -> Any:
            return values[id(x)]

        for node in self.nodes:
            if isinstance(node.layer, InputLayer):
                continue
            result = function(node.layer, map_nested(value_of, node.inputs))
            if isinstance(node.output, list):
                values |= {id(x): y for x, y in zip(node.output, result, strict=True)}
            else:
                values[id(node.output)] = result
        return map_nested(value_of, self.result)

    def is_chain(self) -> bool:
        """Whether the layers follow one another in a single line, each used once."""
        return (
            len(set(self.depths)) == len(self.depths) == len(self.layers)
            and all(len(node.parents) <= 1 for node in self.nodes)
        )  # fmt: skip


def depth_first(ends: list[Node]) -> tuple[list[Node], list[Node]]:
    """All nodes that `ends` need: as a depth-first search visits them, and as it leaves them.

    It leaves a node after all its parents, so the second list is an order in which they can run.
    There is no recursion, so a graph may be deeper than Python's stack.
    """
    visited: dict[Node, None] = {}  # dicts, for their order
    left: dict[Node, None] = {}
    stack = list(reversed(ends))
    while stack:
        node = stack[-1]
        visited[node] = None
        waiting = [parent for parent in node.parents if parent not in left]
        if waiting:
            stack.append(waiting[0])
        else:
            left[stack.pop()] = None
    return list(visited), list(left)


def depths(nodes: list[Node]) -> list[int]:
    """For each node, the length of the longest way from it to an output.

    As in Keras, a call of a shared layer is at least as deep as the later calls of that layer.
    `nodes` must be in an order in which they can run.
    """
    of_node: dict[Node, int] = {}
    of_layer: dict[Layer, int] = {}
    for node in reversed(nodes):
        depth = max(of_node.get(node, 0), of_layer.get(node.layer, 0))
        of_node[node] = of_layer[node.layer] = depth
        for parent in node.parents:
            of_node[parent] = max(of_node.get(parent, 0), depth + 1)
    return [of_node[node] for node in nodes]


def keras_order(nodes: list[Node], depths: list[int], visited: list[Node]) -> list[Layer]:
    """The layers as Keras lists them: the deepest first, and those of one depth as visited."""
    depth_of: dict[Layer, int] = {}
    for node, depth in zip(nodes, depths, strict=True):
        depth_of.setdefault(node.layer, depth)  # a shared layer is as deep as its first call
    position: dict[Layer, int] = {}
    for node in visited:
        position.setdefault(node.layer, len(position))
    return sorted(position, key=lambda layer: (-depth_of[layer], position[layer]))
