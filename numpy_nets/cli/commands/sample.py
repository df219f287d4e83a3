"""numpy-nets sample RUN: new images from a trained model, or what goes with a basket."""

import math
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from numpy_nets.cli.arguments import Parser, number, png
from numpy_nets.cli.runs.saved import Saved, load_saved


def main(argv: Sequence[str]) -> int:
    """Draw a sheet of new images, or list what goes with a basket; returns the exit code."""
    parser = Parser(
        prog="numpy-nets sample",
        description="New images from a trained model, or what goes with a basket.",
    )
    parser.add_argument("run", metavar="RUN", type=Path, help="folder of a run")
    parser.add_argument(
        "--count", type=number(int, 1, most=1000),
        help="number of images (default: 100), or of items that go with a basket (default: 10)",
    )  # fmt: skip
    parser.add_argument(
        "--label", type=number(int, 0), help="class of the images, for a model that is told classes"
    )
    parser.add_argument(
        "--seed", type=number(int, 0), help="of the codes that are drawn (default: the run's)"
    )
    parser.add_argument(
        "--given", metavar="ITEMS",
        help="'item, item': list what goes with them, and the rules that say why, for a model of "
        "baskets",
    )  # fmt: skip
    parser.add_argument("--out", type=png, help="a new picture (default: RUN/samples-….png)")
    arguments = parser.parse(argv)
    run = load_saved(arguments.run, arguments.seed)
    if run.recipe.things == "baskets" or arguments.given is not None:
        _suggest(run, arguments)
        return 0
    run.check_drawable()
    count = arguments.count or 100
    images = run.recipe.sample(run.model, count, arguments.label)
    columns = min(count, max(10, math.ceil(math.sqrt(count))))
    title = "new images" if arguments.label is None else f"new images of class {arguments.label}"
    run.save_picture(arguments.out, "samples", images, columns, title)
    return 0


def _suggest(run: Saved, arguments: Namespace) -> None:
    """List what goes with a basket; raises ValueError for a model of something else."""
    recipe = run.recipe
    if recipe.things != "baskets":
        raise ValueError(
            f"--given: the model is {recipe.name}, which was trained on {recipe.things}, not on "
            "baskets"
        )
    for flag in ("label", "seed", "out"):
        if getattr(arguments, flag) is not None:
            raise ValueError(
                f"--{flag}: expected none, got {getattr(arguments, flag)}: the model is "
                f"{recipe.name}, which draws nothing"
            )
    if arguments.given is None:
        raise ValueError(
            f"sample: the model is {recipe.name}: expected --given 'item, item', the items in a "
            "basket"
        )
    recipe.suggest(run.model, run.images(), arguments.given, arguments.count or 10)
