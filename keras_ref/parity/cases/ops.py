"""Every operation: its value and its gradients, over shapes, axes, broadcasting and kinks."""

import functools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import keras
import numpy as np

import numpy_nets
from keras_ref.parity.both import gradients, normal, prefixed, uniform
from keras_ref.parity.case import Case, Pair
from numpy_nets.autodiff.tensor import Array

SLOPE = float(np.float32(0.2))
ROUNDED_SLOPE = "LeakyReLU's slope: TensorFlow rounds it to float32, in float64 as well (2^-24)"

KINKS = np.array([[-2, -1, -0.5, -0.0], [0.0, 0.5, 1, 2]])
SMALL = 1e-6 * normal(3, 4)
LARGE = 30 * normal(3, 4)
# Where σ and tanh are flat, their derivatives are differences of nearly equal numbers: small, as
# they should be, but with few exact digits. One entry where they are not flat sets the scale.
SATURATED = np.append(LARGE, normal(1, 4), axis=0)
FAR = np.array([[1e4, -1e4]])
EMPTY = np.zeros((0, 4))
LABELS = np.round(uniform(3, 4, seed=1))
MASK = uniform(3, 4) > 0.5


class Form(NamedTuple):
    """One way to use an operation: call(ops, *tensors) with the `ops` of either library."""

    what: str
    call: Callable[..., Any]
    inputs: tuple[Array, ...]


def _binary(
    name: str, symbol: Callable[[Any, Any], Any] | None = None, positive: bool = False
) -> list[Form]:
    """The shapes and kinds of input that every operation of two inputs has to support."""

    def call(ops: Any, a: Any, b: Any) -> Any:
        return getattr(ops, name)(a, b)

    def make(*shape: int, seed: int) -> Array:
        return uniform(*shape, seed=seed) + 0.5 if positive else normal(*shape, seed=seed)

    shapes: list[tuple[tuple[int, ...], tuple[int, ...]]] = [
        ((3, 4), (3, 4)), ((3, 4), (4,)), ((4,), (3, 4)), ((2, 3, 4), (3, 1)), ((3, 1), (1, 4)),
        ((), (3, 4)), ((3, 4), ()), ((0, 4), (4,)), ((1, 1), (2, 1, 1)),
    ]  # fmt: skip
    forms = [Form(f"{a} and {b}", call, (make(*a, seed=2), make(*b, seed=3))) for a, b in shapes]
    x = make(3, 4, seed=2)
    forms += [
        Form("tensor and scalar", lambda ops, a: call(ops, a, 2.5), (x,)),
        Form("scalar and tensor", lambda ops, b: call(ops, 2.5, b), (x,)),
        Form("one tensor twice", lambda ops, a: call(ops, a, a[::-1]), (x,)),
    ]
    if symbol is not None:
        forms += [
            Form("operator", lambda ops, a, b: symbol(a, b), (x, make(4, seed=3))),
            Form("operator, scalar right", lambda ops, a: symbol(a, 2.5), (x,)),
            Form("operator, scalar left", lambda ops, b: symbol(2.5, b), (x,)),
        ]
    return forms


def _unary(name: str, *inputs: Array, **options: Any) -> list[Form]:
    def call(ops: Any, x: Any) -> Any:
        return getattr(ops, name)(x, **options)

    suffix = "".join(f", {key}={value}" for key, value in options.items())
    return [
        Form(f"{i}, {x.shape}{suffix}", call, (x,))
        for i, x in enumerate((*inputs, inputs[0][0], inputs[0][0, 0], inputs[0][:0]))
    ]


def _reduction(name: str, empty: bool = True) -> list[Form]:
    def call(ops: Any, x: Any, axis: Any, keepdims: bool) -> Any:
        return getattr(ops, name)(x, axis=axis, keepdims=keepdims)

    x = normal(2, 3, 4)
    forms = [
        Form(
            f"axis={axis}, keepdims={keepdims}",
            functools.partial(call, axis=axis, keepdims=keepdims),
            (x,),
        )
        for axis in (None, 0, 1, -1, (0, 2), (-1, 0), (0, 1, 2))
        for keepdims in (False, True)
    ]
    forms += [
        Form("a scalar", lambda ops, x: getattr(ops, name)(x), (np.array(1.5),)),
        Form("size 1", lambda ops, x: getattr(ops, name)(x, axis=1), (normal(1, 1),)),
    ]
    if empty:
        forms.append(Form("empty rows", lambda ops, x: getattr(ops, name)(x, axis=1), (EMPTY,)))
    return forms


def _softmax(name: str) -> list[Form]:
    def call(ops: Any, x: Any, axis: int) -> Any:
        return getattr(ops, name)(x, axis=axis)

    forms = [
        Form(f"axis={axis}", functools.partial(call, axis=axis), (normal(2, 3, 4),))
        for axis in (0, 1, -1)
    ]
    wide = np.array([[1000.0, 0, -1000, 999], [0, 0, 0, 0], [-1e4, -1e4, -1e4, -1e4 + 1]])
    return [
        *forms,
        Form("default axis", lambda ops, x: getattr(ops, name)(x), (normal(3, 4),)),
        Form("logits of ±1000", functools.partial(call, axis=-1), (wide,)),
    ]


def _crossentropy(from_logits: bool) -> list[Form]:
    def call(ops: Any, target: Any, output: Any) -> Any:
        return ops.binary_crossentropy(target, output, from_logits=from_logits)

    what = "logits" if from_logits else "probabilities"
    ends = np.array([[0.0, 1, 1e-7, 1 - 1e-7], [1e-9, 0.5, 0, 1]])
    extremes = np.array([[100.0, -100, 20, -20], [0, 1e4, -1e4, 3]])
    some = normal(3, 4) if from_logits else uniform(3, 4)
    extreme_targets = np.array([[0.0, 1, 1, 0], [0, 1, 0, 0.5]])
    return [
        Form(f"{what}, soft targets", call, (uniform(3, 4, seed=4), some)),
        Form(f"{what}, hard targets", call, (LABELS, some)),
        Form(f"{what}, extremes", call, (extreme_targets, extremes if from_logits else ends)),
        Form(f"{what}, three axes", call, (uniform(2, 3, 4), uniform(2, 3, 4, seed=5))),
        Form(f"{what}, empty", call, (EMPTY, EMPTY)),
    ]


def _crossentropy_after() -> list[Form]:
    """The logits are recovered, so that a saturated output loses nothing."""

    def call(activation: str, ops: Any, target: Any, z: Any) -> Any:
        return ops.binary_crossentropy(target, getattr(ops, activation)(z))

    targets, extremes = LABELS[:2], np.array([[100.0, -100, 20, -20], [0, 30, -30, 3]])
    return [
        Form(f"after {name}", functools.partial(call, name), (targets, extremes))
        for name in ("sigmoid", "softmax")
    ]


def _positive(*shape: int) -> Array:
    return uniform(*shape) + 0.1


X3 = normal(2, 3, 4)
FORMS: dict[str, list[Form]] = {
    "add": _binary("add", lambda a, b: a + b),
    "subtract": _binary("subtract", lambda a, b: a - b),
    "multiply": _binary("multiply", lambda a, b: a * b),
    "divide": _binary("divide", lambda a, b: a / b, positive=True),
    "power": [
        *_binary("power", lambda a, b: a**b, positive=True),
        *(
            Form(f"exponent {n}", functools.partial(lambda ops, x, n: ops.power(x, n), n=n), (x,))
            for n, x in [(2, normal(3, 4)), (3, X3), (-1, normal(3, 4)), (0.5, LABELS + 1)]
        ),
        Form(
            "negative base",
            lambda ops, a, b: ops.power(a, b),
            (-uniform(3, 4) - 0.5, np.array([1.0, 2, 3, 4])),
        ),
    ],
    "negative": [
        *_unary("negative", normal(3, 4)),
        Form("operator", lambda ops, x: -x, (normal(3, 4),)),
    ],
    "matmul": [
        Form(f"{a} and {b}", lambda ops, a, b: ops.matmul(a, b), (normal(*a), normal(*b, seed=1)))
        for a, b in [
            ((3, 4), (4, 5)), ((64, 784), (784, 32)), ((2, 3, 4), (4, 5)), ((2, 3, 4), (2, 4, 5)),
            ((2, 1, 3, 4), (3, 4, 5)), ((0, 4), (4, 2)), ((1, 1), (1, 1)),
        ]
    ] + [Form("operator", lambda ops, a, b: a @ b, (normal(3, 4), normal(4, 5)))],
    "exp": _unary("exp", normal(3, 4), SMALL, -80 - uniform(3, 4), 80 + uniform(3, 4)),
    "expm1": _unary("expm1", normal(3, 4), SMALL, -80 - uniform(3, 4), 80 + uniform(3, 4)),
    "log": _unary("log", _positive(3, 4), 1 + np.abs(SMALL), 1e-30 * _positive(3, 4)),
    "log1p": _unary("log1p", _positive(3, 4), SMALL, -0.99 * uniform(3, 4)),
    "sqrt": _unary("sqrt", _positive(3, 4), 1e-30 * _positive(3, 4), 1e30 * _positive(3, 4)),
    "square": _unary("square", normal(3, 4), SMALL, LARGE),
    "abs": [
        *_unary("abs", normal(3, 4), KINKS),
        Form("operator", lambda ops, x: abs(x), (normal(3, 4),)),
    ],
    "relu": _unary("relu", normal(3, 4), KINKS),
    "leaky_relu": [
        *_unary("leaky_relu", normal(3, 4), KINKS, negative_slope=0.25),
        *_unary("leaky_relu", normal(3, 4), KINKS, negative_slope=SLOPE),
        *_unary("leaky_relu", normal(3, 4), negative_slope=0.0),
    ],
    "sigmoid": _unary("sigmoid", normal(3, 4), SATURATED, -80 - uniform(3, 4), FAR),
    "tanh": _unary("tanh", normal(3, 4), SMALL, SATURATED),
    "softplus": _unary("softplus", normal(3, 4), LARGE, -20 - uniform(3, 4), 80 + uniform(3, 4)),
    "binary_crossentropy": _crossentropy(False) + _crossentropy(True) + _crossentropy_after(),
    "maximum": [
        *_binary("maximum"),
        Form("ties", lambda ops, a, b: ops.maximum(a, b), (KINKS, np.abs(KINKS))),
        Form("ties with a scalar", lambda ops, a: ops.maximum(a, 0.5), (KINKS,)),
    ],
    "minimum": [
        *_binary("minimum"),
        Form("ties", lambda ops, a, b: ops.minimum(a, b), (KINKS, np.abs(KINKS))),
        Form("ties with a scalar", lambda ops, a: ops.minimum(a, 0.5), (KINKS,)),
    ],
    "clip": [
        Form("inside and outside", lambda ops, x: ops.clip(x, -0.75, 0.75), (normal(3, 4),)),
        Form("at the bounds", lambda ops, x: ops.clip(x, -1.0, 1.0), (KINKS,)),
    ],
    "where": [
        Form("tensors", lambda ops, a, b: ops.where(MASK, a, b), (normal(3, 4), LARGE)),
        Form("rows", lambda ops, a, b: ops.where(MASK, a, b), (normal(4), normal(3, 1))),
        Form("scalar", lambda ops, a: ops.where(MASK, a, 0.0), (normal(3, 4),)),
        Form("condition repeated", lambda ops, a: ops.where(MASK[0], a, -a), (normal(3, 4),)),
        Form("one tensor twice", lambda ops, a: ops.where(MASK, a, 0.5 * a), (normal(3, 4),)),
    ],
    "sum": _reduction("sum"),
    "mean": _reduction("mean"),
    "max": [
        *_reduction("max", empty=False),
        Form("ties, axis=1", lambda ops, x: ops.max(x, axis=1), (np.abs(KINKS[:, ::-1]) // 1,)),
        Form("ties, all", lambda ops, x: ops.max(x), (np.ones((3, 4)),)),
    ],
    "logsumexp": [
        *_reduction("logsumexp", empty=False),
        Form("of ±1000", lambda ops, x: ops.logsumexp(x, axis=1), (30 * LARGE,)),
        Form(
            "with log 0",
            lambda ops, x: ops.logsumexp(x, axis=1),
            (np.array([[0.0, -np.inf, 1, -np.inf], [2, 1, 0, -1]]),),
        ),
    ],
    "softmax": _softmax("softmax"),
    "log_softmax": _softmax("log_softmax"),
    "reshape": [
        Form(f"to {n}", functools.partial(lambda ops, x, n: ops.reshape(x, n), n=n), (X3,))
        for n in [(24,), (6, 4), (-1, 2), (2, -1), (4, 3, 2), (1, 24, 1)]
    ] + [Form("empty", lambda ops, x: ops.reshape(x, (2, 0)), (EMPTY,))],
    "transpose": [
        Form("default", lambda ops, x: ops.transpose(x), (X3,)),
        Form("a matrix", lambda ops, x: ops.transpose(x), (normal(3, 4),)),
        Form("axes (1, 0, 2)", lambda ops, x: ops.transpose(x, (1, 0, 2)), (X3,)),
        Form("axes (2, 0, 1)", lambda ops, x: ops.transpose(x, axes=(2, 0, 1)), (X3,)),
    ],
    "getitem": [
        Form("a row", lambda ops, x: x[1], (X3,)),
        Form("a slice", lambda ops, x: x[:, 1:3], (X3,)),
        Form("steps", lambda ops, x: x[::-1, :, ::2], (X3,)),
        Form("an entry", lambda ops, x: x[1, -1, 2], (X3,)),
        Form("an ellipsis", lambda ops, x: x[..., 0], (X3,)),
        Form("a new axis", lambda ops, x: x[:, None, 1], (X3,)),
        Form("one tensor three times", lambda ops, x: x[0] + x[1] * x[0], (X3,)),
        Form("nothing", lambda ops, x: x[2:], (X3,)),
    ],
    "concatenate": [
        Form("default", lambda ops, a, b: ops.concatenate([a, b]), (normal(3, 4), normal(2, 4))),
        Form(
            "last axis",
            lambda ops, a, b: ops.concatenate([a, b], axis=-1),
            (normal(3, 4), normal(3, 1)),
        ),
        Form(
            "axis 1 of three",
            lambda ops, a, b, c: ops.concatenate([a, b, c], axis=1),
            (X3, normal(2, 1, 4), normal(2, 0, 4)),
        ),
        Form("one tensor twice", lambda ops, a: ops.concatenate([a, a], axis=0), (normal(3, 4),)),
    ],
    "split": [
        Form("in two, the second", lambda ops, x: ops.split(x, 2, axis=2)[1], (X3,)),
        Form("in three, all", lambda ops, x: _weighted(ops.split(x, 3, axis=1)), (X3,)),
        Form("at indices", lambda ops, x: ops.split(x, [1, 3], axis=-1)[1], (X3,)),
        Form("axis 0", lambda ops, x: _weighted(ops.split(x, 2)), (X3,)),
    ],
    "cast": [
        Form("to float32", lambda ops, x: ops.cast(x, "float32"), (normal(3, 4),)),
        Form("to float64", lambda ops, x: ops.cast(x, "float64"), (normal(3, 4),)),
    ],
    "stop_gradient": [
        Form("alone", lambda ops, x: ops.stop_gradient(x), (normal(3, 4),)),
        Form("in a product", lambda ops, x: ops.stop_gradient(x) * x, (normal(3, 4),)),
    ],
    "full_like": [
        Form("in a product", lambda ops, x: ops.full_like(x, 0.1) * x, (normal(3, 4),)),
    ],
    "ones": [
        Form("in a sum", lambda ops, x: ops.ones((3, 4), x.dtype) + x, (normal(3, 4),)),
        Form("of floatx", lambda ops, x: ops.ones((3, 1)) * x, (normal(3, 4),)),
    ],
    "zeros": [
        Form("in a sum", lambda ops, x: ops.zeros((3, 4), x.dtype) + x, (normal(3, 4),)),
        Form("of floatx", lambda ops, x: ops.zeros((3, 1)) * x, (normal(3, 4),)),
    ],
    "convert_to_tensor": [
        Form("of a tensor", lambda ops, x: ops.convert_to_tensor(x) * 2.0, (normal(3, 4),)),
        Form("beside a tensor", lambda ops, x: x * ops.convert_to_tensor(x.numpy()), (SMALL,)),
    ],
    "convert_to_numpy": [
        Form("a constant", lambda ops, x: x * ops.convert_to_numpy(x), (normal(3, 4),)),
    ],
}  # fmt: skip


def _weighted(parts: list[Any]) -> Any:
    total = parts[0]
    for i, part in enumerate(parts[1:], start=2):
        total = total + part * float(i)
    return total


def _run(forms: list[Form], dtype: str) -> Iterator[Pair]:
    for what, call, inputs in forms:

        def function(k: Any, *tensors: Any, call: Callable[..., Any] = call) -> Any:
            return call(k.ops, *tensors)

        yield from prefixed(what, gradients(function, [x.astype(dtype) for x in inputs]))


def _shape(dtype: str) -> Iterator[Pair]:
    for array in (X3.astype(dtype), np.zeros((), dtype), EMPTY):
        yield (
            f"of {array.shape}",
            np.array(numpy_nets.ops.shape(array), int),
            np.array(keras.ops.shape(keras.ops.convert_to_tensor(array)), int),
        )


CASES = [Case("op", f"ops.{name}", functools.partial(_run, forms)) for name, forms in FORMS.items()]
CASES += [
    Case("op", "ops.shape", _shape),
    Case(
        "op",
        "ops.leaky_relu",
        functools.partial(_run, _unary("leaky_relu", normal(3, 4), KINKS)),
        "default slope 0.2",
        ("float64",),
        bound=2.0**29,
        reason=ROUNDED_SLOPE,
    ),
]
