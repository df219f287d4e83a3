"""A cold process from its start to one trained epoch of the autoencoder, and its peak memory.

Each run is a process of its own: Python, the framework, 60,000 images (47 MB of bytes in the page
cache) as float32, the model, 234 batches of 256; what it does is in `cold`.
"""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from benchmarks import timing
from benchmarks.speed import LABELS, agree, images_file
from benchmarks.work import WORKLOADS
from benchmarks.worker import Missing

STARTS = (
    ("ours", "fit"),
    ("keras_tensorflow", "fit"),
    ("keras_jax", "fit"),
    ("torch_eager", "eager"),
    ("jax_jit", "jit"),
    ("hips_autograd", "tape"),
)
ROUNDS = 7


def run(*, smoke: bool = False) -> dict[str, Any]:
    """Time, print, save."""
    machine = timing.describe_machine()
    steps = 2 if smoke else WORKLOADS["autoencoder"].steps
    first: dict[str, list[float]] = {}
    memory: dict[str, list[float]] = {}
    results: dict[str, list[float | None]] = {}
    starts: dict[str, Callable[[], float]] = {}
    with images_file(512 if smoke else 60_000) as data:
        for peer, variant in STARTS:
            label = LABELS[peer, variant]
            command = [sys.executable, "-m", "benchmarks.cold", peer, variant, str(steps), data]

            def start(label: str = label, command: list[str] = command) -> float:
                begin = time.perf_counter()
                done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
                seconds = time.perf_counter() - begin
                found = json.loads(done.stdout.splitlines()[-1])
                if "missing" in found:
                    raise Missing(found["missing"])
                memory.setdefault(label, []).append(found["peak"])
                results.setdefault(label, []).append(found["loss"])
                return seconds

            try:
                first[label] = [start()]  # reads the framework's files from the disk
                starts[label] = start
            except Missing as reason:
                print(f"skipped: {label}: {reason}")
        seconds = first if smoke else timing.interleave(starts, ROUNDS)
    agree(results, -1, WORKLOADS["autoencoder"].tolerance)
    timing.report(seconds)
    ours = statistics.median(memory["numpy_nets"])
    for label, values in memory.items():
        peak = statistics.median(values)
        print(f"{label:22} peak memory {peak / 2**20:8.0f} MiB, numpy_nets / it {ours / peak:.2f}")
    timing.OUT.mkdir(parents=True, exist_ok=True)
    timing.draw("start_up", "from a cold start to one trained epoch", seconds, "seconds")
    megabytes = {label: [v / 2**20 for v in values] for label, values in memory.items()}
    timing.draw("start_up_memory", "peak memory of the same", megabytes, "MiB")
    found = {"machine": machine, "seconds": seconds, "peak_bytes": memory, "results": results}
    timing.save("start_up", found)
    return found
