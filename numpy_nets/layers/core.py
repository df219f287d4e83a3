"""Input, Dense and Maxout."""

import numpy as np

from numpy_nets import activations, initializers, regularizers
from numpy_nets.activations import Activation as ActivationFunction
from numpy_nets.autodiff import fused, ops
from numpy_nets.autodiff.tensor import Tensor
from numpy_nets.checks import positive_int
from numpy_nets.layers.layer import OneInputLayer
from numpy_nets.layers.node import KerasTensor, Node, Shape


class InputLayer(OneInputLayer):
    """The layer behind an `Input`, which begins a graph."""

    def __init__(self, shape: Shape, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.built = True
        self.batch_shape = (None, *shape)
        node = Node(self, None, self.batch_shape)
        node.output.name = self.name

    def call(self, inputs: Tensor) -> Tensor:
        return inputs


def Input(shape: Shape, *, name: str | None = None) -> KerasTensor:  # noqa: N802  (Keras's name)
    """The input of a graph of layers.

    Args:
        shape: the shape of one sample, without the batch axis; None leaves a size open.

    Raises:
        ValueError: if shape is not a tuple of positive sizes.

    >>> Input(shape=(784,)).shape
    (None, 784)
    """
    if not isinstance(shape, tuple | list) or not all(
        n is None or (isinstance(n, int | np.integer) and n > 0) for n in shape
    ):
        raise ValueError(f"Input: expected shape such as (784,), got {shape!r}")
    tensor: KerasTensor = InputLayer(tuple(shape), name=name).output
    return tensor


class Dense(OneInputLayer):
    """y = activation(x W + b).    x (batch, ..., in), W (in, units), b (units,).

    Args:
        units: the size of the last axis of y.
        activation: a name or a function; None leaves the layer linear.
        use_bias: whether b is added.
        kernel_initializer, bias_initializer: draw the first values of W and b; see `initializers`.
        kernel_regularizer, bias_regularizer, activity_regularizer: penalties of W, b and y; see
            `regularizers`.

    Raises:
        ValueError: if units is not a positive integer, a name is unknown, or the last axis of x
            is not the one W was built for.

    >>> layer = Dense(1)
    >>> layer.build((None, 2))
    >>> layer.set_weights([[[1.0], [1.0]], [0.0]])
    >>> layer(np.array([[1.0, 2.0], [3.0, 4.0]])).numpy().tolist()
    [[3.0], [7.0]]
    """

    def __init__(
        self,
        units: int,
        activation: str | ActivationFunction | None = None,
        use_bias: bool = True,
        kernel_initializer: initializers.InitializerLike = "glorot_uniform",
        bias_initializer: initializers.InitializerLike = "zeros",
        kernel_regularizer: str | regularizers.Regularizer | None = None,
        bias_regularizer: str | regularizers.Regularizer | None = None,
        activity_regularizer: str | regularizers.Regularizer | None = None,
        *,
        trainable: bool = True,
        name: str | None = None,
    ) -> None:
        super().__init__(
            activity_regularizer=activity_regularizer, trainable=trainable, name=name
        )
        self.units = positive_int("Dense: units", units)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)

    def build(self, input_shape: Shape) -> None:
        features = input_shape[-1] if len(input_shape) > 1 else None
        if not isinstance(features, int | np.integer):
            raise ValueError(f"Dense: expected input (batch, features), got {input_shape}")
        self.kernel = self.add_weight(
            (features, self.units),
            self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            name="kernel",
        )
        if self.use_bias:
            self.bias = self.add_weight(
                (self.units,),
                self.bias_initializer,
                regularizer=self.bias_regularizer,
                name="bias",
            )
        else:
            self.bias = None  # type: ignore[assignment]  # as in Keras

    def call(self, inputs: Tensor) -> Tensor:
        self._check(inputs.shape)
        inputs = self._floats(inputs)
        if self.use_bias:
            return self.activation(fused.dense(inputs, self.kernel, self.bias))
        return self.activation(ops.matmul(inputs, self.kernel))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        self._check(input_shape)
        return (*input_shape[:-1], self.units)

    def _check(self, shape: Shape) -> None:
        if len(shape) < 2 or shape[-1] != self.kernel.shape[0]:
            raise ValueError(f"Dense: expected last axis {self.kernel.shape[0]}, got {shape}")


class Maxout(OneInputLayer):
    """y_i = max_j (x W_ij + b_ij), j = 1 … pieces: a convex function with as many linear pieces.

    x (batch, ..., in), y (batch, ..., units). Unit i uses the columns i, i + units, … of
    W (in, pieces · units). Goodfellow et al. 2013 (arXiv 1302.4389), section 3. Keras does not
    have this layer.

    Args:
        units: the size of the last axis of y.
        pieces: how many linear functions each unit takes the maximum of.
        kernel_initializer: draws the first value of W; b begins at zero.

    Raises:
        ValueError: if units or pieces is not a positive integer, a name is unknown, or the last
            axis of x is not the one W was built for.

    >>> layer = Maxout(1, pieces=2)
    >>> layer.build((None, 1))
    >>> layer.set_weights([[[1.0, -1.0]], [0.0, 0.0]])  # the maximum of x and -x
    >>> layer(np.array([[3.0], [-2.0]])).numpy().tolist()
    [[3.0], [2.0]]
    """

    def __init__(
        self,
        units: int,
        pieces: int,
        kernel_initializer: initializers.InitializerLike = "glorot_uniform",
        *,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        self.units = positive_int("Maxout: units", units)
        self.pieces = positive_int("Maxout: pieces", pieces)
        self.linear = Dense(self.pieces * self.units, kernel_initializer=kernel_initializer)

    def build(self, input_shape: Shape) -> None:
        self.linear.build(input_shape)

    def call(self, inputs: Tensor) -> Tensor:
        z = self.linear(inputs)
        return ops.max(ops.reshape(z, (*z.shape[:-1], self.pieces, self.units)), axis=-2)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (*self.linear.compute_output_shape(input_shape)[:-1], self.units)
