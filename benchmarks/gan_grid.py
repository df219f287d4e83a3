"""The trial of Dumoulin et al. 2017 (arXiv 1606.00704, ALI): 25 Gaussians, which of them are found?

A GAN, a BiGAN and a VAE learn 100,000 points from 25 Gaussians of standard deviation 0.05 around
the points of {-4, -2, 0, 2, 4}², with codes of two numbers, over ten seeds. The paper has
13.4 ± 5.8 modes for ALI (a BiGAN whose encoder has noise) and 10.4 ± 9.2 for a GAN, each over ten
runs with random settings; it says of a VAE that it covers all modes and smears.

What differs from the paper: smaller networks, since theirs take a minute for a thousand steps, and
so a higher rate; one setting, and not ten. No trick helps the GAN to find modes, as noise on D's
input does in `gan-ring`. A mode is found when at least 1 % of 2,500 samples are within three
standard deviations of its centre, and it is touched when one sample is.

Writes grid.png (the samples of the first five seeds) and gan_grid.csv to runs/gan-grid. The smoke
mode takes two seeds and 20 steps.
"""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.gan_ring import STDDEV, figure
from numpy_nets import ops, random
from numpy_nets.datasets.gaussians import grid
from numpy_nets.evaluation.samples import modes_found
from numpy_nets.layers import BatchNormalization, Concatenate, Dense, Input, Layer, Maxout, ReLU
from numpy_nets.models import Model, Sequential
from numpy_nets.models.bigan import BiGAN
from numpy_nets.models.gan import GAN
from numpy_nets.models.vae import VAE, gaussian_log_likelihood
from numpy_nets.optimizers import Adam
from numpy_nets.optimizers.schedules import ExponentialDecay

OUT = Path("runs/gan-grid")
SEEDS = 10
STEPS = 20_000
BATCH = 128
LATENT = 2
UNITS = 128
SAMPLES = 2500


def run(*, smoke: bool = False) -> None:
    """Train each model with several seeds, count, draw."""
    out = OUT / "smoke" if smoke else OUT
    out.mkdir(parents=True, exist_ok=True)
    seeds, steps = (2, 20) if smoke else (SEEDS, STEPS)
    rows, pictures = [], []
    print(f"{'model':>6}{'seed':>5}{'found':>7}{'touched':>9}{'samples near a mode':>21}")
    for name, build in MODELS.items():
        for seed in range(seeds):
            samples = train(build, seed, steps)
            _, centres = grid(1, seed)
            found = modes_found(samples, centres, 3 * STDDEV)
            touched = modes_found(samples, centres, 3 * STDDEV, at_least=1 / SAMPLES).found
            print(f"{name:>6}{seed:5}{found.found:7}{touched:9}{found.good:21.0%}", flush=True)
            rows.append([name, seed, found.found, touched, found.good])
            if seed < 5:
                pictures.append((f"{name}, seed {seed}: {found.found}", samples))
        for column, what in ((2, "found"), (3, "touched")):
            counts = [row[column] for row in rows[-seeds:]]
            print(f"{name}: {what} {np.mean(counts):.1f} ± {np.std(counts, ddof=1):.1f} of 25")
    figure(pictures, min(seeds, 5), centres).savefig(out / "grid.png", dpi=80)
    with open(out / "gan_grid.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["model", "seed", "found", "touched", "good"])
        writer.writerows(rows)


def train(
    build: Callable[[Any], tuple[Model, Callable[[Any], Any]]], seed: int, steps: int
) -> Any:
    """SAMPLES points (SAMPLES, 2) of a model after so many steps."""
    random.set_random_seed(seed)
    model, sample = build(ExponentialDecay(1e-3, steps, 0.1))
    points, _ = grid(100_000, seed, stddev=STDDEV)
    order = np.random.default_rng(seed)
    for _ in range(steps):
        batch = points[order.integers(len(points), size=BATCH)]
        model.train_step(ops.convert_to_tensor(batch))
    return sample(random.normal((SAMPLES, LATENT), seed=seed))


def normalized() -> list[Layer]:
    """Two hidden layers of ReLU units with batch normalization, as in the paper's G and E."""
    return [
        layer
        for _ in range(2)
        for layer in (Dense(UNITS, use_bias=False), BatchNormalization(), ReLU())
    ]


def judge(inputs: Any, joint: Any) -> Model:
    """D: two layers of maxout units of five pieces."""
    hidden = Maxout(UNITS // 4, 5)(Maxout(UNITS // 4, 5)(joint))
    return Model(inputs, Dense(1, activation="sigmoid")(hidden), name="discriminator")


def build_gan(rate: Any) -> tuple[Model, Callable[[Any], Any]]:
    """A GAN, and what draws its samples."""
    x = Input((2,))
    gan = GAN(Sequential([Input((LATENT,)), *normalized(), Dense(2)]), judge(x, x))
    gan.compile(*(Adam(rate, beta_1=0.5) for _ in range(2)))
    return gan, lambda z: gan.generator(z).array


def build_bigan(rate: Any) -> tuple[Model, Callable[[Any], Any]]:
    """A BiGAN, and what draws its samples."""
    x, z = Input((2,)), Input((LATENT,))
    gan = BiGAN(
        Sequential([Input((LATENT,)), *normalized(), Dense(2)]),
        judge([x, z], Concatenate()([x, z])),
        Sequential([Input((2,)), *normalized(), Dense(LATENT)]),
    )
    gan.compile(*(Adam(rate, beta_1=0.5) for _ in range(2)))
    return gan, lambda z: gan.generator(z).array


def build_vae(rate: Any) -> tuple[Model, Callable[[Any], Any]]:
    """A VAE with a Gaussian decoder, and what draws its samples: points, not only means."""

    def heads(units: int) -> Model:
        inputs = Input((2,))
        hidden = inputs
        for _ in range(2):
            hidden = Dense(UNITS, activation="relu")(hidden)
        return Model(inputs, [Dense(units)(hidden), Dense(units)(hidden)])

    vae = VAE(heads(LATENT), heads(2), gaussian_log_likelihood)
    vae.compile(Adam(rate))

    def sample(z: Any) -> Any:
        mean, log_var = vae.decoder(z)
        return mean.array + np.exp(0.5 * log_var.array) * random.normal(mean.shape).array

    return vae, sample


MODELS = {"GAN": build_gan, "BiGAN": build_bigan, "VAE": build_vae}
