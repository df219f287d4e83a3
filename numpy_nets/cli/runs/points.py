"""--data of points in the plane: three mixtures of Gaussians whose density is known, or a table."""

import hashlib
import warnings
from pathlib import Path

import numpy as np

from numpy_nets.autodiff.tensor import Array
from numpy_nets.cli.runs.data import NAMES, Images
from numpy_nets.datasets.gaussians import grid, ring
from numpy_nets.datasets.readers import load_file
from numpy_nets.naming import suggest
from numpy_nets.theory.plane import Mixture, points_as_mixture

STDDEV = 0.05
REACH = 2.0  # a table is moved and scaled, as a whole, until it just fits into [-2, 2]²
_N = 20_000


def _equal(centres: Array) -> Mixture:
    m = len(centres)
    return Mixture(centres, np.full((m, 2), STDDEV), np.full(m, 1 / m))


MIXTURES = {
    "ring": _equal(ring(1, 0)[1]),
    "grid": _equal(grid(1, 0, spacing=1.0)[1]),
    # That of figure 1 of the GAN's paper, as in benchmarks/gan_1d.py, a little thick.
    "line": Mixture(
        np.array([[-1.0, 0.0], [1.5, 0.0]]), np.array([[0.6, STDDEV]] * 2), np.array([0.6, 0.4])
    ),
}


def are_points(name: str) -> bool:
    """Whether this --data is of points in the plane, rather than of images.

    Raises:
        ValueError, OSError: if it is a damaged file.
    """
    if name in MIXTURES:
        return True
    path = Path(name)
    if name in NAMES or not path.is_file():
        return False
    return path.suffix == ".csv" or load_file(path).x_train.shape[1:] == (2,)


def load_points(name: str) -> Images:
    """20,000 points of the mixture of this name, or a table, as if they were images of two pixels.

    Raises:
        ValueError, OSError: if there is no such name or file, or the file is damaged or holds
            something else.
    """
    if name in MIXTURES:
        rng = np.random.default_rng(0)  # --seed is that of the training: all runs have these points
        train, test = MIXTURES[name].draw(_N, rng), MIXTURES[name].draw(_N // 10, rng)
    elif Path(name).is_file():
        table = _read(Path(name))
        held_out = max(len(table) // 10, 1)
        train, test = table[:-held_out], table[-held_out:]
    else:
        raise ValueError(
            f"--data: no data set or file {name!r}; {suggest(name, MIXTURES)}, or a path"
        )
    digest = hashlib.sha256(train.tobytes() + test.tobytes()).hexdigest()
    return Images(train, None, test, None, (2,), digest)


def density(name: str, points: Array) -> tuple[Mixture, bool]:
    """What the points were drawn from, and whether that is known; otherwise it is they themselves.

    Of a long table 10,000 points are taken, at equal distances.
    """
    if name in MIXTURES:
        return MIXTURES[name], True
    few = np.linspace(0, len(points) - 1, min(len(points), 10_000)).astype(int)
    return points_as_mixture(points[few]), False


def _read(path: Path) -> Array:
    """(n, 2) float32 in [-2, 2]."""
    if path.suffix == ".csv":
        try:
            with warnings.catch_warnings(action="ignore"):  # of an empty file
                table = np.loadtxt(path, delimiter=",", ndmin=2)
        except ValueError as error:
            raise ValueError(f"--data {path}: expected two numbers a line: {error}") from None
    else:
        table = load_file(path).x_train
    if table.ndim != 2 or table.shape[1] != 2 or len(table) < 20:
        raise ValueError(
            f"--data {path}: expected a table (n, 2) of points, n >= 20, got {table.shape}"
        )
    if not np.isfinite(table).all():
        raise ValueError(f"--data {path}: holds NaN or infinite values")
    low, high = table.min(axis=0).astype(float), table.max(axis=0).astype(float)
    half = 0.5 * float((high - low).max())
    if not 0 < half < np.inf:
        raise ValueError(f"--data {path}: expected points that differ, got all at {low.tolist()}")
    points: Array = (REACH * (table - 0.5 * (low + high)) / half).astype(np.float32)
    return points
