"""The VAE: terms, total, every gradient, and 200 steps with the same noise."""

from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

import numpy_nets
from keras_ref.parity.both import as_array, gradients, normal, uniform, weights
from keras_ref.parity.case import Case, Pair
from keras_ref.parity.cases_models import images, twin
from keras_ref.parity.cases_optimizers import BETAS
from keras_ref.weights import copy_to_keras

PIXELS, HIDDEN, LATENT, BATCH = 784, 50, 8, 32

MANY_STEPS = "rounding over 200 steps: 108 to 155 eps measured (threads differ), times 3"


def build(k: Any, gaussian: bool = False, **options: Any) -> Any:
    """A small model of k = numpy_nets or keras."""
    file = twin(k, "vae")
    if gaussian:
        options["log_likelihood"] = file.gaussian_log_likelihood
    decoder = file.build_gaussian_decoder if gaussian else file.build_decoder
    encoder = file.build_encoder(PIXELS, HIDDEN, LATENT)
    return file.VAE(encoder, decoder(PIXELS, HIDDEN, LATENT), **options)


def both(dtype: str, **options: Any) -> tuple[Any, Any]:
    """The model on both sides with the same weights, drawn anew so that biases are not zero."""
    mine, theirs = build(numpy_nets, **options), build(keras, **options)
    for part in ("encoder", "decoder"):
        ours = getattr(mine, part)
        ours.set_weights(
            [0.1 * normal(*w.shape, seed=i).astype(dtype) for i, w in enumerate(ours.get_weights())]
        )
        copy_to_keras(ours, getattr(theirs, part))
    return mine, theirs


def noise(model: Any, dtype: str, seed: int) -> Any:
    return normal(model.samples * BATCH, LATENT, seed=seed).astype(dtype)


def _terms(dtype: str, **options: Any) -> Iterator[Pair]:
    """Each term, their sum, and the gradient of the sum for every weight."""
    mine, theirs = both(dtype, **options)
    x, epsilon = images(BATCH, dtype), noise(mine, dtype, 1)
    with numpy_nets.GradientTape() as tape:
        terms = mine.terms(*map(numpy_nets.ops.convert_to_tensor, (x, epsilon)))
        loss = sum(terms)
    with tf.GradientTape() as tf_tape:
        expected_terms = theirs.terms(tf.constant(x), tf.constant(epsilon))
        expected_loss = sum(expected_terms)
    for name, a, b in zip(mine.term_names, terms, expected_terms, strict=True):
        yield name, as_array(a), as_array(b)
    yield "loss", as_array(loss), as_array(expected_loss)
    variables = mine.trainable_variables
    found = tape.gradient(loss, variables)
    expected = tf_tape.gradient(expected_loss, theirs.trainable_variables)
    for variable, a, b in zip(variables, found, expected, strict=True):
        yield f"gradient of {variable.name}", as_array(a), as_array(b)
    shared = noise(mine, dtype, 2)
    k = mine.samples
    log_w = mine.log_weights(*map(numpy_nets.ops.convert_to_tensor, (x, shared)), k)
    expected_log_w = theirs.log_weights(tf.constant(x), tf.constant(shared), k)
    yield "log_weights", as_array(log_w), as_array(expected_log_w)
    decoded = [y if isinstance(y, list) else [y] for y in (mine(x), theirs(x))]
    for a, b in zip(*decoded, strict=True):
        yield "call", as_array(a), as_array(b)


def _steps(dtype: str, steps: int = 200, **options: Any) -> Iterator[Pair]:
    """`learn` on digits with shared noise: the loss of every step, and the weights after."""
    mine, theirs = both(dtype, **options)
    mine.compile(numpy_nets.optimizers.Adam(**BETAS))
    theirs.compile(keras.optimizers.Adam(**BETAS))
    learn = tf.function(theirs.learn)
    x = images(steps // 4 * BATCH, dtype).reshape(-1, BATCH, PIXELS)
    losses: tuple[list[float], list[float]] = [], []
    for i in range(steps):
        batch, epsilon = x[i % len(x)], noise(mine, dtype, i)
        mine.reset_metrics()
        theirs.reset_metrics()
        ours = mine.learn(*map(numpy_nets.ops.convert_to_tensor, (batch, epsilon)))
        losses[0].append(ours["loss"])
        losses[1].append(float(learn(tf.constant(batch), tf.constant(epsilon))["loss"]))
    yield f"loss at each of {steps} steps", *map(np.array, losses)
    for part in ("encoder", "decoder"):
        yield from weights(getattr(mine, part), getattr(theirs, part))


def _function(name: str, *inputs: Any) -> Callable[[str], Iterator[Pair]]:
    """A function of vae.py: its value, and the gradient for every input."""

    def run(dtype: str) -> Iterator[Pair]:
        arrays = [x.astype(dtype) for x in inputs]

        def call(k: Any, *tensors: Any) -> Any:
            function = getattr(twin(k, "vae"), name)
            if name == "gaussian_log_likelihood":
                return function(tensors[0], list(tensors[1:]))
            if name == "repeat":
                return function(list(tensors), 3)[0]
            return function(*tensors)

        yield from gradients(call, arrays)

    return run


def _built(name: str) -> Callable[[str], Iterator[Pair]]:
    """A builder with its defaults: the shapes of all weights."""

    def run(dtype: str) -> Iterator[Pair]:
        models = [getattr(twin(k, "vae"), name)() for k in (numpy_nets, keras)]
        shapes = [np.concatenate([w.shape for w in model.get_weights()]) for model in models]
        yield "shapes of the weights", *shapes

    return run


def _batch_size(dtype: str) -> Iterator[Pair]:
    x, y = normal(4, 3), normal(4, 2)
    functions = [twin(k, "terms").batch_size for k in (numpy_nets, keras)]
    sizes = [[function(data) for data in (x, (x, y))] for function in functions]
    yield "of x, of (x, y)", *map(np.array, sizes)


_KINDS: dict[str, dict[str, Any]] = {
    "": {},
    "beta 2, three samples": {"beta": 2.0, "samples": 3},
    "Gaussian decoder": {"gaussian": True},
}

CASES = [
    *(
        Case("model", f"models.{name}", _function(name, *inputs))
        for name, inputs in {
            "reparameterize": (normal(4, 3), normal(4, 3, seed=1), normal(4, 3, seed=2)),
            "gaussian_kl": (normal(4, 3), normal(4, 3, seed=1)),
            "bernoulli_log_likelihood": (uniform(4, 3), normal(4, 3)),
            "gaussian_log_likelihood": (uniform(4, 3), normal(4, 3), normal(4, 3, seed=1)),
            "repeat": (normal(4, 3),),
        }.items()
    ),
    Case("model", "models.batch_size", _batch_size),
    *(
        Case("model", f"models.{name}", _built(name))
        for name in ("build_encoder", "build_decoder", "build_gaussian_decoder")
    ),
    *(
        Case("model", subject, lambda dtype, o=options: _terms(dtype, **o), variant)
        for subject in ("models.VAE", "models.TermModel")
        for variant, options in _KINDS.items()
        if subject == "models.VAE" or not variant
    ),
    *(
        Case(
            "training",
            "models.VAE",
            lambda dtype, o=options: _steps(dtype, **o),
            f"200 steps {variant}".strip(),
            bound=512,
            reason=MANY_STEPS,
        )
        for variant, options in _KINDS.items()
    ),
]
