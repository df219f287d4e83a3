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

LossFunction: TypeAlias = Callable[..., Any]

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
        self.dtype = config.floatx()
        self.name = name or snake_case(type(self).__name__)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        raise NotImplementedError

    def __call__(
        self, y_true: TensorLike, y_pred: TensorLike, sample_weight: TensorLike | None = None
    ) -> Tensor:
        values = self.call(_cast(y_true, self.dtype), _cast(y_pred, self.dtype))
        weight = None if sample_weight is None else _cast(sample_weight, values.dtype)
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


class LossFunctionWrapper(Loss):
    """The loss of a function (y_true, y_pred) -> one value per sample.

    y_true and y_pred reach the function with as many axes each: for y_pred (batch, 1), targets
    (batch,) become (batch, 1), because their difference would else be (batch, batch).

    >>> absolute = LossFunctionWrapper(lambda y, p: ops.mean(ops.abs(y - p), axis=-1))
    >>> float(absolute([0.0, 0.0], [[1.0], [-3.0]]))
    2.0

    Args:
        kwargs: further arguments of the function.
    """

    def __init__(
        self,
        fn: LossFunction,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name or getattr(fn, "__name__", None), reduction)
        self.fn, self.kwargs = fn, kwargs

    def __repr__(self) -> str:
        return f"<LossFunctionWrapper({self.fn}, kwargs={self.kwargs})>"

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return convert_to_tensor(self.fn(*_same_rank(y_true, y_pred), **self.kwargs))


def _as_float(x: TensorLike) -> Tensor:
    tensor = convert_to_tensor(x)
    return tensor if tensor.dtype.kind == "f" else ops.cast(tensor, config.floatx())


def _cast(x: TensorLike, dtype: Any) -> Tensor:
    tensor = convert_to_tensor(x)
    return tensor if tensor.dtype == dtype else ops.cast(tensor, str(dtype))


def _same_rank(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Both with as many axes, if one lacks only the last axis of the other, of length 1."""
    if a.ndim > b.ndim:
        b, a = _same_rank(b, a)
    elif a.ndim and b.ndim == a.ndim + 1 and b.shape[-1] == 1:
        if a.ndim == 1:
            a = ops.reshape(a, (*a.shape, 1))
        else:
            b = ops.reshape(b, b.shape[:-1])
    return a, b


def _same_shape(what: str, y_true: TensorLike, y_pred: TensorLike) -> tuple[Tensor, Tensor]:
    """y_true and y_pred in one dtype and one shape, after `_same_rank`."""
    prediction = _as_float(y_pred)
    y, p = _same_rank(_cast(y_true, prediction.dtype), prediction)
    if y.shape != p.shape:
        raise ValueError(f"{what}: y_true: expected shape {p.shape}, got {y.shape}")
    return y, p


def mean_squared_error(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """Mean over the last axis of (y_true - y_pred)².  (batch, d) -> (batch,).

    >>> mean_squared_error([[1.0, 2.0], [0.0, 0.0]], [[1.0, 4.0], [0.0, 0.0]]).numpy().tolist()
    [2.0, 0.0]

    Raises:
        ValueError: shapes of y_true and y_pred that do not fit.
    """
    y, p = _same_shape("mean_squared_error", y_true, y_pred)
    return ops.mean(ops.square(y - p), axis=-1)


def mean_absolute_error(y_true: TensorLike, y_pred: TensorLike) -> Tensor:
    """Mean over the last axis of |y_true - y_pred|.  (batch, d) -> (batch,).

    >>> mean_absolute_error([[1.0, 2.0], [0.0, 0.0]], [[1.0, 4.0], [0.0, 0.0]]).numpy().tolist()
    [1.0, 0.0]

    Raises:
        ValueError: shapes of y_true and y_pred that do not fit.
    """
    y, p = _same_shape("mean_absolute_error", y_true, y_pred)
    return ops.mean(ops.abs(y - p), axis=-1)


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
        from_logits: whether y_pred holds logits. The output of a sigmoid or softmax never does; it
            is not taken for logits, but a warning says so.
        label_smoothing: s replaces y by y (1-s) + s/2 (Szegedy et al. 2016, section 7).

    Raises:
        ValueError: shapes of y_true and y_pred that do not fit.
    """
    y, p = _same_shape("binary_crossentropy", y_true, y_pred)
    if label_smoothing:
        y = y * (1 - label_smoothing) + 0.5 * label_smoothing
    z, from_logits = ops.recover_logits(p, from_logits)
    if z is not p:
        return fused.mean_crossentropy(y, p)
    if from_logits:
        return fused.mean_crossentropy_from_logits(y, z)
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
    y, p = _same_shape("categorical_crossentropy", y_true, y_pred)
    if label_smoothing:
        y = y * (1 - label_smoothing) + label_smoothing / p.shape[-1]
    p, from_logits = ops.recover_logits(p, from_logits)
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
    p, from_logits = ops.recover_logits(p, from_logits)
    z = p if from_logits else _clipped_log(p)
    return -ops.sum(ops.log_softmax(z) * one_hot.astype(p.dtype), axis=-1)


def _clipped_log(p: Tensor) -> Tensor:
    return ops.log(ops.clip(p, config.epsilon(), 1 - config.epsilon()))


class MeanSquaredError(LossFunctionWrapper):
    """See `mean_squared_error`.

    >>> float(MeanSquaredError()([[0.0, 0.0], [0.0, 0.0]], [[1.0, 1.0], [1.0, 3.0]]))  # 1 and 5
    3.0
    """

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str = "mean_squared_error"
    ) -> None:
        super().__init__(mean_squared_error, reduction, name)


class MeanAbsoluteError(LossFunctionWrapper):
    """See `mean_absolute_error`.

    >>> float(MeanAbsoluteError()([[0.0, 0.0], [0.0, 0.0]], [[1.0, 1.0], [1.0, 3.0]]))  # 1 and 2
    1.5
    """

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str = "mean_absolute_error"
    ) -> None:
        super().__init__(mean_absolute_error, reduction, name)


class BinaryCrossentropy(LossFunctionWrapper):
    """See `binary_crossentropy`.

    >>> print(BinaryCrossentropy()([[1.0], [0.0]], [[0.5], [0.5]]).numpy().round(3))
    0.693
    >>> smoothed = BinaryCrossentropy(label_smoothing=0.2)  # y = 0.9: 0.9 · 0.288 + 0.1 · 1.386
    >>> print(smoothed([[1.0]], [[0.75]]).numpy().round(3))
    0.398

    Raises:
        ValueError: a label_smoothing that is not a number in [0, 1].
    """

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        *,
        reduction: str | None = "sum_over_batch_size",
        name: str = "binary_crossentropy",
    ) -> None:
        smoothing = probability("BinaryCrossentropy: label_smoothing", label_smoothing)
        options = {"from_logits": from_logits, "label_smoothing": smoothing}
        super().__init__(binary_crossentropy, reduction, name, **options)


class CategoricalCrossentropy(LossFunctionWrapper):
    """See `categorical_crossentropy`.

    >>> print(CategoricalCrossentropy()([[0.0, 1.0]], [[0.5, 0.5]]).numpy().round(3))
    0.693

    Raises:
        ValueError: a label_smoothing that is not a number in [0, 1].
    """

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        *,
        reduction: str | None = "sum_over_batch_size",
        name: str = "categorical_crossentropy",
    ) -> None:
        smoothing = probability("CategoricalCrossentropy: label_smoothing", label_smoothing)
        options = {"from_logits": from_logits, "label_smoothing": smoothing}
        super().__init__(categorical_crossentropy, reduction, name, **options)


class SparseCategoricalCrossentropy(LossFunctionWrapper):
    """See `sparse_categorical_crossentropy`.

    >>> print(SparseCategoricalCrossentropy()([1], [[0.5, 0.5]]).numpy().round(3))
    0.693
    """

    def __init__(
        self,
        from_logits: bool = False,
        *,
        reduction: str | None = "sum_over_batch_size",
        name: str = "sparse_categorical_crossentropy",
    ) -> None:
        fn = sparse_categorical_crossentropy
        super().__init__(fn, reduction, name, from_logits=from_logits)


_BY_NAME: dict[str, LossFunction] = {
    "binary_crossentropy": binary_crossentropy,
    "mean_squared_error": mean_squared_error,
    "mse": mean_squared_error,
    "mean_absolute_error": mean_absolute_error,
    "mae": mean_absolute_error,
    "categorical_crossentropy": categorical_crossentropy,
    "sparse_categorical_crossentropy": sparse_categorical_crossentropy,
}


def get(identifier: str | Loss | LossFunction | type[Loss]) -> Loss | LossFunction:
    """A loss function by its name; a Loss or a function as it is; of a class, an instance.

    >>> get("mse")([[1.0, 2.0]], [[2.0, 4.0]]).numpy().tolist()
    [2.5]
    """
    if isinstance(identifier, type):
        loss: Loss = identifier()
        return loss
    if callable(identifier):
        return identifier
    function: LossFunction = lookup("loss", identifier, _BY_NAME)
    return function
