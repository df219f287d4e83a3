"""`python -m keras_ref.parity`, or `numpy-nets parity`: how far numpy_nets is from Keras.

Exit codes: 1 if a bound is broken, 2 if there is nothing to compare or a file cannot be written,
130 if it was stopped by Ctrl-C, 0 otherwise.
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
from keras_ref.parity.report.results import (
    UNITS,
    Line,
    as_json,
    check_writable,
    kinds,
    lines,
    merged,
    verdict,
    write,
)
from numpy_nets.cli.commands.parity import parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare, print the tables, write the files; returns the exit code."""
    try:
        return _report(sys.argv[1:] if arguments is None else arguments)
    except (ValueError, OSError) as error:
        has_file = isinstance(error, OSError) and error.filename
        what = f"{error.filename}: {error.strerror}" if has_file else error  # type: ignore[union-attr]
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

    rows = compute(selected)
    broken = [row for row in rows if not row.holds]
    try:
        if options.json is not None:
            write(options.json, as_json(rows))
        if options.html is not None:
            write(options.html, as_html(rows))
    finally:  # even if the disk is full
        _print(rows)
        for row in broken:
            print(f"BROKEN {row.kind} {row.dtype} {row.subject}: {row.quantity}: "
                  f"{row.error:.3g} {row.unit}, bound {row.bound:g} ({row.reason})")  # fmt: skip
    for file in files:
        print(f"written: {file}")
    print(f"{len(rows)} rows, {len(broken)} broken")
    return 1 if broken else 0


def _print(rows: Sequence[Row]) -> None:
    """A table for each bound and its reason, and the worst of each kind."""
    sections: dict[tuple[int, float, str], list[Line]] = defaultdict(list)
    for line in lines(rows, variants=False):
        row = line.worst
        sections[UNITS.index(row.unit), row.bound, row.reason].append(line)
    columns, height = shutil.get_terminal_size((120, 24))
    console = Console(width=columns, height=height, markup=False, highlight=False)
    for _, section in sorted(sections.items()):
        console.print(_table(section))
    console.print(_summary(rows))


def _table(section: Sequence[Line]) -> Table:
    """Lines of one bound."""
    row = section[0].worst
    sides = ["NumPy", "Keras"] if row.unit == "ulp" else ["largest"]
    table = _empty_table(f"At most {row.bound:.3g} {row.unit}: {row.reason}", "subject", "quantity",
                         "dtype", "rows", *sides, "bound", "verdict")  # fmt: skip
    for line in section:
        row = line.worst
        errors = [row.error] if row.keras_error is None else [row.error, row.keras_error]
        table.add_row(line.subject, line.quantity, row.dtype, str(len(line.rows)),
                      *(f"{error:.3g}" for error in errors), f"{row.bound:.3g}",
                      verdict(row))  # fmt: skip
    return table


def _summary(rows: Sequence[Row]) -> Table:
    table = _empty_table("The worst of each kind", "kind", "dtype", "rows", "largest", "bound",
                         "unit", "verdict", "which")  # fmt: skip
    for group in kinds(lines(rows)).values():
        line = merged(group)
        row = line.worst
        table.add_row(row.kind, row.dtype, str(len(line.rows)), f"{row.error:.3g}",
                      f"{row.bound:.3g}", row.unit, verdict(row),
                      f"{row.subject}: {row.quantity}")  # fmt: skip
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
