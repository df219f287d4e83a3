"""Model and Sequential: layers put together."""

from collections.abc import Callable
from typing import Any

from numpy_nets.autodiff.tensor import Variable
from numpy_nets.layers import Input, InputLayer
from numpy_nets.layers.layer import KerasTensor, Layer, Node, flatten, map_nested
from numpy_nets.naming import unique_name
from numpy_nets.network.summary import Row, Size, print_summary, size_of
from numpy_nets.network.trainer import Trainer
from numpy_nets.storage import layout

__all__ = ["Input", "Model", "Sequential"]


class Graph:
    """The calls of layers between `inputs` and `outputs`, in an order in which they can run.

    Args:
        inputs: a KerasTensor from `Input`, or a list of them.
        outputs: a KerasTensor computed from them, or a list.
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
        given = [x.node for x in flatten(inputs)]
        for node in given:
            if not isinstance(node.layer, InputLayer):
                raise ValueError(f"Model: inputs: expected Inputs, got output of {node.layer.name}")

        # Depth first, without recursion: what a node needs comes before it in self.nodes.
        self.nodes: list[Node] = []
        done: set[int] = set()
        first_seen: dict[int, int] = {}
        stack: list[Node] = [x.node for x in reversed(flatten(outputs))]
        while stack:
            node = stack[-1]
            first_seen.setdefault(id(node.layer), len(first_seen))
            missing = [parent for parent in node.parents if id(parent) not in done]
            if missing:
                stack.append(missing[0])
                continue
            stack.pop()
            if id(node) not in done:
                done.add(id(node))
                self.nodes.append(node)
        unused = [node for node in given if id(node) not in done]  # allowed, as in Keras
        first_seen |= {id(node.layer): -1 for node in unused}
        self.nodes = unused + self.nodes
        for node in self.nodes:
            if isinstance(node.layer, InputLayer) and node not in given:
                raise ValueError(f"Model: outputs need {node.layer.name}, which is not in inputs")

        # Keras lists layers by depth, the longest way to an output, then as they were met.
        # A call of a shared layer counts as deep as the calls of it that follow.
        depths: dict[int, int] = {}
        depth_of_layer: dict[int, int] = {}
        for node in reversed(self.nodes):
            key = id(node.layer)
            depth = max(depths.get(id(node), 0), depth_of_layer.get(key, 0))
            depths[id(node)] = depth_of_layer[key] = depth
            for parent in node.parents:
                depths[id(parent)] = max(depths.get(id(parent), 0), depth + 1)
        self.depths = [depths[id(node)] for node in self.nodes]
        layers = {id(node.layer): node.layer for node in self.nodes}
        order = sorted(layers, key=lambda key: (-depth_of_layer[key], first_seen[key]))
        self.layers: list[Layer] = [layers[key] for key in order]
        names = [layer.name for layer in self.layers]
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise ValueError(f"Model: expected distinct names of layers, got {twice!r} twice")

    def run(self, inputs: Any, function: Callable[[Layer, Any], Any]) -> Any:
        """Put values in for the inputs, apply `function(layer, values)` node by node."""
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
        return map_nested(value_of, self.outputs)

    def is_chain(self) -> bool:
        """Whether one layer follows the other, each used once."""
        return (
            len(set(self.depths)) == len(self.depths) == len(self.layers)
            and all(len(node.parents) <= 1 for node in self.nodes)
        )  # fmt: skip


class Model(Layer, Trainer):
    """A network that can be trained, in one of two ways.

    Functional: `Model(inputs, outputs)` of what layers return when they are called on an `Input`.
    Subclassed: `__init__` makes layers as attributes, `call(inputs)` computes; `train_step(data)`
    and `test_step(data)` may be overridden to train differently. See `training` for compile,
    fit, evaluate and predict.
    """

    def __init__(
        self,
        inputs: Any = None,
        outputs: Any = None,
        *,
        name: str | None = None,
    ) -> None:
        if (inputs is None) != (outputs is None):
            raise ValueError("Model: expected inputs and outputs, or neither")
        if name is None and type(self) is Model and inputs is not None:
            name = unique_name("functional")
        super().__init__(name=name)
        self._graph: Graph | None = None
        if inputs is not None:
            self._graph = Graph(inputs, outputs)
            self.built = True

    def call(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        if self._graph is None:
            return super().call(inputs)
        if args or kwargs:
            raise TypeError(f"{self.name}: expected inputs and training only, got more arguments")
        self._check_inputs([x.shape for x in flatten(inputs)])
        return self._run(inputs)

    def _run(self, inputs: Any) -> Any:
        assert self._graph is not None
        return self._graph.run(flatten(inputs), lambda layer, x: layer(x))

    def compute_output_shape(self, input_shape: Any) -> Any:
        if self._graph is None:
            return super().compute_output_shape(input_shape)
        shapes = input_shape if isinstance(input_shape, list) else [input_shape]
        self._check_inputs(shapes)
        return self._graph.run(shapes, lambda layer, shape: layer.compute_output_shape(shape))

    def _check_inputs(self, shapes: list[Any]) -> None:
        assert self._graph is not None
        expected = [x.shape for x in flatten(self._graph.inputs)]
        if len(shapes) != len(expected) or not all(map(_fits, shapes, expected)):
            raise ValueError(
                f"{self.name}: expected input of shape {_listed(expected)}, got {_listed(shapes)}"
            )

    @property
    def layers(self) -> list[Layer]:
        """The layers directly inside, inputs included, in Keras's order."""
        if self._graph is not None:
            return self._graph.layers
        return super()._parts()[1]

    def _parts(self) -> tuple[list[Variable], list[Layer]]:
        variables, layers = super()._parts()
        if self._graph is not None:  # beside it there may be what a subclass has made
            layers = list(dict.fromkeys([*self._graph.layers, *layers]))
        return variables, layers

    @property
    def class_name(self) -> str:
        return "Functional" if type(self) is Model and self._graph else type(self).__name__

    @property
    def input_shape(self) -> Any:
        """(None, ...) of a functional model; a list for several inputs."""
        if self._graph is None:
            raise AttributeError(f"{self.name} has no input_shape: it is no functional model")
        shapes = [x.shape for x in flatten(self._graph.inputs)]
        return shapes if isinstance(self._graph.inputs, list | tuple) else shapes[0]

    @property
    def output_shape(self) -> Any:
        """(None, ...) of a functional model; a list for several outputs."""
        if self._graph is None:
            raise AttributeError(f"{self.name} has no output_shape: it is no functional model")
        shapes = [x.shape for x in flatten(self._graph.outputs)]
        return shapes if isinstance(self._graph.outputs, list | tuple) else shapes[0]

    def save_weights(self, filepath: Any, overwrite: bool = True) -> None:
        """Write the variables, and the optimizer's state if compiled, to a `.weights.h5` file.

        Keras loads the file, and the reverse. Raises as `storage.write_weights`.
        """
        self._require_built("save_weights")
        layout.save_weights(self, filepath, overwrite=overwrite)

    def load_weights(self, filepath: Any) -> None:
        """Read what `save_weights`, here or in Keras, has written for the same architecture.

        Nothing is changed unless everything fits. The state of a compiled optimizer is read if
        the file has it. Raises as `storage.read_weights`.
        """
        self._require_built("load_weights")
        layout.load_weights(self, filepath)

    def _require_built(self, what: str) -> None:
        """A model that is never called, as a GAN, is built when its layers are."""
        if not (self.built or (self.layers and all(layer.built for layer in self.layers))):
            raise ValueError(f"{self.name}: {what}: not built yet: call it on data first")

    def summary(
        self, line_length: int | None = None, *, print_fn: Callable[[str], object] | None = None
    ) -> None:
        """Print the table of layers, as Keras does."""
        size = None
        if self.optimizer is not None and self.optimizer.built:
            size = size_of(self.optimizer.get_state())
        calls: set[int] | None = None
        if self._graph is not None and not self._graph.is_chain():
            calls = {id(node) for node in self._graph.nodes}
        print_summary(
            self.name,
            [_row(layer, calls) for layer in self.layers],
            size_of(self.trainable_weights),
            size_of(self.non_trainable_weights),
            size,
            line_length,
            print_fn,
        )


class Sequential(Model):
    """Layers one after the other.  It is built by an `Input` in front, or by its first data.

    Args:
        layers: layers or models; the first may be an `Input`.
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
            raise ValueError(f"Sequential: two layers of the name {layer.name!r}")
        if not self._stack and self._first is None and isinstance(layer, Model) and layer._graph:
            self._first = self._last = InputLayer(layer.input_shape[1:]).output
        if self._last is not None:
            self._last = layer(self._last)
        self._stack.append(layer)

    def _connect(self) -> None:
        if self._first is not None and self._stack:
            self._graph = Graph(self._first, self._last)
            self.built = True
            unique_name("functional")  # that of the functional model which Keras keeps inside

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


def _row(layer: Layer, calls: set[int] | None) -> Row:
    """`calls`: the nodes of a graph whose connections are to be shown."""
    connected = None
    if calls is not None:
        connected = [
            (x.node.layer.name, x.node.layer.nodes.index(x.node), _index_in_output(x))
            for node in layer.nodes
            if id(node) in calls
            for x in flatten(node.inputs)
        ]
    size: Size = size_of(layer.weights)
    return Row(
        name=layer.name,
        class_name=layer.class_name,
        output_shape=layer.known_output_shape(),
        params=size.params,
        built=layer.built,
        connected_to=connected,
    )


def _fits(got: Any, want: Any) -> bool:
    """Whether two shapes may be one: a size that is None stands for any."""
    return len(got) == len(want) and all(
        w is None or g is None or g == w for g, w in zip(got, want, strict=True)
    )


def _listed(shapes: list[Any]) -> str:
    return str(shapes[0]) if len(shapes) == 1 else str(shapes)


def _index_in_output(x: KerasTensor) -> int:
    return [id(y) for y in flatten(x.node.output)].index(id(x))
