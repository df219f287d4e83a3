"""python -m keras_ref.parity, or numpy-nets parity: how far numpy_nets is from Keras.

Exit code 1 if any row is beyond its bound, 2 if there is nothing to compare or a file cannot be
written, 130 if it was stopped, 0 otherwise.
"""

import shutil
import signal
import sys
from collections import defaultdict
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from keras_ref.parity import CASES, Row, runs
from keras_ref.parity.compute import compute
from keras_ref.parity.report.page import as_html
from keras_ref.parity.report.results import as_json, check_writable, lines, verdict, worst, write
from numpy_nets.cli.commands.parity import parser

_UNITS = ("eps", "ulp", "standard errors")  # in this order


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare, print and write; returns the exit code."""
    try:
        return _report(sys.argv[1:] if arguments is None else arguments)
    except (ValueError, OSError) as error:
        named = isinstance(error, OSError) and error.filename
        what = f"{error.filename}: {error.strerror}" if named else error  # type: ignore[union-attr]
        print(f"numpy-nets parity: error: {what}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _report(arguments: Sequence[str]) -> int:
    options = parser().parse(arguments)
    selected = [
        (case, dtype)
        for case, dtype in runs(CASES)
        if options.filter in str(case) and options.dtype in (None, dtype)
    ]
    if not selected:
        raise ValueError(
            f"--filter: no case in {options.dtype or 'any dtype'} has a name with "
            f"{options.filter!r} in it"
        )
    files = [file for file in (options.json, options.html) if file is not None]
    if len(files) == 2 and files[0].resolve() == files[1].resolve():
        raise ValueError(f"--json, --html: expected two files, got {files[0]} for both")
    for file in files:
        check_writable(file)

    found = compute(selected)
    broken = [row for row in found if not row.holds]
    try:
        if options.json is not None:
            write(options.json, as_json(found))
        if options.html is not None:
            write(options.html, as_html(found))
    finally:  # a full disk takes away the files only
        _print(found)
        for row in broken:
            print(f"BROKEN {row.kind} {row.dtype} {row.subject}: {row.quantity}: "
                  f"{row.error:.3g} {row.unit}, bound {row.bound:g} ({row.reason})")  # fmt: skip
    for file in files:
        print(f"written: {file}")
    print(f"{len(found)} rows, {len(broken)} broken")
    return 1 if broken else 0


def _print(rows: Sequence[Row]) -> None:
    """A table for every bound, under its reason, and the worst of each kind."""
    sections: dict[tuple[int, float, str], list[Row]] = defaultdict(list)
    kinds: dict[tuple[int, float, str, str], list[Row]] = defaultdict(list)
    for row in rows:
        unit = _UNITS.index(row.unit)
        sections[unit, row.bound, row.reason].append(row)
        kinds[unit, row.bound, row.kind, row.dtype].append(row)
    columns, height = shutil.get_terminal_size((120, 24))
    console = Console(width=columns, height=height, markup=False, highlight=False)
    for _, section in sorted(sections.items()):
        console.print(_table(section))
    summary = _empty_table("The worst of each kind", "kind", "dtype", "rows", "largest", "bound",
                           "unit", "verdict", "which")  # fmt: skip
    for (_, bound, kind, dtype), group in sorted(kinds.items()):
        row = worst(group)
        summary.add_row(kind, dtype, str(len(group)), f"{row.error:.3g}", f"{bound:.3g}", row.unit,
                        verdict(row), f"{row.subject}: {row.quantity}")  # fmt: skip
    console.print(summary)


def _table(rows: Sequence[Row]) -> Table:
    """The rows of one bound."""
    unit, bound, reason = rows[0].unit, rows[0].bound, rows[0].reason
    sides = ["NumPy", "Keras"] if unit == "ulp" else ["largest"]
    table = _empty_table(f"At most {bound:.3g} {unit}: {reason}", "subject", "quantity", "dtype",
                         "rows", *sides, "bound", "verdict")  # fmt: skip
    for line in lines(rows, variants=False):
        row = line.worst
        errors = [row.error] if row.keras_error is None else [row.error, row.keras_error]
        table.add_row(line.subject, line.quantity, row.dtype, str(line.rows),
                      *(f"{error:.3g}" for error in errors), f"{bound:.3g}",
                      verdict(row))  # fmt: skip
    return table


def _empty_table(title: str, *headings: str) -> Table:
    table = Table(title=f"\n{title}", title_justify="left", title_style="bold")
    for heading in headings:
        numeric = heading in ("rows", "largest", "bound", "NumPy", "Keras")
        table.add_column(heading, justify="right" if numeric else "left", overflow="fold")
    return table


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # stop as at Ctrl-C
    sys.exit(main())
