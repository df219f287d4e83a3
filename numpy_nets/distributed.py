"""Synchronous data-parallel training: n processes take the steps of one.

The gradient of a mean over a batch is a weighted mean of the gradients over its parts:

    ∇ 1/N Σ_i L(x_i) = Σ_r n_r/N · g_r,    g_r = ∇ 1/n_r Σ_{i in part r} L(x_i)

So each of n processes, its number r being its rank, computes g_r from its own n_r of the N rows.
One sum over all ranks then gives every rank the gradient of the whole batch, with which every rank
takes the same step. Weights and the state of the optimizer never leave their process, and yet stay
the same on all, bit for bit: they start from rank 0's, and change by the same numbers.

What is sent. The gradients of a step lie one after another in one buffer of B bytes, 4 for each
float32 weight, and are summed by one all-reduce (`World.sum`). Its two halves are

    reduce-scatter   the buffer is cut into n pieces, and rank r gets piece r of every rank: it
                     receives n - 1 pieces of B/n bytes, and adds them up;
    all-gather       every rank gets the n - 1 sums that it has not made itself.

A rank sends and receives 2 (n - 1)/n · B bytes, less than 2 B however many ranks there are. Nobody
can do with less (Patarasuk & Yuan 2009, J. Parallel Distrib. Comput. 69). A second all-reduce of a
few numbers makes the losses and metrics in the logs those of the whole batch.

Why the result is the same. With real numbers it is, by the formula above. With floats each sum of
n_r terms is rounded, and then the sum of n such sums, so the last bits depend on n. They do not
depend on anything else: `World.sum` adds in the order of the ranks. MPI's own Allreduce promises no
order. It may choose another one for each size of the message, number of ranks or network, and the
standard only recommends that the same call gives the same bits again (MPI 4.1, section 6.9.1).

Random draws are those of one process: every rank draws the noise and the dropout of the whole
batch from the same generator and keeps its own rows (`shares`). Validation is shared like training.
`predict` is not: each rank computes all of it. Callbacks see the same logs on all ranks, so they
decide the same; rank 0's `stop_training` and random state are sent to all after every epoch.

What cannot be shared: a loss that is not a mean over the rows of the batch, such as the penalty of
a sparse autoencoder on mean activations, or SGAN's feature matching. Batch normalization can, as
its means are all-reduced in the forward and in the backward pass, too (`shares.average`).

A program for one process becomes one for several with three lines, named as in Horovod:

    from numpy_nets import distributed

    distributed.init()
    model.compile(distributed.DistributedOptimizer(Adam()), loss="mean_squared_error")
    model.fit(x, y, batch_size=256, verbose=distributed.rank() == 0)   # of the whole batch

and is started by `mpiexec -n 4 python program.py`. Every rank is given all data, or an iterable of
whole batches, and picks its rows. `pip install 'numpy_nets[mpi]'` brings mpi4py and mpiexec.
"""

import math
import os
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any

import numpy as np

from numpy_nets import optimizers, random, shares
from numpy_nets.autodiff.tensor import Array, Tensor, Variable
from numpy_nets.nested import flatten, instances
from numpy_nets.shares import Share

# What mpiexec of MPICH (and Intel), and of Open MPI, tell the processes that they start.
SIZES, RANKS = ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE"), ("PMI_RANK", "OMPI_COMM_WORLD_RANK")
PATIENCE = 0.5  # seconds that a rank which failed waits for others that fail, too

_world: "World | None" = None


def _told(names: Sequence[str], default: int) -> int:
    """A number that mpiexec has put into the environment."""
    return next((int(os.environ[name]) for name in names if name in os.environ), default)


def launched() -> bool:
    """Whether mpiexec started this process as one of several."""
    return _told(SIZES, 1) > 1


def init() -> None:
    """Meet the other processes that mpiexec started; without mpiexec nothing happens.

    From now on an exception that nobody catches on any rank ends all of them.

    Raises:
        ValueError: mpi4py is not installed, or is that of another MPI than mpiexec.
    """
    global _world
    if _world is not None or not launched():
        return
    try:
        from mpi4py import MPI
    except ImportError:
        raise ValueError("mpiexec: needs mpi4py: pip install 'numpy_nets[mpi]'") from None
    if MPI.COMM_WORLD.size != _told(SIZES, 1):
        raise ValueError(
            f"mpiexec: started {_told(SIZES, 1)} processes, of which mpi4py sees "
            f"{MPI.COMM_WORLD.size}: expected the mpiexec of the MPI that mpi4py was built for"
        )
    _world = World(MPI.COMM_WORLD)
    random.set_state(_world.broadcast(random.get_state()))
    sys.excepthook = _end_all


def rank() -> int:
    """The number of this process, counted from 0; 0 without mpiexec."""
    return _told(RANKS, 0) if launched() else 0


def size() -> int:
    """The number of processes; 1 without mpiexec."""
    return _told(SIZES, 1)


def world() -> "World | None":
    """All processes, or None without mpiexec; raises ValueError before `init`."""
    if launched() and _world is None:
        raise ValueError("distributed: expected a call of init() first")
    return _world


def DistributedOptimizer(  # noqa: N802  # Horovod's name
    optimizer: str | optimizers.Optimizer,
) -> optimizers.Optimizer:
    """The optimizer itself, which from now on sums the gradients of all ranks before each step.

    All ranks must call its `apply` equally often. Without mpiexec nothing changes.
    """
    optimizer = optimizers.get(optimizer)
    optimizer.world = world()
    return optimizer


def broadcast_variables(variables: Sequence[Variable]) -> None:
    """Give the variables of all ranks the values that they have on rank 0.

    `fit` does this itself; a loop of your own has to, before its first step.
    """
    together = world()
    if together is not None:
        together.broadcast_variables(variables)


@contextmanager
def all_ranks(model: Any) -> Iterator[None]:
    """Within `with`, all optimizers that a model holds are DistributedOptimizers."""
    held = instances(vars(model), optimizers.Optimizer)
    try:
        for optimizer in held:
            DistributedOptimizer(optimizer)
        yield
    finally:
        for optimizer in held:
            optimizer.world = None


@contextmanager
def shared(rows: int) -> Iterator[slice]:
    """For a loop of your own: which of the rows of a batch are this rank's, at least one.

        for x in batches:
            with distributed.shared(len(x)) as own, GradientTape() as tape:
                loss = ...  # a mean over the rows x[own]
            ...

    The step of the optimizer belongs in the `with`, too.
    """
    together = world()
    if together is None:
        yield slice(rows)
    else:
        share, own = together.share(rows)
        with shares.using(share):
            yield own


class World:
    """All ranks, and what they do together: on each of them the same calls in the same order.

    Args:
        comm: an MPI communicator.

    Attributes:
        asked: whether this rank would like to stop.
        stopping: whether any rank wanted to before the end of the last step.
    """

    def __init__(self, comm: Any) -> None:
        self.comm, self.rank, self.size = comm, comm.rank, comm.size
        self.ends = comm.Dup()  # for `finish`, while the others may still be waiting on `comm`
        self.asked = self.stopping = False

    def broadcast(self, value: Any) -> Any:
        """Rank 0's value."""
        return self.comm.bcast(value)

    def broadcast_variables(self, variables: Sequence[Variable]) -> None:
        """Assign rank 0's values."""
        values = self.broadcast([variable.numpy() for variable in variables])
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)

    def sum(self, x: Array) -> Array:
        """The sum of x over all ranks, added in their order: the same bits on every rank."""
        length = -(-x.size // self.size)
        buffer = np.zeros(self.size * length, x.dtype)
        buffer[: x.size] = x.ravel()
        pieces = np.empty((self.size, length), x.dtype)
        self.comm.Alltoall(buffer, pieces)  # piece r of every rank goes to rank r
        total = pieces[0]
        for piece in pieces[1:]:
            total += piece
        self.comm.Allgather(total, buffer)
        return buffer[: x.size].reshape(x.shape)

    def share(self, rows: int, k: int = 1) -> tuple[Share, slice]:
        """This rank's share of a batch, and where in the batch its rows are.

        Args:
            k: a GAN divides its batch among k steps of D, where step i takes the rows i, i + k, …:
                then the share is one of each of these.
        """
        if rows % k:
            raise ValueError(
                f"GAN: k = {k}: expected batches of a multiple of {k} images where several ranks "
                f"train, got {rows}"
            )
        rows //= k
        start, stop = (rows * r // self.size for r in (self.rank, self.rank + 1))
        weight = (stop - start) / rows
        if start == stop:  # it has no row: see `Share`
            start, stop = 0, 1
        return Share(start, stop - start, rows, weight, self.sum), slice(k * start, k * stop)

    # What `Optimizer.apply` does.

    def sum_gradients(self, aligned: list[tuple[int, Array]]) -> list[tuple[int, Array]]:
        """The gradients of the whole batch, each with the position of its variable."""
        share = shares.current.share
        if share is None:
            raise ValueError(
                "DistributedOptimizer: expected a step of `fit`, or one in `distributed.shared`"
            )
        buffer = np.concatenate([gradient.ravel() for _, gradient in aligned])
        buffer = self.sum(buffer * buffer.dtype.type(share.weight))
        ends = np.cumsum([gradient.size for _, gradient in aligned])
        parts = np.split(buffer, ends[:-1])
        return [(i, p.reshape(g.shape)) for (i, g), p in zip(aligned, parts, strict=True)]

    # What `Trainer` does.

    def begin(self, model: Any, batches: Any) -> None:
        """Before the first epoch: check the sizes of batches, and give all ranks rank 0's state."""
        if batches.iterable is None:
            size = min(batches.batch_size, batches.samples)
            if size < self.size:
                raise ValueError(
                    f"fit: batch_size: expected at least one sample for each of {self.size} ranks, "
                    f"got {size}"
                )
            for rows in {size, batches.samples % size or size}:
                self.share(rows, model.k)
        self.broadcast_variables(model.weights)
        for optimizer in instances(vars(model), optimizers.Optimizer):
            state = self.broadcast(optimizer.get_state())
            if len(state) > len(optimizer.get_state()):  # rank 0 has read a checkpoint
                optimizer.build(model.trainable_variables)
            optimizer.set_state(state)
        streams = [
            stream.generator.bit_generator
            for layer in model._all_layers()
            for stream in instances(vars(layer), random.SeedGenerator)
        ]
        states = self.broadcast([stream.state for stream in streams])
        for stream, state in zip(streams, states, strict=True):
            stream.state = state
        self.follow(model)

    def follow(self, model: Any) -> None:
        """After an epoch: what the callbacks of rank 0 have drawn and decided."""
        state, model.stop_training = self.broadcast((random.get_state(), model.stop_training))
        random.set_state(state)

    def epoch(
        self, batches: Any, order: Array | None = None, k: int = 1
    ) -> Iterator[tuple[Share, Any]]:
        """`Batches.epoch`, of each batch this rank's share alone."""
        if batches.iterable is not None:
            for data in batches.epoch():
                yield self.divide(data, k)
            return
        for start in range(0, batches.samples, batches.batch_size):
            share, own = self.share(min(batches.batch_size, batches.samples - start), k)
            where = slice(start + own.start, start + own.stop)
            yield share, batches.at(where if order is None else order[where])

    def divide(self, data: Any, k: int = 1) -> tuple[Share, Any]:
        """A whole batch, as a `train_step` takes it -> this rank's share of it."""
        share, own = self.share(len(flatten(data)[0].array), k)
        return share, _cut(data, own)

    def step(self, model: Any, step: Any, share_and_data: tuple[Share, Any]) -> Any:
        """Run a `train_step` or `test_step`; the metrics and logs are those of the whole batch."""
        share, data = share_and_data
        before = {id(metric): (metric.total, metric.count) for metric in model.metrics}
        model.reset_metrics()
        with shares.using(share):
            logs = step(data)
        metrics = model.metrics  # the first step may have made some
        others = [name for name in logs if name not in model.get_metrics_result()]
        here = share.weight > 0  # a rank without a row counts for nothing
        numbers = [here * number for m in metrics for number in (m.total, m.count)]
        numbers += [share.weight * float(logs[name]) for name in others]  # each is taken for a mean
        *sums, stopping = self.sum(np.array([*numbers, self.asked], np.float64)).tolist()
        for i, metric in enumerate(metrics):
            total, count = before.get(id(metric), (0.0, 0.0))
            metric.total, metric.count = total + sums[2 * i], count + sums[2 * i + 1]
        self.stopping = stopping > 0
        means = dict(zip(others, sums[2 * len(metrics) :], strict=True))
        means |= model.get_metrics_result()
        return {name: means[name] for name in logs}


def _cut(nested: Any, own: slice) -> Any:
    """These rows of all Tensors in nested lists and tuples, which may hold None."""
    if isinstance(nested, list | tuple):
        return type(nested)(_cut(item, own) for item in nested)
    return None if nested is None else Tensor(nested.array[own], "data")


def finish(code: int, message: str = "") -> int:
    """Wait until all ranks come to their end, each with its exit code, and return the largest.

    Of the messages of ranks that fail one is printed, that of the lowest rank. If others do not
    come, as they wait for this rank, they are ended.
    """
    assert _world is not None
    ends, deadline = _world.ends, math.inf
    all_here = ends.Ibarrier()
    while not all_here.Test():  # waiting in MPI itself would keep a core busy
        try:
            if code and deadline == math.inf:
                deadline = time.monotonic() + PATIENCE * (1 + _world.rank / _world.size)
            if time.monotonic() > deadline:
                _say(message)
                os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # MPI would say more
                ends.Abort(code)
            time.sleep(0.01)
        except KeyboardInterrupt:
            code = code or 130
    codes = ends.allgather(code)
    if code and not any(codes[: _world.rank]):
        _say(message)
    return int(max(codes))


def _say(message: str) -> None:
    if message:
        start = "\n" if rank() else ""  # rank 0 may be drawing a progress bar
        print(f"{start}{message}", file=sys.stderr, flush=True)


def _end_all(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    finish(1, "".join(traceback.format_exception(kind, error, trace)).rstrip())
