"""An autoencoder on memory-mapped files, up to 20 GB and to more than this machine's memory.

For each size: the seconds in which `fit` checks that all values are finite, and then milliseconds a
step over 200 batches of 256 images, in order, shuffled, and shuffled with a thread that takes the
next batches out of the file while this one is computed. The steps are interleaved, and the ratio of
medians says whether that thread pays. Beside them the most memory that the process had of its own,
which is no file's (Linux: RssAnon).

The files are sparse: they have their length, and nothing but zeros, which the file system makes up.
So what is measured is what the program and the kernel do, from the page table to the matrix
products, not a disk. A shuffled batch of a file that does not fit the memory waits for a disk 256
times; in order, once.

NUMPY_NETS_FOLDER is where the files are written, by default the folder for temporary files.
"""

import os
import queue
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from benchmarks import timing
from benchmarks.growth import anonymous_memory, network
from numpy_nets.callbacks import Callback

GB = 10**9
BATCH = 256
PIXELS = 784


def run(*, smoke: bool = False) -> None:
    """Measure every size, print and save."""
    timing.describe_machine()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    sizes = [GB // 100] if smoke else [GB, 5 * GB, 20 * GB, round(1.25 * memory)]
    steps, rounds = (5, 1) if smoke else (200, 3)
    rows = []
    with tempfile.TemporaryDirectory(dir=os.environ.get("NUMPY_NETS_FOLDER")) as folder:
        path = os.path.join(folder, "images.npy")
        for size in sizes:
            data = np.lib.format.open_memmap(path, "w+", np.float32, (size // 4 // PIXELS, PIXELS))
            rows.append(measure(data, steps, rounds))
            print("  ".join(f"{name} {value:.4g}" for name, value in rows[-1].items()), flush=True)
            del data
            os.remove(path)
    timing.save("large-file", {"memory": memory, "rows": rows})


def measure(data: Any, steps: int, rounds: int) -> dict[str, float]:
    """Figures of one file."""
    model = network(64, 1, inputs=PIXELS)
    watch = Watch()
    kinds = {"in order": False, "shuffled": True, "shuffled, prefetched": True}
    seconds: dict[str, list[float]] = {kind: [] for kind in kinds}
    check = float("inf")
    for _ in range(rounds):
        for kind, shuffle in kinds.items():
            start = time.perf_counter()
            if kind.endswith("prefetched"):
                batches = ((x, x) for x in ahead(shuffled(data, steps)))
                model.fit(batches, steps_per_epoch=steps, verbose=0, callbacks=[watch])
            else:
                model.fit(
                    data, data, batch_size=BATCH, steps_per_epoch=min(steps, len(data) // BATCH),
                    shuffle=shuffle, verbose=0, callbacks=[watch],
                )  # fmt: skip
                check = min(check, watch.began - start)
            seconds[kind] += watch.seconds
    medians = {kind: statistics.median(values) for kind, values in seconds.items()}
    return {
        "GB": data.nbytes / GB,
        "check, s": check,
        **{f"{kind}, ms": 1e3 * median for kind, median in medians.items()},
        "prefetched / shuffled": medians["shuffled, prefetched"] / medians["shuffled"],
        "own memory, MiB": watch.memory / 2**20,
    }


class Watch(Callback):
    """When the first step began, the seconds of each, and the most memory that is no file's."""

    memory = 0.0

    def on_train_begin(self, logs: Any = None) -> None:
        self.began = self.last = time.perf_counter()
        self.seconds: list[float] = []

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        now = time.perf_counter()  # from the end of the last step, so loading is included
        self.seconds.append(now - self.last)
        self.memory = max(self.memory, anonymous_memory())
        self.last = time.perf_counter()


def shuffled(data: Any, steps: int) -> Iterator[Any]:
    """Batches as `fit` takes them."""
    order = np.random.default_rng(0).permutation(len(data))
    for step in range(steps):
        yield np.asarray(data[order[step * BATCH :][:BATCH]])


def ahead(batches: Iterator[Any], depth: int = 2) -> Iterator[Any]:
    """The same batches, up to `depth` of them computed in advance by a thread."""
    ready: queue.Queue[Any] = queue.Queue(depth)
    end = object()

    def work() -> None:
        for batch in batches:
            ready.put(batch)
        ready.put(end)

    threading.Thread(target=work, daemon=True).start()
    while (batch := ready.get()) is not end:
        yield batch
