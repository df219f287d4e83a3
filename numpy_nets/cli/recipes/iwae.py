"""numpy-nets train iwae."""

from dataclasses import dataclass

from numpy_nets.cli.recipes.vae import VariationalRecipe, WithLikelihood, networks
from numpy_nets.cli.settings import count
from numpy_nets.models.iwae import IWAE
from numpy_nets.optimizers import Adam


@dataclass(frozen=True)
class IWAESettings(WithLikelihood):
    """The settings of an IWAE."""

    epochs: int = count(15, "passes over the data")
    samples: int = count(5, "k, the draws of a code for each image, whose weights are averaged")


class IWAERecipe(VariationalRecipe[IWAESettings, IWAE]):
    """A VAE trained on the bound of k samples."""

    name = "iwae"
    help = "an importance-weighted autoencoder: a VAE with a tighter bound"
    settings = IWAESettings

    def build(self, settings: IWAESettings) -> IWAE:
        model = IWAE(*networks(settings), settings.samples)
        model.compile(Adam(settings.learning_rate))
        return model
