"""Paths through a latent space, and how many of its dimensions a VAE uses."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from numpy_nets.autodiff.tensor import Array
from numpy_nets.checks import positive_int
from numpy_nets.models.vae import VAE
from numpy_nets.network.batches import Batches, unpack_x_y_sample_weight


def active_units(model: VAE, data: Any, threshold: float = 0.01) -> int:
    """The number of latent units whose mean depends on x: Var_x(E[z_i|x]) > threshold.

    For the other units q(z_i|x) ≈ p(z_i) whatever x is, and the decoder learns to ignore them
    (Burda et al. 2016, arXiv 1509.00519, with the threshold 0.01).

    Args:
        model: any model with `encode`.
        data: x (n, pixels), or the tuple (x, y) if the model is conditional.

    Raises:
        ValueError, TypeError: the data are not arrays of finite numbers of one length.

    >>> vae = VAE(lambda x: [x, 0 * x], None)  # mean = x, so z₁ varies and z₂ does not
    >>> active_units(vae, np.array([[0.0, 1.0], [2.0, 1.0]]))
    1
    """
    batches = Batches(*unpack_x_y_sample_weight(data), 1000, "data: ")
    means = np.concatenate([model.encode(batch)[0].numpy() for batch in batches.epoch()])
    return int(np.sum(means.var(axis=0, dtype=np.float64) > threshold))


def traverse(code: ArrayLike, unit: int, values: Sequence[float] | Array) -> Array:
    """Copies of a code (latent,) in which one unit takes each of the values: (len(values), latent).

    Raises:
        ValueError: the code is not a vector, or has no such unit.

    >>> traverse([1, 2], unit=0, values=[-3, 0, 3]).tolist()
    [[-3.0, 2.0], [0.0, 2.0], [3.0, 2.0]]
    """
    code = np.asarray(code)
    if code.ndim != 1:
        raise ValueError(f"traverse: code: expected shape (latent,), got {code.shape}")
    if not 0 <= unit < len(code):
        raise ValueError(f"traverse: unit: expected 0 to {len(code) - 1}, got {unit}")
    codes = np.tile(code.astype(np.result_type(code, np.float32)), (len(values), 1))
    codes[:, unit] = values
    return codes


def interpolate(start: ArrayLike, end: ArrayLike, steps: int, kind: str = "linear") -> Array:
    """Codes on the way from start to end, both (latent,) and both included: (steps, latent).

    Args:
        kind: "linear" is the straight line, (1 - t) start + t end. "spherical" is the arc
            between them (Shoemake 1985); with θ the angle between the two,

                (sin((1 - t) θ) start + sin(t θ) end) / sin θ

            In many dimensions the samples of N(0, I) lie close to a sphere, and the middle of a
            straight line is closer to 0 than any of them (White 2016, arXiv 1609.04468).

    Raises:
        ValueError: the shapes differ, there are fewer than 2 steps, or the kind is unknown. For
            "spherical" also if a vector is zero, which has no direction, or if the two are
            opposite, as then all arcs between them have the same length.

    >>> interpolate([0, 0], [2, 4], steps=3).tolist()
    [[0.0, 0.0], [1.0, 2.0], [2.0, 4.0]]
    >>> interpolate([1, 0], [0, 1], 3, "spherical").round(4).tolist()  # in the middle cos 45°
    [[1.0, 0.0], [0.7071, 0.7071], [0.0, 1.0]]
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
    if angle < 1e-8:  # sin(tθ) / sin θ equals t to the last digit there, but is 0 / 0 at θ = 0
        weights = 1 - t, t
    else:
        weights = np.sin((1 - t) * angle) / np.sin(angle), np.sin(t * angle) / np.sin(angle)
    codes: Array = weights[0] * start + weights[1] * end
    return codes


def _angle(a: Array, b: Array) -> float:
    """The angle between a and b, 0 to π.

    With unit vectors, |a - b| = 2 sin θ/2 and |a + b| = 2 cos θ/2, so θ = 2 arctan of their ratio.
    This is accurate also near 0 and π, where the arc cosine of a·b is not (Kahan 2006).
    """
    norms = np.linalg.norm(a), np.linalg.norm(b)
    for name, norm in zip(("start", "end"), norms, strict=True):
        if not 0 < norm < np.inf:
            raise ValueError(f"interpolate: {name}: expected a norm above 0, got {norm}")
    a, b = a / norms[0], b / norms[1]
    angle = 2 * float(np.arctan2(np.linalg.norm(a - b), np.linalg.norm(a + b)))
    if np.pi - angle < 1e-8:
        raise ValueError("interpolate: end: expected a direction not opposite to start, got that")
    return angle


def quantile_grid(n: int) -> Array:
    """n · n codes of 2 numbers that divide N(0, I) evenly: (n², 2), in reading order.

    The centres of n equal parts of (0, 1) are mapped by the inverse of the normal distribution
    function (Kingma & Welling, arXiv 1312.6114, appendix A, figure 4). As on a chart, the first
    coordinate increases to the right and the second one upward, so the second one is largest in
    the first row.

    Raises:
        ValueError: n is not a positive integer.

    >>> quantile_grid(2).round(4).tolist()  # ± the upper quartile of N(0, 1)
    [[-0.6745, 0.6745], [0.6745, 0.6745], [-0.6745, -0.6745], [0.6745, -0.6745]]
    """
    from scipy.special import ndtri

    n = positive_int("quantile_grid: n", n)
    quantiles = ndtri((np.arange(n) + 0.5) / n)
    right, up = np.meshgrid(quantiles, quantiles[::-1])
    return np.stack([right.ravel(), up.ravel()], axis=1)
