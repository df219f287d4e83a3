"""Interleaved timing: on a shared machine only ratios of medians mean anything."""

import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping


def interleave(work: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Seconds of each piece of work, A B A B …, after one round that is not counted."""
    seconds: dict[str, list[float]] = {name: [] for name in work}
    for number in range(rounds + 1):
        for name, function in work.items():
            start = time.perf_counter()
            function()
            if number:
                seconds[name].append(time.perf_counter() - start)
    return seconds


def report(seconds: Mapping[str, list[float]], unit_steps: int) -> None:
    """Median and spread of each, and the ratio of medians to numpy_nets."""
    ours = statistics.median(seconds["numpy_nets"])
    print(f"{'':14}{'median':>10}{'min':>10}{'max':>10}{'ms/step':>10}{'ratio':>8}")
    for name, values in seconds.items():
        median = statistics.median(values)
        print(
            f"{name:14}{median:9.3f}s{min(values):9.3f}s{max(values):9.3f}s"
            f"{1000 * median / unit_steps:10.2f}{median / ours:8.2f}"
        )


def describe_machine() -> None:
    """Versions and threads; a warning if other programs keep the machine busy."""
    import keras
    import numpy as np
    import tensorflow as tf
    from threadpoolctl import threadpool_info

    threads = {i["internal_api"]: i["num_threads"] for i in threadpool_info()}
    print(
        f"Python {platform.python_version()}, NumPy {np.__version__}, Keras {keras.__version__}, "
        f"TensorFlow {tf.__version__}; {os.cpu_count()} CPUs, threads {threads}"
    )
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    if load > 0.5:
        print(f"WARNING: the machine is busy (load {load:.1f}): figures will be unfair to NumPy")
