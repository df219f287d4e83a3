"""mpiexec -n N numpy-nets train: one run folder, one line for an error, and a run that goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from numpy_nets.cli import main
from numpy_nets.cli.runs.tables import read_table

PROGRAM = Path(__file__).with_name("train.py")
SIZES = ["--latent", "3", "--hidden", "8", "--batch-size", "16", "--epochs", "5"]
WORDS = ["--data", "images.npz", *SIZES, "--out", "run"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 255, (80, 6, 5)).astype(np.uint8), np.arange(80) % 3
    np.savez(tmp_path / "images.npz", x_train=x[:60], y_train=y[:60], x_test=x[60:], y_test=y[60:])
    return tmp_path


@pytest.fixture
def train(mpiexec: Any, folder: Path) -> Callable[..., tuple[int, str, str]]:
    """train(n, words, what happens to rank 1): exit code, output, errors without progress bars."""

    def run(n: int, *words: str, what: str = "nothing") -> tuple[int, str, str]:
        process = mpiexec(n, PROGRAM, what, "train", *words, folder=folder)
        try:
            output, errors = process.communicate(timeout=60)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
        lines = [line for line in errors.replace("\r", "\n").split("\n") if line]
        return process.returncode, output, "\n".join(line for line in lines if "|" not in line)

    return run


def history(run: Path) -> np.ndarray:
    _, rows = read_table(run / "history.csv")
    return np.array([list(rows[epoch].values()) for epoch in sorted(rows)])


def test_ranks_train_with_no_other_set_up_and_rank_0_alone_writes_and_prints(
    train: Any, folder: Path
) -> None:
    for n in (1, 2, 3):
        code, output, errors = train(n, "gan", *WORDS)
        assert (code, errors) == (0, "")
        assert output.count("60 training and 20 test images") == 1
        settings = json.loads((folder / "run" / "settings.json").read_text())
        assert settings["ranks"] == n
        (folder / "run").rename(folder / f"run-{n}")
    assert {p.name for p in folder.iterdir()} == {"images.npz", "run-1", "run-2", "run-3"}
    for n in (2, 3):
        assert history(folder / f"run-{n}") == pytest.approx(history(folder / "run-1"), rel=1e-5)


def test_a_rank_that_dies_ends_the_run_and_another_number_of_ranks_goes_on(
    train: Any, folder: Path
) -> None:
    assert train(1, "vae", *WORDS)[0] == 0
    (folder / "run").rename(folder / "whole")
    start = time.monotonic()
    code, _, _ = train(3, "vae", *WORDS, what="dies")
    assert code != 0 and time.monotonic() - start < 30
    assert len(history(folder / "run")) == 2
    code, _, errors = train(2, "vae", "--out", "run", "--resume")
    assert code == 0
    assert errors.startswith("warning: run: the number of ranks was 3, now 2: the weights may")
    assert errors.count("\n") == 0
    assert history(folder / "run") == pytest.approx(history(folder / "whole"), rel=1e-5)


def test_the_same_number_of_ranks_goes_on_bit_for_bit(train: Any, folder: Path) -> None:
    assert train(2, "gan", *WORDS)[0] == 0
    (folder / "run").rename(folder / "whole")
    code, _, errors = train(2, "gan", *WORDS, what="stops")
    assert code == 130
    assert errors == (
        "stopped: 2 of 5 epochs are kept; go on with: numpy-nets train gan --out run --resume"
    )
    assert train(2, "gan", "--out", "run", "--resume")[0] == 0
    for name in ("history.csv", "gan.weights.h5", "checkpoint.weights.h5"):
        assert (folder / "run" / name).read_bytes() == (folder / "whole" / name).read_bytes()


def test_ctrl_c_stops_all_ranks_with_one_line(mpiexec: Any, folder: Path) -> None:
    words = ["vae", *WORDS, "--epochs", "100000"]
    process = mpiexec(2, PROGRAM, "nothing", "train", *words, folder=folder)
    while not (folder / "run" / "history.csv").exists():
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)  # mpiexec passes it on to all ranks
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert errors.count("stopped: ") == 1 and "Traceback" not in errors


@pytest.mark.parametrize(
    ("words", "what", "line"),
    [
        (["vae", "--data", "none.npz"], "nothing", "error: --data: no data set or file 'none.npz'"),
        (["vae", *WORDS], "raises", "rank 1: error: the disk of this rank is full"),
        (["vae", *WORDS], "has other data", "rank 1: error: --data"),
        (["sgan", *WORDS, "--labels", "6"], "nothing", "error: train sgan: G's loss is a function"),
        (["sparse", "--data", "images.npz"], "nothing", "error: --penalty kl: is a function of a"),
        (["vae", *WORDS, "--batch-size", "1"], "nothing", "error: --batch-size 1: expected at"),
        (["vae", *WORDS, "--hidden", "999999999"], "nothing", "error: too large for memory"),
    ],
)
def test_an_error_on_any_rank_is_one_line(words: Any, what: str, line: str, train: Any) -> None:
    code, _, errors = train(2, *words, what=what)
    assert code == 2
    assert errors.startswith(f"numpy-nets: {line}") and errors.count("\n") == 0, errors


def test_a_bug_on_one_rank_shows_its_traceback_and_ends_all(train: Any) -> None:
    code, _, errors = train(2, "vae", *WORDS, what="has a bug")
    assert code == 1
    assert errors.count("Traceback") == 1 and errors.endswith("TypeError: a bug")


@pytest.mark.parametrize("words", ["--version", "train vae --help", "exercise --help"])
def test_other_commands_run_once(words: str, mpiexec: Any, folder: Path) -> None:
    process = mpiexec(2, "-m", "numpy_nets", *words.split(), folder=folder)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 0 and errors == ""
    first = output.split("\n")[0]
    assert first and output.count(first) == 1


def test_without_mpi4py_rank_0_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    for rank in (0, 1):
        monkeypatch.setenv("PMI_SIZE", "2")
        monkeypatch.setenv("PMI_RANK", str(rank))
        assert main(["train", "vae"]) == 2
    error = "numpy-nets: error: mpiexec: needs mpi4py: pip install 'numpy_nets[mpi]'\n"
    assert capsys.readouterr().err == error


def test_one_process_does_not_load_mpi4py() -> None:
    program = (
        "import sys; from numpy_nets import distributed, optimizers; distributed.init(); "
        "sgd = distributed.DistributedOptimizer('sgd'); distributed.broadcast_variables([]); "
        "assert (distributed.rank(), distributed.size(), sgd.world) == (0, 1, None); "
        "assert 'mpi4py' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
