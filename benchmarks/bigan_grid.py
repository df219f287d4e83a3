"""GAN, BiGAN and VAE on 25 Gaussians in the plane: how many does each cover, over ten seeds?

The trial of Dumoulin et al. 2017 (ALI, arXiv 1606.00704, section 4.2): centres at
{-4, -2, 0, 2, 4}², standard deviation 0.05, 100,000 points. They report 13.4 ± 5.8 modes for ALI
and 10.4 ± 9.2 for a GAN, over ten runs with settings drawn at random, and that a VAE covers all
modes but smears. Here all runs have one setting, smaller networks (two and three layers of 128
units in place of two and four of 400, leaky ReLU in place of maxout in D) without batch
normalization, a twentieth of the steps, and no noise in E. A mode is covered when one of 2,500
samples lies within three standard deviations of its centre.

Writes bigan-grid.png, what each of the first runs covers, to runs/bigan-grid.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.gan_ring import figure
from numpy_nets import ops, random
from numpy_nets.autodiff.tensor import Array
from numpy_nets.datasets.gaussians import grid
from numpy_nets.evaluation.samples import modes_found
from numpy_nets.layers import Concatenate, Dense, Input, LeakyReLU
from numpy_nets.models import Model, Sequential
from numpy_nets.models.bigan import BiGAN
from numpy_nets.models.gan import GAN
from numpy_nets.models.vae import VAE, gaussian_log_likelihood
from numpy_nets.optimizers import Adam
from numpy_nets.optimizers.schedules import ExponentialDecay

OUT = Path("runs/bigan-grid")
STDDEV, LATENT, UNITS, BATCH, STEPS, SEEDS = 0.05, 2, 128, 100, 10_000, 10
SCALE = 4.0  # the points are divided by it: the networks see numbers in about ±1


def run(*, smoke: bool = False) -> None:
    """Train each with several seeds, count, draw."""
    out = OUT / "smoke" if smoke else OUT
    out.mkdir(parents=True, exist_ok=True)
    steps, seeds = (30, 2) if smoke else (STEPS, SEEDS)
    _, centres = grid(1, 0)
    pictures = []
    print(f"{'':>8}{'modes covered':>20}{'samples near a mode':>22}{'G(E(x)) - x':>14}")
    for name, train in TRAININGS.items():
        found, good, errors = [], [], []
        for seed in range(seeds):
            points, _ = grid(100_000, seed, stddev=STDDEV)
            random.set_random_seed(seed)
            samples, reconstructed = train(points / np.float32(SCALE), steps, seed)
            samples = SCALE * samples
            modes = modes_found(samples, centres, radius=3 * STDDEV, at_least=1 / 2500)
            found.append(modes.found)
            good.append(modes.good)
            if reconstructed is not None:
                squares = np.sum((SCALE * reconstructed - points[:1000]) ** 2, axis=1)
                errors.append(float(np.sqrt(squares).mean()))
            if seed == 0:
                pictures.append((f"{name}: {modes.found} of 25 modes", samples))
        error = f"{np.mean(errors):.2f}" if errors else "-"
        print(f"{name:>8}{np.mean(found):13.1f} ± {np.std(found):4.1f}"
              f"{np.mean(good):22.0%}{error:>14}   {found}", flush=True)  # fmt: skip
    figure(pictures, 3, centres).savefig(out / "bigan-grid.png", dpi=80)


def batches(points: Array, steps: int, seed: int) -> Any:
    """`steps` batches (100, 2), drawn at random."""
    rng = np.random.default_rng(seed)
    for _ in range(steps):
        yield ops.convert_to_tensor(points[rng.integers(len(points), size=BATCH)])


def build_generator() -> Model:
    """Three layers of 128 ReLU units."""
    hidden = [Dense(UNITS, activation="relu") for _ in range(3)]
    return Sequential([Input((LATENT,)), *hidden, Dense(2)], name="generator")


def hidden_layers(x: Any) -> Any:
    """Two layers of 128 leaky units."""
    for _ in range(2):
        x = LeakyReLU(negative_slope=0.2)(Dense(UNITS)(x))
    return x


def adam() -> Adam:
    return Adam(ExponentialDecay(1e-3, STEPS, 0.1), beta_1=0.5)


def train_gan(points: Array, steps: int, seed: int) -> tuple[Array, None]:
    """2,500 samples of a GAN."""
    x = Input((2,))
    discriminator = Model(x, Dense(1, activation="sigmoid")(hidden_layers(x)))
    gan = GAN(build_generator(), discriminator)
    gan.compile(adam(), adam())
    for batch in batches(points, steps, seed):
        gan.train_step(batch)
    return gan.generator(gan.draw_noise(2500)).array, None


def train_bigan(points: Array, steps: int, seed: int) -> tuple[Array, Array]:
    """2,500 samples of a BiGAN, and G(E(x)) of the first 1,000 points."""
    x, z, y = Input((2,)), Input((LATENT,)), Input((2,))
    pair = hidden_layers(Concatenate()([x, z]))
    discriminator = Model([x, z], Dense(1, activation="sigmoid")(pair))
    encoder = Model(y, Dense(LATENT)(hidden_layers(y)), name="encoder")
    gan = BiGAN(build_generator(), discriminator, encoder)
    gan.compile(adam(), adam())
    for batch in batches(points, steps, seed):
        gan.train_step(batch)
    return gan.generator(gan.draw_noise(2500)).array, gan(points[:1000]).array


def train_vae(points: Array, steps: int, seed: int) -> tuple[Array, Array]:
    """2,500 samples of a VAE with a Gaussian decoder, noise included, and its reconstructions."""
    x, z = Input((2,)), Input((LATENT,))
    h, g = hidden_layers(x), hidden_layers(z)
    encoder = Model(x, [Dense(LATENT)(h), Dense(LATENT)(h)])
    decoder = Model(z, [Dense(2)(g), Dense(2)(g)])
    vae = VAE(encoder, decoder, gaussian_log_likelihood)
    vae.compile(Adam(1e-3))
    for batch in batches(points, steps, seed):
        vae.train_step(batch)
    mean, log_var = (part.array for part in decoder(random.normal((2500, LATENT))))
    samples = mean + np.exp(log_var / 2) * random.normal((2500, 2)).array
    code, _ = encoder(points[:1000])
    return samples, decoder(code)[0].array


TRAININGS: dict[str, Callable[[Array, int, int], tuple[Array, Array | None]]] = {
    "GAN": train_gan,
    "BiGAN": train_bigan,
    "VAE": train_vae,
}
