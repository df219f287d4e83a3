"""The report as one page that needs nothing else: no network, no other file, no library."""

import math
from collections import defaultdict
from collections.abc import Sequence
from html import escape
from importlib import resources
from string import Template

from keras_ref.parity.case import Row
from keras_ref.parity.report.results import Line, lines, verdict, versions

_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP = 300, 170, 34, 20, 8
_LEAST = 0.01  # eps: the lowest point of a plot, which stands for 0
_COLOURS = {"float32": "#d95f02", "float64": "#1b78b5"}

_PAGE = resources.files("keras_ref.parity.report")


def as_html(rows: Sequence[Row]) -> str:
    """The whole page."""
    broken = sum(not row.holds for row in rows)
    made_with = ", ".join(f"{name} {version}" for name, version in versions().items())
    parts = [
        "<h1>numpy_nets beside Keras</h1>",
        f"<p><strong>{len(rows):,} comparisons, {broken:,} broken.</strong> {escape(made_with)}.",
        "<p>Each line is computed here and in Keras, from the same weights, data and noise. Errors "
        "are the largest difference over the largest entry, in machine epsilons (eps) of the "
        "dtype; or in standard errors, where both sides draw at random. What depends only on the "
        "inputs that were tried is one line, with the worst.",
    ]
    series = [row for row in rows if row.series]
    if series:
        parts += ["<h2>Error over training steps</h2>", _plots(series)]
    truth = [row for row in rows if row.keras_error is not None]
    rest = [row for row in rows if row.keras_error is None]
    parts.append(
        '<p><input type="search" aria-label="filter" placeholder="filter: words of a line">'
    )
    if truth:
        parts += [
            "<h2>Accuracy</h2>",
            "<p>Distance from the truth, which mpmath computed with 50 digits, in units in the "
            "last place. The bound is for NumPy's side.",
            _table(lines(truth), ("NumPy", "Keras")),
        ]
    if rest:
        parts += ["<h2>Agreement</h2>", _table(lines(rest), ("largest",))]
    body = "\n".join(parts)
    return Template(_text_of("page.html")).substitute(
        style=_text_of("page.css"), script=_text_of("page.js"), body=body
    )


def _text_of(file: str) -> str:
    return _PAGE.joinpath(file).read_text(encoding="utf-8")


def _table(found: Sequence[Line], sides: tuple[str, ...]) -> str:
    headings = ("kind", "subject", "quantity", "dtype", "rows", *sides, "bound", "unit", "verdict",
                "reason of the bound")  # fmt: skip
    numeric = {"rows", "bound", *sides}
    head = "".join(
        f"<th{' class=number' if name in numeric else ''}><button>{name}</button></th>"
        for name in headings
    )
    body = []
    for line in found:
        row = line.worst
        errors = [row.error] if row.keras_error is None else [row.error, row.keras_error]
        cells = [_text(t) for t in (row.kind, line.subject, line.quantity, row.dtype)]
        cells += [_number(n) for n in (line.rows, *errors, row.bound)]
        cells += [_text(row.unit), f"<td class={verdict(row)}>{verdict(row)}</td>"]
        body.append(f"<tr>{''.join(cells)}{_text(row.reason)}</tr>")
    rows = "\n".join(body)
    return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody>\n</table>"


def _text(text: str) -> str:
    return f"<td>{escape(text)}</td>"


def _number(value: float) -> str:
    sortable = f"{value:.6g}" if math.isfinite(value) else "Infinity"
    return f'<td class=number data-value="{sortable}">{value:.3g}</td>'


def _plots(rows: Sequence[Row]) -> str:
    """A small plot for every training run and quantity, with both dtypes."""
    groups: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        groups[row.subject, row.quantity].append(row)
    keys = " ".join(f'<span style="color:{c}">● {dtype}</span>' for dtype, c in _COLOURS.items())
    figures = "\n".join(
        f"<figure><figcaption>{escape(subject)}: {escape(quantity)}</figcaption>{_plot(group)}"
        "</figure>"
        for (subject, quantity), group in groups.items()
    )
    return (
        f"<p>{keys}, in eps. Dots: the error of the loss at each step, "
        "over the largest loss; line: the largest so far; dashed: the bound.\n"
        f'<div class="plots">\n{figures}\n</div>'
    )


def _plot(rows: Sequence[Row]) -> str:
    """Steps to the right, errors upwards on a logarithmic scale."""
    steps = max(len(row.series) for row in rows)
    low, high = math.log10(_LEAST), math.ceil(math.log10(max(row.bound for row in rows)))

    def x(step: float) -> str:
        return f"{_LEFT + (_WIDTH - _LEFT - 8) * step / steps:.1f}"

    def y(error: float) -> str:
        height = (math.log10(min(max(error, _LEAST), 10**high)) - low) / (high - low)
        return f"{_HEIGHT - _BOTTOM - (_HEIGHT - _BOTTOM - _TOP) * height:.1f}"

    drawn = []
    for decade in range(round(low), high + 1):
        at = y(10.0**decade)
        drawn.append(f'<path d="M{_LEFT} {at}H{_WIDTH - 8}" stroke="#8884"/>')
        label = f"{10.0**decade:g}" if decade > low else "0"
        drawn.append(f'<text x="{_LEFT - 4}" y="{at}" dy="3" text-anchor="end">{label}</text>')
    for step, anchor in ((0, "start"), (steps // 2, "middle"), (steps, "end")):
        drawn.append(f'<text x="{x(step)}" y="{_HEIGHT - 6}" text-anchor="{anchor}">{step}</text>')
    for bound in {row.bound for row in rows}:
        drawn.append(f'<path d="M{_LEFT} {y(bound)}H{_WIDTH - 8}" stroke="currentColor" '
                     'stroke-dasharray="4 3"/>')  # fmt: skip
    for row in rows:
        colour, largest = _COLOURS[row.dtype], 0.0
        dots, line = [], []
        for step, error in enumerate(row.series, start=1):
            error = error if math.isfinite(error) else math.inf
            largest = max(largest, error)
            dots.append(f"M{x(step)} {y(error)}h0")
            line.append(f"{x(step)},{y(largest)}")
        drawn.append(f'<path d="{"".join(dots)}" stroke="{colour}" stroke-width="2" '
                     'stroke-linecap="round" opacity="0.45"/>')  # fmt: skip
        drawn.append(f'<polyline points="{" ".join(line)}" fill="none" stroke="{colour}" '
                     'stroke-width="1.5"/>')  # fmt: skip
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" xmlns="http://www.w3.org/2000/svg" '
        f'aria-label="errors over {steps} steps">{"".join(drawn)}</svg>'
    )
