"""The rows of a step's batch that this process has: all, unless several share the work.

`distributed` divides the batches. What a layer or a random draw does with a whole batch needs to
know of it, and asks here, so that nothing but `distributed` knows of other processes.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from numpy_nets.autodiff.op import op
from numpy_nets.autodiff.tape import VJP
from numpy_nets.autodiff.tensor import Array, Tensor


@dataclass(frozen=True)
class Share:
    """This process's part of a batch.

    Attributes:
        start, count: it has the rows start, …, start + count - 1,
        rows: of so many. A process that has no row computes on the first one, with weight 0: then
            it takes part in all that follows, without counting.
        weight: its part of the batch. The mean over the batch is the sum of weight · mean over all
            processes.
        total: an array -> the sum of such arrays of all processes, the same for all of them.
    """

    start: int
    count: int
    rows: int
    weight: float
    total: Callable[[Array], Array]


class _Current(threading.local):
    share: Share | None = None


current = _Current()


@contextmanager
def using(share: Share) -> Iterator[None]:
    """Within `with`, this thread has a share of a batch."""
    current.share = share
    try:
        yield
    finally:
        current.share = None


def draw_rows(draw: Callable[[tuple[int, ...]], Array], shape: tuple[int, ...]) -> Array:
    """draw(shape); in a share, these rows of what is drawn for the whole batch.

    All processes draw the same numbers, and each keeps its own, so that neither its noise nor the
    state of the generator depends on how many there are. A shape may hold the batch several times,
    one after another, as the samples of a VAE do.

    >>> import numpy as np
    >>> share = Share(start=2, count=1, rows=3, weight=1 / 3, total=abs)
    >>> with using(share):  # once, and twice
    ...     for count in (1, 2):
    ...         draw_rows(lambda shape: np.arange(shape[0]), (count,)).tolist()
    [2]
    [2, 5]
    """
    share = current.share
    if share is None or not shape:
        return draw(shape)
    times, rest = divmod(shape[0], share.count)
    if rest:
        raise ValueError(
            f"random: expected a shape that begins with a multiple of the {share.count} rows of "
            f"the batch that this rank has, got {shape}"
        )
    whole = draw((times * share.rows, *shape[1:])).reshape(times, share.rows, *shape[1:])
    return whole[:, share.start : share.start + share.count].reshape(shape)


def average(mean: Tensor) -> Tensor:
    """The mean over the whole batch, from the mean over the rows of this share.

    m = Σ_r w_r m_r. Process r's part of the loss is w_r L_r, and w_r is multiplied in when the
    gradients are summed; so its VJP has to return (1/w_r) · w_r Σ_s w_s ∂L_s/∂m: the same sum.
    """
    return mean if current.share is None else _average(mean)


@op
def _average(mean: Array) -> tuple[Array, tuple[VJP, ...]]:
    share = current.share
    assert share is not None

    def weighted_sum(x: Array) -> Array:
        return share.total(x * x.dtype.type(share.weight))

    return weighted_sum(mean), (weighted_sum,)
