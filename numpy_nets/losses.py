"""Losses: one number for how far predictions are from targets.

A loss computes a value for each sample (the mean, or sum, over the last axis), weights it, and
reduces: "sum_over_batch_size" (the default, also called "mean") divides Σ w·loss by the number of
samples, not by Σ w; "mean_with_sample_weight" divides by Σ w; "sum" does not divide; None keeps
one value a sample.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from numpy_nets import config
from numpy_nets.autodiff import fused, ops
from numpy_nets.autodiff.tensor import Tensor, TensorLike, convert_to_tensor
from numpy_nets.naming import lookup, snake_case

_REDUCTIONS = ("sum_over_batch_size", "mean", "mean_with_sample_weight", "sum", "none", None)


class Loss:
    """Base class: subclasses give `call(y_true, y_pred)`, one value a sample.

    Raises:
        ValueError: unknown reduction; shapes of y_true and y_pred that do not fit.
    """

    def __init__(
        self, name: str | None = None, reduction: str | None = "sum_over_batch_size"
    ) -> None:
        if reduction not in _REDUCTIONS:
            raise ValueError(f"reduction: expected one of {_REDUCTIONS}, got {reduction!r}")
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

    Args:
        y_true: targets in [0, 1]. Others, such as pixels not divided by 255, are not noticed, as
            in Keras, and give a loss that may be negative.
        y_pred: probabilities p, or logits z with p = σ(z). If p is the output of a sigmoid
            activation, the loss is computed from its logits.
        from_logits: whether y_pred holds logits.
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

    Args:
        y_true: one-hot targets, or probabilities of classes.
        y_pred: probabilities (scaled to sum to 1, then clipped to [1e-7, 1 - 1e-7]), or logits;
            from a softmax activation, the loss is computed from its logits.
        from_logits: whether y_pred holds logits.
        label_smoothing: s replaces y by y (1-s) + s / classes (Szegedy et al. 2016, section 7).

    Raises:
        ValueError: y_true and y_pred of different shapes.
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

    Args:
        y_true: integer labels from 0 to classes - 1.
        y_pred: probabilities (clipped to [1e-7, 1 - 1e-7], then scaled to sum to 1), or logits;
            from a softmax activation, the loss is computed from its logits.
        from_logits: whether y_pred holds logits.

    Raises:
        ValueError: labels out of range, or of another shape.
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
    """See `mean_squared_error`."""

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str = "mean_squared_error"
    ) -> None:
        super().__init__(name, reduction)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return mean_squared_error(y_true, y_pred)


class _Smoothed(Loss):
    """Raises ValueError for label_smoothing outside of [0, 1]."""

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
        self.label_smoothing = _check_smoothing(label_smoothing)


class BinaryCrossentropy(_Smoothed):
    """See `binary_crossentropy`."""

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return binary_crossentropy(y_true, y_pred, self.from_logits, self.label_smoothing)


class CategoricalCrossentropy(_Smoothed):
    """See `categorical_crossentropy`."""

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return categorical_crossentropy(y_true, y_pred, self.from_logits, self.label_smoothing)


class SparseCategoricalCrossentropy(Loss):
    """See `sparse_categorical_crossentropy`."""

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


def _check_smoothing(value: float) -> float:
    if not 0 <= value <= 1:
        raise ValueError(f"label_smoothing: expected a number in [0, 1], got {value!r}")
    return value


LossFunction: TypeAlias = Callable[[Any, Any], Any]


class _FunctionLoss(Loss):
    """A function `(y_true, y_pred) -> one value a sample`, reduced as losses are."""

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
    """A loss by its name, the one given, or one made of a function."""
    if isinstance(identifier, Loss):
        return identifier
    if callable(identifier):
        return _FunctionLoss(identifier)
    loss: Callable[[], Loss] = lookup("loss", identifier, _BY_NAME)
    return loss()
