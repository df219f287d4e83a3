"""How is a derivative wrong?  A vector-Jacobian product beside finite differences, put into words.

    for name, verdict in check(operation, draws, names):
        print(name, verdict)

A wrong gradient usually differs from the right one in a way that has a name: the other sign, a
factor of n, transposed. What has several names on one shape seldom has them on another, so a name
has to fit every draw of the inputs.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from numpy_nets.autodiff.tensor import Array

RIGHT = "right"
STEP = 1e-5  # of the central differences, whose error is then about 1e-10
TOLERANCE = 1e-6  # relative to the largest entry

Operation = Callable[..., Any]  # (*arrays) -> (value, VJPs)
Mistakes = Mapping[str, tuple[str, Callable[..., Array]]]


class Trial(NamedTuple):
    """One VJP at one point.

    Attributes:
        operation, names: what is differentiated, and the names of its inputs.
        inputs, y, g: the point, the value there, and ∂L/∂Y.
        i: the input whose gradient is asked for.
        right: that gradient, by central differences.
        got: what the VJP returned, or the error that it raised.
    """

    operation: Operation
    names: Sequence[str]
    inputs: list[Array]
    y: Array
    g: Array
    i: int
    right: Array
    got: Any


def check(
    operation: Operation,
    draws: Sequence[Sequence[Array]],
    names: Sequence[str],
    mistakes: Mistakes | None = None,
    seed: int = 0,
) -> list[tuple[str, str]]:
    """(name of the input, verdict) for each VJP: "right", or a sentence that says how it is wrong.

    Args:
        operation: (*arrays) -> (value, one VJP for each of the first inputs), as under @op. It is
            differentiable at the draws.
        draws: several lists of float64 inputs, of different shapes.
        names: of the inputs.
        mistakes: sentences for wrong VJPs, {sentence: (input, (g, *inputs, y) -> that VJP)}.
        seed: of the gradients G.

    Raises:
        ValueError: the operation raises an error, or returns something else than a finite value
            and VJPs.

    >>> def square(x):
    ...     return x**2, (lambda g: g * x,)
    >>> check(square, [[np.array([[1.0, 2.0]])], [np.array([[3.0]])]], ["x"])
    [('x', 'too small: multiply it by 2')]
    """
    rng = np.random.default_rng([seed, 1])  # not the stream that the inputs may come from
    trials: dict[int, list[Trial]] = {}
    for drawn in draws:
        inputs = [np.array(x, np.float64) for x in drawn]
        y, vjps = value_and_vjps(operation, inputs)
        g = rng.normal(size=y.shape)
        for i, vjp in enumerate(vjps[: len(inputs)]):
            right = differences(operation, inputs, i, g)
            trial = Trial(operation, names, inputs, y, g, i, right, _attempt(vjp, g))
            trials.setdefault(i, []).append(trial)
    return [(names[i], diagnose(of_input, mistakes or {})) for i, of_input in trials.items()]


def value_and_vjps(operation: Operation, inputs: Sequence[Array]) -> tuple[Array, Sequence[Any]]:
    """What the operation returns, if that is a value and a tuple of functions."""
    with np.errstate(all="ignore"):
        try:
            result = operation(*inputs)
        except Exception as error:  # whatever a reader's file raises
            shapes = ", ".join(str(x.shape) for x in inputs)
            line = " ".join(str(error).split())
            raise ValueError(f"with {shapes} it raises {type(error).__name__}: {line}") from None
    if isinstance(result, tuple) and len(result) == 2:
        value, vjps = result
        if isinstance(vjps, tuple | list) and vjps and all(callable(vjp) for vjp in vjps):
            if not np.isfinite(value).all():
                raise ValueError("its value is not finite: expected inputs for which it is")
            return np.asarray(value), vjps
    raise ValueError(
        "expected the operation to return its value and a tuple of VJPs, as in "
        "`return y, (lambda g: ...,)` (mind the last comma), got "
        + ("something else in a tuple" if isinstance(result, tuple) else type(result).__name__)
    )


def differences(operation: Operation, inputs: Sequence[Array], i: int, g: Array) -> Array:
    """∂ Σ G Y / ∂ inputs[i], entry by entry, by central differences."""
    moved = [x.copy() for x in inputs]
    gradient = np.empty_like(moved[i])
    for index in np.ndindex(gradient.shape):
        centre, ends = moved[i][index], []
        for moved[i][index] in (centre + STEP, centre - STEP):
            ends.append(float(np.sum(g * operation(*moved)[0])))
        moved[i][index] = centre
        gradient[index] = (ends[0] - ends[1]) / (2 * STEP)
    return gradient


def diagnose(trials: list[Trial], mistakes: Mistakes) -> str:
    """RIGHT, or a sentence that holds in every trial."""
    sentence = _unfinished(trials) or _shape(trials)
    if sentence:
        return sentence
    if all(_equal(t.got, t.right) for t in trials):
        return RIGHT
    for sentence, (name, wrong) in mistakes.items():
        if all(t.names[t.i] == name and _equal(t.got, wrong(t.g, *t.inputs, t.y)) for t in trials):
            return sentence
    for find in (_transposed, _factor, _without_g, _exchanged, _elsewhere, _half):
        if sentence := find(trials):
            return sentence
    return _largest(trials)


def _attempt(vjp: Callable[[Array], Any], g: Array) -> Any:
    """What a VJP returns, as an array if it is one, or the error that it raises."""
    try:
        value = vjp(g.copy())
    except Exception as error:  # whatever a first attempt raises is the reader's news
        return error
    return value if value is None or value is Ellipsis else np.asarray(value)


def _equal(a: Array, b: Array) -> bool:
    """Of the same shape, and as close as finite differences can tell."""
    scale = max(1e-3, float(np.max(np.abs(b), initial=0)))
    return a.shape == b.shape and bool(np.all(np.abs(a - b) <= TOLERANCE * scale))


def _unfinished(trials: list[Trial]) -> str | None:
    for t in trials:
        if t.got is None or t.got is Ellipsis:
            return "not filled in yet"
        if isinstance(t.got, Exception):
            shapes = ", ".join(
                f"{name} {x.shape}" for name, x in zip(t.names, t.inputs, strict=True)
            )
            line = " ".join(str(t.got).split())
            return f"with {shapes} and g {t.g.shape} it raises {type(t.got).__name__}: {line}"
        if t.got.dtype.kind not in "fiub":
            return f"expected numbers, got {t.got.dtype}"
    return None


def _shape(trials: list[Trial]) -> str | None:
    """The wrong shape, and why."""
    if all(t.got.shape == t.right.shape for t in trials):
        return None
    if sentence := _transposed(trials):
        return sentence
    t = next(t for t in trials if t.got.shape != t.right.shape)
    if all(
        t.got.size == t.right.size and _equal(t.got.reshape(t.right.shape), t.right) for t in trials
    ):
        return (
            f"the right numbers in the wrong shape: expected that of {t.names[t.i]}, "
            f"{t.right.shape}, got {t.got.shape}"
        )
    if all(_equal(_summed(t.got, t.right.shape), t.right) for t in trials):
        return (
            "not summed over the axis along which the input is repeated: an entry that is used "
            "several times gets the sum of its gradients"
        )
    return f"expected the shape of {t.names[t.i]}, {t.right.shape}, got {t.got.shape}"


def _summed(got: Array, shape: tuple[int, ...]) -> Array:
    """Summed over the axes along which an array of that shape was repeated to become like `got`."""
    extra = got.ndim - len(shape)
    if extra < 0:
        return got
    ones = tuple(k + extra for k, n in enumerate(shape) if n == 1)
    total: Array = got.sum(axis=(*range(extra), *ones))
    return total.reshape(shape) if total.size == np.prod(shape) else total


# The constants that gradients are wrong by, in the words that fit every draw.
FACTORS: dict[str, Callable[[Trial], float]] = {
    "2": lambda t: 2,
    "the number of rows (the batch)": lambda t: (t.y if t.y.ndim else t.right).shape[0],
    "the number of columns": lambda t: (t.y if t.y.ndim > 1 else t.right).shape[-1],
    "the number of entries": lambda t: t.right.size,
    "the number of entries of y": lambda t: t.y.size,
}


def _transposed(trials: list[Trial]) -> str | None:
    return (
        "transposed: swap its rows and columns"
        if all(_equal(t.got.T, t.right) for t in trials)
        else None
    )


def _factor(trials: list[Trial]) -> str | None:
    """A constant factor, the sign included."""
    factors = []
    for t in trials:
        at = np.unravel_index(np.argmax(np.abs(t.right)), t.right.shape)
        factor = float(t.got[at] / t.right[at]) if t.right[at] else 0.0  # 0 / 0 says nothing
        if not factor or not _equal(t.got, factor * t.right):
            return None
        factors.append(factor)
    if np.allclose(factors, -1):
        return "the other sign: multiply it by -1"
    for name, size in FACTORS.items():
        sizes = np.array([size(t) if t.right.ndim else 2 for t in trials], float)
        for sign, minus in ((1, ""), (-1, ", and it has the other sign")):
            if np.allclose(factors, sign * sizes):
                return f"too large: divide it by {name}{minus}"
            if np.allclose(factors * sizes, sign):
                return f"too small: multiply it by {name}{minus}"
    if np.allclose(factors, factors[0]):
        return f"it is {factors[0]:.6g} times the right gradient"
    return None


def _without_g(trials: list[Trial]) -> str | None:
    right_with_ones = (differences(t.operation, t.inputs, t.i, np.ones_like(t.g)) for t in trials)
    if all(_equal(t.got, right) for t, right in zip(trials, right_with_ones, strict=True)):
        return "g is missing: multiply by the gradient that comes in, the chain rule's other factor"
    return None


def _exchanged(trials: list[Trial]) -> str | None:
    """The gradient of another input."""
    for j, name in enumerate(trials[0].names):
        if j != trials[0].i and all(
            t.inputs[j].shape == t.right.shape
            and _equal(t.got, differences(t.operation, t.inputs, j, t.g))
            for t in trials
        ):
            return f"it is the gradient of {name}"
    return None


def _elsewhere(trials: list[Trial]) -> str | None:
    """The right derivative, at another point."""

    def at(t: Trial, point: Array) -> bool:
        if point.shape != t.right.shape:
            return False
        inputs = [point if j == t.i else x for j, x in enumerate(t.inputs)]
        return _equal(t.got, differences(t.operation, inputs, t.i, t.g))

    name = trials[0].names[trials[0].i]
    others = [j for j in range(len(trials[0].names)) if j != trials[0].i]
    points = {"y": lambda t: t.y, f"-{name}": lambda t: -t.inputs[t.i]} | {
        trials[0].names[j]: lambda t, j=j: t.inputs[j] for j in others
    }
    for other, point in points.items():
        if all(at(t, point(t)) for t in trials):
            return f"evaluated at the wrong point: it is the derivative at {other}, not at {name}"
    return None


def _half(trials: list[Trial]) -> str | None:
    """Right where the input is positive, or where it is negative, and wrong elsewhere."""
    name = trials[0].names[trials[0].i]
    for sign, words in ((1, ">"), (-1, "<")):
        seen = False
        for t in trials:
            where = sign * t.inputs[t.i] > 0
            if not _equal(np.where(where, t.got, t.right), t.right):
                break
            seen |= bool(where.any())
        else:
            if seen:
                return f"right where {name} {words} 0, and wrong elsewhere"
    return None


def _largest(trials: list[Trial]) -> str:
    """The entry that is furthest from what it should be."""
    t = next(t for t in trials if not _equal(t.got, t.right))
    at = np.unravel_index(np.argmax(np.abs(t.got - t.right)), t.right.shape)
    where = f"[{', '.join(map(str, at))}]" if at else ""
    return (
        f"∂L/∂{t.names[t.i]}{where} is {t.got[at]:.5g}, and finite differences say "
        f"{t.right[at]:.5g}"
    )
