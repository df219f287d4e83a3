"""What integers and float16 become, and numbers in and out of tensors, as in Keras."""

from __future__ import annotations

import random as python_random
from typing import Any

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from numpy_nets import Variable, ops, random  # noqa: E402
from numpy_nets.autodiff.tensor import Tensor  # noqa: E402

DTYPES = ["bool", "int8", "uint8", "int16", "uint16", "int32", "int64", "float16", "float32"]
SAME = [
    "abs", "exp", "expm1", "log", "log1p", "max", "mean", "relu", "leaky_relu", "sigmoid",
    "softmax", "log_softmax", "logsumexp", "softplus", "sqrt", "square", "stop_gradient", "sum",
    "tanh", "transpose",
]  # fmt: skip
# TensorFlow has no kernel for these; Keras's square of bool is int32, NumPy's int8.
NOT_IN_KERAS = {
    (name, dtype)
    for name in ("sigmoid", "softmax", "log_softmax", "logsumexp", "softplus")
    for dtype in DTYPES[:-2]
} | {("relu", "bool"), ("leaky_relu", "bool"), ("square", "bool")}


@pytest.mark.parametrize(
    ("name", "dtype"),
    [(name, dtype) for name in SAME for dtype in DTYPES if (name, dtype) not in NOT_IN_KERAS],
)
def test_the_result_has_the_dtype_and_the_value_of_keras(name, dtype) -> None:
    x = np.array([1, 2, 3]).astype(dtype)
    theirs = np.asarray(getattr(keras.ops, name)(keras.ops.convert_to_tensor(x)))
    ours = getattr(ops, name)(x).array
    assert ours.dtype == theirs.dtype
    np.testing.assert_allclose(ours, theirs, rtol=2e-3 if dtype == "float16" else 1e-6)


def test_the_mean_of_many_in_float16_is_that_of_keras() -> None:
    x = np.ones(70_000, np.float16)
    assert float(ops.mean(x)) == float(keras.ops.mean(keras.ops.convert_to_tensor(x))) == 1.0


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int32", "int64", "float32"])
def test_a_variable_of_an_array_has_the_dtype_of_keras(dtype) -> None:
    x = np.array([1, 0]).astype(dtype)
    assert str(Variable(x).dtype) == keras.Variable(x).dtype == dtype


@pytest.mark.parametrize(
    ("method", "value"),
    [("assign", [0.5, -2.0]), ("assign_add", [0.5, -2.0]), ("assign_sub", [0.5, -2.0]),
     ("assign_add", 1.0), ("assign_sub", 1.0)],
)  # fmt: skip
def test_assignments_are_those_of_keras(method, value) -> None:
    ours, theirs = Variable([1.0, 2.0]), keras.Variable([1.0, 2.0])
    getattr(ours, method)(value)
    getattr(theirs, method)(value)
    assert ours.array.tolist() == np.asarray(theirs).tolist()


@pytest.mark.parametrize("use", [int, float, lambda x: f"{x:.3f}", lambda x: f"{x:8.2e}"])
def test_a_number_comes_out_as_from_keras(use) -> None:
    assert use(Tensor(np.float32(2.71))) == use(keras.ops.convert_to_tensor(2.71))


@pytest.mark.parametrize("shape", [(-2, 5), (-3,), (2, -1, -1)])
def test_reshape_refuses_what_keras_refuses(shape) -> None:
    for reshape in (ops.reshape, keras.ops.reshape):
        with pytest.raises(ValueError):
            reshape(np.arange(10.0), shape)


def test_set_random_seed_seeds_the_same_other_generators() -> None:
    def draws(set_random_seed: Any) -> tuple[float, float]:
        set_random_seed(7)
        return python_random.random(), np.random.random()  # noqa: NPY002

    assert draws(random.set_random_seed) == draws(keras.utils.set_random_seed)


def test_the_gradient_penalty_that_raises_here_is_what_keras_computes() -> None:
    """y + 10 · mean((∂y/∂x)²) of y = Σ w x² is 10 w + 10 · 20 w² at x = (1, 3)."""
    import tensorflow as tf

    from numpy_nets import GradientTape

    def loss_and_tape(k: Any, tape_class: Any, w: Any, x: Any) -> tuple[Any, Any]:
        with tape_class() as outer:
            with tape_class() as inner:
                inner.watch(x)
                y = k.sum(w * x * x)
            penalty = k.mean(k.square(inner.gradient(y, x)))
            loss = y + 10.0 * penalty
        return loss, outer

    x = np.float32([1.0, 3.0])
    w = keras.Variable(2.0)
    loss, tape = loss_and_tape(keras.ops, tf.GradientTape, w, tf.constant(x))
    assert float(tape.gradient(loss, w.value)) == 10 + 10 * 2 * 20 * 2
    v = Variable(2.0)
    ours, tape = loss_and_tape(ops, GradientTape, v, Tensor(x))
    assert float(ours) == float(loss)
    with pytest.raises(NotImplementedError, match="first derivatives only"):
        tape.gradient(ours, v)
