"""numpy-nets invert RUN: an encoder for a GAN that has none."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from numpy_nets import random
from numpy_nets.autodiff.tensor import Array
from numpy_nets.cli.arguments import Parser, number
from numpy_nets.cli.recipes.codes import codes_of, print_codes
from numpy_nets.cli.recipes.gan import GANRecipe
from numpy_nets.cli.runs.printed import Printed
from numpy_nets.cli.runs.progress import TrainingBar
from numpy_nets.cli.runs.run import free_path
from numpy_nets.cli.runs.saved import load_saved
from numpy_nets.figures.images import save_reconstructions
from numpy_nets.models.latent_regressor import LatentRegressor, build_latent_encoder
from numpy_nets.optimizers import Adam

EPOCH = 100  # steps that the progress bar calls an epoch


def main(argv: Sequence[str]) -> int:
    """Train an encoder to recover z from G(z), and judge it; returns the exit code."""
    parser = Parser(
        prog="numpy-nets invert",
        description="Find codes of images for a GAN: train an encoder to recover z from G(z).",
    )
    parser.add_argument("run", metavar="RUN", type=Path, help="folder of a run of gan")
    parser.add_argument(
        "--steps", type=number(int, 1, most=10**6), default=5000,
        help="batches of 128 codes (default: 5000)",
    )  # fmt: skip
    parser.add_argument(
        "--hidden", type=number(int, 1, most=10**5), default=512,
        help="units of each of the encoder's two hidden layers (default: 512)",
    )  # fmt: skip
    arguments = parser.parse(argv)
    run = load_saved(arguments.run)
    if not isinstance(run.recipe, GANRecipe):
        raise ValueError(
            f"{arguments.run}: expected a run of gan, got one of {run.recipe.name}"
            + ("; a bigan has an encoder already" if run.recipe.name == "bigan" else "")
        )
    gan, recipe, data = run.model, run.recipe, run.images()
    assert isinstance(gan.averaged.input_shape, tuple)
    latent, pixels = gan.averaged.input_shape[-1], data.x_train.shape[1]
    encoder, untrained = (
        build_latent_encoder(pixels, latent, arguments.hidden) for _ in range(2)
    )
    untrained.set_weights(encoder.get_weights())
    model = LatentRegressor(gan.averaged, encoder)
    model.compile(Adam(1e-3))
    bar = TrainingBar(("loss",))
    try:
        model.fit(
            Draws(latent, min(EPOCH, arguments.steps)),
            epochs=max(1, arguments.steps // EPOCH), verbose=0, callbacks=[bar],
        )  # fmt: skip
    finally:
        bar.close()

    def decode(codes: Array) -> Array:
        return recipe.decode(gan, codes, None)

    file = free_path(arguments.run, "encoder", ".weights.h5")
    encoder.save_weights(file)
    print(f"written: {file}")
    z = random.normal((1000, latent)).numpy()
    print_codes("encoder", data, encoder, untrained, decode, z, Printed())
    if data.drawable:
        x, shape = data.x_test[:20], (-1, *data.image_shape)
        picture = free_path(arguments.run, "inverted", ".png")
        images = decode(codes_of(encoder)(x))
        save_reconstructions(
            picture, x.reshape(shape), images.reshape(shape), "test images, and G(E(x))"
        )
        print(f"written: {picture}")
    return 0


class Draws:
    """Batches of 128 codes (128, latent) from N(0, I), new ones every time."""

    def __init__(self, latent: int, steps: int) -> None:
        self.latent, self.steps = latent, steps

    def __len__(self) -> int:
        return self.steps

    def __iter__(self) -> Iterator[Array]:
        for _ in range(self.steps):
            yield random.normal((128, self.latent)).numpy()
