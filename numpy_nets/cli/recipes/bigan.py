"""numpy-nets train bigan."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from numpy_nets import random
from numpy_nets.autodiff.tensor import Array, Tensor
from numpy_nets.cli.recipes.codes import codes_of, print_codes
from numpy_nets.cli.recipes.gan import AdversarialRecipe, AdversarialSettings, dropout
from numpy_nets.cli.recipes.recipe import Labels
from numpy_nets.cli.runs.data import Images
from numpy_nets.cli.runs.inference import Affine, Part
from numpy_nets.cli.runs.printed import Printed
from numpy_nets.cli.settings import count, rate
from numpy_nets.figures.images import save_reconstructions
from numpy_nets.models.bigan import (
    BiGAN,
    build_bigan_discriminator,
    build_bigan_encoder,
    build_bigan_generator,
)


@dataclass(frozen=True)
class BiGANSettings(AdversarialSettings):
    """The settings of a BiGAN."""

    epochs: int = count(150, "passes over the data")
    learning_rate: float = rate(4e-4)
    latent: int = count(50, "length of a code")
    hidden: int = count(256, "units of each hidden layer; 1024 in the paper")
    dropout: float = dropout(0.3)


class BiGANRecipe(AdversarialRecipe[BiGANSettings, BiGAN]):
    """A GAN with an encoder, which is judged beside PCA and beside itself untrained."""

    name = "bigan"
    help = "a GAN with an encoder: images have codes, too"
    settings = BiGANSettings
    shown = ("d_loss", "g_loss", "e_loss", "d_real", "d_fake")
    has_encoder = True
    prior = "U(-1, 1)"

    def build(self, settings: BiGANSettings) -> BiGAN:
        latent, pixels, hidden = settings.latent, settings.pixels, settings.hidden
        if settings.objective == "least-squares":
            raise ValueError("--objective: bigan: expected non-saturating or minimax")
        generator, averaged = (build_bigan_generator(latent, pixels, hidden) for _ in range(2))
        model = BiGAN(
            generator,
            build_bigan_discriminator(pixels, latent, hidden, dropout=settings.dropout),
            build_bigan_encoder(pixels, latent, hidden),
            **self.game(settings),
            averaged=averaged,
            prior=uniform_prior,
        )
        model.compile(*self.optimizers(settings))
        return model

    def sample(self, model: BiGAN, count: int, label: int | None) -> Array:
        if label is not None:
            raise ValueError(f"--label: the model is {self.name}, which knows no classes")
        return self.decode(model, model.draw_noise(count).numpy(), None)

    def fixed_codes(self, settings: BiGANSettings) -> Array:
        rng = np.random.default_rng([settings.seed, 2])
        return rng.uniform(-1, 1, (100, settings.latent)).astype(np.float32)

    def encode(self, model: BiGAN, x: Array, y: Labels) -> Array:
        return codes_of(model.encoder)(x)

    def encoder(self, model: BiGAN) -> Sequence[Part]:
        return [Affine(2, -1), model.encoder]

    def ends(
        self, model: BiGAN, data: Images, rng: np.random.Generator
    ) -> tuple[Array, Array | None, Labels]:
        """The codes of test images, which a GAN with an encoder has."""
        x = data.x_test[rng.permutation(len(data.x_test))[:16]]
        return self.encode(model, x, None), x, None

    def draw(self, model: BiGAN, data: Images, settings: BiGANSettings, folder: Path) -> None:
        super().draw(model, data, settings, folder)
        if data.drawable:
            x = data.x_test[:20]
            images = self.decode(model, self.encode(model, x, None), None)
            shape = (-1, *data.image_shape)
            save_reconstructions(
                folder / "reconstructions.png", x.reshape(shape), images.reshape(shape)
            )

    def print_table(
        self, model: BiGAN, data: Images, settings: BiGANSettings, samples: int | None, most: int,
        printed: Printed,
    ) -> None:  # fmt: skip
        super().print_table(model, data, settings, samples, most, printed)
        z = model.draw_noise(1000).numpy()
        # The untrained encoder has weights of its own, drawn after all that the run draws.
        untrained = build_bigan_encoder(settings.pixels, settings.latent, settings.hidden)
        print_codes(self.name, data, model.encoder, untrained,
                    lambda codes: self.decode(model, codes, None), z, printed)  # fmt: skip


def uniform_prior(shape: tuple[int, ...]) -> Tensor:
    """z uniform on (-1, 1), as in the paper's experiments on MNIST."""
    return random.uniform(shape, -1.0, 1.0)
