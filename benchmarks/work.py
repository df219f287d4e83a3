"""The work that all peers do: sizes, data, noise and initial weights, the same for everybody.

NumPy only: a peer's process loads this, its own framework, and nothing else.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

ADAM = {"learning_rate": 1e-3, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}
GAN_ADAM = ADAM | {"learning_rate": 2e-4, "beta_1": 0.5}
PAPER_SGD = {"learning_rate": 0.1, "decay": 1 / 1.000004, "momentum": 0.5}
LATENT = 20  # of the VAE
NOISE = 100  # of the GANs
PIECES = 5  # of the paper's maxout units
KEEP = (0.8, 0.5, 0.5)  # what dropout keeps before each layer of the paper's discriminator

ENCODER = ((784, 400), (400, LATENT), (400, LATENT))
DECODER = ((LATENT, 400), (400, 784))
GENERATOR, DISCRIMINATOR = ((NOISE, 128), (128, 784)), ((784, 128), (128, 1))
PAPER_GENERATOR = ((NOISE, 1200), (1200, 1200), (1200, 784))
PAPER_DISCRIMINATOR = ((784, PIECES * 240), (240, PIECES * 240), (240, 1))

# (in, out) of every layer; a GAN's generator comes first.
LAYERS = {
    "autoencoder": ((784, 64), (64, 784)),
    "vae": ENCODER + DECODER,
    "gan": GENERATOR + DISCRIMINATOR,
    "paper_gan": PAPER_GENERATOR + PAPER_DISCRIMINATOR,
    "adam": ((784, 64), (64, 784)),
    "bce": (),
    "chain": (),
}
CHAIN_LENGTH = 1000  # operations on an array of CHAIN_SIZE numbers
CHAIN_SIZE = 10


@dataclass(frozen=True)
class Work:
    """One round of a workload: `steps` steps on batches of `batch` images.

    Args:
        name: a key of `WORKLOADS`.
        title: for people.
        batch: images a step.
        steps: how many steps a round has.
        tolerance: how far the results of two peers may be apart, relatively, after one round.
        data: path of images.npy, (samples, 784) bytes, enough of them for a round.
    """

    name: str
    title: str
    batch: int
    steps: int
    tolerance: float
    data: str = ""

    def images(self) -> Any:
        """(steps · batch, 784) float32, in [0, 1] or, for the notebook's GAN, in [-1, 1]."""
        x = np.load(self.data)[: self.steps * self.batch].astype(np.float32)
        x /= 255
        if self.name == "gan":
            x = 2 * x - 1
        return x

    def noise(self) -> Any:
        """ε of the VAE (samples, latent), or z of a GAN: (samples, 2, 100), for D and for G."""
        rng, samples = np.random.default_rng(1), self.steps * self.batch
        if self.name == "vae":
            return rng.standard_normal((samples, LATENT), dtype=np.float32)
        if self.name == "gan":
            return rng.standard_normal((samples, 2, NOISE), dtype=np.float32)
        bound = math.sqrt(3)
        return rng.uniform(-bound, bound, (samples, 2, NOISE)).astype(np.float32)

    def weights(self) -> list[Any]:
        """[W, b, W, b, …] in the order of `LAYERS`, W (in, out)."""
        rng = np.random.default_rng(0)
        found = []
        for fan_in, fan_out in LAYERS[self.name]:
            bound = math.sqrt(6 / (fan_in + fan_out))
            if self.name == "paper_gan":
                bound = 0.05 if (fan_in, fan_out) in PAPER_GENERATOR else 0.005
            w = rng.uniform(-bound, bound, (fan_in, fan_out)).astype(np.float32)
            found += [w, np.zeros(fan_out, np.float32)]
        return found

    def networks(self) -> tuple[list[Any], list[Any]]:
        """The weights of a GAN's generator, and those of its discriminator."""
        weights = self.weights()
        generator = 2 * len(PAPER_GENERATOR if self.name == "paper_gan" else GENERATOR)
        return weights[:generator], weights[generator:]

    def gradients(self) -> list[Any]:
        """Something for Adam to apply, in the shapes of `weights`."""
        rng = np.random.default_rng(2)
        return [0.01 * rng.standard_normal(w.shape, dtype=np.float32) for w in self.weights()]

    def logits(self) -> Any:
        """(batch, 784) for the crossentropy alone."""
        return np.random.default_rng(3).standard_normal((self.batch, 784), dtype=np.float32)

    def batches(self) -> list[slice]:
        """Where each step's samples are."""
        return [slice(i * self.batch, (i + 1) * self.batch) for i in range(self.steps)]


WORKLOADS = {
    work.name: work
    for work in (
        # PyTorch adds Adam's ε after the bias correction and the others before it, which counts
        # where gradients are as small as here.
        Work("autoencoder", "autoencoder 784-64-784, one epoch", 256, 234, 5e-3),
        Work("vae", "VAE 784-400-20, one epoch", 128, 468, 1e-3),
        Work("gan", "the notebook's GAN, one iteration a step", 128, 60, 1e-3),
        # Every peer draws its own dropout here.
        Work("paper_gan", "the paper's GAN, 1200 units, one iteration a step", 100, 20, 2e-2),
        Work("adam", "Adam over the autoencoder's 101,200 weights", 0, 500, 1e-3),
        Work("bce", "crossentropy of (256, 784) logits and its gradient", 256, 100, 1e-4),
        Work("chain", f"{CHAIN_LENGTH} operations on {CHAIN_SIZE} numbers, tape and gradient",
             0, 20, 1e-4),
    )
}  # fmt: skip
