"""Activations by name: what `Dense(..., activation="relu")` applies."""

from collections.abc import Callable
from typing import TypeAlias

from numpy_nets.autodiff import fused, ops
from numpy_nets.autodiff.tensor import Tensor
from numpy_nets.naming import lookup

Activation: TypeAlias = Callable[[Tensor], Tensor]


def linear(x: Tensor) -> Tensor:
    """x, unchanged."""
    return x


def relu(x: Tensor) -> Tensor:
    """max(x, 0)."""
    return ops.relu(x)


def leaky_relu(x: Tensor, negative_slope: float = 0.2) -> Tensor:
    """x where x > 0, else negative_slope · x.  The default of the *layer* LeakyReLU is 0.3."""
    return ops.leaky_relu(x, negative_slope)


def tanh(x: Tensor) -> Tensor:
    """tanh x."""
    return ops.tanh(x)


def softplus(x: Tensor) -> Tensor:
    """log(1 + e^x)."""
    return ops.softplus(x)


def sigmoid(x: Tensor) -> Tensor:
    """1 / (1 + e^-x).  Keeps the logits x for the crossentropy, which is exact from them.

    >>> from numpy_nets.losses import binary_crossentropy
    >>> p = sigmoid([-50.0])
    >>> float(binary_crossentropy([1.0], p))  # -log p = log(1 + e^50)
    50.0
    >>> print(binary_crossentropy([1.0], p * 1.0).numpy().round(3))  # no logits: p is clipped
    16.118
    """
    return fused.sigmoid(x)


def softmax(x: Tensor, axis: int = -1) -> Tensor:
    """e^x_i / Σ_j e^x_j.  Keeps the logits x for the crossentropy, which is exact from them.

    >>> softmax([[0.0, 0.0]]).numpy().tolist()
    [[0.5, 0.5]]
    """
    return ops.softmax(x, axis)


_BY_NAME: dict[str, Activation] = {
    "linear": linear,
    "relu": relu,
    "leaky_relu": leaky_relu,
    "sigmoid": sigmoid,
    "tanh": tanh,
    "softplus": softplus,
    "softmax": softmax,
}


def get(identifier: str | Activation | None) -> Activation:
    """An activation by its name; None means linear; a function is returned as it is.

    >>> get("tanh") is tanh, get(None) is linear, get(ops.exp) is ops.exp
    (True, True, True)
    """
    if identifier is None:
        return linear
    return identifier if callable(identifier) else lookup("activation", identifier, _BY_NAME)
