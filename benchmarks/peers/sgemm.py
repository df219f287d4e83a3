"""The floor: the matrix products that a step cannot do without, in NumPy, and nothing else.

A layer y = x W has three: x W, and with the gradient G of y, xᵀ G for W and G Wᵀ for x. The last
is not needed for data, the second not for weights that the step leaves alone.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from benchmarks.work import (
    DECODER,
    DISCRIMINATOR,
    ENCODER,
    GENERATOR,
    LAYERS,
    PAPER_DISCRIMINATOR,
    PAPER_GENERATOR,
    Work,
)

VARIANTS = {"floor": ("autoencoder", "vae", "gan", "paper_gan")}
MAY_FAIL = ()
Layers = tuple[tuple[int, int], ...]
Product = tuple[str, int, int]  # kind, in, out


def describe() -> str:
    return f"NumPy {np.__version__}"


def products(work: Work) -> list[Product]:
    """Every product of one step."""
    if work.name == "autoencoder":
        return [*forward(LAYERS["autoencoder"]), *backward(LAYERS["autoencoder"])]
    if work.name == "vae":
        hidden, *heads = ENCODER
        found = [*forward(ENCODER), *forward(DECODER), *backward(DECODER, to_input=True)]
        for head in heads:
            found += backward((head,), to_input=True)
        return [*found, *backward((hidden,))]
    paper = work.name == "paper_gan"
    generator = PAPER_GENERATOR if paper else GENERATOR
    discriminator = PAPER_DISCRIMINATOR if paper else DISCRIMINATOR
    return [
        *forward(generator),  # D's step: on data, and on pictures of G
        *forward(discriminator), *backward(discriminator),
        *forward(discriminator), *backward(discriminator),
        *forward(generator), *forward(discriminator),  # G's step
        *backward(discriminator, to_weights=False, to_input=True), *backward(generator),
    ]  # fmt: skip


def forward(layers: Layers) -> list[Product]:
    return [("forward", *layer) for layer in layers]


def backward(layers: Layers, to_weights: bool = True, to_input: bool = False) -> Iterator[Product]:
    for i, layer in reversed(list(enumerate(layers))):
        if to_weights:
            yield ("weights", *layer)
        if i or to_input:
            yield ("input", *layer)


def models(work: Work, variant: str) -> Callable[[], None]:
    rng = np.random.default_rng(0)

    def array(rows: int, columns: int) -> Any:
        return rng.standard_normal((rows, columns), dtype=np.float32)

    pairs = []
    for kind, fan_in, fan_out in products(work):
        x, w, g = array(work.batch, fan_in), array(fan_in, fan_out), array(work.batch, fan_out)
        a, b = {"forward": (x, w), "weights": (x.T, g), "input": (g, w.T)}[kind]
        pairs.append((a, b, a @ b))

    def one_round() -> None:
        for _ in range(work.steps):
            for a, b, out in pairs:
                np.matmul(a, b, out=out)

    return one_round


autoencoder = vae = gan = paper_gan = models
