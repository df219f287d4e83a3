"""The conditional VAE: a VAE whose encoder and decoder are told the class y of the image.

    log p(x|y) ≥ E_q[log p(x|z, y)] - KL(q(z|x, y) ‖ p(z))

z is left to hold what the class does not say: style. To generate a class, draw z ~ N(0, I) and
decode [z, y]. Sources: Kingma et al. 2014 (arXiv 1406.5298), equation 6, where z and y are
independent, as here; Sohn et al. 2015 (NIPS), where the prior of z depends on the condition too.
"""

from typing import Any

from keras.layers import Concatenate, Dense, Input
from keras.models import Model

from keras_ref.models.vae import VAE, repeat


def build_conditional_encoder(
    input_dim: int = 784,
    classes: int = 10,
    hidden_dim: int = 400,
    latent_dim: int = 20,
    activation: str = "relu",
) -> Model:
    """[x (batch, input_dim), y (batch, classes)] -> [mean, log_var], each (batch, latent_dim)."""
    x, y = Input(shape=(input_dim,)), Input(shape=(classes,))
    hidden = Dense(hidden_dim, activation=activation)(Concatenate()([x, y]))
    return Model([x, y], [Dense(latent_dim)(hidden), Dense(latent_dim)(hidden)], name="encoder")


def build_conditional_decoder(
    input_dim: int = 784,
    classes: int = 10,
    hidden_dim: int = 400,
    latent_dim: int = 20,
    activation: str = "relu",
) -> Model:
    """[z (batch, latent_dim), y (batch, classes)] -> logits of the pixels, (batch, input_dim)."""
    z, y = Input(shape=(latent_dim,)), Input(shape=(classes,))
    hidden = Dense(hidden_dim, activation=activation)(Concatenate()([z, y]))
    return Model([z, y], Dense(input_dim)(hidden), name="decoder")


class ConditionalVAE(VAE):
    """A VAE of data (x, y): encoder([x, y]), decoder([z, y]), y (batch, classes) one-hot.

    Raises:
        ValueError: data is not (x, y).
    """

    data_names = ("x", "y")

    def call(self, data: Any) -> Any:
        """The parameters of p(x|z, y) at z = the mean of q(z|x, y)."""
        x, y = data
        mean, _ = self.encoder([x, y])
        return self.decoder([mean, y])

    def encode(self, data: Any) -> Any:
        return self.encoder(list(self.given(data)))

    def log_likelihood_at(self, z: Any, data: Any, samples: int) -> Any:
        x, y = repeat(data, samples)
        return self.log_likelihood(x, self.decoder([z, y]))
