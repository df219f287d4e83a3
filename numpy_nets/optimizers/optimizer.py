"""Optimizer: what all update rules share, and the loop in which they run.

A rule such as Adam reads and writes several arrays in several passes. For small arrays the cost of
NumPy is call overhead; for large ones it is memory traffic, because an array that does not fit into
the cache is fetched from memory in every pass. So `apply` hands a rule one block of weights at a
time: the data that a line of the rule touches stay in the cache, and the rule can be the plain
formula.
"""

import itertools
import math
import warnings
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from numpy_nets import config
from numpy_nets.autodiff.tensor import Array, Tensor, Variable
from numpy_nets.blocks import blocks
from numpy_nets.checks import number
from numpy_nets.optimizers.schedules import LearningRateSchedule

if TYPE_CHECKING:
    from numpy_nets.distributed import World

FORGET_EVERY = 16  # steps from one call of _forget to the next


class Optimizer:
    """Base class.

    A subclass names its `slots`, the accumulators that it keeps for each variable, and
    implements `step`:

    >>> class SignDescent(Optimizer):
    ...     def step(self, g):
    ...         return -self.learning_rate * np.sign(g)
    >>> w = Variable([1.0, 1.0])
    >>> SignDescent(0.5).apply([np.array([3.0, -0.1])], [w])
    >>> w.numpy().tolist()
    [0.5, 1.5]

    Args:
        learning_rate: a float (an int raises, as in Keras), or a schedule.
        clipnorm: scale each gradient whose norm is larger down to this norm.
        global_clipnorm: scale all gradients by one factor, if their common norm is larger.

    Raises:
        ValueError: arguments that are not numbers or are out of range, here and in subclasses.
    """

    slots: ClassVar[tuple[str, ...]] = ()
    slot_start = 0.0
    fades = False  # whether accumulators decay towards 0; see `_forget`
    world: "World | None" = None  # of processes that take the same steps; see `distributed`

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
        if clipnorm is not None:
            clipnorm = number(f"{what}: clipnorm", clipnorm, "(0, inf)")
        if global_clipnorm is not None:
            global_clipnorm = number(f"{what}: global_clipnorm", global_clipnorm, "(0, inf)")
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
            return float(self._learning_rate(self.iterations))
        return self._learning_rate

    @learning_rate.setter
    def learning_rate(self, value: float | LearningRateSchedule) -> None:
        has_schedule = isinstance(self._learning_rate, LearningRateSchedule)
        if has_schedule and not isinstance(value, LearningRateSchedule):
            raise TypeError(
                f"{type(self).__name__}: learning_rate: a schedule gives it: expected another "
                f"schedule, got {value!r}"
            )
        self._set_learning_rate(value)

    def _set_learning_rate(self, value: float | LearningRateSchedule) -> None:
        if isinstance(value, LearningRateSchedule):
            self._learning_rate: float | LearningRateSchedule = value
        elif isinstance(value, float | np.floating):
            rate = number(f"{type(self).__name__}: learning_rate", value, "[0, inf)")
            # Rounded as it will be when it is saved, so that a resumed run computes the same.
            self._learning_rate = float(np.dtype(config.floatx()).type(rate))
        else:
            raise ValueError(
                f"{type(self).__name__}: learning_rate: expected a float or a schedule, "
                f"got {value!r}"
            )

    def build(self, variables: Sequence[Variable]) -> None:
        """Create the accumulators, once.  An optimizer serves one list of variables."""
        if self.built:
            return
        if not variables:
            raise ValueError(f"{type(self).__name__}: expected trainable variables, got none")
        dtypes = sorted({str(v.dtype) for v in variables})
        if len(dtypes) > 1:
            raise ValueError(
                f"{type(self).__name__}: expected variables of one dtype, got {dtypes}"
            )
        self._variables = list(dict.fromkeys(variables))
        self._position = {id(v): i for i, v in enumerate(self._variables)}
        self._slots = [
            [np.full(v.array.size, self.slot_start, v.dtype) for _ in self.slots]
            for v in self._variables
        ]
        self.built = True

    def apply(
        self,
        grads: Sequence[Tensor | Array | None],
        trainable_variables: Sequence[Variable] | None = None,
    ) -> None:
        """Take one step; without any gradients, none.

        A variable whose gradient is None stays as it is, and so do its accumulators; a warning
        names it. One that is listed twice is updated twice, one gradient after the other.

        Args:
            grads: one gradient for each variable, in the variable's shape.
            trainable_variables: by default those that the optimizer was built with.

        Raises:
            ValueError: all gradients are None, a variable that the optimizer was not built with,
                or a gradient in another shape.
        """
        if not len(grads):
            return
        if trainable_variables is None:
            trainable_variables = self._variables if self.built else []
        self.build(trainable_variables)
        aligned = self._align(grads, trainable_variables)
        if self.world is not None:
            aligned = self.world.sum_gradients(aligned)
        self._clip(aligned)

        forgetting = self.fades and self.iterations % FORGET_EVERY == 0
        for i, gradient in aligned:
            variable, slots = self._variables[i], self._slots[i]
            g, w = gradient.ravel(), variable.array.ravel()
            updated = np.empty_like(w)  # new, because the old array may be on a tape
            for block in blocks(w.size):
                parts = [slot[block] for slot in slots]
                np.add(w[block], self.fused_step(g[block], *parts), out=updated[block])
                if forgetting:
                    _forget(parts)
            variable.array = updated.reshape(variable.shape)
        self.iterations += 1

    def apply_gradients(
        self, grads_and_vars: Iterable[tuple[Tensor | Array | None, Variable]]
    ) -> None:
        """`apply` with pairs, such as zip(gradients, variables)."""
        pairs = list(grads_and_vars)
        self.apply([g for g, _ in pairs], [v for _, v in pairs])

    @property
    def variables(self) -> list[Tensor]:
        """Copies of the state, named as in Keras; `set_state` changes the state."""
        names = ["iteration"]
        if not isinstance(self._learning_rate, LearningRateSchedule):
            names.append("learning_rate")
        if self.built:
            paths = [v.path.replace("/", "_") for v in self._variables]
            names += [f"{path}_{slot}" for path in paths for slot in self.slots]
        return [Tensor(a, name) for a, name in zip(self.get_state(), names, strict=True)]

    def step(self, g: Array, *slots: Any) -> Array:
        """What gradient `g` adds to the weights.  Updates the slots in place.  Shapes are (n,).

        The result may be `g` or a slot itself, so the caller must not write into it.
        """
        raise NotImplementedError

    def fused_step(self, g: Array, *slots: Any) -> Array:
        """The same as `step`, bit for bit; a subclass may do it in fewer passes."""
        return self.step(g, *slots)

    def __init_subclass__(cls) -> None:
        """A subclass with its own `step` does not inherit the fused form of another one."""
        if "step" in vars(cls) and "fused_step" not in vars(cls):
            cls.fused_step = Optimizer.fused_step  # type: ignore[method-assign]

    def _align(
        self, gradients: Sequence[Tensor | Array | None], variables: Sequence[Variable]
    ) -> list[tuple[int, Array]]:
        """The gradients as arrays, each with the position of its variable in the optimizer."""
        if len(gradients) != len(variables):
            raise ValueError(
                f"{type(self).__name__}: expected {len(variables)} gradients, got {len(gradients)}"
            )
        aligned: list[tuple[int, Array]] = []
        missing = []
        for gradient, variable in zip(gradients, variables, strict=True):
            if id(variable) not in self._position:
                raise ValueError(
                    f"{type(self).__name__}: unknown variable {variable.path}: "
                    "one optimizer serves the one list of variables it was built with"
                )
            if gradient is None:
                missing.append(variable.path)
                continue
            array = gradient.array if isinstance(gradient, Tensor) else np.asarray(gradient)
            if array.shape != variable.shape:
                raise ValueError(
                    f"{type(self).__name__}: gradient of {variable.path}: "
                    f"expected shape {variable.shape}, got {array.shape}"
                )
            aligned.append((self._position[id(variable)], np.asarray(array, variable.dtype)))
        if not aligned:
            raise ValueError(f"{type(self).__name__}: no gradient for any variable")
        if missing:
            warnings.warn(
                f"{type(self).__name__}: no gradient for {', '.join(missing)}, "
                "which the loss does not depend on",
                stacklevel=3,
            )
        return aligned

    def _clip(self, aligned: list[tuple[int, Array]]) -> None:
        if self.clipnorm is None and self.global_clipnorm is None:
            return
        norms = [float(np.linalg.norm(g)) for _, g in aligned]
        common = math.sqrt(sum(n * n for n in norms))
        for k, (i, gradient) in enumerate(aligned):
            if self.clipnorm is not None:
                gradient = gradient * (self.clipnorm / max(norms[k], self.clipnorm))
            elif self.global_clipnorm is not None:
                gradient = gradient * (self.global_clipnorm / max(common, self.global_clipnorm))
            aligned[k] = i, gradient

    def get_state(self) -> list[Array]:
        """Iterations, learning rate (unless it is a schedule), and each variable's accumulators.

        This is the order in which Keras saves the variables of its optimizers.
        """
        state = [np.array(self.iterations, np.int64)]
        if not isinstance(self._learning_rate, LearningRateSchedule):
            state.append(np.array(self._learning_rate, config.floatx()))
        if self.built:
            for variable, slots in zip(self._variables, self._slots, strict=True):
                state += [slot.reshape(variable.shape).copy() for slot in slots]
        return state

    def set_state(self, state: Sequence[Array]) -> None:
        """Continue from a state that `get_state` returned.

        Raises ValueError for arrays of other shapes, and changes nothing.
        """
        expected, shapes = [a.shape for a in self.get_state()], [np.shape(a) for a in state]
        if expected != shapes:
            raise ValueError(f"{self.name}: expected state of shapes {expected}, got {shapes}")
        rest = iter(state)
        self.iterations = int(next(rest))
        if not isinstance(self._learning_rate, LearningRateSchedule):
            self._learning_rate = float(next(rest))
        if self.built:
            for slot in itertools.chain.from_iterable(self._slots):
                slot[:] = np.ravel(next(rest))


def _forget(slots: Sequence[Array]) -> None:
    """Set to 0 the accumulators that have almost decayed, before they are subnormal and slow.

    The momentum of a weight whose gradient stays 0 is multiplied by β in every step. With β = 0.9
    it falls from 1e-6 below 1.2e-38, the smallest normal float32, in 700 steps, and stays there,
    because rounding stops the decay. Some processors take up to a hundred times as long for such a
    subnormal number. The limit is 2¹⁶ times the smallest normal number, so that for β ≥ ½ no entry
    gets from above the limit to a subnormal number between two calls, which are 16 steps apart.
    Adam divides such a momentum by ε = 1e-7 or more, and steps by at most 1e-29 for α = 1e-3.
    """
    for slot in slots:
        if slot.itemsize > 2:  # in float16 the limit would not be negligible
            slot[np.abs(slot) < 2**16 * np.finfo(slot.dtype).tiny] = 0
