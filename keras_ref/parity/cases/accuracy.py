"""Both sides against the truth: where they differ, who is right, and by how much?

mpmath computes the true values with 50 digits, from exactly the inputs that both sides get. Errors
are in units in the last place (ulp): the distance from the true value to the next number of the
dtype. Rounding alone costs up to half an ulp. Results below the smallest normal number are left
out, because TensorFlow rounds them to zero.
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

SIMPLE = "one of NumPy's own loops: 1.8 ulp measured; twice that for other processors"
COMPOSED = "a few of NumPy's loops and roundings: 3 ulp measured; twice that for other processors"


class Function(NamedTuple):
    """A function of the library k = numpy_nets or keras, and what its values are in truth.

    Attributes:
        call: call(k, *tensors) computes the values.
        exact: exact(*numbers) computes one true value with mpmath.
        inputs: arrays with one row, or one number, for each value.
        grid: says in words what the inputs are.
    """

    call: Callable[..., Any]
    exact: Callable[..., Any]
    inputs: tuple[Array, ...]
    grid: str
    bound: float = 4.0
    reason: str = SIMPLE
    dtypes: tuple[str, ...] = ("float64", "float32")


WIDE = np.linspace(-80, 80, 1001)
_POWERS = np.logspace(-30, 0, 301)
TINY = np.concatenate([-_POWERS[:-1], _POWERS])
WIDE_AND_TINY = "1,001 x from -80 to 80, and 601 from ±10^-30 to ±1"
POSITIVE = np.concatenate([np.logspace(-30, 30, 601), np.linspace(0.5, 2, 400)])

# If the largest entry of a row is not negative, nothing cancels in max + log Σ.
ROWS = 20 * normal(500, 8)
ROWS[:, 0] = np.abs(ROWS[:, 0])

LOGITS = np.tile(WIDE, 3)
TARGETS = np.concatenate([np.zeros(len(WIDE)), np.ones(len(WIDE)), uniform(len(WIDE))])


def _softplus(x: Any) -> Any:
    return mpmath.log1p(mpmath.exp(x))


def _elementwise(name: str, exact: Callable[..., Any], x: Array, grid: str) -> Function:
    return Function(lambda k, x: getattr(k.ops, name)(x), exact, (x,), grid)


def _crossentropy(y: Any, z: Any) -> Any:
    return y * _softplus(-z) + (1 - y) * _softplus(z)


# Rows of 64 logits of about the same size. If y = 1 where they are positive, all terms are small.
CENTRES = np.linspace(-30, 30, 121)
ROWS_OF_LOGITS = CENTRES[:, None] + uniform(121, 64)
ROWS_OF_TARGETS = np.concatenate([np.repeat(CENTRES[:, None] > 0, 64, axis=1), uniform(121, 64)])


def _optimize(make: Callable[[Any], Any]) -> Callable[..., Any]:
    """Take STEPS steps with the same gradient; the value is the weights after them."""

    def call(k: Any, w: Any, g: Any) -> Any:
        optimizer, variable = make(k), k.Variable(k.ops.convert_to_numpy(w))
        for _ in range(STEPS):
            optimizer.apply([g], [variable])
        return variable

    return call


def _adam(w: Any, g: Any) -> Any:
    m = v = mpmath.mpf(0)
    beta_1, beta_2 = mpmath.mpf(0.9), mpmath.mpf(0.999)
    for t in range(1, STEPS + 1):
        m, v = beta_1 * m + (1 - beta_1) * g, beta_2 * v + (1 - beta_2) * g * g
        alpha = mpmath.mpf(0.001) * mpmath.sqrt(1 - beta_2**t) / (1 - beta_1**t)
        w -= alpha * m / (mpmath.sqrt(v) + mpmath.mpf(1e-7))
    return w


def _adagrad(w: Any, g: Any) -> Any:
    a = mpmath.mpf(0.1)
    for _ in range(STEPS):
        a += g * g
        w -= mpmath.mpf(0.001) * g / mpmath.sqrt(a + mpmath.mpf(1e-7))
    return w


def _momentum(w: Any, g: Any) -> Any:
    m = mpmath.mpf(0)
    for _ in range(STEPS):
        m = mpmath.mpf(0.9) * m - mpmath.mpf(0.01) * g
        w += m
    return w


def _schedule(k: Any, steps: Any) -> Any:
    schedule = k.optimizers.schedules.ExponentialDecay(0.1, decay_steps=100, decay_rate=0.9)
    return np.array([schedule(int(step)) for step in k.ops.convert_to_numpy(steps)])


STEPS = 12
MANY = "rounding in 12 steps: 4.1 ulp measured; three times that for other processors"
_WEIGHTS_AND_GRADIENTS = (1.5 + uniform(100), 0.5 + uniform(100, seed=1))
_GRID = f"{STEPS} steps, 100 weights from 1.5 to 2.5, gradients from 0.5 to 1.5"
_TWO_SIDES = np.append(-POSITIVE, POSITIVE)

# Keras rounds a constant of these to float32 in float64 as well, so agreement cannot be close.
ROUNDED: dict[str, Function] = {
    "layers.LeakyReLU": Function(
        lambda k, x: k.layers.LeakyReLU()(x),
        lambda x: x if x > 0 else mpmath.mpf(0.3) * x,
        (_TWO_SIDES,), "2,002 x from ±10^-30 to ±10^30, slope 0.3",
    ),
    "ops.leaky_relu": Function(
        lambda k, x: k.ops.leaky_relu(x),
        lambda x: x if x > 0 else mpmath.mpf(0.2) * x,
        (_TWO_SIDES,), "2,002 x from ±10^-30 to ±10^30, slope 0.2",
    ),
    "optimizers.Adam": Function(
        _optimize(lambda k: k.optimizers.Adam()), _adam, _WEIGHTS_AND_GRADIENTS, _GRID, 12.0, MANY
    ),
    "optimizers.Adagrad": Function(
        _optimize(lambda k: k.optimizers.Adagrad()), _adagrad, _WEIGHTS_AND_GRADIENTS, _GRID,
        12.0, MANY,
    ),
    "optimizers.SGD": Function(
        _optimize(lambda k: k.optimizers.SGD(momentum=0.9)), _momentum, _WEIGHTS_AND_GRADIENTS,
        f"{_GRID}, momentum 0.9", 12.0, MANY,
    ),
    "schedules.ExponentialDecay": Function(
        _schedule,
        lambda step: mpmath.mpf(0.1) * mpmath.mpf(0.9) ** (step / 100),
        (np.arange(1000.0),), "1,000 steps",
    ),
}  # fmt: skip

FUNCTIONS: dict[str, Function] = {
    "ops.tanh": _elementwise("tanh", mpmath.tanh, np.append(WIDE / 4, TINY),
                         "1,001 x from -20 to 20, and 601 from ±10^-30 to ±1"),
    "ops.sigmoid": _elementwise("sigmoid", lambda x: 1 / (1 + mpmath.exp(-x)), WIDE,
                            "1,001 x from -80 to 80")._replace(bound=6.0, reason=COMPOSED),
    "ops.softplus": _elementwise("softplus", _softplus, WIDE, "1,001 x from -80 to 80")._replace(
                             bound=6.0, reason=COMPOSED),
    "ops.exp": _elementwise("exp", mpmath.exp, WIDE, "1,001 x from -80 to 80"),
    "ops.expm1": _elementwise("expm1", mpmath.expm1, np.append(WIDE, TINY), WIDE_AND_TINY),
    "ops.log": _elementwise("log", mpmath.log, POSITIVE,
                        "601 x from 10^-30 to 10^30, and 400 from 0.5 to 2"),
    "ops.log1p": _elementwise("log1p", mpmath.log1p,
                              np.append(0.99 * TINY, np.linspace(1, 80, 400)),
                              "601 x from ±10^-30 to ±0.99, and 400 from 1 to 80"),
    "ops.logsumexp": Function(
        lambda k, x: k.ops.logsumexp(x, axis=-1),
        lambda *row: mpmath.log(mpmath.fsum(mpmath.exp(x) for x in row)),
        (ROWS,), "500 rows of 8 from N(0, 20²), the first made positive", 6.0, COMPOSED,
    ),
    "ops.binary_crossentropy": Function(
        lambda k, y, z: k.ops.binary_crossentropy(y, z, from_logits=True), _crossentropy,
        (TARGETS, LOGITS), "1,001 z from -80 to 80, with y = 0, y = 1 and y in [0, 1)", 6.0,
        COMPOSED,
    ),
    "losses.binary_crossentropy": Function(
        lambda k, y, z: k.losses.binary_crossentropy(y, z, from_logits=True),
        lambda *row: mpmath.fsum(map(_crossentropy, row[:64], row[64:])) / 64,
        (ROWS_OF_TARGETS, np.tile(ROWS_OF_LOGITS, (2, 1))),
        "242 rows of 64 z around a number from -30 to 30, y the likelier class or in [0, 1)", 8.0,
        "six levels of products and a sum: 2.4 ulp measured; three times that for other processors",
    ),
    **{name: function._replace(dtypes=("float64",)) for name, function in ROUNDED.items()},
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
        values = as_array(function.call(k, *map(k.ops.convert_to_tensor, inputs)))
        error = np.abs(values.astype(float) - high - low) / ulp
        errors.append(float(np.max(error[normal_numbers])))
    yield f"largest error on {function.grid}", *errors


CASES = [
    Case(
        "accuracy",
        name,
        functools.partial(_run, function),
        "against the truth",
        function.dtypes,
        bound=function.bound,
        reason=function.reason,
        unit="ulp",
    )
    for name, function in FUNCTIONS.items()
]
