"""The report as one page that needs nothing else: no network, no other file, no library.

`page.html` is the page without its rows and plots, which are made here; `page.css`, after the style
that all pages share, and `page.js` are put into it.
"""

import math
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from html import escape
from importlib import resources
from string import Template

from keras_ref.parity.case import Row
from keras_ref.parity.report.results import Kind, Line, kinds, lines, merged, verdict, versions
from numpy_nets import pages

_FILES = resources.files("keras_ref.parity.report")
_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP = 300, 170, 34, 20, 8
_LEAST = 0.01  # eps: the lowest point of a plot, which stands for 0


def as_html(rows: Sequence[Row]) -> str:
    """The whole page."""
    every_line = lines(rows)
    groups = kinds(every_line)
    plots: dict[tuple[str, str], list[Row]] = defaultdict(list)  # each has both dtypes
    for line in every_line:
        if line.worst.series:
            plots[line.subject, line.quantity].append(line.worst)
    # The positions that tie a line to its kind and to its plot.
    kind_of = {kind: i for i, kind in enumerate(groups)}
    plot_of = {name: i for i, name in enumerate(plots)}
    accuracy, agreement = [], []
    for line in every_line:
        table = agreement if line.worst.keras_error is None else accuracy
        table.append(_line(line, kind_of, plot_of))
    names = versions()
    machine = names.pop("machine")
    made_with = ", ".join(f"{name} {version}" for name, version in names.items())
    broken = sum(not row.holds for row in rows)
    return Template(_text("page.html")).substitute(
        style=pages.text("style.css") + _text("page.css"),
        script=_text("page.js"),
        comparisons=f"{len(rows):,}",
        broken=f"{broken:,}",
        outcome="broken" if broken else "holds",
        versions=escape(f"{made_with}, on {machine}"),
        lines=f"{len(every_line):,}",
        worst="\n".join(_summary(merged(group)) for group in groups.values()),
        accuracy="\n".join(accuracy),
        agreement="\n".join(agreement),
        plots="\n".join(_figure(*name, both) for name, both in plots.items()),
        plot_count=len(plots),
        no_lines=_hidden_without(every_line),
        no_plots=_hidden_without(plots),
        no_accuracy=_hidden_without(accuracy),
        no_agreement=_hidden_without(agreement),
    )


def _text(file: str) -> str:
    return _FILES.joinpath(file).read_text(encoding="utf-8")


def _hidden_without(content: Mapping[object, object] | Sequence[object]) -> str:
    return "" if content else " hidden"


def _line(line: Line, kind_of: Mapping[Kind, int], plot_of: Mapping[tuple[str, str], int]) -> str:
    """A row of the tables of accuracy and agreement."""
    row = line.worst
    plot = plot_of.get((line.subject, line.quantity))
    return (
        f"<tr data-kind={kind_of[Kind.of(line)]}{'' if plot is None else f' data-plot={plot}'}>"
        f"<td class=kind>{row.kind}</td>"
        f"<th scope=row class=subject>{_breakable(line.subject)}</th>"
        f"<td class=quantity>{escape(line.quantity)}</td>"
        f"<td class=dtype>{row.dtype}</td>"
        f"{_number('rows', len(line.rows))}{_number('error', row.error)}"
        f"{'' if row.keras_error is None else _number('keras', row.keras_error)}"
        f"{_number('bound', row.bound)}<td class=unit>{row.unit}</td>{_share(row)}{_verdict(row)}"
        f"<td class=reason>{escape(row.reason)}</td></tr>"
    )


def _summary(line: Line) -> str:
    """A row of the table of the worst."""
    row = line.worst
    return (
        f"<tr><td class=kind>{row.kind}</td><td class=dtype>{row.dtype}</td>"
        f"{_number('rows', len(line.rows))}{_number('error', row.error)}"
        f"{_number('bound', row.bound)}<td class=unit>{row.unit}</td>{_share(row)}{_verdict(row)}"
        f"<td class=which>{escape(f'{line.subject}: {line.quantity}')}</td></tr>"
    )


def _breakable(name: str) -> str:
    """A dotted name that may be broken after a dot or an underscore."""
    return re.sub(r"[._](?=[A-Za-z])", r"\g<0><wbr>", escape(name))


def _number(name: str, value: float) -> str:
    return f'<td class="number {name}" data-value={_sortable(value)}>{value:.3g}</td>'


def _sortable(value: float) -> str:
    """A number that JavaScript reads; NaN, as the worst that an error can be, is infinite."""
    return f"{value:.6g}" if math.isfinite(value) else "Infinity"


def _verdict(row: Row) -> str:
    return f'<td class="verdict {verdict(row)}">{verdict(row)}</td>'


def _share(row: Row) -> str:
    """Error over bound as a bar, on a square-root scale, and in per cent."""
    share = row.error / row.bound
    length = math.sqrt(share) if row.holds else 1
    percent = 100 * share
    if not percent < 999.5:  # or NaN
        text = "> 999"
    elif 0 < percent < 0.01:
        text = "< 0.01"
    else:
        text = f"{percent:.2g}" if percent < 9.95 else f"{percent:.0f}"
    return (
        f'<td class="share{"" if row.holds else " broken"}" data-value={_sortable(share)}>'
        f'<span class=bar style="--length:{length:.3g}"></span>{escape(text)} %</td>'
    )


def _figure(subject: str, quantity: str, rows: Sequence[Row]) -> str:
    largest = ", ".join(
        f'<span class="{row.dtype}">{row.dtype} {row.error:.3g}</span>' for row in rows
    )
    return (
        f"<figure><figcaption>{escape(subject)}: {escape(quantity)}; largest: {largest}"
        f"</figcaption>{_plot(rows)}</figure>"
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
        drawn.append(f'<path d="M{_LEFT} {at}H{_WIDTH - 8}" class="grid"/>')
        label = f"{10.0**decade:g}" if decade > low else "0"
        drawn.append(f'<text x="{_LEFT - 4}" y="{at}" dy="3" text-anchor="end">{label}</text>')
    for step, anchor in ((0, "start"), (steps // 2, "middle"), (steps, "end")):
        drawn.append(f'<text x="{x(step)}" y="{_HEIGHT - 6}" text-anchor="{anchor}">{step}</text>')
    for bound in {row.bound for row in rows}:
        drawn.append(f'<path d="M{_LEFT} {y(bound)}H{_WIDTH - 8}" class="bound"/>')
    for row in rows:
        largest = 0.0
        dots, line = [], []
        for step, error in enumerate(row.series, start=1):
            error = error if math.isfinite(error) else math.inf
            largest = max(largest, error)
            dots.append(f"M{x(step)} {y(error)}h0")
            line.append(f"{x(step)},{y(largest)}")
        drawn.append(f'<path d="{"".join(dots)}" class="dots {row.dtype}"/>')
        drawn.append(f'<polyline points="{" ".join(line)}" class="{row.dtype}"/>')
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'aria-label="errors over {steps} steps">{"".join(drawn)}</svg>'
    )
