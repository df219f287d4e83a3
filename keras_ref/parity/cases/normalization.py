"""Batch normalization: training, moving averages, inference; and additive noise."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf

import numpy_nets
from keras_ref.parity.both import as_array, normal
from keras_ref.parity.case import Case, Pair
from keras_ref.parity.cases.layers import _statistical, _statistics
from numpy_nets.autodiff.tensor import Tensor

STEPS = 3


def _batch_normalization(
    shape: tuple[int, ...], dtype: str, trainable: bool = True, **options: Any
) -> Iterator[Pair]:
    """Some training steps and one of inference: outputs, gradients, moving averages."""
    mine = numpy_nets.layers.BatchNormalization(trainable=trainable, **options)
    theirs = keras.layers.BatchNormalization(trainable=trainable, **options)
    mine.build((None, *shape[1:]))
    theirs.build((None, *shape[1:]))
    for i, (variable, other) in enumerate(zip(mine.weights, theirs.weights, strict=True)):
        yield f"initial {other.name}", variable.numpy(), other.numpy()
        drawn = (0.5 + np.abs(normal(*variable.shape, seed=i))).astype(dtype)
        variable.assign(drawn)
        other.assign(drawn)
    for step in range(STEPS + 1):
        training = step < STEPS
        what = f"training step {step + 1}" if training else "inference"
        x = (2 + 3 * normal(*shape, seed=10 + step)).astype(dtype)
        upstream = normal(*shape, seed=20 + step).astype(dtype)
        x_mine, x_theirs = Tensor(x), tf.constant(x)
        with numpy_nets.GradientTape() as tape:
            tape.watch(x_mine)
            y = mine(x_mine, training=training)
        with tf.GradientTape() as tf_tape:
            tf_tape.watch(x_theirs)
            expected_y = theirs(x_theirs, training=training)
        yield f"{what}: output", y.array, expected_y.numpy()
        sources = [x_mine, *mine.trainable_variables]
        tf_sources = [x_theirs, *(v.value for v in theirs.trainable_variables)]
        gradients = tape.gradient(y, sources, output_gradients=upstream)
        expected = tf_tape.gradient(expected_y, tf_sources, output_gradients=tf.constant(upstream))
        names = ["input", *(v.name for v in theirs.trainable_variables)]
        for name, g, expected_g in zip(names, gradients, expected, strict=True):
            yield f"{what}: gradient of {name}", as_array(g), as_array(expected_g)
        for variable, other in zip(mine.weights, theirs.weights, strict=True):
            yield f"{what}: {other.name} afterwards", variable.numpy(), other.numpy()


def _noise(dtype: str) -> Iterator[Pair]:
    shape = (1000, 1000)
    x = np.zeros(shape, dtype)
    mine = numpy_nets.layers.GaussianNoise(0.3, seed=1)
    theirs = keras.layers.GaussianNoise(0.3, seed=1)
    yield "not training", mine(x).array, theirs(x).numpy()
    yield from _statistics(mine(x, training=True).array, theirs(x, training=True).numpy())


_VARIANTS: dict[str, tuple[tuple[int, ...], dict[str, Any]]] = {
    "": ((5, 3), {}),
    "128 by 1024": ((128, 1024), {}),
    "three axes": ((4, 6, 3), {}),
    "axis 1": ((4, 6, 3), {"axis": 1}),
    "momentum 0.5, epsilon 0.1": ((5, 3), {"momentum": 0.5, "epsilon": 0.1}),
    "without scale": ((5, 3), {"scale": False}),
    "without center": ((5, 3), {"center": False}),
    "not trainable": ((5, 3), {"trainable": False}),
}

CASES = [
    Case(
        "layer",
        "layers.BatchNormalization",
        partial(_batch_normalization, shape, **options),
        variant,
    )
    for variant, (shape, options) in _VARIANTS.items()
]
CASES.append(_statistical("layers.GaussianNoise", _noise))
