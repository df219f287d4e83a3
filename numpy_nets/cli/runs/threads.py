"""How many threads multiply matrices: each number rounds the sums in another order."""

import os

import numpy as np


def blas_threads() -> int:
    """The threads that NumPy's BLAS may use: as the environment asks, at most one for each core.

    This is what OpenBLAS and MKL do when they are loaded. It does not notice a program that changes
    their number afterwards, nor a BLAS that heeds other variables.
    """
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]["name"]
    own = "MKL_NUM_THREADS" if "mkl" in blas else "OPENBLAS_NUM_THREADS"
    for variable in (own, "OMP_NUM_THREADS"):
        asked = os.environ.get(variable, "").split(",")[0].strip()
        if asked.isdecimal() and int(asked) > 0:
            return min(int(asked), cores)
    return cores
