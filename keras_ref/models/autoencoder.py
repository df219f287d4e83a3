"""The autoencoder: learn to reproduce the input through a narrow layer of codes.

Encoder h = f(x W₁ + b₁), decoder y = g(h W₂ + b₂), trained to make y like x. With f and g linear
and a squared error, the best codes span the space of the first principal components (Baldi &
Hornik 1989); with f = relu and g = σ, the codes are no longer bound to a linear space.
"""

from keras.layers import Dense, Input
from keras.models import Model


def build_autoencoder(
    input_dim: int = 784,
    latent_dim: int = 64,
    activation: str = "relu",
    output_activation: str = "sigmoid",
) -> tuple[Model, Model]:
    """The autoencoder, (batch, input_dim) -> (batch, input_dim), and its encoder.

    Args:
        input_dim: pixels of an image, each in [0, 1] for a sigmoid output.
        latent_dim: length of a code.
        activation: of the codes.
        output_activation: of the reconstruction.

    Returns:
        autoencoder, encoder: the encoder gives the codes, (batch, latent_dim), and shares its
        weights with the autoencoder.
    """
    input_layer = Input(shape=(input_dim,))
    encoded = Dense(latent_dim, activation=activation)(input_layer)
    decoded = Dense(input_dim, activation=output_activation)(encoded)
    autoencoder = Model(input_layer, decoded, name="autoencoder")
    encoder = Model(input_layer, encoded, name="encoder")
    return autoencoder, encoder
