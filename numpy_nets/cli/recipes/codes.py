"""The table of an encoder of a GAN: does it invert G, and what are its codes good for?"""

from collections.abc import Callable

import numpy as np

from numpy_nets import random
from numpy_nets.autodiff.tensor import Array
from numpy_nets.cli.recipes.autoencoder import nearest_pca, squared_error
from numpy_nets.cli.runs.data import Images
from numpy_nets.cli.runs.printed import Printed
from numpy_nets.evaluation.neighbours import nearest_neighbour_accuracy
from numpy_nets.models.autoencoder import build_autoencoder
from numpy_nets.network import Model

STEPS = 1500  # of the autoencoder, with 128 images each


def print_codes(
    name: str,
    data: Images,
    encoder: Model,
    untrained: Model,
    decode: Callable[[Array], Array],
    z: Array,
    printed: Printed,
) -> None:
    """Print errors and probes of an encoder, beside what is simpler.

    That is the same encoder untrained, an autoencoder with codes of the same length, PCA, and the
    pixels themselves.

    Args:
        name: heads the encoder's column.
        encoder, untrained: images in [-1, 1] -> codes (n, latent).
        decode: codes -> images (n, pixels) in [0, 1].
        z: (n, latent), draws of the prior.
        printed: prints them.
    """
    from rich.table import Table

    x, pca = data.x_test, nearest_pca(data, z.shape[1])
    labelled = data.y_train is not None and data.y_test is not None and data.trained_on
    table = Table(title="codes of test images, and images of codes")
    table.add_column("")
    for column in (
        "squared error of a pixel, G(E(x))", "squared error of a number, E(G(z))",
        "1-nearest neighbour on codes", "… on the layer before them",
    ):  # fmt: skip
        table.add_column(column, justify="right")

    def add(
        label: str,
        encode: Callable[[Array], Array],
        reconstruction: Array | None = None,
        number: float | None = None,
        before: Callable[[Array], Array] | None = None,
    ) -> None:
        error = "-" if reconstruction is None else f"{squared_error(x, reconstruction):.4f}"
        probes = [probe(data, f) if labelled and f is not None else "-" for f in (encode, before)]
        table.add_row(label, error, "-" if number is None else f"{number:.3f}", *probes)

    images = decode(z)
    for label, network in ((name, encoder), ("untrained", untrained)):
        encode, before = codes_of(network), codes_of(layer_before_the_code(network))
        add(label, encode, decode(encode(x)), float(np.mean((encode(images) - z) ** 2)), before)
    if data.trained_on:
        autoencoder, own = train_autoencoder(data.x_train, z.shape[1])
        outputs = autoencoder.predict(x, batch_size=1000, verbose=0)
        add("autoencoder", lambda x: own.predict(x, batch_size=1000, verbose=0), outputs)
    if pca is not None:
        add("PCA", pca.encode, pca.reconstruct(x).clip(0, 1))
    add("pixels", lambda x: x)
    printed.print(table)
    printed.print(f"The variance of a number of z is {z.var():.3f}: the error of an E that says 0.")


def train_autoencoder(x: Array, latent: int) -> tuple[Model, Model]:
    """An autoencoder of images x (n, pixels) and its encoder; no random draw of a run changes."""
    state = random.get_state()
    random.set_random_seed(0)
    try:
        autoencoder, encoder = build_autoencoder(x.shape[1], latent)
        autoencoder.compile("adam", "binary_crossentropy")
        for _ in range(STEPS):
            batch = x[random.generator().integers(len(x), size=128)]
            autoencoder.train_on_batch(batch, batch)
    finally:
        random.set_state(state)
    return autoencoder, encoder


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
