"""Codes in the plane."""

import os
from typing import Any

import numpy as np


def save_scatter(path: str | os.PathLike[str], codes: Any, labels: Any) -> None:
    """Draw codes (n, 2) as dots with the colour of their label (n,), and a legend of the labels.

    Raises:
        ValueError: the shapes are others.
        OSError: the file cannot be written.
    """
    from matplotlib import colormaps
    from matplotlib.figure import Figure

    codes, labels = np.asarray(codes), np.asarray(labels)
    if codes.ndim != 2 or codes.shape[1] != 2:
        raise ValueError(f"codes: expected shape (n, 2), got {codes.shape}")
    if labels.shape != codes.shape[:1]:
        raise ValueError(f"labels: expected shape ({len(codes)},), got {labels.shape}")
    classes, indices = np.unique(labels, return_inverse=True)
    if len(classes) <= 10:
        colours = colormaps["tab10"](np.arange(len(classes)))
    else:
        colours = colormaps["turbo"](np.linspace(0, 1, len(classes)))
    figure = Figure(figsize=(7, 6), layout="constrained")
    axes = figure.subplots()
    # One call for all, in the order of the data: a class drawn last would hide the others.
    axes.scatter(codes[:, 0], codes[:, 1], s=4, c=colours[indices], linewidths=0)
    for label, colour in zip(classes, colours, strict=True):
        axes.scatter([], [], color=colour, label=str(label))
    axes.set_aspect("equal", "datalim")
    axes.set_xlabel("first latent unit")
    axes.set_ylabel("second latent unit")
    axes.grid(alpha=0.3)
    figure.legend(loc="outside right upper")
    figure.savefig(path, dpi=120)
