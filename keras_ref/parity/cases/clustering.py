"""Deep embedded clustering: assignment, target, loss, every gradient, and 100 iterations."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

import numpy_nets
from keras_ref.parity import term_models
from keras_ref.parity.both import gradients, models, normal, prefixed, uniform, weights
from keras_ref.parity.case import Case, Pair
from keras_ref.parity.cases.models import images, twin
from keras_ref.parity.cases.vae import BATCH, HIDDEN, PIXELS
from keras_ref.weights import copy_from_keras, copy_to_keras
from numpy_nets.autodiff.tensor import Array

CLUSTERS, CODES, STEPS = 10, 6, 100


def _dec(k: Any, alpha: float = 1.0) -> Any:
    file = twin(k, "dec")
    return file.DEC(file.build_dec_encoder(PIXELS, CODES, (HIDDEN, HIDDEN)), CLUSTERS, alpha)


def _both(dtype: str, alpha: float = 1.0) -> tuple[Any, Any]:
    """The model on both sides with the same weights: codes and centres spread about 0."""
    mine, theirs = term_models.both(partial(_dec, alpha=alpha), dtype)
    mine.assignment.set_weights([normal(CLUSTERS, CODES).astype(dtype)])
    theirs.assignment.set_weights(mine.assignment.get_weights())
    return mine, theirs


def _targets(n: int, dtype: str) -> Array:
    """Distributions (n, CLUSTERS), the same at every call."""
    p = uniform(n, CLUSTERS) ** 4
    return (p / p.sum(axis=1, keepdims=True)).astype(dtype)


def _batches(dtype: str) -> list[Any]:
    """50 batches of digits with targets."""
    x = images(50 * BATCH, dtype).reshape(50, BATCH, PIXELS)
    return list(zip(x, _targets(50 * BATCH, dtype).reshape(50, BATCH, CLUSTERS), strict=True))


def _layer(dtype: str, alpha: float) -> Iterator[Pair]:
    """q, and the gradient for the codes and for the centres."""
    z = normal(BATCH, CODES).astype(dtype)
    mine, theirs = models(lambda k: twin(k, "dec").ClusterAssignment(CLUSTERS, alpha), z)
    yield from weights(mine, theirs)

    def assign(k: Any, z: Any, centres: Any) -> Any:
        return k.ops.softmax(twin(k, "dec").student_t_scores(z, centres, alpha))

    centres = mine.get_weights()[0]
    yield "output", mine(z).array, theirs(z).numpy()
    yield from gradients(assign, [z, centres])


def _terms(dtype: str, alpha: float) -> Iterator[Pair]:
    mine, theirs = _both(dtype, alpha)
    data = _batches(dtype)[0]
    yield from term_models.terms(mine, theirs, data, None, inputs=data[0])


def _iterations(dtype: str) -> Iterator[Pair]:
    """The loss of every step, and the weights and centres after."""
    mine, theirs = _both(dtype)
    yield from term_models.training(mine, theirs, _batches(dtype), [None] * STEPS)
    yield from prefixed("assignment", weights(mine.assignment, theirs.assignment))


def _exchange(dtype: str) -> Iterator[Pair]:
    """The weights of the whole model go to Keras, and come back to another model."""
    mine, theirs = _both(dtype)
    x = images(BATCH, dtype)
    copy_to_keras(mine, theirs)
    yield from prefixed("to Keras", weights(mine, theirs))
    other = _dec(numpy_nets)
    copy_from_keras(theirs, other)
    yield "output", other(x).array, theirs(x).numpy()


def _network(name: str, width: int, dtype: str) -> Iterator[Pair]:
    """A network with its defaults: shapes of all weights, and outputs."""
    x = normal(4, width, seed=width).astype(dtype)
    mine, theirs = models(lambda k: getattr(twin(k, "dec"), name)(), x)
    shapes = (np.concatenate([w.shape for w in side.get_weights()]) for side in (mine, theirs))
    yield "shapes of the weights", *shapes
    yield "output", mine(x).array, theirs(x).numpy()


def _call(name: str, *inputs: Array) -> Any:
    return term_models.function(lambda k, *x: getattr(twin(k, "dec"), name)(*x), *inputs)


CASES = [
    Case("model", "models.build_dec_encoder", partial(_network, "build_dec_encoder", 784)),
    Case("model", "models.build_dec_decoder", partial(_network, "build_dec_decoder", 10)),
    Case("model", "models.student_t_scores",
         _call("student_t_scores", normal(BATCH, CODES), normal(CLUSTERS, CODES))),
    Case("model", "models.student_t_scores",
         _call("student_t_scores", 1e15 * normal(BATCH, CODES), normal(CLUSTERS, CODES)),
         "codes 1e15 away"),
    Case("model", "models.target_distribution",
         _call("target_distribution", _targets(BATCH, "float64"))),
    Case("model", "models.target_divergence",
         _call("target_divergence", _targets(BATCH, "float64"), -abs(normal(BATCH, CLUSTERS)))),
    Case("model", "models.ClusterAssignment", partial(_layer, alpha=1.0)),
    Case("model", "models.ClusterAssignment", partial(_layer, alpha=4.0), "alpha 4"),
    Case("model", "models.DEC", partial(_terms, alpha=1.0)),
    Case("model", "models.DEC", partial(_terms, alpha=4.0), "alpha 4"),
    Case("model", "models.DEC", _exchange, "weights exchanged"),
    Case("training", "models.DEC", _iterations, f"{STEPS} iterations"),
]  # fmt: skip
