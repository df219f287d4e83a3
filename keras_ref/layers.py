"""Layers of numpy_nets that Keras does not have."""

from typing import Any

import keras


class Maxout(keras.layers.Layer):
    """See `numpy_nets.layers.Maxout`."""

    def __init__(
        self, units: int, pieces: int, kernel_initializer: Any = "glorot_uniform", **options: Any
    ) -> None:
        super().__init__(**options)
        self.units, self.pieces = units, pieces
        self.linear = keras.layers.Dense(pieces * units, kernel_initializer=kernel_initializer)

    def build(self, input_shape: Any) -> None:
        self.linear.build(input_shape)

    def call(self, inputs: Any) -> Any:
        z = self.linear(inputs)
        shape = (*keras.ops.shape(z)[:-1], self.pieces, self.units)
        return keras.ops.max(keras.ops.reshape(z, shape), axis=-2)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (*input_shape[:-1], self.units)
