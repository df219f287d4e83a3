"""Damage weights files of every layout that h5py writes, and read them.

    python -m tests.fuzz.weights --cases 100000

A case is read by the public functions, in the process of its batch. It must give arrays as asked
for, or one line that names the file; a batch that dies, or grows by 200 MB, is a failure, and so is
a case that takes more than its time. Cases follow from the seed and their number.

For speed, the HDF5 library does not run in a new process, but in a fork of the batch's.
"""

import argparse
import collections
import json
import mmap
import os
import random
import resource
import signal
import struct
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import h5py
import numpy as np

from numpy_nets.storage import dataset_paths, foreign, hdf5, read_attributes, read_weights

KERNEL, BIAS, STEP = "layers/dense/vars/0", "layers/dense/vars/1", "optimizer/vars/0"
ARRAYS = {
    KERNEL: np.random.default_rng(0).normal(size=(12, 10)).astype("f4"),
    BIAS: np.linspace(-1, 1, 30),
    STEP: np.array(7),
}
EXPECTED = {name: (array.shape, array.dtype) for name, array in ARRAYS.items()}
BATCH = 250
SECONDS = 5.0  # of one read by the HDF5 library
SLOWEST = 2 * SECONDS  # of one case
GROWTH = 200 << 20  # bytes of a batch


# Layouts


def plain(file: h5py.File, **options: Any) -> None:
    """All arrays; the options hold for those that have axes."""
    for name, array in ARRAYS.items():
        file.create_dataset(name, data=array, **(options if array.ndim else {}))


def stored(**options: Any) -> Callable[[h5py.File], None]:
    return lambda file: plain(file, **options)


def low_level(layout: int, allocation: int) -> Callable[[h5py.File], None]:
    """Layouts that h5py's `create_dataset` does not offer."""

    def save(file: h5py.File) -> None:
        for name, array in ARRAYS.items():
            settings = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
            settings.set_layout(layout)
            settings.set_alloc_time(allocation)
            if layout == h5py.h5d.CHUNKED:
                settings.set_chunk(tuple(max(1, n // 3) for n in array.shape) or (1,))
            shape = array.shape or (1,)
            space = h5py.h5s.create_simple(shape)
            links = h5py.h5p.create(h5py.h5p.LINK_CREATE)
            links.set_create_intermediate_group(True)
            kind = h5py.h5t.py_create(array.dtype)
            dataset = h5py.h5d.create(file.id, name.encode(), kind, space, settings, links)
            dataset.write(h5py.h5s.ALL, h5py.h5s.ALL, np.ascontiguousarray(array).reshape(shape))

    return save


def as_keras(file: h5py.File) -> None:
    plain(file)
    for group in ("layers/dense/vars", "optimizer/vars"):
        file[group].attrs["name"] = group


def many(file: h5py.File) -> None:
    """Groups and attributes so large that they are stored as heaps and trees."""
    plain(file)
    for k in range(40):
        file[f"optimizer/others/{k}"] = np.arange(3.0)
        file.attrs[f"attribute {k}"] = np.bytes_(b"x" * 100)
    file.attrs["epoch"] = np.bytes_(b"3")


def linked(file: h5py.File) -> None:
    plain(file)
    file["layers/soft"] = h5py.SoftLink("/layers/dense")
    file["layers/external"] = h5py.ExternalLink("other.h5", "/layers")
    file["layers/hard"] = file["layers/dense"]


def virtual(file: h5py.File) -> None:
    plain(file)
    layout = h5py.VirtualLayout((10,), "f8")
    layout[:] = h5py.VirtualSource("other.h5", "x", (10,))
    file.create_virtual_dataset("layers/dense/vars/2", layout)
    file.create_dataset("layers/dense/vars/3", (10,), "f8", external=[("other", 0, 80)])


def ordered(file: h5py.File) -> None:
    group = file.create_group("layers", track_order=True)
    group.attrs["text"] = "of variable length"
    plain(file)


GZIP = {"compression": "gzip", "shuffle": True}
WRITERS: dict[str, Callable[[h5py.File], None]] = {
    "contiguous": plain,
    "Keras's": as_keras,
    "compact": low_level(h5py.h5d.COMPACT, h5py.h5d.ALLOC_TIME_EARLY),
    "implicit index": low_level(h5py.h5d.CHUNKED, h5py.h5d.ALLOC_TIME_EARLY),
    "fixed array or tree": low_level(h5py.h5d.CHUNKED, h5py.h5d.ALLOC_TIME_LATE),
    "automatic chunks": stored(chunks=True),
    "single chunk, gzip": stored(**GZIP),
    "fletcher32": stored(fletcher32=True),
    "gzip and fletcher32": stored(fletcher32=True, **GZIP),
    "lzf": stored(compression="lzf"),
    "many attributes and links": many,
    "links": linked,
    "data elsewhere": virtual,
    "in order of creation": ordered,
}


def growable(axes: int, **options: Any) -> Callable[[h5py.File], None]:
    """With the first `axes` axes unlimited: an extensible array, or a B-tree of version 2."""

    def save(file: h5py.File) -> None:
        for name, array in ARRAYS.items():
            limits = [None if k < axes else n for k, n in enumerate(array.shape)]
            if array.ndim:
                chunks = tuple(max(1, n // 5) for n in array.shape)
                file.create_dataset(name, data=array, maxshape=limits, chunks=chunks, **options)
            else:
                file.create_dataset(name, data=array)

    return save


WRITERS |= {
    f"{axes} axes grow{label}": growable(axes, **options)
    for axes in (0, 1, 2)
    for label, options in (("", {}), (", gzip", GZIP))
}
VERSIONS: list[Any] = ["earliest", "latest", ("v108", "v108"), ("v110", "v110"), ("v112", "v112")]


def originals(folder: Path) -> dict[str, bytes]:
    """A sound file of each layout in each version of the format."""
    files = {}
    for label, write in WRITERS.items():
        for version in VERSIONS:
            path = folder / "original.h5"
            try:
                with h5py.File(path, "w", libver=version) as file:
                    write(file)
            except ValueError:  # virtual data, which versions before 1.10 do not have
                assert write is virtual and version == ("v108", "v108")
                continue
            files[f"{label}, {version}"] = path.read_bytes()
    return files


# Damage


def damaged(content: bytes, others: list[bytes], rng: random.Random) -> bytes:
    """One to four changes, most of them to bytes that are not 0, as the rest is padding."""
    data = bytearray(content)
    filled = [place for place, byte in enumerate(data) if byte]
    for _ in range(rng.choice([1, 1, 1, 2, 4])):
        place = rng.choice(filled) if rng.random() < 0.8 else rng.randrange(len(data))
        place = min(place, len(data) - 1)
        kind = rng.random()
        if kind < 0.4:
            data[place] ^= 1 << rng.randrange(8)
        elif kind < 0.7:
            data[place] = rng.choice([0, 1, 2, 3, 4, 8, 16, 127, 128, 254, 255])
        elif kind < 0.9:  # a number of 2, 4 or 8 bytes: of another place, small, or extreme
            form = rng.choice("HIQ")
            size = struct.calcsize(form)
            most = 256**size - 1
            number = rng.choice([0, 1, most, most // 2, len(data), rng.randrange(len(data))])
            data[place : place + size] = struct.pack("<" + form, min(number, most))
        elif kind < 0.93:
            del data[place:]
        elif kind < 0.96:
            other = rng.choice(others)
            data[place:] = other[place:]
        else:
            length = rng.randrange(1, 64)
            source = rng.randrange(len(data))
            data[place : place + length] = data[source : source + length]
        if not data:
            break
    return bytes(data)


# Reading


def ask_a_fork(request: bytes, reply: IO[bytes], seconds: float) -> int | None:
    """`foreign.ask` in a tenth of the time; this process must have no other threads."""
    pid = os.fork()
    if pid == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, min(seconds, SECONDS))
        try:
            question = json.loads(request)
            hdf5.limit_memory(hdf5.SPARE_MEMORY + 4 * hdf5.size(question["shapes"]))
            hdf5.answer(question, reply)
            reply.flush()
        except BaseException:
            os._exit(1)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return None if code == -signal.SIGALRM else code


def outcome(read: Callable[[Path], Any], path: Path) -> str:
    """What became of a case, in a word; AssertionError if it is none of what is promised."""
    try:
        result = read(path)
    except (ValueError, OSError) as error:
        message = str(error)
        assert str(path) in message and len(message.splitlines()) == 1, message
        for word, sign in (("hung", "come to an end"), ("crashed", "failed on it with")):
            if sign in message:
                return f"{word}, and is refused"
        return "refused"
    if read is arrays:
        for name, (shape, dtype) in EXPECTED.items():
            assert (result[name].shape, result[name].dtype) == (shape, dtype)
            assert np.isfinite(result[name]).all()
    return "read"


def arrays(path: Path) -> dict[str, np.ndarray]:
    return read_weights(path, EXPECTED)


def case(number: int, seed: int, files: dict[str, bytes], path: Path) -> tuple[str, str]:
    """Write the damaged file of a case; returns its layout, and the outcome of reading it."""
    rng = random.Random(f"{seed} {number}")
    label = rng.choice(list(files))
    path.write_bytes(damaged(files[label], list(files.values()), rng))
    read = rng.choice([arrays, arrays, arrays, dataset_paths, read_attributes])
    start = time.monotonic()
    result = outcome(read, path)
    seconds = time.monotonic() - start
    assert seconds < SLOWEST, f"{seconds:.1f} s"
    return label, result


class FailureError(Exception):
    """A case that broke the promise."""


def run(cases: range, seed: int, files: dict[str, bytes], folder: Path) -> collections.Counter[str]:
    """The number of cases of each outcome; FailureError at the first that breaks the promise."""
    path, current = folder / "damaged.weights.h5", mmap.mmap(-1, 8)
    counts: collections.Counter[str] = collections.Counter()
    for start in range(cases.start, cases.stop, BATCH):
        batch = range(start, min(start + BATCH, cases.stop))
        with tempfile.TemporaryFile("w+") as report:
            pid = os.fork()
            if pid == 0:
                os._exit(work(batch, seed, files, path, current, report))
            code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            report.seek(0)
            if code:
                (number,) = struct.unpack("q", current)
                last = report.read().strip().splitlines() or ["no word"]
                raise FailureError(f"case {number} of seed {seed}: exit code {code}: {last[-1]}")
            counts.update(json.loads(report.read()))
    return counts


def work(
    batch: range,
    seed: int,
    files: dict[str, bytes],
    path: Path,
    current: mmap.mmap,
    report: IO[str],
) -> int:
    """Run a batch, and write its outcomes; returns the exit code."""
    foreign.ask = ask_a_fork
    counts: collections.Counter[str] = collections.Counter()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        for number in batch:
            current[:] = struct.pack("q", number)
            counts[case(number, seed, files, path)[1]] += 1
        growth = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) << 10
        assert growth < GROWTH, f"the batch of this case grew by {growth:,} bytes"
    except BaseException as error:
        report.write(repr(error))
        return 1
    else:
        report.write(json.dumps(counts))
        return 0
    finally:
        report.flush()


def progress(cases: int, seed: int, files: dict[str, bytes], folder: Path) -> Iterator[str]:
    counts: collections.Counter[str] = collections.Counter()
    start = time.monotonic()
    for first in range(0, cases, 10 * BATCH):
        part = range(first, min(first + 10 * BATCH, cases))
        counts += run(part, seed, files, folder)
        outcomes = ", ".join(f"{count:,} {word}" for word, count in sorted(counts.items()))
        yield f"{part.stop:,} cases in {time.monotonic() - start:.0f} s: {outcomes}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        try:
            for line in progress(options.cases, options.seed, originals(folder), folder):
                print(line, flush=True)
        except FailureError as failure:
            kept = Path("failure.weights.h5").absolute()
            kept.write_bytes((folder / "damaged.weights.h5").read_bytes())
            print(f"{failure}; the file is {kept}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
