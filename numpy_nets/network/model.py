"""Model: layers put together into one that can be trained."""

from collections.abc import Callable
from typing import Any

from numpy_nets.autodiff.tensor import Variable
from numpy_nets.layers import Layer
from numpy_nets.layers.node import KerasTensor
from numpy_nets.naming import unique_name
from numpy_nets.nested import flatten
from numpy_nets.network.graph import Graph
from numpy_nets.network.summary import layer_row, print_summary, size_of
from numpy_nets.network.trainer import Trainer
from numpy_nets.storage import layout


class Model(Layer, Trainer):
    """A network that can be trained. There are two ways to make one.

    Functional: `Model(inputs, outputs)`, where `outputs` is what layers return when they are called
    on `inputs`, which `Input` returns.

    >>> from numpy_nets.layers import Dense, Input
    >>> inputs = Input(shape=(3,))
    >>> model = Model(inputs, Dense(2)(inputs))
    >>> model.output_shape, model.count_params()
    ((None, 2), 8)

    Subclassed: `__init__` assigns layers to attributes and `call(inputs)` uses them. Overriding
    `train_step(data)` and `test_step(data)` changes what one step of training does. See `Trainer`
    for compile, fit, evaluate and predict.

    Raises:
        ValueError: if there are inputs without outputs or the reverse, or as `Graph`.
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
        self.functional: Graph | None = None
        if inputs is not None:
            self.functional = Graph(inputs, outputs)
            self.built = True

    def call(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        if self.functional is None:
            return super().call(inputs)
        if args or kwargs:
            raise TypeError(f"{self.name}: expected inputs and training only, got more arguments")
        self._check_inputs([x.shape for x in flatten(inputs)])
        return self._run(inputs)

    def _run(self, inputs: Any) -> Any:
        assert self.functional is not None
        return self.functional.run(flatten(inputs), lambda layer, x: layer(x))

    def compute_output_shape(self, input_shape: Any) -> Any:
        if self.functional is None:
            return super().compute_output_shape(input_shape)
        shapes = input_shape if isinstance(input_shape, list) else [input_shape]
        self._check_inputs(shapes)
        return self.functional.run(shapes, lambda layer, shape: layer.compute_output_shape(shape))

    def _check_inputs(self, shapes: list[Any]) -> None:
        assert self.functional is not None
        expected = [x.shape for x in flatten(self.functional.inputs)]
        if len(shapes) != len(expected) or not all(map(_fits, shapes, expected)):
            raise ValueError(
                f"{self.name}: expected input of shape {_listed(expected)}, got {_listed(shapes)}"
            )

    @property
    def layers(self) -> list[Layer]:
        """The layers directly inside, including Inputs, in Keras's order."""
        if self.functional is not None:
            return self.functional.layers
        return super().direct_parts()[1]

    def direct_parts(self) -> tuple[list[Variable], list[Layer]]:
        variables, layers = super().direct_parts()
        if self.functional is not None:  # a subclass may hold layers beside its graph
            layers = list(dict.fromkeys([*self.functional.layers, *layers]))
        return variables, layers

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """The layer of `layers` with this name or at this index.

        A part of a trained model, such as the encoder of an autoencoder, is a model of its layers:

        >>> from numpy_nets.layers import Dense, Input
        >>> x = Input(shape=(3,))
        >>> autoencoder = Model(x, Dense(3)(Dense(1, name="code")(x)))
        >>> encoder = Model(autoencoder.input, autoencoder.get_layer("code").output)
        >>> encoder.output_shape
        (None, 1)

        Raises:
            ValueError: there is no such layer, or not exactly one of name and index.
        """
        names = [layer.name for layer in self.layers]
        if (name is None) == (index is None):
            raise ValueError(f"{self.name}: get_layer: expected a name or an index")
        if name in names:
            return self.layers[names.index(name)]
        if index is not None and -len(names) <= index < len(names):
            return self.layers[index]
        wanted = repr(index) if name is None else repr(name)
        raise ValueError(f"{self.name}: get_layer: expected one of {names}, got {wanted}")

    @property
    def input(self) -> Any:
        """The Inputs of a functional model, as they were given; see `get_layer`."""
        return super().input if self.functional is None else self.functional.inputs

    @property
    def output(self) -> Any:
        """The outputs of a functional model, as they were given."""
        return super().output if self.functional is None else self.functional.outputs

    @property
    def inputs(self) -> list[KerasTensor]:
        """The Inputs of a functional model in a list."""
        return flatten(self.input)

    @property
    def outputs(self) -> list[KerasTensor]:
        """The outputs of a functional model in a list."""
        return flatten(self.output)

    @property
    def class_name(self) -> str:
        return "Functional" if type(self) is Model and self.functional else type(self).__name__

    @property
    def input_shape(self) -> Any:
        """The shape (None, ...) of a functional model's input, or a list of such shapes."""
        if self.functional is None:
            raise AttributeError(f"{self.name} has no input_shape: it is not a functional model")
        shapes = [x.shape for x in flatten(self.functional.inputs)]
        return shapes if len(shapes) > 1 else shapes[0]

    @property
    def output_shape(self) -> Any:
        """The shape (None, ...) of a functional model's output, or a list of such shapes."""
        if self.functional is None:
            raise AttributeError(f"{self.name} has no output_shape: it is not a functional model")
        shapes = [x.shape for x in flatten(self.functional.outputs)]
        return shapes if len(shapes) > 1 else shapes[0]

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Not here: `save_weights` keeps the weights, and the code of the model the rest."""
        raise NotImplementedError(
            f"{self.name}: save: not in numpy_nets: use save_weights, and load_weights after the "
            "code that builds the model"
        )

    def save_weights(self, filepath: Any, overwrite: bool = True) -> None:
        """Write the variables, and a compiled optimizer's state, to a `.weights.h5` file.

        Keras can load the file. Raises as `storage.write_weights`.
        """
        self._require_built("save_weights")
        layout.save_weights(self, filepath, overwrite=overwrite)

    def load_weights(self, filepath: Any) -> None:
        """Read a file that `save_weights`, here or in Keras, wrote for the same architecture.

        The model changes only if the whole file fits. A compiled optimizer's state is read as well
        if the file has it. Raises as `storage.read_weights`.
        """
        self._require_built("load_weights")
        layout.load_weights(self, filepath)

    def _require_built(self, what: str) -> None:
        if not _is_built(self):
            raise ValueError(f"{self.name}: {what}: not built yet: call it on data first")

    def summary(
        self, line_length: int | None = None, *, print_fn: Callable[[str], object] | None = None
    ) -> None:
        """Print the table of layers, as Keras does."""
        size = None
        if self.optimizer is not None and self.optimizer.built:
            size = size_of(self.optimizer.get_state())
        calls: set[int] | None = None
        if self.functional is not None and not self.functional.is_chain():
            calls = {id(node) for node in self.functional.nodes}
        print_summary(
            self.name,
            [layer_row(layer, calls) for layer in self.layers],
            size_of(self.trainable_weights),
            size_of(self.non_trainable_weights),
            size,
            line_length,
            print_fn,
        )


def _is_built(layer: Layer) -> bool:
    """A model that is never called, such as a GAN, is built when all its layers are."""
    inner = layer.layers if isinstance(layer, Model) else []
    return layer.built or (bool(inner) and all(map(_is_built, inner)))


def _fits(got: Any, want: Any) -> bool:
    """Whether two shapes may be one: a size that is None stands for any."""
    return len(got) == len(want) and all(
        w is None or g is None or g == w for g, w in zip(got, want, strict=True)
    )


def _listed(shapes: list[Any]) -> str:
    return str(shapes[0]) if len(shapes) == 1 else str(shapes)
