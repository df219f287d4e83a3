"""Every layer and activation, and the statistics of initial weights and noise."""

import functools
import itertools
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import keras
import numpy as np

import keras_ref.layers
import numpy_nets
from keras_ref.parity.both import gradients, model_gradients, models, normal, prefixed
from keras_ref.parity.case import Case, Pair
from keras_ref.parity.cases.ops import KINKS, ROUNDED_SLOPE, SATURATED, SLOPE
from numpy_nets.autodiff.tensor import Array, Tensor

Build: TypeAlias = Callable[[Any], Any]
Shapes: TypeAlias = tuple[tuple[int, ...], ...]


def _sum_of_squares(k: Any, y: Any) -> Any:
    return k.ops.sum(k.ops.square(y))


def _activation(name: str, dtype: str, **options: Any) -> Iterator[Pair]:
    for x in (normal(3, 4), KINKS, SATURATED):
        yield from prefixed(
            f"{x.shape}",
            gradients(lambda k, z: getattr(k.activations, name)(z, **options), [x.astype(dtype)]),
        )


def _activation_by_name(name: str, dtype: str) -> Iterator[Pair]:
    yield from gradients(lambda k, z: k.activations.get(name)(z), [normal(3, 4).astype(dtype)])


def _layer(build: Build, shapes: Shapes, dtype: str) -> Iterator[Pair]:
    """A layer inside a functional model: outputs, gradients, and the shape it declares."""

    def model(k: Any) -> Any:
        inputs = [k.Input(shape[1:]) for shape in shapes]
        layer_input = inputs if len(inputs) > 1 else inputs[0]
        return k.Model(layer_input, build(k)(layer_input))

    samples = [normal(*shape, seed=7).astype(dtype) for shape in shapes]
    mine, theirs = models(model, *samples)
    inputs = samples if len(samples) > 1 else samples[0]
    yield from model_gradients(mine, theirs, _sum_of_squares, inputs)
    yield "output shape", _sizes(mine.output_shape), _sizes(theirs.output_shape)


def _sizes(shape: Any) -> Array:
    return np.array([-1 if n is None else n for n in shape])


def _own_layer(k: Any) -> Any:
    class Scale(k.layers.Layer):  # type: ignore[misc]
        """y = tanh(x · scale): a layer whose code is the same in both libraries."""

        def build(self, input_shape: Any) -> None:
            self.scale = self.add_weight((input_shape[-1],), "random_normal", name="scale")

        def call(self, inputs: Any) -> Any:
            return k.ops.tanh(inputs * self.scale)

        def compute_output_shape(self, input_shape: Any) -> Any:
            return input_shape

    return Scale()


def _integers(dtype: str) -> Iterator[Pair]:
    """Layers that only move entries keep integers; those that compute make floats of them."""
    layers: list[tuple[str, Build]] = [
        ("Flatten", lambda k: k.layers.Flatten()),
        ("Reshape", lambda k: k.layers.Reshape((3, 1))),
        ("ReLU", lambda k: k.layers.ReLU()),
        ("Activation", lambda k: k.layers.Activation("relu")),
        ("Dropout", lambda k: k.layers.Dropout(0.5)),
        ("GaussianNoise", lambda k: k.layers.GaussianNoise(0.5)),
        ("Dense", lambda k: k.layers.Dense(2, kernel_initializer="ones")),
        ("Dense, no bias", lambda k: k.layers.Dense(2, None, False, "ones")),
        ("BatchNormalization", lambda k: k.layers.BatchNormalization(epsilon=0.0)),
        ("Concatenate", lambda k: k.layers.Concatenate()),
    ]
    for name, build in layers:
        for kind in ("int32", "int64", "uint8"):
            x = np.array([[1, 2, 3], [0, 4, 5]], kind)
            inputs = [x, normal(2, 3).astype(dtype)] if name == "Concatenate" else x
            yield f"{name} of {kind}", build(numpy_nets)(inputs).array, build(keras)(inputs).numpy()


def _training_by_default(dtype: str) -> Iterator[Pair]:
    """Outside fit, `training` is the default of the outermost call that has one."""

    def told(k: Any, outer: Any, inner: Any, **options: Any) -> Array:
        seen = []

        class Inner(k.layers.Layer):  # type: ignore[misc]
            def call(self, inputs: Any, training: Any = inner) -> Any:
                seen.append(-1.0 if training is None else float(training))
                return inputs

        class Outer(k.layers.Layer):  # type: ignore[misc]
            def __init__(self) -> None:
                super().__init__()
                self.inner = Inner()

            if outer == "none":

                def call(self, inputs: Any) -> Any:
                    return self.inner(inputs)

            else:

                def call(self, inputs: Any, training: Any = outer) -> Any:
                    seen.append(-1.0 if training is None else float(training))
                    return self.inner(inputs)

        layer = Outer()
        for _ in range(2):  # Keras's first call is also one of symbols, to build the layer
            seen.clear()
            layer(np.ones((2, 3)), **options)
        return np.array(seen)

    for outer, inner in itertools.product(("none", None, True, False), (None, True, False)):
        yield f"{outer} around {inner}", told(numpy_nets, outer, inner), told(keras, outer, inner)
    for training in (True, False):
        both = (told(k, True, False, training=training) for k in (numpy_nets, keras))
        yield f"training={training}", *both


def _maxout(k: Any, units: int, pieces: int) -> Any:
    """Keras has no Maxout, so its side comes from keras_ref."""
    return (numpy_nets if k is numpy_nets else keras_ref).layers.Maxout(units, pieces)


def _input(dtype: str) -> Iterator[Pair]:
    """A model with no layer of its own; the input is cast to the dtype."""
    for shape in ((3,), (2, 3)):
        x = normal(5, *shape)
        outputs = []
        for k in (numpy_nets, keras):
            tensor = k.layers.Input(shape)
            outputs.append(k.Model(tensor, k.layers.Flatten()(tensor))(x))
        yield f"{shape}", outputs[0].array, outputs[1].numpy()


def _input_layer(dtype: str) -> Iterator[Pair]:
    mine = numpy_nets.layers.InputLayer((3, None))
    theirs = keras.layers.InputLayer(shape=(3, None))
    yield "batch shape", _sizes(mine.batch_shape), _sizes(theirs.batch_shape)


def _dropout(rate: float, dtype: str) -> Iterator[Pair]:
    """Our layer with the mask of Keras, which an input of ones makes visible."""
    shape = (40, 50)
    x = normal(*shape).astype(dtype)

    def theirs() -> Any:
        return keras.layers.Dropout(rate, seed=5)  # a new one: each call moves its stream on

    mask = theirs()(np.ones(shape, dtype), training=True).numpy()
    mine = numpy_nets.layers.Dropout(rate)
    yield "not training", mine(x).array, theirs()(x).numpy()
    if rate == 1:
        zeros = mine(x, training=True), theirs()(x, training=True)
        yield "training", zeros[0].array, zeros[1].numpy()
        return
    mine.mask = lambda shape: Tensor(mask)  # type: ignore[method-assign]
    layer = {"numpy_nets": mine, "keras": theirs()}
    yield from prefixed(
        "training",
        gradients(lambda k, z: layer[k.__name__](z, training=True), [x]),
    )


def _dropout_mask(dtype: str) -> Iterator[Pair]:
    shape = (1000, 1000)
    mine = numpy_nets.layers.Dropout(0.25, seed=1)(np.ones(shape), training=True).array
    theirs = keras.layers.Dropout(0.25, seed=1)(np.ones(shape), training=True).numpy()
    yield from _statistics(mine, theirs)


def _statistics(mine: Array, theirs: Array) -> Iterator[Pair]:
    """Mean, standard deviation and histogram of two samples, in standard errors."""
    for values in (mine, theirs):
        if values.std() == 0:
            yield "the constant", mine, theirs
            return
    n, deviation = theirs.size, float(theirs.std(dtype=np.float64))
    a, b = (x.astype(np.float64).ravel() for x in (mine, theirs))
    kurtosis = float(np.mean(((b - b.mean()) / deviation) ** 4))
    by_mean = deviation * np.sqrt(2 / n)
    yield "mean", a.mean() / by_mean, b.mean() / by_mean
    by_deviation = deviation * np.sqrt((kurtosis - 1) / (2 * n))
    yield "standard deviation", a.std() / by_deviation, b.std() / by_deviation

    edges = np.linspace(min(a.min(), b.min()), max(a.max(), b.max()), 21)
    shares = [np.histogram(x, edges)[0] / n for x in (a, b)]
    by_share = np.sqrt(2 * np.maximum(shares[1] * (1 - shares[1]), 1 / n) / n)
    yield "share of each of 20 bins", shares[0] / by_share, shares[1] / by_share


def _initializer(name: str, dtype: str, **options: Any) -> Iterator[Pair]:
    shape = (500, 2000)
    mine, tensor = (
        getattr(k.initializers, name)(**options)(shape, dtype=dtype) for k in (numpy_nets, keras)
    )
    theirs = keras.ops.convert_to_numpy(tensor)
    yield from _statistics(mine, theirs)
    # A million uniform draws come within a few parts in a million of their limits.
    if "Uniform" in name:
        width = float(theirs.max() - theirs.min()) / theirs.size
        for quantity, limit in (("least", np.min), ("largest", np.max)):
            yield quantity, float(limit(mine)) / width, float(limit(theirs)) / width


def _regularizer(name: str, options: dict[str, float], dtype: str) -> Iterator[Pair]:
    def penalty(k: Any, x: Any) -> Any:
        return getattr(k.regularizers, name)(**options)(x)

    yield from gradients(penalty, [normal(5, 3).astype(dtype)])


def _penalties(dtype: str) -> Iterator[Pair]:
    """The losses of a model after a call, and after another: penalties, and those it adds."""

    def model(k: Any) -> Any:
        class Adding(k.layers.Layer):  # type: ignore[misc]
            def call(self, inputs: Any) -> Any:
                self.add_loss(0.5 * k.ops.mean(k.ops.square(inputs)))
                return inputs

            def compute_output_shape(self, input_shape: Any) -> Any:
                return input_shape

        class Nested(k.Model):  # type: ignore[misc]
            def __init__(self) -> None:
                super().__init__()
                self.adding = Adding()
                self.dense = k.layers.Dense(
                    4,
                    kernel_regularizer=k.regularizers.L2(0.25),
                    bias_regularizer=k.regularizers.L1L2(0.125, 0.0),
                    activity_regularizer=k.regularizers.L1(0.5),
                )

            def call(self, inputs: Any) -> Any:
                return self.dense(self.adding(self.adding(inputs)))

        return Nested()

    x = normal(5, 3).astype(dtype)
    mine, theirs = models(model, x)
    for call in (1, 2):
        outputs = mine(x), theirs(x)
        yield f"output {call}", outputs[0].array, outputs[1].numpy()
        values = [np.array([float(loss) for loss in m.losses], dtype) for m in (mine, theirs)]
        yield f"losses {call}", *(np.sort(v) for v in values)


def _constant(dtype: str) -> Iterator[Pair]:
    for value in (0.125, -3.0):  # in float64, Keras rounds 0.1 to float32
        mine = numpy_nets.initializers.Constant(value)((2, 3), dtype=dtype)
        theirs = keras.initializers.Constant(value)((2, 3), dtype=dtype)
        yield f"{value}", mine, theirs.numpy()


def _repeats(dtype: str) -> Iterator[Pair]:
    """An initializer without a seed: the largest difference of two calls is 0."""
    for name in ("GlorotUniform", "HeNormal", "RandomNormal", "RandomUniform"):
        differences = []
        for k in (numpy_nets, keras):
            initializer = getattr(k.initializers, name)()
            a, b = (np.asarray(initializer((3, 4), dtype=dtype)) for _ in range(2))
            differences.append(np.abs(a - b).max())
        yield name, *differences


def _noise(name: str, dtype: str) -> Iterator[Pair]:
    for options in ({}, {"normal": {"mean": 2.0, "stddev": 0.25}}.get(name, {"minval": -3.0})):
        mine = getattr(numpy_nets.random, name)((500, 2000), seed=1, **options).array
        theirs = getattr(keras.random, name)((500, 2000), seed=1, **options).numpy()
        yield from prefixed(f"{options}", _statistics(mine, theirs))


_LAYERS: list[tuple[str, str, Build, Shapes]] = [
    ("Dense", "linear", lambda k: k.layers.Dense(4), ((5, 3),)),
    ("Dense", "no bias", lambda k: k.layers.Dense(4, use_bias=False), ((5, 3),)),
    ("Dense", "relu, three axes", lambda k: k.layers.Dense(4, activation="relu"), ((2, 6, 3),)),
    ("Dense", "one sigmoid unit", lambda k: k.layers.Dense(1, activation="sigmoid"), ((1, 3),)),
    ("Dense", "784 to 300", lambda k: k.layers.Dense(300, activation="tanh"), ((64, 784),)),
    ("Dense", "softmax", lambda k: k.layers.Dense(10, activation="softmax"), ((5, 3),)),
    ("Dense", "a function", lambda k: k.layers.Dense(4, activation=k.ops.softplus), ((5, 3),)),
    ("LeakyReLU", "slope 0.25", lambda k: k.layers.LeakyReLU(negative_slope=0.25), ((5, 3),)),
    (
        "LeakyReLU",
        "slope 0.2, rounded",
        lambda k: k.layers.LeakyReLU(negative_slope=SLOPE),
        ((5, 3),),
    ),
    ("Maxout", "three axes", lambda k: _maxout(k, 4, 3), ((2, 6, 3),)),
    ("Maxout", "240 units of 5", lambda k: _maxout(k, 240, 5), ((64, 784),)),
    ("ReLU", "", lambda k: k.layers.ReLU(), ((5, 3),)),
    ("Activation", "by name", lambda k: k.layers.Activation("tanh"), ((5, 3),)),
    (
        "Activation",
        "a function",
        lambda k: k.layers.Activation(k.activations.softplus),
        ((5, 3),),
    ),
    ("Flatten", "four axes", lambda k: k.layers.Flatten(), ((5, 2, 3, 4),)),
    ("Flatten", "two axes", lambda k: k.layers.Flatten(), ((5, 3),)),
    ("Reshape", "to (4, 3)", lambda k: k.layers.Reshape((4, 3)), ((5, 12),)),
    ("Reshape", "to (-1, 2)", lambda k: k.layers.Reshape((-1, 2)), ((5, 3, 4),)),
    ("Concatenate", "last axis", lambda k: k.layers.Concatenate(), ((5, 3), (5, 2))),
    (
        "Concatenate",
        "axis 1 of three",
        lambda k: k.layers.Concatenate(axis=1),
        ((5, 3, 2), (5, 1, 2), (5, 4, 2)),
    ),
    ("Layer", "a subclass", _own_layer, ((5, 3),)),
]

_STATISTICAL = "two samples of 10^6: 5 standard errors of their difference"


def _statistical(subject: str, run: Callable[[str], Iterator[Pair]], variant: str = "") -> Case:
    return Case(
        "initializer", subject, run, variant, bound=5.0, reason=_STATISTICAL, unit="standard errors"
    )


_ACTIVATIONS: list[tuple[str, dict[str, Any]]] = [
    ("linear", {}), ("relu", {}), ("leaky_relu", {"negative_slope": 0.25}), ("sigmoid", {}),
    ("tanh", {}), ("softplus", {}), ("softmax", {}),
]  # fmt: skip

CASES = [
    Case("activation", f"activations.{name}", functools.partial(_activation, name, **options))
    for name, options in _ACTIVATIONS
]
CASES += [
    Case(
        "activation",
        f"activations.{name}",
        functools.partial(_activation_by_name, name),
        "by name",
        ("float32",) if name == "leaky_relu" else ("float64", "float32"),
    )
    for name, _ in _ACTIVATIONS
]
CASES += [
    Case(
        "activation",
        "activations.leaky_relu",
        functools.partial(_activation_by_name, "leaky_relu"),
        "by name, slope 0.2",
        ("float64",),
        bound=2.0**29,
        reason=ROUNDED_SLOPE,
    )
]
CASES += [
    Case("layer", f"layers.{name}", functools.partial(_layer, build, shapes), variant)
    for name, variant, build, shapes in _LAYERS
]
CASES += [
    Case(
        "layer",
        "layers.LeakyReLU",
        functools.partial(_layer, lambda k: k.layers.LeakyReLU(), ((5, 3),)),
        "default slope 0.3",
        ("float32",),
    ),
    Case(
        "layer",
        "layers.LeakyReLU",
        functools.partial(_layer, lambda k: k.layers.LeakyReLU(), ((5, 3),)),
        "default slope 0.3 in float64",
        ("float64",),
        bound=2.0**29,
        reason=ROUNDED_SLOPE,
    ),
    *(
        Case("layer", f"regularizers.{name}", functools.partial(_regularizer, name, options))
        for name, options in [
            ("L1", {"l1": 0.25}), ("L2", {"l2": 0.5}), ("L1L2", {"l1": 0.25, "l2": 0.5})
        ]
    ),
    Case("layer", "layers.Layer", _penalties, "losses"),
    Case("layer", "layers.Layer", _integers, "integers"),
    Case("layer", "layers.Layer", _training_by_default, "training by default"),
    Case("layer", "layers.Input", _input),
    Case("layer", "layers.InputLayer", _input_layer),
    Case("layer", "layers.Dropout", functools.partial(_dropout, 0.5), "rate 0.5"),
    Case("layer", "layers.Dropout", functools.partial(_dropout, 0.2), "rate 0.2"),
    Case("layer", "layers.Dropout", functools.partial(_dropout, 0.0), "rate 0"),
    Case("layer", "layers.Dropout", functools.partial(_dropout, 1.0), "rate 1"),
    _statistical("layers.Dropout", _dropout_mask, "statistics of the mask"),
    _statistical("initializers.Zeros", functools.partial(_initializer, "Zeros")),
    _statistical("initializers.Ones", functools.partial(_initializer, "Ones")),
    Case("initializer", "initializers.Constant", _constant),
    Case("initializer", "initializers.GlorotUniform", _repeats, "called twice, like all others"),
    _statistical(
        "initializers.RandomNormal",
        functools.partial(_initializer, "RandomNormal", seed=1),
        "defaults",
    ),
    _statistical(
        "initializers.RandomNormal",
        functools.partial(_initializer, "RandomNormal", mean=1.0, stddev=0.25, seed=1),
        "mean 1, stddev 0.25",
    ),
    _statistical(
        "initializers.RandomUniform",
        functools.partial(_initializer, "RandomUniform", seed=1),
        "defaults",
    ),
    _statistical(
        "initializers.RandomUniform",
        functools.partial(_initializer, "RandomUniform", minval=-1.0, maxval=3.0, seed=1),
        "[-1, 3)",
    ),
    _statistical(
        "initializers.GlorotUniform", functools.partial(_initializer, "GlorotUniform", seed=1)
    ),
    _statistical("initializers.HeNormal", functools.partial(_initializer, "HeNormal", seed=1)),
    _statistical("random.normal", functools.partial(_noise, "normal")),
    _statistical("random.uniform", functools.partial(_noise, "uniform")),
]
