"""EASE: the best linear autoencoder that may not copy, in closed form (Steck 2019, 1905.03375).

A linear autoencoder X ≈ X B of baskets X (n, items) has a useless optimum, B = I: every item
explains itself. EASE forbids that: the diagonal of B is zero, so an item is predicted from the
others alone. What is left is a regression with a solution that needs no training.
"""

import numpy as np
from numpy.typing import ArrayLike

from numpy_nets.autodiff.tensor import Array
from numpy_nets.checks import number


def fit_ease(x: ArrayLike, penalty: float) -> Array:
    """The weights B (items, items) for baskets x (n, items): scores are x @ B.

    B minimises, with λ = penalty,

        ½ |X - X B|² + ½ λ |B|²        subject to diag(B) = 0

    One Lagrange multiplier γ_j for each of the constraints B_jj = 0 gives

        L(B, γ) = ½ |X - X B|² + ½ λ |B|² + Σ_j γ_j B_jj

    whose derivative in B has to vanish:

        Xᵀ(X B - X) + λ B + diag(γ) = 0,    so    (XᵀX + λ I) B = XᵀX - diag(γ)

    With P = (XᵀX + λ I)⁻¹, and XᵀX = P⁻¹ - λ I on the right,

        B = P (P⁻¹ - λ I - diag(γ)) = I - P diag(λ + γ)

    The constraint now says what λ + γ is: 0 = B_jj = 1 - P_jj (λ + γ_j), so λ + γ_j = 1 / P_jj and

        B = I - P diag(1 / diag P)

    which is 0 on the diagonal and -P_ij / P_jj elsewhere. The objective is strictly convex for
    λ > 0 and the constraints are linear, so this is its only minimum. P_jj > 0, as P is positive
    definite.

    Raises:
        ValueError: x is not (n, items) or not finite, or penalty is not a finite number > 0.

    Two items that n = 2 customers bought together: XᵀX = [[2, 2], [2, 2]], and with λ = 2 the
    regression of one on the other has the weight 2 / (2 + 2).

    >>> fit_ease([[1, 1], [1, 1]], penalty=2.0).round(12).tolist()
    [[0.0, 0.5], [0.5, 0.0]]
    """
    penalty = number("fit_ease: penalty", penalty, "(0, inf)")
    x = np.asarray(x, np.float64)
    if x.ndim != 2 or not x.size or not np.isfinite(x).all():
        raise ValueError(f"fit_ease: x: expected finite values (n, items), got shape {x.shape}")
    inverse = np.linalg.inv(x.T @ x + penalty * np.eye(x.shape[1]))
    weights: Array = -inverse / np.diag(inverse)  # column j by P_jj
    np.fill_diagonal(weights, 0)
    return weights
