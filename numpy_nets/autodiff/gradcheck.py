"""Is this derivative right?  Central differences, for the ops here and for your own."""

import math
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from numpy_nets.autodiff.tape import GradientTape
from numpy_nets.autodiff.tensor import Array, Tensor


class GradientError(AssertionError):
    """A gradient that differs from the central difference."""


def gradcheck(
    function: Callable[..., Tensor],
    inputs: Sequence[npt.ArrayLike],
    *,
    directions: int = 3,
    entries: int = 200,
    rtol: float = 1e-6,
    seed: int = 0,
) -> None:
    """Compare the gradient of `function` with central differences in float64.

    A random weighting v of the outputs makes a scalar s(x) = Σ v f(x). For each input and several
    random directions d of norm 1, and then for each entry alone, (s(x + hd) - s(x - hd)) / 2h must
    equal d · ∇s. The step h = ε^(1/3) · max(1, |x|) balances truncation, O(h²), against rounding,
    O(ε/h) (Nocedal & Wright, Numerical Optimization, section 8.1).

    Args:
        function: takes Tensors, returns a Tensor of any shape; differentiable at `inputs` and
            free of noise of its own.
        inputs: the arrays to differentiate with respect to, one for each argument.
        directions: how many random directions to try for each input.
        entries: check entry by entry if an input has at most so many.
        rtol: allowed difference, relative to the largest derivative seen (at least 1).
        seed: of the weighting and the directions.

    Raises:
        GradientError: names the input, the direction or entry, and both values.
        TypeError: the function returns no Tensor.
    """
    rng = np.random.default_rng(seed)
    points = [np.array(x, dtype=np.float64) for x in inputs]
    tensors = [Tensor(x, f"input {i}") for i, x in enumerate(points)]
    with GradientTape() as tape:
        tape.watch(tensors)
        output = function(*tensors)
    if not isinstance(output, Tensor):
        raise TypeError(f"gradcheck: expected a function to a Tensor, got {type(output).__name__}")
    weights = rng.standard_normal(output.shape)
    gradients = tape.gradient(output, tensors, output_gradients=weights)

    def scalar(i: int, x: Array) -> float:
        moved = [Tensor(p) for p in points]
        moved[i] = Tensor(x)
        return float(np.sum(weights * function(*moved).array))

    def compare(i: int, direction: Array, gradient: Array, what: str) -> None:
        h = float(np.finfo(np.float64).eps) ** (1 / 3) * max(1.0, float(np.max(np.abs(points[i]))))
        above = scalar(i, points[i] + h * direction)
        below = scalar(i, points[i] - h * direction)
        expected = (above - below) / (2 * h)
        found = float(np.sum(gradient * direction))
        scale = max(1.0, abs(expected), float(np.max(np.abs(gradient))))
        if not math.isfinite(expected) or abs(found - expected) > rtol * scale:
            raise GradientError(
                f"input {i}, {what}: gradient {found:.10g}, central difference {expected:.10g}"
            )

    for i, (x, gradient) in enumerate(zip(points, gradients, strict=True)):
        array = np.zeros_like(x) if gradient is None else gradient.array
        if array.shape != x.shape:
            raise GradientError(f"input {i}: gradient of shape {array.shape} for {x.shape}")
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
