"""numpy-nets evaluate RUN: how good is a trained model?"""

import sys
from collections.abc import Sequence
from pathlib import Path

from numpy_nets.cli.arguments import Parser, number
from numpy_nets.cli.runs.page import write_page
from numpy_nets.cli.runs.printed import Printed
from numpy_nets.cli.runs.saved import load_saved


def main(argv: Sequence[str]) -> int:
    """Print the table that ends a run, on all test images; returns the exit code.

    Without --data the page of the run gets this table, too.
    """
    parser = Parser(prog="numpy-nets evaluate", description="How good is a trained model?")
    parser.add_argument("run", metavar="RUN", type=Path, help="folder of a run")
    parser.add_argument(
        "--samples", type=number(int, 1),
        help="draws of a code for each image, to estimate its likelihood (default: 50)",
    )  # fmt: skip
    parser.add_argument("--data", help="test on these data instead of the run's own")
    arguments = parser.parse(argv)
    run = load_saved(arguments.run)
    data = run.images(arguments.data)
    printed = Printed(run.seconds())
    run.recipe.print_table(
        run.model, data, run.settings, arguments.samples, len(data.x_test), printed
    )
    if arguments.data is None:
        try:
            write_page(run.folder, run.recipe, run.model, data, run.settings, printed)
        except OSError as error:  # the folder may be read-only
            print(f"warning: {error}", file=sys.stderr)
    return 0
