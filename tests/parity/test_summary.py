"""The summary's text is Keras's, character for character, for models of every kind."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from numpy_nets.network.summary import Row, print_summary, size_of  # noqa: E402

layers = keras.layers


def notebook_autoencoder() -> Any:
    images = keras.Input(shape=(784,))
    codes = layers.Dense(64, activation="relu")(images)
    return keras.Model(images, layers.Dense(784, activation="sigmoid")(codes))


def sequential() -> Any:
    return keras.Sequential(
        [
            keras.Input((100,)),
            layers.Dense(256),
            layers.LeakyReLU(negative_slope=0.2),
            layers.Dropout(0.3),
            layers.Dense(784, activation="tanh"),
            layers.Reshape((28, 28, 1)),
            layers.Flatten(),
        ],
        name="generator",
    )


def unbuilt_sequential() -> Any:
    return keras.Sequential([layers.Dense(3), layers.ReLU(), layers.Dense(1)])


def sequential_built_by_a_call() -> Any:
    model = unbuilt_sequential()
    model(np.zeros((5, 2), "float32"))
    return model


def nested_in_sequential() -> Any:
    return keras.Sequential([keras.Input((100,)), sequential(), notebook_autoencoder()])


def nested_in_functional() -> Any:
    noise = keras.Input((100,))
    return keras.Model(noise, notebook_autoencoder()(sequential()(noise)), name="gan")


def branched() -> Any:
    images = keras.Input((784,), name="images")
    labels = keras.Input((10,), name="labels")
    joined = layers.Concatenate()([images, labels])
    hidden = layers.Dense(512, activation="relu")(joined)
    real = layers.Dense(1, activation="sigmoid", name="real")(hidden)
    kind = layers.Dense(10, activation="softmax", name="class")(hidden)
    return keras.Model([images, labels], [real, kind], name="conditional_discriminator")


def shared_layer() -> Any:
    first, second = keras.Input((8,)), keras.Input((8,))
    dense = layers.Dense(4)
    return keras.Model([first, second], layers.Concatenate()([dense(first), dense(second)]))


def shared_in_a_chain() -> Any:
    images = keras.Input((8,))
    dense = layers.Dense(8)
    return keras.Model(images, dense(dense(images)))


def nested_with_two_outputs() -> Any:
    images = keras.Input((784,))
    hidden = layers.Dense(400)(images)
    encoder = keras.Model(
        images, [layers.Dense(20)(hidden), layers.Dense(20)(hidden)], name="encoder"
    )
    mean, log_var = encoder(images)
    return keras.Model(images, layers.Concatenate()([mean, log_var]), name="vae")


class Subclassed(keras.Model):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.encoder = sequential()
        self.blocks = [layers.Dense(3), layers.Dense(4)]
        self.head = layers.Dense(1)

    def call(self, inputs: Any) -> Any:
        hidden = self.encoder(inputs)
        for block in self.blocks:
            hidden = block(hidden)
        return self.head(hidden)


def subclassed() -> Any:
    return Subclassed(name="of_my_own")


def subclassed_after_a_call() -> Any:
    model = subclassed()
    model(np.zeros((2, 100), "float32"))
    return model


def subclassed_of_functional() -> Any:
    class Vae(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.encoder = nested_with_two_outputs().get_layer("encoder")
            self.inner = Subclassed()
            self.decoder = sequential()

        def call(self, inputs: Any) -> Any:
            return self.decoder(self.inner(inputs))

    return Vae()


def trained() -> Any:
    model = notebook_autoencoder()
    model.compile("adam", "mse")
    model.train_on_batch(np.zeros((2, 784), "float32"), np.zeros((2, 784), "float32"))
    return model


def compiled_but_not_trained() -> Any:
    model = notebook_autoencoder()
    model.compile("adam", "mse")
    return model


def partly_frozen() -> Any:
    model = sequential()
    model.layers[0].trainable = False
    model.compile(keras.optimizers.SGD(momentum=0.5), "mse")
    model.optimizer.build(model.trainable_variables)
    return model


def double_precision() -> Any:
    return keras.Sequential([keras.Input((3,)), layers.Dense(2, dtype="float64")])


def names_with_brackets_and_of_great_length() -> Any:
    return keras.Sequential(
        [
            keras.Input((3,)),
            layers.Dense(2, name="[bold]not markup"),
            layers.Dense(2, name="a_name_that_is_far_too_long_for_a_column_of_the_table_and_wraps"),
        ],
        name="[red]model",
    )


MODELS: list[Callable[[], Any]] = [
    notebook_autoencoder,
    sequential,
    unbuilt_sequential,
    sequential_built_by_a_call,
    nested_in_sequential,
    nested_in_functional,
    branched,
    shared_layer,
    shared_in_a_chain,
    nested_with_two_outputs,
    subclassed,
    subclassed_after_a_call,
    subclassed_of_functional,
    trained,
    compiled_but_not_trained,
    partly_frozen,
    double_precision,
    names_with_brackets_and_of_great_length,
]


def is_chain(model: Any) -> bool:
    """Whether every depth of the graph has one node of one input, and no layer two nodes."""
    if isinstance(model, keras.Sequential) or not hasattr(model, "_nodes_by_depth"):
        return True
    depths = list(model._nodes_by_depth.values())
    if any(len(nodes) > 1 or len(nodes[0].input_tensors) > 1 for nodes in depths):
        return False
    operations = [nodes[0].operation for nodes in depths]
    return len(operations) == len({id(operation) for operation in operations})


def output_shape(layer: Any) -> Any:
    if layer._inbound_nodes:
        shapes = [tensor.shape for tensor in layer._inbound_nodes[-1].output_tensors]
        return shapes[0] if len(shapes) == 1 else shapes
    if not layer._build_shapes_dict:
        return None
    if hasattr(layer, "output_shape"):
        return layer.output_shape
    try:
        return layer.compute_output_shape(**layer._build_shapes_dict)
    except NotImplementedError:
        return None


def rows_of(model: Any, expand_nested: bool) -> list[Row]:
    relevant = [n for nodes in getattr(model, "_nodes_by_depth", {}).values() for n in nodes]
    chain = is_chain(model)

    def rows(layer: Any, level: int) -> list[Row]:
        connected = (
            None
            if chain
            else [
                (
                    t._keras_history.operation.name,
                    t._keras_history.node_index,
                    t._keras_history.tensor_index,
                )
                for node in layer._inbound_nodes
                if node in relevant
                for t in node.input_tensors
            ]
        )
        built = layer.built
        row = Row(
            layer.name,
            type(layer).__name__,
            output_shape(layer),
            layer.count_params() if built else 0,
            built,
            connected,
            level,
        )
        inner = getattr(layer, "layers", []) if expand_nested else []
        return [row] + [r for child in inner for r in rows(child, level + 1)]

    sequence = isinstance(model, keras.Sequential) or not hasattr(model, "_operations_by_depth")
    outer = model.layers if sequence else model._operations
    return [row for layer in outer for row in rows(layer, 0)]


def ours(model: Any, expand_nested: bool = False, **options: Any) -> None:
    optimizer = model.optimizer if model.compiled and model.optimizer.built else None
    print_summary(
        model.name,
        rows_of(model, expand_nested),
        size_of(stored(model.trainable_weights)),
        size_of(stored(model.non_trainable_weights)),
        size_of(stored(optimizer.variables)) if optimizer else None,
        **options,
    )


def stored(variables: Any) -> list[np.ndarray]:
    return [np.empty(variable.shape, variable.dtype) for variable in variables]


@pytest.mark.parametrize("build", MODELS)
def test_summary_through_print_fn_is_keras_text(build: Callable[[], Any]) -> None:
    model = build()
    for line_length in (None, 60, 120):
        for expand_nested in (False, True):
            theirs: list[str] = []
            mine: list[str] = []
            model.summary(line_length, print_fn=theirs.append, expand_nested=expand_nested)
            ours(model, expand_nested, line_length=line_length, print_fn=mine.append)
            assert mine == theirs


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("out", [io.StringIO, Terminal])
@pytest.mark.parametrize("build", [trained, branched, unbuilt_sequential])
def test_standard_output_gets_keras_text_and_its_colours_in_a_terminal_only(
    build: Callable[[], Any], out: type[io.StringIO], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    model = build()
    for columns in ("60", "80", "100", "200"):
        monkeypatch.setenv("COLUMNS", columns)
        with contextlib.redirect_stdout(out()) as theirs:
            model.summary()
        with contextlib.redirect_stdout(out()) as mine:
            ours(model)
        assert mine.getvalue() == theirs.getvalue()
        assert ("\x1b[" in mine.getvalue()) == (out is Terminal)


def test_a_width_keras_refuses_is_refused() -> None:
    model = notebook_autoencoder()
    for length in range(1, 30):
        outcomes = []
        for summary in (model.summary, lambda **options: ours(model, **options)):
            try:
                summary(line_length=length, print_fn=lambda text: None)
                outcomes.append("printed")
            except ValueError:
                outcomes.append("refused")
        assert outcomes[0] == outcomes[1], length


@pytest.mark.parametrize("power", range(0, 60, 5))
def test_memory_has_the_unit_keras_gives_it(power: int) -> None:
    from keras.src.utils.summary_utils import readable_memory_size

    from numpy_nets.network.summary import _memory

    for n_bytes in (2**power - 1, 2**power, 2**power + 1, 3 * 2**power):
        assert _memory(n_bytes) == readable_memory_size(n_bytes)
