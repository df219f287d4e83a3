"""Activations as layers of their own."""

import warnings

from numpy_nets import activations
from numpy_nets.activations import Activation as ActivationFunction
from numpy_nets.autodiff import ops
from numpy_nets.autodiff.tensor import Tensor
from numpy_nets.checks import number
from numpy_nets.layers.layer import OneInputLayer


class LeakyReLU(OneInputLayer):
    """y = x where x > 0, else negative_slope · x  (Maas et al. 2013, equation 2).

    Args:
        negative_slope: 0.3 by default. Note that the activation *named* "leaky_relu" has 0.2.
        alpha: Keras 2's name for negative_slope, which still works but warns.

    Raises:
        ValueError: if the slope is negative or not a number.

    >>> import numpy as np
    >>> LeakyReLU(0.5)(np.array([[-2.0, 2.0]])).numpy().tolist()
    [[-1.0, 2.0]]
    """

    def __init__(
        self, negative_slope: float = 0.3, *, alpha: float | None = None, name: str | None = None
    ) -> None:
        super().__init__(name=name)
        if alpha is not None:
            warnings.warn("LeakyReLU: alpha is now called negative_slope", stacklevel=2)
            negative_slope = alpha
        self.negative_slope = number("LeakyReLU: negative_slope", negative_slope, "[0, inf)")
        self.built = True  # before any call, as in Keras, whose summaries show it

    def call(self, inputs: Tensor) -> Tensor:
        return ops.leaky_relu(inputs, self.negative_slope)


class ReLU(OneInputLayer):
    """y = max(x, 0).

    >>> import numpy as np
    >>> ReLU()(np.array([[-2.0, 2.0]])).numpy().tolist()
    [[0.0, 2.0]]
    """

    def __init__(self, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.built = True

    def call(self, inputs: Tensor) -> Tensor:
        return ops.relu(inputs)


class Activation(OneInputLayer):
    """y = activation(x).

    Args:
        activation: a name, or a function of a Tensor.

    Raises:
        ValueError: if the name is unknown.

    >>> import numpy as np
    >>> Activation("sigmoid")(np.array([[0.0]])).numpy().tolist()
    [[0.5]]
    """

    def __init__(self, activation: str | ActivationFunction, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.activation = activations.get(activation)
        self.built = True

    def call(self, inputs: Tensor) -> Tensor:
        return self.activation(inputs)
