"""numpy-nets train bigan."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from numpy_nets import random
from numpy_nets.autodiff.tensor import Array, Tensor
from numpy_nets.cli.recipes.autoencoder import nearest_pca, squared_error
from numpy_nets.cli.recipes.gan import AdversarialRecipe, AdversarialSettings, dropout
from numpy_nets.cli.recipes.recipe import Labels
from numpy_nets.cli.runs.data import Images
from numpy_nets.cli.settings import count, rate
from numpy_nets.evaluation.neighbours import nearest_neighbour_accuracy
from numpy_nets.figures.images import save_reconstructions
from numpy_nets.models.bigan import (
    BiGAN,
    build_bigan_discriminator,
    build_bigan_encoder,
    build_bigan_generator,
)
from numpy_nets.network import Model


@dataclass(frozen=True)
class BiGANSettings(AdversarialSettings):
    """The settings of a BiGAN."""

    learning_rate: float = rate(2e-4)
    latent: int = count(50, "length of a code")
    hidden: int = count(256, "units of each hidden layer; 1024 in the paper")
    dropout: float = dropout(0.0)


class BiGANRecipe(AdversarialRecipe[BiGANSettings, BiGAN]):
    """A GAN with an encoder, which is judged beside PCA and beside itself untrained."""

    name = "bigan"
    help = "a GAN with an encoder: images have codes, too"
    settings = BiGANSettings
    shown = ("d_loss", "g_loss", "e_loss", "d_real", "d_fake")

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
        codes = codes_of(model.encoder)(x)
        assert codes is not None
        return codes

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
        self, model: BiGAN, data: Images, settings: BiGANSettings, samples: int | None, most: int
    ) -> None:
        super().print_table(model, data, settings, samples, most)
        from rich.console import Console
        from rich.table import Table

        x, pca = data.x_test, nearest_pca(data, settings.latent)
        z = model.draw_noise(1000).numpy()
        images = self.decode(model, self.encode(model, x, None), None)
        recovered = self.encode(model, self.decode(model, z, None), None)
        pca_error = "-"
        if pca is not None:
            pca_error = f"{squared_error(x, np.clip(pca.reconstruct(x), 0, 1)):.5f}"
        table = Table(title="codes of test images, and images of codes")
        for column in ("", "bigan", "untrained", "PCA", "pixels"):
            table.add_column(column, justify="right" if column else "left")
        table.add_row("squared error of a pixel, G(E(x))", f"{squared_error(x, images):.5f}",
                      "-", pca_error, "-")  # fmt: skip
        table.add_row("squared error of a number, E(G(z))", f"{np.mean((recovered - z) ** 2):.3f}",
                      f"{z.var():.3f}", "-", "-")  # fmt: skip
        if data.y_train is not None and data.y_test is not None and data.trained_on:
            # The untrained encoder has weights of its own; to draw them changes no other result.
            untrained = build_bigan_encoder(settings.pixels, settings.latent, settings.hidden)
            encoders = (model.encoder, untrained)
            codes = [codes_of(encoder) for encoder in encoders]
            codes += [(lambda x: None) if pca is None else pca.encode, lambda x: x]
            before = [codes_of(layer_before_the_code(encoder)) for encoder in encoders]
            table.add_row("1-nearest neighbour on codes", *(probe(data, f) for f in codes))
            table.add_row("… on the layer before them", *(probe(data, f) for f in before), "-", "-")
        console = Console()
        console.print(table)
        console.print("E(G(z)), untrained: the variance of z, the error of an E that says 0.")


def probe(data: Images, encode: Callable[[Array], Array | None], most: int = 10_000) -> str:
    """The accuracy of the nearest neighbour, on at most so many images of each split."""
    assert data.y_train is not None and data.y_test is not None
    train, test = encode(data.x_train[:most]), encode(data.x_test[:most])
    if train is None or test is None:
        return "-"
    accuracy = nearest_neighbour_accuracy(train, data.y_train[:most], test, data.y_test[:most])
    return f"{accuracy:.1%}"


def codes_of(encoder: Model) -> Callable[[Array], Array | None]:
    """Images (n, pixels) in [0, 1] -> what an encoder makes of them."""

    def encode(x: Array) -> Array:
        codes: Array = encoder.predict(2 * x - 1, batch_size=1000, verbose=0)
        return codes

    return encode


def layer_before_the_code(encoder: Model) -> Model:
    """The encoder up to the input of its last layer."""
    last = encoder.layers[-1]
    return Model(encoder.functional.inputs, last.nodes[0].inputs)  # type: ignore[union-attr]


def uniform_prior(shape: tuple[int, ...]) -> Tensor:
    """z uniform on (-1, 1), as in the paper's experiments on MNIST."""
    return random.uniform(shape, -1.0, 1.0)
