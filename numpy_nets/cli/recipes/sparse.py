"""numpy-nets train sparse."""

from dataclasses import dataclass
from functools import partial

import numpy as np

from numpy_nets.cli.arguments import choice, number
from numpy_nets.cli.recipes.denoising import EncoderDecoderRecipe, EncoderDecoderSettings
from numpy_nets.cli.runs.data import Images
from numpy_nets.cli.runs.printed import Printed
from numpy_nets.cli.settings import count, option
from numpy_nets.models.sparse import SparseAutoencoder, kl_sparsity, l1_sparsity
from numpy_nets.optimizers import Adam


@dataclass(frozen=True)
class SparseSettings(EncoderDecoderSettings):
    """The settings of a sparse autoencoder."""

    latent: int = count(200, "length of a code")
    penalty: str = option("kl", choice("kl", "l1"), "kl of mean activations, or their l1 norm")
    weight: float = option(3.0, number(float, 0, most=1e6), "of the penalty")
    target: float = option(
        0.05, number(float, 0, above=True, most=0.99), "mean activation that kl aims at"
    )


class SparseRecipe(EncoderDecoderRecipe[SparseSettings, SparseAutoencoder]):
    """A penalty keeps most units of the code inactive."""

    name = "sparse"
    help = "a sparse autoencoder: few units of the code are active for any image"
    settings = SparseSettings

    def build(self, settings: SparseSettings) -> SparseAutoencoder:
        if settings.penalty == "kl" and settings.activation != "sigmoid":
            raise ValueError(
                "--penalty kl: needs codes between 0 and 1: expected --activation sigmoid, "
                f"got {settings.activation}"
            )
        kl = partial(kl_sparsity, target=settings.target)
        penalty = kl if settings.penalty == "kl" else l1_sparsity
        model = SparseAutoencoder(*self.networks(settings), penalty, settings.weight)
        model.compile(Adam(settings.learning_rate))
        return model

    def check_shareable(self, settings: SparseSettings) -> None:
        if settings.penalty == "kl":
            raise ValueError(
                "--penalty kl: is a function of a whole batch's mean activations, which several "
                "processes cannot share: expected --penalty l1, or no mpiexec"
            )

    def print_table(
        self,
        model: SparseAutoencoder,
        data: Images,
        settings: SparseSettings,
        samples: int | None,
        most: int,
        printed: Printed,
    ) -> None:
        super().print_table(model, data, settings, samples, most, printed)
        size = np.abs(self.encode(model, data.x_test, None))
        active = np.mean(np.sum(size > 0.1, axis=1))
        printed.print(
            f"Mean activation {size.mean():.3f}; on average over the images, {active:.1f} of "
            f"the {size.shape[1]} units are above 0.1."
        )
