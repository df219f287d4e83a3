"""Losses: one number for how far predictions are from targets.

A loss computes one value per sample (the mean, or sum, over the last axis), multiplies it by the
sample's weight w, and reduces: "sum_over_batch_size" (the default, also called "mean") divides
Σ w·loss by the number of samples, not by Σ w; "mean_with_sample_weight" divides by Σ w; "sum" does
not divide; None keeps one value per sample.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from numpy_nets import config
from numpy_nets.autodiff import fused, ops
from numpy_nets.autodiff.tensor import Tensor, TensorLike, convert_to_tensor
from numpy_nets.checks import probability
from numpy_nets.naming import lookup, snake_case

_REDUCTIONS = ("sum_over_batch_size", "mean", "mean_with_sample_weight", "sum", "none", None)


class Loss:
    """Base class: subclasses implement `call(y_true, y_pred)`, one value per sample.

    >>> y_true, y_pred = [[0.0], [0.0]], [[1.0], [3.0]]  # squared errors 1 and 9
    >>> for reduction in (None, "sum", "sum_over_batch_size", "mean_with_sample_weight"):
    ...     loss = MeanSquaredError(reduction)
    ...     print(loss(y_true, y_pred, sample_weight=[3.0, 1.0]).numpy())
    [3. 9.]
    12.0
    6.0
    3.0

    Raises:
        ValueError: an unknown reduction; shapes of y_true and y_pred that do not fit.
    """

    def __init__(
        self, name: str | None = None, reduction: str | None = "sum_over_batch_size"
    ) -> None:
        if reduction not in _REDUCTIONS:
            raise ValueError(
                f"{type(self).__name__}: reduction: expected one of {_REDUCTIONS}, "
                f"got {reduction!r}"
            )
        self.reduction = reduction
        self.name = name or snake_case(type(self).__name__)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        raise NotImplementedError

    def __call__(
        self, y_true: TensorLike, y_pred: TensorLike, sample_weight: TensorLike | None = None
    ) -> Tensor:
        prediction = _as_float(y_pred)
        values = self.call(_like(y_true, prediction), prediction)
        weight = None if sample_weight is None else _like(sample_weight, values)
        if weight is not None:
            if weight.shape == (*values.shape, 1):  # (batch, 1) for one value a sample
                values = ops.reshape(values, weight.shape)
            if weight.ndim not in (0, values.ndim) or any(
                w not in (1, n) for w, n in zip(weight.shape, values.shape, strict=False)
            ):
                raise ValueError(
                    f"{self.name}: sample_weight: expected shape {values.shape}, got {weight.shape}"
                )
            values = values * weight
        if self.reduction in (None, "none"):
            return values
        if self.reduction == "sum" or not values.array.size:
            return ops.sum(values)
        if self.reduction == "mean_with_sample_weight" and weight is not None:
            total, weights = ops.sum(values), ops.sum(weight)
            return total / weights if weights else total * 0.0
        return ops.mean(values)


def _as_float(x: TensorLike) -> Tensor:
    tensor = convert_to_tensor(x)
    return tensor if tensor.dtype.kind == "f" else ops.cast(tensor, config.floatx())


def _like(x: TensorLike, other: Tensor) -> Tensor:
    """x in the dtype of `other`."""
    tensor = convert_to_tensor(x)
    return tensor if tensor.dtype == other.dtype else ops.cast(tensor, str(other.dtype))


def _same_shape(what: str, y_true: Tensor, y_pred: Tensor) -> Tensor:
    """y_true in the shape of y_pred: for y_pred (batch, 1), it may be (batch,)."""
    if y_true.shape == y_pred.shape:
        return y_true
    if y_true.ndim == 1 and y_pred.shape == (*y_true.shape, 1):
        return ops.reshape(y_true, y_pred.shape)
    raise ValueError(f"{what}: y_true: expected shape {y_pred.shape}, got {y_true.shape}")


def mean_squared_error(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """Mean over the last axis of (y_true - y_pred)².  (batch, d) -> (batch,).

    >>> mean_squared_error([[1.0, 2.0], [0.0, 0.0]], [[1.0, 4.0], [0.0, 0.0]]).numpy().tolist()
    [2.0, 0.0]

    Raises:
        ValueError: shapes of y_true and y_pred that do not fit.
    """
    prediction = _as_float(y_pred)
    y = _same_shape("mean_squared_error", _like(y_true, prediction), prediction)
    return ops.mean(ops.square(y - prediction), axis=-1)


def binary_crossentropy(
    y_true: TensorLike,
    y_pred: TensorLike,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
) -> Tensor:
    """Mean over the last axis of -(y log p + (1-y) log(1-p)).  (batch, d) -> (batch,).

    >>> print(binary_crossentropy([[1.0], [0.0]], [[0.5], [0.25]]).numpy().round(3))
    [0.693 0.288]
    >>> print(binary_crossentropy([[1.0]], [[0.0]], from_logits=True).numpy().round(3))
    [0.693]

    The first two are -log ½ and -log ¾, the last is -log σ(0) = -log ½.

    Args:
        y_true: targets in [0, 1]. As in Keras, nothing checks this: others, such as pixels that
            were not divided by 255, give a loss that may be negative.
        y_pred: probabilities p, or logits z with p = σ(z). If p is the output of a sigmoid
            activation, the loss is computed from its logits, and the gradient p - y goes to them
            without passing through the sigmoid: see `autodiff/fused.py`.
        from_logits: whether y_pred holds logits. The output of a sigmoid or softmax never does.
        label_smoothing: s replaces y by y (1-s) + s/2 (Szegedy et al. 2016, section 7).

    Raises:
        ValueError: shapes of y_true and y_pred that do not fit.
    """
    p = _as_float(y_pred)
    y = _same_shape("binary_crossentropy", _like(y_true, p), p)
    if label_smoothing:
        y = y * (1 - label_smoothing) + 0.5 * label_smoothing
    if p.logits is not None:
        return fused.mean_crossentropy(y, p)
    if from_logits:
        return fused.mean_crossentropy_from_logits(y, p)
    return ops.mean(ops.binary_crossentropy(y, p), axis=-1)


def categorical_crossentropy(
    y_true: TensorLike,
    y_pred: TensorLike,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
) -> Tensor:
    """-Σ_c y_c log p_c over the last axis, the classes.  (batch, classes) -> (batch,).

    >>> print(categorical_crossentropy([[0.0, 1.0]], [[0.5, 0.5]]).numpy().round(3))  # -log ½
    [0.693]

    Args:
        y_true: one-hot targets, or probabilities of the classes.
        y_pred: probabilities (scaled to sum to 1, then clipped to [1e-7, 1 - 1e-7]), or logits;
            from a softmax activation, the loss is computed from its logits.
        from_logits: whether y_pred holds logits.
        label_smoothing: s replaces y by y (1-s) + s / classes (Szegedy et al. 2016, section 7).

    Raises:
        ValueError: y_true and y_pred have different shapes.
    """
    p = _as_float(y_pred)
    y = _like(y_true, p)
    if y.shape != p.shape:
        raise ValueError(
            f"categorical_crossentropy: y_true: expected shape {p.shape}, got {y.shape}"
        )
    if label_smoothing:
        y = y * (1 - label_smoothing) + label_smoothing / p.shape[-1]
    if p.logits is not None:
        p, from_logits = p.logits, True
    if from_logits:
        log_p = ops.log_softmax(p)
    else:
        log_p = _clipped_log(p / ops.sum(p, axis=-1, keepdims=True))
    return -ops.sum(y * log_p, axis=-1)


def sparse_categorical_crossentropy(
    y_true: TensorLike, y_pred: TensorLike, from_logits: bool = False
) -> Tensor:
    """-log p of the true class.  y_true (batch,) or (batch, 1), y_pred (batch, classes).

    >>> print(sparse_categorical_crossentropy([1], [[0.5, 0.5]]).numpy().round(3))  # -log ½
    [0.693]

    Args:
        y_true: integer labels from 0 to classes - 1.
        y_pred: probabilities (clipped to [1e-7, 1 - 1e-7], then scaled to sum to 1), or logits;
            from a softmax activation, the loss is computed from its logits.
        from_logits: whether y_pred holds logits.

    Raises:
        ValueError: labels that are out of range or have another shape.
    """
    p = _as_float(y_pred)
    labels = convert_to_tensor(y_true).array
    if labels.shape == (*p.shape[:-1], 1):
        labels = labels[..., 0]
    if labels.shape != p.shape[:-1]:
        raise ValueError(
            f"sparse_categorical_crossentropy: y_true: expected shape {p.shape[:-1]}, "
            f"got {labels.shape}"
        )
    classes = np.arange(p.shape[-1])
    one_hot = labels[..., None] == classes
    if not one_hot.any(axis=-1).all():
        wrong = labels[~one_hot.any(axis=-1)][0]
        raise ValueError(
            f"sparse_categorical_crossentropy: y_true: expected labels 0 to {len(classes) - 1}, "
            f"got {wrong:g}"
        )
    if p.logits is not None:
        p, from_logits = p.logits, True
    z = p if from_logits else _clipped_log(p)
    return -ops.sum(ops.log_softmax(z) * one_hot.astype(p.dtype), axis=-1)


def _clipped_log(p: Tensor) -> Tensor:
    return ops.log(ops.clip(p, config.epsilon(), 1 - config.epsilon()))


class MeanSquaredError(Loss):
    """See `mean_squared_error`.

    >>> float(MeanSquaredError()([[0.0, 0.0], [0.0, 0.0]], [[1.0, 1.0], [1.0, 3.0]]))  # 1 and 5
    3.0
    """

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str = "mean_squared_error"
    ) -> None:
        super().__init__(name, reduction)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return mean_squared_error(y_true, y_pred)


class _Smoothed(Loss):
    """A crossentropy that takes label_smoothing, a number in [0, 1]; ValueError for others."""

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        *,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
    ) -> None:
        super().__init__(name, reduction)
        self.from_logits = from_logits
        self.label_smoothing = probability(
            f"{type(self).__name__}: label_smoothing", label_smoothing
        )


class BinaryCrossentropy(_Smoothed):
    """See `binary_crossentropy`.

    >>> print(BinaryCrossentropy()([[1.0], [0.0]], [[0.5], [0.5]]).numpy().round(3))
    0.693
    >>> smoothed = BinaryCrossentropy(label_smoothing=0.2)  # y = 0.9: 0.9 · 0.288 + 0.1 · 1.386
    >>> print(smoothed([[1.0]], [[0.75]]).numpy().round(3))
    0.398
    """

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return binary_crossentropy(y_true, y_pred, self.from_logits, self.label_smoothing)


class CategoricalCrossentropy(_Smoothed):
    """See `categorical_crossentropy`.

    >>> print(CategoricalCrossentropy()([[0.0, 1.0]], [[0.5, 0.5]]).numpy().round(3))
    0.693
    """

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return categorical_crossentropy(y_true, y_pred, self.from_logits, self.label_smoothing)


class SparseCategoricalCrossentropy(Loss):
    """See `sparse_categorical_crossentropy`.

    >>> print(SparseCategoricalCrossentropy()([1], [[0.5, 0.5]]).numpy().round(3))
    0.693
    """

    def __init__(
        self,
        from_logits: bool = False,
        *,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
    ) -> None:
        super().__init__(name, reduction)
        self.from_logits = from_logits

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return sparse_categorical_crossentropy(y_true, y_pred, self.from_logits)


LossFunction: TypeAlias = Callable[[Any, Any], Any]


class _FunctionLoss(Loss):
    """A function `(y_true, y_pred) -> one value per sample`, reduced as losses are."""

    def __init__(self, function: LossFunction) -> None:
        super().__init__(name=getattr(function, "__name__", "loss"))
        self.function = function

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return convert_to_tensor(self.function(y_true, y_pred))


_BY_NAME = {
    "binary_crossentropy": BinaryCrossentropy,
    "mean_squared_error": MeanSquaredError,
    "mse": MeanSquaredError,
    "categorical_crossentropy": CategoricalCrossentropy,
    "sparse_categorical_crossentropy": SparseCategoricalCrossentropy,
}


def get(identifier: str | Loss | LossFunction) -> Loss:
    """A loss by its name, the loss itself, or one made from a function.

    >>> absolute = get(lambda y_true, y_pred: ops.mean(ops.abs(y_true - y_pred), axis=-1))
    >>> float(absolute([[0.0], [0.0]], [[1.0], [-3.0]]))
    2.0
    """
    if isinstance(identifier, Loss):
        return identifier
    if callable(identifier):
        return _FunctionLoss(identifier)
    loss: Callable[[], Loss] = lookup("loss", identifier, _BY_NAME)
    return loss()
