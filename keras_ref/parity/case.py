"""A comparison: one subject, computed here and in Keras, and how far apart the two may be."""

import contextlib
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import keras
import numpy as np

from numpy_nets import config, naming, random

# What was compared, its value here, and its value in Keras.
Pair: TypeAlias = tuple[str, Any, Any]

ROUNDING = "rounding: the two sides sum in different orders"


@dataclass(frozen=True)
class Row:
    """One line of the report.  `error` and `bound` are in `unit`.

    Attributes:
        keras_error: how far Keras is from the truth, where `error` is our distance from it.
        series: the error after each step of a training run; `error` is the largest of them.
    """

    kind: str
    subject: str
    quantity: str
    dtype: str
    error: float
    bound: float
    unit: str
    reason: str
    keras_error: float | None = None
    series: tuple[float, ...] = ()

    @property
    def holds(self) -> bool:
        return self.error <= self.bound  # never true of NaN


@dataclass(frozen=True)
class Case:
    """A comparison of one public name, or of one way to use it.

    Attributes:
        kind: op, activation, layer, loss, metric, optimizer, initializer, model, training, tape,
            accuracy.
        subject: the public name, such as `ops.matmul`.
        run: run(dtype) computes on both sides and yields the pairs; `rows` has set the default
            float type to `dtype`. A quantity named "… at each of n steps" has n entries.
        variant: tells cases of one subject apart.
        bound: the largest error that is allowed; `reason` says why.
        unit: "eps", normwise machine epsilons of the dtype; "standard errors" for statistics; or
            "ulp": each value of a pair is then the distance of that side from the true value, in
            units in the last place.
    """

    kind: str
    subject: str
    run: Callable[[str], Iterable[Pair]]
    variant: str = ""
    dtypes: tuple[str, ...] = ("float64", "float32")
    bound: float = 32.0
    reason: str = ROUNDING
    unit: str = "eps"

    def __str__(self) -> str:
        return f"{self.subject}, {self.variant}" if self.variant else self.subject

    def rows(self, dtype: str) -> Iterator[Row]:
        """Compute on both sides and compare.

        The rows do not depend on what ran before: random numbers are seeded, and the names of
        layers are counted from the first, `dense`.
        """
        naming.clear_session()
        random.set_random_seed(0)
        keras.utils.set_random_seed(0)
        with precision(dtype):
            for quantity, ours, theirs in self.run(dtype):
                yield Row(
                    self.kind, str(self), quantity, dtype, _ERRORS[self.unit](ours, theirs, dtype),
                    self.bound, self.unit, self.reason,
                    keras_error=float(theirs) if self.unit == "ulp" else None,
                    series=step_errors(ours, theirs, dtype) if " at each of " in quantity else (),
                )  # fmt: skip


def runs(cases: Iterable[Case]) -> list[tuple[Case, str]]:
    """Each case with each of its dtypes."""
    return [(case, dtype) for case in cases for dtype in case.dtypes]


def normwise_eps(ours: Any, theirs: Any, dtype: str) -> float:
    """max|Δ| / max|theirs| in machine epsilons of `dtype`.

    Infinite if only one side is None, or if the shapes, the dtypes or the non-finite entries
    differ.
    """
    if ours is None or theirs is None:
        return 0.0 if ours is theirs else math.inf
    a, b = np.asarray(ours), np.asarray(theirs)
    finite = np.isfinite(b)
    if a.shape != b.shape or a.dtype != b.dtype or not np.array_equal(np.isfinite(a), finite):
        return math.inf
    if not np.array_equal(a[~finite], b[~finite], equal_nan=True):
        return math.inf
    a, b = a[finite].astype(np.float64), b[finite].astype(np.float64)
    error, scale = np.max(np.abs(a - b), initial=0), np.max(np.abs(b), initial=0)
    if error == 0:
        return 0.0
    return float(error / scale / np.finfo(dtype).eps) if scale else math.inf


def standard_errors(ours: Any, theirs: Any, dtype: str) -> float:
    """max|Δ| of statistics that have been divided by their standard errors."""
    return float(np.max(np.abs(np.asarray(ours) - np.asarray(theirs))))


def step_errors(ours: Any, theirs: Any, dtype: str) -> tuple[float, ...]:
    """|Δ| of each entry over max|theirs|: `normwise_eps` of every step, for two arrays (steps,)."""
    a, b = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
    if a.shape != b.shape:
        return ()
    eps = np.max(np.abs(b)) * np.finfo(dtype).eps
    return tuple((np.abs(a - b) / eps).tolist())


# How far apart the sides of a pair are, by unit.
_ERRORS: dict[str, Callable[[Any, Any, str], float]] = {
    "eps": normwise_eps,
    "standard errors": standard_errors,
    "ulp": lambda ours, theirs, dtype: float(ours),
}


@contextlib.contextmanager
def precision(dtype: str) -> Iterator[None]:
    """Build and compute in `dtype`, here and in Keras.

    Keras fixes its dtype policy when the first layer is created, so it has to be set as well.
    """
    before = config.floatx(), keras.config.floatx(), keras.config.dtype_policy()
    config.set_floatx(dtype)
    keras.config.set_floatx(dtype)
    keras.config.set_dtype_policy(dtype)
    try:
        yield
    finally:
        config.set_floatx(before[0])
        keras.config.set_floatx(before[1])
        keras.config.set_dtype_policy(before[2])
