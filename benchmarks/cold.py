"""python -m benchmarks.cold peer variant steps data: what a process of `start_up` does.

Loads no more than NumPy before the peer itself.
"""

import json
import sys
from dataclasses import replace
from typing import Any

from benchmarks.work import WORKLOADS
from benchmarks.worker import Missing, load


def peak_memory() -> float:
    """Bytes of this process at their highest.

    Linux keeps in ru_maxrss what the process had before it became this program, its parent's size
    among it; VmHWM begins anew.
    """
    try:
        with open("/proc/self/status", encoding="ascii") as file:
            line = next(line for line in file if line.startswith("VmHWM"))
        return 1024.0 * int(line.split()[1])
    except (OSError, StopIteration):
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return float(peak if sys.platform == "darwin" else 1024 * peak)


def train(peer: str, variant: str, steps: str, data: str) -> dict[str, Any]:
    """What the process does."""
    work = replace(WORKLOADS["autoencoder"], steps=int(steps), data=data)
    try:
        one_round = load(peer).autoencoder(work, variant)
    except Missing as reason:
        return {"missing": str(reason)}
    return {"loss": one_round(), "peak": peak_memory()}


if __name__ == "__main__":
    print(json.dumps(train(*sys.argv[1:])))
