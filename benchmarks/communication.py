"""Data-parallel training: bytes and milliseconds of communication beside those of computation.

Measured with two ranks on this machine: the all-reduces of a step alone, and whole steps. Predicted
for 2 to 64 machines, each as fast as this one, of which every one has its part of the same batch:

    step(n) = compute(batch / n) + Σ over all-reduces [2 (n-1)/n · bytes/bandwidth
                                                       + 2 (n-1) · latency]

the time of a ring: in each of 2 (n-1) rounds, every machine sends bytes/n to the next one. What a
machine computes for batch/n images is measured, too, as it does not halve with the batch. Or every
machine has a batch of its own, of the same size: then compute(batch) takes its place. The
environment variables NUMPY_NETS_LATENCY (seconds) and NUMPY_NETS_BANDWIDTH (bytes a second) are
those of the network, by default 50 µs and 1.25 GB/s, an Ethernet of 10 Gbit/s.
"""

import csv
import importlib.util
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import timing
from benchmarks.peers import as_keras
from benchmarks.speed import images_file
from benchmarks.work import WORKLOADS, Work
from numpy_nets import distributed
from numpy_nets.nested import instances
from numpy_nets.optimizers import Optimizer

NAMES = ("autoencoder", "vae", "gan", "paper_gan")
MACHINES = (1, 2, 4, 8, 16, 32, 64)


def run(*, smoke: bool = False) -> None:
    mpiexec = shutil.which("mpiexec", path=str(Path(sys.executable).parent))
    mpiexec = mpiexec or shutil.which("mpiexec")
    if mpiexec is None or importlib.util.find_spec("mpi4py") is None:
        print("skipped: needs mpi4py and mpiexec: pip install 'numpy_nets[mpi]'")
        return
    latency = float(os.environ.get("NUMPY_NETS_LATENCY", 50e-6))
    bandwidth = float(os.environ.get("NUMPY_NETS_BANDWIDTH", 1.25e9))
    rounds, steps = (1, 2) if smoke else (7, 20)
    # Two ranks share the cores, so each has one thread; what is compared with them has one, too.
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    with images_file(256 * steps) as data:
        arguments = [sys.executable, "-m", "benchmarks.communication", data, str(rounds)]
        started = [mpiexec, "-n", "2", *arguments, str(steps)]
        output = subprocess.run(started, env=environment, stdout=subprocess.PIPE, check=True).stdout
    measured = json.loads(output)
    timing.describe_machine()
    print(f"two ranks on this machine; network: {1e6 * latency:g} µs, {bandwidth / 1e9:g} GB/s")
    print(f"{'':12}{'all-':>9}{'':>10}|{'milliseconds a step':>27}")
    print(f"{'':12}{'reduces':>9}{'MB sent':>10}|{'batch':>9}{'half':>9}{'2 halves':>10}"
          f"{'all-reduces':>13}{'two ranks':>11}")  # fmt: skip
    rows = []
    for name, m in measured.items():
        print(f"{name:12}{len(m['bytes']):9}{sum(m['bytes']) / 1e6:10.2f}|{m['compute']['1']:9.2f}"
              f"{m['compute']['2']:9.2f}{m['halves']:10.2f}{m['all_reduce']:13.2f}"
              f"{m['step']:11.2f}")  # fmt: skip
        one = m["compute"]["1"]
        rows += [(name, "measured", 1, one, 0.0, one, 1.0)]
        rows += [(name, "measured", 2, m["halves"], m["all_reduce"], m["step"],
                  one / (2 * m["step"]))]  # fmt: skip
        for n in MACHINES:
            compute = m["compute"][str(n)]
            sent = 1e3 * seconds(m["bytes"], n, latency, bandwidth)
            step = compute + sent
            rows.append((name, "predicted", n, compute, sent, step, one / (n * step)))
            larger = one + sent
            rows.append((name, "a batch each", n, one, sent, larger, one / larger))
    timing.OUT.mkdir(parents=True, exist_ok=True)
    times = [f"{what}_ms" for what in ("compute", "communication", "step")]
    header = ["model", "kind", "machines", *times, "efficiency"]
    with open(timing.OUT / "communication.csv", "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerows([header, *([*row[:3], *(f"{v:.4g}" for v in row[3:])] for row in rows)])
    for name in measured:
        for kind in ("predicted", "a batch each"):
            chosen = [row for row in rows if row[:2] == (name, kind)]
            text = ", ".join(f"{n}: {step:.2f} ({e:.0%})" for _, _, n, _, _, step, e in chosen)
            print(f"{name}, {kind}: ms a step (efficiency) on n machines: {text}")
    draw(rows, latency, bandwidth)


def seconds(buffers: list[int], n: int, latency: float, bandwidth: float) -> float:
    """What a ring needs to all-reduce buffers of so many bytes, one after another.

    >>> seconds([4000], n=4, latency=1.0, bandwidth=1000.0)  # 6 rounds of 1000 bytes and 1 s each
    12.0
    """
    return sum(2 * (n - 1) * (size / n / bandwidth + latency) for size in buffers)


def draw(rows: list[tuple[Any, ...]], latency: float, bandwidth: float) -> None:
    """Steps and efficiency against the number of machines, as runs/benchmarks/communication.png."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    for i, name in enumerate(NAMES):
        for kind, style in (("predicted", "-"), ("a batch each", "--"), ("measured", "o")):
            chosen = [row for row in rows if row[:2] == (name, kind)]
            machines = [row[2] for row in chosen]
            label = WORKLOADS[name].title.split(",")[0] if kind == "predicted" else None
            left.plot(machines, [row[5] for row in chosen], style, color=f"C{i}", label=label)
            right.plot(machines, [row[6] for row in chosen], style, color=f"C{i}")
    left.plot([], [], "--", color="0.3", label="a batch for each machine, not for all")
    left.plot([], [], "o", color="0.3", label="measured, both ranks on one machine")
    left.set(ylabel="milliseconds a step", yscale="log")
    right.set(ylabel="efficiency: speed-up / machines", ylim=(0, 1.1))
    for axes in (left, right):
        axes.set(xlabel="machines", xscale="log")
        axes.set_xticks(MACHINES, [str(n) for n in MACHINES])
        axes.minorticks_off()
        axes.grid(alpha=0.3)
    network = f"ring, {1e6 * latency:g} µs, {bandwidth / 1e9:g} GB/s"
    figure.suptitle(f"data-parallel training, predicted for a {network}", fontsize=11)
    entries = left.get_legend_handles_labels()
    figure.legend(*entries, loc="outside lower center", ncols=3, fontsize=9)
    figure.savefig(timing.OUT / "communication.png", dpi=100)


# What follows runs on both ranks.


def measure(data: str, rounds: int, steps: int) -> dict[str, Any]:
    """Bytes of the buffers of a step, and milliseconds a step, by name of the model."""
    distributed.init()
    world = distributed.world()
    assert world is not None
    return {name: _measure(replace(WORKLOADS[name], data=data, steps=steps), world, rounds)
            for name in NAMES}  # fmt: skip


def _measure(work: Work, world: distributed.World, rounds: int) -> dict[str, Any]:
    model, x, y = as_keras.build("numpy_nets", work)

    def fit(batch: int) -> Callable[[], None]:
        return lambda: as_keras.fit(model, x[: batch * work.steps], y[: batch * work.steps], batch)

    buffers = [np.zeros(size // 4, np.float32) for size in sent(model, x, y, work, world)]

    def all_reduce() -> None:
        for _ in range(work.steps):
            for buffer in buffers:
                world.sum(buffer)

    def shared() -> None:
        with distributed.all_ranks(model):
            fit(work.batch)()

    batches = {str(n): max(1, work.batch // n) for n in MACHINES}
    optimizers = instances(vars(model), Optimizer)
    weights, states = model.get_weights(), [optimizer.get_state() for optimizer in optimizers]
    alone = {n: fit(batch) for n, batch in batches.items()}  # rank 0, while rank 1 sleeps
    parts = {**alone, "halves": fit(batches["2"]), "sum": all_reduce, "step": shared}
    times: dict[str, list[float]] = {name: [] for name in parts}
    for _ in range(rounds + 1):
        for name, part in parts.items():
            model.set_weights(weights)  # the paper's GAN diverges if it goes on
            for optimizer, state in zip(optimizers, states, strict=True):
                optimizer.set_state(state)
            _meet(world)
            start = time.perf_counter()
            if world.rank == 0 or name not in alone:
                part()
            times[name].append(time.perf_counter() - start)
    medians = {k: 1e3 * statistics.median(v[1:]) / work.steps for k, v in times.items()}
    return {
        "bytes": [buffer.nbytes for buffer in buffers],
        "all_reduce": medians["sum"],
        "step": medians["step"],
        "halves": medians["halves"],
        "compute": {n: medians[n] for n in alone},
    }


def sent(model: Any, x: Any, y: Any, work: Work, world: distributed.World) -> list[int]:
    """The bytes of each buffer that a step of the model sums."""
    sizes: list[int] = []
    total = world.sum

    def counting(array: Any) -> Any:
        sizes.append(array.nbytes)
        return total(array)

    world.sum = counting  # type: ignore[method-assign]
    with distributed.all_ranks(model):
        as_keras.fit(model, x[: work.batch], y[: work.batch], work.batch)
    del world.sum  # type: ignore[method-assign]
    return sizes


def _meet(world: distributed.World) -> None:
    """Wait for the other rank without keeping a core busy, as MPI would."""
    all_here = world.comm.Ibarrier()
    while not all_here.Test():
        time.sleep(1e-4)


if __name__ == "__main__":
    results = measure(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
    if distributed.rank() == 0:
        print(json.dumps(results))
