"""JAX: one jitted function a step, with donated buffers; and a whole round in one lax.scan.

The batches lie on the device before the clock starts.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.peers.functional import Functional, arrays
from benchmarks.work import ADAM, Work

VARIANTS = {
    "jit": ("autoencoder", "vae", "gan", "paper_gan", "adam", "bce"),
    "scan": ("autoencoder", "vae", "gan", "paper_gan"),
}
MAY_FAIL = ()


def describe() -> str:
    return f"JAX {jax.__version__} on {jax.default_backend()}"


def uniform(key: Any, number: int, shape: Any) -> Any:
    return jax.random.uniform(jax.random.fold_in(key, number), shape)


functional = Functional(jnp, jax.value_and_grad, uniform)


def models(work: Work, variant: str) -> Callable[[], float]:
    step, state = functional.step(work), jax.tree.map(jnp.array, functional.start(work))
    whole = [jnp.array(a).reshape(work.steps, work.batch, *a.shape[1:]) for a in arrays(work)]
    if work.name == "paper_gan":  # rbg: the fastest generator on a CPU
        whole.append(jax.random.split(jax.random.key(0, impl="rbg"), work.steps))
    if variant == "scan":
        scan = jax.jit(lambda state, data: jax.lax.scan(step, state, data), donate_argnums=0)

        def one_round() -> float:
            nonlocal state
            state, losses = scan(state, whole)
            return float(losses.mean())
    else:
        jitted = jax.jit(step, donate_argnums=0)
        batches = [[a[i] for a in whole] for i in range(work.steps)]
        whole = []

        def one_round() -> float:
            nonlocal state
            losses = []
            for batch in batches:
                state, loss = jitted(state, batch)
                losses.append(loss)
            jax.block_until_ready(state)
            return float(np.mean(losses))

    return one_round


autoencoder = vae = gan = paper_gan = models


def adam(work: Work, variant: str) -> Callable[[], float]:
    state = jax.tree.map(jnp.array, functional.start(work))
    gradients = list(map(jnp.array, work.gradients()))
    step = jax.jit(lambda s, g: functional.adam_step(s, g, **ADAM), donate_argnums=0)

    def one_round() -> float:
        nonlocal state
        for _ in range(work.steps):
            state = step(state, gradients)
        return float(np.mean([jnp.abs(w).mean() for w in state["weights"]]))

    return one_round


def bce(work: Work, variant: str) -> Callable[[], float]:
    x, logits = jnp.array(work.images()[: work.batch]), jnp.array(work.logits())
    step = jax.jit(jax.value_and_grad(functional.crossentropy, argnums=1))

    def one_round() -> float:
        for _ in range(work.steps):
            loss, gradient = jax.block_until_ready(step(x, logits))
        return float(loss + jnp.abs(gradient).sum())

    return one_round
