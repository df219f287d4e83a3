"""Run many comparisons, on two processes if they are many, under a progress bar."""

import math
import multiprocessing
import os
import signal
import warnings
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor

import tensorflow as tf
from tqdm import tqdm

from keras_ref.parity import CASES, Case, Row

FEW = 60  # are done before a second process has imported TensorFlow
PROCESSES = min(2, os.cpu_count() or 1)


def compute(selected: Sequence[tuple[Case, str]]) -> list[Row]:
    """The rows of cases in their dtypes, in order."""
    if len(selected) <= FEW or PROCESSES == 1:
        return _under_a_bar((rows(case, dtype) for case, dtype in selected), len(selected))
    # A case holds functions that cannot be sent to another process; its position can.
    position = {id(case): i for i, case in enumerate(CASES)}
    jobs = [(position[id(case)], dtype) for case, dtype in selected]
    # Read when NumPy is loaded: two threads of each of two processes would wait for each other.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    spawn = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(PROCESSES, spawn, initializer=_leave_interrupts_to_the_parent)
    try:
        return _under_a_bar(pool.map(_rows_of_case, jobs), len(jobs))
    finally:
        for process in multiprocessing.active_children():
            process.terminate()
        pool.shutdown(cancel_futures=True)


def rows(case: Case, dtype: str) -> list[Row]:
    """The rows of a case; one that raises has a broken row which says what."""
    tf.get_logger().setLevel("ERROR")  # it warns of functions that are traced again
    try:
        with warnings.catch_warnings():
            # NumPy 2 about Keras's variables.
            warnings.filterwarnings("ignore", "__array__ implementation doesn't accept a copy")
            return list(case.rows(dtype))
    except Exception as error:
        what = f"{type(error).__name__}: {' '.join(str(error).split())}"
        return [
            Row(case.kind, str(case), what, dtype, math.nan, case.bound, case.unit, case.reason)
        ]


def _rows_of_case(job: tuple[int, str]) -> list[Row]:
    index, dtype = job
    return rows(CASES[index], dtype)


def _under_a_bar(results: Iterable[list[Row]], total: int) -> list[Row]:
    with tqdm(results, total=total, unit="case") as bar:
        return [row for found in bar for row in found]


def _leave_interrupts_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
