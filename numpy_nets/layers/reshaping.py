"""Layers that only rearrange: Flatten, Reshape, Concatenate."""

import math
from typing import Any

import numpy as np

from numpy_nets.autodiff import ops
from numpy_nets.autodiff.tensor import Tensor
from numpy_nets.layers.layer import Layer, OneInputLayer
from numpy_nets.layers.node import Shape


class Flatten(OneInputLayer):
    """(batch, a, b, ...) -> (batch, a·b·...).

    >>> Flatten()(np.zeros((5, 28, 28))).shape
    (5, 784)
    """

    def call(self, inputs: Tensor) -> Tensor:
        return ops.reshape(inputs, (inputs.shape[0], math.prod(inputs.shape[1:])))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        sizes = input_shape[1:]
        return (input_shape[0], None if None in sizes else math.prod(n for n in sizes if n))


class Reshape(OneInputLayer):
    """(batch, ...) -> (batch, *target_shape).

    Args:
        target_shape: the shape of one sample; one entry may be -1, for what is left.

    Raises:
        ValueError: if a size is not positive, or a sample has another number of entries.

    >>> Reshape((28, -1))(np.zeros((5, 784))).shape
    (5, 28, 28)
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
            raise ValueError(f"Reshape: cannot reshape {shape} to {self.target_shape}")
        return sizes


class Concatenate(Layer):
    """Join a list of tensors along `axis`.

    Raises:
        ValueError: if the other axes differ, or axis is not an integer.

    >>> Concatenate()([np.zeros((5, 2)), np.ones((5, 3))]).shape
    (5, 5)
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
                f"Concatenate: expected shapes that differ only in axis {self.axis}, "
                f"got {input_shape}"
            )

    def call(self, inputs: list[Tensor]) -> Tensor:
        if len({x.dtype for x in inputs}) > 1:
            inputs = [self._floats(x) for x in inputs]
        return ops.concatenate(inputs, self.axis)

    def compute_output_shape(self, input_shape: list[Shape]) -> Shape:
        sizes = [s[self.axis] for s in input_shape]
        joined = list(input_shape[0])
        joined[self.axis] = None if None in sizes else sum(n for n in sizes if n)
        return tuple(joined)
