"""Every op: its value is NumPy's (or SciPy's), its gradient is the central difference."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
import scipy.special

from numpy_nets import GradientTape, Input, config, gradcheck, losses, ops
from numpy_nets.autodiff import fused
from numpy_nets.autodiff.tensor import Array, Tensor


def normal(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng([seed, *shape]).normal(size=shape)


def off_zero(*shape: int, seed: int = 0) -> Array:
    """No entry within 0.1 of the kink at 0, and none equal to another."""
    x = normal(*shape, seed=seed)
    return x + 0.1 * np.sign(x)


def positive(*shape: int, seed: int = 0) -> Array:
    return 0.2 + np.abs(normal(*shape, seed=seed))


def probability(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng([seed, *shape]).uniform(0.05, 0.95, shape)


class Case(NamedTuple):
    """`call` on Tensors must equal `reference` on arrays, at `inputs`."""

    call: Callable[..., Any]
    reference: Callable[..., Any]
    inputs: tuple[Array, ...]


MASK = normal(3, 4, seed=9) > 0
SCIPY = scipy.special


def binary(call: Callable[..., Any], reference: Callable[..., Any], a: Any, b: Any) -> list[Case]:
    """Equal shapes, broadcasting of either side and of both, and 0-d."""
    return [
        Case(call, reference, (a(3, 4), b(3, 4, seed=1))),
        Case(call, reference, (a(3, 4), b(4, seed=1))),
        Case(call, reference, (a(1, 4), b(2, 3, 1, seed=1))),
        Case(call, reference, (a(), b(3, 4, seed=1))),
        Case(call, reference, (a(3, 1), b(seed=1))),
        Case(call, reference, (a(0, 4), b(1, 4, seed=1))),
    ]


def unary(call: Callable[..., Any], reference: Callable[..., Any], x: Any) -> list[Case]:
    return [Case(call, reference, (x(*s),)) for s in ((3, 4), (5,), (), (1, 1), (0, 3))]


def reduction(call: Callable[..., Any], reference: Callable[..., Any]) -> list[Case]:
    """Every kind of axis, and a batch of 1."""
    return [
        Case(
            lambda x, o=options: call(x, **o),
            lambda x, o=options: reference(x, **o),
            (off_zero(*shape),),
        )
        for shape, options in [
            ((3, 4), {}),
            ((3, 4), {"axis": 0}),
            ((3, 4), {"axis": -1, "keepdims": True}),
            ((2, 3, 4), {"axis": (0, -1)}),
            ((2, 3, 4), {"axis": (-2,), "keepdims": True}),
            ((2, 3, 4), {"keepdims": True}),
            ((1, 4), {"axis": 0}),
            ((0, 4), {"axis": 1}),
            ((), {}),
        ]
    ]


def bce(y: Array, p: Array) -> Array:
    return -(y * np.log(p) + (1 - y) * np.log(1 - p))


TABLE: dict[str, list[Case]] = {
    "abs": unary(ops.abs, np.abs, off_zero),
    "add": binary(ops.add, np.add, normal, normal),
    "binary_crossentropy": [
        Case(ops.binary_crossentropy, bce, (probability(3, 4), probability(3, 4, seed=1))),
        Case(
            lambda y, z: ops.binary_crossentropy(y, z, from_logits=True),
            lambda y, z: bce(y, SCIPY.expit(z)),
            (probability(3, 4), off_zero(3, 4, seed=1)),
        ),
    ],
    "cast": unary(lambda x: ops.cast(x, x.dtype), lambda x: x, normal),
    "clip": unary(
        lambda x: ops.clip(x, -0.05, 0.05), lambda x: np.clip(x, -0.05, 0.05), off_zero
    ),
    "concatenate": [
        Case(
            lambda a, b, c: ops.concatenate([a, b, c]),
            lambda a, b, c: np.concatenate([a, b, c]),
            (normal(2, 3), normal(1, 3), normal(0, 3)),
        ),
        Case(
            lambda a, b: ops.concatenate([a, b, a], axis=-1),
            lambda a, b: np.concatenate([a, b, a], axis=-1),
            (normal(2, 3), normal(2, 1)),
        ),
    ],
    "convert_to_tensor": unary(ops.convert_to_tensor, lambda x: x, normal),
    "divide": binary(ops.divide, np.divide, normal, off_zero),
    "exp": unary(ops.exp, np.exp, normal),
    "expm1": unary(ops.expm1, np.expm1, normal),
    "getitem": [
        Case(lambda x, i=i: ops.getitem(x, i), lambda x, i=i: x[i], (normal(3, 4),))
        for i in [0, -1, (1, 2), slice(1, None), (slice(None), slice(None, None, -2)), None,
                  (..., 1), (None, 1, ..., None), slice(3, 3), ()]
    ],
    "leaky_relu": [
        *unary(ops.leaky_relu, lambda x: np.where(x > 0, x, 0.2 * x), off_zero),
        *unary(
            lambda x: ops.leaky_relu(x, 0.3), lambda x: np.where(x > 0, x, 0.3 * x), off_zero
        ),
    ],
    "log": unary(ops.log, np.log, positive),
    "log1p": unary(ops.log1p, np.log1p, positive),
    "log_softmax": [
        Case(ops.log_softmax, lambda x: SCIPY.log_softmax(x, -1), (normal(3, 4),)),
        Case(ops.log_softmax, lambda x: SCIPY.log_softmax(x, -1), (normal(0, 4),)),
        Case(
            lambda x: ops.log_softmax(x, axis=0), lambda x: SCIPY.log_softmax(x, 0), (normal(3, 4),)
        ),
    ],
    "logsumexp": reduction(ops.logsumexp, SCIPY.logsumexp),
    "matmul": [
        Case(ops.matmul, np.matmul, (normal(*a), normal(*b, seed=1)))
        for a, b in [((3, 4), (4, 2)), ((1, 4), (4, 1)), ((0, 4), (4, 2)), ((5, 3, 4), (4, 2)),
                     ((3, 4), (5, 4, 2)), ((2, 1, 3, 4), (5, 4, 2)), ((3, 0), (0, 2))]
    ],
    "max": reduction(ops.max, np.max),
    "maximum": binary(ops.maximum, np.maximum, normal, normal),
    "mean": reduction(ops.mean, np.mean),
    "minimum": binary(ops.minimum, np.minimum, normal, normal),
    "multiply": binary(ops.multiply, np.multiply, normal, normal),
    "negative": unary(ops.negative, np.negative, normal),
    "power": [
        *binary(ops.power, np.power, positive, normal),
        *unary(lambda x: x**3, lambda x: x**3, off_zero),
        *unary(lambda x: x**-2.0, lambda x: x**-2.0, off_zero),
        *unary(lambda x: 2**x, lambda x: 2**x, normal),
    ],
    "relu": unary(ops.relu, lambda x: np.where(x > 0, x, 0), off_zero),
    "reshape": [
        Case(lambda x, s=s: ops.reshape(x, s), lambda x, s=s: x.reshape(s), (normal(3, 4),))
        for s in [(12,), (2, -1), (4, 3), (-1, 1), (3, 4)]
    ],
    "sigmoid": unary(ops.sigmoid, SCIPY.expit, normal),
    "softmax": [
        Case(ops.softmax, lambda x: SCIPY.softmax(x, -1), (normal(3, 4),)),
        Case(ops.softmax, lambda x: SCIPY.softmax(x, -1), (normal(0, 4),)),
        Case(lambda x: ops.softmax(x, axis=0), lambda x: SCIPY.softmax(x, 0), (normal(3, 4),)),
    ],
    "softplus": unary(ops.softplus, lambda x: np.logaddexp(0, x), normal),
    "split": [
        Case(
            lambda x, s=s, a=a, k=k: ops.split(x, s, axis=a)[k],
            lambda x, s=s, a=a, k=k: np.split(x, s, axis=a)[k],
            (normal(4, 6),),
        )
        for s, a, k in [(4, 0, 2), (3, -1, 1), ([1, 4], 1, 1), ([1, 4], 1, 2), (1, 0, 0)]
    ],
    "sqrt": unary(ops.sqrt, np.sqrt, positive),
    "square": unary(ops.square, np.square, normal),
    "subtract": binary(ops.subtract, np.subtract, normal, normal),
    "sum": reduction(ops.sum, np.sum),
    "tanh": unary(ops.tanh, np.tanh, normal),
    "transpose": [
        Case(
            lambda x, a=a: ops.transpose(x, a), lambda x, a=a: np.transpose(x, a),
            (normal(2, 3, 4),),
        )
        for a in [None, (0, 2, 1), (2, 0, 1), (-1, 0, -2)]
    ],
    "where": [
        Case(lambda a, b: ops.where(MASK, a, b), lambda a, b: np.where(MASK, a, b), inputs)
        for inputs in [
            (normal(3, 4), normal(3, 4, seed=1)),
            (normal(4), normal(3, 1, seed=1)),
            (normal(), normal(2, 3, 4)),
        ]
    ],
}  # fmt: skip

# These have tests of their own.
NO_DERIVATIVE = {"convert_to_numpy", "full_like", "ones", "shape", "stop_gradient", "zeros"}

CASES = [
    pytest.param(case, id=f"{name}-{i}") for name, cases in TABLE.items()
    for i, case in enumerate(cases)
]  # fmt: skip


def test_every_public_op_is_in_the_table() -> None:
    assert set(TABLE) | NO_DERIVATIVE == {*ops.__all__, "getitem"}  # public as tensor[...]


@pytest.mark.parametrize("case", CASES)
def test_the_value_is_that_of_numpy_or_scipy(case: Case) -> None:
    value = case.call(*map(Tensor, case.inputs))
    expected = case.reference(*case.inputs)
    assert value.shape == np.shape(expected)
    np.testing.assert_allclose(value.array, expected, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("case", CASES)
def test_the_gradient_is_the_central_difference(case: Case) -> None:
    gradcheck(case.call, case.inputs, directions=1)


@pytest.mark.parametrize("case", CASES)
def test_float32_stays_float32_in_value_and_gradients(case: Case) -> None:
    results = []
    for dtype in (np.float64, np.float32):
        tensors = [Tensor(x.astype(dtype)) for x in case.inputs]
        with GradientTape() as tape:
            tape.watch(tensors)
            y = case.call(*tensors)
        gradients = tape.gradient(y, tensors)
        assert y.dtype == dtype
        assert [g.dtype for g in gradients] == [dtype] * len(tensors)
        assert [g.shape for g in gradients] == [x.shape for x in tensors]
        results.append([y.array, *(g.array for g in gradients)])
    for double, single in zip(*results, strict=True):
        np.testing.assert_allclose(single, double, rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("case", CASES)
def test_neither_inputs_nor_upstream_gradients_are_written_into(case: Case) -> None:
    tensors = [Tensor(x.copy()) for x in case.inputs]
    for x in tensors:
        x.array.setflags(write=False)
    with GradientTape() as tape:
        tape.watch(tensors)
        case.call(*tensors)
    for output, inputs, vjps, _ in tape.records:
        g = np.ones(output.shape)
        g.setflags(write=False)
        for x, vjp in zip(inputs, vjps, strict=True):
            assert vjp(g).shape == np.shape(x.array if isinstance(x, Tensor) else x)


# Conventions at kinks and ties: those of TensorFlow.


def gradient(call: Callable[..., Tensor], *inputs: Any) -> list[list[float]]:
    tensors = [Tensor(np.asarray(x, np.float64)) for x in inputs]
    with GradientTape() as tape:
        tape.watch(tensors)
        y = call(*tensors)
    return [g.array.tolist() for g in tape.gradient(y, tensors)]


def test_the_derivative_of_relu_at_0_is_0() -> None:
    assert gradient(ops.relu, [-1, -0.0, 0, 1]) == [[0, 0, 0, 1]]


def test_the_derivative_of_leaky_relu_at_0_is_the_slope() -> None:
    assert gradient(lambda x: ops.leaky_relu(x, 0.25), [-1, -0.0, 0, 1]) == [[0.25, 0.25, 0.25, 1]]


def test_the_derivative_of_abs_at_0_is_0() -> None:
    assert gradient(ops.abs, [-2, 0, 2]) == [[-1, 0, 1]]


def test_the_first_input_of_maximum_and_minimum_gets_the_gradient_of_a_tie() -> None:
    assert gradient(ops.maximum, [1, 2, 3], [1, 3, 2]) == [[1, 0, 1], [0, 1, 0]]
    assert gradient(ops.minimum, [1, 2, 3], [1, 3, 2]) == [[1, 1, 0], [0, 0, 1]]


def test_ties_of_max_share_the_gradient_equally() -> None:
    assert gradient(ops.max, [3, 1, 3, 3, 3]) == [[0.25, 0, 0.25, 0.25, 0.25]]
    assert gradient(lambda x: ops.max(x, axis=1), [[2, 2], [1, 0]]) == [[[0.5, 0.5], [1, 0]]]


def test_clip_passes_the_gradient_at_its_bounds_and_not_beyond() -> None:
    assert gradient(lambda x: ops.clip(x, -1.0, 1.0), [-2, -1, 0, 1, 2]) == [[0, 1, 1, 1, 0]]


def test_power_has_no_gradient_by_the_exponent_where_the_base_is_not_positive() -> None:
    by_base, by_exponent = gradient(ops.power, [0, -2, 1], [2, 2, 2])
    assert by_base == [0, -4, 2]
    assert by_exponent == [0, 0, 0]


def test_probabilities_that_were_clipped_have_no_gradient() -> None:
    def call(p: Tensor) -> Tensor:
        return ops.binary_crossentropy(np.zeros(4), p)

    assert gradient(call, [0, 5e-8, 1 - 5e-8, 1]) == [[0, 0, 0, 0]]
    assert gradient(call, [0.5, 0.75, 0.0, 0.0]) == [[2, 4, 0, 0]]
    inside = gradient(call, [1e-7, 1 - 1e-7, 0.0, 0.0])[0]
    assert inside == pytest.approx([1, 1e7, 0, 0])


# Extreme values.  Warnings are errors in this suite, so nothing here overflows silently.

EXTREME = [-1e4, -800.0, -100.0, -1.0, 0.0, 1.0, 100.0, 800.0, 1e4]


def values_and_gradients(call: Callable[..., Tensor], *inputs: Any, dtype: Any) -> list[Array]:
    tensors = [Tensor(np.asarray(x, dtype)) for x in inputs]
    with GradientTape() as tape:
        tape.watch(tensors)
        y = call(*tensors)
    return [y.array, *(g.array for g in tape.gradient(y, tensors))]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("name", "limits", "slopes"),
    [("sigmoid", (0, 1), (0, 0)), ("tanh", (-1, 1), (0, 0)), ("softplus", (0, 1e4), (0, 1))],
)
def test_saturating_functions_reach_their_limits(name, limits, slopes, dtype) -> None:
    y, g = values_and_gradients(getattr(ops, name), EXTREME, dtype=dtype)
    assert (y[0], y[-1]) == limits
    assert (g[0], g[-1]) == slopes
    assert np.isfinite(y).all()
    assert np.isfinite(g).all()
    assert (np.diff(y) >= 0).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ["softmax", "log_softmax", "logsumexp"])
def test_logits_of_ten_thousand_are_finite(name, dtype) -> None:
    for x in (EXTREME, [1e4, 1e4], [-1e4, -1e4], [1e4], [EXTREME, EXTREME[::-1]]):
        for array in values_and_gradients(getattr(ops, name), x, dtype=dtype):
            assert np.isfinite(array).all()


def test_a_row_of_minus_infinities_has_logsumexp_minus_infinity_and_gradient_0() -> None:
    x = [[-np.inf, -np.inf], [-np.inf, 1.0], [0.0, 0.0]]
    y, g = values_and_gradients(lambda t: ops.logsumexp(t, axis=-1), x, dtype=np.float64)
    assert y.tolist() == [-np.inf, 1.0, np.log(2)]
    assert g.tolist() == [[0, 0], [0, 1], [0.5, 0.5]]


def test_log1p_and_softplus_keep_small_numbers() -> None:
    x = Tensor(np.array([1e-20]))
    assert ops.log1p(x).array.tolist() == [1e-20]
    assert ops.softplus(Tensor(np.array([-50.0]))).array.tolist() == [np.exp(-50)]


# Empty arrays.


def test_the_mean_of_nothing_is_nan_with_an_empty_gradient() -> None:
    y, g = values_and_gradients(ops.mean, np.zeros((0, 3)), dtype=np.float32)
    assert np.isnan(y)
    assert g.shape == (0, 3)
    y, g = values_and_gradients(lambda x: ops.mean(x, axis=0), np.zeros((0, 3)), dtype=np.float32)
    assert np.isnan(y).all()
    assert (y.shape, g.shape) == ((3,), (0, 3))


def test_the_max_of_nothing_raises() -> None:
    with pytest.raises(ValueError, match="zero-size array"):
        ops.max(Tensor(np.zeros((0, 3))), axis=0)


@pytest.mark.parametrize("sections", [1, 2, 3])
def test_an_empty_axis_splits_into_empty_parts(sections) -> None:
    parts = ops.split(Tensor(np.zeros((0, 3))), sections)
    assert [p.shape for p in parts] == [(0, 3)] * sections


# cast, stop_gradient, shape, conversions.


def test_cast_gives_the_gradient_in_the_dtype_of_its_input() -> None:
    x = Tensor(np.float32([1, 2]))
    with GradientTape() as tape:
        tape.watch(x)
        y = ops.square(ops.cast(x, "float64"))
    assert y.dtype == np.float64
    g = tape.gradient(y, x)
    assert g.dtype == np.float32
    assert g.array.tolist() == [2, 4]


@pytest.mark.parametrize(("kind", "to"), [
    ("int32", "int64"), ("int32", "float32"), ("bool", "float32"), ("bool", "bool"),
])  # fmt: skip
def test_no_gradient_flows_to_integers(kind, to) -> None:
    x = Tensor(np.ones(2, kind))
    with GradientTape() as tape:
        tape.watch(x)
        y = ops.cast(x, to)
    assert y.dtype == to
    assert tape.gradient(y, x) is None


def test_no_gradient_flows_through_integers() -> None:
    x = Tensor([1.5, 2.5])
    with GradientTape() as tape:
        tape.watch(x)
        y = ops.cast(ops.cast(x, "int64"), "float64")
    assert y.array.tolist() == [1, 2]
    assert tape.gradient(y, x) is None


def test_stop_gradient_has_the_value_and_no_gradient() -> None:
    x = Tensor([1.0, 2.0])
    with GradientTape() as tape:
        tape.watch(x)
        y = ops.stop_gradient(x)
    assert y.array.tolist() == [1, 2]
    assert tape.gradient(y, x) is None


def test_ones_and_zeros_are_constants_in_floatx_or_another_dtype() -> None:
    for function, value in ((ops.ones, 1), (ops.zeros, 0)):
        assert function((2, 3)).dtype == np.float32
        np.testing.assert_array_equal(function((2, 3), "int64").array, np.full((2, 3), value))


def test_full_like_is_a_constant_of_the_shape_and_dtype() -> None:
    x = Tensor(np.zeros((2, 1), np.float32))
    with GradientTape() as tape:
        tape.watch(x)
        y = ops.full_like(x, 0.9)
    assert y.array.dtype == np.float32
    assert y.array.tolist() == [[np.float32(0.9)]] * 2
    assert tape.gradient(y, x) is None


@pytest.mark.parametrize("x", [np.zeros((2, 3)), Tensor(np.zeros((2, 3))), [[0, 0, 0], [0, 0, 0]]])
def test_shape_is_a_tuple(x) -> None:
    assert ops.shape(x) == (2, 3)


def test_convert_to_numpy_gives_an_array() -> None:
    assert isinstance(ops.convert_to_numpy(Tensor([1.0])), np.ndarray)


# What raises.


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: ops.matmul(x, x[0]), ValueError, r"matmul: expected matrices, got \(2, 3\) and"),
        (lambda x: ops.matmul(x[0], x), ValueError, r"matmul: expected matrices, got \(3,\) and"),
        (lambda x: ops.matmul(x, x), ValueError, "matmul: expected shapes"),
        (lambda x: x + np.ones(2), ValueError, "broadcast"),
        (lambda x: x[[0, 1]], TypeError, "expected integers and slices, got list"),
        (lambda x: x[x], TypeError, "got ndarray"),
        (lambda x: x[0, 1.5], TypeError, "got float"),
        (lambda x: x[5], IndexError, "out of bounds"),
        (lambda x: ops.sum(x, axis=2), ValueError, "axis 2 is out of bounds"),
        (lambda x: ops.reshape(x, (4, 2)), ValueError, "cannot reshape"),
        (lambda x: ops.split(x, 2, axis=1), ValueError, "split: .* positive divisor of 3, got 2"),
        (lambda x: ops.split(x, 0), ValueError, "split: .* positive divisor of 2, got 0"),
        (lambda x: ops.concatenate([x, x[0]]), ValueError, "dimensions"),
        (lambda x: ops.concatenate([x, x], axis=2), ValueError, "axis 2 is out of bounds"),
        (
            lambda x: ops.binary_crossentropy(np.ones((2, 1)), x), ValueError,
            r"binary_crossentropy: expected target of shape \(2, 3\), got \(2, 1\)",
        ),
        (lambda x: ops.binary_crossentropy(np.ones((2, 4)), x), ValueError, r"got \(2, 4\)"),
    ],
)  # fmt: skip
def test_wrong_arguments_raise(call, error, message) -> None:
    with pytest.raises(error, match=message):
        call(Tensor(np.ones((2, 3))))


def test_sigmoid_of_integers_is_of_the_default_float_type() -> None:
    assert ops.sigmoid(np.array([1, -2])).dtype == ops.sigmoid(True).dtype == np.float32


def test_the_gradient_of_leaky_relu_at_nan_is_the_slope_as_at_all_that_is_not_positive() -> None:
    assert gradient(lambda x: ops.leaky_relu(x, 0.25), [np.nan]) == [[0.25]]


@pytest.mark.parametrize("dtype", ["uint8", "int64", "bool"])
def test_crossentropy_of_targets_that_are_not_floats(dtype) -> None:
    y, z = np.array([0, 1]), np.array([-2.0, -2.0])
    for from_logits, output in ((True, z), (False, scipy.special.expit(z))):
        loss = ops.binary_crossentropy(y.astype(dtype), output, from_logits=from_logits).array
        np.testing.assert_allclose(loss, np.logaddexp(0, [-2.0, 2.0]), rtol=1e-6)


@pytest.mark.parametrize("name", ["exp", "log", "sqrt", "tanh", "sigmoid", "softplus", "mean"])
def test_functions_of_real_numbers_take_integers_as_floats_and_refuse_others(name) -> None:
    function = getattr(ops, name)
    expected = function(np.float32([1, 2])).array
    for integers in (np.array([1, 2], "int8"), np.array([1, 2], "uint8"), [1, 2]):
        value = function(integers).array
        assert value.dtype == np.float32
        np.testing.assert_array_equal(value, expected)
    x = Tensor(np.array([1, 2]))
    with GradientTape() as tape:
        tape.watch(x)
        y = function(x)
    assert tape.gradient(y, x) is None
    for wrong in ("1.5", np.array([1j])):
        with pytest.raises(TypeError, match=f"{name}: expected real numbers, got"):
            function(wrong)


@pytest.mark.parametrize("dtype", ["int64", "bool", "uint8", "float32"])
def test_both_forms_of_the_crossentropy_take_targets_of_any_kind(dtype) -> None:
    p = np.float32([0.25, 0.75])
    for output, from_logits in ((p, False), (np.log(p / (1 - p)), True)):
        loss = ops.binary_crossentropy(np.array([0, 1], dtype), output, from_logits).array
        np.testing.assert_allclose(loss, -np.log([0.75, 0.75]), rtol=1e-6)


@pytest.mark.parametrize("activation", [ops.sigmoid, ops.softmax])
@pytest.mark.parametrize("loss", [ops.binary_crossentropy, losses.BinaryCrossentropy()])
def test_a_crossentropy_after_an_op_uses_the_logits_that_it_keeps(activation, loss) -> None:
    """Keras: 30 and 1. The clipped σ(30) gives 15.94 and 0."""
    z = Tensor(np.float32([[30.0]]))
    with GradientTape() as tape:
        tape.watch(z)
        value = loss(np.float32([[0.0]]), activation(z))
    assert value.array.item() == 30
    assert tape.gradient(value, z).array.item() == 1


def test_the_logits_that_integers_leave_are_floats() -> None:
    for z in (30, [30], np.array([30]), Tensor(np.array([30]))):
        y = ops.sigmoid(z)
        assert y.logits.dtype == y.dtype == np.float32
        assert ops.binary_crossentropy(np.zeros(y.shape, bool), y).array.item() == 30


def test_a_sigmoid_that_is_called_logits_is_not_taken_for_logits_and_warns() -> None:
    p = ops.sigmoid([[30.0]])
    for loss in (
        ops.binary_crossentropy, losses.binary_crossentropy, losses.categorical_crossentropy
    ):  # fmt: skip
        with pytest.warns(UserWarning, match="from_logits: expected logits, got the output of a"):
            value = loss([[0.0]], p, from_logits=True)
        assert value.array.item() == (0 if loss is losses.categorical_crossentropy else 30)


# Integers and float16: every op gives what float64 gives.


def natural(x: Array) -> Array:
    """1, 2 or 3 in place of each entry: so small that no integer type overflows."""
    return 1 + np.argsort(np.argsort(x, axis=None), axis=None).reshape(x.shape) % 3


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "int32", "uint32", "int64"])
@pytest.mark.parametrize("case", CASES)
def test_of_integers_every_op_gives_what_it_gives_of_float64(case, dtype, monkeypatch) -> None:
    monkeypatch.setattr(config, "_floatx", "float64")
    exact = [natural(x) for x in case.inputs]
    expected = case.call(*(Tensor(x.astype(np.float64)) for x in exact)).array
    value = case.call(*(Tensor(x.astype(dtype)) for x in exact)).array
    assert value.dtype in (dtype, "int32", "uint32", "float64")
    if value.dtype.kind == "u":  # differences wrap around, as in NumPy
        np.testing.assert_array_equal(value, expected.astype(np.int64).astype(value.dtype))
    else:
        np.testing.assert_allclose(value, expected, rtol=1e-12, atol=1e-14)


def results(call: Callable[..., Tensor], inputs: Any, dtype: Any) -> list[Array]:
    """The value and the gradients of inputs that are rounded to float16, computed in `dtype`."""
    return values_and_gradients(call, *(np.asarray(x, np.float16) for x in inputs), dtype=dtype)


@pytest.mark.parametrize("case", CASES)
def test_of_float16_every_op_gives_what_it_gives_of_float64(case) -> None:
    halves = results(case.call, case.inputs, np.float16)
    for half, double in zip(halves, results(case.call, case.inputs, np.float64), strict=True):
        assert half.dtype == np.float16
        np.testing.assert_allclose(half, double, rtol=8e-3, atol=2e-3)


MANY = np.ones(70_000)  # more than the largest float16, and than integers in float16 can count
LONG = {
    "mean": (ops.mean, [MANY]),
    "sum of tenths": (lambda x: ops.sum(x, axis=0), [np.full((10_000, 2), 0.1)]),
    "max": (ops.max, [MANY[:10_000]]),
    "logsumexp": (ops.logsumexp, [MANY]),
    "softmax": (ops.softmax, [MANY]),
    "log_softmax": (ops.log_softmax, [MANY]),
    "matmul": (ops.matmul, [np.full((10_000, 2), 0.1), np.full((2, 2), 0.1)]),
    "broadcasting": (ops.add, [np.full((10_000, 2), 0.1), np.full(2, 0.1)]),
    "dense": (fused.dense, [np.full((10_000, 2), 0.1), np.full((2, 2), 0.1), np.full(2, 0.1)]),
    "crossentropy": (fused.mean_crossentropy_from_logits, [np.zeros(784), np.full(784, 200.0)]),
    "even crossentropy": (fused.mean_crossentropy_from_logits, [np.zeros(768), np.zeros(768)]),
    "sure and wrong": (ops.binary_crossentropy, [[0.0, 1.0], [1.0, 0.0]]),
    "sure and right": (ops.binary_crossentropy, [[0.0, 1.0], [0.0, 1.0]]),
}


@pytest.mark.parametrize(("call", "inputs"), LONG.values(), ids=LONG)
def test_sums_in_float16_neither_overflow_nor_stand_still(call, inputs) -> None:
    halves = results(call, inputs, np.float16)
    for half, double in zip(halves, results(call, inputs, np.float64), strict=True):
        assert half.dtype == np.float16
        np.testing.assert_allclose(half, double, rtol=2e-2, atol=1e-6)


@pytest.mark.parametrize("dtype", ["int64", "uint8", "bool"])
def test_crossentropy_of_predictions_that_are_whole_numbers(dtype) -> None:
    y, p = np.array([0.0, 1.0]), np.array([0, 1])
    loss = ops.binary_crossentropy(np.float32(y), p.astype(dtype))
    expected = ops.binary_crossentropy(np.float32(y), np.float32(p))
    np.testing.assert_array_equal(loss.array, expected.array)


SUMS = {
    "bool": "int32", "int8": "int32", "int16": "int32", "int32": "int32", "int64": "int64",
    "uint8": "uint32", "uint16": "uint32", "uint32": "uint32", "uint64": "uint64",
    "float16": "float16", "float32": "float32", "float64": "float64", ">f4": ">f4", ">i2": "int32",
}  # fmt: skip


@pytest.mark.parametrize(("dtype", "expected"), SUMS.items())
def test_a_sum_has_the_dtype_of_keras(dtype, expected) -> None:
    y = ops.sum(np.array([[1, 1], [1, 0]]).astype(dtype), axis=0).array
    assert y.dtype == np.dtype(expected).newbyteorder("=")
    assert y.tolist() == [2, 1]


# Messages.


@pytest.mark.parametrize(
    ("a", "b"), [((2, 3), (2, 3)), ((2, 3, 4), (5, 4, 2)), ((1, 1), (2, 1)), ((0, 3), (0, 3))]
)
def test_matrices_that_do_not_fit_are_named_by_their_shapes(a, b) -> None:
    with pytest.raises(ValueError) as error:
        ops.matmul(np.ones(a), Tensor(np.ones(b)))
    assert str(error.value) == (
        f"matmul: expected shapes (..., n, k) and (..., k, m), got {a} and {b}"
    )


@pytest.mark.parametrize("shape", [(-2, 3), [-3], (2, -5), (-1, -2)])
def test_reshape_takes_no_other_negative_size_than_minus_one(shape) -> None:
    with pytest.raises(ValueError, match=r"^reshape: newshape: expected -1 or sizes >= 0, got"):
        ops.reshape(np.arange(6), shape)


@pytest.mark.parametrize("shape", [6, -1, (-1,), (2, 3), [3, -1], (1, np.int64(6)), np.array([6])])
def test_reshape_takes_sizes_in_any_form(shape) -> None:
    np.testing.assert_array_equal(
        ops.reshape(np.arange(6), shape).array, np.arange(6).reshape(shape)
    )


LISTS = {
    "matmul": ([[1.0, 2.0]], [[3.0], [4.0]]), "transpose": ([[1.0, 2.0]], (1, 0)),
    "reshape": ([1.0, 2.0], (2, 1)), "concatenate": ([[1.0, 2.0], [3.0]],),
    "clip": ([1.0, 2.0], 0.0, 1.5), "where": ([True, False], [1.0, 2.0], 3.0),
    "full_like": ([1.0, 2.0], 3.0), "cast": ([1.0, 2.0], "float64"), "split": ([1.0, 2.0], 2),
    "binary_crossentropy": ([1.0, 0.0], [0.5, 0.5]), "convert_to_numpy": ([1.0],),
    **{
        name: ([1.0, 2.0], [2.0, 1.0])
        for name in ("add", "subtract", "multiply", "divide", "power", "maximum", "minimum")
    },
}  # fmt: skip


OF_TENSORS = [name for name in ops.__all__ if name not in ("ones", "zeros")]  # they take a shape


@pytest.mark.parametrize("name", OF_TENSORS)
def test_every_op_takes_lists(name) -> None:
    lists = LISTS.get(name, ([1.0, 2.0],))
    arrays = [
        np.float32(x) if isinstance(x, list) and name not in ("concatenate", "where") else x
        for x in lists
    ]
    of_lists, of_arrays = getattr(ops, name)(*lists), getattr(ops, name)(*arrays)
    if isinstance(of_arrays, Tensor):
        np.testing.assert_array_equal(of_lists.array, of_arrays.array)
    else:
        assert str(of_lists) == str(of_arrays)


@pytest.mark.parametrize("name", OF_TENSORS)
def test_every_op_says_that_it_does_not_take_an_input(name) -> None:
    x = Input((3,))
    arguments = {"concatenate": ([x, x],), "where": (True, x, 1.0)}.get(
        name, (x, *LISTS.get(name, ())[1:])
    )
    said = r"^operations take arrays .* <KerasTensor shape=\(None, 3\)"
    with pytest.raises(TypeError, match=said):
        getattr(ops, name)(*arguments)


@pytest.mark.parametrize("operator", [
    lambda x: x + 1, lambda x: 1 + x, lambda x: x - x, lambda x: 2.0 * x, lambda x: x / 2,
    lambda x: 1 / x, lambda x: x**2, lambda x: 2**x, lambda x: -x, lambda x: abs(x),
    lambda x: x @ x, lambda x: x[0], lambda x: x > 0, lambda x: np.ones(3) + x,
    lambda x: Tensor([1.0]) * x, lambda x: x * Tensor([1.0]), np.exp, np.asarray, float, len,
])  # fmt: skip
def test_an_operator_on_an_input_says_so_too(operator) -> None:
    with pytest.raises(TypeError, match="operations take arrays and Tensors, but <KerasTensor"):
        operator(Input((3,)))
