"""Networks for a GAN on a few thousand images, in place of the notebook's.

With the notebook's networks D learns 6,000 digits by heart: it tells them from G's more and more
surely, and G's images get worse. Dropout keeps it from doing so, and batch normalization lets a G
of two hidden layers learn quickly. The slope of 0.2 is that of Radford et al. 2016 (arXiv
1511.06434, section 3). benchmarks/README.md has the numbers.
"""

from numpy_nets.layers import BatchNormalization, Dense, Dropout, Input, LeakyReLU
from numpy_nets.models import Model, Sequential


def build_deep_generator(
    latent_dim: int = 100,
    output_dim: int = 784,
    hidden_dims: tuple[int, ...] = (256, 256),
    slope: float = 0.2,
) -> Model:
    """z (batch, latent_dim) -> images (batch, output_dim) in (-1, 1).

    Batch normalization in all hidden layers of G, as Radford et al. 2016 advise (arXiv 1511.06434,
    section 3). It makes a bias before it pointless: the mean that it subtracts has the bias in it.

    >>> build_deep_generator(2, 6, (4, 5)).count_params()  # 2·4, 4·5, 4 per unit, (5 + 1) · 6
    100
    """
    hidden = [
        layer
        for units in hidden_dims
        for layer in (
            Dense(units, use_bias=False),
            BatchNormalization(),
            LeakyReLU(negative_slope=slope),
        )
    ]
    return Sequential(
        [Input((latent_dim,)), *hidden, Dense(output_dim, activation="tanh")], name="generator"
    )


def build_deep_discriminator(
    input_dim: int = 784,
    hidden_dims: tuple[int, ...] = (256, 256),
    slope: float = 0.2,
    activation: str = "sigmoid",
    dropout: float = 0.3,
) -> Model:
    """x (batch, input_dim) -> D(x) (batch, 1).

    Dropout of the pixels and of all hidden units keeps D from learning a small data set by heart.

    >>> build_deep_discriminator(6, (4, 5)).count_params()  # (6 + 1) · 4, (4 + 1) · 5, 5 + 1
    59
    """
    hidden = [
        layer
        for units in hidden_dims
        for layer in (Dense(units), LeakyReLU(negative_slope=slope), Dropout(dropout))
    ]
    return Sequential(
        [Input((input_dim,)), Dropout(dropout), *hidden, Dense(1, activation=activation)],
        name="discriminator",
    )
