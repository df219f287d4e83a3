"""Run one piece of code here and in Keras.

Most names are the same on both sides, so a comparison is written once, as a function of the
library `k`: `numpy_nets`, or `keras`.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

import numpy_nets
from keras_ref.parity.case import Pair
from keras_ref.weights import copy_to_keras
from numpy_nets.autodiff.tensor import Array, Tensor


def normal(*shape: int, seed: int = 0) -> Array:
    """Draws from N(0, 1) in float64, the same at every call."""
    return np.random.default_rng([seed, *shape]).standard_normal(shape)


def uniform(*shape: int, seed: int = 0) -> Array:
    """Draws from [0, 1) in float64, the same at every call."""
    return np.random.default_rng([seed, *shape]).random(shape)


def gradients(function: Callable[..., Any], inputs: Sequence[Array]) -> Iterator[Pair]:
    """The value of function(k, *tensors) and the gradient with respect to each input.

    The upstream gradient is random, so that an error in any entry of the Jacobian shows.
    """
    mine = [Tensor(x) for x in inputs]
    with numpy_nets.GradientTape() as tape:
        tape.watch(mine)
        y = function(numpy_nets, *mine)

    theirs = [tf.constant(x) for x in inputs]
    with tf.GradientTape() as tf_tape:
        tf_tape.watch(theirs)
        their_y = function(keras, *theirs)
    yield "value", y.array, their_y.numpy()
    if y.shape != tuple(their_y.shape):
        return

    upstream = normal(*y.shape, seed=1).astype(y.dtype)
    our_gradients = tape.gradient(y, mine, output_gradients=upstream)
    their_gradients = tf_tape.gradient(their_y, theirs, output_gradients=tf.constant(upstream))
    for i, (ours, expected) in enumerate(zip(our_gradients, their_gradients, strict=True)):
        name = f"input {i}" if len(inputs) > 1 else "input"
        yield f"gradient of {name}", as_array(ours), as_array(expected)


def as_array(x: Any) -> Any:
    """A tensor of either library as an array; None stays None."""
    if x is None:
        return None
    return x.array if isinstance(x, Tensor) else np.asarray(x)


def prefixed(what: str, pairs: Iterator[Pair]) -> Iterator[Pair]:
    """The pairs with `what` before their names."""
    for quantity, ours, theirs in pairs:
        yield f"{what}: {quantity}", ours, theirs


def models(build: Callable[[Any], Any], *samples: Array) -> tuple[Any, Any]:
    """build(k) on both sides, called on samples so that it has weights, the same on both.

    All weights are random, the same at every call. So are the biases, because mistakes go unnoticed
    where they are zero, as they are at first.
    """
    mine, theirs = build(numpy_nets), build(keras)
    inputs = samples[0] if len(samples) == 1 else list(samples)
    mine(inputs)
    theirs(inputs)
    values = []
    for i, v in enumerate(mine.weights):
        scale = 1 / math.sqrt(v.shape[0]) if len(v.shape) == 2 else 0.1
        about = 1 if v.name.endswith(("gamma", "moving_variance")) else 0
        values.append((about + scale * normal(*v.shape, seed=i)).astype(v.dtype))
    mine.set_weights(values)
    copy_to_keras(mine, theirs)
    return mine, theirs


def model_gradients(
    mine: Any, theirs: Any, loss: Callable[[Any, Any], Any], inputs: Any
) -> Iterator[Pair]:
    """The outputs of both models, loss(k, output), and its gradient for every weight and input."""
    several = isinstance(inputs, list)
    x = [Tensor(a) for a in inputs] if several else Tensor(inputs)
    with numpy_nets.GradientTape() as tape:
        tape.watch(x)
        y = mine(x)
        value = loss(numpy_nets, y)
    sources = mine.trainable_variables + (x if several else [x])
    our_gradients = tape.gradient(value, sources)

    tf_x = [tf.constant(a) for a in inputs] if several else tf.constant(inputs)
    with tf.GradientTape() as tf_tape:
        tf_tape.watch(tf_x)
        their_y = theirs(tf_x)
        their_value = loss(keras, their_y)
    their_gradients = tf_tape.gradient(
        their_value, [*theirs.trainable_variables, *(tf_x if several else [tf_x])]
    )

    for name, ours, expected in zip_outputs(y, their_y):
        yield name, as_array(ours), as_array(expected)
    yield "loss", value.array, np.asarray(their_value)
    names = [v.path for v in mine.trainable_variables]
    names += [f"input {i}" for i in range(len(x))] if several else ["input"]
    for name, ours, expected in zip(names, our_gradients, their_gradients, strict=True):
        yield f"gradient of {name}", as_array(ours), as_array(expected)


def zip_outputs(ours: Any, theirs: Any) -> Iterator[Pair]:
    """The pairs of one output, or of a list of outputs."""
    if not isinstance(ours, list | tuple):
        yield "output", ours, theirs
        return
    for i, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        yield f"output {i}", a, b


def weights(mine: Any, theirs: Any) -> Iterator[Pair]:
    """Every weight of both models."""
    for variable, a, b in zip(mine.weights, mine.get_weights(), theirs.get_weights(), strict=True):
        yield f"weight {variable.path}", a, b
