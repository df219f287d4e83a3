"""numpy-nets parity: the comparison with Keras, which runs in a process of its own.

Nothing in numpy_nets imports Keras or `keras_ref`, so this starts `python -m keras_ref.parity`.
"""

import signal
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from numpy_nets.cli.arguments import Parser

_NEEDED = ("keras", "tensorflow", "mpmath", "keras_ref")


def parser() -> Parser:
    """The arguments of this command and of `python -m keras_ref.parity`."""
    result = Parser(
        prog="numpy-nets parity",
        description="Compute everything here and in Keras: how far apart are the results, and how "
        "far may they be?  Exit code 0: within all bounds, 1: a bound is broken, 2: a mistake in "
        "the arguments, 130: stopped.",
    )
    result.add_argument("--filter", default="", metavar="TEXT", help="part of a name: layers.Dense")
    result.add_argument("--dtype", choices=("float32", "float64"), help="both by default")
    result.add_argument("--json", type=Path, metavar="FILE", help="write every row, for programs")
    result.add_argument(
        "--html", type=Path, metavar="FILE",
        help="write one page: the tables with a filter, and the error over training steps",
    )  # fmt: skip
    return result


def main(argv: Sequence[str]) -> int:
    """Compare; returns the exit code.

    Raises:
        ValueError: a wrong argument; Keras is not installed.
    """
    parser().parse(argv)
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise ValueError(f"parity needs {', '.join(missing)}: pip install 'numpy_nets[keras]'")
    # The child inherits that it ignores Ctrl-C; it is stopped below, and prints no traceback.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        child = subprocess.Popen([sys.executable, "-m", "keras_ref.parity", *argv])
    finally:
        signal.signal(signal.SIGINT, before)
    try:
        code = child.wait()
    except KeyboardInterrupt:
        child.terminate()
        child.wait()
        raise
    if code >= 0:
        return code
    name = signal.Signals(-code).name
    print(
        f"numpy-nets parity: error: the comparison was ended by {name}; with "
        "TF_CPP_MIN_LOG_LEVEL=0 TensorFlow says more",
        file=sys.stderr,
    )
    return 128 - code
