"""What makes the tests the same in every run, in any order and in as many processes as there are.

Each starts from the same random numbers and has one thread of BLAS; hypothesis draws the same
examples every time, or with --hypothesis-profile=deep many new.

A law that is dear, such as one that trains, sets a share of the profile's examples: `fewer(10)`.

A warning fails a test, and "invalid value encountered in matmul" may be a false one: with AVX-512,
OpenBLAS 0.3.31's sgemv for five columns and 4 k + 2 or 4 k + 3 rows computes, beside the product,
with memory on the stack that nobody wrote; the product is right, but a signalling NaN left there
raises the flag. So no float32 layer here has five inputs and one unit.
"""

import os
import random

import pytest
from hypothesis import HealthCheck, settings

# Read when NumPy is loaded, and inherited. pytest-xdist has a process for each core: if BLAS had a
# thread for each core in each of them, they would wait for each other: 284 s for 50 s of GANs.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

common = settings(
    deadline=None,  # machines differ, and pytest-timeout guards the rest
    database=None,  # the source tree may be read-only
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.differing_executors],
)
settings.register_profile("fast", common, max_examples=40, derandomize=True)
settings.register_profile("deep", common, max_examples=1000, derandomize=False, print_blob=True)
settings.load_profile("fast")


def pytest_configure(config: pytest.Config) -> None:
    config.option.randomly_reset_seed = False  # pytest-randomly has another seed in each run


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Weights that no test seeds: without this one draw in thousands let a training diverge."""
    import numpy_nets  # not before OPENBLAS_NUM_THREADS is set

    numpy_nets.random.set_random_seed(0)
    random.seed(0)  # Keras draws the seed of every layer here
