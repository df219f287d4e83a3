"""Optimizers: from a gradient to a step.

`rules` has the formulas, `optimizer` the loop that applies them, `schedules` learning rates that
change.
"""

from typing import Any

from numpy_nets.naming import lookup
from numpy_nets.optimizers.optimizer import Optimizer
from numpy_nets.optimizers.rules import SGD, Adagrad, Adam, RMSprop

__all__ = ["SGD", "Adagrad", "Adam", "Optimizer", "RMSprop", "get"]

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
