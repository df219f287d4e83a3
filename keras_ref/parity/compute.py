"""Run comparisons under a progress bar, in two processes if there are many."""

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

FEW = 60  # cases, which are done before a second process has imported TensorFlow
PROCESSES = min(2, os.cpu_count() or 1)


def compute(selected: Sequence[tuple[Case, str]]) -> list[Row]:
    """The rows of cases in their dtypes, in order."""
    if len(selected) <= FEW or PROCESSES == 1:
        return _under_a_bar((rows(case, dtype) for case, dtype in selected), len(selected))
    # A case holds functions, which cannot be sent to another process, but its position can.
    position = {id(case): i for i, case in enumerate(CASES)}
    jobs = [(position[id(case)], dtype) for case, dtype in selected]
    # Read when NumPy is loaded. Two processes with two threads each would wait for each other.
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
    """The rows of a case; if it raises, one broken row that names the error."""
    tf.get_logger().setLevel("ERROR")  # it warns about functions that are traced again
    try:
        with warnings.catch_warnings():
            # NumPy 2 warns about Keras's variables.
            warnings.filterwarnings("ignore", "__array__ implementation doesn't accept a copy")
            return list(case.rows(dtype))
    except Exception as error:
        message = f"{type(error).__name__}: {' '.join(str(error).split())}"
        return [
            Row(case.kind, str(case), message, dtype, math.nan, case.bound, case.unit, case.reason)
        ]


def _rows_of_case(job: tuple[int, str]) -> list[Row]:
    index, dtype = job
    return rows(CASES[index], dtype)


def _under_a_bar(results: Iterable[list[Row]], total: int) -> list[Row]:
    with tqdm(results, total=total, unit="case") as bar:
        return [row for case_rows in bar for row in case_rows]


def _leave_interrupts_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
