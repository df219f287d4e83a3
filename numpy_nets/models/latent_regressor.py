"""An encoder after the fact: E is trained to recover z from G(z), for a G that is finished.

    min_E  E_z |E(G(z)) - z|²

Donahue et al. 2017 (arXiv 1605.09782) call it the latent regressor, and compare BiGAN with it. E
learns from G's images alone and never sees a real one, so its codes of real images are as good as
G's images are like them. The best E is the mean of all z that G turns into one image.
"""

from typing import Any

import numpy as np  # noqa: F401  # the examples use it

from numpy_nets.autodiff import ops
from numpy_nets.autodiff.tensor import Tensor
from numpy_nets.layers import Dense, Input, LeakyReLU
from numpy_nets.models import Model, Sequential
from numpy_nets.models.terms import TermModel


def build_latent_encoder(
    input_dim: int = 784, latent_dim: int = 100, hidden_dim: int = 256, slope: float = 0.2
) -> Model:
    """x (batch, input_dim) -> E(x) (batch, latent_dim), linear, after two hidden layers.

    >>> build_latent_encoder(6, 2, 4).count_params()  # (6 + 1) · 4, (4 + 1) · 4, (4 + 1) · 2
    58
    """
    return Sequential(
        [
            Input((input_dim,)),
            Dense(hidden_dim),
            LeakyReLU(negative_slope=slope),
            Dense(hidden_dim),
            LeakyReLU(negative_slope=slope),
            Dense(latent_dim),
        ],
        name="encoder",
    )


class LatentRegressor(TermModel):
    """Trains an encoder of a generator's images; the data of `fit` are z (samples, latent).

    The loss is the squared error of a code, summed over its numbers: E that says 0 has the latent
    dimension times the variance of z. `call` reconstructs images: G(E(x)).

    Args:
        generator: z (batch, latent) -> images. It is frozen: its `trainable` becomes False.
        encoder: images -> codes (batch, latent).

    >>> model = LatentRegressor(
    ...     Sequential([Input((1,)), Dense(1)]), Sequential([Input((1,)), Dense(1)])
    ... )
    >>> model.generator.set_weights([np.array([[2.0]]), np.array([0.0])])  # G(z) = 2 z
    >>> model.encoder.set_weights([np.array([[0.5]]), np.array([0.25])])  # E(x) = x / 2 + ¼
    >>> [float(term) for term in model.terms(ops.convert_to_tensor([[1.0], [-1.0]]), None)]
    [0.0625]
    """

    term_names = ("squared_error",)
    data_names = ("z",)

    def __init__(self, generator: Model, encoder: Model, **options: Any) -> None:
        super().__init__(**options)
        generator.trainable = False
        self.generator = generator
        self.encoder = encoder
        self.built = generator.built and encoder.built  # so it can be saved before any call

    def call(self, x: Any) -> Any:
        return self.generator(self.encoder(x))

    def terms(self, data: Any, noise: Any) -> list[Tensor]:
        codes = self.encoder(self.generator(data))
        return [ops.mean(ops.sum(ops.square(codes - data), axis=1))]
