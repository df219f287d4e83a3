"""Every optimizer: weights and accumulators after 1, 2 and 12 steps on the same gradients."""

import functools
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np

import numpy_nets
from keras_ref.parity.both import normal
from keras_ref.parity.case import Case, Pair

# Constants that float32 holds exactly: Keras rounds the momentum, the β in β^t and Adagrad's
# initial accumulator to float32, in float64 as well.
BETAS = {"beta_1": 0.875, "beta_2": 1 - 2.0**-10}
ROUNDED_BETAS = "the β in Adam's β^t: Keras rounds it to float32, in float64 as well (2^-24)"
ROUNDED_MOMENTUM = (
    "SGD's momentum: Keras rounds it to float32, in float64 as well "
    "(2^-24, multiplied by 1 / (1 - 0.9))"
)
ROUNDED_START = (
    "Adagrad's initial accumulator: Keras rounds it to float32, in float64 as well (2^-24)"
)
ROUNDED_SCHEDULE = "Keras computes schedules in float32, in float64 as well (2^-24)"

SHAPES = [(4, 3), (3,), (3, 5), (5,)]
STEPS = 12


def _steps(
    make: Callable[[Any], Any], dtype: str, missing: bool = False, twice: bool = False
) -> Iterator[Pair]:
    """Apply a fixed sequence of gradients.

    Args:
        missing: one of them is None in each step.
        twice: the first variable is listed twice, with two gradients.
    """
    start = [normal(*shape, seed=i).astype(dtype) for i, shape in enumerate(SHAPES)]
    ours, theirs = make(numpy_nets), make(keras)
    our_variables = [numpy_nets.Variable(w, dtype=dtype) for w in start]
    their_variables = [keras.Variable(w, dtype=dtype) for w in start]
    ours.build(our_variables)
    theirs.build(their_variables)
    listed = [0, 1, 2, 3, 0] if twice else [0, 1, 2, 3]
    for step in range(STEPS):
        gradients: list[Any] = [
            (2.0 ** (i - step % 3) * normal(*SHAPES[v], seed=100 * step + i)).astype(dtype)
            for i, v in enumerate(listed)
        ]
        if missing:
            gradients[step % 4] = None
        tensors = [None if g is None else keras.ops.convert_to_tensor(g) for g in gradients]
        with _quiet():
            pairs = zip(gradients, [our_variables[i] for i in listed], strict=True)
            ours.apply_gradients(pairs)
            theirs.apply_gradients(zip(tensors, [their_variables[i] for i in listed], strict=True))
        if step in (0, 1, STEPS - 1):
            after = f"after step {step + 1}"
            for shape, v, w in zip(SHAPES, our_variables, their_variables, strict=True):
                yield f"weight {shape} {after}", v.array, w.numpy()
            for i, (mine, other) in enumerate(zip(ours.variables, theirs.variables, strict=True)):
                a, b = mine.array, other.numpy()
                yield f"optimizer variable {i} {after}", a, b.astype(_widened(b.dtype))
    yield "learning rate", float(ours.learning_rate), float(theirs.learning_rate)


def _widened(dtype: Any) -> Any:
    """int64 for any integer: Keras counts iterations in int64 or int32."""
    return np.int64 if dtype.kind == "i" else dtype


def _quiet() -> warnings.catch_warnings:
    """Both warn about every gradient that is None."""
    return warnings.catch_warnings(action="ignore", category=UserWarning)


def _schedule(dtype: str) -> Iterator[Pair]:
    for options in (
        {"decay_steps": 10, "decay_rate": 0.5},
        {"decay_steps": 7, "decay_rate": 0.96, "staircase": True},
    ):
        ours = numpy_nets.optimizers.schedules.ExponentialDecay(0.125, **options)
        theirs = keras.optimizers.schedules.ExponentialDecay(0.125, **options)
        steps = [0, 1, 6, 7, 8, 20, 1000]
        yield (
            f"{options}",
            np.array([ours(step) for step in steps], dtype),
            np.array([theirs(step) for step in steps], dtype),
        )


def _decay(k: Any) -> Any:
    """Powers of two, which float32 holds exactly."""
    decay = k.optimizers.schedules.ExponentialDecay
    return decay(0.125, decay_steps=4, decay_rate=0.5, staircase=True)


_Make = Callable[[Any], Any]
_OPTIMIZERS: list[tuple[str, str, _Make]] = [
    ("SGD", "defaults", lambda k: k.optimizers.SGD()),
    ("SGD", "learning_rate=0.1", lambda k: k.optimizers.SGD(0.1)),
    ("SGD", "momentum", lambda k: k.optimizers.SGD(0.1, momentum=0.5)),
    ("SGD", "nesterov", lambda k: k.optimizers.SGD(0.1, momentum=0.5, nesterov=True)),
    ("SGD", "nesterov without momentum", lambda k: k.optimizers.SGD(0.1, nesterov=True)),
    ("SGD", "clipnorm", lambda k: k.optimizers.SGD(0.1, clipnorm=0.5)),
    ("SGD", "global_clipnorm", lambda k: k.optimizers.SGD(0.1, global_clipnorm=0.5)),
    ("SGD", "nothing to clip", lambda k: k.optimizers.SGD(0.1, global_clipnorm=1e6)),
    ("SGD", "schedule", lambda k: k.optimizers.SGD(_decay(k))),
    ("Adagrad", "first accumulator 0.125", lambda k: k.optimizers.Adagrad(0.1, 0.125)),
    ("Adagrad", "clipnorm", lambda k: k.optimizers.Adagrad(0.1, 0.125, clipnorm=0.5)),
    ("RMSprop", "defaults", lambda k: k.optimizers.RMSprop()),
    ("RMSprop", "rho and epsilon", lambda k: k.optimizers.RMSprop(0.1, rho=0.5, epsilon=0.1)),
    ("RMSprop", "global_clipnorm", lambda k: k.optimizers.RMSprop(0.1, global_clipnorm=0.5)),
    ("RMSprop", "schedule", lambda k: k.optimizers.RMSprop(_decay(k))),
    ("Adam", "exact betas", lambda k: k.optimizers.Adam(**BETAS)),
    ("Adam", "epsilon=0.1", lambda k: k.optimizers.Adam(0.1, epsilon=0.1, **BETAS)),
    ("Adam", "clipnorm", lambda k: k.optimizers.Adam(0.1, clipnorm=0.5, **BETAS)),
    ("Adam", "global_clipnorm", lambda k: k.optimizers.Adam(0.1, global_clipnorm=0.5, **BETAS)),
    ("Adam", "schedule", lambda k: k.optimizers.Adam(_decay(k), **BETAS)),
]
_MISSING: list[tuple[str, str, _Make]] = [
    ("SGD", "some gradients None", lambda k: k.optimizers.SGD(0.1, momentum=0.5)),
    ("Adagrad", "some gradients None", lambda k: k.optimizers.Adagrad(0.1, 0.125)),
    ("RMSprop", "some gradients None", lambda k: k.optimizers.RMSprop()),
    ("Adam", "some gradients None", lambda k: k.optimizers.Adam(global_clipnorm=0.5, **BETAS)),
]
_TWICE: list[tuple[str, str, _Make]] = [
    ("SGD", "a variable listed twice", lambda k: k.optimizers.SGD(0.1, momentum=0.5)),
    ("Adam", "a variable listed twice", lambda k: k.optimizers.Adam(clipnorm=0.5, **BETAS)),
]
# The defaults of Keras, which float32 does not hold exactly.
_ROUNDED: list[tuple[str, str, float, str, _Make]] = [
    (
        "SGD",
        "momentum 0.9",
        2.0**32,
        ROUNDED_MOMENTUM,
        lambda k: k.optimizers.SGD(0.1, momentum=0.9),
    ),
    ("Adagrad", "defaults", 2.0**29, ROUNDED_START, lambda k: k.optimizers.Adagrad()),
    ("Adam", "defaults", 2.0**29, ROUNDED_BETAS, lambda k: k.optimizers.Adam()),
]

CASES = [
    Case("optimizer", f"optimizers.{name}", functools.partial(_steps, make), variant)
    for name, variant, make in _OPTIMIZERS
]
CASES += [
    Case("optimizer", f"optimizers.{name}", functools.partial(_steps, make, missing=True), variant)
    for name, variant, make in _MISSING
]
CASES += [
    Case("optimizer", f"optimizers.{name}", functools.partial(_steps, make, twice=True), variant)
    for name, variant, make in _TWICE
]
for name, variant, bound, reason, run in [
    *((*rest, functools.partial(_steps, make)) for *rest, make in _ROUNDED),
    ("schedules.ExponentialDecay", "", 2.0**29, ROUNDED_SCHEDULE, _schedule),
]:
    in_float64 = f"{variant} in float64".strip()
    CASES += [
        Case("optimizer", f"optimizers.{name}", run, variant, ("float32",)),
        Case("optimizer", f"optimizers.{name}", run, in_float64, ("float64",), bound, reason),
    ]
