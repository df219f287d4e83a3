"""Walks through a latent space, and how much of it a VAE uses."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from numpy_nets.autodiff.tensor import Array
from numpy_nets.models.vae import VAE
from numpy_nets.network.batches import Batches, unpack_x_y_sample_weight


def active_units(model: VAE, data: Any, threshold: float = 0.01) -> int:
    """The number of latent units whose mean depends on x: Var_x(E[z_i|x]) > threshold.

    The other units have q(z_i|x) ≈ p(z_i) for every x, and the decoder learns to ignore them
    (Burda et al. 2016, arXiv 1509.00519, whose threshold is 0.01).

    Args:
        model: any model with `encode`.
        data: x (n, pixels), or the tuple (x, y) if the model is conditional.

    Raises:
        ValueError, TypeError: data that are no arrays of finite numbers of one length.
    """
    batches = Batches(*unpack_x_y_sample_weight(data), 1000, "data: ")
    means = np.concatenate([model.encode(batch)[0].numpy() for batch in batches.epoch()])
    return int(np.sum(means.var(axis=0, dtype=np.float64) > threshold))


def traverse(code: Any, unit: int, values: Sequence[float] | Array) -> Array:
    """Copies of a code (latent,), one for each of the values, which take the place of one unit.

    (len(values), latent).

    Raises:
        ValueError: the code is no vector, or has no such unit.
    """
    code = np.asarray(code)
    if code.ndim != 1:
        raise ValueError(f"traverse: code: expected shape (latent,), got {code.shape}")
    if not 0 <= unit < len(code):
        raise ValueError(f"traverse: unit: expected 0 to {len(code) - 1}, got {unit}")
    codes = np.tile(code.astype(np.result_type(code, np.float32)), (len(values), 1))
    codes[:, unit] = values
    return codes


def interpolate(start: Any, end: Any, steps: int, kind: str = "linear") -> Array:
    """Codes on the way from start to end, both (latent,) and both included: (steps, latent).

    Args:
        kind: "linear" is the straight line, (1 - t) start + t end. "spherical" goes along the
            arc between them (Shoemake 1985), with θ the angle between the two,

                (sin((1 - t) θ) start + sin(t θ) end) / sin θ

            In many dimensions samples of N(0, I) lie near a sphere, and the middle of a
            straight line is closer to 0 than any of them (White 2016, arXiv 1609.04468).

    Raises:
        ValueError: shapes that differ, fewer than 2 steps, or another kind. For "spherical" also
            a zero vector, which has no direction, and opposite ones, between which every arc is
            as short.
    """
    start, end = np.asarray(start, np.float64), np.asarray(end, np.float64)
    if start.ndim != 1 or start.shape != end.shape:
        raise ValueError(
            f"interpolate: start, end: expected one shape (latent,), got {start.shape}, {end.shape}"
        )
    if steps < 2:
        raise ValueError(f"interpolate: steps: expected at least 2, got {steps}")
    if kind not in ("linear", "spherical"):
        raise ValueError(f"interpolate: kind: expected 'linear' or 'spherical', got {kind!r}")
    t = np.linspace(0, 1, steps)[:, None]
    angle = _angle(start, end) if kind == "spherical" else 0.0
    if angle < 1e-8:  # where sin(tθ) / sin θ is t to the last digit; at θ = 0 it is 0 / 0
        weights = 1 - t, t
    else:
        weights = np.sin((1 - t) * angle) / np.sin(angle), np.sin(t * angle) / np.sin(angle)
    codes: Array = weights[0] * start + weights[1] * end
    return codes


def _angle(a: Array, b: Array) -> float:
    """Between 0 and π, and exact near both, where the arc cosine of a·b is not (Kahan 2006)."""
    norms = np.linalg.norm(a), np.linalg.norm(b)
    for name, norm in zip(("start", "end"), norms, strict=True):
        if not 0 < norm < np.inf:
            raise ValueError(f"interpolate: {name}: expected a norm above 0, got {norm}")
    a, b = a / norms[0], b / norms[1]
    angle = 2 * float(np.arctan2(np.linalg.norm(a - b), np.linalg.norm(a + b)))
    if np.pi - angle < 1e-8:
        raise ValueError("interpolate: end: expected no opposite of start, got it")
    return angle


def quantile_grid(n: int) -> Array:
    """n · n codes of 2 numbers that divide N(0, I) evenly: (n², 2), in reading order.

    The centres of n equal parts of (0, 1), through the inverse of the normal distribution
    function (Kingma & Welling, arXiv 1312.6114, appendix A, figure 4). As on a chart the first
    coordinate rises to the right and the second one upward: the first row has its largest value.

    Raises:
        ValueError: n below 1.
    """
    from scipy.special import ndtri

    if n < 1:
        raise ValueError(f"quantile_grid: n: expected at least 1, got {n}")
    quantiles = ndtri((np.arange(n) + 0.5) / n)
    right, up = np.meshgrid(quantiles, quantiles[::-1])
    return np.stack([right.ravel(), up.ravel()], axis=1)
