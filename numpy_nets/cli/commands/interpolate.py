"""numpy-nets interpolate RUN: from one image to another through the codes."""

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from numpy_nets.autodiff.tensor import Array
from numpy_nets.cli.arguments import Parser, choice, number, png
from numpy_nets.cli.runs.run import free_path
from numpy_nets.cli.runs.saved import load_saved
from numpy_nets.evaluation.latent import interpolate
from numpy_nets.figures.animation import save_animation
from numpy_nets.figures.images import fitting_scale, tile

FRAME_SIZE = 400  # the longer side that a frame of the animation comes close to, in pixels


def main(argv: Sequence[str]) -> int:
    """Draw a row of images between each pair of test images; returns the exit code.

    Up to 8 pairs are chosen at random. With --from and --to there is one pair, of these test
    images. A model without an encoder goes from sample to sample.
    """
    parser = Parser(
        prog="numpy-nets interpolate",
        description="From one image to another through the codes. A GAN without an encoder has no "
        "codes of images, and goes from one new sample to another.",
    )
    parser.add_argument("run", metavar="RUN", type=Path, help="folder of a run")
    parser.add_argument(
        "--from", dest="first", metavar="INDEX", type=number(int, 0),
        help="test image to start from, counted from 0; with --to, and with an encoder only "
        "(default: images chosen at random)",
    )  # fmt: skip
    parser.add_argument(
        "--to", dest="second", metavar="INDEX", type=number(int, 0),
        help="test image to end at; for a conditional model, of the same class",
    )  # fmt: skip
    parser.add_argument(
        "--kind", type=choice("linear", "spherical"), default="linear",
        help="linear (a straight line) or spherical (an arc around 0) (default: linear)",
    )  # fmt: skip
    parser.add_argument(
        "--steps", type=number(int, 2, most=30), default=10, help="images in a row (default: 10)"
    )
    parser.add_argument(
        "--gif", action="store_true", help="also write an animation of the way there and back"
    )
    parser.add_argument("--seed", type=number(int, 0), help="other images (default: the run's)")
    parser.add_argument("--out", type=png, help="a new picture (default: RUN/interpolation-….png)")
    arguments = parser.parse(argv)
    kind, steps, first, second = (
        arguments.kind, arguments.steps, arguments.first, arguments.second
    )  # fmt: skip
    if (first is None) != (second is None):
        one, other = ("--to", "--from") if first is None else ("--from", "--to")
        raise ValueError(f"{one}: expected {other} INDEX, too")
    if first is not None and arguments.seed is not None:
        raise ValueError("--seed: chooses images, and so do --from and --to: leave one of them out")
    run = load_saved(arguments.run, arguments.seed)
    run.check_drawable()
    if first is None:
        rng = np.random.default_rng(run.settings.seed if arguments.seed is None else arguments.seed)
        codes, x, y = run.recipe.ends(run.model, run.images(), rng)
        title = f"{kind} interpolation between the codes on the left and on the right"
        stem = f"interpolation-{kind}"
    else:
        codes, x, y = run.recipe.chosen_ends(run.model, run.images(), first, second)
        title = f"{kind} interpolation between the codes of test images {first} and {second}"
        stem = f"interpolation-{kind}-{first}-to-{second}"
    rows: list[Array] = []  # (steps, pixels) each
    for start, end in zip(range(0, len(codes) - 1, 2), range(1, len(codes), 2), strict=True):
        ends = codes[start], codes[end]
        try:
            path = interpolate(*ends, steps, kind)
        except ValueError as error:  # no arc leads from or to the code 0, for instance
            print(f"row {len(rows) + 1} is a straight line: {error}", file=sys.stderr)
            path = interpolate(*ends, steps)
        label = None if y is None else np.repeat(y[start], len(path))
        rows.append(run.recipe.decode(run.model, path, label))
    if not rows:
        raise ValueError(f"--data {run.settings.data}: expected 2 test images, got {len(codes)}")
    images = np.stack(rows)
    captions = [f"{t:.2f}" for t in np.linspace(0, 1, steps)]
    sheet, labels = images, captions
    if x is not None:
        labels = ["image", *captions, "image"]
        left, right = (x[i : 2 * len(rows) : 2, None] for i in range(2))
        sheet = np.concatenate([left, images, right], axis=1)
    picture = arguments.out or free_path(run.folder, stem, ".png")
    run.save_picture(picture, stem, np.concatenate(sheet), sheet.shape[1], title, labels)
    if arguments.gif:
        animation = free_path(picture.parent, picture.stem, ".gif")
        save_way(animation, images.reshape(*images.shape[:2], *run.settings.image_shape), captions)
        print(f"written: {animation}")
    return 0


def save_way(path: Path, images: Array, captions: Sequence[str]) -> None:
    """Write an animation of images (rows, steps, h, w) from the first step to the last and back.

    A frame shows one step of all rows, side by side in at most two lines.
    """
    columns = -(-len(images) // 2)
    frames = [tile(step, columns) for step in images.swapaxes(0, 1)]
    there_and_back = [*range(len(frames)), *range(len(frames) - 2, -1, -1)]
    save_animation(
        path,
        [frames[i] for i in there_and_back],
        hold=0.8,
        captions=[f"t = {captions[i]}" for i in there_and_back],
        scale=fitting_scale(frames[0].shape, FRAME_SIZE),
    )
