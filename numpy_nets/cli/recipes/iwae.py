"""numpy-nets train iwae."""

from numpy_nets.cli.recipes.recipe import Settings, count, shared_options
from numpy_nets.cli.recipes.vae import LATENT, LAYERS, LIKELIHOOD, VAERecipe, networks
from numpy_nets.models.iwae import IWAE
from numpy_nets.network import Model
from numpy_nets.optimizers import Adam


class IWAERecipe(VAERecipe):
    """Another bound."""

    name = "iwae"
    help = "an importance-weighted autoencoder: a VAE with a tighter bound"
    options = (
        *shared_options(epochs=15, batch_size=50),
        LATENT,
        *LAYERS,
        LIKELIHOOD,
        count("samples", 5, "k, of the code for each image, whose weights are averaged"),
    )

    def build(self, settings: Settings) -> Model:
        model = IWAE(*networks(settings), settings["samples"])
        model.compile(Adam(settings["learning_rate"]))
        return model
