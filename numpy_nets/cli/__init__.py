"""The command line: `numpy-nets`, or `python -m numpy_nets`.  One file a sub-command.

Exit codes: 0 done, 1 parity found a bound broken, 2 a mistake in the input (one line says which),
130 stopped by Ctrl-C.
"""

import sys
from collections.abc import Sequence

from numpy_nets import __version__
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
    try:
        return dispatch(
            "numpy-nets",
            "Unsupervised deep learning in plain NumPy.",
            COMMANDS,
            sys.argv[1:] if argv is None else argv,
            version=f"numpy_nets {__version__}",
        )
    except (ValueError, OSError) as error:
        print(f"numpy-nets: error: {_one_line(error)}", file=sys.stderr)
        return 2
    except MemoryError as error:
        print(f"numpy-nets: error: too large for memory: {_one_line(error)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("numpy-nets: stopped", file=sys.stderr)
        return 130


def _one_line(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"{error.filename}: {error.strerror}"
    return " ".join(str(error).split())
