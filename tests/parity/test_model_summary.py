"""summary() of our models is the text that Keras prints of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

keras = pytest.importorskip("keras")

import numpy_nets  # noqa: E402
from keras_ref.parity.cases.models import autoencoder, nested, subclassed, two_inputs  # noqa: E402
from numpy_nets import naming  # noqa: E402


def generator(k: Any, *front: Any) -> Any:
    return k.Sequential(
        [
            *front,
            k.layers.Dense(256),
            k.layers.LeakyReLU(negative_slope=0.2),
            k.layers.Dropout(0.3),
            k.layers.Dense(784, activation="tanh"),
            k.layers.Reshape((28, 28, 1)),
            k.layers.Flatten(),
        ],
        name="generator",
    )


def built_generator(k: Any) -> Any:
    return generator(k, k.Input((100,)))


def generator_built_by_a_shape(k: Any) -> Any:
    model = generator(k)
    model.build((None, 100))
    return model


def unbuilt(k: Any) -> Any:
    """A layer of every kind, none of which has seen a shape."""
    layers = k.layers
    return k.Sequential(
        [
            layers.Dense(3),
            layers.LeakyReLU(),
            layers.ReLU(),
            layers.Activation("tanh"),
            layers.Dropout(0.5),
            layers.Flatten(),
            layers.Reshape((3, 1)),
            k.Sequential([layers.Dense(2)]),
        ]
    )


def subclassed_with_activation_layers(k: Any) -> Any:
    class Net(k.Model):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.dense = k.layers.Dense(4)
            self.leaky = k.layers.LeakyReLU()
            self.flat = k.layers.Flatten()

        def call(self, inputs: Any) -> Any:
            return self.flat(self.leaky(self.dense(inputs)))

    model = Net()
    model.compile("sgd", "mse")
    model.fit(np.zeros((4, 3), "float32"), np.zeros((4, 4), "float32"), verbose=0)
    return model


def compiled(k: Any) -> Any:
    model = autoencoder(k)
    model.compile("adam", "binary_crossentropy")
    return model


def fitted(optimizer: str) -> Callable[[Any], Any]:
    def build(k: Any) -> Any:
        model = autoencoder(k, input_dim=20, latent_dim=3)
        model.compile(optimizer, "binary_crossentropy")
        model.fit(np.zeros((4, 20), "float32"), np.zeros((4, 20), "float32"), verbose=0)
        return model

    return build


def fitted_subclass(k: Any) -> Any:
    model = subclassed(k)
    model.compile("adam", "mse")
    model.fit(np.zeros((4, 3), "float32"), np.zeros((4, 2), "float32"), verbose=0)
    return model


def half_frozen(k: Any) -> Any:
    model = built_generator(k)
    model.layers[0].trainable = False
    return model


def gan(k: Any) -> Any:
    first = built_generator(k)
    second = k.Sequential([k.Input((784,)), k.layers.Dense(1, activation="sigmoid")])
    return k.Sequential([first, second], name="gan")


def shared_in_a_chain(k: Any) -> Any:
    image = k.Input((8,))
    dense = k.layers.Dense(8)
    return k.Model(image, dense(dense(image)))


def named_inputs_and_outputs(k: Any) -> Any:
    images, labels = k.Input((784,), name="images"), k.Input((10,), name="labels")
    joined = k.layers.Concatenate()([images, labels])
    hidden = k.layers.Dense(512, activation="relu")(joined)
    real = k.layers.Dense(1, activation="sigmoid", name="real")(hidden)
    return k.Model([images, labels], [real, hidden], name="conditional")


MODELS = {
    "autoencoder": autoencoder,
    "compiled": compiled,
    "one fit with adam": fitted("adam"),
    "one fit with sgd": fitted("sgd"),
    "one fit with rmsprop": fitted("rmsprop"),
    "sequential": built_generator,
    "unbuilt sequential": generator,
    "every unbuilt layer": unbuilt,
    "sequential built by a shape": generator_built_by_a_shape,
    "sequential in functional": nested,
    "sequential in sequential": gan,
    "half frozen": half_frozen,
    "two inputs, two outputs": two_inputs,
    "named inputs": named_inputs_and_outputs,
    "shared in a chain": shared_in_a_chain,
    "subclassed": subclassed,
    "subclassed after a fit": fitted_subclass,
    "activation layers in a subclass": subclassed_with_activation_layers,
}


def text(k: Any, build: Callable[[Any], Any]) -> str:
    """The summary of a model that is the first of its process, as its automatic names show."""
    keras.utils.clear_session()
    naming.clear_session()
    lines: list[str] = []
    build(k).summary(print_fn=lines.append)
    return "\n".join(lines)


@pytest.mark.parametrize("name", MODELS)
def test_summary_of_a_model_is_the_text_of_keras(name: str) -> None:
    assert text(numpy_nets, MODELS[name]) == text(keras, MODELS[name])
