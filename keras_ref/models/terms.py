"""A model whose loss is a sum of named terms, each of which is reported.

This is what the autoencoders have in common whose loss `compile(loss=...)` of Keras cannot express:
a subclass computes the terms in `terms(data, noise)` and draws its noise in `draw_noise(data)`.
Noise is an argument of everything that computes, so that two implementations can be compared on
the same draws.
"""

import functools
import operator
from typing import Any

from keras import ops, random
from keras.metrics import Mean, Metric
from keras.models import Model
from tensorflow import GradientTape, Tensor


class TermModel(Model):
    """Trains on loss = Σ terms; fit and evaluate report the loss and every term.

    A subclass lists the names of its terms in `term_names`, in the order in which `terms` returns
    them, and the names of the data that it is trained on in `data_names`.

    Args:
        seed: seeds a noise stream that belongs to this model and is not part of a checkpoint. With
            None, noise comes from the stream that everything shares (`set_random_seed` seeds it).

    Raises:
        ValueError: at a step, if the data are not x (or what `data_names` lists).

    >>> class Moments(TermModel):
    ...     term_names = ("mean", "square")
    ...     def terms(self, data, noise):
    ...         return [ops.mean(data), ops.mean(ops.square(data))]
    >>> logs = Moments().test_step(ops.convert_to_tensor([[1.0], [3.0]]))
    >>> {name: float(value) for name, value in logs.items()}
    {'loss': 7.0, 'mean': 2.0, 'square': 5.0}
    """

    term_names: tuple[str, ...] = ()
    data_names: tuple[str, ...] = ("x",)

    def __init__(self, seed: int | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.noise = None if seed is None else random.SeedGenerator(seed)
        self.means = [Mean(name=name) for name in ("loss", *self.term_names)]

    @property
    def metrics(self) -> list[Metric]:
        return list(self.means)

    def terms(self, data: Any, noise: Any) -> list[Tensor]:
        """The terms of the loss of one batch: a list of scalars."""
        raise NotImplementedError

    def draw_noise(self, data: Any) -> Any:
        """The noise for one batch."""
        return None

    def given(self, data: Any) -> Any:
        """`data` as `terms` takes it: `train_on_batch(x)` of Keras passes (x, None, None)."""
        parts = data if isinstance(data, tuple) else (data,)
        while parts[-1] is None and len(parts) > 1:
            parts = parts[:-1]
        if len(parts) != len(self.data_names):
            expected = ", ".join(self.data_names)
            got = ", ".join(("x", "y", "sample_weight")[: len(parts)])
            raise ValueError(f"{type(self).__name__}: data: expected ({expected}), got ({got})")
        return parts if len(parts) > 1 else parts[0]

    def learn(self, data: Any, noise: Any) -> dict[str, Any]:
        """One step: the gradient of the sum of the terms, then the optimizer's update."""
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

    def report(self, data: Any, loss: Tensor, terms: list[Tensor]) -> dict[str, Any]:
        """The running means over the epoch by name; a smaller last batch counts for less."""
        for mean, value in zip(self.means, [loss, *terms], strict=True):
            mean.update_state(value, sample_weight=batch_size(data))
        return {mean.name: mean.result() for mean in self.means}


def batch_size(data: Any) -> Any:
    """The number of samples in a batch, x, (x, y) or [x, y]: a tensor inside a graph of Keras."""
    return ops.shape(data[0] if isinstance(data, list | tuple) else data)[0]


def total(terms: list[Tensor]) -> Tensor:
    """The sum of the terms.  Python's `sum` starts from 0: one more operation at every step."""
    return functools.reduce(operator.add, terms)
