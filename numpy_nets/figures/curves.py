"""Curves of a training history."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from numpy_nets.autodiff.tensor import Array

FEW = 20  # epochs; a curve with fewer shows each of them as a dot


def curves_figure(
    history: Mapping[str, Sequence[float]],
    ylabel: str = "loss",
    *,
    below: Sequence[str] = ("kl", "sparsity"),
    lines: Mapping[str, float] | None = None,
    colours: Mapping[str, str] | None = None,
) -> Any:
    """The Matplotlib figure that `save_curves` writes; the arguments are the same."""
    from matplotlib.figure import Figure

    if not history:
        raise ValueError("save_curves: history: expected one curve or more, got none")
    quantities = list(dict.fromkeys(name.removeprefix("val_") for name in history))
    quantities.sort(key=lambda name: name in below)
    colour = {name: f"C{i}" for i, name in enumerate(quantities)} | dict(colours or {})
    upper, lower = (
        [name for name in quantities if (name in below) == is_below] for is_below in (False, True)
    )
    panels = [panel for panel in (upper, lower) if panel]
    figure = Figure(figsize=(7, 4.2 if len(panels) == 1 else 6), layout="constrained")
    rows = figure.subplots(
        len(panels), sharex=True, squeeze=False, height_ratios=(2, 1)[: len(panels)]
    )[:, 0]
    for axes, panel in zip(rows, panels, strict=True):
        for label, values, quantity, validation in _curves(history, panel):
            dots = _dots(values)
            axes.plot(
                np.arange(1, len(values) + 1), values, color=colour[quantity],
                linestyle="--" if validation else "-", label=label,
                marker="o" if dots else "", markersize=4, markevery=dots,
                markerfacecolor="white" if validation else None,
            )  # fmt: skip
        axes.set_ylabel(ylabel)
        axes.grid(alpha=0.3)
    for label, value in (lines or {}).items():
        owners = [name for name in quantities if label.startswith(name)]
        shade = colour[max(owners, key=len)] if owners else "0.3"
        rows[0].axhline(value, color=shade, linestyle=":", label=label)
    for axes in rows:
        labels = [line.get_label() for line in axes.lines]
        most = 2 if max(map(len, labels)) > 22 else 3
        # Two entries a column, so that the curve of val_x is named below that of x.
        axes.legend(
            loc="lower left", bbox_to_anchor=(0, 1.01), borderaxespad=0, frameon=False,
            ncols=min(most, -(-len(labels) // 2)),
        )  # fmt: skip
    epochs = max(map(len, history.values()))
    rows[-1].set_xticks(epoch_ticks(epochs))
    if epochs == 1:
        rows[-1].set_xlim(0.5, 1.5)
    rows[-1].set_xlabel("epoch")
    return figure


def save_curves(
    path: str | os.PathLike[str],
    history: Mapping[str, Sequence[float]],
    ylabel: str = "loss",
    *,
    below: Sequence[str] = ("kl", "sparsity"),
    lines: Mapping[str, float] | None = None,
    colours: Mapping[str, str] | None = None,
) -> None:
    """Draw the curves of a History against epochs, which are counted from 1.

    The curve of val_x is dashed, with hollow dots, and has the colour of x. Curves that are equal
    at every epoch are drawn once, with both names. Values that are not finite leave a gap.

    Args:
        below: the quantities that get a panel of their own, below the others, because their scale
            is another. The two panels have the same epochs.
        lines: values that are drawn as dotted horizontal lines in the upper panel, by label. A
            line whose label begins with the name of a quantity has that quantity's colour.
        colours: those of some quantities, for which the usual ones will not do.

    Raises:
        ValueError: the history is empty.
        OSError: the file cannot be written.
    """
    figure = curves_figure(history, ylabel, below=below, lines=lines, colours=colours)
    figure.savefig(path, dpi=120)


def epoch_ticks(epochs: int) -> list[int]:
    """The first epoch and round numbers up to the last one, about eight of them.

    >>> epoch_ticks(3), epoch_ticks(12), epoch_ticks(375)
    ([1, 2, 3], [1, 2, 4, 6, 8, 10, 12], [1, 50, 100, 150, 200, 250, 300, 350])
    """
    step = 1
    while epochs > 8 * step:  # 1, 2, 5, 10, 20, 50, ...
        step = step * 5 // 2 if str(step)[0] == "2" else step * 2
    return [1, *(i for i in range(step, epochs + 1, step) if i > 1)]


def _curves(
    history: Mapping[str, Sequence[float]], panel: Sequence[str]
) -> list[tuple[str, Array, str, bool]]:
    """(label, values, quantity, whether of validation data) of the curves to draw in a panel."""
    curves: list[tuple[str, Array, str, bool]] = []
    for quantity in panel:
        for name in (quantity, f"val_{quantity}"):
            if name not in history:
                continue
            validation = name != quantity
            values = np.array(history[name], np.float64)
            values[~np.isfinite(values)] = np.nan
            if not np.isfinite(values).any():
                curves.append((f"{name} (no finite value)", values, quantity, validation))
                continue
            for i, (label, drawn, owner, of_validation) in enumerate(curves):
                if of_validation == validation and np.array_equal(drawn, values, equal_nan=True):
                    curves[i] = (f"{label} = {name}", drawn, owner, validation)
                    break
            else:
                curves.append((name, values, quantity, validation))
    return curves


def _dots(values: Array) -> list[int]:
    """Where a curve needs a marker: everywhere if it is short, else where no line would show."""
    if len(values) < FEW:
        return list(range(len(values)))
    finite = np.concatenate([[False], np.isfinite(values), [False]])
    return np.flatnonzero(finite[1:-1] & ~finite[:-2] & ~finite[2:]).tolist()
