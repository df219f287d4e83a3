"""Optimizer: what all update rules share, and the loop in which they run.

A rule such as Adam reads and writes several arrays in several passes. For small arrays NumPy's cost
is call overhead; for large ones it is memory traffic, because an array that does not fit the cache
is fetched from memory in every pass. So `apply` hands a rule one block of weights at a time: what a
line of it touches stays in the cache, and the rule can be the plain formula.
"""

import itertools
import math
import sys
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from numpy_nets import config
from numpy_nets.autodiff.tensor import Array, Tensor, Variable
from numpy_nets.blocks import blocks
from numpy_nets.optimizers.schedules import LearningRateSchedule

FORGET_EVERY = 16  # steps from one call of _forget to the next


class Optimizer:
    """Base class.

    Args:
        learning_rate: a float (an int raises, as in Keras), or a schedule.
        clipnorm: scale each gradient whose norm is larger down to this norm.
        global_clipnorm: scale all gradients together, if their global norm is larger.

    Raises:
        ValueError: arguments that are not numbers, or out of range, here and in subclasses.

    A subclass names its `slots`, the accumulators that it keeps for each variable, and
    implements `step`.
    """

    slots: ClassVar[tuple[str, ...]] = ()
    slot_start = 0.0
    fades = False  # whether accumulators decay towards 0; see `_forget`

    def __init__(
        self,
        learning_rate: float | LearningRateSchedule,
        *,
        clipnorm: float | None = None,
        global_clipnorm: float | None = None,
        name: str | None = None,
    ) -> None:
        what = type(self).__name__
        if clipnorm is not None and global_clipnorm is not None:
            raise ValueError(f"{what}: expected one of clipnorm and global_clipnorm, got both")
        for key, value in (("clipnorm", clipnorm), ("global_clipnorm", global_clipnorm)):
            if value is not None:
                check_number(f"{what}: {key}", value, "> 0", math.ulp(0.0))
        self.name = name or what.lower()
        self.clipnorm = clipnorm
        self.global_clipnorm = global_clipnorm
        self.iterations = 0
        self.built = False
        self._set_learning_rate(learning_rate)

    @property
    def learning_rate(self) -> float:
        """The learning rate of the next step."""
        if isinstance(self._learning_rate, LearningRateSchedule):
            return self._learning_rate(self.iterations)
        return self._learning_rate

    @learning_rate.setter
    def learning_rate(self, value: float | LearningRateSchedule) -> None:
        self._set_learning_rate(value)

    def _set_learning_rate(self, value: float | LearningRateSchedule) -> None:
        if isinstance(value, LearningRateSchedule):
            self._learning_rate: float | LearningRateSchedule = value
        elif isinstance(value, float | np.floating):
            # Rounded as it will be when it is saved, so that a resumed run computes the same.
            check_number(f"{type(self).__name__}: learning_rate", value, "a finite float >= 0")
            self._learning_rate = float(np.dtype(config.floatx()).type(value))
        else:
            raise ValueError(
                f"{type(self).__name__}: learning_rate: expected a float or a schedule, "
                f"got {value!r}"
            )

    def build(self, variables: Sequence[Variable]) -> None:
        """Make the accumulators, once.  An optimizer serves one list of variables."""
        if self.built:
            return
        if not variables:
            raise ValueError(f"{type(self).__name__}: expected trainable variables, got none")
        dtypes = sorted({str(v.dtype) for v in variables})
        if len(dtypes) > 1:
            raise ValueError(
                f"{type(self).__name__}: expected variables of one dtype, got {dtypes}"
            )
        self._variables = list(variables)
        self._position = {id(v): i for i, v in enumerate(variables)}
        self._slots = [
            [np.full(v.array.size, self.slot_start, v.dtype) for _ in self.slots] for v in variables
        ]
        self.built = True

    def apply(
        self,
        grads: Sequence[Tensor | Array | None],
        trainable_variables: Sequence[Variable] | None = None,
    ) -> None:
        """Take one step.

        A variable whose gradient is None is left alone, and so are its accumulators.

        Args:
            grads: one gradient for each variable, of its shape.
            trainable_variables: by default those that the optimizer was built with.

        Raises:
            ValueError: no gradient at all, a variable that the optimizer does not know, or a
                gradient of another shape.
        """
        if trainable_variables is None:
            trainable_variables = self._variables if self.built else []
        self.build(trainable_variables)
        aligned = self._align(grads, trainable_variables)
        self._clip(aligned)

        forgetting = self.fades and self.iterations % FORGET_EVERY == 0
        for variable, g, slots in zip(self._variables, aligned, self._slots, strict=True):
            if g is None:
                continue
            g, w = g.ravel(), variable.array.ravel()
            updated = np.empty_like(w)  # new, because the old array may be on a tape
            for block in blocks(w.size):
                parts = [slot[block] for slot in slots]
                np.add(w[block], self.fused_step(g[block], *parts), out=updated[block])
                if forgetting:
                    _forget(parts)
            variable.array = updated.reshape(variable.shape)
        self.iterations += 1

    def step(self, g: Array, *slots: Any) -> Array:
        """What gradient `g` adds to the weights.  Changes the accumulators.  All have shape (n,).

        The result may be `g` or an accumulator itself, so the caller does not write into it.
        """
        raise NotImplementedError

    def fused_step(self, g: Array, *slots: Any) -> Array:
        """`step`, to the bit, in fewer passes where a subclass has such a form."""
        return self.step(g, *slots)

    def __init_subclass__(cls) -> None:
        """A subclass with a step of its own does not inherit the fused form of another step."""
        if "step" in vars(cls) and "fused_step" not in vars(cls):
            cls.fused_step = Optimizer.fused_step  # type: ignore[method-assign]

    def _align(
        self, gradients: Sequence[Tensor | Array | None], variables: Sequence[Variable]
    ) -> list[Array | None]:
        """Gradients as arrays in the order of the optimizer's variables."""
        if len(gradients) != len(variables):
            raise ValueError(
                f"{type(self).__name__}: expected {len(variables)} gradients, got {len(gradients)}"
            )
        aligned: list[Array | None] = [None] * len(self._variables)
        for gradient, variable in zip(gradients, variables, strict=True):
            if id(variable) not in self._position:
                raise ValueError(
                    f"{type(self).__name__}: unknown variable {variable.name}: "
                    "one optimizer serves the one list of variables it was built with"
                )
            if gradient is None:
                continue
            array = gradient.array if isinstance(gradient, Tensor) else np.asarray(gradient)
            if array.shape != variable.shape:
                raise ValueError(
                    f"{type(self).__name__}: gradient of {variable.name}: "
                    f"expected shape {variable.shape}, got {array.shape}"
                )
            aligned[self._position[id(variable)]] = np.asarray(array, variable.dtype)
        if all(g is None for g in aligned):
            raise ValueError(f"{type(self).__name__}: no gradient for any variable")
        return aligned

    def _clip(self, gradients: list[Array | None]) -> None:
        if self.clipnorm is None and self.global_clipnorm is None:
            return
        norms = [0.0 if g is None else float(np.linalg.norm(g)) for g in gradients]
        common = math.sqrt(sum(n * n for n in norms))
        for i, gradient in enumerate(gradients):
            if gradient is None:
                continue
            if self.clipnorm is not None:
                gradients[i] = gradient * (self.clipnorm / max(norms[i], self.clipnorm))
            elif self.global_clipnorm is not None:
                gradients[i] = gradient * (self.global_clipnorm / max(common, self.global_clipnorm))

    def get_state(self) -> list[Array]:
        """Iterations, the learning rate (unless a schedule), and each variable's accumulators.

        The order is that of Keras's optimizer variables, in which they are saved.
        """
        state = [np.array(self.iterations, np.int64)]
        if not isinstance(self._learning_rate, LearningRateSchedule):
            state.append(np.array(self._learning_rate, config.floatx()))
        if self.built:
            for variable, slots in zip(self._variables, self._slots, strict=True):
                state += [slot.reshape(variable.shape).copy() for slot in slots]
        return state

    def set_state(self, state: Sequence[Array]) -> None:
        """Continue from what `get_state` gave; other shapes raise ValueError and change nothing."""
        expected, found = [a.shape for a in self.get_state()], [np.shape(a) for a in state]
        if expected != found:
            raise ValueError(f"{self.name}: expected state of shapes {expected}, got {found}")
        rest = iter(state)
        self.iterations = int(next(rest))
        if not isinstance(self._learning_rate, LearningRateSchedule):
            self._learning_rate = float(next(rest))
        if self.built:
            for slot in itertools.chain.from_iterable(self._slots):
                slot[:] = np.ravel(next(rest))


def _forget(slots: Sequence[Array]) -> None:
    """Set accumulators that have all but decayed to 0, before they become subnormal and slow.

    The momentum of a weight whose gradient stays 0 is multiplied by β in every step. With β = 0.9
    it falls from 1e-6 below 1.2e-38, the smallest normal float32, in 700 steps, and stays there,
    because rounding stops the decay. Some processors take up to a hundred times as long for such a
    subnormal number. The limit is 2¹⁶ times the smallest normal number, so for β ≥ ½ nothing gets
    past it between two calls. Adam divides it by ε = 1e-7 at most: a step of 1e-29 for α = 1e-3.
    """
    for slot in slots:
        if slot.itemsize > 2:  # in float16 the limit would be a number that counts
            slot[np.abs(slot) < 2**16 * np.finfo(slot.dtype).tiny] = 0


def check_number(
    what: str,
    value: object,
    expected: str,
    low: float = 0,
    high: float = sys.float_info.max,
) -> None:
    """Raise ValueError unless `value` is a number from `low` to `high`."""
    number = isinstance(value, int | float | np.floating) and not isinstance(value, bool)
    if not number or not low <= value <= high:  # type: ignore[operator]
        raise ValueError(f"{what}: expected {expected}, got {value!r}")
