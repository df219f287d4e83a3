"""The command line: `numpy-nets`, or `python -m numpy_nets`.  One file a sub-command.

Exit codes: 0 done, 1 parity found a bound broken, 2 a mistake in the input (one line says which),
130 stopped by Ctrl-C.
"""

import os
import sys
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout, suppress

from numpy_nets import __version__, distributed
from numpy_nets.cli.arguments import Command, dispatch
from numpy_nets.cli.commands import (
    check,
    compare,
    evaluate,
    exercise,
    explain,
    interpolate,
    invert,
    lab,
    parity,
    sample,
    tour,
    train,
)

COMMANDS = {
    "train": Command("train a model", train.main),
    "evaluate": Command("how good is a trained model?", evaluate.main),
    "compare": Command("several trained models of the same data", compare.main),
    "sample": Command("new images from a trained model", sample.main),
    "interpolate": Command("from one image to another through the codes", interpolate.main),
    "invert": Command("find codes of images for a GAN", invert.main),
    "lab": Command("GANs of points in the plane, side by side on a page", lab.main),
    "explain": Command("one training step as a page, record by record", explain.main),
    "tour": Command("backpropagation in one file, and a notebook", tour.main),
    "exercise": Command("derivatives to fill in", exercise.main),
    "check": Command("are the derivatives in a file right?", check.main),
    "parity": Command("how far from Keras is all of this?", parity.main),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code."""
    argv = sys.argv[1:] if argv is None else argv
    if distributed.launched():
        return _together(argv)
    code, message = _run(argv)
    if message:
        print(f"numpy-nets: {message}", file=sys.stderr)
    return code


def _together(argv: Sequence[str]) -> int:
    """Run a command on all ranks that mpiexec started; rank 0 alone prints, unless another fails.

    Commands other than `train` have nothing to share, and rank 0 runs them.
    """
    rank = distributed.rank()
    try:
        distributed.init()
    except ValueError as error:
        if rank == 0:
            print(f"numpy-nets: error: {error}", file=sys.stderr)
        return 2
    code, message = 0, ""
    with suppress(SystemExit):  # of --help and --version
        if rank == 0:
            code, message = _run(argv)
        elif argv[:1] == ["train"]:
            with open(os.devnull, "w") as null, redirect_stdout(null), redirect_stderr(null):
                code, message = _run(argv)
    who = f"rank {rank}: " if rank else ""
    return distributed.finish(code, message and f"numpy-nets: {who}{message}")


def _run(argv: Sequence[str]) -> tuple[int, str]:
    """Run a command; returns the exit code and what there is to say of an error."""
    try:
        code = dispatch(
            "numpy-nets",
            "Unsupervised deep learning in plain NumPy.",
            COMMANDS,
            argv,
            version=f"numpy_nets {__version__}",
        )
    except (ValueError, OSError) as error:
        return 2, f"error: {_one_line(error)}"
    except MemoryError as error:
        return 2, f"error: too large for memory: {_one_line(error)}"
    except KeyboardInterrupt:
        return 130, "stopped"
    return code, ""


def _one_line(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"{error.filename}: {error.strerror}"
    return " ".join(str(error).split())
