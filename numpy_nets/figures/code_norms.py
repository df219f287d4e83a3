"""Why interpolate on an arc? The norm of Gaussian codes, and what a straight line does to it."""

import os
from typing import Any

import numpy as np

from numpy_nets.autodiff.tensor import Array
from numpy_nets.checks import positive_int
from numpy_nets.evaluation.latent import interpolate
from numpy_nets.theory.gaussian import line_norm_mean, norm_density, norm_mean, norm_variance

COLOURS = {"linear": "tab:red", "spherical": "tab:blue"}


def way_norms(start: Array, end: Array, steps: int, kind: str) -> Array:
    """|z| of the codes that `interpolate` passes from start to end, both (d,): (steps,).

    >>> way_norms(np.array([4, 0]), np.array([0, 4]), 3, "linear").round(3).tolist()  # 4 / √2
    [4.0, 2.828, 4.0]
    >>> way_norms(np.array([4, 0]), np.array([0, 4]), 3, "spherical").round(3).tolist()
    [4.0, 4.0, 4.0]
    """
    norms: Array = np.linalg.norm(interpolate(start, end, steps, kind), axis=1)
    return norms


def code_norms_figure(dimensions: int = 100) -> Any:
    """The Matplotlib figure that `save_code_norms` writes; the arguments are the same."""
    from matplotlib.figure import Figure

    d = positive_int("save_code_norms: dimensions", dimensions)
    if d < 2:
        raise ValueError(f"save_code_norms: dimensions: expected at least 2, got {d}")
    rng = np.random.default_rng(0)
    codes = rng.standard_normal((2 * max(10, min(20_000, 2_000_000 // d)), d))  # 32 MB, mostly
    mean, spread = norm_mean(d), 3 * np.sqrt(norm_variance(d))
    low, high = max(0.0, mean - spread), mean + spread

    figure = Figure(figsize=(9, 4), dpi=90, layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    middles = (codes[::2] + codes[1::2]) / 2
    largest = high + spread / 3
    r = np.linspace(0, largest, 400)
    edges = np.linspace(0, largest, 50)
    for points, scale, colour in ((codes, 1.0, "black"), (middles, np.sqrt(2), COLOURS["linear"])):
        # |z| / √2 has the density √2 p(√2 r).
        left.plot(scale * norm_density(scale * r, d), r, color=colour)
        shares, _ = np.histogram(np.linalg.norm(points, axis=1), edges, density=True)
        seen = shares > 0
        left.plot(shares[seen], (edges[1:] + edges[:-1])[seen] / 2, "o", color=colour, markersize=4)
    left.set_title("how often it occurs (dots are measured, lines exact)", fontsize="medium")
    left.set_xlabel("density")
    left.set_ylabel("norm |z|")
    left.set_xlim(left=0)

    t = np.linspace(0, 1, 41)
    for kind, colour in COLOURS.items():
        for start, end in codes[-20:].reshape(10, 2, d):
            right.plot(t, way_norms(start, end, len(t), kind), color=colour, lw=0.8, alpha=0.6)
    line = [line_norm_mean(d, step) for step in t]
    right.plot(t, line, color="black", linestyle="--", label="mean of all straight lines, exact")
    right.set_title("on ten ways from a draw (t = 0) to another (t = 1)", fontsize="medium")
    right.set_xlabel("t")
    right.set_xlim(0, 1)
    right.set_ylim(0, largest)
    for axes in (left, right):
        band = axes.axhspan(low, high, color="0.85", zorder=0)
        axes.grid(alpha=0.3)
    band.set_label("draws, out to three standard deviations")
    for label, colour in (
        ("draws z ~ N(0, I)", "black"),
        ("straight line; on the left, its middle", COLOURS["linear"]),
        ("arc (spherical)", COLOURS["spherical"]),
    ):
        right.plot([], [], color=colour, label=label)
    figure.suptitle(f"norms of codes of {d} numbers", fontsize="medium")
    figure.legend(loc="outside lower center", ncols=3, frameon=False)
    return figure


def save_code_norms(path: str | os.PathLike[str], dimensions: int = 100) -> None:
    """Draw the density of |z|, z ~ N(0, I), and |z| on linear and spherical ways between two draws.

    The mean of a straight line's norm falls to 1/√2 of that of draws, out of the band in which
    draws lie; that of an arc stays in it. Dots are measured, on 40,000
    draws in up to 100 dimensions, and on fewer in more.

    Raises:
        ValueError: fewer than 2 dimensions, in which there are no arcs.
        OSError: the file cannot be written.
    """
    figure = code_norms_figure(dimensions)
    figure.savefig(path, dpi=figure.dpi)
