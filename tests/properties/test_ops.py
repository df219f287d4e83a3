"""Every op is a function with its derivative, whatever the shapes, axes, dtypes and memory layouts.

A `Call` is an op at drawn inputs, beside the NumPy or SciPy function that it must equal. Inputs
keep off kinks, ties and poles by construction; what holds there is in tests/autodiff/test_ops.py.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
import scipy.special
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from strategies import fewer

from numpy_nets import GradientTape, gradcheck, ops
from numpy_nets.autodiff import fused
from numpy_nets.autodiff.tensor import Array, Tensor

SCIPY = scipy.special


class Call(NamedTuple):
    """`function` of Tensors, `reference` of arrays, and arrays (float64) to call them with."""

    name: str
    function: Callable[..., Tensor]
    reference: Callable[..., Array]
    inputs: list[Array]

    def __repr__(self) -> str:
        return f"{self.name} of {', '.join(str(x.tolist()) for x in self.inputs)}"


# Numbers.  Drawn as a seed: entries need not shrink, but shapes must.


def normal(rng: np.random.Generator, shape: Any) -> Array:
    return rng.normal(size=shape)


def off_zero(rng: np.random.Generator, shape: Any) -> Array:
    x = rng.normal(size=shape)
    return x + np.where(x < 0, -0.1, 0.1)


def positive(rng: np.random.Generator, shape: Any) -> Array:
    return 0.2 + np.abs(rng.normal(size=shape))


def probability(rng: np.random.Generator, shape: Any) -> Array:
    return rng.uniform(0.05, 0.95, shape)


def distinct(rng: np.random.Generator, shape: Any) -> Array:
    """No two entries nearer to each other than 0.1."""
    size = int(np.prod(shape))
    return rng.permutation(0.1 * np.arange(size) - 0.03 * size).reshape(shape)


shapes = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=3)
filled = hnp.array_shapes(max_dims=4, max_side=3)
generators = st.integers(0, 2**16).map(np.random.default_rng)

UNARY: dict[str, tuple[Callable[..., Array], Callable[..., Array], Callable[..., Tensor]]] = {
    "abs": (np.abs, off_zero, ops.abs),
    "cast": (lambda x: x, normal, lambda x: ops.cast(x, x.dtype)),
    "clip": (lambda x: np.clip(x, -0.05, 0.05), off_zero, lambda x: ops.clip(x, -0.05, 0.05)),
    "convert_to_tensor": (lambda x: x, normal, ops.convert_to_tensor),
    "exp": (np.exp, normal, ops.exp),
    "expm1": (np.expm1, normal, ops.expm1),
    "leaky_relu": (lambda x: np.maximum(x, 0.2 * x), off_zero, ops.leaky_relu),
    "log": (np.log, positive, ops.log),
    "log1p": (np.log1p, positive, ops.log1p),
    "negative": (np.negative, normal, ops.negative),
    "relu": (lambda x: np.where(x > 0, x, 0), off_zero, ops.relu),
    "sigmoid": (SCIPY.expit, normal, ops.sigmoid),
    "softplus": (lambda x: np.logaddexp(x, np.zeros_like(x)), normal, ops.softplus),
    "sqrt": (np.sqrt, positive, ops.sqrt),
    "square": (np.square, normal, ops.square),
    "tanh": (np.tanh, normal, ops.tanh),
}
BINARY = {
    "add": (np.add, normal, normal),
    "subtract": (np.subtract, normal, normal),
    "multiply": (np.multiply, normal, normal),
    "divide": (np.divide, normal, off_zero),
    "power": (np.power, positive, normal),
    "maximum": (np.maximum, normal, normal),
    "minimum": (np.minimum, normal, normal),
}
REDUCTIONS = {"sum": np.sum, "mean": np.mean, "max": np.max, "logsumexp": SCIPY.logsumexp}


@st.composite
def unary_calls(draw: st.DrawFn) -> Call:
    name = draw(st.sampled_from(sorted(UNARY)))
    reference, values, function = UNARY[name]
    return Call(name, function, reference, [values(draw(generators), draw(shapes))])


@st.composite
def binary_calls(draw: st.DrawFn) -> Call:
    name = draw(st.sampled_from(sorted(BINARY)))
    reference, first, second = BINARY[name]
    a, b = draw(
        hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=3, min_side=0, max_side=3)
    ).input_shapes
    rng = draw(generators)
    x, y = first(rng, a), second(rng, b)
    if name in ("maximum", "minimum"):
        # x has even multiples of 0.1, y odd ones
        x, y = 0.2 * np.round(5 * x), 0.2 * np.round(5 * y) + 0.1
    return Call(name, getattr(ops, name), reference, [x, y])


@st.composite
def where_calls(draw: st.DrawFn) -> Call:
    rng = draw(generators)
    mask, a, b = (
        normal(rng, shape)
        for shape in draw(
            hnp.mutually_broadcastable_shapes(num_shapes=3, max_dims=3, min_side=0, max_side=3)
        ).input_shapes
    )
    return Call(
        "where", lambda x, y: ops.where(mask > 0, x, y), lambda x, y: np.where(mask > 0, x, y),
        [a, b],
    )  # fmt: skip


@st.composite
def crossentropy_calls(draw: st.DrawFn) -> Call:
    rng, shape, from_logits = draw(generators), draw(shapes), draw(st.booleans())
    y = probability(rng, shape)
    x = off_zero(rng, shape) if from_logits else probability(rng, shape)

    def reference(y: Array, x: Array) -> Array:
        p = SCIPY.expit(x) if from_logits else x
        return -(y * np.log(p) + (1 - y) * np.log(1 - p))

    return Call(
        "binary_crossentropy",
        lambda y, x: ops.binary_crossentropy(y, x, from_logits=from_logits), reference, [y, x],
    )  # fmt: skip


@st.composite
def fused_calls(draw: st.DrawFn) -> Call:
    """What layers and losses are made of: several ops in one."""
    rng = draw(generators)
    if draw(st.booleans()):
        *rows, k, m = draw(hnp.array_shapes(min_dims=3, max_dims=4, min_side=0, max_side=3))
        inputs = [normal(rng, side) for side in ((*rows, k), (k, m), (m,))]
        return Call("dense", fused.dense, lambda x, w, b: x @ w + b, inputs)
    shape = draw(filled)
    return Call(
        "mean_crossentropy_from_logits", fused.mean_crossentropy_from_logits,
        lambda y, z: np.mean(np.logaddexp(0, z) - z * y, axis=-1),
        [probability(rng, shape), off_zero(rng, shape)],
    )  # fmt: skip


@st.composite
def reduction_calls(draw: st.DrawFn) -> Call:
    name, shape = draw(st.sampled_from(sorted(REDUCTIONS))), draw(filled)
    axes = draw(hnp.valid_tuple_axes(len(shape), min_size=1))
    options = {
        "axis": draw(st.sampled_from([None, axes, axes[0]])), "keepdims": draw(st.booleans())
    }  # fmt: skip
    return Call(
        f"{name} {options}", lambda x: getattr(ops, name)(x, **options),
        lambda x: REDUCTIONS[name](x, **options), [distinct(draw(generators), shape)],
    )  # fmt: skip


@st.composite
def softmax_calls(draw: st.DrawFn) -> Call:
    name, shape = draw(st.sampled_from(["softmax", "log_softmax"])), draw(filled)
    axis = draw(st.integers(-len(shape), len(shape) - 1))
    return Call(
        f"{name} axis={axis}", lambda x: getattr(ops, name)(x, axis=axis),
        lambda x: getattr(SCIPY, name)(x, axis), [normal(draw(generators), shape)],
    )  # fmt: skip


@st.composite
def matmul_calls(draw: st.DrawFn) -> Call:
    rng = draw(generators)
    a, b = draw(
        hnp.mutually_broadcastable_shapes(
            signature="(n,k),(k,m)->(n,m)", max_dims=2, min_side=0, max_side=3
        )
    ).input_shapes
    return Call("matmul", ops.matmul, np.matmul, [normal(rng, a), normal(rng, b)])


@st.composite
def moving_calls(draw: st.DrawFn) -> Call:
    """Ops that move entries and compute nothing: reference and op are of one name."""
    shape, rng = draw(filled), draw(generators)
    x, n = normal(rng, shape), len(shape)
    name = draw(st.sampled_from(["getitem", "reshape", "split", "transpose"]))
    if name == "getitem":
        index = draw(hnp.basic_indices(shape, allow_newaxis=True))
        return Call(f"getitem {index}", lambda x: x[index], lambda x: x[index], [x])
    if name == "transpose":
        axes = [a - n * draw(st.integers(0, 1)) for a in draw(st.permutations(range(n)))]
        argument: Any = draw(st.sampled_from([axes, None]))
    elif name == "reshape":
        argument = list(draw(st.permutations([*shape, 1])))
        argument[draw(st.integers(0, n))] = -1
    else:
        axis = draw(st.integers(-n, n - 1))
        cuts = sorted(draw(st.lists(st.integers(0, shape[axis]), max_size=3)))
        part = draw(st.integers(0, len(cuts)))
        return Call(
            f"split {cuts} axis={axis} [{part}]", lambda x: ops.split(x, cuts, axis=axis)[part],
            lambda x: np.split(x, cuts, axis)[part], [x],
        )  # fmt: skip
    return Call(
        f"{name} {argument}", lambda x: getattr(ops, name)(x, argument),
        lambda x: getattr(np, name)(x, argument), [x],
    )  # fmt: skip


@st.composite
def concatenate_calls(draw: st.DrawFn) -> Call:
    shape, rng = draw(filled), draw(generators)
    axis = draw(st.integers(-len(shape), len(shape) - 1))
    parts = []
    for length in draw(st.lists(st.integers(0, 3), min_size=1, max_size=4)):
        side = list(shape)
        side[axis] = length
        parts.append(normal(rng, side))
    return Call(
        f"concatenate axis={axis}", lambda *xs: ops.concatenate(xs, axis=axis),
        lambda *xs: np.concatenate(xs, axis), parts,
    )  # fmt: skip


FAMILIES = {
    "unary": unary_calls(), "binary": binary_calls(), "where": where_calls(),
    "crossentropy": crossentropy_calls(), "reduction": reduction_calls(),
    "softmax": softmax_calls(), "matmul": matmul_calls(), "moving": moving_calls(),
    "concatenate": concatenate_calls(), "fused": fused_calls(),
}  # fmt: skip
each_family = pytest.mark.parametrize("calls", FAMILIES.values(), ids=FAMILIES)
one_call = st.one_of(*FAMILIES.values())


def test_every_public_op_with_a_derivative_is_in_a_family() -> None:
    moving = {"getitem", "reshape", "split", "transpose", "concatenate", "where", "matmul"}
    drawn = {*UNARY, *BINARY, *REDUCTIONS, *moving, "softmax", "log_softmax", "binary_crossentropy"}
    constants = {"convert_to_numpy", "full_like", "ones", "shape", "stop_gradient", "zeros"}
    assert drawn == {*ops.__all__, "getitem"} - constants


# Memory layouts: each gives an array equal to x.

LAYOUTS: dict[str, Callable[[Array], Array]] = {
    "row by row": lambda x: np.array(x, order="C"),
    "column by column": lambda x: np.array(x, order="F"),
    "backwards": lambda x: np.flip(np.flip(x).copy()),
    "every second": lambda x: np.repeat(x, 2, axis=-1)[..., ::2] if x.ndim else x.copy(),
}
layouts = st.sampled_from(sorted(LAYOUTS))


def arranged(call: Call, layout: str, dtype: Any = np.float64) -> list[Array]:
    """The inputs in a layout, read-only."""
    arrays = [LAYOUTS[layout](x.astype(dtype)) for x in call.inputs]
    for x in arrays:
        x.setflags(write=False)
    return arrays


def value_and_gradients(call: Call, arrays: list[Array], g: Any = None) -> list[Array]:
    tensors = [Tensor(x) for x in arrays]
    with GradientTape() as tape:
        tape.watch(tensors)
        y = call.function(*tensors)
    gradients = tape.gradient(y, tensors, output_gradients=g)
    pairs = zip(gradients, arrays, strict=True)
    return [y.array, *(np.zeros_like(x) if d is None else d.array for d, x in pairs)]


@each_family
@fewer(2)
@given(data=st.data())
def test_the_value_is_that_of_numpy_or_scipy(calls, data) -> None:
    """f(x) = reference(x), of its shape and its dtype, in float64 and float32."""
    call, layout = data.draw(calls), data.draw(layouts)
    expected = call.reference(*call.inputs)
    for dtype, digits in ((np.float64, 1e-13), (np.float32, 2e-5)):
        found = call.function(*map(Tensor, arranged(call, layout, dtype))).array
        assert found.shape == np.shape(expected)
        assert found.dtype == dtype
        np.testing.assert_allclose(found, expected, rtol=digits, atol=digits)


@each_family
@fewer(2)
@given(data=st.data())
def test_the_gradient_is_the_central_difference(calls, data) -> None:
    """gᵀ ∂f/∂x d = gᵀ (f(x + h d) - f(x - h d)) / 2h, along random d and entry by entry."""
    call = data.draw(calls)
    gradcheck(call.function, call.inputs, directions=2, entries=6)


@each_family
@fewer(2)
@given(data=st.data())
def test_vjps_are_linear_in_the_gradient_from_above(calls, data) -> None:
    """vjp(a g + b h) = a vjp(g) + b vjp(h)."""
    call, rng = data.draw(calls), data.draw(generators)
    shape = np.shape(call.reference(*call.inputs))
    g, h = rng.normal(size=(2, *shape))
    found = [value_and_gradients(call, call.inputs, v)[1:] for v in (g, h, 2.5 * g - 0.3 * h)]
    for of_g, of_h, of_sum in zip(*found, strict=True):
        np.testing.assert_allclose(of_sum, 2.5 * of_g - 0.3 * of_h, rtol=1e-12, atol=1e-12)


@given(one_call, layouts, st.sampled_from([np.float64, np.float32]))
def test_the_memory_layout_changes_no_number_and_nothing_is_written_into(
    call, layout, dtype
) -> None:
    """Of read-only inputs, strided or backwards: value and gradient are those of plain ones."""
    plain = value_and_gradients(call, [x.astype(dtype) for x in call.inputs])
    strange = value_and_gradients(call, arranged(call, layout, dtype))
    for expected, found in zip(plain, strange, strict=True):
        assert found.shape == expected.shape
        assert found.dtype == dtype
        tolerance = 50 * np.finfo(dtype).eps  # sums are added in another order
        np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


# Expressions.


class Expression:
    """A program of ops, grown step by step, at whose inputs no op is near a kink, tie or pole.

    Every step computes with the latest result, shifts it away from kinks by a constant, and
    scales it into [-1, 1], so that 30 steps neither explode nor vanish. The constants are found
    at the inputs and then stay, as differences move the inputs a little.
    """

    def __init__(self, inputs: list[Array]) -> None:
        self.inputs = inputs
        self.values = [Tensor(x) for x in inputs]  # all results so far, at the inputs
        self.steps: list[tuple[str, Callable[..., Tensor], list[int]]] = []

    def add(self, name: str, function: Callable[..., Tensor], operands: list[int]) -> None:
        at = [self.values[i] for i in operands]
        scale = float(1 / max(1, np.max(np.abs(function(*at).array), initial=0)))

        def scaled(*xs: Tensor) -> Tensor:
            return function(*xs) * scale

        self.steps.append((name, scaled, operands))
        self.values.append(scaled(*at))

    def __call__(self, *inputs: Tensor) -> Tensor:
        found = list(inputs)
        for _, function, operands in self.steps:
            found.append(function(*(found[i] for i in operands)))
        return found[-1]

    def __repr__(self) -> str:
        lines = [f"x{i} = {x.tolist()}" for i, x in enumerate(self.inputs)]
        for k, (name, _, operands) in enumerate(self.steps, len(self.inputs)):
            lines.append(f"x{k} = {name}({', '.join(f'x{i}' for i in operands)})")
        return "; ".join(lines)


SMOOTH: dict[str, Callable[[Tensor], Tensor]] = {
    "tanh": ops.tanh, "sigmoid": ops.sigmoid, "softplus": ops.softplus, "exp": ops.exp,
    "expm1": ops.expm1, "square": ops.square, "negative": ops.negative,
    "log of 2 +": lambda x: ops.log(2.0 + x), "log1p of 1 +": lambda x: ops.log1p(1.0 + x),
    "sqrt of 2 +": lambda x: ops.sqrt(2.0 + x), "1 / 2 -": lambda x: 1.0 / (2.0 - x),
    "power 3 of": lambda x: x**3, "2 to the power of": lambda x: 2.0**x,
    "logsumexp": lambda x: ops.logsumexp(x, axis=-1, keepdims=True), "softmax": ops.softmax,
    "log_softmax": ops.log_softmax, "mean": lambda x: ops.mean(x, axis=0, keepdims=True),
    "sum": lambda x: ops.sum(x, axis=-1, keepdims=True), "transpose": ops.transpose,
    "flat": lambda x: ops.reshape(x, (-1, 1)), "backwards": lambda x: x[::-1],
    "twice": lambda x: ops.concatenate([x, x], axis=0),
}  # fmt: skip
KINKED: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": ops.relu, "leaky_relu": ops.leaky_relu, "abs": ops.abs,
    "clip below at 0": lambda x: ops.clip(x, 0.0, 5.0),
}  # fmt: skip
TWO: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "add": ops.add, "subtract": ops.subtract, "multiply": ops.multiply,
    "divide by 2 +": lambda a, b: a / (2.0 + b),
    "2 + to the power": lambda a, b: (2.0 + a) ** b,
    "crossentropy of logits": lambda a, b: ops.binary_crossentropy(
        ops.sigmoid(a + 0.0 * b), b + 0.0 * a, from_logits=True
    ),
}  # fmt: skip
CHOICES = {"maximum": ops.maximum, "minimum": ops.minimum}


def fits(shape: tuple[int, ...], other: tuple[int, ...]) -> bool:
    try:
        return np.prod(np.broadcast_shapes(shape, other)) <= 64
    except ValueError:
        return False


@st.composite
def expressions(draw: st.DrawFn) -> Expression:
    found = draw(
        hnp.mutually_broadcastable_shapes(
            num_shapes=draw(st.integers(1, 3)), min_dims=1, max_dims=3, max_side=3
        )
    ).input_shapes
    rng = draw(generators)
    expression = Expression([rng.uniform(-1, 1, shape) for shape in found])
    for _ in range(draw(st.integers(1, 30))):
        latest = len(expression.values) - 1
        x = expression.values[latest]
        others = [i for i, y in enumerate(expression.values) if fits(x.shape, y.shape)]
        kind = draw(st.sampled_from(["smooth", "two", "kinked", "choice", "max", "matmul"]))
        other = draw(st.sampled_from(others))
        y = expression.values[other]
        if kind == "kinked":
            name = draw(st.sampled_from(sorted(KINKED)))
            away = np.where(x.array < 0, -0.1, 0.1)
            expression.add(name, lambda x, f=KINKED[name], c=away: f(x + c), [latest])
        elif kind == "choice":
            name = draw(st.sampled_from(sorted(CHOICES)))
            away = np.where(x.array < y.array, -0.1, 0.1)
            expression.add(name, lambda x, y, f=CHOICES[name], c=away: f(x + c, y), [latest, other])
        elif kind == "two":
            name = draw(st.sampled_from(sorted(TWO)))
            expression.add(name, TWO[name], [latest, other])
        elif kind == "max":
            order = np.argsort(np.argsort(x.array, axis=-1), axis=-1)
            expression.add(
                "max", lambda x, c=0.1 * order: ops.max(x + c, axis=-1, keepdims=True), [latest]
            )
        elif kind == "matmul" and x.ndim == 2 and x.shape[0] ** 2 <= 64:
            expression.add("x xᵀ", lambda x: x @ ops.transpose(x), [latest])
        elif kind == "matmul" and x.ndim == 3 and 2 * math.prod(x.shape[:-1]) <= 64:
            expression.add("x @ ones", lambda x: x @ np.ones((x.shape[-1], 2)), [latest])
        else:
            names = [n for n in sorted(SMOOTH) if n != "twice" or x.array.size <= 32]
            name = draw(st.sampled_from(names))
            expression.add(name, SMOOTH[name], [latest])
    return expression


@given(expressions())
def test_an_expression_of_up_to_thirty_ops_has_the_gradient_of_central_differences(f) -> None:
    """The chain rule: whatever is composed of right VJPs is right."""
    gradcheck(f, f.inputs, directions=2, entries=4)


@fewer(2)
@given(expressions(), generators)
def test_an_expression_is_differentiated_linearly(f, rng) -> None:
    """∇(gᵀf) is linear in g, through any program."""
    call = Call("expression", f, lambda *xs: f(*map(Tensor, xs)).array, f.inputs)
    shape = f.values[-1].shape
    g, h = rng.normal(size=(2, *shape))
    of_g, of_h, of_sum = (value_and_gradients(call, f.inputs, v)[1:] for v in (g, h, g + h))
    for a, b, c in zip(of_g, of_h, of_sum, strict=True):
        np.testing.assert_allclose(a + b, c, rtol=1e-9, atol=1e-9)
