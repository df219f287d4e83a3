"""The rows: grouped into lines for people, as JSON, and written to files that are never partial."""

import errno
import json
import math
import os
import platform
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

import numpy_nets
from keras_ref.parity.case import Row

UNITS = ("eps", "ulp", "standard errors")  # in the order of the report


class Line(NamedTuple):
    """Rows of one subject, quantity, dtype, bound and reason, which the report shows as one."""

    subject: str
    quantity: str
    rows: tuple[Row, ...]

    @property
    def worst(self) -> Row:
        """The row that is farthest from Keras, or from the truth."""
        return max(self.rows, key=_distance)


def _distance(row: Row) -> float:
    """The error, by which rows of one bound are ordered; NaN is farther than any number."""
    return math.inf if math.isnan(row.error) else row.error


class Kind(NamedTuple):
    """What the lines of one group of the summary have in common, in the order of sorting."""

    unit: int  # a position in UNITS
    bound: float
    kind: str
    dtype: str

    @classmethod
    def of(cls, line: Line) -> "Kind":
        row = line.worst
        return cls(UNITS.index(row.unit), row.bound, row.kind, row.dtype)


def lines(rows: Sequence[Row], variants: bool = True) -> list[Line]:
    """Rows that differ only in what they were computed from, or in which weight, as one line.

    Args:
        rows: of any cases.
        variants: keep the cases of one subject apart. Training runs always are.
    """
    groups: dict[tuple[str, str, str, float, str], list[Row]] = defaultdict(list)
    for row in rows:
        keep = variants or row.kind == "training"
        subject = row.subject if keep else row.subject.split(", ")[0]
        quantity = row.quantity.rsplit(": ", 1)[-1]
        quantity = re.sub(
            r"^(weight|optimizer variable) .*?(?=( after step \d+)?$)", r"\1s", quantity
        )
        quantity = re.sub(r"_\d+/", "/", quantity)  # dense_7/kernel
        groups[subject, quantity, row.dtype, row.bound, row.reason].append(row)
    return [
        Line(subject, quantity, tuple(group)) for (subject, quantity, *_), group in groups.items()
    ]


def kinds(every_line: Sequence[Line]) -> dict[Kind, list[Line]]:
    """The lines in groups, one for each line of the summary, and in its order."""
    groups: dict[Kind, list[Line]] = defaultdict(list)
    for line in every_line:
        groups[Kind.of(line)].append(line)
    return dict(sorted(groups.items()))


def merged(group: Sequence[Line]) -> Line:
    """A line of the summary: all rows of the group, under the names of its worst line."""
    worst = max(group, key=lambda line: _distance(line.worst))
    return worst._replace(rows=tuple(row for line in group for row in line.rows))


def verdict(row: Row) -> str:
    return "holds" if row.holds else "BROKEN"


def versions() -> dict[str, str]:
    """The versions of all that was compared, and of what it ran on."""
    return {
        "numpy_nets": numpy_nets.__version__,
        "numpy": np.__version__,
        "keras": keras.__version__,
        "tensorflow": tf.__version__,
        "mpmath": version("mpmath"),
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
    }


def as_json(rows: Sequence[Row]) -> str:
    """Versions and all rows.  A number that is not finite is a string: "inf", "nan"."""
    described = [{**asdict(row), "holds": row.holds} for row in rows]
    broken = sum(not row.holds for row in rows)
    document = {"versions": versions(), "rows": described, "broken": broken}
    return json.dumps(_finite(document), allow_nan=False) + "\n"


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(v) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(v) for v in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def check_writable(path: Path) -> None:
    """Raises OSError if `write` would."""
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "expected a file, or no such name", str(path))
    try:
        _temporary(path).touch()
        _temporary(path).unlink()
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None


def write(path: Path, text: str) -> None:
    """Write a file; an earlier one of this name stays until the new one is complete."""
    temporary = _temporary(path)
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _temporary(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.tmp")
