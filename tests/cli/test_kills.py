import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.skipif(not hasattr(os, "fork"), reason="its processes are forks")
def test_runs_that_are_killed_a_few_times_end_as_if_they_were_not():
    root = Path(__file__).parents[2]
    command = [sys.executable, "-m", "tests.kills", "--models", "autoencoder", "gan",
               "--kills", "5", "--minutes", "1"]  # fmt: skip
    ended = subprocess.run(command, cwd=root, capture_output=True, text=True)
    assert ended.returncode == 0 and "faults: 0" in ended.stdout, ended.stderr + ended.stdout
