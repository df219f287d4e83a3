"""Table 1 of Goodfellow et al. (arXiv 1406.2661) for MNIST: Parzen log-likelihood, their networks.

G 100-1200-1200-784 on uniform noise, D of two maxout layers with dropout, batches of 100: the
networks that the authors released (see `models.gan_paper`). The optimizer is another: with their
SGD (rate 0.1, growing momentum) D won and G collapsed onto one picture (-302 nats after 10 epochs,
-373 after 20), so both take Adam with β₁ = 0.5, at a rate that falls from 6e-4 to a tenth
in 60 epochs (NUMPY_NETS_DECAY). And samples come from an average of G's weights (see
`models.gan.GAN`); those of G itself are estimated beside them. σ is chosen on the last 1,000
training images, which are left out of training; 10,000 samples, 10,000 test images. They published
225 ± 2 after the training they found best; a run here goes as far as the minutes given to it
(NUMPY_NETS_MINUTES, 60 by default), in whole epochs, with an estimate after every fifth. Started
again, it goes on from its last estimate to the very same weights as a run that was never stopped;
delete its folder to begin anew.

`cgan-parzen` does the same for the conditional GAN (Mirza & Osindero, arXiv 1411.1784), with 1,000
samples of each class, for 30 minutes by default. They published 132 ± 1.8.

Writes estimates (CSV), samples (PNG) and a checkpoint to runs/gan-parzen or runs/cgan-parzen. Reads
mnist.npz from Keras's cache, or downloads it. The smoke mode takes a few hundred embedded digits
and one epoch.
"""

import csv
import os
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from numpy_nets import random
from numpy_nets.datasets import digits, mnist
from numpy_nets.evaluation.parzen import parzen_log_likelihood
from numpy_nets.evaluation.samples import nearest_neighbours
from numpy_nets.figures.images import save_images
from numpy_nets.models.cgan import ConditionalGAN
from numpy_nets.models.cgan_paper import (
    build_paper_conditional_discriminator,
    build_paper_conditional_generator,
)
from numpy_nets.models.gan import GAN
from numpy_nets.models.gan_paper import (
    HALVED,
    build_paper_discriminator,
    build_paper_generator,
    uniform_prior,
)
from numpy_nets.optimizers import Adam
from numpy_nets.optimizers.schedules import ExponentialDecay
from numpy_nets.storage.checkpoint import load_checkpoint, read_checkpoint, save_checkpoint

EVERY = 5


class Trial(NamedTuple):
    """A model to be estimated.

    Attributes:
        name: of the folder in runs.
        gan: the model, with an average of G.
        data: x, or x and y.
        codes: what G turns into samples, a hundred of which are drawn.
        minutes: how long it may train.
    """

    name: str
    gan: Any
    data: list[Any]
    codes: Any
    minutes: float


def run(*, smoke: bool = False) -> None:
    """The GAN: train, and print an estimate after every fifth epoch."""
    x, _, validation, test = load(smoke)
    gan = build(x)
    codes = uniform_prior((100 if smoke else 10_000, 100)).array
    estimate(Trial("gan-parzen", gan, [x], codes, 60), validation, test, smoke)


def build(x: Any) -> GAN:
    """The GAN with the networks of the paper, for images x; sets the seed."""
    random.set_random_seed(0)
    gan = GAN(
        build_paper_generator(x.mean(axis=0)),
        build_paper_discriminator(),
        HALVED,
        prior=uniform_prior,
        averaged=build_paper_generator(),
    )
    compile_gan(gan, len(x))
    return gan


def run_conditional(*, smoke: bool = False) -> None:
    """The conditional GAN: train, and print an estimate after every fifth epoch."""
    x, y, validation, test = load(smoke)
    random.set_random_seed(0)
    gan = ConditionalGAN(
        build_paper_conditional_generator(mean_image=x.mean(axis=0)),
        build_paper_conditional_discriminator(),
        HALVED,
        prior=random.uniform,
        averaged=build_paper_conditional_generator(),
    )
    compile_gan(gan, len(x))
    count = 100 if smoke else 10_000
    # The first hundred are ten rows of one class each.
    classes = np.concatenate([np.repeat(np.arange(10), 10), np.arange(count - 100) % 10])
    codes = [random.uniform((count, 100)).array, np.eye(10, dtype=np.float32)[classes]]
    estimate(Trial("cgan-parzen", gan, [x, y], codes, 30), validation, test, smoke)


def load(smoke: bool) -> tuple[Any, Any, Any, Any]:
    """Images and one-hot labels for training, images to choose σ with, and test images."""
    (x, labels), (test, _) = (digits if smoke else mnist).load_data()
    x, test = (a.reshape(len(a), -1).astype(np.float32) / 255 for a in (x, test))
    y = np.eye(10, dtype=np.float32)[labels]
    if smoke:
        x, y, test = x[:400], y[:400], test[:100]
    held_out = 100 if smoke else 1000
    return x[:-held_out], y[:-held_out], x[-held_out:], test


def compile_gan(gan: Any, images: int) -> None:
    """Adam for both, at a rate that falls to a tenth in 60 epochs, or as many as are asked for."""
    epochs = int(os.environ.get("NUMPY_NETS_DECAY", "60"))
    rate = ExponentialDecay(6e-4, decay_steps=epochs * images // 100, decay_rate=0.1)
    gan.compile(*(Adam(rate, beta_1=0.5) for _ in range(2)))


def go_on(gan: Any, checkpoint: Path) -> tuple[list[list[float]], int]:
    """The rows and the epoch of an earlier run, whose state the GAN takes; [], 0 without one."""
    if not checkpoint.exists():
        return [], 0
    saved = read_checkpoint(checkpoint)
    load_checkpoint(gan, checkpoint)
    assert saved.settings is not None
    print(f"goes on after epoch {saved.epoch} of {checkpoint}")
    return saved.settings["rows"], saved.epoch


def estimate(trial: Trial, validation: Any, test: Any, smoke: bool) -> None:
    """Train a model and write down how likely test images are under its samples."""
    gan, x = trial.gan, trial.data[0]
    out = Path("runs", trial.name, *["smoke"] * smoke)
    out.mkdir(parents=True, exist_ok=True)
    minutes = 0 if smoke else float(os.environ.get("NUMPY_NETS_MINUTES", trial.minutes))
    checkpoint = out / "gan.weights.h5"
    rows, epoch = ([], 0) if smoke else go_on(gan, checkpoint)
    start = time.monotonic() - (60 * rows[-1][-1] if rows else 0)
    while not rows or time.monotonic() - start < 60 * minutes:
        epochs = 1 if smoke else EVERY
        logs = gan.fit(
            *trial.data, batch_size=100, epochs=epoch + epochs, initial_epoch=epoch, verbose=0
        ).history
        epoch += epochs
        raw, samples = (
            network.predict(trial.codes, batch_size=1000, verbose=0)
            for network in (gan.generator, gan.averaged)
        )
        likelihood = parzen_log_likelihood(samples, test, validation)
        of_g = parzen_log_likelihood(raw, test, validation)
        spent = (time.monotonic() - start) / 60
        mean, error, sigma = likelihood.mean, likelihood.standard_error, likelihood.sigma
        rows.append([epoch, mean, error, sigma, of_g.mean, spent])
        print(
            f"epoch {epoch}, {spent:.0f} min: "
            f"{mean:.1f} ± {error:.1f} nats, σ {sigma:.3f}; G itself {of_g.mean:.1f}; "
            f"D(x) {logs['d_real'][-1]:.2f}, D(G(z)) {logs['d_fake'][-1]:.2f}",
            flush=True,
        )
        save_images(
            out / "samples.png", samples[:100].reshape(-1, 28, 28), 10,
            f"samples of the averaged generator after epoch {epoch}",
        )  # fmt: skip
        save_checkpoint(gan, checkpoint, epoch, settings={"rows": rows})
        with open(out / f"{trial.name.replace('-', '_')}.csv", "w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(
                ["epoch", "log_likelihood", "standard_error", "sigma", "of_g_itself", "minutes"]
            )
            writer.writerows([row[0], *(f"{x:.4g}" for x in row[1:])] for row in rows)
    samples = gan.averaged.predict(trial.codes, batch_size=1000, verbose=0)
    own = parzen_log_likelihood(x[: len(samples)], test, validation)
    near, _ = nearest_neighbours(samples[:100], x)
    usual, _ = nearest_neighbours(test[:100], x)
    print(
        f"beside it, {min(len(samples), len(x))} training images as if they were samples: "
        f"{own.mean:.1f} ± {own.standard_error:.1f}; distance to the nearest training image: "
        f"{near.mean():.2f} from samples, {usual.mean():.2f} from test images"
    )
