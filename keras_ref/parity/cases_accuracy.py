"""Both sides against the truth: where they differ, who is right, and by how much?

The truth is computed by mpmath with 50 digits at the very inputs that both sides get, and an error
is counted in units in the last place (ulp): the distance between the truth and the next number of
the dtype. No format can promise less than half of one. Results below the smallest normal number
are left out: TensorFlow makes them zero.
"""

import functools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import keras
import mpmath
import numpy as np

import numpy_nets
from keras_ref.parity.both import as_array, normal, uniform
from keras_ref.parity.case import Case, Pair
from numpy_nets.autodiff.tensor import Array

DIGITS = 50

SIMPLE = "one of NumPy's own loops: 1.8 ulp measured, twice that for other processors"
COMPOSED = "a few of NumPy's loops and roundings: 3 ulp measured, twice that for other processors"


class Function(NamedTuple):
    """call(ops, *tensors) beside exact(*numbers), on the inputs that `grid` describes."""

    call: Callable[..., Any]
    exact: Callable[..., Any]
    inputs: tuple[Array, ...]
    grid: str
    bound: float = 4.0
    reason: str = SIMPLE


WIDE = np.linspace(-80, 80, 1001)
_POWERS = np.logspace(-30, 0, 301)
TINY = np.concatenate([-_POWERS[:-1], _POWERS])
WIDE_AND_TINY = "1,001 x from -80 to 80, and 601 from ±10^-30 to ±1"
POSITIVE = np.concatenate([np.logspace(-30, 30, 601), np.linspace(0.5, 2, 400)])

# With a largest entry that is not negative, nothing cancels in max + log Σ.
ROWS = 20 * normal(500, 8)
ROWS[:, 0] = np.abs(ROWS[:, 0])

LOGITS = np.tile(WIDE, 3)
TARGETS = np.concatenate([np.zeros(len(WIDE)), np.ones(len(WIDE)), uniform(len(WIDE))])


def _softplus(x: Any) -> Any:
    return mpmath.log1p(mpmath.exp(x))


def _elementwise(name: str, exact: Callable[..., Any], x: Array, grid: str) -> Function:
    return Function(lambda ops, x: getattr(ops, name)(x), exact, (x,), grid)


FUNCTIONS: dict[str, Function] = {
    "tanh": _elementwise("tanh", mpmath.tanh, np.append(WIDE / 4, TINY),
                         "1,001 x from -20 to 20, and 601 from ±10^-30 to ±1"),
    "sigmoid": _elementwise("sigmoid", lambda x: 1 / (1 + mpmath.exp(-x)), WIDE,
                            "1,001 x from -80 to 80")._replace(bound=6.0, reason=COMPOSED),
    "softplus": _elementwise("softplus", _softplus, WIDE, "1,001 x from -80 to 80")._replace(
                             bound=6.0, reason=COMPOSED),
    "exp": _elementwise("exp", mpmath.exp, WIDE, "1,001 x from -80 to 80"),
    "expm1": _elementwise("expm1", mpmath.expm1, np.append(WIDE, TINY), WIDE_AND_TINY),
    "log": _elementwise("log", mpmath.log, POSITIVE,
                        "601 x from 10^-30 to 10^30, and 400 from 0.5 to 2"),
    "log1p": _elementwise("log1p", mpmath.log1p, np.append(0.99 * TINY, np.linspace(1, 80, 400)),
                          "601 x from ±10^-30 to ±0.99, and 400 from 1 to 80"),
    "logsumexp": Function(
        lambda ops, x: ops.logsumexp(x, axis=-1),
        lambda *row: mpmath.log(mpmath.fsum(mpmath.exp(x) for x in row)),
        (ROWS,), "500 rows of 8 from N(0, 20²), the first made positive", 6.0, COMPOSED,
    ),
    "binary_crossentropy": Function(
        lambda ops, y, z: ops.binary_crossentropy(y, z, from_logits=True),
        lambda y, z: y * _softplus(-z) + (1 - y) * _softplus(z),
        (TARGETS, LOGITS), "1,001 z from -80 to 80, with y = 0, y = 1 and y in [0, 1)", 6.0,
        COMPOSED,
    ),
}  # fmt: skip


def _run(function: Function, dtype: str) -> Iterator[Pair]:
    inputs = [x.astype(dtype) for x in function.inputs]
    numbers = np.concatenate([x.reshape(len(x), -1) for x in inputs], axis=1)
    with mpmath.workdps(DIGITS):
        truth = [function.exact(*map(mpmath.mpf, row)) for row in numbers.astype(float).tolist()]
        high = np.array(truth, float)
        low = np.array([exact - mpmath.mpf(x) for exact, x in zip(truth, high, strict=True)], float)
    ulp = np.spacing(np.abs(high).astype(dtype)).astype(float)
    normal_numbers = np.abs(high) >= np.finfo(dtype).tiny
    errors = []
    for k in (numpy_nets, keras):
        found = as_array(function.call(k.ops, *map(k.ops.convert_to_tensor, inputs)))
        error = np.abs(found.astype(float) - high - low) / ulp
        errors.append(float(np.max(error[normal_numbers])))
    yield f"largest error on {function.grid}", *errors


CASES = [
    Case(
        "accuracy",
        f"ops.{name}",
        functools.partial(_run, function),
        "against the truth",
        bound=function.bound,
        reason=function.reason,
        unit="ulp",
    )
    for name, function in FUNCTIONS.items()
]
