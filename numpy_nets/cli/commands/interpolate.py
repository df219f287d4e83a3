"""numpy-nets interpolate RUN: from one image to another through the codes."""

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from numpy_nets.autodiff.tensor import Array
from numpy_nets.cli.arguments import Parser, choice, number, png
from numpy_nets.cli.runs.saved import load_saved
from numpy_nets.evaluation.latent import interpolate


def main(argv: Sequence[str]) -> int:
    """Draw a row of images between each pair of test images; returns the exit code."""
    parser = Parser(
        prog="numpy-nets interpolate", description="From one image to another through the codes."
    )
    parser.add_argument("run", metavar="RUN", type=Path, help="folder of a run")
    parser.add_argument(
        "--kind", type=choice("linear", "spherical"), default="linear",
        help="linear (a straight line) or spherical (an arc around 0) (default: linear)",
    )  # fmt: skip
    parser.add_argument(
        "--steps", type=number(int, 2, most=30), default=10, help="images in a row (default: 10)"
    )
    parser.add_argument("--seed", type=number(int, 0), help="other images (default: the run's)")
    parser.add_argument("--out", type=png, help="a new picture (default: RUN/interpolation-….png)")
    arguments = parser.parse(argv)
    run = load_saved(arguments.run, arguments.seed)
    run.check_drawable()
    rng = np.random.default_rng(run.settings.seed if arguments.seed is None else arguments.seed)
    codes, x, y = run.recipe.ends(run.model, run.images(), rng)
    rows: list[Array] = []
    for first, second in zip(range(0, len(codes) - 1, 2), range(1, len(codes), 2), strict=True):
        ends = codes[first], codes[second]
        try:
            path = interpolate(*ends, arguments.steps, arguments.kind)
        except ValueError as error:  # no arc leads from or to the code 0, for instance
            print(f"row {len(rows) + 1} is a straight line: {error}", file=sys.stderr)
            path = interpolate(*ends, arguments.steps)
        label = None if y is None else np.repeat(y[first], len(path))
        row = run.recipe.decode(run.model, path, label)
        rows.append(row if x is None else np.concatenate([x[first, None], row, x[second, None]]))
    if not rows:
        raise ValueError(f"--data {run.settings.data}: expected 2 test images, got {len(codes)}")
    labels = [f"{t:.2f}" for t in np.linspace(0, 1, arguments.steps)]
    if x is not None:
        labels = ["image", *labels, "image"]
    run.save_picture(
        arguments.out, f"interpolation-{arguments.kind}", np.concatenate(rows), len(rows[0]),
        f"{arguments.kind} interpolation between the codes on the left and on the right", labels,
    )  # fmt: skip
    return 0
