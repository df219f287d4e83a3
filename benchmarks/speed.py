"""Workloads side by side with peers: each in its own process, in turn, on the same work."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks import timing
from benchmarks.work import WORKLOADS, Work
from benchmarks.worker import Missing, Worker, start_workers
from numpy_nets.datasets import digits

# How tables and plots name (peer, variant).
LABELS = {
    ("ours", "fit"): "numpy_nets",
    ("sgemm", "floor"): "sgemm alone",
    ("by_hand", "numpy"): "NumPy by hand",
    ("keras_tensorflow", "fit"): "Keras fit",
    ("keras_tensorflow", "function"): "Keras tf.function",
    ("keras_tensorflow", "jit_compile"): "Keras jit_compile",
    ("keras_tensorflow", "notebook"): "Keras notebook loop",
    ("keras_tensorflow", "eager"): "TensorFlow eager",
    ("keras_jax", "fit"): "Keras on JAX",
    ("keras_jax", "jit"): "Keras on JAX",
    ("torch_eager", "eager"): "PyTorch eager",
    ("torch_eager", "compile"): "PyTorch compile",
    ("jax_jit", "jit"): "JAX jit",
    ("jax_jit", "scan"): "JAX jit scan",
    ("hips_autograd", "tape"): "HIPS autograd",
}
# Rounding grows from step to step, and in a GAN's game faster than elsewhere.
FINAL_TOLERANCE = 0.05


def run(names: tuple[str, ...], *, smoke: bool = False) -> dict[str, Any]:
    """Time these workloads; returns what is saved of each, by name."""
    machine = timing.describe_machine()
    workers = start_workers()
    found = {}
    with images_file(512 if smoke else 60_000) as data:
        for name in names:
            work = replace(WORKLOADS[name], data=data)
            if smoke:
                work = replace(work, steps=2)
            found[name] = compare(work, workers, rounds=1 if smoke else 7, smoke=smoke) | {
                "machine": machine,
                "peers": {peer: worker.described for peer, worker in workers.items()},
            }
            timing.save(name, found[name])
    for worker in workers.values():
        worker.close()
    return found


@contextlib.contextmanager
def images_file(samples: int) -> Iterator[str]:
    """The path of images.npy: the embedded digits, again and again up to MNIST's size."""
    (x, _), _ = digits.load_data()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "images.npy")
        np.save(path, np.resize(x.reshape(-1, 784), (samples, 784)))
        yield path


def compare(work: Work, workers: dict[str, Worker], rounds: int, smoke: bool) -> dict[str, Any]:
    """Seconds of all rounds and the numbers compared, printed and drawn."""
    print(f"-- {work.title}, batch {work.batch or '-'}, {work.steps} steps a round")
    steps: dict[str, Any] = {}
    results: dict[str, list[float | None]] = {}
    skipped = {}
    for peer, worker in workers.items():
        for variant, names in worker.variants.items():
            if work.name not in names:
                continue
            label = LABELS[peer, variant]
            try:
                worker.prepare(work, variant)
                results[label] = [worker.round(variant)[1]]  # compiles, and is not counted
            except Missing as reason:
                print(f"skipped: {label}: {reason}")
                skipped[label] = str(reason)
                worker.forget(variant)
                continue

            def one_round(worker: Worker = worker, variant: str = variant) -> float:
                seconds, result = worker.round(variant)
                results[LABELS[worker.peer, variant]].append(result)
                return seconds

            steps[label] = one_round
    if not agree(results, 0, work.tolerance):
        raise RuntimeError(f"{work.name}: from the same weights, peers came to different results")
    seconds = timing.interleave(steps, rounds, pause=0 if smoke else 0.3)
    agreed = agree(results, -1, FINAL_TOLERANCE)
    for worker in workers.values():
        worker.forget()
    timing.report(seconds, unit=work.steps / 1000, name="ms/step")
    name = work.name
    timing.OUT.mkdir(parents=True, exist_ok=True)
    per_step = {k: [1000 * s / work.steps for s in v] for k, v in seconds.items()}
    timing.draw(name, work.title, per_step, "ms per step")
    return {
        "title": work.title, "batch": work.batch, "steps": work.steps, "seconds": seconds,
        "results": results, "agreed": agreed, "skipped": skipped,
    }  # fmt: skip


def agree(results: dict[str, list[float | None]], which: int, tolerance: float) -> bool:
    """Nobody skipped work: whether the numbers of a round are the same, relatively."""
    compared = {label: r[which] for label, r in results.items() if r[which] is not None}
    ours = compared["numpy_nets"]
    apart = {label: abs(r / ours - 1) for label, r in compared.items()}
    worst = max(apart, key=apart.__getitem__)
    when = "first" if which == 0 else "last"
    print(f"result of the {when} round {ours:.6g}; furthest: {worst}, {apart[worst]:.1e} apart")
    if all(a <= tolerance for a in apart.values()):
        return True
    print(f"WARNING: not the same work, or no longer: {compared}")
    return False
