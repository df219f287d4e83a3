"""Skip this on a first reading: operations of `ops`, in fewer passes over memory.

Each computes what its docstring says in terms of `ops`, derivatives included, and a test holds it
to that. Keras has none of them, so they are not public.
"""

import math

import numpy as np

from numpy_nets import config
from numpy_nets.autodiff import ops
from numpy_nets.autodiff.op import op
from numpy_nets.autodiff.ops import Result
from numpy_nets.autodiff.tensor import Array, Logits, Tensor, TensorLike, convert_to_tensor
from numpy_nets.blocks import blocks

# A crossentropy works on so many rows at a time. On (256, 784), two cores: Intel Xeon (2 MB of
# cache each) 0.77 ms whole, 0.61 in blocks; AMD EPYC (1 MB) 0.52 whole, 0.55 in blocks.
ROWS = 128


@op
def dense(x: Array, w: Array, b: Array) -> Result:
    """ops.matmul(x, w) + b.    ∂L/∂X = G Wᵀ,    ∂L/∂W = Xᵀ G,    ∂L/∂b = Σ G over rows.

    X (..., k), W (k, m), b (m,). Here b is added in place, and matrices of two axes are multiplied,
    for which np.dot is quick even where m = 1.
    """
    rows = math.prod(x.shape[:-1])
    y = np.matmul(x, w)
    y += b
    return y, (
        lambda g: np.dot(g.reshape(rows, b.size), w.T).reshape(x.shape),
        lambda g: np.dot(x.reshape(rows, len(w)).T, g.reshape(rows, b.size)),
        lambda g: np.sum(g.reshape(rows, b.size), 0),
    )


def sigmoid(x: TensorLike) -> Tensor:
    """ops.sigmoid(x), which leaves x and e^-|x| in `logits` for the crossentropy."""
    x = convert_to_tensor(x)
    if x.dtype.kind != "f":
        x = ops.cast(x, config.floatx())
    decay = np.empty(x.shape, x.dtype)
    y = _sigmoid(x, decay=decay)
    y.logits = Logits(x, decay)
    return y


@op
def _sigmoid(x: Array, decay: Array) -> Result:
    """With e = e^-|X|, which is written into `decay`, Y is 1 / (1 + e) or e / (1 + e)."""
    y = np.empty_like(decay)
    flat_x, flat_e, flat_y = x.reshape(-1), decay.reshape(-1), y.reshape(-1)
    for block in blocks(x.size):
        e = _decay(flat_x[block], flat_e[block])
        np.divide(np.maximum(e, flat_x[block] >= 0), 1 + e, out=flat_y[block])
    return y, (lambda g: g * y * (1 - y),)


def _decay(x: Array, out: Array | None = None) -> Array:
    """e^-|x|, in [0, 1]."""
    e = np.abs(x, out=out)
    return np.exp(np.negative(e, out=e), out=e)


def mean_crossentropy(target: Tensor, p: Tensor) -> Tensor:
    """ops.mean(ops.binary_crossentropy(target, p), axis=-1), computed from the logits of p.

    Their sigmoid is taken from p, if p is that; p of a softmax is not.
    """
    assert p.logits is not None
    logits, decay = p.logits
    if decay is None:
        return mean_crossentropy_from_logits(target, logits)
    return mean_crossentropy_from_logits(target, logits, decay=decay, probability=p.array)


@op
def mean_crossentropy_from_logits(
    target: Array, z: Array, decay: Array | None = None, probability: Array | None = None
) -> Result:
    """ops.mean(ops.binary_crossentropy(target, z, from_logits=True), axis=-1): (..., n) -> (...).

    ∂L/∂z = G (σ(z) - y) / n,    ∂L/∂y = -G z / n.    decay = e^-|z| and probability = σ(z), if a
    sigmoid has computed them already.
    """
    n = z.shape[-1]
    rows_z, rows_y = z.reshape(-1, n), target.reshape(-1, n)
    e = _decay(rows_z) if decay is None else decay.reshape(-1, n)
    total = np.empty(len(rows_z), z.dtype)
    for rows in blocks(len(rows_z), ROWS):
        slope: Array = (rows_z[rows] > 0) - rows_y[rows]
        total[rows] = np.vecdot(slope, rows_z[rows]) + _sum_log1p(e[rows])

    def by_logits(g: Array) -> Array:
        p = np.maximum(e, rows_z >= 0) / (1 + e) if probability is None else probability
        d, weight = np.empty_like(rows_z), (g / n).reshape(-1, 1)
        for rows in blocks(len(d), ROWS):
            np.subtract(p.reshape(-1, n)[rows], rows_y[rows], out=d[rows])
            d[rows] *= weight[rows]
        return d.reshape(z.shape)

    return total.reshape(z.shape[:-1]) / n, (lambda g: -z * (g / n)[..., None], by_logits)


def _sum_log1p(e: Array) -> Array:
    """np.log1p(e).sum(-1) for e in [0, 1], with one logarithm for up to 64 entries.

    Σ log(1 + e) = log Π (1 + e). What is kept of a product is how far it is above 1, which loses no
    digit of small entries: (1 + a)(1 + b) - 1 = a b + a + b. As 64 factors of at most 2 each, the
    product cannot overflow. NumPy's log1p is slow on processors without AVX-512.
    """
    factors = 1
    while factors < 64 and e.shape[-1] % 2 == 0:
        half = e.shape[-1] // 2
        a, b = e[..., :half], e[..., half:]
        e = a * b
        e += a
        e += b
        factors *= 2
    total: Array = np.sum(np.log1p(e), -1)
    return total
