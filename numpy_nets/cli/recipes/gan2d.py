"""numpy-nets train gan --data ring, grid, line or a table: a GAN of points in the plane.

The networks and the fading noise are those of benchmarks/gan_ring.py.
"""

import base64
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from numpy_nets import random
from numpy_nets.autodiff.tensor import Array
from numpy_nets.callbacks import Callback, Logs
from numpy_nets.cli.arguments import number
from numpy_nets.cli.recipes.gan import (
    OBJECTIVES,
    AdversarialRecipe,
    AdversarialSettings,
    CollapseLine,
)
from numpy_nets.cli.runs.data import Images
from numpy_nets.cli.runs.files import write_whole
from numpy_nets.cli.runs.lab import DATA, FRAMES, MODEL, write_page
from numpy_nets.cli.runs.points import MIXTURES, density, load_points
from numpy_nets.cli.runs.printed import Printed
from numpy_nets.cli.settings import count, option, rate
from numpy_nets.evaluation.plane import compare_with_truth, sample_gradients
from numpy_nets.layers import Dense, GaussianNoise, Input, Layer
from numpy_nets.models import Sequential
from numpy_nets.models.gan import GAN
from numpy_nets.optimizers import Adam
from numpy_nets.optimizers.schedules import ExponentialDecay
from numpy_nets.theory.plane import Square

STEPS = 60  # of G between two frames
BLUR = 0.1  # the least noise
FADED = 3000  # the step of G from which on there is no more than that
DECAY = 6000  # in so many steps of G, the learning rates fall to a tenth
SQUARE = Square(3.0, 50)
DRAWN = 5000  # samples, from which the density of G is estimated
SHOWN = 150  # of them
SHOWN_DATA = 400


@dataclass(frozen=True)
class PlaneSettings(AdversarialSettings):
    """The settings of a GAN of points in the plane."""

    data: str = option(
        "ring", str,
        f"{', '.join(MIXTURES)}, whose densities are known, or a table of points (n, 2) in a file: "
        ".csv, .npy or .npz; grid is hard, and easier with --k 2 --learning-rate 0.003 --noise 0.2",
    )  # fmt: skip
    epochs: int = count(100, f"frames, {STEPS} steps of the generator each")
    batch_size: int = count(256, "points in a step")
    learning_rate: float = rate(1e-3)
    latent: int = count(4, "length of a code")
    noise: float = option(
        0.3, number(float, 0, most=1),
        "standard deviation of the noise that all points get before the discriminator sees them, "
        f"at first: it fades to {BLUR} in {FADED} steps",
    )  # fmt: skip


class PlaneRecipe(AdversarialRecipe[PlaneSettings, GAN]):
    """A GAN of points in the plane, whose page shows the truth beside what D says."""

    name = MODEL
    help = "a GAN of points in the plane, beside the truth; also: gan --data ring, grid or line"
    settings = PlaneSettings
    things = "points"
    named_data = MIXTURES

    def load(self, name: str) -> Images:
        return load_points(name)

    def build(self, settings: PlaneSettings) -> GAN:
        game = self.game(settings)

        def hidden() -> list[Layer]:
            return [Dense(settings.hidden, activation="relu") for _ in range(2)]

        generator = Sequential(
            [Input((settings.latent,)), *hidden(), Dense(2)], name="generator"
        )
        judge = Dense(1, activation=game["objective"].activation)
        discriminator = Sequential(
            [Input((2,)), GaussianNoise(noise(settings, 0)), *hidden(), judge],
            name="discriminator",
        )
        model = GAN(generator, discriminator, **game)
        # The same rate at the same step of G, however many D takes meanwhile.
        d_steps = settings.k * (2 if settings.half_steps == "yes" else 1)
        model.compile(*(
            Adam(ExponentialDecay(settings.learning_rate, DECAY * steps, 0.1), beta_1=0.5)
            for steps in (d_steps, 1)
        ))  # fmt: skip
        return model

    def fit(self, model: GAN, data: Images, settings: PlaneSettings, **options: Any) -> None:
        model.fit(Batches(data.x_train, settings.k * settings.batch_size), **options)

    def callbacks(
        self, model: GAN, data: Images, settings: PlaneSettings, folder: Path
    ) -> Sequence[Callback]:
        codes = fixed_codes(settings)
        return [
            CollapseLine(codes[:100], data.x_train),
            Fading(model, settings),
            Frames(model, data, settings, folder / FRAMES),
        ]

    def draw(self, model: GAN, data: Images, settings: PlaneSettings, folder: Path) -> None:
        write_page([folder], folder / "lab.html")

    def print_table(
        self, model: GAN, data: Images, settings: PlaneSettings, samples: int | None, most: int,
        printed: Printed,
    ) -> None:  # fmt: skip
        from rich.table import Table

        if samples is not None:
            raise ValueError(f"--samples: the model is {self.name}, which has no likelihood")
        values = frame(model, data, settings, settings.epochs, None)["values"]
        table = Table(title="the discriminator beside the truth")
        table.add_column("")
        table.add_column(f"after {settings.epochs * STEPS:,} steps", justify="right")
        for name, value in values.items():
            if value is not None:
                table.add_row(VALUES[name], f"{value:.4f}")
        printed.print(table)


VALUES = {
    "jsd": "Jensen–Shannon divergence of data and samples, nats",
    "seen": "the part of it that D sees, nats",
    "d_loss": "D's loss",
    "least": "the least loss of any D against this G",
    "distance": "|D - D*|, on average",
    "d_trained": "D's loss in training, mean of the epoch",
    "g_trained": "G's loss in training, mean of the epoch",
}


class Batches:
    """The batches of an epoch: each holds points that are drawn anew, with replacement.

    The points come from the shared generator, whose state is part of a checkpoint.
    """

    def __init__(self, points: Array, batch_size: int) -> None:
        self.points, self.batch_size = points, batch_size

    def __len__(self) -> int:
        return STEPS

    def __iter__(self) -> Iterator[tuple[Array]]:
        for _ in range(STEPS):
            chosen = random.generator().integers(len(self.points), size=self.batch_size)
            yield (self.points[chosen],)


def noise(settings: PlaneSettings, epoch: int) -> float:
    """The standard deviation of the noise in an epoch."""
    return max(BLUR, settings.noise * (1 - epoch * STEPS / FADED))


class Fading(Callback):
    """Sets the noise of D, epoch by epoch."""

    def __init__(self, model: GAN, settings: PlaneSettings) -> None:
        self.gan, self.settings = model, settings

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        (layer,) = (la for la in self.gan.discriminator.layers if isinstance(la, GaussianNoise))
        layer.stddev = noise(self.settings, epoch)


class Frames(Callback):
    """Writes folder/0000.json before the first epoch, and one after each."""

    def __init__(self, model: GAN, data: Images, settings: PlaneSettings, folder: Path) -> None:
        self.gan, self.data, self.settings, self.folder = model, data, settings, folder
        folder.mkdir(exist_ok=True)

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        if epoch == 0:
            self.write_data()
            self.write(0, None)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        self.write(epoch + 1, logs)

    def write_data(self) -> None:
        """Write what all frames have in common."""
        points = self.data.x_train
        content = {
            "half": SQUARE.half,
            "cells": SQUARE.cells,
            "known": density(self.settings.data, points)[1],
            "points": _thousandths(points[:SHOWN_DATA]),
        }
        write_whole(self.folder / DATA, json.dumps(content), durable=False)

    def write(self, epoch: int, logs: Logs) -> None:
        """Write the frame after so many epochs."""
        content = frame(self.gan, self.data, self.settings, epoch, logs)
        text = json.dumps(content, separators=(",", ":"))
        write_whole(self.folder / f"{epoch:04}.json", text, durable=False)


def frame(
    model: GAN, data: Images, settings: PlaneSettings, epochs: int, logs: Logs
) -> dict[str, Any]:
    """What the page shows of a GAN after so many epochs, of the last of which `logs` are.

    Coordinates, and the way that each sample is to go, are in thousandths. The maps are bytes in
    base64, the lowest row first: 0 for 0 to 254 for 1, and 255 where there is nothing.
    """
    samples: Array = model.generator(fixed_codes(settings)).numpy()
    mixture, _ = density(settings.data, data.x_train)
    blur = noise(settings, max(epochs - 1, 0))
    truth = compare_with_truth(model, samples, mixture, SQUARE, blur)
    shown = samples[:SHOWN]
    logs = logs or {}
    plain = OBJECTIVES[settings.objective].activation == "sigmoid" and not settings.label_smoothing
    values = {
        "jsd": truth.jsd,
        "seen": truth.seen if plain else None,
        "d_loss": truth.d_loss,
        "least": truth.least,
        "distance": truth.distance,
        "d_trained": logs.get("d_loss"),
        "g_trained": logs.get("g_loss"),
    }
    return {
        "step": epochs * STEPS,
        "noise": round(blur, 4),
        "samples": _thousandths(shown),
        "ways": _thousandths(-sample_gradients(model, shown)),
        "d": _bytes(truth.d, truth.empty),
        "best": _bytes(truth.best, truth.empty),
        "values": {k: None if v is None else round(float(v), 4) for k, v in values.items()},
    }


def fixed_codes(settings: PlaneSettings) -> Array:
    """(5000, latent), from a stream of their own, so that looking at samples changes no result."""
    rng = np.random.default_rng([settings.seed, 2])
    return rng.standard_normal((DRAWN, settings.latent), np.float32)


def _thousandths(pairs: Array) -> list[int]:
    flat: list[int] = np.rint(1000 * pairs).astype(int).reshape(-1).tolist()
    return flat


def _bytes(values: Array, empty: Array) -> str:
    levels = np.rint(254 * np.clip(values, 0, 1)).astype(np.uint8)
    return base64.b64encode(np.where(empty, np.uint8(255), levels).tobytes()).decode()
