"""numpy-nets train: which model?"""

from collections.abc import Sequence
from functools import partial

from numpy_nets.cli.arguments import Command, dispatch
from numpy_nets.cli.recipe import Recipe
from numpy_nets.cli.train_autoencoder import AutoencoderRecipe
from numpy_nets.cli.train_cvae import ConditionalVAERecipe
from numpy_nets.cli.train_denoising import DenoisingRecipe
from numpy_nets.cli.train_gan import GANRecipe
from numpy_nets.cli.train_iwae import IWAERecipe
from numpy_nets.cli.train_sparse import SparseRecipe
from numpy_nets.cli.train_vae import VAERecipe
from numpy_nets.cli.training import train

_ALL: tuple[Recipe, ...] = (
    AutoencoderRecipe(), DenoisingRecipe(), SparseRecipe(), VAERecipe(), ConditionalVAERecipe(),
    IWAERecipe(), GANRecipe(),
)  # fmt: skip
RECIPES = {recipe.name: recipe for recipe in _ALL}


def main(argv: Sequence[str]) -> int:
    """Train the model that argv names; returns the exit code."""
    commands = {name: Command(r.help, partial(train, r)) for name, r in RECIPES.items()}
    return dispatch("numpy-nets train", "Train a model.", commands, argv)
