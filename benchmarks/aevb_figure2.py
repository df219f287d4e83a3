"""Figure 2 of Kingma & Welling (arXiv 1312.6114): the lower bound against samples seen.

Their settings: one hidden layer of tanh units (500 for MNIST, 200 for Frey Face), Bernoulli and
Gaussian decoders, minibatches of M = 100 with L = 1, Adagrad with a step size from {0.01, 0.02,
0.1} that does best on the training set in the first iterations, parameters drawn from N(0, 0.01)
and with a prior N(0, I). Ours: 0.01 is taken for the variance, MNIST is grey, a tenth of the Frey
faces, drawn at random, is the test set, and a run ends after 2 million samples (MNIST) or 6 million
(Frey).

Writes a picture and a CSV to runs/aevb-figure2. Reads mnist.npz from Keras's cache, and
frey.npz from the folder that NUMPY_NETS_DATA names (it may not be redistributed; without it that
half is left out). The smoke mode takes a few hundred embedded digits.
"""

import csv
import os
from pathlib import Path
from typing import Any

import numpy as np

from numpy_nets import GradientTape, ops, random
from numpy_nets.datasets import digits, mnist
from numpy_nets.datasets.readers import load_file
from numpy_nets.models.vae import (
    VAE,
    bernoulli_log_likelihood,
    build_decoder,
    build_encoder,
    build_gaussian_decoder,
    gaussian_log_likelihood,
)
from numpy_nets.optimizers import Adagrad

BATCH = 100
STEP_SIZES = (0.01, 0.02, 0.1)
FIRST_STEPS = 200
LATENTS = {"MNIST": (3, 5, 10, 20, 200), "Frey Face": (2, 5, 10, 20)}
OUT = Path("runs/aevb-figure2")


class MAP(VAE):
    """A VAE whose parameters have the prior N(0, I) too, for all `images` together.

    What it reports is the bound without that prior.
    """

    def __init__(self, images: int, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.images = images

    def learn(self, data: Any, noise: Any) -> dict[str, Any]:
        with GradientTape() as tape:
            terms = self.terms(data, noise)
            squares = sum(ops.sum(ops.square(w)) for w in self.trainable_variables)
            loss = sum(terms) + squares * (0.5 / self.images)
        variables = self.trainable_variables
        assert self.optimizer is not None
        self.optimizer.apply(tape.gradient(loss, variables), variables)
        return self.report(data, sum(terms), terms)


def build(kind: str, pixels: int, images: int, latent: int) -> MAP:
    """The paper's networks for one data set."""
    random.set_random_seed(0)
    if kind == "MNIST":
        shape = (pixels, 500, latent, "tanh")
        decoder, likelihood = build_decoder(*shape), bernoulli_log_likelihood
    else:
        shape = (pixels, 200, latent, "tanh")
        decoder, likelihood = build_gaussian_decoder(*shape), gaussian_log_likelihood
    model = MAP(images, build_encoder(*shape), decoder, likelihood, seed=0)
    model.set_weights([random.normal(w.shape, stddev=0.1).array for w in model.get_weights()])
    return model


def train(model: MAP, step_size: float, x: Any, test: Any, points: list[int]) -> list[list[float]]:
    """Rows of [samples seen, bound on the training samples since the last row, bound on `test`]."""
    model.compile(Adagrad(step_size))
    rng, rows, seen = np.random.default_rng(0), [], 0
    while True:
        order = rng.permutation(len(x))
        for start in range(0, len(x) - BATCH + 1, BATCH):
            batch = ops.convert_to_tensor(x[order[start : start + BATCH]])
            logs = model.train_step(batch)
            seen += BATCH
            if seen >= points[len(rows)]:
                # A step size that is too large may diverge: nan, which loses against the others.
                bound = -logs["loss"]
                found = model.evaluate(test, batch_size=1000, verbose=0, return_dict=True)
                rows.append([seen, bound, -found["loss"]])
                model.reset_metrics()
                if len(rows) == len(points):
                    return rows


def run(*, smoke: bool = False) -> None:
    """Train for every N_z, print and draw the curves."""
    sets = {}
    (x, _), (test, _) = (digits if smoke else mnist).load_data()
    sets["MNIST"] = [a.reshape(len(a), -1).astype(np.float32) / 255 for a in (x, test)]
    frey = Path(os.environ.get("NUMPY_NETS_DATA", ""), "frey.npz")
    if frey.is_file():
        x = load_file(frey).x_train
        x = x.reshape(len(x), -1).astype(np.float32) / 255
        x = x[np.random.default_rng(0).permutation(len(x))]
        sets["Frey Face"] = [x[: -len(x) // 10], x[-len(x) // 10 :]]
    else:
        print("Frey Face is left out: NUMPY_NETS_DATA names no folder with frey.npz")

    folder = OUT / "smoke" if smoke else OUT
    folder.mkdir(parents=True, exist_ok=True)
    rows: list[list[Any]] = []
    with np.errstate(all="ignore"):  # step sizes that diverge are part of the search
        for kind, (x, test) in sets.items():
            last = 1000 if smoke else 2e6 if kind == "MNIST" else 6e6
            first = 500 if smoke else 2e4
            points = [int(n) for n in np.geomspace(first, last, 2 if smoke else 25)]
            for latent in LATENTS[kind][1:3] if smoke else LATENTS[kind]:
                models = {size: build(kind, x.shape[1], len(x), latent) for size in STEP_SIZES}
                trial = [2 * BATCH if smoke else FIRST_STEPS * BATCH]
                bounds = {s: train(m, s, x, test[:100], trial)[-1][1] for s, m in models.items()}
                best = max(bounds, key=lambda s, b=bounds: np.nan_to_num(b[s], nan=-np.inf))
                model = build(kind, x.shape[1], len(x), latent)
                for seen, train_bound, test_bound in train(model, best, x, test, points):
                    rows.append([kind, latent, best, seen, train_bound, test_bound])
                print(
                    f"{kind}, N_z = {latent}, step size {best}: after {seen:,} samples "
                    f"{train_bound:.1f} nats (train), {test_bound:.1f} (test)", flush=True
                )  # fmt: skip
                save(rows, folder)


def save(rows: list[list[Any]], folder: Path) -> None:
    """The CSV and the picture of all runs so far."""
    with open(folder / "aevb_figure2.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["data", "latent", "step_size", "samples", "train_bound", "test_bound"])
        writer.writerows([*row[:4], f"{row[4]:.3f}", f"{row[5]:.3f}"] for row in rows)
    figure(rows).savefig(folder / "aevb_figure2.png", dpi=100)


def figure(rows: list[list[Any]]) -> Any:
    """A row of panels for each data set, with one panel for each N_z, and one legend for all."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import NullFormatter

    kinds = list(dict.fromkeys(row[0] for row in rows))
    latents = {k: list(dict.fromkeys(row[1] for row in rows if row[0] == k)) for k in kinds}
    columns = max(map(len, latents.values()))
    drawing = Figure(
        figsize=(max(4.2, 2.1 * columns), 0.3 + 2.6 * len(kinds)), layout="constrained"
    )
    panels = drawing.subplots(len(kinds), columns, squeeze=False, sharey="row")
    for kind, row_of_panels in zip(kinds, panels, strict=True):
        for axes, latent in zip(row_of_panels, latents[kind], strict=False):
            points = [row[3:] for row in rows if row[:2] == [kind, latent]]
            seen, train_bound, test_bound = zip(*points, strict=True)
            axes.semilogx(seen, train_bound, "C0-", label="training images")
            axes.semilogx(seen, test_bound, "C1--", label="test images")
            axes.set_title(f"{kind}, $N_z$ = {latent}", fontsize="medium")
            axes.xaxis.set_minor_formatter(NullFormatter())
            axes.set_xlabel("samples seen")
            axes.grid(alpha=0.3)
        low, high = (-180, -100) if kind == "MNIST" else (0, 1600)  # those of the paper
        if any(row[4] > low for row in rows if row[0] == kind):
            row_of_panels[0].set_ylim(low, high)
        row_of_panels[0].set_ylabel("lower bound, nats per image")
        for axes in row_of_panels[len(latents[kind]) :]:
            axes.set_axis_off()
    drawing.legend(handles=panels[0, 0].lines, loc="outside upper center", ncols=2, frameon=False)
    return drawing
