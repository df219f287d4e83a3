"""The models: outputs, loss, and the gradient of every weight."""

import functools
import importlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import numpy_nets
from keras_ref.parity.both import model_gradients, models, normal, prefixed, uniform
from keras_ref.parity.case import Case, Pair
from numpy_nets.autodiff.tensor import Array
from numpy_nets.datasets import digits


def images(count: int, dtype: str, start: int = 0) -> Array:
    """Digits as an array (count, 784) of pixels in [0, 1]."""
    (x, _), _ = digits.load_data()
    return x[start : start + count].reshape(count, 784).astype(dtype) / np.dtype(dtype).type(255)


def twin(k: Any, name: str) -> Any:
    """A file of numpy_nets/models, or of keras_ref/models."""
    package = "numpy_nets" if k is numpy_nets else "keras_ref"
    return importlib.import_module(f"{package}.models.{name}")


def autoencoder(k: Any, **options: Any) -> Any:
    """The autoencoder of k without its encoder."""
    return twin(k, "autoencoder").build_autoencoder(**options)[0]


def _autoencoder(dtype: str, loss: str = "binary_crossentropy", **options: Any) -> Iterator[Pair]:
    x = images(64, dtype)

    def value(k: Any, y: Any) -> Any:
        return k.ops.mean(getattr(k.losses, loss)(x, y))

    mine, theirs = models(functools.partial(autoencoder, **options), x)
    yield from model_gradients(mine, theirs, value, x)


def _encoder(dtype: str) -> Iterator[Pair]:
    """The codes of the encoder, which shares its weights with the autoencoder."""
    x = images(64, dtype)
    mine = twin(numpy_nets, "autoencoder").build_autoencoder(latent_dim=32)
    theirs = twin(None, "autoencoder").build_autoencoder(latent_dim=32)
    theirs[0].set_weights([w + 0.01 for w in mine[0].get_weights()])
    mine[0].set_weights(theirs[0].get_weights())
    yield "codes", mine[1](x).array, theirs[1](x).numpy()
    yield "reconstruction", mine[0](x).array, theirs[0](x).numpy()


# One model for every way to put layers together.


def sequential(k: Any) -> Any:
    """A model that is built when it is first called."""
    return k.Sequential(
        [
            k.layers.Dense(8),
            k.layers.LeakyReLU(negative_slope=0.25),
            k.layers.Dropout(0.5),
            k.layers.Dense(6, activation="tanh"),
            k.layers.Reshape((2, 3)),
            k.layers.Flatten(),
            k.layers.Dense(1, activation="sigmoid"),
        ]
    )


def nested(k: Any) -> Any:
    """Sequential models inside a functional one, one of them used twice."""
    x = k.Input((3,))
    half = k.Sequential([k.Input((3,)), k.layers.Dense(4, activation="relu"), k.layers.Dense(3)])
    top = k.Sequential([k.layers.Dense(5), k.layers.ReLU(), k.layers.Dense(2)])
    return k.Model(x, top(half(half(x))))


def two_inputs(k: Any) -> Any:
    """Two inputs, a layer that is used twice, a connection around it, and two outputs."""
    image, label = k.Input((3,)), k.Input((2,))
    joined = k.layers.Concatenate()([image, label])
    shared = k.layers.Dense(5, activation="softplus")
    hidden = shared(shared(joined))
    again = k.layers.Concatenate()([hidden, image])
    outputs = [k.layers.Dense(1, activation="sigmoid")(again), k.layers.Dense(4)(hidden)]
    return k.Model([image, label], outputs)


def subclassed(k: Any) -> Any:
    """Layers in attributes, lists and dicts, and a nested model."""

    class Net(k.Model):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.trunk = k.Sequential([k.layers.Dense(4, activation="tanh")])
            self.blocks = [k.layers.Dense(4), k.layers.Dense(4, activation="relu")]
            self.by_name = {"one": k.layers.Dense(2), "other": k.layers.Dense(2)}

        def call(self, inputs: Any) -> Any:
            x = self.trunk(inputs)
            for block in self.blocks:
                x = x + block(x)
            return self.by_name["one"](x) * k.ops.sigmoid(self.by_name["other"](x))

    return Net()


def _composed(build: Callable[[Any], Any], widths: tuple[int, ...], dtype: str) -> Iterator[Pair]:
    samples = [normal(7, width).astype(dtype) for width in widths]

    def value(k: Any, y: Any) -> Any:
        total = 0.0
        for part in y if isinstance(y, list) else [y]:
            total = total + k.ops.mean(k.ops.square(part - 0.25))
        return total

    mine, theirs = models(build, *samples)
    inputs = samples if len(samples) > 1 else samples[0]
    yield from model_gradients(mine, theirs, value, inputs)
    one = [x[:1] for x in samples] if len(samples) > 1 else samples[0][:1]
    yield from prefixed("batch of one", model_gradients(mine, theirs, value, one))


def _half_frozen(dtype: str) -> Iterator[Pair]:
    """Only the weights of trainable layers have gradients."""
    x = uniform(7, 3).astype(dtype)
    mine, theirs = models(sequential, x)
    for model in (mine, theirs):
        model.layers[0].trainable = False
    yield "trainable weights", len(mine.trainable_variables), len(theirs.trainable_variables)
    yield from model_gradients(mine, theirs, lambda k, y: k.ops.sum(k.ops.log(y)), x)


CASES = [
    Case("model", "models.build_autoencoder", _autoencoder, "binary crossentropy"),
    Case(
        "model",
        "models.build_autoencoder",
        functools.partial(
            _autoencoder,
            loss="mean_squared_error",
            latent_dim=8,
            activation="linear",
            output_activation="linear",
        ),
        "linear, squared error",
    ),
    Case("model", "models.build_autoencoder", _encoder, "encoder"),
    Case("model", "models.Sequential", functools.partial(_composed, sequential, (3,))),
    Case("model", "models.Sequential", _half_frozen, "half frozen"),
    Case("model", "models.Model", functools.partial(_composed, nested, (3,)), "nested"),
    Case("model", "models.Model", functools.partial(_composed, two_inputs, (3, 2)), "two inputs"),
    Case("model", "models.Model", functools.partial(_composed, subclassed, (3,)), "subclassed"),
]
