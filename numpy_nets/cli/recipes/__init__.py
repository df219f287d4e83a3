"""What the command line knows of each model, a file each."""

from typing import Any

from numpy_nets.cli.recipes.autoencoder import AutoencoderRecipe
from numpy_nets.cli.recipes.baskets import BasketRecipe
from numpy_nets.cli.recipes.bigan import BiGANRecipe
from numpy_nets.cli.recipes.cgan import ConditionalGANRecipe
from numpy_nets.cli.recipes.cvae import ConditionalVAERecipe
from numpy_nets.cli.recipes.dec import DECRecipe
from numpy_nets.cli.recipes.denoising import DenoisingRecipe
from numpy_nets.cli.recipes.gan import GANRecipe
from numpy_nets.cli.recipes.gan2d import PlaneRecipe
from numpy_nets.cli.recipes.iwae import IWAERecipe
from numpy_nets.cli.recipes.m1m2 import M1M2Recipe
from numpy_nets.cli.recipes.recipe import Recipe
from numpy_nets.cli.recipes.sgan import SGANRecipe
from numpy_nets.cli.recipes.sparse import SparseRecipe
from numpy_nets.cli.recipes.vae import VAERecipe

_IMAGES: tuple[Recipe[Any, Any], ...] = (
    AutoencoderRecipe(), DenoisingRecipe(), SparseRecipe(), VAERecipe(), ConditionalVAERecipe(),
    IWAERecipe(), GANRecipe(), ConditionalGANRecipe(), BiGANRecipe(), SGANRecipe(), M1M2Recipe(),
    DECRecipe(),
)  # fmt: skip
RECIPES = {recipe.name: recipe for recipe in _IMAGES}
GAN2D = PlaneRecipe()
BASKETS = BasketRecipe()
ALL = RECIPES | {recipe.name: recipe for recipe in (GAN2D, BASKETS)}
