"""Ranks: real ones, which mpiexec starts, and threads of this process that talk like them."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from numpy_nets.distributed import World

MPIEXEC = shutil.which("mpiexec", path=str(Path(sys.executable).parent)) or shutil.which("mpiexec")


def start(n: int, *words: Any, folder: Path) -> subprocess.Popen[str]:
    """Python with these words on n ranks."""
    root = Path(__file__).parents[2]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(root)}
    return subprocess.Popen(
        [str(MPIEXEC), "-n", str(n), sys.executable, *map(str, words)], cwd=folder, text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment,
        start_new_session=True,
    )  # fmt: skip


@pytest.fixture(scope="session")
def mpiexec() -> Callable[..., subprocess.Popen[str]]:
    """mpiexec(n, word, …, folder=…) starts n processes."""
    if MPIEXEC is None or importlib.util.find_spec("mpi4py") is None:
        pytest.skip("needs mpi4py and mpiexec: pip install 'numpy_nets[mpi]'")
    return start


class _Post:
    """What the threads of one communicator have in common."""

    def __init__(self, size: int) -> None:
        self.barrier, self.slots = threading.Barrier(size, timeout=60), [None] * size


class ThreadComm:
    """What `World` uses of an MPI communicator, for ranks that are threads."""

    # ruff: noqa: N802  # MPI's names

    def __init__(self, rank: int, size: int, post: _Post) -> None:
        self.rank, self.size, self._post = rank, size, post

    def Dup(self) -> ThreadComm:
        return self

    def allgather(self, value: Any) -> list[Any]:
        self._post.slots[self.rank] = value
        self._post.barrier.wait()
        values = list(self._post.slots)
        self._post.barrier.wait()
        return values

    def bcast(self, value: Any) -> Any:
        return self.allgather(value)[0]

    def Alltoall(self, sent: np.ndarray, received: np.ndarray) -> None:
        parts = self.allgather(sent.reshape(self.size, -1).copy())
        for row, part in zip(received, parts, strict=True):
            row[:] = part[self.rank]

    def Allgather(self, sent: np.ndarray, received: np.ndarray) -> None:
        received[:] = np.concatenate(self.allgather(sent.copy()))


def on_threads(n: int, program: Callable[[World], Any]) -> list[Any]:
    """What `program(world)` returns on each of n ranks; raises what rank 0 raises."""
    post, results = _Post(n), [None] * n

    def run(rank: int) -> None:
        try:
            results[rank] = program(World(ThreadComm(rank, n, post)))
        except BaseException as error:
            results[rank] = error
            post.barrier.abort()

    threads = [threading.Thread(target=run, args=(r,)) for r in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    errors = [result for result in results if isinstance(result, BaseException)]
    real = [e for e in errors if not isinstance(e, threading.BrokenBarrierError)]
    for error in real or errors:
        raise error
    return results


@pytest.fixture
def ranks() -> Callable[[int, Callable[[World], Any]], list[Any]]:
    return on_threads
