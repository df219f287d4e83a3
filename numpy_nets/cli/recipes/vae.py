"""numpy-nets train vae, and what all variational autoencoders have in common."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np

from numpy_nets import random
from numpy_nets.autodiff.tensor import Array, Tensor
from numpy_nets.cli.arguments import choice, number
from numpy_nets.cli.recipes.autoencoder import nearest_pca, purity, sigmoid, squared_error
from numpy_nets.cli.recipes.recipe import Labels, Recipe
from numpy_nets.cli.runs.data import Images
from numpy_nets.cli.runs.inference import Part
from numpy_nets.cli.runs.printed import Printed
from numpy_nets.cli.settings import Settings, count, option
from numpy_nets.evaluation.latent import active_units, quantile_grid, traverse
from numpy_nets.evaluation.likelihood import elbo, log_likelihood
from numpy_nets.figures.images import save_images, save_reconstructions
from numpy_nets.figures.scatter import save_scatter
from numpy_nets.layers import Activation
from numpy_nets.models.vae import (
    VAE,
    bernoulli_log_likelihood,
    build_decoder,
    build_encoder,
    build_gaussian_decoder,
    gaussian_log_likelihood,
)
from numpy_nets.network import Model
from numpy_nets.optimizers import Adam
from numpy_nets.theory.ppca import fit_ppca


@dataclass(frozen=True)
class VariationalSettings(Settings):
    """The settings that all variational autoencoders have."""

    latent: int = count(20, "length of a code")
    hidden: int = count(400, "units of each hidden layer")
    activation: str = option("relu", choice("relu", "tanh"), "of the hidden layers")
    samples: int = count(1, "draws of a code for each image in a step")


S = TypeVar("S", bound=VariationalSettings)
M = TypeVar("M", bound=VAE)


class VariationalRecipe(Recipe[S, M], Generic[S, M]):
    """Shown beside PCA, and with a Gaussian likelihood beside probabilistic PCA."""

    unit = "nats per image"

    def batch(self, model: M, x: Array, y: Labels) -> tuple[Array, ...]:
        return (x,)

    def encode(self, model: M, x: Array, y: Labels) -> Array:
        """The means of q(z|x)."""
        data = self.batch(model, x, y)
        mean, _ = model.encode(data if len(data) > 1 else x)
        codes: Array = mean.numpy()
        return codes

    def decode(self, model: M, codes: Array, y: Labels) -> Array:
        """The means of p(x|z)."""
        return mean_pixels(model.decoder(codes.astype(np.float32)))

    def decoder(self, model: M) -> Sequence[Part]:
        several = isinstance(model.decoder.output_shape, list)  # [mean, log_var], else logits
        return [model.decoder] if several else [model.decoder, Activation("sigmoid")]

    def encoder(self, model: M) -> Sequence[Part]:
        return [model.encoder]

    def sample(self, model: M, count: int, label: int | None) -> Array:
        if label is not None:
            raise ValueError(f"--label: the model is {self.name}, which knows no classes")
        return self.decode(model, prior(model, count), None)

    def sample_rows(self, model: M) -> list[str] | None:
        """What each row of ten samples shows, if that is known."""
        return None

    def draw(self, model: M, data: Images, settings: S, folder: Path) -> None:
        x, y, shape = data.x_test, data.y_test, (-1, *data.image_shape)
        codes = self.encode(model, x, y)
        if codes.shape[1] == 2 and y is not None:
            save_scatter(folder / "codes.png", codes, y, prior=True)
        if not data.drawable:
            return
        first = None if y is None else y[:20]
        save_reconstructions(
            folder / "reconstructions.png",
            x[:20].reshape(shape),
            self.decode(model, codes[:20], first).reshape(shape),
        )
        save_images(
            folder / "samples.png", self.sample(model, 100, None).reshape(shape), 10,
            "new images, from codes drawn from N(0, I)", row_labels=self.sample_rows(model),
        )  # fmt: skip

        def same_label(n: int) -> Labels:
            return None if y is None else np.repeat(y[:1], n)

        if codes.shape[1] == 2:
            grid = quantile_grid(20)
            save_images(
                folder / "manifold.png",
                self.decode(model, grid, same_label(len(grid))).reshape(shape), 20,
                "images of codes on a grid of quantiles of N(0, I)",
                row_labels=[f"{z:.1f}" for z in grid[::20, 1]],
                column_labels=[f"{z:.1f}" for z in grid[:20, 0]],
            )  # fmt: skip
        values = np.linspace(-3, 3, 11)
        units = np.argsort(-codes.var(axis=0))[:10]
        walks = np.concatenate([traverse(codes[0], unit, values) for unit in units])
        save_images(
            folder / "traversal.png",
            self.decode(model, walks, same_label(len(walks))).reshape(shape), len(values),
            "one image's code, with one unit at a time from -3 to 3; those that vary most first",
            row_labels=[f"unit {unit}" for unit in units],
            column_labels=[f"{value:.1f}" for value in values],
        )  # fmt: skip

    def print_table(
        self, model: M, data: Images, settings: S, samples: int | None, most: int,
        printed: Printed,
    ) -> None:  # fmt: skip
        from rich.table import Table

        samples = 50 if samples is None else samples
        gaussian = model.log_likelihood is gaussian_log_likelihood
        x, y, pca = data.x_test, data.y_test, nearest_pca(data, settings.latent)
        # Evenly spaced, since the images may be sorted by class.
        some = np.linspace(0, len(x) - 1, min(most, len(x))).astype(int)
        arrays = self.batch(model, x, y)
        chosen = tuple(array[some] for array in arrays)
        inputs, targets = (*arrays, None)[:2]
        losses = model.evaluate(inputs, targets, 1000, verbose=0, return_dict=True)
        codes = self.encode(model, x, y)
        bound = -np.mean(elbo(model, chosen))
        nll = -np.mean(_log_likelihood(model, chosen, samples))
        exact, pca_error, pca_purity = "-", "-", "-"
        if gaussian and data.trained_on:
            exact = ppca_loss(data.x_train, x[some], settings.latent)
        if pca is not None:
            pca_error = f"{squared_error(x, np.clip(pca.reconstruct(x), 0, 1)):.5f}"
            pca_purity = purity(pca.encode(x), y)

        table = Table(title=f"{len(x)} test images, nats per image")
        for column in ("", self.name, "PCA"):
            table.add_column(column, justify="right" if column else "left")
        table.add_row("loss, noise drawn once", f"{losses['loss']:.2f}", "-")
        for name in model.term_names:
            table.add_row(f"  {name}", f"{losses[name]:.2f}", "-")
        table.add_row(f"-ELBO of {len(some)}, drawn anew", f"{bound:.2f}", "-")
        table.add_row(f"-log p of {len(some)}, {samples} samples", f"{nll:.2f}", exact)
        units = active_units(model, arrays)
        table.add_row("units that depend on the image", f"{units} of {codes.shape[1]}", "-")
        error = squared_error(x, self.decode(model, codes, y))
        table.add_row("squared error of a pixel", f"{error:.5f}", pca_error)
        table.add_row("k-means purity (higher is better)", purity(codes, y), pca_purity)
        printed.print(table)
        if gaussian:
            printed.print("Pixels are continuous: these are densities, which may be above 1.")
        elif not np.all((x == 0) | (x == 1)):
            printed.print(
                "Grey pixels under a Bernoulli decoder: a pseudo-likelihood, which can be compared "
                "only with the same setting. --binarize static makes it a likelihood."
            )


@dataclass(frozen=True)
class WithLikelihood(VariationalSettings):
    """The settings of a model whose decoder can be Bernoulli or Gaussian."""

    likelihood: str = option(
        "bernoulli", choice("bernoulli", "gaussian"), "of a pixel, given the code"
    )


@dataclass(frozen=True)
class VAESettings(WithLikelihood):
    """The settings of a VAE."""

    beta: float = option(1.0, number(float, 0, most=1e6), "weight of the KL term")


class VAERecipe(VariationalRecipe[VAESettings, VAE]):
    """The VAE of Kingma & Welling."""

    name = "vae"
    help = "a variational autoencoder"
    settings = VAESettings

    def build(self, settings: VAESettings) -> VAE:
        model = VAE(*networks(settings), settings.beta, settings.samples)
        model.compile(Adam(settings.learning_rate))
        return model


def networks(settings: WithLikelihood) -> tuple[Model, Model, Callable[[Any, Any], Any]]:
    """The encoder, the decoder, and the likelihood whose parameters the decoder computes."""
    sizes = (settings.pixels, settings.hidden, settings.latent, settings.activation)
    encoder = build_encoder(*sizes)
    if settings.likelihood == "gaussian":
        return encoder, build_gaussian_decoder(*sizes), gaussian_log_likelihood
    return encoder, build_decoder(*sizes), bernoulli_log_likelihood


def _log_likelihood(model: VAE, arrays: tuple[Array, ...], samples: int) -> Array:
    """`log_likelihood` in batches, with a progress bar in a terminal."""
    from tqdm import tqdm

    starts = tqdm(range(0, len(arrays[0]), 100), "log p", leave=False, disable=None)
    return np.concatenate([
        log_likelihood(model, tuple(array[start : start + 100] for array in arrays), samples)
        for start in starts
    ])  # fmt: skip


def ppca_loss(x_train: Array, x: Array, latent: int) -> str:
    """-log p(x) of probabilistic PCA, exact; "-" if the data leave no variance for its noise."""
    try:
        return f"{-np.mean(fit_ppca(x_train, latent).log_likelihood(x)):.2f}"
    except ValueError:
        return "-"


def prior(model: VAE, count: int) -> Array:
    """Codes (count, latent) from N(0, I)."""
    mean, _ = model.encoder.output_shape
    codes: Array = random.normal((count, mean[-1])).numpy()
    return codes


def mean_pixels(parameters: Tensor | list[Tensor]) -> Array:
    """The means of p(x|z), from the logits of a Bernoulli decoder or a Gaussian [mean, log_var]."""
    if isinstance(parameters, list):
        images: Array = parameters[0].numpy()
        return images
    return sigmoid(parameters)
