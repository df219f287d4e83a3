"""Is this derivative right?  Central differences for the ops here and for your own."""

import math
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from numpy_nets.autodiff.tape import GradientTape
from numpy_nets.autodiff.tensor import Array, Tensor

FLOAT = np.dtype(np.float64)
RTOL = {FLOAT: 1e-6, np.dtype(np.float32): 1e-3}  # allowed errors of a difference


class GradientError(AssertionError):
    """A gradient that differs from the central difference."""


def gradcheck(
    function: Callable[..., Tensor],
    inputs: Sequence[npt.ArrayLike],
    *,
    directions: int = 3,
    entries: int = 200,
    rtol: float | None = None,
    seed: int = 0,
) -> None:
    """Compare the gradient of `function` with central differences.

    A random weighting v of the outputs makes a scalar s(x) = Σ v f(x). For each input and several
    random directions d of norm 1, and then for each entry alone, (s(x + hd) - s(x - hd)) / 2h must
    equal d · ∇s. The truncation error O(h²) and the rounding error O(ε/h) are of one size where
    h³ = ε, so the step is h = ε^(1/3) · max(1, |x|) (Nocedal & Wright, Numerical Optimization,
    section 8.1).

    The inputs are float64. A function that casts them to float32, such as a layer that was built
    without `set_floatx("float64")`, is checked with the larger steps and errors of float32: six
    digits of a derivative become three.

    >>> from numpy_nets.autodiff import op, ops
    >>> gradcheck(ops.square, [[1.0, 2.0]])  # correct, so nothing happens
    >>> @op
    ... def cube(x):
    ...     return x**3, (lambda g: g * x**2,)  # the factor 3 is missing
    >>> gradcheck(cube, [1.0], directions=0)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    numpy_nets.autodiff.gradcheck.GradientError: ...: gradient 0.125..., central difference 0.377...

    Args:
        function: takes Tensors and returns a Tensor of any shape. It must be differentiable at
            `inputs` and draw no random numbers.
        inputs: the arrays to differentiate with respect to, one for each argument.
        directions: how many random directions to try for each input.
        entries: check entry by entry if an input has at most this many entries.
        rtol: allowed difference, relative to the largest derivative seen (at least 1). By default
            1e-6, and 1e-3 where the function computes in float32.
        seed: the seed of the weighting and of the directions.

    Raises:
        GradientError: the gradient is wrong. The message names the input, the direction or entry,
            and both values.
        TypeError: the function does not return a Tensor, or computes in float16; inputs is not a
            list.
        ValueError: a VJP returns another shape than its input's.
    """
    if not isinstance(inputs, list | tuple):
        raise TypeError(
            "gradcheck: inputs: expected a list of arrays, one for each argument, "
            f"got {type(inputs).__name__}"
        )
    rng = np.random.default_rng(seed)
    points = [np.array(x, dtype=np.float64) for x in inputs]
    tensors = [Tensor(x, f"input {i}") for i, x in enumerate(points)]
    with GradientTape() as tape:
        tape.watch(tensors)
        output = function(*tensors)
    if not isinstance(output, Tensor):
        raise TypeError(
            f"gradcheck: function: expected it to return a Tensor, got {type(output).__name__}"
        )
    computed = [x.dtype for x in (output, *(record.output for record in tape.records))]
    coarsest = min((t for t in computed if t.kind == "f"), key=lambda t: t.itemsize, default=FLOAT)
    if coarsest not in RTOL:
        raise TypeError(f"gradcheck: function: expected float64 or float32, got {coarsest}")
    rtol = RTOL[coarsest] if rtol is None else rtol
    epsilon = float(np.finfo(coarsest).eps)
    weights = rng.standard_normal(output.shape)
    gradients = tape.gradient(output, tensors, output_gradients=weights)

    def scalar(i: int, x: Array) -> float:
        moved = [Tensor(p) for p in points]
        moved[i] = Tensor(x)
        return float(np.sum(weights * function(*moved).array))

    def compare(i: int, direction: Array, gradient: Array, where: str) -> None:
        h = epsilon ** (1 / 3) * max(1.0, float(np.max(np.abs(points[i]))))
        above = scalar(i, points[i] + h * direction)
        below = scalar(i, points[i] - h * direction)
        difference = (above - below) / (2 * h)
        slope = float(np.sum(gradient * direction))
        scale = max(1.0, abs(difference), float(np.max(np.abs(gradient))))
        if not math.isfinite(difference) or abs(slope - difference) > rtol * scale:
            raise GradientError(
                f"input {i}, {where}: gradient {slope:.10g}, central difference {difference:.10g}"
            )

    for i, (x, gradient) in enumerate(zip(points, gradients, strict=True)):
        array = np.zeros_like(x) if gradient is None else gradient.array
        wrong = np.count_nonzero(~np.isfinite(array))
        if wrong:
            raise GradientError(f"input {i}: gradient with {wrong} entries that are inf or nan")
        if not x.size:
            continue
        for k in range(directions):
            d = rng.standard_normal(x.shape)
            compare(i, d / np.linalg.norm(d), array, f"direction {k}")
        if x.size <= entries:
            for index in np.ndindex(x.shape):
                unit = np.zeros_like(x)
                unit[index] = 1
                compare(i, unit, array, f"entry {index}")
