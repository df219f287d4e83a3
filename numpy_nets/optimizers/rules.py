"""The update rules: SGD, Adagrad, RMSprop and Adam.

Each `step` is the formula of its docstring, entry by entry: what gradient `g` adds to the weights
`w`. Accumulators are changed in place. η is the learning rate.
"""

import math
from typing import Any

import numpy as np

from numpy_nets.autodiff.tensor import Array
from numpy_nets.optimizers.optimizer import Optimizer, check_number
from numpy_nets.optimizers.schedules import LearningRateSchedule

BELOW_1 = math.nextafter(1, 0)  # the largest float below 1


class SGD(Optimizer):
    """w ← w - η g.  With momentum μ:  m ← μ m - η g,  w ← w + m.

    With nesterov, w ← w + μ m - η g for the new m. Polyak 1964; Sutskever et al. 2013.
    """

    def __init__(
        self,
        learning_rate: float | LearningRateSchedule = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, **options)
        check_number("SGD: momentum", momentum, "a number in [0, 1]", 0, 1)
        self.momentum = momentum
        self.nesterov = nesterov
        self.fades = True
        if momentum:
            self.slots = ("momentum",)  # type: ignore[misc]  # narrower than the class's

    def step(self, g: Array, m: Array | None = None) -> Array:
        step: Array = -self.learning_rate * g
        if m is None:
            return step
        m *= self.momentum
        m += step
        return self.momentum * m + step if self.nesterov else m


class Adagrad(Optimizer):
    """a ← a + g²,    w ← w - η g / √(a + ε)    (Duchi et al. 2011).  a starts at 0.1."""

    slots = ("accumulator",)

    def __init__(
        self,
        learning_rate: float | LearningRateSchedule = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, **options)
        check_number(
            "Adagrad: initial_accumulator_value", initial_accumulator_value, "a number >= 0"
        )
        check_number("Adagrad: epsilon", epsilon, "a number >= 0")
        self.slot_start = initial_accumulator_value
        self.epsilon = epsilon

    def step(self, g: Array, a: Array) -> Array:
        a += g * g
        step: Array = -self.learning_rate * g / np.sqrt(a + self.epsilon)
        return step


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
        check_number("RMSprop: rho", rho, "a number in [0, 1)", 0, BELOW_1)
        check_number("RMSprop: epsilon", epsilon, "a number >= 0")
        self.rho = rho
        self.epsilon = epsilon
        self.fades = epsilon >= 1e-15  # beside less than that, a v of 0 would count

    def step(self, g: Array, v: Array) -> Array:
        v *= self.rho
        v += (1 - self.rho) * (g * g)
        step: Array = -self.learning_rate * g / np.sqrt(v + self.epsilon)
        return step


class Adam(Optimizer):
    """m ← m + (1-β₁)(g - m),    v ← v + (1-β₂)(g² - v),    w ← w - α m / (√v + ε)

    with α = η √(1-β₂ᵗ) / (1-β₁ᵗ) at step t = 1, 2, …    (Kingma & Ba 2015).

    m and v are running means of g and g² that start at 0, so after t steps they are too small, on
    average by factors of 1-β₁ᵗ and 1-β₂ᵗ. Algorithm 1 of the paper divides by these factors:

        η m/(1-β₁ᵗ) / (√(v/(1-β₂ᵗ)) + ε)  =  α m / (√v + ε √(1-β₂ᵗ))

    Here, as in Keras and at the end of the paper's section 2, the last term is a constant, which
    the paper calls ε̂.
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
        check_number("Adam: beta_1", beta_1, "a number in [0, 1)", 0, BELOW_1)
        check_number("Adam: beta_2", beta_2, "a number in [0, 1)", 0, BELOW_1)
        check_number("Adam: epsilon", epsilon, "a number >= 0")
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.fades = epsilon >= 1e-15  # beside less than that, a v of 0 would count

    def step(self, g: Array, m: Array, v: Array) -> Array:
        t = self.iterations + 1
        alpha = self.learning_rate * math.sqrt(1 - self.beta_2**t) / (1 - self.beta_1**t)
        m += (1 - self.beta_1) * (g - m)
        v += (1 - self.beta_2) * (g * g - v)
        step: Array = -alpha * (m / (np.sqrt(v) + self.epsilon))
        return step

    def fused_step(self, g: Array, m: Array, v: Array) -> Array:
        # For speed alone: `step` with one temporary. On an AMD EPYC a step of the
        # VAE takes 0.92 of the time.
        t = self.iterations + 1
        alpha = self.learning_rate * math.sqrt(1 - self.beta_2**t) / (1 - self.beta_1**t)
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
