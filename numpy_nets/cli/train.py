"""numpy-nets train: which model?"""

from collections.abc import Sequence

from numpy_nets.cli import train_autoencoder
from numpy_nets.cli.arguments import Command, dispatch

MODELS = {
    "autoencoder": Command("784-64-784 on handwritten digits", train_autoencoder.main),
}


def main(argv: Sequence[str]) -> int:
    """Train the model that argv names; returns the exit code."""
    return dispatch("numpy-nets train", "Train a model.", MODELS, argv)
