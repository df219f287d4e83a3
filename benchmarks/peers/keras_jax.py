"""Keras on JAX: `fit` of the autoencoder, and stateless steps under jax.jit for the others.

The paper's GAN is left out: its maxout layer would be the same JAX as in `jax_jit`.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np

from benchmarks.peers import as_keras
from benchmarks.work import ADAM, GAN_ADAM, LATENT, NOISE, Work

VARIANTS = {"fit": ("autoencoder",), "jit": ("vae", "gan")}
MAY_FAIL = ()
crossentropy = keras.losses.binary_crossentropy


def describe() -> str:
    return f"Keras {keras.__version__} on {keras.backend.backend()}, JAX {jax.__version__}"


def autoencoder(work: Work, variant: str) -> Callable[[], float]:
    model, x, y = as_keras.build("keras_ref", work)
    return lambda: as_keras.fit(model, x, y, work.batch)


def network(layers: list[Any], inputs: int, weights: list[Any]) -> Any:
    model = keras.Sequential([keras.Input((inputs,)), *layers])
    as_keras.assign(model, weights)
    return model


def call(model: Any, weights: Any, x: Any) -> Any:
    return model.stateless_call(weights, [], x)[0]


def arrays(variables: list[Any]) -> list[Any]:
    return [jnp.array(v.value) for v in variables]  # a copy: buffers are donated


def rounds(work: Work, step: Any, state: Any, *data: Any) -> Callable[[], float]:
    jitted = jax.jit(step, donate_argnums=0)
    batches = [[jnp.array(a[where]) for a in data] for where in work.batches()]

    def one_round() -> float:
        nonlocal state
        losses = []
        for batch in batches:
            state, loss = jitted(state, *batch)
            losses.append(loss)
        jax.block_until_ready(state)
        return float(np.mean(losses))

    return one_round


def vae(work: Work, variant: str) -> Callable[[], float]:
    w, dense = work.weights(), keras.layers.Dense
    # μ and log σ² in one layer: columns of one matrix.
    heads = [np.concatenate([w[2], w[4]], 1), np.concatenate([w[3], w[5]])]
    encoder = network([dense(400, "relu"), dense(2 * LATENT)], 784, w[:2] + heads)
    decoder = network([dense(400, "relu"), dense(784)], LATENT, w[6:])
    optimizer = keras.optimizers.Adam(**ADAM)
    variables = encoder.trainable_variables + decoder.trainable_variables
    optimizer.build(variables)

    def loss(weights: Any, x: Any, epsilon: Any) -> Any:
        mean, log_var = jnp.split(call(encoder, weights[:4], x), 2, axis=1)
        logits = call(decoder, weights[4:], mean + jnp.exp(0.5 * log_var) * epsilon)
        kl = 0.5 * jnp.sum(mean * mean + jnp.expm1(log_var) - log_var) / len(x)
        return 784 * crossentropy(x, logits, from_logits=True).mean() + kl

    def step(state: Any, x: Any, epsilon: Any) -> Any:
        weights, slots = state
        value, gradients = jax.value_and_grad(loss)(weights, x, epsilon)
        return optimizer.stateless_apply(slots, gradients, weights), value

    state = (arrays(variables), arrays(optimizer.variables))
    return rounds(work, step, state, work.images(), work.noise())


def gan(work: Work, variant: str) -> Callable[[], float]:
    g_weights, d_weights = work.networks()
    dense, leaky = keras.layers.Dense, keras.layers.LeakyReLU
    generator = network([dense(128), leaky(0.01), dense(784, "tanh")], NOISE, g_weights)
    discriminator = network([dense(128), leaky(0.01), dense(1)], 784, d_weights)
    optimizers = [keras.optimizers.Adam(**GAN_ADAM) for _ in "GD"]
    state = []
    for model, optimizer in zip((generator, discriminator), optimizers, strict=True):
        optimizer.build(model.trainable_variables)
        state.append((arrays(model.trainable_variables), arrays(optimizer.variables)))

    def judge(d: Any, x: Any, label: float) -> Any:
        logits = call(discriminator, d, x)
        return crossentropy(jnp.full_like(logits, label), logits, from_logits=True).mean()

    def fool(g: Any, d: Any, z: Any) -> Any:
        return judge(d, call(generator, g, z), 1.0)

    def step(state: Any, real: Any, z: Any) -> Any:
        (g, g_slots), (d, d_slots) = state
        total = 0.0
        for x, label in ((real, 1.0), (call(generator, g, z[:, 0]), 0.0)):
            loss, gradients = jax.value_and_grad(judge)(d, x, label)
            d, d_slots = optimizers[1].stateless_apply(d_slots, gradients, d)
            total = total + loss
        loss, gradients = jax.value_and_grad(fool)(g, d, z[:, 1])
        g, g_slots = optimizers[0].stateless_apply(g_slots, gradients, g)
        return [(g, g_slots), (d, d_slots)], total + loss

    return rounds(work, step, state, work.images(), work.noise())
