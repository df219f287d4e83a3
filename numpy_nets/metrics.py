"""Metrics: means that accumulate over the batches of an epoch, in float64."""

from collections.abc import Callable
from typing import Any

import numpy as np

from numpy_nets import losses
from numpy_nets.autodiff.tensor import Array, Tensor, TensorLike
from numpy_nets.checks import probability
from numpy_nets.naming import lookup, snake_case


class Metric:
    """Base class: a weighted mean Σ w·value / Σ w, which is 0 before the first value.

    `update_state` adds values, `result` returns the mean, `reset_state` starts again.

    Raises:
        ValueError: values, predictions or weights whose shapes do not fit.
    """

    def __init__(self, *, name: str | None = None) -> None:
        self.name = name or snake_case(type(self).__name__)
        self.reset_state()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"

    def reset_state(self) -> None:
        self.total = 0.0
        self.count = 0.0

    def result(self) -> float:
        return self.total / self.count if self.count else 0.0

    def _add(self, values: Array, sample_weight: TensorLike | None) -> None:
        if sample_weight is None:
            self.total += float(values.sum(dtype=np.float64))
            self.count += values.size
        else:
            weight = _array(sample_weight)
            if values.ndim == weight.ndim == 0:  # a shortcut for the loss of a batch
                self.total += float(values) * float(weight)
                self.count += float(weight)
                return
            if weight.ndim == values.ndim + 1 and weight.shape[-1] == 1:
                weight = weight[..., 0]
            if weight.shape != values.shape[: weight.ndim]:
                raise ValueError(
                    f"{self.name}: sample_weight: expected shape {values.shape}, got {weight.shape}"
                )
            weight = weight.reshape(weight.shape + (1,) * (values.ndim - weight.ndim))
            weight = np.broadcast_to(weight, values.shape)
            self.total += float(np.sum(values * weight, dtype=np.float64))
            self.count += float(weight.sum(dtype=np.float64))


class Mean(Metric):
    """The mean of all values so far, such as the losses of batches.

    >>> mean = Mean()
    >>> mean.update_state(2.0, sample_weight=3)
    >>> mean.update_state(6.0, sample_weight=1)
    >>> mean.result()  # (3 · 2 + 1 · 6) / 4
    3.0
    """

    def __init__(self, name: str = "mean") -> None:
        super().__init__(name=name)

    def update_state(self, values: TensorLike, sample_weight: TensorLike | None = None) -> None:
        self._add(_array(values), sample_weight)


class PredictionMetric(Metric):
    """The mean over samples of `values(y_true, y_pred)`, which subclasses implement."""

    def values(self, y_true: Array, y_pred: Array) -> Array:
        raise NotImplementedError

    def update_state(
        self, y_true: TensorLike, y_pred: TensorLike, sample_weight: TensorLike | None = None
    ) -> None:
        self._add(self.values(_array(y_true), _array(y_pred)), sample_weight)


class BinaryAccuracy(PredictionMetric):
    """How often y_true equals (y_pred > threshold), over all entries.

    >>> accuracy = BinaryAccuracy()
    >>> accuracy.update_state([[1], [0], [0], [1]], [[0.9], [0.2], [0.7], [0.6]])
    >>> accuracy.result()
    0.75

    Raises:
        ValueError: a threshold outside [0, 1].
    """

    def __init__(self, name: str = "binary_accuracy", *, threshold: float = 0.5) -> None:
        super().__init__(name=name)
        self.threshold = probability("BinaryAccuracy: threshold", threshold)

    def values(self, y_true: Array, y_pred: Array) -> Array:
        matches = np.equal(_fit(self.name, y_true, y_pred), y_pred > self.threshold)
        return np.asarray(matches.mean(axis=-1, dtype=np.float64))


class SparseCategoricalAccuracy(PredictionMetric):
    """How often the largest entry of y_pred (batch, classes) is at the label y_true (batch,).

    >>> accuracy = SparseCategoricalAccuracy()
    >>> accuracy.update_state([2, 0], [[0.1, 0.2, 0.7], [0.3, 0.4, 0.3]])
    >>> accuracy.result()
    0.5
    """

    def __init__(self, name: str = "sparse_categorical_accuracy") -> None:
        super().__init__(name=name)

    def values(self, y_true: Array, y_pred: Array) -> Array:
        if y_true.ndim == y_pred.ndim and y_true.shape[-1] == 1:
            y_true = y_true[..., 0]
        if y_true.shape != y_pred.shape[:-1]:
            raise ValueError(
                f"{self.name}: y_true: expected shape {y_pred.shape[:-1]}, got {y_true.shape}"
            )
        return np.asarray(y_true == y_pred.argmax(axis=-1), np.float64)


class CategoricalAccuracy(PredictionMetric):
    """How often the largest entries of y_true and y_pred (batch, classes) are in one place.

    >>> accuracy = CategoricalAccuracy()
    >>> accuracy.update_state([[0, 0, 1], [1, 0, 0]], [[0.1, 0.2, 0.7], [0.3, 0.4, 0.3]])
    >>> accuracy.result()
    0.5
    """

    def __init__(self, name: str = "categorical_accuracy") -> None:
        super().__init__(name=name)

    def values(self, y_true: Array, y_pred: Array) -> Array:
        same = _fit(self.name, y_true, y_pred).argmax(axis=-1) == y_pred.argmax(axis=-1)
        return np.asarray(same, np.float64)


class MeanAbsoluteError(PredictionMetric):
    """The mean of |y_true - y_pred|.

    >>> error = MeanAbsoluteError()
    >>> error.update_state([[0.0], [0.0]], [[1.0], [-3.0]])
    >>> error.result()
    2.0
    """

    def __init__(self, name: str = "mean_absolute_error") -> None:
        super().__init__(name=name)

    def values(self, y_true: Array, y_pred: Array) -> Array:
        return losses.mean_absolute_error(_fit(self.name, y_true, y_pred), y_pred).array


class MeanSquaredError(PredictionMetric):
    """The mean of (y_true - y_pred)².

    >>> error = MeanSquaredError()
    >>> error.update_state([[0.0], [0.0]], [[1.0], [3.0]])
    >>> error.result()
    5.0
    """

    def __init__(self, name: str = "mean_squared_error") -> None:
        super().__init__(name=name)

    def values(self, y_true: Array, y_pred: Array) -> Array:
        return losses.mean_squared_error(_fit(self.name, y_true, y_pred), y_pred).array


def _array(x: Any) -> Array:
    return x.array if isinstance(x, Tensor) else np.asarray(x)


def _fit(name: str, y_true: Array, y_pred: Array) -> Array:
    """y_true in the shape of y_pred: for y_pred (batch, 1), it may be (batch,)."""
    if y_true.shape != y_pred.shape and (*y_true.shape, 1) != y_pred.shape:
        raise ValueError(f"{name}: y_true: expected shape {y_pred.shape}, got {y_true.shape}")
    return y_true.reshape(y_pred.shape)


_BY_NAME: dict[str, Callable[[str], Metric]] = {
    "binary_accuracy": BinaryAccuracy,
    "sparse_categorical_accuracy": SparseCategoricalAccuracy,
    "categorical_accuracy": CategoricalAccuracy,
    "mean_absolute_error": MeanAbsoluteError,
    "mae": MeanAbsoluteError,
    "mean_squared_error": MeanSquaredError,
    "mse": MeanSquaredError,
}


def get(identifier: str | Metric, y_true: Array, y_pred: Array) -> Metric:
    """A metric by its name, or the metric itself.

    "accuracy" means BinaryAccuracy for one output unit, and for several units
    SparseCategoricalAccuracy of integer labels, and CategoricalAccuracy of others.

    >>> y_true, y_pred = np.array([2, 0]), np.zeros((2, 3))
    >>> type(get("accuracy", y_true, y_pred)).__name__
    'SparseCategoricalAccuracy'
    """
    if isinstance(identifier, Metric):
        return identifier
    if identifier in ("accuracy", "acc"):
        if y_pred.shape[-1] == 1:
            return BinaryAccuracy(identifier)
        if y_true.ndim < y_pred.ndim or y_true.shape[-1] == 1:
            return SparseCategoricalAccuracy(identifier)
        return CategoricalAccuracy(identifier)
    return lookup("metric", identifier, {**_BY_NAME, "accuracy": _BY_NAME["binary_accuracy"]})(
        identifier
    )
