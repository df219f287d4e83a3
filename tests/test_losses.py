"""Losses against closed forms in plain NumPy, float64."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from numpy_nets import GradientTape, activations, config, gradcheck, losses, ops
from numpy_nets.autodiff.tensor import Array, Tensor
from numpy_nets.losses import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    MeanAbsoluteError,
    MeanSquaredError,
    SparseCategoricalCrossentropy,
)

RNG = np.random.default_rng(0)
Z = RNG.normal(size=(5, 3))
P = RNG.uniform(0.05, 0.95, (5, 3))
Y = RNG.uniform(0, 1, (5, 3))
LABELS = np.array([0, 2, 1, 1, 0])
ONE_HOT = np.eye(3)[LABELS]
WEIGHTS = np.array([1.0, 0.0, 2.0, 0.5, 3.0])
EPSILON = 1e-7


@pytest.fixture(autouse=True)
def _double_precision() -> Iterator[None]:
    config.set_floatx("float64")
    yield
    config.set_floatx("float32")


def close(value: Tensor, expected: Any) -> None:
    assert value.shape == np.shape(expected)
    np.testing.assert_allclose(value.array, expected, rtol=1e-12, atol=1e-15)


def sigmoid(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


def softmax(z: Array) -> Array:
    e = np.exp(z)
    return e / e.sum(axis=-1, keepdims=True)


def mse(y: Array, p: Array) -> Array:
    return ((y - p) ** 2).mean(axis=-1)


def bce(y: Array, p: Array) -> Array:
    p = np.clip(p, EPSILON, 1 - EPSILON)
    return -(y * np.log(p) + (1 - y) * np.log(1 - p)).mean(axis=-1)


def cce(y: Array, p: Array) -> Array:
    p = np.clip(p / p.sum(axis=-1, keepdims=True), EPSILON, 1 - EPSILON)
    return -(y * np.log(p)).sum(axis=-1)


def sparse(labels: Array, p: Array) -> Array:
    p = np.clip(p, EPSILON, 1 - EPSILON)
    p = p / p.sum(axis=-1, keepdims=True)
    return -np.log(p[np.arange(len(labels)), labels])


# loss, y_true, y_pred, closed form of one value per sample
FORMS: dict[str, tuple[Any, Array, Array, Array]] = {
    "mse": (MeanSquaredError, Y, Z, mse(Y, Z)),
    "mae": (MeanAbsoluteError, Y, Z, np.abs(Y - Z).mean(axis=-1)),
    "bce": (BinaryCrossentropy, Y, P, bce(Y, P)),
    "bce from logits": (
        lambda **o: BinaryCrossentropy(from_logits=True, **o), Y, Z, bce(Y, sigmoid(Z))
    ),
    "bce smoothed": (
        lambda **o: BinaryCrossentropy(label_smoothing=0.2, **o), Y, P, bce(Y * 0.8 + 0.1, P)
    ),
    "cce": (CategoricalCrossentropy, ONE_HOT, P, cce(ONE_HOT, P)),
    "cce of soft targets": (CategoricalCrossentropy, Y, P, cce(Y, P)),
    "cce from logits": (
        lambda **o: CategoricalCrossentropy(from_logits=True, **o), ONE_HOT, Z,
        cce(ONE_HOT, softmax(Z)),
    ),
    "cce smoothed": (
        lambda **o: CategoricalCrossentropy(label_smoothing=0.3, **o), ONE_HOT, P,
        cce(ONE_HOT * 0.7 + 0.1, P),
    ),
    "sparse": (SparseCategoricalCrossentropy, LABELS, P, sparse(LABELS, P)),
    "sparse column": (SparseCategoricalCrossentropy, LABELS[:, None], P, sparse(LABELS, P)),
    "sparse from logits": (
        lambda **o: SparseCategoricalCrossentropy(from_logits=True, **o), LABELS, Z,
        sparse(LABELS, softmax(Z)),
    ),
}  # fmt: skip

each_form = pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)


@each_form
def test_values_are_the_closed_form(form) -> None:
    loss, y, p, values = form
    close(loss(reduction=None)(y, p), values)
    close(loss(reduction="none")(y, p), values)


@each_form
def test_reductions_divide_by_samples_or_by_nothing(form) -> None:
    loss, y, p, values = form
    close(loss()(y, p), values.mean())
    for reduction in ("sum_over_batch_size", "mean", "mean_with_sample_weight"):
        close(loss(reduction=reduction)(y, p), values.mean())
    close(loss(reduction="sum")(y, p), values.sum())


@each_form
@pytest.mark.parametrize("weights", [WEIGHTS, WEIGHTS[:, None], WEIGHTS.tolist()])
def test_sample_weights_divide_by_samples_or_by_weights_as_the_reduction_says(
    form, weights
) -> None:
    loss, y, p, values = form
    weighted = values * WEIGHTS
    kept = weighted.reshape(np.shape(weights))  # one value a weight, in the weights' shape
    close(loss(reduction=None)(y, p, sample_weight=weights), kept)
    close(loss()(y, p, weights), weighted.sum() / 5)
    close(loss(reduction="mean")(y, p, weights), weighted.sum() / 5)
    close(loss(reduction="sum")(y, p, weights), weighted.sum())
    close(loss(reduction="mean_with_sample_weight")(y, p, weights), weighted.sum() / WEIGHTS.sum())


@each_form
def test_the_gradient_is_the_central_difference(form) -> None:
    loss, y, p, _ = form
    gradcheck(lambda x: loss()(y, x, WEIGHTS), [p])
    gradcheck(lambda x: loss(reduction=None)(y, x), [p])


@pytest.mark.parametrize("name", ["mse", "bce", "bce from logits", "bce smoothed", "cce"])
def test_targets_have_gradients_too(name) -> None:
    loss, y, p, _ = FORMS[name]
    gradcheck(loss(), [y, p])


@each_form
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_loss_is_computed_in_floatx_whatever_it_is_given(form, dtype) -> None:
    config.set_floatx("float32")
    loss, y, p, values = form
    x = Tensor(p.astype(dtype))
    with GradientTape() as tape:
        tape.watch(x)
        result = loss()(y, x, sample_weight=WEIGHTS)
    assert result.dtype == np.float32
    assert tape.gradient(result, x).dtype == dtype
    np.testing.assert_allclose(result.array, (values * WEIGHTS).sum() / 5, rtol=1e-5)


@each_form
def test_all_axes_before_the_last_are_samples(form) -> None:
    loss, y, p, values = form
    two = (np.stack([y, y[::-1]]), np.stack([p, p[::-1]]))
    close(loss(reduction=None)(*two), np.stack([values, values[::-1]]))
    close(loss()(*two), values.mean())


@each_form
def test_a_batch_of_one_sample_is_its_value(form) -> None:
    loss, y, p, values = form
    close(loss()(y[:1], p[:1]), values[0])


@each_form
def test_an_empty_batch_has_loss_0_and_an_empty_gradient(form) -> None:
    loss, y, p, _ = form
    x = Tensor(p[:0])
    with GradientTape() as tape:
        tape.watch(x)
        result = loss()(y[:0], x)
    close(result, 0.0)
    assert tape.gradient(result, x).shape == (0, 3)


@pytest.mark.parametrize("weights", [np.zeros(5), np.array([1.0, -1.0, 0.0, 2.0, -2.0])])
def test_weights_that_add_up_to_zero_give_0_and_no_warning(weights) -> None:
    loss = MeanSquaredError(reduction="mean_with_sample_weight")
    x = Tensor(Z)
    with GradientTape() as tape:
        tape.watch(x)
        result = loss(Y, x, weights)
    close(result, 0.0)
    assert not tape.gradient(result, x).array.any()


def test_one_number_weighs_all_samples() -> None:
    close(MeanSquaredError()(Y, Z, 2.0), 2 * mse(Y, Z).mean())


def test_weights_of_samples_hold_for_all_their_values() -> None:
    y, p = RNG.normal(size=(2, 4, 3)), RNG.normal(size=(2, 4, 3))
    weights = np.array([[2.0], [3.0]])
    close(MeanSquaredError(reduction=None)(y, p, weights), mse(y, p) * weights)


def test_lists_integers_and_booleans_are_taken_in_floatx() -> None:
    config.set_floatx("float32")
    loss = MeanSquaredError()([[0, 1], [1, 1]], [[0.5, 1.0], [1.0, 0.0]])
    assert loss.dtype == np.float32
    assert float(loss) == pytest.approx(1.25 / 4)
    assert BinaryCrossentropy()(np.array([[True]]), np.array([[1]])).dtype == np.float32


@pytest.mark.parametrize("loss", [MeanSquaredError, BinaryCrossentropy])
def test_targets_of_one_output_unit_may_leave_out_the_last_axis(loss) -> None:
    close(loss(reduction=None)(Y[:, 0], P[:, :1]), loss(reduction=None)(Y[:, :1], P[:, :1]).array)


# Section 2 of the Keras semantics: ε, and the logits that a sigmoid keeps.

TABLE = [  # z, y, value and gradient from logits, value from clipped float32 probabilities
    (20.0, 0.0, 20.0, 1.0, 15.9424),
    (100.0, 0.0, 100.0, 1.0, 15.9424),
    (-20.0, 1.0, 20.0, -1.0, 16.1181),
    (-100.0, 1.0, 100.0, -1.0, 16.1181),
    (20.0, 1.0, 2.06e-9, -2.06e-9, 1.192e-7),
]


def bce_after(z: float, y: float, then: Callable[[Tensor], Tensor]) -> tuple[float, float]:
    config.set_floatx("float32")
    x = Tensor(np.float32([[z]]))
    with GradientTape() as tape:
        tape.watch(x)
        loss = BinaryCrossentropy()(np.array([[y]]), then(activations.sigmoid(x)))
    return float(loss), float(tape.gradient(loss, x).array[0, 0])


@pytest.mark.parametrize(("z", "y", "value", "slope", "clipped"), TABLE)
def test_after_a_sigmoid_the_loss_is_computed_from_its_logits(z, y, value, slope, clipped) -> None:
    loss, gradient = bce_after(z, y, lambda p: p)
    assert loss == pytest.approx(value, rel=1e-3)
    assert gradient == pytest.approx(slope, rel=1e-3, abs=1e-8)


@pytest.mark.parametrize(("z", "y", "value", "slope", "clipped"), TABLE)
@pytest.mark.parametrize("then", [lambda p: p * 1.0, lambda p: ops.reshape(p, (1, 1))])
def test_after_any_further_op_the_probabilities_are_clipped(
    z, y, value, slope, clipped, then
) -> None:
    loss, gradient = bce_after(z, y, then)
    assert loss == pytest.approx(clipped, rel=1e-4)
    assert gradient == 0


def test_in_float64_both_sides_are_clipped_alike() -> None:
    for y, p in ((0.0, 1.0), (1.0, 0.0)):
        loss = BinaryCrossentropy()(np.array([[y]]), np.array([[p]]))
        assert float(loss) == pytest.approx(-math.log(1e-7), rel=1e-9)


@pytest.mark.parametrize(
    ("loss", "y"),
    [(CategoricalCrossentropy, np.eye(3)[[1]]), (SparseCategoricalCrossentropy, np.array([1]))],
)
def test_after_a_softmax_the_loss_is_computed_from_its_logits(loss, y) -> None:
    config.set_floatx("float32")
    z = Tensor(np.float32([[100, 0, -100]]))
    with GradientTape() as tape:
        tape.watch(z)
        result = loss()(y, activations.softmax(z))
    assert float(result) == 100
    assert tape.gradient(result, z).array.tolist() == [[1, -1, 0]]
    clipped = loss()(y, activations.softmax(z) * 1.0)
    assert float(clipped) == pytest.approx(-math.log(1e-7), rel=1e-3)


@pytest.mark.parametrize(
    ("loss", "y"),
    [(CategoricalCrossentropy, np.eye(3)[[1]]), (SparseCategoricalCrossentropy, np.array([1]))],
)
@pytest.mark.parametrize(("p", "clipped"), [(0.0, EPSILON), (1.0, 1 - EPSILON)])
def test_probabilities_of_classes_are_clipped_at_both_ends(loss, y, p, clipped) -> None:
    """The others share what is left, and a sparse loss scales the sum to 1 after clipping."""
    others = np.clip((1 - p) / 2, EPSILON, 1 - EPSILON)
    total = clipped + 2 * others if loss is SparseCategoricalCrossentropy else 1.0
    result = loss()(y, np.array([[(1 - p) / 2, p, (1 - p) / 2]]))
    assert float(result) == pytest.approx(-math.log(clipped / total), rel=1e-9)


def test_extreme_logits_give_finite_losses_and_gradients() -> None:
    z = np.float32([[1e4, -1e4, 0]])
    for loss, y in [
        (CategoricalCrossentropy(from_logits=True), [[0.0, 1.0, 0.0]]),
        (SparseCategoricalCrossentropy(from_logits=True), [1]),
    ]:
        x = Tensor(z)
        with GradientTape() as tape:
            tape.watch(x)
            result = loss(y, x)
        assert np.isfinite(float(result))
        assert np.isfinite(tape.gradient(result, x).array).all()


# Functions, names, errors.


def test_the_functions_give_one_value_a_sample() -> None:
    close(losses.mean_squared_error(Y, Z), mse(Y, Z))
    close(losses.binary_crossentropy(Y, P), bce(Y, P))
    close(losses.binary_crossentropy(Y, Z, from_logits=True), bce(Y, sigmoid(Z)))
    close(losses.categorical_crossentropy(ONE_HOT, P), cce(ONE_HOT, P))
    close(losses.sparse_categorical_crossentropy(LABELS, P), sparse(LABELS, P))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("mean_absolute_error", MeanAbsoluteError), ("mean_squared_error", MeanSquaredError),
        ("binary_crossentropy", BinaryCrossentropy),
        ("categorical_crossentropy", CategoricalCrossentropy),
        ("sparse_categorical_crossentropy", SparseCategoricalCrossentropy),
    ],
)  # fmt: skip
def test_get_gives_a_function_for_a_name_and_a_loss_for_a_loss_or_its_class(name, kind) -> None:
    """Keras: get("mse") of two samples is [2.5, 12.5], not their mean 7.5."""
    assert losses.get(name) is getattr(losses, name)
    assert type(losses.get(kind)) is kind
    mine = kind()
    assert losses.get(mine) is mine


def test_a_name_may_be_short() -> None:
    assert losses.get("mse") is losses.mean_squared_error
    assert losses.get("mae") is losses.mean_absolute_error


def test_a_function_becomes_a_loss_with_its_name() -> None:
    def median_error(y_true, y_pred):
        return ops.mean(ops.abs(y_true - y_pred), axis=-1)

    loss = losses.LossFunctionWrapper(median_error)
    assert loss.name == "median_error"
    close(loss(Y, Z, WEIGHTS), (np.abs(Y - Z).mean(axis=-1) * WEIGHTS).mean())


@pytest.mark.parametrize(
    ("y_true", "y_pred", "aligned"),
    [
        ((4,), (4, 1), (4, 1)), ((4, 1), (4,), (4, 1)), ((4, 3), (4, 3, 1), (4, 3)),
        ((4, 3, 1), (4, 3), (4, 3)), ((4, 3), (4, 3), (4, 3)),
    ],
)  # fmt: skip
def test_a_function_sees_targets_and_predictions_of_one_rank(y_true, y_pred, aligned) -> None:
    """As Keras's squeeze_or_expand_to_same_rank; a difference of (4,) and (4, 1) is (4, 4)."""
    shapes = []

    def spread(y, p):
        shapes.append((y.shape, p.shape))
        return ops.mean(ops.square(y - p))

    loss = losses.LossFunctionWrapper(spread)
    size = math.prod(y_true)
    assert float(loss(np.arange(size).reshape(y_true), np.arange(size).reshape(y_pred))) == 0.0
    assert shapes == [(aligned, aligned)]


def test_losses_are_named_after_their_class() -> None:
    assert BinaryCrossentropy().name == "binary_crossentropy"
    assert MeanSquaredError(name="reconstruction").name == "reconstruction"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: losses.get("binary_crosentropy"), "loss: unknown .*did you mean 'binary_crossent"),
        (lambda: losses.get(5), "loss: unknown 5; known: binary_crossentropy, mean_squared_error"),
        (lambda: MeanSquaredError(reduction="avg"), "MeanSquaredError: reduction: .*, got 'avg'"),
        (
            lambda: BinaryCrossentropy(label_smoothing=1.5),
            r"BinaryCrossentropy: label_smoothing: expected a number in \[0, 1\], got 1.5",
        ),
        (
            lambda: CategoricalCrossentropy(label_smoothing=-1),
            r"CategoricalCrossentropy: label_smoothing: expected a number in \[0, 1\], got -1",
        ),
        (
            lambda: MeanSquaredError()(Y[:, :2], Z),
            r"mean_squared_error: y_true: expected shape \(5, 3\), got \(5, 2\)",
        ),
        (
            lambda: BinaryCrossentropy()(Y[:4], P),
            r"binary_crossentropy: y_true: expected shape \(5, 3\), got \(4, 3\)",
        ),
        (
            lambda: MeanSquaredError()(Y[:, 0], Z),
            r"mean_squared_error: y_true: expected shape \(5, 3\), got \(5,\)",
        ),
        (
            lambda: losses.mean_squared_error(1.0, Z[0, :1]),
            r"mean_squared_error: y_true: expected shape \(1,\), got \(\)",
        ),
        (  # would broadcast to (5, 5)
            lambda: MeanSquaredError()(Y[:, 0], Y[:, :1].T),
            r"y_true: expected shape \(1, 5\), got \(5,\)",
        ),
        (
            lambda: CategoricalCrossentropy()(LABELS, P),
            r"categorical_crossentropy: y_true: expected shape \(5, 3\), got \(5,\)",
        ),
        (
            lambda: CategoricalCrossentropy()(ONE_HOT, P[:, :2]),
            r"categorical_crossentropy: y_true: expected shape \(5, 2\), got \(5, 3\)",
        ),
        (
            lambda: SparseCategoricalCrossentropy()(ONE_HOT, P),
            r"sparse_categorical_crossentropy: y_true: expected shape \(5,\), got \(5, 3\)",
        ),
        (
            lambda: SparseCategoricalCrossentropy()([0, 1, 2, 3, 0], P),
            "y_true: expected labels 0 to 2, got 3",
        ),
        (
            lambda: SparseCategoricalCrossentropy()([0, -1, 2, 1, 0], P),
            "y_true: expected labels 0 to 2, got -1",
        ),
        (lambda: SparseCategoricalCrossentropy()([0, 1, 2, 1, 0.5], P), "0 to 2, got 0.5"),
        (lambda: SparseCategoricalCrossentropy()([0, 1, 2, 1, math.nan], P), "0 to 2, got nan"),
        (
            lambda: MeanSquaredError()(Y, Z, np.ones(4)),
            r"mean_squared_error: sample_weight: expected shape \(5,\), got \(4,\)",
        ),
        (
            lambda: MeanSquaredError()(Y, Z, np.ones((5, 3))),
            r"sample_weight: expected shape \(5,\), got \(5, 3\)",
        ),
    ],
)  # fmt: skip
def test_what_does_not_fit_raises_one_line_that_says_what_was_expected(call, message) -> None:
    with pytest.raises(ValueError, match=message) as error:
        call()
    assert "\n" not in str(error.value)


def test_a_loss_takes_its_name_first_as_in_keras() -> None:
    loss = losses.Loss("mine", "sum")
    assert (loss.name, loss.reduction) == ("mine", "sum")


def test_targets_beyond_one_are_not_noticed() -> None:
    assert float(losses.BinaryCrossentropy()(np.array([[255.0]]), np.array([[0.9]]))) < 0


@pytest.mark.parametrize("activation", [activations.sigmoid, activations.softmax])
def test_after_either_activation_the_gradient_is_that_of_the_loss(activation) -> None:
    y = np.array([[1.0, 0.0, 1.0], [0.0, 0.25, 0.5]])
    z = np.array([[1.0, -2.0, 3.0], [0.5, 0.0, -1.0]])
    gradcheck(lambda z: losses.binary_crossentropy(y, activation(z)), [z])


def test_labels_of_sequences_are_checked_by_their_own_axes() -> None:
    p = np.full((2, 3, 4), 0.25)
    with pytest.raises(ValueError, match=r"expected labels 0 to 3, got 7$"):
        losses.sparse_categorical_crossentropy(np.array([[0, 1, 2], [3, 7, 9]]), p)
    with pytest.raises(ValueError, match=r"y_true: expected shape \(2, 3\), got \(2,\)"):
        losses.sparse_categorical_crossentropy(np.array([0, 1]), p)
    loss = losses.sparse_categorical_crossentropy(np.array([[0, 1, 2], [3, 0, 1]]), p)
    np.testing.assert_allclose(loss.array, np.full((2, 3), np.log(4)), rtol=1e-6)


def test_predictions_of_truth_values_count_as_numbers() -> None:
    loss = losses.mean_squared_error(np.array([[1.0, 0.0]]), np.array([[True, True]]))
    assert loss.array.tolist() == [0.5]


def test_a_loss_shows_its_function_and_options_as_in_keras() -> None:
    text = repr(BinaryCrossentropy(label_smoothing=0.25))
    assert text.startswith("<LossFunctionWrapper(<function binary_crossentropy at ")
    assert text.endswith("kwargs={'from_logits': False, 'label_smoothing': 0.25})>")
