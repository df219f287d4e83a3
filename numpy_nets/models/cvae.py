"""The conditional VAE: a VAE whose encoder and decoder are told the class y of the image.

    log p(x|y) ≥ E_q[log p(x|z, y)] - KL(q(z|x, y) ‖ p(z))

This is the ELBO of vae.py with every density conditional on y, except the prior: z is independent
of y. What the class does not determine, the style, is left for z to describe. To generate an image
of a class, draw z ~ N(0, I) and decode [z, y]. Sources: Kingma et al. 2014 (arXiv 1406.5298),
equation 6, with the same prior; Sohn et al. 2015 (NIPS), where the prior of z depends on y too.
"""

from typing import Any

from numpy_nets.autodiff.tensor import Tensor
from numpy_nets.layers import Concatenate, Dense, Input
from numpy_nets.models import Model
from numpy_nets.models.vae import VAE, repeat


def build_conditional_encoder(
    input_dim: int = 784,
    classes: int = 10,
    hidden_dim: int = 400,
    latent_dim: int = 20,
    activation: str = "relu",
) -> Model:
    """[x (batch, input_dim), y (batch, classes)] -> [mean, log_var], each (batch, latent_dim).

    >>> build_conditional_encoder(4, 3, 5, 2).count_params()  # (4 + 3 + 1) · 5, twice (5 + 1) · 2
    64
    """
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
    """[z (batch, latent_dim), y (batch, classes)] -> logits of the pixels, (batch, input_dim).

    >>> build_conditional_decoder(4, 3, 5, 2).count_params()  # (2 + 3 + 1) · 5, (5 + 1) · 4
    54
    """
    z, y = Input(shape=(latent_dim,)), Input(shape=(classes,))
    hidden = Dense(hidden_dim, activation=activation)(Concatenate()([z, y]))
    return Model([z, y], Dense(input_dim)(hidden), name="decoder")


class ConditionalVAE(VAE):
    """A VAE of data (x, y): encoder([x, y]), decoder([z, y]), with y (batch, classes) one-hot.

    Raises:
        ValueError: at a step, if the data are not (x, y).
    """

    data_names = ("x", "y")

    def call(self, data: Any) -> Any:
        """The parameters of p(x|z, y) at z = the mean of q(z|x, y)."""
        x, y = data
        mean, _ = self.encoder([x, y])
        return self.decoder([mean, y])

    def encode(self, data: Any) -> tuple[Tensor, Tensor]:
        mean, log_var = self.encoder(list(self.given(data)))
        return mean, log_var

    def log_likelihood_at(self, z: Tensor, data: Any, samples: int) -> Tensor:
        x, y = repeat(data, samples)
        return self.log_likelihood(x, self.decoder([z, y]))
