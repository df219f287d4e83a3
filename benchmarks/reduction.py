"""Images as 2, 10 and 64 numbers: how much of their neighbourhoods does each method keep?

PCA, an autoencoder, a denoising one, a sparse one and a VAE learn from the 6,000 embedded training
digits. A random projection, which learns nothing, is the floor, and so is the autoencoder before
its training. Measured on the 1,000 test images: trustworthiness and continuity for k = 12
neighbours (the k of van der Maaten 2009, Learning a parametric embedding by preserving local
structure, AISTATS), how often the nearest training code has the class of a test code, and the
squared error of a pixel.

All networks are 784-256-d-256-784 and learn from the crossentropy of pixels. The code is linear; of
the VAE it is the mean of q(z|x); of the sparse autoencoder it is sigmoid, since its penalty wants
numbers between 0 and 1. That penalty is meant for more units than an image needs, so at 2 and 10
numbers the sparse autoencoder has no sensible answer; it is measured all the same.

Writes reduction.png (the maps to the plane) and reduction.csv to runs/reduction. The smoke mode
takes a few hundred images and one epoch.
"""

import csv
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from numpy_nets import ops, random
from numpy_nets.datasets import digits
from numpy_nets.evaluation.neighbourhoods import continuity, trustworthiness
from numpy_nets.evaluation.neighbours import nearest_neighbour_accuracy
from numpy_nets.evaluation.pca import PCA, fit_pca, random_projection
from numpy_nets.layers import Dense, Input
from numpy_nets.losses import BinaryCrossentropy
from numpy_nets.models import Model, Sequential
from numpy_nets.models.denoising import DenoisingAutoencoder
from numpy_nets.models.sparse import SparseAutoencoder
from numpy_nets.models.vae import VAE, build_decoder, build_encoder
from numpy_nets.optimizers import Adam

OUT = Path("runs/reduction")
DIMENSIONS = (2, 10, 64)
HIDDEN = 256
EPOCHS = 50
BATCH = 128
K = 12


class Reduction(NamedTuple):
    """Images (n, 784) -> codes (n, d), and back; `decode` is None if there is no way back."""

    encode: Callable[[Any], Any]
    decode: Callable[[Any], Any] | None


class Row(NamedTuple):
    """What a method scores; `error` is the squared error of a pixel, `seconds` are the CPU's."""

    dimensions: int
    method: str
    trustworthiness: float
    continuity: float
    accuracy: float
    error: float | None
    seconds: float


def run(*, smoke: bool = False) -> None:
    """Reduce, measure, draw."""
    out = OUT / "smoke" if smoke else OUT
    out.mkdir(parents=True, exist_ok=True)
    train, test = load(400, 100) if smoke else load(6000, 1000)
    rows, maps = [], []
    print(f"{'d':>3} {'method':<22}{'T(12)':>7}{'C(12)':>7}{'1-NN':>8}{'error':>9}{'CPU s':>8}")
    for d in DIMENSIONS:
        for method, fit in METHODS.items():
            random.set_random_seed(0)
            start = time.process_time()
            reduction = fit(train[0], d, 1 if smoke else EPOCHS)
            row = score(d, method, reduction, train, test, time.process_time() - start)
            print(line(row), flush=True)
            rows.append(row)
            if d == 2:
                maps.append((row, reduction.encode(test[0])))
    figure(maps, test[1]).savefig(out / "reduction.png", dpi=80)
    with open(out / "reduction.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(Row._fields[:-1])  # seconds differ from run to run
        for row in rows:
            writer.writerow(f"{x:.4f}" if isinstance(x, float) else x for x in row[:-1])


def load(train: int, test: int) -> list[tuple[Any, Any]]:
    """Images (n, 784) in [0, 1] and their digits (n,): so many for training, so many for tests."""
    return [
        (x[:n].reshape(n, -1).astype(np.float32) / 255, y[:n])
        for (x, y), n in zip(digits.load_data(), (train, test), strict=True)
    ]


def linear(fit: Callable[[Any, int], PCA]) -> Callable[[Any, int, int], Reduction]:
    """PCA, or what has its form."""

    def reduce(x: Any, d: int, epochs: int) -> Reduction:
        pca = fit(x, d)
        return Reduction(pca.encode, lambda z: (z @ pca.components + pca.mean).clip(0, 1))

    return reduce


def code_encoder(d: int, activation: str = "linear") -> Model:
    """Images (batch, 784) -> codes (batch, d)."""
    return Sequential([Input((784,)), Dense(HIDDEN, activation="relu"), Dense(d, activation)])


def decoder(d: int) -> Model:
    """Codes (batch, d) -> logits of the pixels, (batch, 784)."""
    return build_decoder(784, HIDDEN, d)


def autoencoder(x: Any, d: int, epochs: int) -> Reduction:
    """Trained to reproduce its input."""
    model = Sequential([Input((784,)), code_encoder(d), decoder(d)])
    model.compile(Adam(), BinaryCrossentropy(from_logits=True))
    model.fit(x, x, BATCH, epochs, verbose=0)
    return networks(*model.layers)


def untrained(x: Any, d: int, epochs: int) -> Reduction:
    """Its encoder with the weights that it starts from; the decoder would show noise."""
    return networks(code_encoder(d), None)


def denoising(x: Any, d: int, epochs: int) -> Reduction:
    """Trained to reproduce images from those with 30 % of the pixels set to 0."""
    return trained(DenoisingAutoencoder(code_encoder(d), decoder(d)), x, epochs)


def sparse(x: Any, d: int, epochs: int) -> Reduction:
    """With a penalty on mean activations other than 0.05."""
    return trained(SparseAutoencoder(code_encoder(d, "sigmoid"), decoder(d)), x, epochs)


def vae(x: Any, d: int, epochs: int) -> Reduction:
    """Trained on the ELBO."""
    return trained(VAE(build_encoder(784, HIDDEN, d), decoder(d)), x, epochs)


def trained(model: Any, x: Any, epochs: int) -> Reduction:
    """A model of an encoder and a decoder, after so many passes over x."""
    model.compile(Adam())
    model.fit(x, batch_size=BATCH, epochs=epochs, verbose=0)
    return networks(model.encoder, model.decoder)


def networks(encoder: Model, decoder: Model | None) -> Reduction:
    """The two networks as functions of arrays."""

    def encode(x: Any) -> Any:
        outputs = encoder(ops.convert_to_tensor(x))
        return (outputs[0] if isinstance(outputs, list) else outputs).numpy()  # a VAE's mean

    def decode(z: Any) -> Any:
        assert decoder is not None
        return ops.sigmoid(decoder(ops.convert_to_tensor(z))).numpy()

    return Reduction(encode, decode if decoder else None)


METHODS: dict[str, Callable[[Any, int, int], Reduction]] = {
    "PCA": linear(fit_pca),
    "autoencoder": autoencoder,
    "denoising autoencoder": denoising,
    "sparse autoencoder": sparse,
    "VAE": vae,
    "random projection": linear(random_projection),
    "untrained autoencoder": untrained,
}


def score(
    d: int, method: str, reduction: Reduction, train: Any, test: Any, seconds: float
) -> Row:
    """The measures on test images; training images are where the nearest neighbours are sought."""
    (x_train, y_train), (x, y) = train, test
    codes, error = reduction.encode(x), None
    if reduction.decode is not None:
        error = float(np.mean((reduction.decode(codes) - x) ** 2))
    accuracy = nearest_neighbour_accuracy(reduction.encode(x_train), y_train, codes, y)
    kept = trustworthiness(x, codes, K), continuity(x, codes, K)
    return Row(d, method, *kept, accuracy, error, seconds)


def line(row: Row) -> str:
    """A line of the printed table."""
    error = "-" if row.error is None else f"{row.error:.4f}"
    return (
        f"{row.dimensions:3} {row.method:<22}{row.trustworthiness:7.3f}{row.continuity:7.3f}"
        f"{row.accuracy:8.1%}{error:>9}{row.seconds:8.1f}"
    )


def figure(maps: list[tuple[Row, Any]], y: Any) -> Any:
    """Codes (n, 2) of each method in the colours of their digits y, and the legend in a panel.

    Each digit is written at the median of its codes. Only distances between codes mean anything:
    there are no scales, and a unit is as long in one direction as in the other.
    """
    from matplotlib import colormaps
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from matplotlib.patheffects import withStroke

    colours = colormaps["tab10"](range(10))
    outline = [withStroke(linewidth=3, foreground="white")]
    drawing = Figure(figsize=(12, 6.6), layout="constrained")
    *panels, last = drawing.subplots(2, -(-(len(maps) + 1) // 2)).flat
    for axes, (row, codes) in zip(panels, maps, strict=True):
        axes.scatter(*codes.T, s=7, c=colours[y], linewidths=0, alpha=0.75)
        for digit in np.unique(y):
            axes.text(
                *np.median(codes[y == digit], axis=0), str(digit), color=colours[digit], size=13,
                weight="bold", ha="center", va="center", path_effects=outline,
            )  # fmt: skip
        axes.set(xticks=[], yticks=[])
        axes.set_title(row.method, weight="bold")
        axes.set_xlabel(
            f"T {row.trustworthiness:.2f}   C {row.continuity:.2f}   1-NN {row.accuracy:.0%}"
        )
        axes.set_aspect("equal", "datalim")
    handles = [
        Line2D([], [], linestyle="", marker="o", color=colour, label=str(digit))
        for digit, colour in enumerate(colours)
    ]
    last.legend(handles=handles, loc="upper center", ncols=2, frameon=False, title="digit")
    last.text(
        0.5, 0.12, f"{len(y):,} test images as two numbers\n\nT trustworthiness, C continuity,\n"
        f"both for {K} neighbours\n1-NN the nearest training code\nhas the same digit",
        ha="center", va="bottom", transform=last.transAxes,
    )  # fmt: skip
    last.set_axis_off()
    return drawing
