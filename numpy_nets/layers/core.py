"""The layers.  Shapes are written (batch, ...); a layer's arithmetic is in autodiff/ops.py."""

import math
import warnings
from typing import Any

import numpy as np

from numpy_nets import activations, initializers, random
from numpy_nets.activations import Activation as ActivationFunction
from numpy_nets.autodiff import fused, ops
from numpy_nets.autodiff.tensor import Tensor
from numpy_nets.layers.layer import KerasTensor, Layer, Node, Shape

__all__ = [
    "Activation", "Concatenate", "Dense", "Dropout", "Flatten", "Input", "InputLayer", "Layer",
    "LeakyReLU", "Maxout", "ReLU", "Reshape",
]  # fmt: skip


class _OneInput(Layer):
    """A layer of one input, with an output of its shape unless a subclass says otherwise."""

    one_input = True

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape


class InputLayer(_OneInput):
    """The node that an Input comes from."""

    def __init__(self, shape: Shape, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.built = True
        self.batch_shape = (None, *shape)
        node = Node(self, None, self.batch_shape)
        self.output: KerasTensor = node.output
        self.output.name = self.name

    def call(self, inputs: Tensor) -> Tensor:
        return inputs


def Input(shape: Shape, *, name: str | None = None) -> KerasTensor:  # noqa: N802  (Keras's name)
    """The input of a graph of layers.

    Args:
        shape: of one sample, without the batch axis: `Input(shape=(784,))`.

    Raises:
        ValueError: a shape that is no tuple of positive sizes.
    """
    if not isinstance(shape, tuple | list) or not all(
        n is None or (isinstance(n, int | np.integer) and n > 0) for n in shape
    ):
        raise ValueError(f"Input: expected shape such as (784,), got {shape!r}")
    return InputLayer(tuple(shape), name=name).output


class Dense(_OneInput):
    """y = activation(x W + b).    x (batch, ..., in), W (in, units), b (units,).

    Args:
        units: the size of the last axis of y.
        activation: a name or a function; None is linear.
        use_bias: whether there is a b.
        kernel_initializer, bias_initializer: how W and b begin; see `initializers`.

    Raises:
        ValueError: units that is no positive integer; an unknown name; when the last axis of x
            is not what W was built for.
    """

    def __init__(
        self,
        units: int,
        activation: str | ActivationFunction | None = None,
        use_bias: bool = True,
        kernel_initializer: str | initializers.Initializer = "glorot_uniform",
        bias_initializer: str | initializers.Initializer = "zeros",
        *,
        trainable: bool = True,
        name: str | None = None,
    ) -> None:
        super().__init__(trainable=trainable, name=name)
        if isinstance(units, bool) or not isinstance(units, int | np.integer) or units < 1:
            raise ValueError(f"Dense: units: expected a positive integer, got {units!r}")
        self.units = int(units)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)

    def build(self, input_shape: Shape) -> None:
        features = input_shape[-1] if len(input_shape) > 1 else None
        if not isinstance(features, int | np.integer):
            raise ValueError(f"Dense: expected input (batch, features), got {input_shape}")
        self.kernel = self.add_weight(
            (features, self.units), self.kernel_initializer, name="kernel"
        )
        if self.use_bias:
            self.bias = self.add_weight((self.units,), self.bias_initializer, name="bias")

    def call(self, inputs: Tensor) -> Tensor:
        self._check(inputs.shape)
        if self.use_bias:
            return self.activation(fused.dense(inputs, self.kernel, self.bias))
        return self.activation(ops.matmul(inputs, self.kernel))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        self._check(input_shape)
        return (*input_shape[:-1], self.units)

    def _check(self, shape: Shape) -> None:
        if len(shape) < 2 or shape[-1] != self.kernel.shape[0]:
            raise ValueError(f"Dense: expected last axis {self.kernel.shape[0]}, got {shape}")


class Maxout(_OneInput):
    """y_i = max_j (x W_ij + b_ij), j = 1 … pieces: a convex function with as many linear pieces.

    x (batch, ..., in), y (batch, ..., units); unit i has columns i, i + units, … of W
    (in, pieces · units). Goodfellow et al. 2013 (arXiv 1302.4389), section 3. Keras has none.

    Args:
        units: the size of the last axis of y.
        pieces: how many linear functions each unit chooses from.
        kernel_initializer: how W begins; b begins at zero.

    Raises:
        ValueError: units or pieces that is no positive integer; an unknown name; when the last
            axis of x is not what W was built for.
    """

    def __init__(
        self,
        units: int,
        pieces: int,
        kernel_initializer: str | initializers.Initializer = "glorot_uniform",
        *,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        for what, value in (("units", units), ("pieces", pieces)):
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ValueError(f"Maxout: {what}: expected a positive integer, got {value!r}")
        self.units, self.pieces = units, pieces
        self.linear = Dense(pieces * units, kernel_initializer=kernel_initializer)

    def build(self, input_shape: Shape) -> None:
        self.linear._build_once(input_shape)

    def call(self, inputs: Tensor) -> Tensor:
        z = self.linear(inputs)
        return ops.max(ops.reshape(z, (*z.shape[:-1], self.pieces, self.units)), axis=-2)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (*self.linear.compute_output_shape(input_shape)[:-1], self.units)


class LeakyReLU(_OneInput):
    """y = x where x > 0, else negative_slope · x  (Maas et al. 2013, equation 2).

    Args:
        negative_slope: 0.3 by default; note that the *string* "leaky_relu" means 0.2.
        alpha: the name that Keras 2 had for it; still works, with a warning.

    Raises:
        ValueError: a slope that is negative or no number.
    """

    def __init__(
        self, negative_slope: float = 0.3, *, alpha: float | None = None, name: str | None = None
    ) -> None:
        super().__init__(name=name)
        if alpha is not None:
            warnings.warn("LeakyReLU: alpha is now called negative_slope", stacklevel=2)
            negative_slope = alpha
        if not isinstance(negative_slope, int | float) or not negative_slope >= 0:
            raise ValueError(f"LeakyReLU: negative_slope: expected >= 0, got {negative_slope!r}")
        self.negative_slope = negative_slope
        self.built = True  # before any call, as in Keras: summaries show it

    def call(self, inputs: Tensor) -> Tensor:
        return ops.leaky_relu(inputs, self.negative_slope)


class ReLU(_OneInput):
    """y = max(x, 0)."""

    def __init__(self, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.built = True

    def call(self, inputs: Tensor) -> Tensor:
        return ops.relu(inputs)


class Activation(_OneInput):
    """y = activation(x), by name or as a function; raises ValueError for an unknown name."""

    def __init__(self, activation: str | ActivationFunction, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.activation = activations.get(activation)
        self.built = True

    def call(self, inputs: Tensor) -> Tensor:
        return self.activation(inputs)


class Dropout(_OneInput):
    """In training, y = x · m / (1 - rate), where each m is 0 with probability `rate`, else 1.

    The expectation of y is x, so nothing changes outside of training (Srivastava et al. 2014).

    Args:
        rate: in [0, 1].
        seed: None for the shared generator; see `random`. An int starts a stream of its own.

    Raises:
        ValueError: a rate or seed of another kind.
    """

    def __init__(self, rate: float, *, seed: random.Seed = None, name: str | None = None) -> None:
        super().__init__(name=name)
        if not isinstance(rate, int | float) or not 0 <= rate <= 1:
            raise ValueError(f"Dropout: rate: expected a number in [0, 1], got {rate!r}")
        self.rate = rate
        self.built = True
        random.generator(seed)  # wrong seeds are found now
        self.seed = random.SeedGenerator(int(seed)) if isinstance(seed, int | np.integer) else seed

    def mask(self, shape: tuple[int, ...]) -> Tensor:
        """m / (1 - rate): what a training step multiplies its input by."""
        uniform = random.uniform(shape, dtype=self.dtype, seed=self.seed).array
        return Tensor((uniform >= self.rate) / uniform.dtype.type(1 - self.rate), "dropout mask")

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        if not training or self.rate == 0:
            return inputs
        return inputs * (self.mask(inputs.shape) if self.rate < 1 else 0.0)


class Flatten(_OneInput):
    """(batch, a, b, ...) -> (batch, a·b·...)."""

    def call(self, inputs: Tensor) -> Tensor:
        return ops.reshape(inputs, (inputs.shape[0], math.prod(inputs.shape[1:])))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        sizes = input_shape[1:]
        return (input_shape[0], None if None in sizes else math.prod(n for n in sizes if n))


class Reshape(_OneInput):
    """(batch, ...) -> (batch, *target_shape); one entry may be -1.

    Raises:
        ValueError: sizes that are not positive; an input of another number of entries.
    """

    def __init__(self, target_shape: tuple[int, ...], *, name: str | None = None) -> None:
        super().__init__(name=name)
        if not isinstance(target_shape, tuple | list) or not all(
            isinstance(n, int | np.integer) and (n > 0 or n == -1) for n in target_shape
        ):
            raise ValueError(f"Reshape: target_shape: expected sizes, got {target_shape!r}")
        if list(target_shape).count(-1) > 1:
            raise ValueError(f"Reshape: target_shape: expected at most one -1, got {target_shape}")
        self.target_shape = tuple(target_shape)
        self.built = True

    def call(self, inputs: Tensor) -> Tensor:
        return ops.reshape(inputs, (inputs.shape[0], *self._sizes(inputs.shape)))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (input_shape[0], *self._sizes(input_shape))

    def _sizes(self, shape: Any) -> tuple[int, ...]:
        if None in shape[1:]:
            raise ValueError(f"Reshape: expected an input of known sizes, got {shape}")
        size, known = math.prod(shape[1:]), math.prod(n for n in self.target_shape if n != -1)
        sizes = tuple(size // known if n == -1 else n for n in self.target_shape)
        if math.prod(sizes) != size:
            raise ValueError(f"Reshape: cannot make {self.target_shape} of {shape}")
        return sizes


class Concatenate(Layer):
    """A list of tensors -> one, side by side along `axis`.

    Raises:
        ValueError: other axes that are not equal; an axis that is no integer.
    """

    def __init__(self, axis: int = -1, *, name: str | None = None) -> None:
        super().__init__(name=name)
        if not isinstance(axis, int):
            raise ValueError(f"Concatenate: axis: expected an integer, got {axis!r}")
        self.axis = axis

    def build(self, input_shape: list[Shape]) -> None:
        if not isinstance(input_shape, list) or len(input_shape) < 2:
            raise ValueError(f"Concatenate: expected a list of inputs, got {input_shape}")
        rest = {(*s[: self.axis], *s[self.axis :][1:]) for s in input_shape}
        ranks = {len(s) for s in input_shape}
        if len(rest) > 1 or len(ranks) > 1 or not -max(ranks) <= self.axis < max(ranks):
            raise ValueError(
                f"Concatenate: expected shapes equal but for axis {self.axis}, got {input_shape}"
            )

    def call(self, inputs: list[Tensor]) -> Tensor:
        return ops.concatenate(inputs, self.axis)

    def compute_output_shape(self, input_shape: list[Shape]) -> Shape:
        sizes = [s[self.axis] for s in input_shape]
        joined = list(input_shape[0])
        joined[self.axis] = None if None in sizes else sum(n for n in sizes if n)
        return tuple(joined)
