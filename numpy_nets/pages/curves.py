"""Curves of a training as SVG, in the colours of the page."""

import math
from collections.abc import Mapping, Sequence
from html import escape

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _BOTTOM, _TOP = 300, 170, 44, 8, 20, 8


def curves(history: Mapping[str, Sequence[float]]) -> str:
    """A figure for each quantity, over the epochs; x and val_x, which is dashed, share one.

    Losses come first. A value that is not finite leaves a gap. The caption has the first and the
    last value.
    """
    names = [*dict.fromkeys(name.removeprefix("val_") for name in history)]
    names.sort(key=lambda name: not name.endswith("loss"))
    return "\n".join(
        _figure(name, {n: history[n] for n in (name, f"val_{name}") if n in history})
        for name in names
    )


def _figure(name: str, lines: Mapping[str, Sequence[float]]) -> str:
    words = [
        f"<span class={kind(line)}>{'validation ' if kind(line) == 'held' else ''}"
        f"{' → '.join(f'{value:.4g}' for value in (values[0], *values[1:][-1:]))}</span>"
        for line, values in lines.items() if values
    ]  # fmt: skip
    return (
        f"<figure><figcaption><strong>{escape(name)}</strong> {', '.join(words)}</figcaption>"
        f"{_plot(name, lines)}</figure>"
    )


def kind(line: str) -> str:
    """The class of a line: of the training data, or held out from it."""
    return "held" if line.startswith("val_") else "trained"


def _plot(name: str, lines: Mapping[str, Sequence[float]]) -> str:
    epochs = max(map(len, lines.values()))
    finite = [v for values in lines.values() for v in values if math.isfinite(v)] or [0.0]
    marks = ticks(min(finite), max(finite))
    low, high = marks[0], marks[-1]

    def x(epoch: float) -> str:
        share = (epoch - 1) / (epochs - 1) if epochs > 1 else 0.5
        return f"{_LEFT + (_WIDTH - _LEFT - _RIGHT) * share:.1f}"

    def y(value: float) -> str:
        share = (value - low) / (high - low)
        return f"{_HEIGHT - _BOTTOM - (_HEIGHT - _BOTTOM - _TOP) * share:.1f}"

    def text(left: float | str, top: float | str, anchor: str, words: str) -> str:
        return f'<text x="{left}" y="{top}" text-anchor="{anchor}">{words}</text>'

    drawn = []
    for mark in marks:
        drawn.append(f'<path d="M{_LEFT} {y(mark)}H{_WIDTH - _RIGHT}" class="grid"/>')
        drawn.append(text(_LEFT - 4, f"{float(y(mark)) + 3:.1f}", "end", f"{mark:g}"))
    drawn.append(text(x(1), _HEIGHT - 6, "middle" if epochs == 1 else "start", "epoch 1"))
    if epochs > 1:
        drawn.append(text(x(epochs), _HEIGHT - 6, "end", str(epochs)))
    for line, values in lines.items():
        path, dots = [], []
        shown = [False, *map(math.isfinite, values), False]
        for epoch, value in enumerate(values, start=1):
            if shown[epoch]:
                path.append(f"{'L' if shown[epoch - 1] else 'M'}{x(epoch)} {y(value)}")
                if not (shown[epoch - 1] or shown[epoch + 1]):  # no line would show
                    dots.append(f"M{x(epoch)} {y(value)}h0")
        drawn.append(f'<path d="{"".join(path)}" class="line {kind(line)}"/>')
        drawn.append(f'<path d="{"".join(dots)}" class="dots {kind(line)}"/>')
    label = f"{name} over {epochs} epoch{'s' if epochs > 1 else ''}"
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(label)}">'
        f"{''.join(drawn)}</svg>"
    )


def ticks(low: float, high: float) -> list[float]:
    """Three to seven round numbers, of which the first is at most low and the last at least high.

    >>> ticks(0.1, 0.9), ticks(103.0, 385.0)
    ([0.0, 0.2, 0.4, 0.6, 0.8, 1.0], [100.0, 200.0, 300.0, 400.0])
    """
    if high - low <= 1e-9 * abs(high):  # a constant, but for its last digits
        low, high = low - abs(low) / 5 - (not low), high + abs(high) / 5 + (not high)
    step = 10.0 ** math.floor(math.log10(high - low))
    step *= next(factor for factor in (0.2, 0.5, 1, 2) if (high - low) / (factor * step) < 5)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [float(f"{i * step:.12g}") for i in range(first, last + 1)]
