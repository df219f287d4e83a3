"""Whole training runs: `fit` and its History, many steps, evaluation, and single batches."""

import functools
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

import numpy_nets
from keras_ref.parity.both import models, normal, uniform, weights
from keras_ref.parity.case import Case, Pair
from keras_ref.parity.cases.models import autoencoder, images, subclassed
from keras_ref.parity.cases.optimizers import BETAS
from numpy_nets.autodiff.tensor import Array


def _adam(k: Any) -> Any:
    return k.optimizers.Adam(**BETAS)


def _autoencoder_steps(dtype: str, steps: int = 200, batch: int = 64) -> Iterator[Pair]:
    """The notebook's model on digits, with one Adam step for each batch."""
    x = images(steps // 4 * batch, dtype).reshape(-1, batch, 784)
    mine, theirs = models(autoencoder, x[0])
    losses: tuple[list[float], list[float]] = [], []
    for k, model, side in ((numpy_nets, mine, losses[0]), (keras, theirs, losses[1])):
        model.compile(_adam(k), "binary_crossentropy")
        side += [model.train_on_batch(x[i % len(x)], x[i % len(x)]) for i in range(steps)]
    yield f"loss at each of {steps} steps", *map(np.array, losses)
    yield from weights(mine, theirs)
    yield "reconstruction", mine.predict(x[0], verbose=0), theirs.predict(x[0], verbose=0)


def _history(mine: Any, theirs: Any) -> Iterator[Pair]:
    """Every list of the History, and the order of their names."""
    yield "epochs", np.array(mine.epoch), np.array(theirs.epoch)
    yield from _logs("history", mine.history, theirs.history)


def _logs(what: str, ours: dict[str, Any], theirs: dict[str, Any]) -> Iterator[Pair]:
    """Values by name, and the order of the names."""
    order = [list(theirs).index(name) if name in theirs else -1 for name in ours]
    yield f"{what}: order of the names", np.array(order), np.arange(len(theirs))
    for name in theirs:
        values = None if name not in ours else np.array(ours[name])
        yield f"{what}: {name}", values, np.array(theirs[name])


def _fit(
    build: Callable[[Any], Any],
    compiled: Callable[[Any], dict[str, Any]],
    data: Callable[[], dict[str, Any]],
    inputs: int,
    dtype: str,
) -> Iterator[Pair]:
    """fit, then evaluate and predict on the data of the training."""
    options = _in_dtype(data(), dtype)
    x = options["x"]
    mine, theirs = models(build, *(part[:2] for part in (x if inputs > 1 else [x])))
    histories = []
    for k, model in ((numpy_nets, mine), (keras, theirs)):
        model.compile(**compiled(k))
        histories.append(model.fit(**options, shuffle=False, verbose=0))
    yield from _history(*histories)
    yield from weights(mine, theirs)
    data_set = {key: options[key] for key in ("x", "y", "sample_weight") if key in options}
    ours, expected = (
        model.evaluate(**data_set, batch_size=11, verbose=0) for model in (mine, theirs)
    )
    yield "evaluate", np.array(ours), np.array(expected)
    ours, expected = (
        model.evaluate(**data_set, batch_size=11, verbose=0, return_dict=True)
        for model in (mine, theirs)
    )
    yield from _logs("evaluate", ours, expected)
    predictions = [model.predict(x, batch_size=11, verbose=0) for model in (mine, theirs)]
    yield "predict", *predictions


def _in_dtype(nested: Any, dtype: str) -> Any:
    if isinstance(nested, dict):
        return {key: _in_dtype(value, dtype) for key, value in nested.items()}
    if isinstance(nested, list | tuple):
        return type(nested)(_in_dtype(value, dtype) for value in nested)
    is_float = isinstance(nested, np.ndarray) and nested.dtype.kind == "f"
    return nested.astype(dtype) if is_float else nested


def _labels(count: int, classes: int) -> Array:
    return np.arange(count) * 7 % 11 % classes


def _digits_data() -> dict[str, Any]:
    """600 digits in batches of 256, so that the last batch is smaller."""
    x, test = images(600, "float64"), images(100, "float64", start=600)
    return {"x": x, "y": x, "epochs": 3, "batch_size": 256, "validation_data": (test, test)}


def _classes_data() -> dict[str, Any]:
    return {
        "x": normal(75, 6),
        "y": _labels(75, 4),
        "sample_weight": uniform(75),
        "epochs": 3,
        "validation_split": 0.25,
    }


def _binary_data() -> dict[str, Any]:
    return {
        "x": normal(75, 3),
        "y": _labels(75, 2),
        "epochs": 4,
        "initial_epoch": 1,
        "batch_size": 16,
        "validation_data": (normal(33, 3, seed=3), _labels(33, 2), uniform(33)),
        "validation_batch_size": 20,
    }


def _two_inputs_data() -> dict[str, Any]:
    x = [normal(50, 3), normal(50, 2)]
    return {"x": x, "y": normal(50, 4), "epochs": 3, "batch_size": 50, "sample_weight": uniform(50)}


def _one_hot_data() -> dict[str, Any]:
    return {"x": normal(40, 6), "y": np.eye(4)[_labels(40, 4)], "epochs": 2, "batch_size": 7}


def _classifier(k: Any) -> Any:
    return k.Sequential(
        [k.layers.Dense(8, activation="relu"), k.layers.Dense(4, activation="softmax")]
    )


def _binary(k: Any) -> Any:
    return k.Sequential(
        [
            k.layers.Dense(8),
            k.layers.LeakyReLU(negative_slope=0.25),
            k.Sequential([k.layers.Dense(1, activation="sigmoid")]),
        ]
    )


def _two_inputs(k: Any) -> Any:
    image, label = k.Input((3,)), k.Input((2,))
    hidden = k.layers.Dense(8, activation="tanh")(k.layers.Concatenate()([image, label]))
    return k.Model([image, label], k.layers.Dense(4)(hidden))


def _penalized(k: Any) -> Any:
    penalty = k.regularizers.L2(0.25)
    hidden = k.layers.Dense(8, activation="relu", kernel_regularizer=penalty)
    output = k.layers.Dense(4, "softmax", activity_regularizer=k.regularizers.L1(0.125))
    return k.Sequential([hidden, output])


def _class_weight_data() -> dict[str, Any]:
    weights = {0: 2.0, 2: 0.5}
    return {"x": normal(75, 6), "y": _labels(75, 4), "epochs": 2, "class_weight": weights}


def _measured(k: Any) -> Any:
    """A layer with a metric and a loss, inside a model that is inside the model."""

    class Measured(k.layers.Layer):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.size = k.metrics.Mean(name="size")

        def call(self, inputs: Any) -> Any:
            size = k.ops.mean(k.ops.square(inputs))
            self.size.update_state(size)
            self.add_loss(0.25 * size)
            return inputs

        def compute_output_shape(self, input_shape: Any) -> Any:
            return input_shape

    return k.Sequential([k.Sequential([k.layers.Dense(3), Measured()]), k.layers.Dense(4)])


def _steps_data() -> dict[str, Any]:
    """Two epochs of two batches, of the five that there are."""
    data = {"x": normal(40, 6), "y": normal(40, 4), "batch_size": 8}
    return {**data, "epochs": 2, "steps_per_epoch": 2}


def _listed(k: Any) -> Any:
    x = k.Input((6,))
    return k.Model(x, [k.layers.Dense(4)(x)])


def _scheduled(dtype: str) -> Iterator[Pair]:
    x, y = normal(24, 3).astype(dtype), normal(24, 2).astype(dtype)
    mine, theirs = models(lambda k: k.Sequential([k.layers.Dense(2)]), x)
    histories = []
    for k, model in ((numpy_nets, mine), (keras, theirs)):
        model.compile(k.optimizers.SGD(0.5), "mae")
        callback = k.callbacks.LearningRateScheduler(lambda epoch, rate: rate / (1 + epoch))
        options = {"epochs": 3, "callbacks": [callback], "validation_data": (x, y)}
        histories.append(model.fit(x, y, shuffle=False, verbose=0, **options))
    yield from _history(*histories)
    yield from weights(mine, theirs)


def _stopped(dtype: str) -> Iterator[Pair]:
    """evaluate and predict on endless batches, until a callback stops them."""
    x, y = normal(8, 3).astype(dtype), normal(8, 2).astype(dtype)
    mine, theirs = models(lambda k: k.Sequential([k.layers.Dense(2)]), x)

    def endless() -> Iterator[tuple[Array, Array]]:
        for i in itertools.count():
            yield x + i % 3, y

    results: list[tuple[Any, Any]] = []
    for k, model in ((numpy_nets, mine), (keras, theirs)):
        model.compile("sgd", "mse")

        def stop(batch: int, logs: Any = None, model: Any = model) -> None:
            model.stop_evaluating = model.stop_predicting = batch == 4

        callback = k.callbacks.LambdaCallback(on_test_batch_end=stop, on_predict_batch_end=stop)
        options = {"verbose": 0, "callbacks": [callback]}
        results.append((model.evaluate(endless(), **options), model.predict(endless(), **options)))
    for what, ours, expected in zip(("evaluate", "predict"), *results, strict=True):
        yield what, np.array(ours), np.array(expected)


def _parts(dtype: str) -> Iterator[Pair]:
    """An encoder and a decoder made of the layers of an autoencoder, once it is trained."""
    x = images(64, dtype)
    mine, theirs = models(autoencoder, x[:2])
    outputs = []
    for k, model in ((numpy_nets, mine), (keras, theirs)):
        model.compile(k.optimizers.SGD(0.5), "mse")
        model.fit(x, x, verbose=0, shuffle=False)
        layers = [layer for layer in model.layers if layer.weights]
        middle = model.get_layer(layers[len(layers) // 2 - 1].name).output
        encoder = k.Model(model.inputs, [middle, *model.outputs])
        outputs.append(encoder.predict(x, verbose=0))
    for i, (ours, expected) in enumerate(zip(*outputs, strict=True)):
        yield f"output {i}", ours, expected


def _weighted_data() -> dict[str, Any]:
    x, y = normal(50, 3), uniform(50, 2)
    return {"x": x, "y": y, "epochs": 3, "validation_data": (x[:9], y[:9], uniform(9))}


def _on_batch(dtype: str) -> Iterator[Pair]:
    """The values of single batches, as numbers, lists and dicts."""
    x, y = normal(24, 3).astype(dtype), _labels(24, 2)
    w = uniform(24).astype(dtype)
    mine, theirs = models(_binary, x)
    for k, model in ((numpy_nets, mine), (keras, theirs)):
        model.compile(_adam(k), "binary_crossentropy", metrics=["accuracy", "mse"])
    for step, weight in enumerate((None, w, None)):
        for name in ("train_on_batch", "test_on_batch"):
            a, b = (
                getattr(model, name)(x[step:], y[step:], None if weight is None else weight[step:])
                for model in (mine, theirs)
            )
            yield f"{name} {step}", np.array(a), np.array(b)
    logs = [model.train_on_batch(x, y, return_dict=True) for model in (mine, theirs)]
    yield from _logs("train_on_batch", *logs)
    yield from weights(mine, theirs)
    for model in (mine, theirs):
        model.compile("sgd", "mse", metrics=["mse", "mae", "mse", "mse"])
    logs = [model.test_on_batch(x, y, return_dict=True) for model in (mine, theirs)]
    yield from _logs("metrics of one name", *logs)


def _own_train_step(tape_class: Any, k: Any) -> Any:
    """A denoising autoencoder with its own steps and means; its code is the same on both sides."""

    class Denoiser(k.Model):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.encoder = k.Sequential([k.layers.Dense(4, activation="tanh")])
            self.decoder = k.Sequential([k.layers.Dense(6)])
            self.loss_tracker = k.metrics.Mean(name="loss")
            self.size_tracker = k.metrics.Mean(name="size")

        def call(self, inputs: Any) -> Any:
            return self.decoder(self.encoder(inputs))

        def _step(self, data: Any) -> Any:
            clean, noise = data
            codes = self.encoder(clean + noise)
            error = k.ops.mean(k.ops.square(self.decoder(codes) - clean), axis=-1)
            size = k.ops.mean(k.ops.square(codes), axis=-1)
            self.size_tracker.update_state(size)
            return k.ops.mean(error) + 0.125 * k.ops.mean(size)

        def train_step(self, data: Any) -> Any:
            with tape_class() as tape:
                loss = self._step(data)
            gradients = tape.gradient(loss, self.trainable_variables)
            self.optimizer.apply(gradients, self.trainable_variables)
            self.loss_tracker.update_state(loss)
            return {m.name: m.result() for m in self.metrics}

        def test_step(self, data: Any) -> Any:
            self.loss_tracker.update_state(self._step(data))
            return {m.name: m.result() for m in self.metrics}

        @property
        def metrics(self) -> Any:
            return [self.loss_tracker, self.size_tracker]

    return Denoiser()


def _fit_own_train_step(dtype: str) -> Iterator[Pair]:
    x, noise = normal(40, 6).astype(dtype), 0.25 * normal(40, 6, seed=1).astype(dtype)
    tapes = {numpy_nets: numpy_nets.GradientTape, keras: tf.GradientTape}
    mine, theirs = models(lambda k: _own_train_step(tapes[k], k), x)
    histories = []
    for k, model in ((numpy_nets, mine), (keras, theirs)):
        model.compile(optimizer=_adam(k))
        options = {"epochs": 3, "batch_size": 16, "validation_data": (x[:9], noise[:9])}
        histories.append(model.fit(x, noise, shuffle=False, verbose=0, **options))
    yield from _history(*histories)
    yield from weights(mine, theirs)


_FITS: list[tuple[str, Callable[[Any], Any], Callable[[Any], dict[str, Any]], Any, int]] = [
    (
        "autoencoder on digits",
        autoencoder,
        lambda k: {"optimizer": _adam(k), "loss": "binary_crossentropy", "metrics": ["mse"]},
        _digits_data,
        1,
    ),
    (
        "classes, sample weights, split",
        _classifier,
        lambda k: {
            "optimizer": k.optimizers.SGD(0.125, momentum=0.5, nesterov=True),
            "loss": "sparse_categorical_crossentropy",
            "metrics": ["accuracy", k.metrics.SparseCategoricalAccuracy(name="again")],
        },
        _classes_data,
        1,
    ),
    (
        "binary, weighted validation, initial epoch",
        _binary,
        lambda k: {
            "optimizer": k.optimizers.RMSprop(global_clipnorm=0.125),
            "loss": k.losses.BinaryCrossentropy(label_smoothing=0.125),
            "metrics": ["accuracy", "binary_accuracy"],
        },
        _binary_data,
        1,
    ),
    (
        "two inputs, one batch",
        _two_inputs,
        lambda k: {"optimizer": k.optimizers.Adagrad(0.125, 0.125), "loss": "mse"},
        _two_inputs_data,
        2,
    ),
    (
        "one-hot, the loss a sum",
        _classifier,
        lambda k: {
            "optimizer": k.optimizers.SGD(0.0625, clipnorm=0.5),
            "loss": k.losses.CategoricalCrossentropy(reduction="sum"),
        },
        _one_hot_data,
        1,
    ),
    (
        "regularizers and class weights",
        _penalized,
        lambda k: {
            "optimizer": k.optimizers.SGD(0.125),
            "loss": "sparse_categorical_crossentropy",
            "metrics": ["accuracy"],
        },
        _class_weight_data,
        1,
    ),
    (
        "metrics and losses of inner layers",
        _measured,
        lambda k: {"optimizer": _adam(k), "loss": "mse", "metrics": ["mae", "mse"]},
        lambda: {"x": normal(40, 6), "y": normal(40, 4), "epochs": 2},
        1,
    ),
    (
        "steps_per_epoch",
        _classifier,
        lambda k: {"optimizer": _adam(k), "loss": "mae"},
        _steps_data,
        1,
    ),
    (
        "one output in a list, one-hot accuracy",
        _listed,
        lambda k: {"optimizer": _adam(k), "loss": "mse", "metrics": ["accuracy"]},
        _one_hot_data,
        1,
    ),
    (
        "subclassed, default batches",
        subclassed,
        lambda k: {"optimizer": _adam(k), "loss": "mean_squared_error", "metrics": ["mse"]},
        _weighted_data,
        1,
    ),
]


_RUNS: list[tuple[str, Callable[[str], Iterator[Pair]]]] = [
    ("200 Adam steps of the autoencoder", _autoencoder_steps),
    *(
        (variant, functools.partial(_fit, build, compiled, data, inputs))
        for variant, build, compiled, data, inputs in _FITS
    ),
    ("own train_step", _fit_own_train_step),
    ("LearningRateScheduler", _scheduled),
    ("stopped by a callback", _stopped),
    ("a model of the layers of another", _parts),
    ("train_on_batch and test_on_batch", _on_batch),
]

CASES = [Case("training", "Model.fit", run, variant) for variant, run in _RUNS]
