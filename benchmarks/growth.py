"""How time and memory of one step grow, and the exponent: measured beside expected.

The exponent p of cost ~ size^p is the slope of a line through the logarithms. Fixed costs lower it:
what is expected is the exponent of large sizes. Memory is the peak of what Python and NumPy
allocate in a step (tracemalloc), weights and optimizer included, where sizes change those.
"""

import gc
import os
import statistics
import tempfile
import tracemalloc
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from benchmarks import timing
from numpy_nets import GradientTape, Variable
from numpy_nets.callbacks import LambdaCallback
from numpy_nets.layers import Dense, Input
from numpy_nets.models import Sequential

Step = Callable[[], object]


def network(width: int, depth: int, inputs: int = 64) -> Any:
    """A compiled network of `depth` layers of `width` units between inputs and outputs."""
    hidden = [Dense(width, activation="relu") for _ in range(depth)]
    model = Sequential([Input((inputs,)), *hidden, Dense(inputs)])
    model.compile(optimizer="adam", loss="mean_squared_error")
    return model


def train(batch: int = 256, width: int = 256, depth: int = 2) -> Step:
    """Builds the network too when called first, so that its memory counts."""
    x = np.random.default_rng(0).random((batch, 64), np.float32)
    made: list[Any] = []

    def step() -> None:
        if not made:
            made.append(network(width, depth))
        made[0].train_on_batch(x, x)

    return step


def chain(length: int) -> Step:
    """A program of `length` operations on ten numbers, forwards and backwards."""
    x = Variable(np.ones(10, np.float32))

    def step() -> None:
        with GradientTape() as tape:
            y: Any = x
            for _ in range(length):
                y = y * 0.999
        tape.gradient(y, x)

    return step


def uncollected(step: Step) -> Step:
    """The same without Python's collector, which walks through the records and finds no garbage."""

    def run() -> None:
        gc.disable()
        try:
            step()
        finally:
            gc.enable()

    return run


# what grows: (sizes, sizes of the smoke mode, size -> step, expected slopes of time and memory)
SERIES: dict[str, tuple[Iterable[int], Iterable[int], Callable[[int], Step], float, float]] = {
    "batch size": ((2048, 4096, 8192, 16_384), (512, 1024), lambda n: train(n, 128), 1, 1),
    "width": ((512, 724, 1024, 1448, 2048), (32, 64), lambda n: train(128, n), 2, 2),
    "depth": ((4, 8, 16, 32), (1, 2), lambda n: train(depth=n), 1, 1),
    "operations on the tape": ((1000, 3000, 10_000, 30_000), (100, 200), chain, 1, 1),
    "  collector off": (
        (1000, 3000, 10_000, 30_000), (100, 200), lambda n: uncollected(chain(n)), 1, 1,
    ),
}  # fmt: skip


def run(*, smoke: bool = False) -> None:
    """Measure every series, print and save."""
    timing.describe_machine()
    print(f"{'':24}{'size':>9}{'ms/step':>11}{'MiB':>9}")
    found = {}
    for name, (large, small, make, time_slope, memory_slope) in SERIES.items():
        sizes = list(small if smoke else large)
        memory = [peak(make(size)) for size in sizes]
        steps = {str(size): make(size) for size in sizes}
        for step in steps.values():
            step()
        work = {size: timing.timed(step) for size, step in steps.items()}
        seconds = timing.interleave(work, 1 if smoke else 9)
        medians = [statistics.median(seconds[str(size)]) for size in sizes]
        found[name] = show(name, sizes, medians, memory, time_slope, memory_slope)
    found["images in a file"] = data_set(smoke)
    timing.save("growth", found)
    draw(found)


def show(
    name: str, sizes: list[int], seconds: list[float], memory: list[float], *expected: float
) -> dict[str, Any]:
    """One series, printed; and what is saved of it."""
    for size, s, m in zip(sizes, seconds, memory, strict=True):
        print(f"{name:24}{size:9,}{1000 * s:11.3f}{m / 2**20:9.2f}")
    slopes = timing.slope(sizes, seconds), timing.slope(sizes, memory)
    for what, slope, goal in zip(("time", "memory"), slopes, expected, strict=True):
        print(f"{'':24}slope of {what}: {slope:.2f}, expected {goal:g}")
    return {
        "sizes": sizes, "seconds": seconds, "bytes": memory,
        "slopes": {"time": slopes[0], "memory": slopes[1]},
        "expected": {"time": expected[0], "memory": expected[1]},
    }  # fmt: skip


def peak(step: Step) -> float:
    """Bytes that Python and NumPy hold at the highest point of two steps."""
    tracemalloc.start()
    try:
        for _ in range(2):  # the first makes the optimizer's accumulators
            step()
        return float(tracemalloc.get_traced_memory()[1])
    finally:
        tracemalloc.stop()


def data_set(smoke: bool) -> dict[str, Any]:
    """Epochs over memory-mapped images: a step costs the same, however many there are.

    The kernel keeps a file's pages only while there is room, so what counts is the memory that is
    no file's (Linux: RssAnon); it is printed beside what is allocated.
    """
    sizes = [1024, 2048] if smoke else [16_384, 32_768, 65_536, 131_072]
    seconds, memory = [], []
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "images.npy")
        x = np.lib.format.open_memmap(path, "w+", np.float32, (sizes[-1], 784))
        rng = np.random.default_rng(0)
        for start in range(0, len(x), 1024):
            x[start : start + 1024] = rng.random((1024, 784), np.float32)
        x.flush()
        model, resident = network(64, 1, inputs=784), []

        def watch(batch: int, logs: object) -> None:
            resident.append(anonymous_memory())

        def epoch(size: int, **options: Any) -> None:
            data = np.load(path, mmap_mode="r")[:size]
            model.fit(data, data, batch_size=256, verbose=0, **options)

        for size in sizes:
            epochs = timing.interleave({"": timing.timed(lambda s=size: epoch(s))}, 3)[""]
            seconds.append(statistics.median(epochs) * 256 / size)
            callback = LambdaCallback(on_train_batch_end=watch)
            memory.append(peak(lambda s=size, c=callback: epoch(s, callbacks=[c])))
            print(
                f"{size:,} images, {size * 784 * 4 / 2**20:.0f} MiB in the file: at most "
                f"{max(resident) / 2**20:.0f} MiB of the process are no file's"
            )
            resident.clear()
        del x
    return show("images in a file", sizes, seconds, memory, 0, 0)


def anonymous_memory() -> float:
    """Bytes of this process that no file backs; 0 where the system does not tell."""
    try:
        with open("/proc/self/status", encoding="ascii") as file:
            line = next(line for line in file if line.startswith("RssAnon"))
        return 1024.0 * int(line.split()[1])
    except (OSError, StopIteration):
        return 0.0


def draw(found: dict[str, Any]) -> None:
    """Time and memory of all series, on logarithmic axes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3 * len(found), 5), layout="constrained")
    panels = figure.subplots(2, len(found), squeeze=False)
    for column, (name, series) in enumerate(found.items()):
        for row, (what, key, unit, scale) in enumerate(
            (("time", "seconds", "ms", 1e3), ("memory", "bytes", "MiB", 1 / 2**20))
        ):
            axes = panels[row][column]
            measured, expected = series["slopes"][what], series["expected"][what]
            sizes, values = series["sizes"], [scale * v for v in series[key]]
            axes.loglog(sizes, values, "o-")
            axes.loglog(sizes, [values[-1] * (n / sizes[-1]) ** expected for n in sizes], "k:")
            axes.set_ylim(min(values) / 2, max(values) * 2)
            axes.set(title=f"slope {measured:.2f}, expected {expected:g}", xlabel=name)
            axes.set_ylabel(f"{what} of a step, {unit}")
            axes.grid(which="both", alpha=0.3)
    figure.savefig(timing.OUT / "growth.png", dpi=90)
