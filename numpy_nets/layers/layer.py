"""Layer: variables and a function; and KerasTensor, the stand-in that builds a graph of layers."""

import inspect
import itertools
from typing import Any, TypeAlias

import numpy as np

from numpy_nets import config, initializers
from numpy_nets.autodiff import ops
from numpy_nets.autodiff.tensor import Tensor, Variable, convert_to_numpy
from numpy_nets.naming import snake_case, unique_name

Shape: TypeAlias = tuple[int | None, ...]

# Whether the layers that run now run for training: an outermost call says so with `training=`,
# and the calls inside it inherit that.
_training = False


class KerasTensor:
    """What a layer returns when it is called on an Input: a shape, and the node it came from.

    Its first axis is None, the batch.
    """

    def __init__(self, shape: Shape, name: str, node: "Node") -> None:
        self.shape = shape
        self.name = name
        self.node = node

    def __repr__(self) -> str:
        return f"<KerasTensor {self.name} {self.shape}>"


class Node:
    """One call of a layer on KerasTensors.  `inputs` is as the layer got it: one, or a list."""

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
        return [x.node for x in flatten(self.inputs)]


def flatten(nested: Any) -> list[Any]:
    """The leaves of nested lists and tuples, in order; None is no leaf."""
    if nested is None:
        return []
    if isinstance(nested, (list, tuple)):
        return list(itertools.chain.from_iterable(map(flatten, nested)))
    return [nested]


class Layer:
    """Base class of layers and models.

    A subclass creates its variables in `build(input_shape)` with `add_weight`, and computes in
    `call(inputs)`, which may take `training`. Variables and layers that are attributes, or in
    lists, tuples and dicts that are attributes, belong to it, and so do those layers' variables.
    """

    # Kept apart from what a subclass assigns: that is looked through for variables at every step.
    __slots__ = (
        "__dict__", "__weakref__", "_added", "_build_shape", "_frozen", "_takes_training",
        "_trainable", "built", "dtype", "name", "nodes",
    )  # fmt: skip

    one_input = False  # whether a list of inputs is an error

    def __init__(self, *, trainable: bool = True, name: str | None = None) -> None:
        self.name = name or unique_name(snake_case(type(self).__name__))
        self.dtype = config.floatx()
        self.built = False
        self._trainable = trainable
        self.nodes: list[Node] = []
        self._added: list[Variable] = []
        self._frozen: set[Variable] = set()
        self._takes_training = "training" in inspect.signature(self.call).parameters

    def build(self, input_shape: Any) -> None:
        """Create the variables.  `input_shape`: (None, ...), or a list of such for a list."""

    def call(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} has no call method")

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the output, needed only when the layer is called on an Input."""
        raise NotImplementedError(f"{type(self).__name__} needs a compute_output_shape method")

    def __call__(self, inputs: Any, *args: Any, training: bool | None = None, **kwargs: Any) -> Any:
        """Compute on arrays or Tensors (cast to the layer's dtype), or add to a graph.

        Args:
            inputs: an array or Tensor (batch, ...), a KerasTensor, or a list of one kind.
            training: True in training, for layers such as Dropout. Default: as the calling
                layer, and False outside of one.

        Raises:
            TypeError: inputs of another kind, or a mixture; other arguments beside KerasTensors.
            ValueError: a list, if the layer takes one input.
        """
        if not hasattr(self, "nodes"):
            raise TypeError(f"{type(self).__name__}: __init__ must call super().__init__() first")
        if isinstance(inputs, Tensor):  # from another layer, mostly
            inputs = self._cast(inputs)
        elif self.one_input and isinstance(inputs, (list, tuple)):
            raise ValueError(f"{self.name}: inputs: expected one, got a list of {len(inputs)}")
        elif KerasTensor in map(type, flatten(inputs)):
            if args or kwargs or training is not None:
                raise TypeError(f"{self.name}: expected no argument beside KerasTensors")
            return self._add_to_graph(inputs)
        else:
            inputs = map_nested(self._cast, inputs)
        if not self.built:
            self._build_once(map_nested(lambda x: (None, *x.shape[1:]), inputs))
        global _training
        outer = _training
        if training is not None:
            _training = bool(training)
        if self._takes_training:
            kwargs["training"] = _training
        try:
            return self.call(inputs, *args, **kwargs)
        finally:
            _training = outer

    def _add_to_graph(self, inputs: Any) -> Any:
        if {type(x) for x in flatten(inputs)} != {KerasTensor}:
            raise TypeError(f"{self.name}: inputs: expected arrays or KerasTensors, got both")
        shapes = map_nested(lambda x: x.shape, inputs)
        self._build_once(shapes)
        return Node(self, inputs, self.compute_output_shape(shapes)).output

    def _build_once(self, input_shape: Any) -> None:
        if not self.built:
            self.build(input_shape)
            self.built = True
            self._build_shape = input_shape

    @property
    def class_name(self) -> str:
        """The class as Keras names it in tables and in weight files."""
        return type(self).__name__

    def known_output_shape(self) -> Any:
        """The output's shape, from the first call; None while that cannot be told."""
        if self.nodes:
            output = self.nodes[0].output
            return [x.shape for x in output] if isinstance(output, list) else output.shape
        try:
            return self.compute_output_shape(self._build_shape)
        except (AttributeError, NotImplementedError):
            return None

    def _cast(self, x: Any) -> Tensor:
        if isinstance(x, Tensor):
            return x if x.array.dtype == self.dtype else ops.cast(x, self.dtype)
        if not isinstance(x, np.ndarray) or x.dtype.kind not in "fiub":
            came = f"an array of {x.dtype}" if isinstance(x, np.ndarray) else type(x).__name__
            raise TypeError(f"{self.name}: inputs: expected an array of numbers, got {came}")
        return Tensor(x.astype(self.dtype, copy=False), "input")

    def add_weight(
        self,
        shape: tuple[int, ...],
        initializer: str | initializers.Initializer = "glorot_uniform",
        *,
        name: str = "variable",
    ) -> Variable:
        """Create a variable of this layer."""
        variable = Variable(
            initializers.get(initializer), shape, self.dtype, name=f"{self.name}/{name}"
        )
        self._added.append(variable)
        if not self._trainable:
            self._freeze(variable)
        return variable

    def _freeze(self, variable: Variable) -> None:
        variable.trainable = False
        self._frozen.add(variable)

    def _parts(self) -> tuple[list[Variable], list["Layer"]]:
        """The variables and layers that belong directly to this one, in order of assignment."""
        found = dict.fromkeys([*self._added, *inside(vars(self), (Variable, Layer))])
        variables = [x for x in found if isinstance(x, Variable)]
        return variables, [x for x in found if isinstance(x, Layer)]

    @property
    def weights(self) -> list[Variable]:
        """All variables: the layer's own, then those of its layers, each once."""
        variables, layers = self._parts()
        for layer in layers:
            variables += layer.weights
        return list(dict.fromkeys(variables))

    @property
    def variables(self) -> list[Variable]:
        return self.weights

    @property
    def trainable_weights(self) -> list[Variable]:
        return [v for v in self.weights if v.trainable] if self._trainable else []

    @property
    def trainable_variables(self) -> list[Variable]:
        return self.trainable_weights

    @property
    def non_trainable_weights(self) -> list[Variable]:
        return [v for v in self.weights if not (v.trainable and self._trainable)]

    @property
    def non_trainable_variables(self) -> list[Variable]:
        return self.non_trainable_weights

    @property
    def trainable(self) -> bool:
        """Whether training may change the variables.  Setting it holds for all layers inside.

        True gives back what False has taken: a variable made with trainable=False stays so.
        """
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = value
        variables, layers = self._parts()
        if value:
            for variable in self._frozen:
                variable.trainable = True
        else:
            for variable in variables:
                if variable.trainable:
                    self._freeze(variable)
        for layer in layers:
            layer.trainable = value

    def get_weights(self) -> list[Any]:
        """Copies of all variables as arrays, in the order of `weights`."""
        return [v.numpy() for v in self.weights]

    def set_weights(self, weights: list[Any]) -> None:
        """Assign all variables.  Raises ValueError, and changes none, if any shape differs."""
        variables = self.weights
        if len(weights) != len(variables):
            raise ValueError(
                f"{self.name}: set_weights: expected {len(variables)} arrays, got {len(weights)}"
            )
        arrays = [convert_to_numpy(array) for array in weights]
        for variable, array in zip(variables, arrays, strict=True):
            if array.shape != variable.shape or array.dtype.kind not in "fiub":
                raise ValueError(
                    f"{variable.name}: set_weights: expected numbers of shape {variable.shape}, "
                    f"got {array.dtype} of shape {array.shape}"
                )
        for variable, array in zip(variables, arrays, strict=True):
            variable.assign(array)

    def count_params(self) -> int:
        """How many numbers the variables hold."""
        if not self.built:
            raise ValueError(f"{self.name}: count_params: not built yet: call it on data first")
        return sum(v.array.size for v in self.weights)


def map_nested(function: Any, nested: Any) -> Any:
    """Apply a function to the leaves of nested lists and tuples; what comes back is lists."""
    if isinstance(nested, (list, tuple)):
        return [map_nested(function, x) for x in nested]
    return function(nested)


def inside(container: Any, kind: type | tuple[type, ...]) -> list[Any]:
    """What there is of a kind in nested lists, tuples and dicts, in order."""
    found = []
    for item in container.values() if isinstance(container, dict) else container:
        if isinstance(item, kind):
            found.append(item)
        elif isinstance(item, (list, tuple, dict)):
            found += inside(item, kind)
    return found
