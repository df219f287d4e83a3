"""Does a VAE's step stay as fast as it begins?  Its first epoch beside its tenth.

Momentum of weights whose gradient has become 0 decays until it is subnormal, and processors are
slow with such numbers, so optimizers set it to 0 before: a third model trains without that. The
three take turns, because the speed of a machine drifts.
"""

import statistics
from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks import speed, timing
from benchmarks.peers import as_keras
from benchmarks.work import WORKLOADS


def subnormal_share(optimizer: Any) -> float:
    """The part of an optimizer's accumulators that is neither 0 nor a normal number."""
    state = np.concatenate([a.ravel() for a in optimizer.get_state()[2:]])
    return float(((state != 0) & (np.abs(state) < np.finfo(state.dtype).tiny)).mean())


def run(*, smoke: bool = False) -> None:
    """Print milliseconds a step in the first epoch and from the tenth on."""
    timing.describe_machine()
    epochs, rounds = (2, 1) if smoke else (10, 7)
    with speed.images_file(512 if smoke else 60_000) as data:
        work = replace(WORKLOADS["vae"], data=data)
        if smoke:
            work = replace(work, steps=2)

        def epoch(built: tuple[Any, Any, Any]) -> float:
            return timing.timed(lambda: as_keras.fit(*built, work.batch))()

        old, never = (as_keras.build("numpy_nets", work) for _ in range(2))
        never[0].optimizer.fades = False
        for _ in range(epochs - 1):
            epoch(old)
            epoch(never)
        names = ("epoch 1", f"epoch {epochs} and later", "the same, never forgetting")
        seconds = timing.interleave(
            {
                names[0]: lambda: epoch(as_keras.build("numpy_nets", work)),
                names[1]: lambda: epoch(old),
                names[2]: lambda: epoch(never),
            },
            rounds,
        )
    models = dict(zip(names[1:], (old[0], never[0]), strict=True))
    print(f"{'':28}{'median ms/step':>14}{'of epoch 1':>12}{'subnormal m, v':>16}")
    first = statistics.median(seconds[names[0]])
    for name, values in seconds.items():
        median = statistics.median(values)
        share = subnormal_share(models[name].optimizer) if name in models else 0.0
        ms = 1000 * median / work.steps
        print(f"{name:28}{ms:14.2f}{median / first:12.3f}{share:16.1%}")
    timing.save("vae_epochs", seconds)
