"""Table 1 of Goodfellow et al. (arXiv 1406.2661) for MNIST: Parzen log-likelihood, their networks.

G 100-1200-1200-784 on uniform noise, D of two maxout layers with dropout, batches of 100: the
networks that the authors released (see `models.gan_paper`). The optimizer is another: with their
SGD (rate 0.1, growing momentum) D won and G collapsed onto one picture (-302 nats after 10 epochs,
-373 after 20), so both take Adam with β₁ = 0.5, at a rate that falls from 6e-4 to a tenth
in 60 epochs. And samples come from an average of G's weights (see `models.gan.GAN`); those of G
itself are estimated beside them. σ is chosen on the last 1,000 training images, which are left out
of training; 10,000 samples, 10,000 test images. They published 225 ± 2 after the training they
found best; a run here goes as far as the minutes given to it (NUMPY_NETS_MINUTES, 60 by default),
in whole epochs, with an estimate after every fifth.

Writes estimates (CSV), samples (PNG) and weights to runs/gan-parzen. Reads mnist.npz from Keras's
cache, or downloads it. The smoke mode takes a few hundred embedded digits and one epoch.
"""

import csv
import os
import time
from pathlib import Path

import numpy as np

from numpy_nets import random
from numpy_nets.datasets import digits, mnist
from numpy_nets.evaluation.parzen import parzen_log_likelihood
from numpy_nets.evaluation.samples import nearest_neighbours
from numpy_nets.figures.images import save_images
from numpy_nets.models.gan import GAN
from numpy_nets.models.gan_paper import (
    HALVED,
    build_paper_discriminator,
    build_paper_generator,
    uniform_prior,
)
from numpy_nets.optimizers import Adam
from numpy_nets.optimizers.schedules import ExponentialDecay

OUT = Path("runs/gan-parzen")
EVERY = 5


def run(*, smoke: bool = False) -> None:
    """Train, and print an estimate after every fifth epoch."""
    (x, _), (test, _) = (digits if smoke else mnist).load_data()
    x, test = (a.reshape(len(a), -1).astype(np.float32) / 255 for a in (x, test))
    if smoke:
        x, test = x[:400], test[:100]
    held_out = 100 if smoke else 1000
    x, validation = x[:-held_out], x[-held_out:]
    seconds = 0 if smoke else 60 * float(os.environ.get("NUMPY_NETS_MINUTES", "60"))

    out = OUT / "smoke" if smoke else OUT
    out.mkdir(parents=True, exist_ok=True)
    random.set_random_seed(0)
    gan = GAN(
        build_paper_generator(x.mean(axis=0)),
        build_paper_discriminator(),
        HALVED,
        prior=uniform_prior,
        averaged=build_paper_generator(),
    )
    rate = ExponentialDecay(6e-4, decay_steps=60 * len(x) // 100, decay_rate=0.1)
    gan.compile(*(Adam(rate, beta_1=0.5) for _ in range(2)))
    noise = uniform_prior((100 if smoke else 10_000, 100))
    start, rows, epoch = time.monotonic(), [], 0
    while not rows or time.monotonic() - start < seconds:
        epochs = 1 if smoke else EVERY
        logs = gan.fit(
            x, batch_size=100, epochs=epoch + epochs, initial_epoch=epoch, verbose=0
        ).history
        epoch += epochs
        raw, samples = (
            network.predict(noise.array, batch_size=1000, verbose=0)
            for network in (gan.generator, gan.averaged)
        )
        found = parzen_log_likelihood(samples, test, validation)
        of_g = parzen_log_likelihood(raw, test, validation)
        rows.append([epoch, found.mean, found.standard_error, found.sigma, of_g.mean])
        print(
            f"epoch {epoch}, {(time.monotonic() - start) / 60:.0f} min: "
            f"{found.mean:.1f} ± {found.standard_error:.1f} nats, σ {found.sigma:.3f}; "
            f"G itself {of_g.mean:.1f}; "
            f"D(x) {logs['d_real'][-1]:.2f}, D(G(z)) {logs['d_fake'][-1]:.2f}",
            flush=True,
        )
        save_images(
            out / "samples.png", samples[:100].reshape(-1, 28, 28), 10,
            f"samples of the averaged generator after epoch {epoch}",
        )  # fmt: skip
        gan.save_weights(out / "gan.weights.h5")
        with open(out / "gan_parzen.csv", "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["epoch", "log_likelihood", "standard_error", "sigma", "of_g_itself"])
            writer.writerows([row[0], *(f"{x:.4g}" for x in row[1:])] for row in rows)
    own = parzen_log_likelihood(x[: len(samples)], test, validation)
    near, _ = nearest_neighbours(samples[:100], x)
    usual, _ = nearest_neighbours(test[:100], x)
    print(
        f"beside it, {min(len(samples), len(x))} training images as if they were samples: "
        f"{own.mean:.1f} ± {own.standard_error:.1f}; distance to the nearest training image: "
        f"{near.mean():.2f} from samples, {usual.mean():.2f} from test images"
    )
