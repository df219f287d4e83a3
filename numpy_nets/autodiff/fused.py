"""What Dense, sigmoid and crossentropy run: operations of `ops`, in fewer passes over memory.

Each computes, derivatives included, what its first line says in terms of `ops`, and a test holds it
to that. On a first reading the first lines are enough, with one thing to know: a crossentropy of
the output of a sigmoid is one operation on the sigmoid's logits z, not two. With p = σ(z),

    ∂L/∂p = (p - t) / (p (1 - p))   times   ∂p/∂z = p (1 - p)   is   ∂L/∂z = p - t.

The product is finite where the factors are not: for a wrong unit that is very sure, p rounds to 0
or 1, and a crossentropy that is computed from p has to be clipped and gets the gradient 0.

A tape then shows the sigmoid as a record that no gradient passes through:

    %0 (256, 784) = dense(input, kernel, bias)
    %1 (256, 784) = sigmoid(%0)  # bypassed: a later line starts from %0
    %2 (256,) = mean_crossentropy_from_logits(y_true, %0)

So the gradient with respect to p is None, and a fault in the derivative of the sigmoid would not
show, as in Keras. Whoever wants to see it at work goes on from p * 1.0, which keeps no logits: then
the crossentropy is the clipped one of `ops`.

Keras has none of these operations, so they are not public.
"""

import math

import numpy as np

from numpy_nets.autodiff.op import float_op, op
from numpy_nets.autodiff.ops import Result, keeps_logits, sum_array
from numpy_nets.autodiff.tensor import Array, Tensor
from numpy_nets.blocks import blocks

# Rows that a crossentropy works on at a time. With its gradient, (256, 784) takes 0.77 ms whole and
# 0.61 in such blocks on an Intel Xeon, 0.52 and 0.55 on an AMD EPYC with a larger shared cache.
ROWS = 128


@op
def dense(x: Array, w: Array, b: Array) -> Result:
    """ops.matmul(x, w) + b.    ∂L/∂X = G Wᵀ,    ∂L/∂W = Xᵀ G,    ∂L/∂b = Σ G over rows.

    X (..., k), W (k, m), b (m,). b is added in place. The VJPs flatten leading axes, because np.dot
    of two matrices is fast, even where m = 1.
    """
    rows = math.prod(x.shape[:-1])
    y = np.matmul(x, w)
    y += b
    return y, (
        lambda g: np.dot(g.reshape(rows, b.size), w.T).reshape(x.shape),
        lambda g: np.dot(x.reshape(rows, len(w)).T, g.reshape(rows, b.size)),
        lambda g: sum_array(g.reshape(rows, b.size), 0),
    )


@keeps_logits
@float_op
def sigmoid(x: Array) -> Result:
    """ops.sigmoid(x), computed in blocks."""
    y = _logistic(x)
    return y, (lambda g: g * y * (1 - y),)


def _logistic(x: Array) -> Array:
    """1 / (1 + e^-x), in place and in blocks."""
    y = np.empty(x.shape, x.dtype)
    flat_x, flat_y = x.reshape(-1), y.reshape(-1)
    with np.errstate(over="ignore"):
        for block in blocks(x.size):
            part = np.negative(flat_x[block], out=flat_y[block])
            np.exp(part, out=part)
            part += 1
            np.divide(1, part, out=part)
    return y


def mean_crossentropy(target: Tensor, p: Tensor) -> Tensor:
    """ops.mean(ops.binary_crossentropy(target, p), axis=-1), from the logits z that p keeps.

    The gradient goes straight to z. If p is σ(z), the derivative (σ(z) - t) / n reuses it. Softmax
    keeps its logits as well, and Keras takes even those as if p were σ(z); so does this.
    """
    is_sigmoid = p.name == "sigmoid"  # the name that the operation gave its output
    probability = p.array if is_sigmoid else None
    return mean_crossentropy_from_logits(target, p.logits, probability=probability)


@op
def mean_crossentropy_from_logits(
    target: Array, z: Array, probability: Array | None = None
) -> Result:
    """ops.mean(ops.binary_crossentropy(target, z, from_logits=True), axis=-1): (..., n) -> (...).

    ∂L/∂z = G (σ(z) - t) / n,    ∂L/∂t = -G z / n.    probability: σ(z), if already computed.

    Each term is z ([z > 0] - t) + log(1 + e^-|z|), as in `ops`.
    """
    n = z.shape[-1]
    rows_z, rows_t = (x.reshape(math.prod(x.shape[:-1]), n) for x in (z, target))
    wide = np.promote_types(z.dtype, np.float32)  # the sums of float16 may be larger than 65504
    total = np.empty(len(rows_z), wide)
    for rows in blocks(len(rows_z), ROWS):
        part = rows_z[rows].astype(wide, copy=False)
        factor: Array = (part > 0) - rows_t[rows]
        total[rows] = np.vecdot(factor, part) + _sum_log1p(np.exp(-np.abs(part)))

    def by_logits(g: Array) -> Array:
        p = _logistic(z) if probability is None else probability
        d: Array = p - target
        d *= (g / n)[..., None]
        return d

    value = (total.reshape(z.shape[:-1]) / n).astype(z.dtype, copy=False)
    return value, (lambda g: -z * (g / n)[..., None], by_logits)


def _sum_log1p(e: Array) -> Array:
    """np.log1p(e).sum(-1) for e in [0, 1], with one logarithm for up to 64 entries.

    Σ log(1 + e) = log Π (1 + e). The product is kept less 1, so that small entries lose no digits:
    (1 + a)(1 + b) - 1 = a b + a + b. It is at most 2⁶⁴, which float32 holds. NumPy's log1p is slow
    on processors without AVX-512.
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
