"""Activations by name, and the logits that two of them keep."""

import numpy as np
import pytest

from numpy_nets import GradientTape, activations, gradcheck, losses, ops
from numpy_nets.autodiff.tensor import Tensor

X = np.array([[-2.0, -0.5, 0.25], [0.5, 1.0, 3.0]])
EXPECTED = {
    "linear": X,
    "relu": np.where(X > 0, X, 0),
    "leaky_relu": np.where(X > 0, X, 0.2 * X),
    "sigmoid": 1 / (1 + np.exp(-X)),
    "tanh": np.tanh(X),
    "softplus": np.log(1 + np.exp(X)),
    "softmax": np.exp(X) / np.exp(X).sum(axis=-1, keepdims=True),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_the_value_is_the_closed_form(name) -> None:
    np.testing.assert_allclose(activations.get(name)(Tensor(X)).array, EXPECTED[name], rtol=1e-14)


@pytest.mark.parametrize("name", EXPECTED)
def test_the_gradient_is_the_central_difference(name) -> None:
    gradcheck(activations.get(name), [X])


def test_every_name_is_tested() -> None:
    assert set(EXPECTED) == set(activations._BY_NAME)


def test_the_slope_of_leaky_relu_by_name_is_that_of_keras() -> None:
    assert activations.get("leaky_relu")(Tensor([-1.0])).array.tolist() == [-0.2]
    assert activations.leaky_relu(Tensor([-1.0]), negative_slope=0.5).array.tolist() == [-0.5]


def test_softmax_takes_an_axis() -> None:
    y = activations.softmax(Tensor(X), axis=0).array
    np.testing.assert_allclose(y.sum(axis=0), 1, rtol=1e-15)


@pytest.mark.parametrize("name", EXPECTED)
def test_only_sigmoid_and_softmax_keep_their_logits(name) -> None:
    x = Tensor(X)
    y = activations.get(name)(x)
    assert y.logits is (x if name in ("sigmoid", "softmax") else None)


def test_any_op_after_the_activation_loses_the_logits() -> None:
    y = activations.sigmoid(Tensor(X))
    for z in (y * 1.0, ops.reshape(y, (6,)), ops.stop_gradient(y)):
        assert z.logits is None


def test_linear_is_the_tensor_itself() -> None:
    x = Tensor(X)
    with GradientTape() as tape:
        tape.watch(x)
        assert activations.linear(x) is x
    assert not tape.records


def test_get_takes_none_and_functions() -> None:
    assert activations.get(None) is activations.linear
    assert activations.get(ops.exp) is ops.exp


@pytest.mark.parametrize("name", ["sigmoidd", "Relu", "", 3])
def test_an_unknown_name_raises_with_all_known_ones(name) -> None:
    with pytest.raises(ValueError, match=r"activation: unknown .*known: linear, relu"):
        activations.get(name)
    with pytest.raises(ValueError, match="did you mean 'sigmoid'"):
        activations.get("sigmoidd")


@pytest.mark.parametrize("name", EXPECTED)
def test_arrays_and_numbers_are_taken_too(name) -> None:
    if name != "linear":
        value = activations.get(name)(X).array
        np.testing.assert_array_equal(value, activations.get(name)(Tensor(X)).array)
    if name not in ("linear", "softmax", "leaky_relu"):
        assert activations.get(name)(0.5).dtype == np.float32


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint8", "int64"])
def test_integers_are_taken_as_floats_by_the_crossentropy_too(dtype) -> None:
    x, y = np.array([[1, 0]], dtype), np.float32([[1, 0]])
    loss = losses.binary_crossentropy(y, activations.sigmoid(Tensor(x)))
    expected = losses.binary_crossentropy(y, activations.sigmoid(Tensor(x.astype("float32"))))
    assert loss.array == expected.array
    assert loss.dtype == np.float32
