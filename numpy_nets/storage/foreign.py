"""Weights files of any layout, read by the HDF5 library in a process of its own.

A single damaged byte can crash HDF5 1.14, hang it, or make it ask for all memory there is. Here
that ends a process which holds nothing, and becomes one line for the caller. The process costs
about 0.2 s; the files that this package and Keras write do not need it.
"""

import json
import math
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np

from numpy_nets.storage import hdf5
from numpy_nets.storage.contents import LONGEST_ATTRIBUTE, Contents, Dataset, RefusedError

Shapes = Mapping[str, tuple[int, ...]]
SECONDS = 60  # and one more for every megabyte that is asked for


@contextmanager
def opened(path: Path, shapes: Shapes) -> Iterator[Contents]:
    """What the file holds; only datasets in `shapes` can be loaded, and only of these shapes.

    Raises RefusedError, as does the loading.
    """
    request = {
        "path": os.path.abspath(path),
        "shapes": {name: [int(length) for length in shape] for name, shape in shapes.items()},
        "longest_attribute": LONGEST_ATTRIBUTE,
    }
    with tempfile.TemporaryFile() as reply:
        code = ask(json.dumps(request).encode(), reply, SECONDS + (hdf5.size(shapes) >> 20))
        reply.seek(0)
        if code is None:
            raise RefusedError("damaged, or not HDF5: the HDF5 library does not come to an end")
        if code:
            end = signal.Signals(-code).name if code < 0 else f"exit code {code}"
            raise RefusedError(f"damaged, or not HDF5: the HDF5 library failed on it with {end}")
        yield _contents(reply, shapes)


def ask(request: bytes, reply: IO[bytes], seconds: float) -> int | None:
    """Have a new process write its reply; returns its exit code, or None after too many seconds."""
    path = os.pathsep.join(os.path.abspath(folder) for folder in sys.path)
    environment = os.environ | {"PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1"}
    # Run as a script (-P: with no other path), it does not import the rest of the package.
    command = [sys.executable, "-P", hdf5.__file__]
    try:
        return subprocess.run(
            command, input=request, stdout=reply, stderr=subprocess.DEVNULL,
            env=environment, timeout=seconds,
        ).returncode  # fmt: skip
    except subprocess.TimeoutExpired:
        return None


def _contents(reply: IO[bytes], shapes: Shapes) -> Contents:
    """Read what `hdf5.answer` writes."""
    listing = json.loads(reply.readline())
    if fault := listing["fault"]:
        raise RefusedError(fault)
    datasets = {name: Dataset(None, np.dtype("V"), _nothing) for name in listing["paths"]}
    for name in listing["paths"]:
        if name in shapes:
            datasets[name] = _dataset(reply, shapes[name])
    return Contents(listing["attributes"], datasets)


def _dataset(reply: IO[bytes], expected: tuple[int, ...]) -> Dataset:
    header = json.loads(reply.readline())
    shape = None if header["shape"] is None else tuple(header["shape"])
    dtype, fault, place = np.dtype(header["dtype"]), header["fault"], reply.tell()

    def load() -> np.ndarray:
        if fault:
            raise RefusedError(fault)
        reply.seek(place)
        return np.fromfile(reply, dtype, math.prod(expected)).reshape(expected)

    if shape == expected and dtype.kind in "fiu" and not fault:
        reply.seek(dtype.itemsize * math.prod(expected), os.SEEK_CUR)
    return Dataset(shape, dtype, load)


def _nothing() -> np.ndarray:
    raise RefusedError("not asked for")
