"""A GAN on Gaussians in the plane: how many of them does it find, in each of ten runs?

A ring of eight and a grid of 25. A generator that gives up modes is the usual failure of GANs;
without the noise below, this one gives up some in every fifth run or so. Noise on everything that D
sees, data and samples alike, joins modes that lie apart, so G is shown the way from one to the
other; it fades to nothing (Sønderby et al. 2017, arXiv 1610.04490, section 2.4; Arjovsky & Bottou
2017, arXiv 1701.04862, section 3). A mode is found when at least 1 % of 2,500 samples lie within
three standard deviations of its centre.

Writes ring.png and grid.png (every run's samples) and ring.gif (the first run) to runs/gan-ring.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from numpy_nets import ops, random
from numpy_nets.datasets.gaussians import grid, ring
from numpy_nets.evaluation.samples import modes_found
from numpy_nets.figures import palette
from numpy_nets.figures.animation import figure_to_image, save_animation
from numpy_nets.layers import Dense, Input, Layer
from numpy_nets.models import Sequential
from numpy_nets.models.gan import GAN
from numpy_nets.optimizers import Adam
from numpy_nets.optimizers.schedules import ExponentialDecay

OUT = Path("runs/gan-ring")
STDDEV = 0.05
LATENT = 4
DRAWN = 1000  # samples in a picture


class Toy(NamedTuple):
    """A mixture, and what training on it takes; noise fades to 0 in this part of the steps."""

    mixture: Callable[..., Any]
    modes: int
    steps: int
    units: int
    noise: float
    fade: float
    seeds: int


TOYS = {
    "ring": Toy(ring, 8, 2500, units=64, noise=0.5, fade=0.8, seeds=10),
    "grid": Toy(partial(grid, spacing=1.0), 25, 6000, units=128, noise=0.5, fade=0.5, seeds=3),
}


def run(*, smoke: bool = False) -> None:
    """Train with several seeds, count, draw."""
    out = OUT / "smoke" if smoke else OUT
    out.mkdir(parents=True, exist_ok=True)
    for name, toy in TOYS.items():
        if smoke:
            toy = toy._replace(steps=40, seeds=2)
        results, last, frames = [], [], []
        print(f"{name:>5}{'seed':>5}{'modes found':>13}{'samples near a mode':>21}")
        for seed in range(toy.seeds):
            snapshots = train(toy, seed)
            _, centres = toy.mixture(1, seed)
            modes = modes_found(snapshots[-1][1], centres, radius=3 * STDDEV)
            print(f"{name:>5}{seed:5}{modes.found:13}{modes.good:21.0%}", flush=True)
            results.append(modes.found)
            title = f"seed {seed}: {modes.found} of {toy.modes} modes"
            last.append((title, snapshots[-1][1]))
            if seed == 0:
                frames = [figure_to_image(figure([(f"step {s}", x)], 1, centres))
                          for s, x in snapshots]  # fmt: skip
        complete = sum(found == toy.modes for found in results)
        print(f"{name}: all {toy.modes} modes in {complete} of {toy.seeds} runs")
        assert smoke or name != "ring" or complete >= 8, "all modes in at least 8 of 10 runs"
        figure(last, 5, centres).savefig(out / f"{name}.png", dpi=80)
        save_animation(out / f"{name}.gif", frames, seconds=0.15)


class InstanceNoise(Layer):
    """Adds N(0, stddev²) in training; stddev may be changed from step to step."""

    stddev = 0.0

    def call(self, inputs: Any, training: bool = False) -> Any:
        if not training:
            return inputs
        return inputs + random.normal(ops.shape(inputs), stddev=self.stddev)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape


def build(toy: Toy, noise: InstanceNoise) -> GAN:
    """Two layers of relu in each network."""

    def hidden() -> list[Layer]:
        return [Dense(toy.units, activation="relu"), Dense(toy.units, activation="relu")]

    generator = Sequential([Input((LATENT,)), *hidden(), Dense(2)], name="generator")
    judge = Dense(1, activation="sigmoid")
    gan = GAN(generator, Sequential([Input((2,)), noise, *hidden(), judge], name="discriminator"))
    gan.compile(*(Adam(ExponentialDecay(1e-3, toy.steps, 0.1), beta_1=0.5) for _ in range(2)))
    return gan


def train(toy: Toy, seed: int) -> list[tuple[int, Any]]:
    """(step, 2,500 samples) at 40 times from the beginning to the end."""
    random.set_random_seed(seed)
    noise = InstanceNoise()
    gan = build(toy, noise)
    points, _ = toy.mixture(100_000, seed, stddev=STDDEV)
    order = np.random.default_rng(seed)
    z = random.normal((2500, LATENT), seed=seed)
    snapshots = [(0, gan.generator(z).array)]
    for step in range(1, toy.steps + 1):
        noise.stddev = toy.noise * max(0.0, 1 - step / (toy.fade * toy.steps))
        batch = points[order.integers(len(points), size=256)]
        gan.train_step(ops.convert_to_tensor(batch))
        if step % (toy.steps // 40) == 0:
            snapshots.append((step, gan.generator(z).array))
    return snapshots


def figure(pictures: Any, columns: int, centres: Any) -> Any:
    """Samples over the modes of the data, one square for each (title, samples)."""
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from matplotlib.patches import Circle

    limit = 1.35 * float(np.abs(centres).max())
    columns = min(columns, len(pictures))
    rows = -(-len(pictures) // columns)
    size = 4.4 if len(pictures) == 1 else 2.2
    drawing = Figure(
        figsize=(max(size * columns, 4.4), (size + 0.25) * rows + 0.7), dpi=80,
        layout="constrained",
    )  # fmt: skip
    squares = drawing.subplots(rows, columns, squeeze=False).flat
    for axes, (title, points) in zip(squares, pictures, strict=True):
        for centre in centres:
            axes.add_patch(Circle(centre, 3 * STDDEV, fill=False, color=palette.DATA, alpha=0.6))
        axes.scatter(
            *points[:DRAWN].T, s=size, color=palette.GENERATOR, linewidths=0, alpha=0.7
        )  # fmt: skip
        axes.set(title=title, xlim=(-limit, limit), ylim=(-limit, limit), xticks=[], yticks=[])
        axes.set_aspect("equal")
    handles = [
        Line2D([], [], linestyle="", marker="o", label=label, **style)
        for label, style in (
            (f"{DRAWN:,} samples of G", {"color": palette.GENERATOR, "markersize": 4}),
            ("a mode of the data, out to three standard deviations",
             {"color": palette.DATA, "markersize": 9, "fillstyle": "none"}),
        )
    ]  # fmt: skip
    drawing.legend(
        handles=handles, loc="outside lower center", ncols=2 if columns > 2 else 1, frameon=False
    )
    return drawing
