"""Learning rates that change while an optimizer runs."""

from numpy_nets.checks import number


class LearningRateSchedule:
    """Base class: a learning rate that is a function of the iteration, which counts from 0.

    >>> class Warmup(LearningRateSchedule):
    ...     def __call__(self, step):
    ...         return 0.1 * min(1.0, (step + 1) / 100)
    >>> from numpy_nets.optimizers import SGD
    >>> SGD(Warmup()).learning_rate
    0.001
    """

    def __call__(self, step: int) -> float:
        raise NotImplementedError


class ExponentialDecay(LearningRateSchedule):
    """initial_learning_rate · decay_rate^(step / decay_steps); staircase rounds the exponent down.

    >>> decay = ExponentialDecay(1.0, decay_steps=10, decay_rate=0.25)
    >>> stairs = ExponentialDecay(1.0, decay_steps=10, decay_rate=0.25, staircase=True)
    >>> [decay(step) for step in (0, 5, 10)], [stairs(step) for step in (0, 5, 10)]
    ([1.0, 0.5, 0.25], [1.0, 1.0, 0.25])

    Raises:
        ValueError: decay_steps is not a positive number.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        decay_rate: float,
        staircase: bool = False,
    ) -> None:
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = number("ExponentialDecay: decay_steps", decay_steps, "(0, inf)")
        self.decay_rate = decay_rate
        self.staircase = staircase

    def __call__(self, step: int) -> float:
        p = step // self.decay_steps if self.staircase else step / self.decay_steps
        return float(self.initial_learning_rate * self.decay_rate**p)
