"""python -m keras_ref.parity: how far numpy_nets is from Keras, by kind of subject and dtype.

Exit code 1 if any row is beyond its bound, 2 if there is nothing to compare, 0 otherwise.
"""

import argparse
import shutil
import sys
import warnings
from collections import defaultdict
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from tqdm import tqdm

from keras_ref.parity import CASES, Row, runs

MAIN, ROUNDED, STATISTICS = SECTIONS = (
    "Up to rounding",
    "Where Keras rounds a constant to float32, also in float64",
    "Random draws, as statistics",
)
WIDEST_ROUNDING = 512  # eps; a wider bound has another reason than rounding


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare and print; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m keras_ref.parity", description=__doc__)
    parser.add_argument("--filter", default="", metavar="TEXT", help="part of a name: layers.Dense")
    parser.add_argument("--dtype", choices=("float32", "float64"), help="both by default")
    options = parser.parse_args(arguments)
    selected = [
        (case, dtype)
        for case, dtype in runs(CASES)
        if options.filter in str(case) and options.dtype in (None, dtype)
    ]
    if not selected:
        print(f"--filter: no case in {options.dtype or 'any dtype'} has a name with "
              f"{options.filter!r} in it", file=sys.stderr)  # fmt: skip
        return 2

    with warnings.catch_warnings():
        # NumPy 2 about Keras's variables.
        warnings.filterwarnings("ignore", "__array__ implementation doesn't accept a copy keyword")
        found = [row for case, dtype in tqdm(selected, unit="case") for row in case.rows(dtype)]

    columns, lines = shutil.get_terminal_size((120, 24))
    console = Console(width=columns, height=lines, markup=False, highlight=False)
    for section in SECTIONS:
        rows = [row for row in found if _section(row) == section]
        if rows:
            console.print(_table(section, rows))
    broken = [row for row in found if not row.holds]
    for row in broken:
        print(f"BROKEN {row.kind} {row.dtype} {row.subject}: {row.quantity}: "
              f"{row.error:.3g} {row.unit}, bound {row.bound:g} ({row.reason})")  # fmt: skip
    print(f"{len(found)} rows, {len(broken)} broken")
    return 1 if broken else 0


def _section(row: Row) -> str:
    if row.unit != "eps":
        return STATISTICS
    return MAIN if row.bound <= WIDEST_ROUNDING else ROUNDED


def _table(title: str, rows: Sequence[Row]) -> Table:
    """One line for each kind, dtype and bound, with the worst of its rows."""
    table = Table(title=title, title_justify="left")
    for heading in ("kind", "dtype", "rows", "worst", "bound", "unit", "verdict", "worst of all"):
        numeric = heading in ("rows", "worst", "bound")
        table.add_column(heading, justify="right" if numeric else "left", overflow="fold")
    groups: dict[tuple[str, str, float, str], list[Row]] = defaultdict(list)
    for row in rows:
        groups[row.kind, row.dtype, row.bound, row.unit].append(row)
    for (kind, dtype, bound, unit), group in sorted(groups.items()):
        worst = max(group, key=lambda row: (not row.holds, row.error))
        verdict = "holds" if worst.holds else "BROKEN"
        table.add_row(kind, dtype, str(len(group)), f"{worst.error:.3g}", f"{bound:.3g}", unit,
                      verdict, f"{worst.subject}: {worst.quantity}")  # fmt: skip
    return table


if __name__ == "__main__":
    sys.exit(main())
