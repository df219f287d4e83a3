"""BiGAN: a GAN with an encoder, so that images have codes (Donahue et al. 2017, arXiv 1605.09782).

    min_{G,E} max_D  V(D, E, G) = E[log D(x, E(x))] + E[log(1 - D(G(z), z))]      (their equation 2)

D is shown pairs: a real image with the code that E gives it, or a noise z with the image that G
makes of it. At the optimum D cannot tell the pairs apart, and then E inverts G (their theorem 2).
Nothing compares G(E(x)) with x: that they match follows from the game. Only D's output says
anything to E, so its variables have to be among those that the step of G changes (`players`);
programs that train a stack of G and D alone leave E as it was initialized. Dumoulin et al. 2017
(ALI, arXiv 1606.00704) play the same game with noise in E.
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
    ReLU,
)
from keras.models import Model
from tensorflow import Tensor

from keras_ref.models.gan import GAN
from keras_ref.models.terms import batch_size


def build_bigan_encoder(
    input_dim: int = 784, latent_dim: int = 50, hidden_dim: int = 1024, slope: float = 0.2
) -> Model:
    """x (batch, input_dim) -> E(x) (batch, latent_dim), linear: codes of any size.

    Two hidden layers, the second with batch normalization: their appendix C.1.

    >>> build_bigan_encoder(6, 2, 4).count_params()  # 6·4 + 4, 4·4, 4 per unit, 4·2 + 2
    70
    """
    x = Input((input_dim,))
    hidden = LeakyReLU(negative_slope=slope)(Dense(hidden_dim)(x))
    hidden = BatchNormalization()(Dense(hidden_dim, use_bias=False)(hidden))
    hidden = LeakyReLU(negative_slope=slope)(hidden)
    return Model(x, Dense(latent_dim)(hidden), name="encoder")


def build_bigan_generator(
    latent_dim: int = 50, output_dim: int = 784, hidden_dim: int = 1024
) -> Model:
    """z (batch, latent_dim) -> images (batch, output_dim) in (-1, 1).

    Two hidden layers of ReLU units, both with batch normalization.

    >>> build_bigan_generator(2, 6, 4).count_params()  # 2·4, 4·4, 4 per unit twice, 4·6 + 6
    86
    """
    z = Input((latent_dim,))
    hidden = ReLU()(BatchNormalization()(Dense(hidden_dim, use_bias=False)(z)))
    hidden = ReLU()(BatchNormalization()(Dense(hidden_dim, use_bias=False)(hidden)))
    return Model(z, Dense(output_dim, activation="tanh")(hidden), name="generator")


def build_bigan_discriminator(
    input_dim: int = 784,
    latent_dim: int = 50,
    hidden_dim: int = 1024,
    slope: float = 0.2,
    dropout: float = 0.0,
) -> Model:
    """[x (batch, input_dim), z (batch, latent_dim)] -> D(x, z) (batch, 1).

    z joins x at the first layer and again at the second. The paper has batch normalization in the
    second, too; here, where the real pairs and the others are batches of their own, D then wins
    for good (D(x) 0.97 after 150 epochs on 6,000 digits) and neither G nor E learns.

    >>> build_bigan_discriminator(6, 2, 4).count_params()  # 8·4 + 4, 6·4 + 4, 4 + 1
    69
    """
    x, z = Input((input_dim,)), Input((latent_dim,))
    joint = Concatenate()([Dropout(dropout)(x), z])
    hidden = Dropout(dropout)(LeakyReLU(negative_slope=slope)(Dense(hidden_dim)(joint)))
    hidden = Dense(hidden_dim)(Concatenate()([hidden, z]))
    hidden = Dropout(dropout)(LeakyReLU(negative_slope=slope)(hidden))
    return Model([x, z], Dense(1, activation="sigmoid")(hidden), name="discriminator")


class BiGAN(GAN):
    """A GAN of pairs (x, z): D([x, z]), and an encoder E that is trained together with G.

    G and E both minimise D's loss with the labels exchanged, which is the non-saturating form of
    the game: -log D(G(z), z) for G, and -log(1 - D(x, E(x))) for E. One optimizer steps both, and
    fit reports E's loss as e_loss.

    Args:
        generator: z (batch, latent) -> images (batch, ...).
        discriminator: [images, codes (batch, latent)] -> D(x, z) (batch, 1).
        encoder: images -> codes.
        options: as for `GAN`. `prior` draws z; their experiments have it uniform on (-1, 1).

    `call` reconstructs: G(E(x)).

    >>> gan = BiGAN(
    ...     build_bigan_generator(2, 4, 8), build_bigan_discriminator(4, 2, 8),
    ...     build_bigan_encoder(4, 2, 8),
    ... )
    >>> tuple(gan(ops.convert_to_tensor([[0.1, 0.2, 0.3, 0.4]])).shape)
    (1, 4)
    """

    g_names = ("g_loss", "e_loss")

    def __init__(
        self, generator: Model, discriminator: Model, encoder: Model, **options: Any
    ) -> None:
        super().__init__(generator, discriminator, **options)
        self.encoder = encoder
        self.built = self.built and encoder.built

    def players(self) -> list[Model]:
        return [self.generator, self.encoder]

    def call(self, x: Tensor) -> Any:
        """G(E(x)), (batch, ...)."""
        return self.generator(self.encoder(x))

    def latent(self, real: Any) -> Any:
        """[z, x]: noise for G, and the images that E encodes in the same step."""
        return [self.draw_noise(batch_size(real)), real]

    def fake(self, z: Any, training: bool = False) -> Any:
        """[G(z), z]."""
        noise, _ = z
        return [self.generator(noise, training=training), noise]

    def encoded(self, x: Any, training: bool = False) -> Any:
        """[x, E(x)]."""
        return [x, self.encoder(x, training=training)]

    def examples(self, real: Any, z: Any, training: bool = False) -> list[tuple[float, Any]]:
        return [(self.real_label, self.encoded(real, training)), (0.0, self.fake(z, training))]

    def g_terms(self, z: Any, training: bool = False) -> list[Tensor]:
        """G's loss and E's."""
        _, x = z
        d_fake = self.discriminator(self.fake(z, training), training=training)
        d_real = self.discriminator(self.encoded(x, training), training=training)
        return [self.objective.generator(d_fake), self.objective.discriminator(0.0, d_real)]
