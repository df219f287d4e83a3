"""Optimizers: from a gradient to a step.

`step` is the formula, entry by entry. NumPy's cost is in the number of calls for small arrays, so
variables that are few numbers share them; and in the number of passes over memory for large ones,
so Adam makes as few new arrays as it can.
"""

import itertools
import math
import sys
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import numpy as np

from numpy_nets import config
from numpy_nets.autodiff.tensor import Array, Tensor, Variable
from numpy_nets.naming import lookup
from numpy_nets.optimizers.schedules import LearningRateSchedule

TOGETHER = 65_536  # weights: what a step reads and writes of them should fit into a cache
_TINY, _BELOW_1, _LARGEST = math.ulp(0.0), math.nextafter(1, 0), sys.float_info.max


def _number(
    what: str, value: object, expected: str, low: float = 0, high: float = _LARGEST
) -> None:
    number = isinstance(value, int | float | np.floating) and not isinstance(value, bool)
    if not number or not low <= value <= high:  # type: ignore[operator]
        raise ValueError(f"{what}: expected {expected}, got {value!r}")


class Optimizer:
    """Base class.

    Args:
        learning_rate: a float (an int raises, as in Keras), or a schedule.
        clipnorm: scale each gradient whose norm is larger down to this norm.
        global_clipnorm: scale all gradients together, if their common norm is larger.

    Raises:
        ValueError: arguments that are no numbers, or out of range, here and in subclasses.

    A subclass names its `slots`, the accumulators it keeps for each variable, and gives
    `step`.
    """

    slots: ClassVar[tuple[str, ...]] = ()
    slot_start = 0.0

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
                _number(f"{what}: {key}", value, "> 0", _TINY)
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
            _number(f"{type(self).__name__}: learning_rate", value, "a finite float >= 0")
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
        self._ends = [0, *np.cumsum([v.array.size for v in variables]).tolist()]
        self._position = {id(v): i for i, v in enumerate(variables)}
        self._slots = [np.full(self._ends[-1], self.slot_start, dtypes[0]) for _ in self.slots]
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
        known = self._align(grads, trainable_variables)
        self._clip(known)

        for run in self._runs(known):
            start, end = self._ends[run[0]], self._ends[run[-1] + 1]
            flat = [g.ravel() for g in known[run[0] : run[-1] + 1] if g is not None]
            g = np.concatenate(flat) if len(run) > 1 else flat[0]
            step = self.step(g, *[slot[start:end] for slot in self._slots])
            for i in run:
                w = self._variables[i].array
                part = step[self._ends[i] - start : self._ends[i + 1] - start].reshape(w.shape)
                # A new array, as the old one may be on a tape, but of its dtype.
                self._variables[i].array = np.add(w, part, out=np.empty_like(w))
        self.iterations += 1

    def _runs(self, gradients: Sequence[Array | None]) -> Iterator[list[int]]:
        """Neighbours that have a gradient, by index, in steps of up to TOGETHER weights."""
        run: list[int] = []
        for i, g in enumerate(gradients):
            if run and (g is None or self._ends[i + 1] - self._ends[run[0]] > TOGETHER):
                yield run
                run = []
            if g is not None:
                run.append(i)
        if run:
            yield run

    def step(self, g: Array, *slots: Array) -> Array:
        """What gradient `g` adds to the weights; changes the accumulators.  All (n,).

        The result may be an accumulator itself: it is not to be written into.
        """
        raise NotImplementedError

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
        """Iterations, the learning rate (unless a schedule), and the accumulators of each variable.

        The order of Keras's optimizer variables, in which they are saved.
        """
        state = [np.array(self.iterations, np.int64)]
        if not isinstance(self._learning_rate, LearningRateSchedule):
            state.append(np.array(self._learning_rate, config.floatx()))
        if self.built:
            for i, variable in enumerate(self._variables):
                span = slice(*self._ends[i : i + 2])
                state += [slot[span].reshape(variable.shape).copy() for slot in self._slots]
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
            for start, end in itertools.pairwise(self._ends):
                for slot in self._slots:
                    slot[start:end] = np.ravel(next(rest))


class SGD(Optimizer):
    """w ← w - η g.  With momentum μ (Polyak 1964; Sutskever et al. 2013):

    m ← μ m - η g,    w ← w + m,    or with nesterov    w ← w + μ m - η g
    """

    def __init__(
        self,
        learning_rate: float | LearningRateSchedule = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, **options)
        _number("SGD: momentum", momentum, "a number in [0, 1]", 0, 1)
        self.momentum = momentum
        self.nesterov = nesterov
        if momentum:
            self.slots = ("momentum",)  # type: ignore[misc]  # narrower than the class's

    def step(self, g: Array, *slots: Array) -> Array:
        step: Array = g * -self.learning_rate
        if not slots:
            return step
        (m,) = slots
        m *= self.momentum
        m += step
        return m * self.momentum + step if self.nesterov else m


class Adagrad(Optimizer):
    """a ← a + g²,    w ← w - η g / √(a + ε)    (Duchi et al. 2011).  a begins at 0.1."""

    slots = ("accumulator",)

    def __init__(
        self,
        learning_rate: float | LearningRateSchedule = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, **options)
        _number("Adagrad: initial_accumulator_value", initial_accumulator_value, "a number >= 0")
        _number("Adagrad: epsilon", epsilon, "a number >= 0")
        self.slot_start = initial_accumulator_value
        self.epsilon = epsilon

    def step(self, g: Array, *slots: Array) -> Array:
        (a,) = slots
        a += g * g
        return g * -self.learning_rate / np.sqrt(a + self.epsilon)


class RMSprop(Optimizer):
    """v ← ρ v + (1-ρ) g²,    w ← w - η g / √(v + ε)    (Tieleman & Hinton 2012)."""

    slots = ("velocity",)

    def __init__(
        self,
        learning_rate: float | LearningRateSchedule = 0.001,
        rho: float = 0.9,
        *,
        epsilon: float = 1e-7,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, **options)
        _number("RMSprop: rho", rho, "a number in [0, 1)", 0, _BELOW_1)
        _number("RMSprop: epsilon", epsilon, "a number >= 0")
        self.rho = rho
        self.epsilon = epsilon

    def step(self, g: Array, *slots: Array) -> Array:
        (v,) = slots
        v *= self.rho
        v += g * g * (1 - self.rho)
        return g * -self.learning_rate / np.sqrt(v + self.epsilon)


class Adam(Optimizer):
    """m ← m + (1-β₁)(g - m),    v ← v + (1-β₂)(g² - v),    w ← w - α m / (√v + ε),
    α = η √(1-β₂ᵗ) / (1-β₁ᵗ) at step t = 1, 2, …

    Kingma & Ba 2015, in the order of computation at the end of their section 2: this ε is their
    ε̂, added after the correction for the zeros in which m and v begin, not ε of Algorithm 1.
    """

    slots = ("momentum", "velocity")

    def __init__(
        self,
        learning_rate: float | LearningRateSchedule = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, **options)
        _number("Adam: beta_1", beta_1, "a number in [0, 1)", 0, _BELOW_1)
        _number("Adam: beta_2", beta_2, "a number in [0, 1)", 0, _BELOW_1)
        _number("Adam: epsilon", epsilon, "a number >= 0")
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon

    def step(self, g: Array, *slots: Array) -> Array:
        m, v = slots
        t = self.iterations + 1
        alpha = self.learning_rate * math.sqrt(1 - self.beta_2**t) / (1 - self.beta_1**t)
        # The formula in one temporary: new arrays cost passes over memory.
        d = g - m
        d *= 1 - self.beta_1
        m += d
        np.multiply(g, g, out=d)
        d -= v
        d *= 1 - self.beta_2
        v += d
        np.sqrt(v, out=d)
        d += self.epsilon
        np.divide(m, d, out=d)
        d *= -alpha
        return d


_BY_NAME: dict[str, type[Optimizer]] = {
    "sgd": SGD,
    "adagrad": Adagrad,
    "rmsprop": RMSprop,
    "adam": Adam,
}


def get(identifier: str | Optimizer) -> Optimizer:
    """An optimizer by its name (in any case) with Keras's defaults, or the one given."""
    if isinstance(identifier, Optimizer):
        return identifier
    name = identifier.lower() if isinstance(identifier, str) else identifier
    optimizer: Any = lookup("optimizer", name, _BY_NAME)
    made: Optimizer = optimizer()
    return made
