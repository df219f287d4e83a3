"""Curves of a training history."""

import os
from collections.abc import Mapping, Sequence


def save_curves(
    path: str | os.PathLike[str],
    history: Mapping[str, Sequence[float]],
    ylabel: str = "loss",
) -> None:
    """Draw one curve for each entry of a History, against epochs counted from 1.

    Raises:
        OSError: the file cannot be written.
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    for name, values in history.items():
        style = "o-" if len(values) < 20 else "-"
        axes.plot(range(1, len(values) + 1), values, style, markersize=3, label=name)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("epoch")
    axes.set_ylabel(ylabel)
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=120)
