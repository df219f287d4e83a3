"""A model whose loss is a sum of named terms, each of them reported.

The common part of the autoencoders that Keras's `compile(loss=...)` cannot express: a subclass
gives `terms(data, noise)` and draws its noise in `draw_noise(data)`. Noise is an argument of
everything that computes, so that two implementations can be compared on the same draws.
"""

import functools
import operator
from typing import Any

from numpy_nets import random
from numpy_nets.autodiff import GradientTape, ops
from numpy_nets.metrics import Mean
from numpy_nets.models import Model


class TermModel(Model):
    """Trains on loss = Σ terms; fit and evaluate report the loss and every term.

    A subclass names its terms in `term_names`, in the order in which `terms` returns them, and
    what it is trained on in `data_names`.

    Args:
        seed: of a stream of noise of its own, which no checkpoint holds; None to draw from the one
            that all share, which `set_random_seed` seeds.

    Raises:
        ValueError: at a step, on other data than x (or what `data_names` has).
    """

    term_names: tuple[str, ...] = ()
    data_names: tuple[str, ...] = ("x",)

    def __init__(self, seed: int | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.noise = None if seed is None else random.SeedGenerator(seed)
        self.means = [Mean(name=name) for name in ("loss", *self.term_names)]

    @property
    def metrics(self) -> list[Any]:
        return self.means

    def terms(self, data: Any, noise: Any) -> list[Any]:
        """The terms of the loss of one batch, a list of scalars."""
        raise NotImplementedError

    def draw_noise(self, data: Any) -> Any:
        """The noise of one batch."""
        return None

    def given(self, data: Any) -> Any:
        """`data` as `terms` takes it: Keras's `train_on_batch(x)` gives (x, None, None)."""
        parts = data if isinstance(data, tuple) else (data,)
        while parts[-1] is None and len(parts) > 1:
            parts = parts[:-1]
        if len(parts) != len(self.data_names):
            expected = ", ".join(self.data_names)
            got = ", ".join(("x", "y", "sample_weight")[: len(parts)])
            raise ValueError(f"{type(self).__name__}: data: expected ({expected}), got ({got})")
        return parts if len(parts) > 1 else parts[0]

    def learn(self, data: Any, noise: Any) -> dict[str, Any]:
        """One step: gradients of the sum of the terms, and the optimizer's update."""
        with GradientTape() as tape:
            terms = self.terms(data, noise)
            loss = total(terms)
        variables = self.trainable_variables
        assert self.optimizer is not None
        self.optimizer.apply(tape.gradient(loss, variables), variables)
        return self.report(data, loss, terms)

    def train_step(self, data: Any) -> dict[str, Any]:
        data = self.given(data)
        return self.learn(data, self.draw_noise(data))

    def test_step(self, data: Any) -> dict[str, Any]:
        data = self.given(data)
        terms = self.terms(data, self.draw_noise(data))
        return self.report(data, total(terms), terms)

    def report(self, data: Any, loss: Any, terms: list[Any]) -> dict[str, Any]:
        """Running means over the epoch, in which a smaller last batch counts less."""
        for mean, value in zip(self.means, [loss, *terms], strict=True):
            mean.update_state(value, sample_weight=batch_size(data))
        return {mean.name: mean.result() for mean in self.means}


def batch_size(data: Any) -> Any:
    """Samples in a batch: x alone, or (x, y)."""
    return ops.shape(data[0] if isinstance(data, tuple) else data)[0]


def total(terms: list[Any]) -> Any:
    """Their sum.  Python's `sum` would add the first to 0, one operation more at every step."""
    return functools.reduce(operator.add, terms)
