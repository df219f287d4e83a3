"""numpy_nets, by its public face."""

from collections.abc import Callable
from typing import Any

import numpy as np

import numpy_nets
from benchmarks.peers import as_keras
from benchmarks.work import ADAM, CHAIN_LENGTH, CHAIN_SIZE, Work
from numpy_nets import GradientTape, Variable, ops
from numpy_nets.losses import binary_crossentropy
from numpy_nets.optimizers import Adam

VARIANTS = {
    "fit": ("autoencoder", "vae", "gan", "paper_gan", "adam", "bce", "chain"),
}
MAY_FAIL = ()


def describe() -> str:
    return f"numpy_nets {numpy_nets.__version__}, NumPy {np.__version__}"


def models(work: Work, variant: str) -> Callable[[], float]:
    model, x, y = as_keras.build("numpy_nets", work)
    return lambda: as_keras.fit(model, x, y, work.batch)


autoencoder = vae = gan = paper_gan = models


def adam(work: Work, variant: str) -> Callable[[], float]:
    variables = [Variable(w) for w in work.weights()]
    gradients = work.gradients()
    optimizer = Adam(**ADAM)

    def one_round() -> float:
        for _ in range(work.steps):
            optimizer.apply(gradients, variables)
        return float(np.mean([np.abs(v.array).mean() for v in variables]))

    return one_round


def bce(work: Work, variant: str) -> Callable[[], float]:
    x = ops.convert_to_tensor(work.images()[: work.batch])
    logits = Variable(work.logits())

    def one_round() -> float:
        for _ in range(work.steps):
            with GradientTape() as tape:
                loss = ops.mean(binary_crossentropy(x, logits, from_logits=True))
            gradient: Any = tape.gradient(loss, logits)
        return float(loss.array + np.abs(gradient.array).sum())

    return one_round


def chain(work: Work, variant: str) -> Callable[[], float]:
    x = Variable(np.ones(CHAIN_SIZE, np.float32))

    def one_round() -> float:
        for _ in range(work.steps):
            with GradientTape() as tape:
                y: Any = x
                for _ in range(CHAIN_LENGTH // 2):
                    y = y * 0.999 + 0.001
            gradient: Any = tape.gradient(y, x)
        return float(y.array.sum() + gradient.array.sum())

    return one_round
