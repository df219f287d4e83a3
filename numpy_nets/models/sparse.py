"""The sparse autoencoder: few units active for any one image.

The loss is the reconstruction's, as in the denoising autoencoder, plus a penalty on the codes, so
that a code longer than the image is still no copy of it. Two penalties: each unit's mean activation
held to a small target (Ng, CS294A lecture notes: Sparse autoencoder; after Lee, Ekanadham & Ng
2008, Sparse deep belief net model for visual area V2), or the sum of absolute values.
"""

from collections.abc import Callable
from typing import Any

from numpy_nets.autodiff import ops
from numpy_nets.models import Model
from numpy_nets.models.terms import TermModel
from numpy_nets.models.vae import bernoulli_log_likelihood


def kl_sparsity(codes: Any, target: float = 0.05) -> Any:
    """Σ_j KL(ρ ‖ ρ̂_j) = Σ_j ρ log(ρ/ρ̂_j) + (1-ρ) log((1-ρ)/(1-ρ̂_j)), in nats.

    Args:
        codes: (batch, units), each in (0, 1), as a sigmoid gives; ρ̂_j is the mean of unit j over
            the batch, kept 1e-7 away from 0 and 1, where the KL is infinite.
        target: ρ.

    Raises:
        ValueError: target is not in (0, 1).
    """
    if not isinstance(target, int | float) or not 0 < target < 1:
        raise ValueError(f"kl_sparsity: target: expected in (0, 1), got {target!r}")
    mean = ops.clip(ops.mean(codes, axis=0), 1e-7, 1 - 1e-7)
    on, off = target * ops.log(target / mean), (1 - target) * ops.log((1 - target) / (1 - mean))
    return ops.sum(on + off)


def l1_sparsity(codes: Any) -> Any:
    """Σ_j |h_j|, the mean over the batch.  codes h (batch, units), of any activation."""
    return ops.mean(ops.sum(ops.abs(codes), axis=-1))


class SparseAutoencoder(TermModel):
    """Reconstruction + weight · penalty.

    Args:
        encoder: x (batch, pixels) -> codes (batch, latent).
        decoder: codes -> logits of the pixels, (batch, pixels).
        penalty: codes -> a scalar; `functools.partial(kl_sparsity, target=0.1)` sets a target.
        weight: of the penalty.

    Raises:
        ValueError: weight is negative.

    fit and evaluate take images alone and report loss = reconstruction + sparsity, where sparsity
    has been multiplied by weight, in nats per image.
    """

    term_names = ("reconstruction", "sparsity")

    def __init__(
        self,
        encoder: Model,
        decoder: Model,
        penalty: Callable[[Any], Any] = kl_sparsity,
        weight: float = 3.0,
        **options: Any,
    ) -> None:
        if not isinstance(weight, int | float) or not 0 <= weight < float("inf"):
            raise ValueError(f"SparseAutoencoder: weight: expected >= 0, got {weight!r}")
        super().__init__(**options)
        self.encoder = encoder
        self.decoder = decoder
        self.penalty = penalty
        self.weight = weight

    def call(self, x: Any) -> Any:
        """Logits of the reconstruction of x."""
        return self.decoder(self.encoder(x))

    def terms(self, data: Any, noise: Any) -> list[Any]:
        """The reconstruction and the weighted penalty; there is no noise."""
        codes = self.encoder(data)
        reconstruction = -ops.mean(bernoulli_log_likelihood(data, self.decoder(codes)))
        return [reconstruction, self.weight * self.penalty(codes)]
