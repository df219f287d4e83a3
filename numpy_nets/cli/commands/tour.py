"""numpy-nets tour [DIR]: backpropagation in one file, and a notebook through the models."""

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from numpy_nets.cli.arguments import Parser

FILES = ("backprop_from_scratch.py", "unsupervised_learning.ipynb")


def main(argv: Sequence[str]) -> int:
    """Write both files into a folder, and say how to open them; returns the exit code."""
    parser = Parser(
        prog="numpy-nets tour",
        description="Write backprop_from_scratch.py, a tape and a network in one page of NumPy, "
        "and unsupervised_learning.ipynb, a notebook from the chain rule to the GAN.",
    )
    parser.add_argument(
        "folder", metavar="DIR", nargs="?", type=Path, default=Path("."),
        help="folder for them (default: this one)",
    )  # fmt: skip
    folder = parser.parse(argv).folder
    for name in FILES:
        if (folder / name).exists():
            raise ValueError(f"{folder / name}: exists already, and is not written over")
    folder.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        (folder / name).write_bytes(files("numpy_nets.tour").joinpath(name).read_bytes())
    print(f"written: {folder / FILES[0]}     run it: python {folder / FILES[0]}")
    print(f"written: {folder / FILES[1]}  open it in VS Code, or in Jupyter:")
    print(f"         pip install notebook && jupyter notebook {folder / FILES[1]}")
    print("then:    numpy-nets exercise")
    return 0
