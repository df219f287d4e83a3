"""The table of derivatives: every operation with its value, its derivation and its VJPs.

An `@op` function works on arrays and returns `value, (vjp, ...)`. Capitals stand for arrays: Y is
the result, A, B and X are inputs, and G = ∂L/∂Y is the gradient of the scalar loss L with respect
to Y (`g` in the code). Each VJP turns G into the gradient with respect to one input. Products are
entry by entry, except in `matmul`.

A tape records a program and applies its VJPs in reverse:

    >>> from numpy_nets import GradientTape, Variable
    >>> x = Variable([1.0, 2.0])
    >>> with GradientTape() as tape:
    ...     loss = sum(square(x))
    >>> print(tape)
    %0 (2,) = square(variable (2,))
    %1 () = sum(%0)
    >>> tape.gradient(loss, x).numpy().tolist()  # G = 1, so 2 X
    [2.0, 4.0]

Names and semantics follow `keras.ops` on TensorFlow, including the conventions at kinks; three of
the names, `abs`, `max` and `sum`, hide Python's own for the rest of this file. In the examples, as
in the file, names stand alone: elsewhere `sum` is `ops.sum`. Overflow and log(0) give inf and a
RuntimeWarning from NumPy; the losses are written to avoid both.
"""

import functools
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from numpy_nets import config
from numpy_nets.autodiff.op import float_op, op
from numpy_nets.autodiff.tape import VJP
from numpy_nets.autodiff.tensor import (
    Array,
    Tensor,
    TensorLike,
    convert_to_numpy,
    convert_to_tensor,
)

__all__ = [
    "abs", "add", "binary_crossentropy", "cast", "clip", "concatenate", "convert_to_numpy",
    "convert_to_tensor", "divide", "exp", "expm1", "full_like", "leaky_relu", "log", "log1p",
    "log_softmax", "logsumexp", "matmul", "max", "maximum", "mean", "minimum", "multiply",
    "negative", "ones", "power", "relu", "reshape", "shape", "sigmoid", "softmax", "softplus",
    "split", "sqrt", "square", "stop_gradient", "subtract", "sum", "tanh", "transpose", "where",
    "zeros",
]  # fmt: skip

Axis: TypeAlias = int | tuple[int, ...] | None
Result: TypeAlias = tuple[Any, tuple[VJP, ...]]


def sum_array(x: Array, axis: Axis = None, keepdims: bool = False) -> Any:
    """np.sum with the dtypes of Keras: integers of up to 32 bits give int32 or uint32.

    float16 is added up in float32. In float16 a sum stands still at 2048, as 2048 + 1 is rounded.
    """
    if x.dtype.char in "fd" or x.dtype.itemsize > 4:
        return np.sum(x, axis, keepdims=keepdims)
    kind = x.dtype.kind
    in_dtype = {"f": np.float32, "u": np.uint32}.get(kind, np.int32)
    total = np.sum(x, axis, in_dtype, keepdims=keepdims)
    return total.astype(np.float16) if kind == "f" else total


def _unbroadcast(g: Array, shape: tuple[int, ...]) -> Array:
    """The VJP of broadcasting: an entry that was repeated gets the sum of its copies' gradients.

    For an input of shape (3, 1) and g of shape (2, 3, 4), that is a sum over axes 0 and 2:

    >>> _unbroadcast(np.ones((2, 3, 4)), (3, 1)).tolist()
    [[8.0], [8.0], [8.0]]
    """
    if g.shape == shape:
        return g
    new_axes = g.ndim - len(shape)
    repeated = tuple(i + new_axes for i, n in enumerate(shape) if n == 1)
    total: Array = sum_array(g, (*range(new_axes), *repeated))
    return total.reshape(shape)


def _expand(y: Array, axis: Axis, keepdims: bool) -> Array:
    """Put back the axes that a reduction dropped, with length 1.  A scalar needs none."""
    return y if keepdims or axis is None else np.expand_dims(y, axis)


# Arithmetic.  Inputs broadcast; in every VJP the gradient is summed back to the input's shape.


@op
def add(a: Array, b: Array) -> Result:
    """Y = A + B.    ∂L/∂A = G,    ∂L/∂B = G.

    >>> add([[1.0], [2.0]], [10.0, 20.0]).numpy().tolist()
    [[11.0, 21.0], [12.0, 22.0]]
    """
    return np.add(a, b), (
        lambda g: _unbroadcast(g, np.shape(a)),
        lambda g: _unbroadcast(g, np.shape(b)),
    )


@op
def subtract(a: Array, b: Array) -> Result:
    """Y = A - B.    ∂L/∂A = G,    ∂L/∂B = -G."""
    return np.subtract(a, b), (
        lambda g: _unbroadcast(g, np.shape(a)),
        lambda g: _unbroadcast(-g, np.shape(b)),
    )


@op
def multiply(a: Array, b: Array) -> Result:
    """Y = A B, entry by entry.    ∂L/∂A = G B,    ∂L/∂B = G A."""
    return np.multiply(a, b), (
        lambda g: _unbroadcast(g * b, np.shape(a)),
        lambda g: _unbroadcast(g * a, np.shape(b)),
    )


@op
def divide(a: Array, b: Array) -> Result:
    """Y = A / B, entry by entry.    ∂L/∂A = G / B,    ∂L/∂B = -G A / B²."""
    y = np.divide(a, b)
    return y, (
        lambda g: _unbroadcast(g / b, np.shape(a)),
        lambda g: _unbroadcast(-g * y / b, np.shape(b)),
    )


@op
def power(a: Array, b: Array) -> Result:
    """Y = A^B, entry by entry.    ∂L/∂A = G B A^(B-1),    ∂L/∂B = G Y log A, and 0 where A ≤ 0.

    The second, because A^B = e^(B log A).

    >>> power([1.0, 2.0, 3.0], 2.0).numpy().tolist()
    [1.0, 4.0, 9.0]
    """
    y = np.power(a, b)

    def by_exponent(g: Array) -> Array:
        positive = np.greater(a, 0)
        log_a = np.log(np.where(positive, a, 1), dtype=y.dtype)  # no log of A ≤ 0
        return _unbroadcast(g * y * log_a * positive, np.shape(b))

    return y, (lambda g: _unbroadcast(g * b * np.power(a, b - 1), np.shape(a)), by_exponent)


@op
def negative(x: Array) -> Result:
    """Y = -X.    ∂L/∂X = -G."""
    return np.negative(x), (lambda g: -g,)


@op
def matmul(a: Array, b: Array) -> Result:
    """Y = A B.    ∂L/∂A = G Bᵀ,    ∂L/∂B = Aᵀ G.    A (..., n, k), B (..., k, m); Y (..., n, m).

    Entry by entry: Y_ij = Σ_l A_il B_lj, so ∂L/∂A_il = Σ_j G_ij B_lj and ∂L/∂B_lj = Σ_i A_il G_ij.
    Leading axes broadcast.

    >>> matmul([[1.0, 2.0]], [[3.0], [4.0]]).numpy().tolist()
    [[11.0]]

    Raises:
        ValueError: inputs that are not matrices, or whose sizes do not match.
    """
    if np.ndim(a) < 2 or np.ndim(b) < 2:
        raise ValueError(f"matmul: expected matrices, got {np.shape(a)} and {np.shape(b)}")
    try:
        y = np.matmul(a, b)
    except ValueError:
        raise ValueError(
            f"matmul: expected shapes (..., n, k) and (..., k, m), got {np.shape(a)} and "
            f"{np.shape(b)}"
        ) from None
    return y, (
        lambda g: _unbroadcast(g @ np.swapaxes(b, -1, -2), a.shape),
        lambda g: _unbroadcast(np.swapaxes(a, -1, -2) @ g, b.shape),
    )


# Functions of one variable, entry by entry: Y = f(X),  ∂L/∂X = G f'(X).


def keeps_logits(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The output keeps X as its `logits`, from which crossentropies are exact; see `fused`."""

    @functools.wraps(function)
    def apply(x: TensorLike, *args: Any, **options: Any) -> Tensor:
        y = function(x, *args, **options)
        z = convert_to_tensor(x)
        y.logits = z if z.dtype == y.dtype else cast(z, y.dtype)
        return y

    return apply


def recover_logits(output: Tensor, from_logits: bool) -> tuple[Tensor, bool]:
    """The logits that `output` keeps and True; if it keeps none, the arguments."""
    if output.logits is None:
        return output, from_logits
    if from_logits:
        message = "from_logits: expected logits, got the output of a sigmoid or a softmax"
        warnings.warn(message, stacklevel=3)
    return output.logits, True


@float_op
def exp(x: Array) -> Result:
    """Y = e^X.    ∂L/∂X = G Y."""
    y = np.exp(x)
    return y, (lambda g: g * y,)


@float_op
def expm1(x: Array) -> Result:
    """Y = e^X - 1, accurate for small X.    ∂L/∂X = G e^X.

    >>> print(exp(1e-9).numpy() - 1, expm1(1e-9).numpy())
    0.0 1e-09
    """
    return np.expm1(x), (lambda g: g * np.exp(x),)


@float_op
def log(x: Array) -> Result:
    """Y = log X.    ∂L/∂X = G / X."""
    return np.log(x), (lambda g: g / x,)


@float_op
def log1p(x: Array) -> Result:
    """Y = log(1 + X), accurate for small X.    ∂L/∂X = G / (1 + X).

    >>> print(log(1 + 1e-9).numpy(), log1p(1e-9).numpy())
    0.0 1e-09
    """
    return np.log1p(x), (lambda g: g / (1 + x),)


@float_op
def sqrt(x: Array) -> Result:
    """Y = √X.    ∂L/∂X = G / (2Y), as Y² = X gives 2 Y Y' = 1."""
    y = np.sqrt(x)
    return y, (lambda g: g / (2 * y),)


@op
def square(x: Array) -> Result:
    """Y = X².    ∂L/∂X = 2 G X."""
    return np.square(x), (lambda g: 2 * g * x,)


@op
def abs(x: Array) -> Result:
    """Y = |X|.    ∂L/∂X = G sign X, and 0 at 0."""
    return np.abs(x), (lambda g: g * np.sign(x),)


@op
def relu(x: Array) -> Result:
    """Y = max(X, 0).    ∂L/∂X = G where X > 0, else 0."""
    return np.maximum(x, 0), (lambda g: g * (x > 0),)


@op
def leaky_relu(x: Array, negative_slope: float = 0.2) -> Result:
    """Y = X where X > 0, else αX.    ∂L/∂X = G where X > 0, else αG.    α = negative_slope.

    >>> leaky_relu(np.array([-1.0, 2.0]), 0.5).numpy().tolist()
    [-0.5, 2.0]
    """
    x = np.asarray(x)
    positive = (x > 0).astype(x.dtype)
    slope = positive + (1 - positive) * negative_slope
    return x * slope, (lambda g: g * slope,)


@keeps_logits
@float_op
def sigmoid(x: Array) -> Result:
    """Y = σ(X) = 1 / (1 + e^-X).    ∂L/∂X = G Y (1 - Y).

    Y' = e^-X / (1 + e^-X)², and 1 - Y = e^-X / (1 + e^-X). Y keeps X for `binary_crossentropy`.

    >>> print(sigmoid([0.0, np.log(3)]).numpy().round(3))
    [0.5  0.75]
    """
    y = _logistic(x)
    return y, (lambda g: g * y * (1 - y),)


def _logistic(x: Array) -> Array:
    with np.errstate(over="ignore"):  # where e^-X is infinite, Y is 0
        return 1 / (1 + np.exp(-x))


@float_op
def tanh(x: Array) -> Result:
    """Y = tanh X = sinh X / cosh X.    ∂L/∂X = G (cosh² X - sinh² X) / cosh² X = G (1 - Y²)."""
    y = np.tanh(x)
    return y, (lambda g: g * (1 - y * y),)


@float_op
def softplus(x: Array) -> Result:
    """Y = log(1 + e^X) = max(X, 0) + log(1 + e^-|X|), which cannot overflow.  ∂L/∂X = G σ(X).

    >>> print(softplus(0.0).numpy().round(3), softplus(1000.0).numpy())
    0.693 1000.0
    """
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))), (lambda g: g * _logistic(x),)


def binary_crossentropy(
    target: TensorLike, output: TensorLike, from_logits: bool = False
) -> Tensor:
    """-(t log p + (1-t) log(1-p)), entry by entry, for targets t in [0, 1].

    Args:
        target: t, of the same shape as output.
        output: probabilities p, or, if from_logits, logits z with p = σ(z). From the output of
            `sigmoid`, the loss is computed from its logits, and the gradient goes to them.

    >>> float(binary_crossentropy(0.0, sigmoid(30.0)))  # from σ(30), which is clipped: 15.9
    30.0
    >>> print(binary_crossentropy([1.0, 0.0], [0.5, 0.25]).numpy().round(3))  # -log ½, -log ¾
    [0.693 0.288]

    Raises:
        ValueError: target and output of different shapes.
    """
    output, target = convert_to_tensor(output), convert_to_tensor(target)
    if target.shape != output.shape:
        raise ValueError(
            f"binary_crossentropy: expected target of shape {output.shape}, got {target.shape}"
        )
    if output.dtype.kind != "f":
        output = cast(output, config.floatx())
    if target.dtype.kind != "f":  # differences of unsigned integers wrap around
        target = cast(target, output.dtype)
    output, from_logits = recover_logits(output, from_logits)
    if output.dtype == np.float16:  # in which 1 - ε is 1
        target, output = cast(target, np.float32), cast(output, np.float32)
        return cast(binary_crossentropy(target, output, from_logits), np.float16)
    if from_logits:
        return _crossentropy_from_logits(target, output)
    return _crossentropy_from_probabilities(target, output)


@op
def _crossentropy_from_logits(target: Array, z: Array) -> Result:
    """Y = softplus(z) - z t = max(z, 0) - z t + log(1 + e^-|z|).

    ∂L/∂z = G (σ(z) - t),    ∂L/∂t = -G z.

    With p = σ(z), log p = z - softplus(z) and log(1-p) = -softplus(z). max(z, 0) - z t is written
    as z ([z > 0] - t), which does not cancel where z is large and t near 1.
    """
    loss = z * ((z > 0) - target) + np.log1p(np.exp(-np.abs(z)))  # z > 0 counts as 1 or 0
    return loss, (lambda g: -g * z, lambda g: g * (_logistic(z) - target))


@op
def _crossentropy_from_probabilities(target: Array, output: Array) -> Result:
    """Y = -(t log p + (1-t) log(1-p)), p = clip(output, ε, 1 - ε), ε = `config.epsilon()`.

    ∂L/∂p = G (-t/p + (1-t)/(1-p)) = G (p - t) / (p (1-p)), and 0 for an output that was clipped.
    ∂L/∂t = G log((1-p) / p).
    """
    dtype = output.dtype.type  # bounds that are rounded as the entries are
    low, high = dtype(config.epsilon()), dtype(1 - config.epsilon())
    p, inside = np.clip(output, low, high), (output >= low) & (output <= high)
    log_p, log_q = np.log(p), np.log(1 - p)
    return -(target * log_p + (1 - target) * log_q), (
        lambda g: g * (log_q - log_p),
        lambda g: g * inside * (p - target) / (p * (1 - p)),
    )


# Choices between inputs.  A gradient goes to the input that was chosen.


@op
def maximum(a: Array, b: Array) -> Result:
    """Y = max(A, B), entry by entry.    ∂L/∂A = G where A ≥ B, ∂L/∂B = G elsewhere."""
    return np.maximum(a, b), (
        lambda g: _unbroadcast(g * np.greater_equal(a, b), np.shape(a)),
        lambda g: _unbroadcast(g * np.less(a, b), np.shape(b)),
    )


@op
def minimum(a: Array, b: Array) -> Result:
    """Y = min(A, B), entry by entry.    ∂L/∂A = G where A ≤ B, ∂L/∂B = G elsewhere."""
    return np.minimum(a, b), (
        lambda g: _unbroadcast(g * np.less_equal(a, b), np.shape(a)),
        lambda g: _unbroadcast(g * np.greater(a, b), np.shape(b)),
    )


@op
def clip(x: Array, x_min: float, x_max: float) -> Result:
    """Y = min(max(X, x_min), x_max).    ∂L/∂X = G where x_min ≤ X ≤ x_max, else 0.

    >>> clip([-2.0, 0.5, 2.0], -1.0, 1.0).numpy().tolist()
    [-1.0, 0.5, 1.0]
    """
    return np.clip(x, x_min, x_max), (lambda g: g * ((x >= x_min) & (x <= x_max)),)


def where(condition: TensorLike, x1: TensorLike, x2: TensorLike) -> Tensor:
    """Y = X1 where the condition holds, else X2.    ∂L/∂X1 = G there, ∂L/∂X2 = G elsewhere.

    >>> where([True, False], [1.0, 2.0], 0.0).numpy().tolist()
    [1.0, 0.0]
    """
    return _where(x1, x2, condition=convert_to_tensor(condition).array.astype(bool))


@op
def _where(a: Array, b: Array, condition: Array) -> Result:
    return np.where(condition, a, b), (
        lambda g: _unbroadcast(g * condition, np.shape(a)),
        lambda g: _unbroadcast(g * ~condition, np.shape(b)),
    )


# Reductions over `axis`: an int (negative from the end), a tuple of ints, or None for all axes.


@op
def sum(x: Array, axis: Axis = None, keepdims: bool = False) -> Result:
    """Y = Σ X.    ∂L/∂X = G, repeated along the reduced axes.

    >>> sum([[1.0, 2.0], [3.0, 4.0]], axis=0).numpy().tolist()
    [4.0, 6.0]
    """
    x = np.asarray(x)
    return sum_array(x, axis, keepdims), (
        lambda g: np.full(x.shape, _expand(g, axis, keepdims)),
    )


@float_op
def mean(x: Array, axis: Axis = None, keepdims: bool = False) -> Result:
    """Y = Σ X / n, and nan if n = 0.    ∂L/∂X = G / n, repeated along the reduced axes.

    >>> mean([[1.0, 2.0], [3.0, 4.0]], axis=1, keepdims=True).numpy().tolist()
    [[1.5], [3.5]]
    """
    total = np.sum(x, axis, keepdims=keepdims)
    n = x.size // total.size if total.size else 1  # entries of X for each mean
    return total / n if n else np.full_like(total, np.nan), (
        lambda g: np.full(x.shape, _expand(g / (n or 1), axis, keepdims)),
    )


@op
def max(x: Array, axis: Axis = None, keepdims: bool = False) -> Result:
    """Y = max X.    ∂L/∂X = G at the largest entry, in equal shares if there are several.

    >>> max([[1.0, 2.0], [4.0, 3.0]], axis=-1).numpy().tolist()
    [2.0, 4.0]
    """
    y = np.max(x, axis, keepdims=keepdims)

    def vjp(g: Array) -> Array:
        largest = x == _expand(y, axis, keepdims)
        share = (g / sum_array(largest, axis, keepdims)).astype(x.dtype)
        shares: Array = largest * _expand(share, axis, keepdims)
        return shares

    return y, (vjp,)


@float_op
def logsumexp(x: Array, axis: Axis = None, keepdims: bool = False) -> Result:
    """Y = log Σ e^X = m + log Σ e^(X-m), m = max X.    ∂L/∂X = G softmax(X), and 0 where Y = -∞.

    ∂Y/∂X_i = e^X_i / Σ_j e^X_j = e^(X_i - Y).

    >>> print(logsumexp([1000.0, 1000.0]).numpy().round(3))  # 1000 + log 2
    1000.693
    """
    m = np.max(x, axis, keepdims=True)
    m = np.where(np.isfinite(m), m, x.dtype.type(0))  # -∞ - (-∞) would be nan
    with np.errstate(divide="ignore"):
        y_kept = m + np.log(np.sum(np.exp(x - m), axis, keepdims=True))
    y = y_kept if keepdims else np.squeeze(y_kept, axis)
    y_finite = np.where(np.isneginf(y_kept), x.dtype.type(0), y_kept)  # e^(-∞ - 0) = 0
    return y, (lambda g: _expand(g, axis, keepdims) * np.exp(x - y_finite),)


@keeps_logits
@float_op
def softmax(x: Array, axis: int = -1) -> Result:
    """Y_i = e^X_i / Σ_j e^X_j.    ∂L/∂X_i = Σ_j G_j Y_j (δ_ij - Y_i) = Y_i (G_i - Σ_j G_j Y_j).

    log Y_j = X_j - log Σ e^X, so ∂Y_j/∂X_i = Y_j ∂(log Y_j)/∂X_i = Y_j (δ_ij - Y_i), where δ_ij is
    1 if i = j, else 0. Subtracting max X first changes no quotient, and prevents overflow.
    Bridle 1990, "Probabilistic interpretation of feedforward classification network outputs".

    >>> print(softmax([0.0, np.log(3)]).numpy().round(3))
    [0.25 0.75]
    """
    e = np.exp(x - np.max(x, axis, keepdims=True))
    y = e / np.sum(e, axis, keepdims=True)
    return y, (lambda g: y * (g - np.sum(g * y, axis, keepdims=True)),)


@float_op
def log_softmax(x: Array, axis: int = -1) -> Result:
    """Y = X - log Σ e^X.    ∂L/∂X = G - softmax(X) Σ G,  as ∂Y_j/∂X_i = δ_ij - softmax(X)_i.

    >>> log_softmax([0.0, 1000.0]).numpy().tolist()
    [-1000.0, 0.0]
    """
    shifted = x - np.max(x, axis, keepdims=True)
    y = shifted - np.log(np.sum(np.exp(shifted), axis, keepdims=True))
    return y, (lambda g: g - np.exp(y) * np.sum(g, axis, keepdims=True),)


# Moving entries.  The VJP moves them back.


@op
def reshape(x: Array, newshape: Sequence[int]) -> Result:
    """Y = X in another shape (-1: inferred).    ∂L/∂X = G in X's shape.

    >>> reshape([1, 2, 3, 4], (2, -1)).numpy().tolist()
    [[1, 2], [3, 4]]
    """
    if np.ndim(newshape) and any(n < -1 for n in newshape):  # to NumPy, any of them is inferred
        raise ValueError(f"reshape: newshape: expected -1 or sizes >= 0, got {newshape}")
    return np.reshape(x, newshape), (lambda g: g.reshape(x.shape),)


@op
def transpose(x: Array, axes: Sequence[int] | None = None) -> Result:
    """Y = X with its axes reordered, by default reversed.    ∂L/∂X = G in the original order.

    >>> transpose([[1, 2], [3, 4]]).numpy().tolist()
    [[1, 3], [2, 4]]
    """
    x = np.asarray(x)
    back = None if axes is None else np.argsort(np.mod(axes, x.ndim))  # inverse permutation
    return np.transpose(x, axes), (lambda g: np.transpose(g, back),)


@op
def getitem(x: Array, index: Any) -> Result:
    """Y = X[index], with integers, slices, None and `...`.    ∂L/∂X = G there, 0 elsewhere.

    >>> Tensor([[1, 2], [3, 4]])[:, 0].numpy().tolist()
    [1, 3]
    """
    for i in index if isinstance(index, tuple) else (index,):
        if not (i is None or i is Ellipsis or isinstance(i, int | np.integer | slice)):
            raise TypeError(f"tensor[index]: expected integers and slices, got {type(i).__name__}")

    def vjp(g: Array) -> Array:
        back = np.zeros_like(x)
        back[index] = g  # such an index takes no entry twice
        return back

    return np.asarray(x[index]), (vjp,)


def concatenate(xs: Sequence[TensorLike], axis: int = 0) -> Tensor:
    """Y = the inputs, joined along `axis`.    ∂L/∂X_i = the i-th part of G.

    >>> concatenate([[[1, 2]], [[3]]], axis=-1).numpy().tolist()
    [[1, 2, 3]]
    """
    return _concatenate(*xs, axis=axis)


@op
def _concatenate(*xs: Array, axis: int) -> Result:
    def part(i: int, g: Array) -> Array:
        ends = np.cumsum([np.shape(x)[axis] for x in xs])
        parts: list[Array] = np.split(g, ends[:-1], axis)
        return parts[i]

    return np.concatenate(xs, axis), tuple(partial(part, i) for i in range(len(xs)))


def split(x: TensorLike, indices_or_sections: int | Sequence[int], axis: int = 0) -> list[Tensor]:
    """Cut X along an axis, into equal sections or at the given indices: a list of tensors.

    >>> [part.numpy().tolist() for part in split([1, 2, 3, 4], 2)]
    [[1, 2], [3, 4]]

    Raises:
        ValueError: an axis whose length is not divisible by the number of sections.
    """
    x = convert_to_tensor(x)
    length = x.shape[axis]
    if isinstance(indices_or_sections, int | np.integer):
        if indices_or_sections < 1 or length % indices_or_sections:
            raise ValueError(
                f"split: indices_or_sections: expected a positive divisor of {length}, "
                f"got {indices_or_sections}"
            )
        step = length // indices_or_sections
        indices_or_sections = [step * k for k in range(1, indices_or_sections)]
    bounds = [0, *indices_or_sections, length]
    before = (slice(None),) * (axis % x.ndim)  # all of the axes before `axis`
    return [
        getitem(x, (*before, slice(start, stop)))
        for start, stop in zip(bounds[:-1], bounds[1:], strict=True)
    ]


# Casts, constants and comparisons.


def cast(x: TensorLike, dtype: npt.DTypeLike) -> Tensor:
    """Y = X in another dtype.    ∂L/∂X = G in X's dtype; no gradient through integers.

    >>> cast([1.7, -1.7], "int64").numpy().tolist()
    [1, -1]
    """
    return _cast(x, dtype=dtype)


@op
def _cast(x: Array, dtype: npt.DTypeLike) -> Result:
    x = np.asarray(x)
    y = x.astype(dtype)
    return y, (lambda g: g.astype(x.dtype),) if x.dtype.kind == y.dtype.kind == "f" else ()


def stop_gradient(variable: TensorLike) -> Tensor:
    """Y = X, as a constant: the gradient of X · stop_gradient(X) is X, not 2 X."""
    return Tensor(convert_to_tensor(variable).array, "stop_gradient")


def full_like(x: TensorLike, fill_value: float) -> Tensor:
    """A constant filled with one number, in X's shape and dtype."""
    return Tensor(np.full_like(convert_to_tensor(x).array, fill_value), "full_like")


def ones(shape: Sequence[int], dtype: npt.DTypeLike | None = None) -> Tensor:
    """A constant filled with 1, by default in `config.floatx()`."""
    return Tensor(np.ones(shape, dtype or config.floatx()), "ones")


def zeros(shape: Sequence[int], dtype: npt.DTypeLike | None = None) -> Tensor:
    """A constant filled with 0, by default in `config.floatx()`."""
    return Tensor(np.zeros(shape, dtype or config.floatx()), "zeros")


def shape(x: TensorLike) -> tuple[int, ...]:
    """The shape of X, a tuple of ints."""
    return convert_to_tensor(x).shape


def _comparison(compare: np.ufunc) -> Callable[..., Tensor]:
    """Y = whether the comparison holds, entry by entry.  Its derivative is 0: there are no VJPs."""

    def function(a: Array, b: Array) -> Result:
        return compare(a, b), ()

    function.__name__ = compare.__name__
    return op(function)


Tensor.__add__ = add
Tensor.__radd__ = lambda self, other: add(other, self)
Tensor.__sub__ = subtract
Tensor.__rsub__ = lambda self, other: subtract(other, self)
Tensor.__mul__ = multiply
Tensor.__rmul__ = lambda self, other: multiply(other, self)
Tensor.__truediv__ = divide
Tensor.__rtruediv__ = lambda self, other: divide(other, self)
Tensor.__pow__ = power
Tensor.__rpow__ = lambda self, other: power(other, self)
Tensor.__matmul__ = matmul
Tensor.__rmatmul__ = lambda self, other: matmul(other, self)
Tensor.__neg__ = negative
Tensor.__abs__ = abs
Tensor.__getitem__ = getitem
Tensor.__eq__ = _comparison(np.equal)
Tensor.__ne__ = _comparison(np.not_equal)
Tensor.__lt__ = _comparison(np.less)
Tensor.__le__ = _comparison(np.less_equal)
Tensor.__gt__ = _comparison(np.greater)
Tensor.__ge__ = _comparison(np.greater_equal)
