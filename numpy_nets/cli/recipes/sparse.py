"""numpy-nets train sparse."""

from functools import partial
from typing import Any

import numpy as np

from numpy_nets.cli.arguments import Option, choice, number
from numpy_nets.cli.recipes.denoising import CodeRecipe
from numpy_nets.cli.recipes.recipe import Settings, count, shared_options
from numpy_nets.cli.runs.data import Images
from numpy_nets.models.sparse import SparseAutoencoder, kl_sparsity, l1_sparsity
from numpy_nets.network import Model
from numpy_nets.optimizers import Adam


class SparseRecipe(CodeRecipe):
    """A penalty on active units."""

    name = "sparse"
    help = "a sparse autoencoder: few units active for any image"
    options = (
        *shared_options(epochs=20, batch_size=50),
        count("latent", 200, "length of a code"),
        Option("activation", "sigmoid", choice("sigmoid", "relu", "tanh"), "of the code"),
        Option("penalty", "kl", choice("kl", "l1"), "kl of mean activations, or their l1 norm"),
        Option("weight", 3.0, number(float, 0, most=1e6), "of the penalty"),
        Option("target", 0.05, number(float, 0, above=True, most=0.99), "mean activation for kl"),
    )

    def build(self, settings: Settings) -> Model:
        if settings["penalty"] == "kl" and settings["activation"] != "sigmoid":
            raise ValueError(
                "--penalty kl: needs codes between 0 and 1: expected --activation sigmoid, "
                f"got {settings['activation']}"
            )
        kl = partial(kl_sparsity, target=settings["target"])
        penalty = kl if settings["penalty"] == "kl" else l1_sparsity
        model = SparseAutoencoder(*self.layers(settings), penalty, settings["weight"])
        model.compile(Adam(settings["learning_rate"]))
        return model

    def print_table(
        self, model: Any, data: Images, settings: Settings, samples: int | None, most: int
    ) -> None:
        super().print_table(model, data, settings, samples, most)
        size = np.abs(self.encode(model, data.x_test, None))
        active = np.mean(np.sum(size > 0.1, axis=1))
        print(
            f"Mean activation {size.mean():.3f}; above 0.1 are {active:.1f} of the "
            f"{settings['latent']} units, the mean over images."
        )
