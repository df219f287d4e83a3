"""The ratios that numpy_nets aims at, as measured: one run of all workloads and cold starts.

A ratio is numpy_nets' median over the peer's; of the three models (autoencoder, VAE, the notebook's
GAN), the geometric mean of theirs. Writes runs/benchmarks/table.md and table.json.
"""

import statistics
from typing import Any, NamedTuple

from benchmarks import speed, start_up, timing

MODELS = ("autoencoder", "vae", "gan")
NAMES = (*MODELS, "paper_gan", "adam", "bce", "chain")
TITLES = {
    "autoencoder": "autoencoder epoch",
    "vae": "VAE epoch",
    "gan": "the notebook's GAN, an iteration",
    "paper_gan": "the paper's GAN, an iteration",
    "adam": "Adam alone",
    "bce": "crossentropy and its gradient alone",
    "chain": "recording and differentiating a small op",
    "start_up": "cold start to a trained epoch",
    "memory": "peak memory of the cold start",
}
MEAN_TARGETS = {
    "JAX jit": 1.0,
    "JAX jit scan": 1.0,
    "PyTorch eager": 0.8,
    "Keras fit": 0.4,
    "Keras tf.function": 0.4,
    "Keras jit_compile": 0.4,
}
TARGETS = {
    ("autoencoder", "sgemm alone"): 2.0,
    ("vae", "sgemm alone"): 2.0,
    ("gan", "sgemm alone"): 2.0,
    ("paper_gan", "sgemm alone"): 1.3,
    ("gan", "Keras notebook loop"): 0.05,
    ("start_up", "Keras fit"): 0.25,
    ("start_up", "PyTorch eager"): 0.6,
    ("chain", "PyTorch eager"): 2.0,
    ("chain", "HIPS autograd"): 1.0,
}
MEMORY_TARGET = 1.0


class Row(NamedTuple):
    """One ratio numpy_nets / peer; None where there is no target, or nothing was measured."""

    what: str
    peer: str
    ratio: float | None
    target: float | None

    @property
    def verdict(self) -> str:
        if self.target is None:
            return ""
        if self.ratio is None:
            return "not measured"
        return "holds" if self.ratio <= self.target else "MISSED"


def rows(samples: dict[str, dict[str, list[float]]]) -> list[Row]:
    """The table, from samples[what][peer]: seconds, or of "memory", bytes."""
    means: dict[str, list[float]] = {peer: [] for peer in MEAN_TARGETS}
    for name in MODELS:
        for peer in samples[name]:
            means.setdefault(peer, []).append(timing.ratio(samples[name], peer))
    found = []
    for peer, ratios in means.items():
        complete = len(ratios) == len(MODELS)
        if peer != "numpy_nets" and (complete or peer in MEAN_TARGETS):
            mean = statistics.geometric_mean(ratios) if complete else None
            title = "autoencoder, VAE and GAN, geometric mean"
            found.append(Row(title, peer, mean, MEAN_TARGETS.get(peer)))
    for what, title in TITLES.items():
        targets = {peer: target for (name, peer), target in TARGETS.items() if name == what}
        if what == "memory":
            targets = {peer: MEMORY_TARGET for peer in samples[what] if peer != "numpy_nets"}
        for peer in dict.fromkeys([*targets, *samples[what]]):
            if peer != "numpy_nets":
                measured = peer in samples[what]
                ratio = timing.ratio(samples[what], peer) if measured else None
                found.append(Row(title, peer, ratio, targets.get(peer)))
    return found


def markdown(table: list[Row]) -> str:
    """Rows with a target first."""
    lines = ["| workload | peer | numpy_nets / peer | at most | |", "|---|---|---|---|---|"]
    for row in sorted(table, key=lambda row: row.target is None):
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
        target = "" if row.target is None else f"{row.target:g}"
        lines.append(f"| {row.what} | {row.peer} | {ratio} | {target} | {row.verdict} |")
    return "\n".join(lines)


def run(*, smoke: bool = False) -> None:
    """Measure everything, then print and save the table."""
    found: dict[str, Any] = speed.run(NAMES, smoke=smoke)
    samples = {name: result["seconds"] for name, result in found.items()}
    cold = start_up.run(smoke=smoke)
    samples |= {"start_up": cold["seconds"], "memory": cold["peak_bytes"]}
    table = rows(samples)
    text = markdown(table)
    print(text)
    (timing.OUT / "table.md").write_text(text + "\n", encoding="utf-8")
    timing.save("table", [row._asdict() | {"verdict": row.verdict} for row in table])
