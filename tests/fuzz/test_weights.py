"""A short run of the fuzzer: a process of its own, as it forks."""

import subprocess
import sys
from pathlib import Path

import pytest
from fuzz import weights

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks, and measures memory")

# Each breaks the promise in another way, at case 7; how far a batch has grown, its end shows.
FAULTS = {
    "os.abort()": "case 7 of seed 0: exit code -6: no word",
    "raise KeyError('x')": "case 7 of seed 0: exit code 1: KeyError('x')",
    "raise ValueError('x')": "case 7 of seed 0: exit code 1: AssertionError('x')",
    "return {}": "case 7 of seed 0: exit code 1: KeyError('layers/dense/vars/0')",
    "globals().update(kept=b'x' * (300 << 20))": "case 9 of seed 0: exit code 1: Assertion",
    "weights.SLOWEST = 0; raise ValueError(f'{path}')": "case 7 of seed 0: exit code 1: Assertion",
}
PROGRAM = """
import itertools, os, tempfile, time
from pathlib import Path
from tests.fuzz import weights
count = itertools.count()
def arrays(path):
    if next(count) == 3:
        {fault}
    raise ValueError(f"{{path}}: refused")
weights.arrays = weights.dataset_paths = weights.read_attributes = arrays
with tempfile.TemporaryDirectory() as folder:
    try:
        weights.run(range(4, 10), 0, {{"x": b"content"}}, Path(folder))
    except weights.FailureError as failure:
        print(failure)
"""


def python(*words: str) -> str:
    process = subprocess.run([sys.executable, *words], capture_output=True, text=True, cwd=ROOT)
    assert process.returncode == 0, process.stderr
    return process.stdout


def test_damaged_files_of_every_layout_give_arrays_or_one_line():
    assert "100 cases" in python("-m", "tests.fuzz.weights", "--cases", "100")


@pytest.mark.parametrize("fault", FAULTS)
def test_a_broken_promise_is_reported_with_its_case(fault):
    output = python("-c", PROGRAM.format(fault=fault))
    assert output.startswith(FAULTS[fault]), output


def test_cases_that_crash_hdf5_1_14_do_not_crash_the_caller(tmp_path):
    """These do, if `foreign` runs it in this process. Here it runs in a new one."""
    files = weights.originals(tmp_path)
    for number in (177, 225, 665):
        weights.case(number, 0, files, tmp_path / "damaged.weights.h5")
