"""numpy-nets evaluate RUN: how good is a trained model?"""

from collections.abc import Sequence
from pathlib import Path

from numpy_nets.cli.arguments import Parser, number
from numpy_nets.cli.runs.saved import load_saved


def main(argv: Sequence[str]) -> int:
    """Print the table that ends a run, on all test images; returns the exit code."""
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
    run.recipe.print_table(run.model, data, run.settings, arguments.samples, len(data.x_test))
    return 0
