"""Kills runs of the command line at random moments, resumes them, and compares every file.

    python -m tests.kills --kills 300

A trial trains a small model in a folder. Its process gets SIGKILL, SIGTERM or SIGINT at a random
moment, often more than once; now and then two processes start in the folder at once. After some of
the kills comes a power cut: what was not brought to the disk with fsync is cut off at a random
length. After others a half-written temporary file lies about. In the end the run is resumed, and
every file but times.csv must be, byte for byte, that of a run that was never stopped.

The processes are forks of this one, which has imported everything: their time is spent on training.
What a power cut does to names is not simulated: a rename is taken to be on the disk at once.
"""

import argparse
import os
import random
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from numpy_nets.cli import main
from numpy_nets.cli.recipes import RECIPES

MODELS = {
    "autoencoder": "--epochs 15",
    "vae": "--epochs 8 --hidden 8 --binarize dynamic",
    "gan": "--epochs 8 --hidden 8",
    "dec": "--epochs 9 --pretraining 4 --hidden 8 --clusters 3 --tolerance 0",
}
PROCESSES = (1, 1, 1, 2)  # that are started at once
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
LONGEST = 300  # seconds until a process that hangs is ended
TEMPORARIES = (".0123456789abcdef.tmp", "settings.json.tmp", "history.csv.tmp")


class Trial:
    """A run that is killed, and the files of its folder that are on the disk."""

    def __init__(self, work: Path, model: str, data: Path) -> None:
        self.model, self.data = model, data
        self.folder, self.log, self.journal = work / "run", work / "log", work / "journal"
        work.mkdir(exist_ok=True)
        self.journal.touch()
        self.durable: set[tuple[int, int]] = set()  # (inode, time of the last change)

    def words(self) -> list[str]:
        train = ["train", self.model, "--out", str(self.folder)]
        if (self.folder / "settings.json").exists():
            return [*train, "--resume"]
        options = MODELS[self.model].split()
        return [*train, "--data", str(self.data), "--latent", "3", "--batch-size", "16", *options]

    def start(self) -> int:
        """Train in a new process; returns its number."""
        words = self.words()
        pid = os.fork()
        if pid == 0:
            code = 70
            try:
                signal.alarm(LONGEST)
                # A shell lets the processes that it starts in the background ignore Ctrl-C.
                signal.signal(signal.SIGINT, signal.default_int_handler)
                log = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
                os.dup2(log, 1)
                os.dup2(log, 2)
                self._record_fsync()
                code = main(words)
            except KeyboardInterrupt:
                code = 130
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(code)
        return pid

    def _record_fsync(self) -> None:
        journal = os.open(self.journal, os.O_WRONLY | os.O_APPEND)

        def fsync(number: int) -> None:
            status = os.fstat(number)
            os.write(journal, f"{status.st_ino} {status.st_mtime_ns}\n".encode())

        os.fsync = fsync  # the disk itself would only cost time

    def files(self) -> list[Path]:
        return [path for path in self.folder.rglob("*") if path.is_file()]

    def cut_power(self, rng: random.Random) -> None:
        """Cut off each file that need not be on the disk; the others are."""
        lines = self.journal.read_text().splitlines()
        self.durable |= {(int(a), int(b)) for a, b in map(str.split, lines)}
        for path in self.files():
            status = path.stat()
            if (status.st_ino, status.st_mtime_ns) not in self.durable:
                os.truncate(path, rng.choice([0, rng.randint(0, status.st_size)]))
        self.durable |= {(s.st_ino, s.st_mtime_ns) for s in map(Path.stat, self.files())}

    def fault(self, what: str) -> str:
        log = self.log.read_text(errors="replace").replace("\r", "\n") if self.log.exists() else ""
        return f"{self.model}: {what}\n" + "\n".join(log.splitlines()[-25:])


def ended(pid: int) -> int:
    """The exit code of a process, once it has ended; -n for signal n."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def kill_once(trial: Trial, rng: random.Random, seconds: float, done: Counter[str]) -> str | None:
    """Start the run or go on with it, kill it, and make things worse; returns a fault or None."""
    pids = [trial.start() for _ in range(rng.choice(PROCESSES))]
    number = rng.choice(SIGNALS)
    time.sleep(rng.uniform(0, seconds))
    for pid in pids:
        os.kill(pid, number)
        if number == signal.SIGINT and rng.random() < 0.3:
            time.sleep(rng.uniform(0, 0.01))
            os.kill(pid, number)  # now it stops at once, and not after the batch
    codes = [ended(pid) for pid in pids]
    done["two at once"] += len(pids) == 2
    done[number.name if {-number, 130} & set(codes) else "came too late"] += 1
    refused = [2] if len(pids) == 2 else []  # by the lock, or because the other one was faster
    if any(code not in (0, 130, -number, *refused) for code in codes):
        return trial.fault(f"killed with {number.name}, ended with {codes}")
    if trial.folder.exists():
        if rng.random() < 0.4:
            trial.cut_power(rng)
            done["power cuts"] += 1
        if rng.random() < 0.3:
            (trial.folder / rng.choice(TEMPORARIES)).write_bytes(rng.randbytes(rng.randint(0, 99)))
            done["leftovers"] += 1
    return None


def contents(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes()
            for p in folder.rglob("*") if p.is_file() and p.name != "times.csv"}  # fmt: skip


def end(trial: Trial, processes: int, whole: Path) -> str | None:
    """Let the run end, and compare it with a whole one; returns a fault or None."""
    pids = [trial.start() for _ in range(processes)]
    codes = [ended(pid) for pid in pids]
    if 0 not in codes or set(codes) - {0, 2}:
        return trial.fault(f"does not go on to its end: {codes}")
    run, expected = contents(trial.folder), contents(whole)
    names = [n for n in run.keys() | expected.keys() if run.get(n) != expected.get(n)]
    if names:
        return trial.fault(f"differ from those of a run that was never stopped: {sorted(names)}")
    epochs = [row.split(",")[0] for row in (trial.folder / "times.csv").read_text().split()[1:]]
    if len(set(epochs)) != len(epochs):
        return trial.fault(f"times.csv counts an epoch twice: {epochs}")
    return None


def save_images(path: Path) -> Path:
    """60 training and 20 test images of 6 x 5 pixels in three classes."""
    rng = np.random.default_rng(0)
    y = np.arange(80) % 3
    x = (rng.integers(0, 200, (3, 6, 5))[y] + rng.integers(0, 55, (80, 6, 5))).astype(np.uint8)
    np.savez(path, x_train=x[:60], y_train=y[:60], x_test=x[60:], y_test=y[60:])
    return path


def run_trials(
    models: list[str], kills: int, minutes: float, seed: int, work: Path
) -> tuple[Counter[str], list[str]]:
    """What was done, and the faults that were found."""
    for recipe in RECIPES.values():  # printing takes longer than training, and writes no file
        type(recipe).print_table = lambda *_: None  # type: ignore[method-assign]
    data = save_images(work / "images.npz")
    rng, done, faults = random.Random(seed), Counter[str](), list[str]()
    seconds: dict[str, float] = {}
    for model in models:
        whole, again = (Trial(work / f"{model}-{name}", model, data) for name in "ab")
        with open(os.devnull, "w") as null, redirect_stdout(null), redirect_stderr(null):
            main(whole.words())  # here, so that all modules are loaded before the forks
        start = time.monotonic()
        fault = end(again, 1, whole.folder)
        seconds[model] = time.monotonic() - start
        if fault:
            return done, [fault]
    deadline = time.monotonic() + 60 * minutes
    while done["kills"] < kills and time.monotonic() < deadline:
        model = rng.choice(models)
        with tempfile.TemporaryDirectory(dir=work) as name:
            trial = Trial(Path(name), model, data)
            fault = None
            for _ in range(rng.choice([1, 1, 2, 3, 5])):
                if fault is None:
                    fault = kill_once(trial, rng, seconds[model], done)
                    done["kills"] += 1
            fault = fault or end(trial, rng.choice(PROCESSES), work / f"{model}-a/run")
        done["runs compared"] += 1
        if fault is not None:
            faults.append(fault)
    return done, faults


def _main() -> int:
    parser = argparse.ArgumentParser(description="Kill runs, resume them, and compare every file.")
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--minutes", type=float, default=60.0, help="the end, if it comes first")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        done, faults = run_trials(
            arguments.models, arguments.kills, arguments.minutes, arguments.seed, Path(work)
        )
    for fault in faults[:5]:
        print(f"FAULT {fault}\n", file=sys.stderr)
    print(", ".join(f"{name}: {count}" for name, count in sorted(done.items())))
    print(f"faults: {len(faults)}")
    return 1 if faults or not done["kills"] else 0


if __name__ == "__main__":
    sys.exit(_main())
