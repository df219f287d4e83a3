"""Every loss, with its options, reductions and sample weights, and every metric."""

import functools
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np

import numpy_nets
from keras_ref.parity.both import gradients, model_gradients, models, normal, prefixed, uniform
from keras_ref.parity.case import Case, Pair
from numpy_nets.autodiff.tensor import Array

REDUCTIONS = ("sum_over_batch_size", "mean", "mean_with_sample_weight", "sum", "none", None)
WEIGHTS = {
    "no weights": None,
    "weights (batch,)": np.array([0.5, 2, 0, 1, 0.25]),
    "weights (batch, 1)": np.array([[0.5], [2], [0], [1], [0.25]]),
}
THREE_AXES_WEIGHTS = {"no weights": None, "weights (batch, 3)": uniform(5, 3, seed=9)}

ONE_HOT = np.eye(4)[[0, 3, 1, 2, 3]]
LABELS = np.array([0, 3, 1, 2, 3])
DISTRIBUTION = uniform(5, 4, seed=2) / uniform(5, 4, seed=2).sum(axis=-1, keepdims=True)
BITS = np.round(uniform(5, 4, seed=1))
EXTREME_LOGITS = np.array(
    [[100.0, -100, 20, -20]] * 2 + [[1, 2, 3, 4], [0, 0, 0, 0], [-9, 9, 1, 0]]
)
CLIPPED = np.array([[0.0, 1, 1e-9, 1 - 1e-9]] * 3 + [[1, 0, 0.5, 0.25]] * 2)

# A loss, its options, and pairs (y_true, y_pred) by name.
_Data = dict[str, tuple[Array, Array]]
_LOSSES: list[tuple[str, dict[str, Any], _Data]] = [
    (
        "MeanSquaredError",
        {},
        {
            "two axes": (uniform(5, 4), normal(5, 4)),
            "three axes": (normal(5, 3, 2), normal(5, 3, 2, seed=1)),
            "integer targets": (LABELS, normal(5, 1)),
        },
    ),
    (
        "BinaryCrossentropy",
        {},
        {
            "soft targets": (uniform(5, 4, seed=4), uniform(5, 4)),
            "hard targets": (BITS, uniform(5, 4)),
            "clipped": (BITS, CLIPPED),
            "labels (batch,) for one unit": (np.array([0, 1, 1, 0, 1]), uniform(5, 1)),
            "three axes": (uniform(5, 3, 2), uniform(5, 3, 2, seed=1)),
        },
    ),
    (
        "BinaryCrossentropy",
        {"from_logits": True},
        {
            "soft targets": (uniform(5, 4, seed=4), normal(5, 4)),
            "extremes": (BITS, EXTREME_LOGITS),
        },
    ),
    ("BinaryCrossentropy", {"label_smoothing": 0.125}, {"hard": (BITS, uniform(5, 4))}),
    (
        "BinaryCrossentropy",
        {"from_logits": True, "label_smoothing": 0.125},
        {"hard": (BITS, normal(5, 4))},
    ),
    (
        "CategoricalCrossentropy",
        {},
        {
            "one-hot": (ONE_HOT, DISTRIBUTION),
            "soft targets": (DISTRIBUTION, uniform(5, 4) + 0.1),
            "clipped": (ONE_HOT, CLIPPED),
        },
    ),
    (
        "CategoricalCrossentropy",
        {"from_logits": True},
        {"one-hot": (ONE_HOT, normal(5, 4)), "extremes": (ONE_HOT, EXTREME_LOGITS)},
    ),
    ("CategoricalCrossentropy", {"label_smoothing": 0.125}, {"hard": (ONE_HOT, DISTRIBUTION)}),
    (
        "CategoricalCrossentropy",
        {"from_logits": True, "label_smoothing": 0.125},
        {"hard": (ONE_HOT, normal(5, 4))},
    ),
    (
        "SparseCategoricalCrossentropy",
        {},
        {
            "labels": (LABELS, DISTRIBUTION),
            "labels (batch, 1)": (LABELS[:, None], DISTRIBUTION),
            "clipped": (LABELS, CLIPPED),
        },
    ),
    (
        "SparseCategoricalCrossentropy",
        {"from_logits": True},
        {"labels": (LABELS, normal(5, 4)), "extremes": (LABELS, EXTREME_LOGITS)},
    ),
    (
        "MeanAbsoluteError",
        {},
        {
            "two axes": (uniform(5, 4), normal(5, 4)),
            "exact": (BITS, BITS),
            "labels (batch,) for one unit": (LABELS, normal(5, 1)),
        },
    ),
]


def _loss(name: str, options: dict[str, Any], data: _Data, dtype: str) -> Iterator[Pair]:
    for what, (y_true, y_pred) in data.items():
        y = y_true.astype(dtype) if y_true.dtype.kind == "f" else y_true
        weights = WEIGHTS if y_pred.ndim == 2 else THREE_AXES_WEIGHTS
        for reduction, (weighted, weight) in itertools.product(REDUCTIONS, weights.items()):
            if reduction in ("none", None) and weighted == "weights (batch, 1)":
                continue  # only Keras keeps the last axis: (batch, 1)
            w = None if weight is None else weight.astype(dtype)

            def function(k: Any, z: Any, y: Any = y, r: Any = reduction, w: Any = w) -> Any:
                return getattr(k.losses, name)(reduction=r, **options)(y, z, sample_weight=w)

            pairs = gradients(function, [y_pred.astype(dtype)])
            yield from prefixed(f"{what}, {reduction}, {weighted}", pairs)


def _loss_function(name: str, data: _Data, dtype: str, **options: Any) -> Iterator[Pair]:
    for what, (y_true, y_pred) in data.items():
        y = y_true.astype(dtype) if y_true.dtype.kind == "f" else y_true

        def function(k: Any, z: Any, y: Any = y) -> Any:
            return getattr(k.losses, name)(y, z, **options)

        yield from prefixed(what, gradients(function, [y_pred.astype(dtype)]))


def _own_loss(dtype: str) -> Iterator[Pair]:
    """A user's own function as `compile(loss=...)`."""

    y, x = uniform(5, 4).astype(dtype), normal(5, 3).astype(dtype)
    mine, theirs = models(_dense_sigmoid, x)
    for k, model in ((numpy_nets, mine), (keras, theirs)):
        model.compile("sgd", lambda y, p, k=k: k.ops.mean(k.ops.abs(y - p), axis=-1))
    yield "loss", mine.test_on_batch(x, y), theirs.test_on_batch(x, y)
    yield "loss after a step", mine.train_on_batch(x, y), theirs.train_on_batch(x, y)


def _looked_up(dtype: str) -> Iterator[Pair]:
    """A name stands for a function, which reduces nothing."""
    y, p = uniform(5, 4).astype(dtype), uniform(5, 4, seed=1).astype(dtype)
    for name in ("mse", "mae", "binary_crossentropy"):
        yield name, *(k.losses.get(name)(y, p).numpy() for k in (numpy_nets, keras))


def _aligned(dtype: str) -> Iterator[Pair]:
    """A function whose difference of (5,) and (5, 1) would be (5, 5)."""
    for y, p in (((5,), (5, 1)), ((5, 1), (5,)), ((5, 2), (5, 2, 1)), ((5, 2, 1), (5, 2))):
        y_true, y_pred = normal(*y).astype(dtype), uniform(*p).astype(dtype)
        values = []
        for k in (numpy_nets, keras):
            model = k.Sequential([k.Input(y_pred.shape[1:]), k.layers.Activation("linear")])
            model.compile("sgd", lambda y, p, k=k: k.ops.mean(k.ops.square(y - p)))
            values.append(model.compute_loss(None, *map(k.ops.convert_to_tensor, (y_true, y_pred))))
        yield f"{y} and {p}", *(value.numpy() for value in values)


# From the output of a sigmoid or softmax, Keras recovers the logits, so that a saturated output
# loses nothing.


def _recovered(
    module: str, activation: str, loss: str, y: Array, reshaped: bool, dtype: str
) -> Iterator[Pair]:
    y = y.astype(dtype) if y.dtype.kind == "f" else y

    def function(k: Any, z: Any) -> Any:
        p = getattr(getattr(k, module), activation)(z)
        return getattr(k.losses, loss)(reduction="none")(
            y, k.ops.reshape(p, (5, 4)) if reshaped else p
        )

    for what, z in (("moderate", normal(5, 4)), ("extremes", EXTREME_LOGITS)):
        yield from prefixed(what, gradients(function, [z.astype(dtype)]))


def _dense_sigmoid(k: Any) -> Any:
    x = k.Input((3,))
    return k.Model(x, k.layers.Dense(4, activation="sigmoid")(x))


def _activation_layer(k: Any) -> Any:
    x = k.Input((3,))
    return k.Model(x, k.layers.Activation("sigmoid")(k.layers.Dense(4)(x)))


def _nested(k: Any) -> Any:
    x = k.Input((3,))
    return k.Model(x, _dense_sigmoid(k)(k.layers.Dense(3)(x)))


def _nested_twice_in_sequential(k: Any) -> Any:
    return k.Sequential([k.Input((3,)), k.layers.Dense(3), k.Sequential([_nested(k)])])


def _subclassed(k: Any) -> Any:
    class Wrapper(k.Model):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.inner = _dense_sigmoid(k)

        def call(self, inputs: Any) -> Any:
            return self.inner(inputs)

    return Wrapper()


def _reshape_after(k: Any) -> Any:
    return k.Sequential([_dense_sigmoid(k), k.layers.Reshape((2, 2)), k.layers.Flatten()])


def _dropout_after(k: Any) -> Any:
    return k.Sequential([_dense_sigmoid(k), k.layers.Dropout(0.5)])


def _through_model(build: Callable[[Any], Any], dtype: str) -> Iterator[Pair]:
    # Moderate inputs, and inputs that saturate so far that every clipped form is clipped. Between
    # them log(1 - p) of a rounded p says nothing.
    x = (np.array([[1.0], [1], [1], [1e4], [1e4]]) * normal(5, 3)).astype(dtype)
    mine, theirs = models(build, x)
    y = BITS.astype(dtype)

    def loss(k: Any, p: Any) -> Any:
        return k.losses.BinaryCrossentropy()(y, p)

    yield from model_gradients(mine, theirs, loss, x)


def _metric(
    name: str, options: dict[str, Any], batches: list[tuple[Array, ...]], dtype: str
) -> Iterator[Pair]:
    """The result after every batch, with and without weights, and after a reset."""
    for weights in WEIGHTS.values():
        mine = getattr(numpy_nets.metrics, name)(**options)
        theirs = getattr(keras.metrics, name)(**options)
        yield "before any batch", float(mine.result()), float(theirs.result())
        for i, batch in enumerate([*batches, *batches[:1]]):
            if i == len(batches):
                mine.reset_state()
                theirs.reset_state()
            arrays = [a.astype(dtype) if a.dtype.kind == "f" else a for a in batch]
            w = None if weights is None else weights.astype(dtype)
            if name == "Mean" and w is not None:
                w = w.reshape(-1)
            mine.update_state(*arrays, sample_weight=w)
            theirs.update_state(*arrays, sample_weight=w)
            what = "after a reset" if i == len(batches) else f"after batch {i + 1}"
            yield what, float(mine.result()), float(theirs.result())


CASES = [
    Case(
        "loss",
        f"losses.{name}",
        functools.partial(_loss, name, options, data),
        ", ".join(f"{key}={value}" for key, value in options.items()),
    )
    for name, options, data in _LOSSES
]
CASES += [
    Case(
        "loss", f"losses.{name}", functools.partial(_loss_function, name, data, **options), variant
    )
    for name, variant, options, data in [
        ("mean_squared_error", "", {}, _LOSSES[0][2]),
        ("mean_absolute_error", "", {}, _LOSSES[-1][2]),
        ("binary_crossentropy", "", {}, {"clipped": (BITS, CLIPPED), **_LOSSES[3][2]}),
        ("binary_crossentropy", "from_logits=True", {"from_logits": True}, _LOSSES[2][2]),
        ("categorical_crossentropy", "", {}, _LOSSES[5][2]),
        ("categorical_crossentropy", "from_logits=True", {"from_logits": True}, _LOSSES[6][2]),
        ("sparse_categorical_crossentropy", "", {}, _LOSSES[9][2]),
        (
            "sparse_categorical_crossentropy",
            "from_logits=True",
            {"from_logits": True},
            _LOSSES[10][2],
        ),
    ]
]
CASES += [
    Case("loss", "losses.get", _looked_up),
    Case("loss", "losses.LossFunctionWrapper", _own_loss, "a user's own function"),
    Case("loss", "losses.LossFunctionWrapper", _aligned, "of targets of another rank"),
]
CASES += [
    Case(
        "loss",
        f"losses.{loss}",
        functools.partial(_recovered, module, activation, loss, y, reshaped),
        f"of {module}.{activation}, {'reshaped' if reshaped else 'logits recovered'}",
    )
    for module in ("activations", "ops")
    for activation, loss, y in [
        ("sigmoid", "BinaryCrossentropy", BITS),
        ("softmax", "CategoricalCrossentropy", ONE_HOT),
        ("softmax", "SparseCategoricalCrossentropy", LABELS),
    ]
    for reshaped in (False, True)
]
CASES += [
    Case("loss", "losses.BinaryCrossentropy", functools.partial(_through_model, build), variant)
    for variant, build in [
        ("of a sigmoid Dense", _dense_sigmoid),
        ("of an Activation layer", _activation_layer),
        ("of a nested model", _nested),
        ("of a model nested twice", _nested_twice_in_sequential),
        ("of a subclassed model", _subclassed),
        ("of a Reshape: clipped", _reshape_after),
        ("of an idle Dropout", _dropout_after),
    ]
]
CASES += [
    Case("metric", f"metrics.{name}", functools.partial(_metric, name, options, batches), variant)
    for name, variant, options, batches in [
        ("Mean", "", {}, [(normal(5),), (uniform(5),)]),
        ("Mean", "of a constant", {}, [(np.full(5, 0.5),)]),
        ("BinaryAccuracy", "", {}, [(BITS, uniform(5, 4)), (BITS, CLIPPED)]),
        ("BinaryAccuracy", "at the threshold", {}, [(BITS, np.full((5, 4), 0.5))]),
        ("BinaryAccuracy", "threshold=0.75", {"threshold": 0.75}, [(BITS, uniform(5, 4))]),
        ("BinaryAccuracy", "labels (batch,)", {}, [(np.array([0, 1, 1, 0, 1]), uniform(5, 1))]),
        (
            "SparseCategoricalAccuracy",
            "",
            {},
            [(LABELS, normal(5, 4)), (LABELS[:, None], normal(5, 4)), (LABELS, np.ones((5, 4)))],
        ),
        ("MeanSquaredError", "", {}, [(uniform(5, 4), normal(5, 4)), (BITS, normal(5, 4))]),
        ("MeanAbsoluteError", "", {}, [(uniform(5, 4), normal(5, 4)), (BITS, normal(5, 4))]),
        (
            "CategoricalAccuracy",
            "",
            {},
            [(ONE_HOT, normal(5, 4)), (DISTRIBUTION, uniform(5, 4)), (ONE_HOT, np.ones((5, 4)))],
        ),
    ]
]  # fmt: skip
