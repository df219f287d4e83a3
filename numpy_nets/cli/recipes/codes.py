"""The table of an encoder of a GAN: does it invert G, and what are its codes good for?"""

from collections.abc import Callable

import numpy as np

from numpy_nets.autodiff.tensor import Array
from numpy_nets.cli.recipes.autoencoder import nearest_pca, squared_error
from numpy_nets.cli.runs.data import Images
from numpy_nets.evaluation.neighbours import nearest_neighbour_accuracy
from numpy_nets.network import Model


def print_codes(
    name: str,
    data: Images,
    encoder: Model,
    untrained: Model,
    decode: Callable[[Array], Array],
    z: Array,
) -> None:
    """Print errors and probes of an encoder, beside its untrained self, PCA, and raw pixels.

    Args:
        name: heads the encoder's column.
        encoder, untrained: images in [-1, 1] -> codes (n, latent).
        decode: codes -> images (n, pixels) in [0, 1].
        z: (n, latent), draws of the prior.
    """
    from rich.console import Console
    from rich.table import Table

    x, pca = data.x_test, nearest_pca(data, z.shape[1])
    table = Table(title="codes of test images, and images of codes")
    for column in ("", name, "untrained", "PCA", "pixels"):
        table.add_column(column, justify="right" if column else "left")
    encoders = [codes_of(encoder), codes_of(untrained)]
    errors = [f"{squared_error(x, decode(encode(x))):.5f}" for encode in encoders]
    errors.append("-" if pca is None else f"{squared_error(x, pca.reconstruct(x).clip(0, 1)):.5f}")
    table.add_row("squared error of a pixel, G(E(x))", *errors, "-")
    images = decode(z)
    errors = [f"{np.mean((encode(images) - z) ** 2):.3f}" for encode in encoders]
    table.add_row("squared error of a number, E(G(z))", *errors, "-", "-")
    if data.y_train is not None and data.y_test is not None and data.trained_on:
        before = [codes_of(layer_before_the_code(e)) for e in (encoder, untrained)]
        accuracies = [probe(data, encode) for encode in encoders]
        accuracies += ["-" if pca is None else probe(data, pca.encode), probe(data, lambda x: x)]
        table.add_row("1-nearest neighbour on codes", *accuracies)
        table.add_row("… on the layer before them", *(probe(data, f) for f in before), "-", "-")
    console = Console()
    console.print(table)
    console.print(f"The variance of a number of z is {z.var():.3f}: the error of an E that says 0.")


def probe(data: Images, encode: Callable[[Array], Array], most: int = 10_000) -> str:
    """The accuracy of the nearest neighbour, on at most so many images of each split."""
    assert data.y_train is not None and data.y_test is not None
    train, test = encode(data.x_train[:most]), encode(data.x_test[:most])
    accuracy = nearest_neighbour_accuracy(train, data.y_train[:most], test, data.y_test[:most])
    return f"{accuracy:.1%}"


def codes_of(encoder: Model) -> Callable[[Array], Array]:
    """Images (n, pixels) in [0, 1] -> what an encoder makes of them."""

    def encode(x: Array) -> Array:
        codes: Array = encoder.predict(2 * x - 1, batch_size=1000, verbose=0)
        return codes

    return encode


def layer_before_the_code(encoder: Model) -> Model:
    """The encoder up to the input of its last layer."""
    assert encoder.functional is not None
    return Model(encoder.functional.inputs, encoder.layers[-1].nodes[0].inputs)
