"""numpy-nets lab RUN …: GANs of points in the plane, side by side on a page."""

import os
from argparse import ArgumentTypeError
from collections.abc import Sequence
from pathlib import Path

from numpy_nets.cli.arguments import Parser
from numpy_nets.cli.runs.lab import write_page
from numpy_nets.cli.runs.run import free_path


def main(argv: Sequence[str]) -> int:
    """Write the page; returns the exit code."""
    parser = Parser(
        prog="numpy-nets lab",
        description="GANs of points in the plane, side by side on one page with one slider: "
        "runs of numpy-nets train gan --data ring, grid, line, or a table of points.",
    )
    parser.add_argument("runs", metavar="RUN", type=Path, nargs="+", help="folders of runs")
    parser.add_argument("--out", type=_page, help="a new page (default: lab-….html)")
    arguments = parser.parse(argv)
    path = arguments.out or free_path(Path(), "lab", ".html")
    write_page(arguments.runs, path)
    print(f"written: {path}")
    return 0


def _page(text: str) -> Path:
    if not text.endswith(".html"):
        raise ArgumentTypeError(f"expected a file name that ends in .html, got {text!r}")
    if os.path.lexists(text):
        raise ArgumentTypeError(f"{text}: exists already: give another name")
    return Path(text)
