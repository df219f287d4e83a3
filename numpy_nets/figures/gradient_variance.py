"""How noisy is a gradient? The score function against reparameterization."""

import os

import numpy as np

from numpy_nets.autodiff.tensor import Array
from numpy_nets.theory.score_function import reparameterized, score_function


def measured_variances(d: int, epsilon: Array) -> tuple[float, float]:
    """Of the two estimates of ∂/∂μ₁ E[|z|²], z ~ N(μ, I), at μ = 1 in d dimensions.

    Score function first, then reparameterized; epsilon is (n, d), from N(0, I).
    """
    mean, log_var = np.ones(d), np.zeros(d)
    by_score, _ = score_function(lambda z: np.sum(z**2, axis=1), mean, log_var, epsilon)
    by_path, _ = reparameterized(lambda z: 2 * z, mean, log_var, epsilon)
    return float(by_score[:, 0].var()), float(by_path[:, 0].var())


def exact_variances(d: int) -> tuple[float, float]:
    """What `measured_variances` estimates: those of |z|² ε₁ and of 2 z₁, whose mean is 2.

    With z₁ = 1 + ε₁ and S the sum of the other d - 1 squares, each of mean 2 and E[z⁴] = 10,

        E[(z₁² + S)² ε₁²] = E[z₁⁴ ε₁²] + 2 E[z₁² ε₁²] E[S] + E[S²]
                          = 34 + 8 · 2 (d - 1) + 10 (d - 1) + 4 (d - 1)(d - 2)
    """
    return 4 * d**2 + 14 * d + 12, 4


def save_gradient_variance(path: str | os.PathLike[str]) -> None:
    """Draw the variances of both estimates against d: dots measured, lines exact.

    Raises:
        OSError: the file cannot be written.
    """
    from matplotlib.figure import Figure

    rng = np.random.default_rng(0)
    dimensions = [2**i for i in range(8)]
    dots = [measured_variances(d, rng.standard_normal((5_000, d))) for d in dimensions]
    lines = [exact_variances(d) for d in dimensions]
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    for i, name in enumerate(("score function", "reparameterized")):
        axes.loglog(dimensions, [pair[i] for pair in lines], f"C{i}-", base=2)
        axes.loglog(dimensions, [pair[i] for pair in dots], f"C{i}o", base=2, label=name)
    axes.set_title("one sample's estimate of ∂/∂μ₁ E|z|², z ~ N(1, I)", fontsize="medium")
    axes.set_xlabel("dimensions of z")
    axes.set_ylabel("variance (dots measured, lines exact)")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=100)
