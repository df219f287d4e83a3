"""The sparse autoencoder: only a few units are active for any one image.

Its loss is that of an autoencoder, the reconstruction's crossentropy, plus a penalty on the codes.
Because of the penalty, codes that are longer than the image still do not become a copy of it. There
are two penalties: one holds the mean activation of each unit close to a small target (Ng, CS294A
lecture notes: Sparse autoencoder; after Lee, Ekanadham & Ng 2008, Sparse deep belief net model for
visual area V2), the other is the sum of the absolute values.
"""

from collections.abc import Callable
from typing import Any

from keras import ops
from keras.models import Model
from tensorflow import Tensor

from keras_ref.models.terms import TermModel
from keras_ref.models.vae import bernoulli_log_likelihood
from numpy_nets.checks import number


def kl_sparsity(codes: Tensor, target: float = 0.05) -> Tensor:
    """Σ_j KL(ρ ‖ ρ̂_j) = Σ_j ρ log(ρ/ρ̂_j) + (1-ρ) log((1-ρ)/(1-ρ̂_j)), a scalar in nats.

    This is the KL divergence between Bernoulli variables that are 1 with probability ρ and ρ̂_j.

    Args:
        codes: (batch, units), each in (0, 1), as a sigmoid gives them; ρ̂_j is the mean of unit j
            over the batch, kept 1e-7 away from 0 and 1, where the KL is infinite.
        target: ρ.

    Raises:
        ValueError: target is not a number in (0, 1).

    >>> float(kl_sparsity(ops.convert_to_tensor([[0.25], [0.75]]), target=0.5))  # ρ̂ = ρ
    0.0
    >>> round(float(kl_sparsity(ops.convert_to_tensor([[0.25]]), target=0.5)), 4)  # ½ log 4/3
    0.1438
    """
    target = number("kl_sparsity: target", target, "(0, 1)")
    mean = ops.clip(ops.mean(codes, axis=0), 1e-7, 1 - 1e-7)
    on, off = target * ops.log(target / mean), (1 - target) * ops.log((1 - target) / (1 - mean))
    return ops.sum(on + off)


def l1_sparsity(codes: Tensor) -> Tensor:
    """Σ_j |h_j|, averaged over the batch: a scalar.  codes h (batch, units), of any activation.

    >>> float(l1_sparsity(ops.convert_to_tensor([[1.0, -2.0], [0.0, 1.0]])))  # (3 + 1) / 2
    2.0
    """
    return ops.mean(ops.sum(ops.abs(codes), axis=-1))


class SparseAutoencoder(TermModel):
    """Trains on reconstruction + weight · penalty.

    Args:
        encoder: x (batch, pixels) -> codes (batch, latent).
        decoder: codes -> logits of the pixels, (batch, pixels).
        penalty: codes -> a scalar; `functools.partial(kl_sparsity, target=0.1)` sets a target.
        weight: the weight of the penalty in the loss.

    Raises:
        ValueError: weight is not a finite number >= 0.

    fit and evaluate take images alone and report loss = reconstruction + sparsity in nats per
    image, where sparsity is the penalty multiplied by weight.

    Two pixels with logits 0 cost 2 log 2 nats; the codes (1, 0) cost ½ · 1:

    >>> sparse = SparseAutoencoder(lambda x: x, lambda codes: 0 * codes, l1_sparsity, weight=0.5)
    >>> terms = sparse.terms(ops.convert_to_tensor([[1.0, 0.0]]), None)
    >>> [round(float(term), 4) for term in terms]
    [1.3863, 0.5]
    """

    term_names = ("reconstruction", "sparsity")

    def __init__(
        self,
        encoder: Model,
        decoder: Model,
        penalty: Callable[[Tensor], Tensor] = kl_sparsity,
        weight: float = 3.0,
        **options: Any,
    ) -> None:
        weight = number("SparseAutoencoder: weight", weight, "[0, inf)")
        super().__init__(**options)
        self.encoder = encoder
        self.decoder = decoder
        self.penalty = penalty
        self.weight = weight

    def call(self, x: Tensor) -> Any:
        """The logits of the reconstruction of x."""
        return self.decoder(self.encoder(x))

    def terms(self, data: Any, noise: Any) -> list[Tensor]:
        """The reconstruction and the weighted penalty; there is no noise."""
        codes = self.encoder(data)
        reconstruction = -ops.mean(bernoulli_log_likelihood(data, self.decoder(codes)))
        return [reconstruction, self.weight * self.penalty(codes)]
