"""A GAN in one dimension, beside what theory says of it: figure 1 of Goodfellow et al. 2014.

Over training: the density of the data, of G's samples (a Parzen window), D, and the best D there
is against that G, D* = p_data / (p_data + p_g). Writes gan-1d.png (a strip) and gan-1d.gif to
runs/gan-1d.
"""

from pathlib import Path
from typing import Any

import numpy as np

from numpy_nets import random
from numpy_nets.evaluation.parzen import parzen_log_density
from numpy_nets.figures import palette
from numpy_nets.figures.animation import figure_to_image, save_animation
from numpy_nets.layers import Dense, Input
from numpy_nets.models import Sequential
from numpy_nets.models.gan import GAN
from numpy_nets.optimizers import Adam
from numpy_nets.random import set_random_seed
from numpy_nets.theory.adversarial import jensen_shannon, optimal_discriminator

OUT = Path("runs/gan-1d")
X, CELL = np.linspace(-5, 5, 401, retstep=True)
WINDOW = 0.1  # σ of the Parzen windows around G's samples


def run(*, smoke: bool = False) -> None:
    """Train, draw, and hold p_g and D against p_data and D*."""
    steps, pictures = (80, 4) if smoke else (3000, 40)
    set_random_seed(0)
    generator = Sequential([Input((1,)), Dense(32, activation="tanh"), Dense(1)], name="generator")
    discriminator = Sequential(
        [
            Input((1,)),
            Dense(32, activation="tanh"),
            Dense(32, activation="tanh"),
            Dense(1, activation="sigmoid"),
        ],
        name="discriminator",
    )
    gan = GAN(generator, discriminator, k=3)
    gan.compile(Adam(2e-3, beta_1=0.5), Adam(1e-3, beta_1=0.5))

    rng = np.random.default_rng(0)
    z = random.normal((5000, 1), seed=0)
    states = []
    print(f"{'step':>5}{'JSD':>9}{'|D - D*|':>10}")
    for step in range(steps + 1):
        if step % (steps // pictures) == 0:
            p_g = np.exp(parzen_log_density(X[:, None], generator(z).array, [WINDOW])[0])
            d = discriminator(X[:, None].astype(np.float32)).array[:, 0]
            states.append((step, p_g, d))
        if step % (steps // 4) == 0:
            best = optimal_discriminator(p_data(X), p_g)
            off = np.sum(0.5 * (p_data(X) + p_g) * np.abs(d - best)) * CELL
            jsd = jensen_shannon(p_data(X), p_g, cell=CELL)
            print(f"{step:5}{jsd:9.4f}{off:10.4f}")
        if step < steps:
            gan.train_step(sample_data(rng, 3 * 256))
    assert smoke or jsd < 0.03, f"JSD {jsd:.4f}, and it began at 0.57"
    frames = [figure_to_image(figure([state])) for state in states]
    if not smoke:
        OUT.mkdir(parents=True, exist_ok=True)
        save_animation(OUT / "gan-1d.gif", frames, seconds=0.15)
        figure(states[:: pictures // 4]).savefig(OUT / "gan-1d.png", dpi=100)


def sample_data(rng: np.random.Generator, n: int) -> Any:
    """(n, 1) of the mixture whose density is p_data."""
    means = np.where(rng.random(n) < 0.6, -1.0, 1.5)
    return (means + 0.6 * rng.standard_normal(n)).astype(np.float32)[:, None]


def p_data(x: Any) -> Any:
    """0.6 N(-1, 0.6²) + 0.4 N(1.5, 0.6²)."""
    parts = ((0.6, -1.0), (0.4, 1.5))
    return sum(w * np.exp(-0.5 * ((x - m) / 0.6) ** 2) for w, m in parts) / 0.6 / np.sqrt(2 * np.pi)


def figure(states: Any) -> Any:
    """One panel for each (step, p_g, D), at most three in a row, and one legend for all."""
    from matplotlib.figure import Figure

    columns = min(3, len(states))
    rows = -(-len(states) // columns)
    width = 4.8 if columns == 1 else 3.2 * columns
    drawing = Figure(figsize=(width, 0.4 + 2.9 * rows), dpi=100, layout="constrained")
    panels = drawing.subplots(rows, columns, squeeze=False, sharey=True)
    for axes, (step, p_g, d) in zip(panels.flat, states, strict=False):
        axes.plot(X, p_data(X), ":", color=palette.DATA, label="density of the data")
        axes.plot(X, p_g, "-", color=palette.GENERATOR, label="density of G's samples")
        axes.plot(X, d, "--", color=palette.DISCRIMINATOR, label="D")
        best = optimal_discriminator(p_data(X), p_g)
        axes.plot(
            X, best, "-", color=palette.BEST_DISCRIMINATOR, zorder=1, label="the best D for that G"
        )
        axes.set(title=f"step {step}", xlim=(-4, 4), ylim=(0, 1.02), xlabel="x")
    for axes in panels[:, 0]:
        axes.set_ylabel("density, or output of D")
    for axes in panels.flat[len(states) :]:
        axes.set_axis_off()
    legend: dict[str, Any] = {"handles": panels[0, 0].lines, "frameon": False}
    if len(states) < panels.size:
        panels[-1, -1].legend(loc="center", **legend)
    else:
        drawing.legend(loc="outside lower center", ncols=2, **legend)
    return drawing
