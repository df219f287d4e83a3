"""The networks of the conditional GAN's paper for MNIST (Mirza & Osindero 2014, arXiv 1411.1784).

    gan = ConditionalGAN(build_paper_conditional_generator(),
                         build_paper_conditional_discriminator(), prior=random.uniform)

with x (samples, 784) in [0, 1], y (samples, 10) one-hot, and z uniform on [0, 1) (section 4.1).
Each input has a layer of its own before the two meet. The ranges of the initial weights, which the
paper does not give, are those of `gan_paper`. With Adam, D wins against this G (see
benchmarks/README.md); the networks of `cgan` keep their balance.
"""

import numpy as np
from numpy.typing import ArrayLike

from numpy_nets.initializers import RandomUniform
from numpy_nets.layers import Concatenate, Dense, Dropout, Input, Maxout
from numpy_nets.models import Model


def build_paper_conditional_generator(
    latent_dim: int = 100, classes: int = 10, mean_image: ArrayLike | None = None
) -> Model:
    """[z (batch, latent_dim), y (batch, classes)] -> images (batch, 784) in (0, 1).

    200 ReLU units for z and 1000 for y, 1200 for both, then a sigmoid for each pixel. `mean_image`
    is that of `gan_paper.build_paper_generator`.

    >>> build_paper_conditional_generator().count_params() == (
    ...     101 * 200 + 11 * 1000 + 1201 * 1200 + 1201 * 784
    ... )
    True
    """

    def dense(units: int, activation: str = "relu") -> Dense:
        return Dense(units, activation=activation, kernel_initializer=RandomUniform(-0.05, 0.05))

    z, y = Input((latent_dim,)), Input((classes,))
    joint = dense(1200)(Concatenate()([dense(200)(z), dense(1000)(y)]))
    last = dense(784, "sigmoid")
    model = Model([z, y], last(joint), name="generator")
    if mean_image is not None:
        p = np.clip(mean_image, 1e-7, 1 - 1e-7)
        last.bias.assign(np.log(p / (1 - p)))
    return model


def build_paper_conditional_discriminator(classes: int = 10) -> Model:
    """[x (batch, 784), y (batch, classes)] -> D(x, y) (batch, 1).

    240 maxout units of 5 pieces for x and 50 for y, 240 units of 4 pieces for both, then a sigmoid.
    Dropout keeps 0.8 of the pixels, as in `gan_paper`, and half of the units.

    >>> build_paper_conditional_discriminator().count_params() == (
    ...     785 * 5 * 240 + 11 * 5 * 50 + 291 * 4 * 240 + 241
    ... )
    True
    """

    def weights() -> RandomUniform:
        return RandomUniform(-0.005, 0.005)

    x, y = Input((784,)), Input((classes,))
    both = [
        Dropout(0.5)(Maxout(units, 5, kernel_initializer=weights())(part))
        for part, units in ((Dropout(0.2)(x), 240), (y, 50))
    ]
    joint = Dropout(0.5)(Maxout(240, 4, kernel_initializer=weights())(Concatenate()(both)))
    last = Dense(1, activation="sigmoid", kernel_initializer=weights())
    return Model([x, y], last(joint), name="discriminator")
