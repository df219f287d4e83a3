"""HIPS autograd: a tape over NumPy, as ours."""

from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import autograd
import autograd.numpy as anp
import numpy as np

from benchmarks.peers.functional import Functional, arrays
from benchmarks.work import CHAIN_LENGTH, CHAIN_SIZE, Work

VARIANTS = {"tape": ("autoencoder", "vae", "gan", "paper_gan", "bce", "chain")}
MAY_FAIL = ()
rng = np.random.default_rng(0)


def describe() -> str:
    return f"autograd {version('autograd')}, NumPy {np.__version__}"


def uniform(key: Any, number: int, shape: Any) -> Any:
    return rng.random(shape, np.float32)


functional = Functional(anp, autograd.value_and_grad, uniform)


def models(work: Work, variant: str) -> Callable[[], float]:
    step, state, data = functional.step(work), functional.start(work), arrays(work)
    key = [None] if work.name == "paper_gan" else []

    def one_round() -> float:
        nonlocal state
        losses = []
        for where in work.batches():
            state, loss = step(state, [a[where] for a in data] + key)
            losses.append(loss)
        return float(np.mean(losses))

    return one_round


autoencoder = vae = gan = paper_gan = models


def bce(work: Work, variant: str) -> Callable[[], float]:
    x, logits = work.images()[: work.batch], work.logits()
    step = autograd.value_and_grad(functional.crossentropy, 1)

    def one_round() -> float:
        for _ in range(work.steps):
            loss, gradient = step(x, logits)
        return float(loss + np.abs(gradient).sum())

    return one_round


def chain(work: Work, variant: str) -> Callable[[], float]:
    def run(x: Any) -> Any:
        y = x
        for _ in range(CHAIN_LENGTH // 2):
            y = y * 0.999 + 0.001
        return anp.sum(y)

    step = autograd.value_and_grad(run)
    x = np.ones(CHAIN_SIZE, np.float32)

    def one_round() -> float:
        for _ in range(work.steps):
            total, gradient = step(x)
        return float(total + gradient.sum())

    return one_round
