"""Penalties of weights and of outputs, which the trainer adds to the loss.

`Dense(..., kernel_regularizer=L2(0.01))` adds 0.01 Σ W². That of an output is divided by the
number of samples in the batch.
"""

from collections.abc import Callable
from typing import TypeAlias

from numpy_nets.autodiff import ops
from numpy_nets.autodiff.tensor import Tensor
from numpy_nets.checks import number
from numpy_nets.naming import lookup


class L1L2:
    """l1 Σ |X| + l2 Σ X².

    >>> float(L1L2(l1=0.5, l2=0.25)(Tensor([1.0, -2.0])))  # 0.5 · 3 + 0.25 · 5
    2.75

    Raises:
        ValueError: a factor that is not a finite number >= 0.
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0) -> None:
        self.l1 = number(f"{type(self).__name__}: l1", l1, "[0, inf)")
        self.l2 = number(f"{type(self).__name__}: l2", l2, "[0, inf)")

    def __call__(self, x: Tensor) -> Tensor:
        if not self.l1:
            return self.l2 * ops.sum(ops.square(x))
        absolute = self.l1 * ops.sum(ops.abs(x))
        return absolute + self.l2 * ops.sum(ops.square(x)) if self.l2 else absolute


class L1(L1L2):
    """l1 Σ |X|, which leads many entries to 0.

    >>> float(L1(0.5)(Tensor([1.0, -2.0])))
    1.5
    """

    def __init__(self, l1: float = 0.01) -> None:
        super().__init__(l1=l1)


class L2(L1L2):
    """l2 Σ X².

    >>> float(L2(0.25)(Tensor([1.0, -2.0])))
    1.25
    """

    def __init__(self, l2: float = 0.01) -> None:
        super().__init__(l2=l2)


Regularizer: TypeAlias = Callable[[Tensor], Tensor]

_BY_NAME: dict[str, type[L1L2]] = {"l1": L1, "l2": L2, "l1l2": L1L2}


def get(identifier: str | Regularizer | type[L1L2] | None) -> Regularizer | None:
    """A regularizer by its name, with its defaults; a function as it is; None as None.

    >>> get("l2").l2, get(None)
    (0.01, None)
    """
    if identifier is None:
        return None
    if not callable(identifier):
        identifier = lookup("regularizer", identifier, _BY_NAME)
    return identifier() if isinstance(identifier, type) else identifier
