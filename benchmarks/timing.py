"""Interleaved timing: on a shared machine only ratios of medians mean anything."""

import json
import math
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

OUT = Path("runs/benchmarks")


def interleave(
    work: Mapping[str, Callable[[], float]], rounds: int, pause: float = 0.0
) -> dict[str, list[float]]:
    """What each piece of work returns, its seconds, A B A B …

    Args:
        pause: seconds before each, in which the threads of the one before go to sleep (OpenMP's
            and OpenBLAS's spin for up to 0.2 s).
    """
    seconds: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(rounds):
        for name, function in work.items():
            time.sleep(pause)
            seconds[name].append(function())
    return seconds


def timed(function: Callable[[], object]) -> Callable[[], float]:
    """A function that does the same and returns its seconds."""

    def run() -> float:
        start = time.perf_counter()
        function()
        return time.perf_counter() - start

    return run


def ratio(seconds: Mapping[str, list[float]], peer: str) -> float:
    """Median of numpy_nets / median of the peer."""
    return statistics.median(seconds["numpy_nets"]) / statistics.median(seconds[peer])


def report(seconds: Mapping[str, list[float]], unit: float = 1.0, name: str = "s") -> None:
    """Median and spread of each, in `unit` seconds, and the ratio of medians."""
    print(f"{'':22}{f'median {name}':>14}{'min':>10}{'max':>10}{'numpy_nets / it':>17}")
    for peer, values in seconds.items():
        median, low, high = (f(values) / unit for f in (statistics.median, min, max))
        print(f"{peer:22}{median:14.3f}{low:10.3f}{high:10.3f}{ratio(seconds, peer):17.2f}")


def slope(x: Iterable[float], y: Iterable[float]) -> float:
    """The exponent p of y ~ x^p: the least-squares line through the logarithms."""
    lx, ly = [math.log(v) for v in x], [math.log(v) for v in y]
    return statistics.linear_regression(lx, ly).slope


def describe_machine() -> dict[str, Any]:
    """Versions and threads, printed; a warning if other programs keep the machine busy."""
    import numpy as np

    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    machine = {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "cpus": os.cpu_count(),
        "load": round(load, 2),
        "threads": blas_threads(),
    }
    print(", ".join(f"{key} {value}" for key, value in machine.items()))
    if load > 0.5:
        print(f"WARNING: the machine is busy (load {load:.1f}): figures will be unfair to NumPy")
    return machine


def blas_threads() -> str:
    try:
        from threadpoolctl import threadpool_info
    except ImportError:
        return "unknown (threadpoolctl is not installed)"
    found = [f"{i['num_threads']} ({i['internal_api']})" for i in threadpool_info()]
    return ", ".join(found)


def save(name: str, results: Any) -> None:
    """Results as runs/benchmarks/<name>.json."""
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / f"{name}.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


def draw(name: str, title: str, values: Mapping[str, list[float]], unit: str) -> None:
    """Medians and their spread, fastest first, as runs/benchmarks/<name>.png."""
    from matplotlib.figure import Figure

    median = {peer: statistics.median(v) for peer, v in values.items()}
    order = sorted(median, key=median.__getitem__, reverse=True)
    figure = Figure(figsize=(7, 0.9 + 0.32 * len(order)), layout="constrained")
    axes = figure.subplots()
    for peer in order:
        spread = [[median[peer] - min(values[peer])], [max(values[peer]) - median[peer]]]
        colour = "C1" if peer == "numpy_nets" else "C0"
        axes.errorbar(median[peer], peer, xerr=spread, fmt="o", capsize=3, color=colour)
    axes.set(title=title, xlabel=unit, xscale="log")
    axes.grid(alpha=0.3)
    figure.savefig(OUT / f"{name}.png", dpi=100)
