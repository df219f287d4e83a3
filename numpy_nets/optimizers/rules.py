"""The update rules: SGD, Adagrad, RMSprop and Adam.

Each `step` is the formula of its docstring, entry by entry: what gradient `g` adds to the weights
`w`. Accumulators are updated in place. η is the learning rate.
"""

import math
from typing import Any

import numpy as np

from numpy_nets.autodiff.tensor import Array
from numpy_nets.checks import number
from numpy_nets.optimizers.optimizer import Optimizer
from numpy_nets.optimizers.schedules import LearningRateSchedule


class SGD(Optimizer):
    """w ← w - η g.  With momentum μ:  m ← μ m - η g,  w ← w + m.

    Polyak 1964. With nesterov, w ← w + μ m - η g for the new m (Sutskever et al. 2013). They take
    the gradient at u = w + μ m, where momentum alone would lead, and move w by the new m'. So u
    moves to w + m' + μ m' = u - μ m + m' + μ m' = u - η g + μ m'; here u is stored in place of w.

    >>> from numpy_nets import Variable
    >>> w = Variable(1.0)
    >>> SGD(0.1).apply([np.array(0.5)], [w])
    >>> print(w.numpy().round(4))  # 1 - 0.1 · 0.5
    0.95
    """

    def __init__(
        self,
        learning_rate: float | LearningRateSchedule = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, **options)
        self.momentum = number("SGD: momentum", momentum, "[0, 1]")
        self.nesterov = nesterov
        self.fades = True
        if self.momentum:
            self.slots = ("momentum",)  # type: ignore[misc]  # narrower than the class's

    def step(self, g: Array, m: Array | None = None) -> Array:
        step: Array = -self.learning_rate * g
        if m is None:
            return step
        m *= self.momentum
        m += step
        return self.momentum * m + step if self.nesterov else m


class Adagrad(Optimizer):
    """a ← a + g²,    w ← w - η g / √(a + ε)    (Duchi et al. 2011).  a starts at 0.1.

    >>> from numpy_nets import Variable
    >>> w = Variable(1.0)
    >>> Adagrad(0.1).apply([np.array(0.5)], [w])
    >>> print(w.numpy().round(4))  # a = 0.1 + 0.25; 1 - 0.05 / √0.35
    0.9155
    """

    slots = ("accumulator",)

    def __init__(
        self,
        learning_rate: float | LearningRateSchedule = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        **options: Any,
    ) -> None:
        super().__init__(learning_rate, **options)
        self.slot_start = number(
            "Adagrad: initial_accumulator_value", initial_accumulator_value, "[0, inf)"
        )
        self.epsilon = number("Adagrad: epsilon", epsilon, "[0, inf)")

    def step(self, g: Array, a: Array) -> Array:
        a += g * g
        step: Array = -self.learning_rate * g / np.sqrt(a + self.epsilon)
        return step


class RMSprop(Optimizer):
    """v ← ρ v + (1-ρ) g²,    w ← w - η g / √(v + ε)    (Tieleman & Hinton 2012).

    >>> from numpy_nets import Variable
    >>> w = Variable(1.0)
    >>> RMSprop(0.1).apply([np.array(0.5)], [w])
    >>> print(w.numpy().round(4))  # v = 0.1 · 0.25; 1 - 0.05 / √0.025
    0.6838
    """

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
        self.rho = number("RMSprop: rho", rho, "[0, 1)")
        self.epsilon = number("RMSprop: epsilon", epsilon, "[0, inf)")
        self.fades = self.epsilon >= 1e-15  # with a smaller ε, setting v to 0 would matter

    def step(self, g: Array, v: Array) -> Array:
        v *= self.rho
        v += (1 - self.rho) * (g * g)
        step: Array = -self.learning_rate * g / np.sqrt(v + self.epsilon)
        return step


class Adam(Optimizer):
    """m ← m + (1-β₁)(g - m),    v ← v + (1-β₂)(g² - v),    w ← w - α m / (√v + ε)

    with α = η √(1-β₂ᵗ) / (1-β₁ᵗ) at step t = 1, 2, …    (Kingma & Ba 2015).

    m and v are running means of g and g² that start at 0: after t steps m = (1-β₁) Σ β₁ᵗ⁻ⁱ gᵢ over
    i = 1 … t. These weights add up to 1-β₁ᵗ instead of 1, and those of v to 1-β₂ᵗ. Algorithm 1 of
    the paper divides by these sums. With numerator and denominator multiplied by √(1-β₂ᵗ), its step
    is

        η m/(1-β₁ᵗ) / (√(v/(1-β₂ᵗ)) + ε)  =  α m / (√v + ε √(1-β₂ᵗ))

    Here, as in Keras and at the end of the paper's section 2, the last term is a constant, which
    the paper calls ε̂. At t = 1, m / (1-β₁) = g and v / (1-β₂) = g², so the first step is about
    η sign g:

    >>> from numpy_nets import Variable
    >>> w = Variable(1.0)
    >>> Adam(0.1).apply([np.array(0.5)], [w])
    >>> print(w.numpy().round(4))  # 1 - 0.1 · sign 0.5
    0.9
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
        self.beta_1 = number("Adam: beta_1", beta_1, "[0, 1)")
        self.beta_2 = number("Adam: beta_2", beta_2, "[0, 1)")
        self.epsilon = number("Adam: epsilon", epsilon, "[0, inf)")
        self.fades = self.epsilon >= 1e-15  # with a smaller ε, setting v to 0 would matter

    def step(self, g: Array, m: Array, v: Array) -> Array:
        t = self.iterations + 1
        alpha = self.learning_rate * math.sqrt(1 - self.beta_2**t) / (1 - self.beta_1**t)
        m += (1 - self.beta_1) * (g - m)
        v += (1 - self.beta_2) * (g * g - v)
        step: Array = -alpha * (m / (np.sqrt(v) + self.epsilon))
        return step

    def fused_step(self, g: Array, m: Array, v: Array) -> Array:
        # For speed alone: `step` with one temporary array. On an AMD EPYC a training step of the
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
