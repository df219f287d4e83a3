"""numpy-nets sample RUN: new images from a trained model."""

import math
from collections.abc import Sequence
from pathlib import Path

from numpy_nets.cli.arguments import Parser, number, png
from numpy_nets.cli.runs.saved import load_saved


def main(argv: Sequence[str]) -> int:
    """Draw a sheet of new images; returns the exit code."""
    parser = Parser(prog="numpy-nets sample", description="New images from a trained model.")
    parser.add_argument("run", metavar="RUN", type=Path, help="folder of a run")
    parser.add_argument(
        "--count", type=number(int, 1, most=1000), default=100,
        help="number of images (default: 100)",
    )  # fmt: skip
    parser.add_argument(
        "--label", type=number(int, 0), help="class of the images, for a model that is told classes"
    )
    parser.add_argument(
        "--seed", type=number(int, 0), help="of the codes that are drawn (default: the run's)"
    )
    parser.add_argument("--out", type=png, help="a new picture (default: RUN/samples-….png)")
    arguments = parser.parse(argv)
    run = load_saved(arguments.run, arguments.seed)
    run.check_drawable()
    images = run.recipe.sample(run.model, arguments.count, arguments.label)
    columns = min(arguments.count, max(10, math.ceil(math.sqrt(arguments.count))))
    title = "new images" if arguments.label is None else f"new images of class {arguments.label}"
    run.save_picture(arguments.out, "samples", images, columns, title)
    return 0
