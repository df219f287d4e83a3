"""Codes in the plane."""

import math
import os
from typing import Any

import numpy as np

# |z|² of z ~ N(0, I) in the plane is chi-squared with two degrees of freedom, and so
# P(|z| < r) = 1 - exp(-r² / 2), which is 0.95 at this r.
PRIOR_RADIUS = math.sqrt(-2 * math.log(0.05))
MOST_NAMES = 40  # in the legend


def scatter_figure(codes: Any, labels: Any, *, prior: bool = False) -> Any:
    """The Matplotlib figure that `save_scatter` writes; the arguments are the same."""
    from matplotlib import colormaps
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    codes, labels = np.asarray(codes), np.asarray(labels)
    if codes.ndim != 2 or codes.shape[1] != 2:
        raise ValueError(f"save_scatter: codes: expected shape (n, 2), got {codes.shape}")
    if labels.shape != codes.shape[:1]:
        raise ValueError(
            f"save_scatter: labels: expected shape ({len(codes)},), got {labels.shape}"
        )
    classes, indices = np.unique(labels, return_inverse=True)
    if len(classes) <= 10:
        colours = colormaps["tab10"](np.arange(len(classes)))
    else:
        colours = colormaps["turbo"](np.linspace(0, 1, len(classes)))
    figure = Figure(figsize=(7, 6), layout="constrained")
    axes = figure.subplots()
    # One call for all, in the order of the data: a class drawn last would hide the others.
    axes.scatter(
        codes[:, 0], codes[:, 1], s=dot_area(len(codes)), c=colours[indices], linewidths=0,
        alpha=0.8 if len(codes) <= 2000 else 0.6,
    )  # fmt: skip
    every = -(-len(classes) // MOST_NAMES)
    handles = [
        Line2D([], [], linestyle="", marker="o", color=colour, label=str(label))
        for label, colour in zip(classes[::every], colours[::every], strict=True)
    ]
    title = "class" if every == 1 else f"one class in {every}"
    figure.legend(
        handles=handles, loc="outside right upper", title=title, ncols=-(-len(handles) // 20)
    )
    if prior:
        angles = np.linspace(0, 2 * np.pi, 361)
        axes.plot(
            PRIOR_RADIUS * np.cos(angles), PRIOR_RADIUS * np.sin(angles), "k--", linewidth=1,
            label="holds 95 % of the prior, N(0, I)",
        )  # fmt: skip
        figure.legend(handles=axes.lines, loc="outside lower center", frameon=False)
    axes.set_aspect("equal", "datalim")
    axes.set_xlabel("first latent unit")
    axes.set_ylabel("second latent unit")
    axes.grid(alpha=0.3)
    return figure


def save_scatter(
    path: str | os.PathLike[str], codes: Any, labels: Any, *, prior: bool = False
) -> None:
    """Draw codes (n, 2) as dots in the colour of their label (n,), with a legend of the labels.

    Args:
        prior: draw the circle that holds 95 % of N(0, I), for models whose codes have that prior.

    Raises:
        ValueError: codes or labels have another shape.
        OSError: the file cannot be written.
    """
    scatter_figure(codes, labels, prior=prior).savefig(path, dpi=120)


def dot_area(n: int) -> float:
    """The area of each of n dots, in square points: from 30 for a few down to 2 for very many.

    >>> dot_area(100), dot_area(1000), dot_area(100_000)
    (30.0, 16.0, 2.0)
    """
    return min(30.0, max(2.0, 16.0 * math.sqrt(1000 / max(n, 1))))
