"""The conditional GAN of Mirza & Osindero 2014 (arXiv 1411.1784): G and D are told the class y.

    min_G max_D  E[log D(x|y)] + E[log(1 - D(G(z|y)|y))]        (their equation 2)

D does not only ask whether an image is real, but whether it is a real image *of class y*: an image
that is real but has another label is not among what D calls real. So G has to heed y, and after
training y chooses the class and z the rest.
"""

from typing import Any

from keras import ops  # noqa: F401  # the examples use it
from keras.layers import (
    BatchNormalization,
    Concatenate,
    Dense,
    Dropout,
    Input,
    LeakyReLU,
)
from keras.models import Model
from tensorflow import Tensor

from keras_ref.models.gan import GAN
from keras_ref.models.terms import batch_size


def build_conditional_generator(
    latent_dim: int = 100,
    classes: int = 10,
    output_dim: int = 784,
    hidden_dims: tuple[int, ...] = (256, 256),
    slope: float = 0.2,
) -> Model:
    """[z (batch, latent_dim), y (batch, classes)] -> images (batch, output_dim) in (-1, 1).

    The layers of `gan_deep.build_deep_generator`, with y beside z.

    >>> build_conditional_generator(2, 3, 6, (4,)).count_params()  # (2 + 3)·4, 4·4, (4 + 1)·6
    66
    """
    z, y = Input((latent_dim,)), Input((classes,))
    hidden = Concatenate()([z, y])
    for units in hidden_dims:
        hidden = BatchNormalization()(Dense(units, use_bias=False)(hidden))
        hidden = LeakyReLU(negative_slope=slope)(hidden)
    return Model([z, y], Dense(output_dim, activation="tanh")(hidden), name="generator")


def build_conditional_discriminator(
    input_dim: int = 784,
    classes: int = 10,
    hidden_dims: tuple[int, ...] = (256, 256),
    slope: float = 0.2,
    activation: str = "sigmoid",
    dropout: float = 0.3,
) -> Model:
    """[x (batch, input_dim), y (batch, classes)] -> D(x, y) (batch, 1).

    The layers of `gan_deep.build_deep_discriminator`, with y beside x. The dropout spares y.

    >>> build_conditional_discriminator(6, 3, (4,)).count_params()  # (6 + 3 + 1)·4, 4 + 1
    45
    """
    x, y = Input((input_dim,)), Input((classes,))
    hidden = Concatenate()([Dropout(dropout)(x), y])
    for units in hidden_dims:
        hidden = Dropout(dropout)(LeakyReLU(negative_slope=slope)(Dense(units)(hidden)))
    return Model([x, y], Dense(1, activation=activation)(hidden), name="discriminator")


class ConditionalGAN(GAN):
    """A GAN of data (x, y): G([z, y]) and D([x, y]), y (batch, classes) one-hot.

    All of `GAN` holds, with a pair in place of x and of z: a batch of `fit` is (x, y), `call` takes
    [z, y]. G's images get the labels of the real images beside them, so classes are as frequent
    among both, and D cannot tell them apart by how often a class occurs.

    Raises:
        ValueError: at a step, if the data are not (x, y).

    >>> gan = ConditionalGAN(
    ...     build_conditional_generator(2, 3, 4, (5,)), build_conditional_discriminator(4, 3, (5,))
    ... )
    >>> z, y = ops.convert_to_tensor([[1.0, -1.0]]), ops.convert_to_tensor([[0.0, 1.0, 0.0]])
    >>> tuple(gan([z, y]).shape)
    (1, 1)
    """

    def given(self, data: Any) -> Any:
        if not isinstance(data, tuple) or len(data) < 2 or data[1] is None:
            raise ValueError("ConditionalGAN: data: expected (x, y), with one-hot labels y, got x")
        return [data[0], data[1]]

    def draw_noise(self, count: int) -> Tensor:
        latent, _ = self.generator.input_shape
        return self.prior((count, latent[-1]))

    def latent(self, real: Any) -> Any:
        x, y = real
        return [self.draw_noise(batch_size(x)), y]

    def fake(self, z: Any, training: bool = False) -> Any:
        _, y = z
        return [self.generator(z, training=training), y]
