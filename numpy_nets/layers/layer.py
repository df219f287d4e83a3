"""Layer, the base class of layers and models: variables, and a function that uses them."""

import functools
import inspect
import itertools
import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from numpy_nets import config, initializers, regularizers, shares
from numpy_nets.autodiff import ops
from numpy_nets.autodiff.tensor import Array, Tensor, Variable, convert_to_numpy
from numpy_nets.layers.node import KerasTensor, Node, Shape
from numpy_nets.naming import snake_case, unique_name
from numpy_nets.nested import flatten, instances, map_nested


class _Mode(threading.local):
    """How the layers run that are running in this thread.

    training: whether for training. The outermost call says so with `training=` or by the default
        of its `call`, and the calls inside it inherit its answer. None: nobody has said so.
    depth: how many calls are running inside one another.
    """

    training: bool | None = None
    depth = 0


_mode = _Mode()

# Whether any layer has ever had a loss of its own. Without one nobody looks for them, which would
# take a quarter of the time of calling a small model.
_have_losses = False


class Layer:
    """The base class of layers and models.

    A subclass creates its variables in `build(input_shape)`, with `add_weight`, and computes its
    output in `call(inputs)`, which may take an argument `training`. The variables and layers that
    it holds as attributes, or in lists, tuples and dicts that are attributes, belong to it, and so
    do the variables of those layers.

    >>> import numpy as np
    >>> class Scale(Layer):
    ...     def build(self, input_shape):
    ...         self.factor = self.add_weight((input_shape[-1],), "zeros", name="factor")
    ...     def call(self, inputs):
    ...         return inputs * self.factor
    >>> layer = Scale()
    >>> layer(np.array([[1.0, 2.0]])).numpy().tolist()
    [[0.0, 0.0]]
    >>> layer.set_weights([[3.0, 4.0]])
    >>> layer(np.array([[1.0, 2.0]])).numpy().tolist()
    [[3.0, 8.0]]
    """

    # These stay out of the instance's dict, which holds what a subclass assigns and is searched
    # for variables at every step.
    __slots__ = (
        "__dict__", "__weakref__", "_added", "_build_shape", "_frozen", "_losses",
        "_takes_training", "_trainable", "_training_default", "activity_regularizer", "built",
        "dtype", "name", "nodes",
    )  # fmt: skip

    one_input = False  # whether a list of inputs is an error

    def __init__(
        self,
        *,
        activity_regularizer: str | regularizers.Regularizer | None = None,
        trainable: bool = True,
        name: str | None = None,
    ) -> None:
        self.name = name or unique_name(snake_case(type(self).__name__))
        self.dtype = config.floatx()
        self.built = False
        self._trainable = trainable
        self.nodes: list[Node] = []
        self._added: list[Variable] = []
        self._frozen: set[Variable] = set()
        self._losses: list[Tensor] = []
        self.activity_regularizer = regularizers.get(activity_regularizer)
        if not isinstance(trainable, bool):
            raise ValueError(f"{self.name}: trainable: expected True or False, got {trainable!r}")
        parameter = inspect.signature(self.call).parameters.get("training")
        self._takes_training = parameter is not None
        default = getattr(parameter, "default", None)
        self._training_default = None if default is inspect.Parameter.empty else default

    def __init_subclass__(cls) -> None:
        """Whoever calls a subclass's `build`, the layer is built afterwards."""
        if "build" in vars(cls):
            cls.build = _marked_as_built(cls.build)  # type: ignore[assignment,method-assign]

    def build(self, input_shape: Any) -> None:
        """Create the variables. The first call of the layer does so, if nobody has before.

        Args:
            input_shape: (None, ...), or a list of such shapes when the layer takes a list.
        """
        self.built = True
        self._build_shape = input_shape

    def call(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} has no call method")

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the output; needed only when the layer is called on an Input."""
        raise NotImplementedError(f"{type(self).__name__} needs a compute_output_shape method")

    def __call__(self, inputs: Any, *args: Any, training: bool | None = None, **kwargs: Any) -> Any:
        """Compute the output for arrays or Tensors, or add a node to a graph of KerasTensors.

        Args:
            inputs: an array or Tensor (batch, ...), of which floats are cast to the layer's dtype;
                a KerasTensor; or a list of one of these kinds.
            training: True in training, for layers such as Dropout. By default as in the calling
                layer, or else the default that `call` gives it.

        Raises:
            TypeError: if inputs is of another kind or mixes kinds, or if there are other arguments
                beside KerasTensors.
            ValueError: if inputs is a list but the layer takes one input.
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
            self.build(map_nested(lambda x: (None, *x.shape[1:]), inputs))
        outer = _mode.training
        if training is not None:
            _mode.training = bool(training)
        elif outer is None:
            _mode.training = self._training_default
        if self._takes_training and _mode.training is not None:
            kwargs["training"] = _mode.training
        if _have_losses and _mode.depth == 0:
            for layer in self._all_layers():
                layer._losses.clear()
        _mode.depth += 1
        try:
            outputs = self.call(inputs, *args, **kwargs)
        finally:
            _mode.training = outer
            _mode.depth -= 1
        if self.activity_regularizer is not None:
            for y in flatten(outputs):
                self.add_loss(self.activity_regularizer(y) / len(y))
        return outputs

    def _add_to_graph(self, inputs: Any) -> Any:
        if {type(x) for x in flatten(inputs)} != {KerasTensor}:
            raise TypeError(f"{self.name}: inputs: expected arrays or KerasTensors, got both")
        shapes = map_nested(lambda x: x.shape, inputs)
        if not self.built:
            self.build(shapes)
        return Node(self, inputs, self.compute_output_shape(shapes)).output

    @property
    def class_name(self) -> str:
        """The class as Keras names it in tables and in weight files."""
        return type(self).__name__

    def known_output_shape(self) -> Any:
        """The shape of the first call's output, or None as long as it is not known."""
        if self.nodes:
            output = self.nodes[0].output
            return [x.shape for x in output] if isinstance(output, list) else output.shape
        try:
            return self.compute_output_shape(self._build_shape)
        except (AttributeError, NotImplementedError):
            return None

    def _cast(self, x: Any) -> Tensor:
        if isinstance(x, Tensor):
            dtype = x.array.dtype
            return x if dtype == self.dtype or dtype.kind != "f" else ops.cast(x, self.dtype)
        if not isinstance(x, np.ndarray) or x.dtype.kind not in "fiub":
            kind = f"an array of {x.dtype}" if isinstance(x, np.ndarray) else type(x).__name__
            raise TypeError(f"{self.name}: inputs: expected an array of numbers, got {kind}")
        return Tensor(x.astype(self.dtype, copy=False) if x.dtype.kind == "f" else x, "input")

    def _floats(self, x: Tensor) -> Tensor:
        """For layers that compute with floats: integers in the layer's dtype."""
        return x if x.array.dtype.kind == "f" else ops.cast(x, self.dtype)

    def add_weight(
        self,
        shape: tuple[int, ...] = (),
        initializer: initializers.InitializerLike | None = None,
        dtype: Any = None,
        *,
        trainable: bool = True,
        regularizer: str | regularizers.Regularizer | None = None,
        name: str = "variable",
    ) -> Variable:
        """Create a variable that belongs to this layer.

        Args:
            shape: the variable's shape; () for a scalar.
            initializer: a name, an Initializer or a function, which draws its first value; by
                default glorot_uniform for floats and zeros for others.
            dtype: by default the layer's.
            trainable: False for a variable that no optimizer is to change.
            regularizer: a penalty that is among the layer's `losses`; see `regularizers`.
            name: its name; its path is "dense/kernel" for a kernel of the layer `dense`.

        Raises:
            ValueError: if the layer is built already, shape is not a tuple, the initializer gives
                another shape, or as `initializers.get`.
        """
        if self.built:
            raise ValueError(
                f"{self.name}: add_weight: expected a call in __init__ or build, before the layer "
                "is built; it is built already"
            )
        if shares.current.share is not None:  # it would be drawn for the rows of the batch
            raise ValueError(
                f"{self.name}: expected a model that is built before several ranks train it: call "
                "it on data, or begin it with an Input"
            )
        if not isinstance(shape, tuple | list):
            raise ValueError(f"{self.name}: add_weight: shape: expected a tuple, got {shape!r}")
        dtype = np.dtype(self.dtype if dtype is None else dtype)
        if initializer is None:
            initializer = "glorot_uniform" if dtype.kind == "f" else "zeros"
        value = convert_to_numpy(initializers.get(initializer)(tuple(shape), dtype=dtype))
        if value.shape != tuple(shape):
            raise ValueError(
                f"{self.name}: add_weight: initializer: expected an array of shape {shape}, "
                f"got {value.shape}"
            )
        variable = Variable(value, dtype=dtype, name=name)
        variable.path = f"{self.name}/{name}"
        if regularizer is not None:
            global _have_losses
            _have_losses = True
            variable.regularizer = regularizers.get(regularizer)
        self._added.append(variable)
        variable.trainable = trainable
        if trainable and not self._trainable:
            self._freeze(variable)
        return variable

    def _freeze(self, variable: Variable) -> None:
        variable.trainable = False
        self._frozen.add(variable)

    def add_loss(self, loss: Tensor | Sequence[Tensor]) -> None:
        """Within `call`: a term of the loss, or several, that the trainer adds to its own.

        Raises:
            ValueError: anything that is not a Tensor.

        >>> class Small(Layer):
        ...     def call(self, inputs):
        ...         self.add_loss(0.5 * ops.sum(ops.square(inputs)))
        ...         return inputs
        >>> layer = Small()
        >>> _ = layer(np.array([[1.0, 2.0]]))
        >>> [float(loss) for loss in layer.losses]
        [2.5]
        """
        global _have_losses
        _have_losses = True
        for x in flatten(loss):
            if not isinstance(x, Tensor):
                raise ValueError(f"{self.name}: add_loss: expected a Tensor, got {x!r}")
            self._losses.append(x)

    @property
    def losses(self) -> list[Tensor]:
        """What `add_loss` added, here and in the layers inside, and the penalties of weights.

        A call that no other layer makes begins anew.
        """
        if not _have_losses:
            return []
        penalties = [v.regularizer(v) for v in self.trainable_weights if v.regularizer]
        return [*itertools.chain(*(x._losses for x in self._all_layers())), *penalties]

    def _all_layers(self) -> list["Layer"]:
        """This layer and all inside it, each once."""
        layers: dict[Layer, None] = {self: None}
        for layer in self.direct_parts()[1]:
            layers |= dict.fromkeys(layer._all_layers())
        return list(layers)

    @property
    def input(self) -> Any:
        """The KerasTensors that the layer was first called on.

        >>> from numpy_nets.layers import Dense, Input
        >>> layer = Dense(2)
        >>> _ = layer(Input((3,)))
        >>> layer.input.shape, layer.output.shape
        ((None, 3), (None, 2))

        Raises:
            AttributeError: if it was called on none.
        """
        return self._first_call("input").inputs

    @property
    def output(self) -> Any:
        """What the first call on KerasTensors returned; raises like `input`."""
        return self._first_call("output").output

    def _first_call(self, what: str) -> Node:
        if not self.nodes:
            raise AttributeError(f"{self.name} has no {what}: it was never called on an Input")
        return self.nodes[0]

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"

    def get_config(self) -> Any:
        """Not here: a model is built by its code, and `save_weights` keeps its weights."""
        raise NotImplementedError(
            f"{self.name}: get_config: not in numpy_nets: build the model with its code and use "
            "save_weights and load_weights"
        )

    def direct_parts(self) -> tuple[list[Variable], list["Layer"]]:
        """The variables and the layers that this layer itself holds, in order of assignment."""
        parts = dict.fromkeys([*self._added, *instances(vars(self), (Variable, Layer))])
        variables = [x for x in parts if isinstance(x, Variable)]
        return variables, [x for x in parts if isinstance(x, Layer)]

    @property
    def weights(self) -> list[Variable]:
        """All variables, each once: the layer's own, then those of the layers inside it."""
        variables, layers = self.direct_parts()
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
        """Whether training may change the variables. Setting it also sets it in all layers inside.

        Setting True undoes an earlier False: a variable created as not trainable stays so.
        """
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = value = bool(value)
        variables, layers = self.direct_parts()
        if value:
            for variable in self._frozen:
                variable.trainable = True
        else:
            for variable in variables:
                if variable.trainable:
                    self._freeze(variable)
        for layer in layers:
            layer.trainable = value

    def get_weights(self) -> list[Array]:
        """Copies of all variables as arrays, in the order of `weights`."""
        return [v.numpy() for v in self.weights]

    def set_weights(self, weights: list[Any]) -> None:
        """Assign all variables, from arrays in the order of `weights`.

        Raises:
            ValueError: if the number of arrays or any shape differs; then nothing is assigned.
        """
        variables = self.weights
        if len(weights) != len(variables):
            raise ValueError(
                f"{self.name}: set_weights: expected {len(variables)} arrays, got {len(weights)}"
            )
        arrays = [convert_to_numpy(array) for array in weights]
        for variable, array in zip(variables, arrays, strict=True):
            if array.shape != variable.shape or array.dtype.kind not in "fiub":
                raise ValueError(
                    f"{variable.path}: set_weights: expected numbers of shape {variable.shape}, "
                    f"got {array.dtype} of shape {array.shape}"
                )
        for variable, array in zip(variables, arrays, strict=True):
            variable.assign(array)

    def count_params(self) -> int:
        """The number of weights in all variables; ValueError before the layer is built."""
        if not self.built:
            raise ValueError(f"{self.name}: count_params: not built yet: call it on data first")
        return sum(v.array.size for v in self.weights)


def _marked_as_built(build: Callable[[Any, Any], None]) -> Callable[[Any, Any], None]:
    @functools.wraps(build)
    def build_and_mark(self: Layer, input_shape: Any) -> None:
        build(self, input_shape)
        self.built = True
        self._build_shape = input_shape

    return build_and_mark


class OneInputLayer(Layer):
    """A layer of one input, whose output has the same shape unless a subclass says otherwise."""

    one_input = True

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape
