"""How noisy is an estimated gradient? The score function beside reparameterization."""

import os
from typing import Any

import numpy as np

from numpy_nets.autodiff.tensor import Array
from numpy_nets.theory.score_function import reparameterized, score_function


def measured_variances(d: int, epsilon: Array) -> tuple[float, float]:
    """Variances of two estimates of ∂/∂μ₁ E[|z|²], z ~ N(μ, I), at μ = (1, ..., 1) in d dimensions.

    The first is that of the score function, the second that of reparameterization. Each sample
    epsilon (n, d) from N(0, I) gives one estimate.
    """
    mean, log_var = np.ones(d), np.zeros(d)
    by_score, _ = score_function(lambda z: np.sum(z**2, axis=1), mean, log_var, epsilon)
    by_path, _ = reparameterized(lambda z: 2 * z, mean, log_var, epsilon)
    return float(by_score[:, 0].var()), float(by_path[:, 0].var())


def exact_variances(d: int) -> tuple[float, float]:
    """The same in closed form: variances of |z|² ε₁ and of 2 z₁, both of which have the mean 2.

    With z₁ = 1 + ε₁ and S the sum of the other d - 1 squares, each of mean 2 and E[z⁴] = 10,

        E[(z₁² + S)² ε₁²] = E[z₁⁴ ε₁²] + 2 E[z₁² ε₁²] E[S] + E[S²]
                          = 34 + 8 · 2 (d - 1) + 10 (d - 1) + 4 (d - 1)(d - 2)

    >>> exact_variances(1), exact_variances(128)
    ((30, 4), (67340, 4))
    """
    return 4 * d**2 + 14 * d + 12, 4


def gradient_variance_figure() -> Any:
    """The Matplotlib figure that `save_gradient_variance` writes."""
    from matplotlib.figure import Figure

    rng = np.random.default_rng(0)
    dimensions = [2**i for i in range(8)]
    dots = [measured_variances(d, rng.standard_normal((5_000, d))) for d in dimensions]
    lines = [exact_variances(d) for d in dimensions]
    figure = Figure(figsize=(6, 4), dpi=100, layout="constrained")
    axes = figure.subplots()
    for i, name in enumerate(("score function", "reparameterization")):
        axes.loglog(dimensions, [pair[i] for pair in lines], f"C{i}-")
        axes.loglog(dimensions, [pair[i] for pair in dots], f"C{i}o", label=name)
    axes.set_xscale("log", base=2)
    axes.set_xticks(dimensions, map(str, dimensions))
    axes.set_title("estimates of ∂/∂μ₁ E|z|² from one z ~ N(μ, I), at μ = 1", fontsize="medium")
    axes.set_xlabel("dimensions of z")
    axes.set_ylabel("variance (dots are measured, lines exact)")
    axes.grid(alpha=0.3)
    figure.legend(loc="outside lower center", ncols=2, frameon=False)
    return figure


def save_gradient_variance(path: str | os.PathLike[str]) -> None:
    """Draw the variances of both estimates against d: dots measured, lines exact.

    Raises:
        OSError: the file cannot be written.
    """
    figure = gradient_variance_figure()
    figure.savefig(path, dpi=figure.dpi)
