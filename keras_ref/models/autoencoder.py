"""The autoencoder: learn to reproduce the input through a narrow layer of codes.

Encoder h = f(x W₁ + b₁), decoder y = g(h W₂ + b₂), trained to make y close to x. With f and g
linear and a squared error, the best reconstructions are the projections of x onto its first
principal components (Baldi & Hornik 1989, Neural Networks 2(1)); with f = relu and g = σ, they are
no longer confined to a linear space.
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
        input_dim: the number of pixels in one image; each is in [0, 1] for a sigmoid output.
        latent_dim: the length of a code.
        activation: the activation of the codes.
        output_activation: the activation of the reconstruction.

    Returns:
        autoencoder, encoder: the encoder computes the codes, (batch, latent_dim), and shares its
        weights with the autoencoder.

    >>> autoencoder, encoder = build_autoencoder(4, 2)
    >>> autoencoder.count_params()  # kernels 4 · 2 + 2 · 4, biases 2 + 4
    22
    >>> encoder.output_shape
    (None, 2)
    """
    input_layer = Input(shape=(input_dim,))
    encoded = Dense(latent_dim, activation=activation)(input_layer)
    decoded = Dense(input_dim, activation=output_activation)(encoded)
    autoencoder = Model(input_layer, decoded, name="autoencoder")
    encoder = Model(input_layer, encoded, name="encoder")
    return autoencoder, encoder
