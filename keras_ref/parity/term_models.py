"""Compare models whose loss has named terms: the terms, every gradient, and training.

A model is made by a function build(k, ...) of the library k, numpy_nets or keras. Its data and its
noise, which both sides share, are arrays or tuples of arrays.
"""

from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

import numpy_nets
from keras_ref.parity.both import as_array, gradients, normal, weights
from keras_ref.parity.case import Pair
from keras_ref.parity.cases.models import twin
from keras_ref.parity.cases.optimizers import BETAS
from keras_ref.weights import copy_to_keras

PARTS = ("classifier", "encoder", "decoder")


def both(build: Callable[[Any], Any], dtype: str) -> tuple[Any, Any]:
    """The model on both sides with the same random weights; biases are not zero either."""
    mine, theirs = build(numpy_nets), build(keras)
    for ours, other in zip(networks(mine), networks(theirs), strict=True):
        ours.set_weights(
            [0.1 * normal(*w.shape, seed=i).astype(dtype) for i, w in enumerate(ours.get_weights())]
        )
        copy_to_keras(ours, other)
    return mine, theirs


def networks(model: Any) -> list[Any]:
    """The networks of a model, or of the two that M1M2 holds."""
    models = [model.m1, model.m2] if hasattr(model, "m1") else [model]
    return [getattr(each, part) for each in models for part in PARTS if hasattr(each, part)]


def tensors(k: Any, data: Any) -> Any:
    """Arrays as constants of k; None, for a model without noise, stays None."""
    if data is None:
        return None
    if isinstance(data, tuple):
        return tuple(tensors(k, part) for part in data)
    return k.ops.convert_to_tensor(data)


def terms(mine: Any, theirs: Any, data: Any, noise: Any, inputs: Any = None) -> Iterator[Pair]:
    """Each term, their sum, its gradient for every weight, and the output of `call`.

    Args:
        inputs: of `call`; None for the data.
    """
    inputs = data if inputs is None else inputs
    with numpy_nets.GradientTape() as tape:
        our_terms = mine.terms(tensors(numpy_nets, data), tensors(numpy_nets, noise))
        our_loss = sum(our_terms)
    with tf.GradientTape() as tf_tape:
        their_terms = theirs.terms(tensors(keras, data), tensors(keras, noise))
        their_loss = sum(their_terms)
    for name, a, b in zip(mine.term_names, our_terms, their_terms, strict=True):
        yield name, as_array(a), as_array(b)
    yield "loss", as_array(our_loss), as_array(their_loss)
    variables = mine.trainable_variables
    our_gradients = tape.gradient(our_loss, variables)
    their_gradients = tf_tape.gradient(their_loss, theirs.trainable_variables)
    for variable, a, b in zip(variables, our_gradients, their_gradients, strict=True):
        yield f"gradient of {variable.name}", as_array(a), as_array(b)
    decoded = [y if isinstance(y, list) else [y] for y in (mine(inputs), theirs(inputs))]
    for a, b in zip(*decoded, strict=True):
        yield "call", as_array(a), as_array(b)


def log_weights(mine: Any, theirs: Any, data: Any, epsilon: Any) -> Iterator[Pair]:
    """The log weights of importance sampling."""
    k = mine.samples
    ours = mine.log_weights(tensors(numpy_nets, data), tensors(numpy_nets, epsilon), k)
    expected = theirs.log_weights(tensors(keras, data), tensors(keras, epsilon), k)
    yield "log_weights", as_array(ours), as_array(expected)


def training(
    mine: Any, theirs: Any, batches: list[Any], noise: list[Any], graph: bool = True
) -> Iterator[Pair]:
    """`learn` with the same noise in each step: the loss of every step, and the final weights.

    Args:
        graph: whether TensorFlow compiles Keras's side.
    """
    mine.compile(numpy_nets.optimizers.Adam(**BETAS))
    theirs.compile(keras.optimizers.Adam(**BETAS))
    learn = tf.function(theirs.learn) if graph else theirs.learn
    losses: tuple[list[float], list[float]] = [], []
    for i, noise_of_step in enumerate(noise):
        batch = batches[i % len(batches)]
        mine.reset_metrics()
        theirs.reset_metrics()
        ours = mine.learn(tensors(numpy_nets, batch), tensors(numpy_nets, noise_of_step))
        losses[0].append(ours["loss"])
        expected = learn(tensors(keras, batch), tensors(keras, noise_of_step))
        losses[1].append(float(expected["loss"]))
    yield f"loss at each of {len(noise)} steps", *map(np.array, losses)
    for ours, other in zip(networks(mine), networks(theirs), strict=True):
        yield from weights(ours, other)


def function(call: Callable[..., Any], *inputs: Any) -> Callable[[str], Iterator[Pair]]:
    """call(k, *tensors): its value, and the gradient for every input."""

    def run(dtype: str) -> Iterator[Pair]:
        yield from gradients(call, [x.astype(dtype) for x in inputs])

    return run


def built(file: str, name: str) -> Callable[[str], Iterator[Pair]]:
    """The shapes of all weights of what a builder of models/file.py makes by default."""

    def run(dtype: str) -> Iterator[Pair]:
        models = [getattr(twin(k, file), name)() for k in (numpy_nets, keras)]
        shapes = [np.concatenate([w.shape for w in model.get_weights()]) for model in models]
        yield "shapes of the weights", *shapes

    return run
