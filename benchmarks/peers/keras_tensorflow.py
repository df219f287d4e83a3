"""Keras on TensorFlow: `fit`, one tf.function a step, the same with XLA, and the notebook's loop.

In `function` and `jit_compile` the batches are tensors before the clock starts.
"""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from benchmarks.peers import as_keras
from benchmarks.work import ADAM, CHAIN_LENGTH, CHAIN_SIZE, Work

MODELS = ("autoencoder", "vae", "gan", "paper_gan")
VARIANTS = {
    "fit": MODELS,
    "function": (*MODELS, "adam", "bce"),
    "jit_compile": (*MODELS, "adam", "bce"),
    "notebook": ("gan",),
    "eager": ("chain",),
}
MAY_FAIL = ("jit_compile",)


def describe() -> str:
    # 0 threads: as many as there are processors.
    threads = tf.config.threading.get_intra_op_parallelism_threads() or "default"
    return f"Keras {keras.__version__}, TensorFlow {tf.__version__}, {threads} threads"


def models(work: Work, variant: str) -> Callable[[], float]:
    model, x, y = as_keras.build("keras_ref", work)
    if variant == "fit":
        return lambda: as_keras.fit(model, x, y, work.batch)
    for optimizer in (model.optimizer, getattr(model, "d_optimizer", None)):
        if optimizer is not None and not optimizer.built:
            optimizer.build(model.trainable_variables)
    step = tf.function(model.train_step, jit_compile=variant == "jit_compile")
    batches = [(tf.constant(x[where]), tf.constant(y[where])) for where in work.batches()]

    def one_round() -> float:
        model.reset_metrics()
        for data in batches:
            logs = step(data)
        return as_keras.total_loss(logs)

    return one_round


autoencoder = vae = paper_gan = models


def gan(work: Work, variant: str) -> Callable[[], Any]:
    if variant != "notebook":
        return models(work, variant)
    from keras_ref import notebook_gan

    networks = notebook_gan.build()
    x, noise = work.images(), work.noise()[:, 0]

    def one_round() -> None:  # no loss to compare: D, as that notebook has it, does not train
        for where in work.batches():
            notebook_gan.iterate(*networks, x[where], noise[where])

    return one_round


def adam(work: Work, variant: str) -> Callable[[], float]:
    variables = [keras.Variable(w) for w in work.weights()]
    gradients = list(map(tf.constant, work.gradients()))
    optimizer = keras.optimizers.Adam(**ADAM)
    optimizer.build(variables)
    step = tf.function(
        lambda: optimizer.apply(gradients, variables), jit_compile=variant == "jit_compile"
    )

    def one_round() -> float:
        for _ in range(work.steps):
            step()
        return float(np.mean([np.abs(v.numpy()).mean() for v in variables]))

    return one_round


def bce(work: Work, variant: str) -> Callable[[], float]:
    x, logits = tf.constant(work.images()[: work.batch]), tf.constant(work.logits())

    @tf.function(jit_compile=variant == "jit_compile")
    def step(x: Any, logits: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(logits)
            loss = tf.reduce_mean(keras.losses.binary_crossentropy(x, logits, from_logits=True))
        return loss, tape.gradient(loss, logits)

    def one_round() -> float:
        for _ in range(work.steps):
            loss, gradient = step(x, logits)
        return float(loss + tf.reduce_sum(tf.abs(gradient)))

    return one_round


def chain(work: Work, variant: str) -> Callable[[], float]:
    x = tf.Variable(np.ones(CHAIN_SIZE, np.float32))

    def one_round() -> float:
        for _ in range(work.steps):
            with tf.GradientTape() as tape:
                y = x
                for _ in range(CHAIN_LENGTH // 2):
                    y = y * 0.999 + 0.001
            gradient = tape.gradient(y, x)
        return float(tf.reduce_sum(y) + tf.reduce_sum(gradient))

    return one_round
