"""numpy-nets train: which model?"""

from collections.abc import Sequence
from functools import partial

from numpy_nets.cli.arguments import Command, dispatch
from numpy_nets.cli.commands.training import train
from numpy_nets.cli.recipes import RECIPES


def main(argv: Sequence[str]) -> int:
    """Train the model that argv names; returns the exit code."""
    commands = {name: Command(r.help, partial(train, r)) for name, r in RECIPES.items()}
    return dispatch("numpy-nets train", "Train a model.", commands, argv)
