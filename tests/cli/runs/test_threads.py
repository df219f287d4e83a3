import os
import subprocess
import sys

import numpy as np
import pytest

from numpy_nets.cli.runs.threads import blas_threads

VARIABLES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


@pytest.fixture
def four_cores(monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2, 3}, raising=False)


@pytest.mark.parametrize(
    ("environment", "threads"),
    [
        ({}, 4),
        ({"OPENBLAS_NUM_THREADS": "1"}, 1),
        ({"OPENBLAS_NUM_THREADS": "8"}, 4),
        ({"OPENBLAS_NUM_THREADS": "0", "OMP_NUM_THREADS": "3"}, 3),
        ({"OPENBLAS_NUM_THREADS": "many"}, 4),
        ({"OMP_NUM_THREADS": "2,1"}, 2),
        ({"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "2"}, 1),
        ({"MKL_NUM_THREADS": "1"}, 4),
    ],
)
def test_openblas_has_as_many_threads_as_it_is_told_and_there_are_cores(
    environment, threads, four_cores, monkeypatch
):
    built = {"Build Dependencies": {"blas": {"name": "scipy-openblas"}}}
    monkeypatch.setattr(np, "show_config", lambda mode: built)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert blas_threads() == threads


def test_mkl_has_a_variable_of_its_own(four_cores, monkeypatch):
    built = {"Build Dependencies": {"blas": {"name": "mkl-sdl"}}}
    monkeypatch.setattr(np, "show_config", lambda mode: built)
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "3")
    assert blas_threads() == 4
    monkeypatch.setenv("MKL_NUM_THREADS", "2")
    assert blas_threads() == 2


def test_without_affinities_the_cores_are_counted(four_cores, monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert blas_threads() == 6
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert blas_threads() == 1


PROGRAM = """
from threadpoolctl import threadpool_info
from numpy_nets.cli.runs.threads import blas_threads
loaded = {i["num_threads"] for i in threadpool_info() if i["internal_api"] in ("openblas", "mkl")}
print(not loaded or loaded == {blas_threads()}, loaded, blas_threads())
"""


@pytest.mark.parametrize("setting", ["", "OPENBLAS_NUM_THREADS=1", "OPENBLAS_NUM_THREADS=64",
                                     "OMP_NUM_THREADS=1", "MKL_NUM_THREADS=1"])  # fmt: skip
def test_the_blas_that_is_loaded_agrees(setting):
    pytest.importorskip("threadpoolctl")
    environment = {k: v for k, v in os.environ.items() if k not in VARIABLES}
    if setting:
        name, value = setting.split("=")
        environment[name] = value
    said = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True
    ).stdout
    assert said.startswith("True"), said
