"""The layers of numpy_nets that Keras does not have."""

from typing import Any

import keras
from tensorflow import Tensor

from numpy_nets.checks import positive_int


class Maxout(keras.layers.Layer):
    """The twin of `numpy_nets.layers.Maxout`: the largest of `pieces` linear functions.

    >>> layer = Maxout(units=2, pieces=2)
    >>> layer.build((None, 1))
    >>> _ = layer.linear.kernel.assign([[1.0, 2.0, -1.0, -2.0]])  # max(x, -x) and max(2x, -2x)
    >>> layer(keras.ops.convert_to_tensor([[-3.0]])).numpy().tolist()
    [[3.0, 6.0]]
    """

    def __init__(
        self, units: int, pieces: int, kernel_initializer: Any = "glorot_uniform", **options: Any
    ) -> None:
        super().__init__(**options)
        self.units = positive_int("Maxout: units", units)
        self.pieces = positive_int("Maxout: pieces", pieces)
        self.linear = keras.layers.Dense(pieces * units, kernel_initializer=kernel_initializer)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.linear.build(input_shape)

    def call(self, inputs: Tensor) -> Tensor:
        z = self.linear(inputs)
        shape = (*keras.ops.shape(z)[:-1], self.pieces, self.units)
        return keras.ops.max(keras.ops.reshape(z, shape), axis=-2)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (*input_shape[:-1], self.units)
