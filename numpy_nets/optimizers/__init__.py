"""Optimizers: from a gradient to a step.

`rules` holds the formulas, `optimizer` the loop that applies them, `schedules` learning rates that
change from step to step.
"""

from collections.abc import Callable

from numpy_nets.naming import lookup
from numpy_nets.optimizers.optimizer import Optimizer
from numpy_nets.optimizers.rules import SGD, Adagrad, Adam, RMSprop

__all__ = ["SGD", "Adagrad", "Adam", "Optimizer", "RMSprop", "get"]

_BY_NAME: dict[str, Callable[[], Optimizer]] = {
    "sgd": SGD,
    "adagrad": Adagrad,
    "rmsprop": RMSprop,
    "adam": Adam,
}


def get(identifier: str | Optimizer) -> Optimizer:
    """An optimizer by its name, in any case, with Keras's defaults; or the optimizer itself.

    >>> type(get("rmsprop")).__name__
    'RMSprop'
    """
    if isinstance(identifier, Optimizer):
        return identifier
    name = identifier.lower() if isinstance(identifier, str) else identifier
    kind: Callable[[], Optimizer] = lookup("optimizer", name, _BY_NAME)
    return kind()
