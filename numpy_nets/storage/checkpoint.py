"""Checkpoints: weights files that also hold what a run needs to continue.

Weights, optimizer state, epoch, the state of the random generator, the history and the settings are
one file, replaced in one step. So a run that is killed at any moment continues from its last
complete epoch; with the same number of threads, bit for bit as if it had not been interrupted.
Keras loads the same file as weights.
"""

import json
import os
from collections.abc import Mapping, Sequence
from itertools import count, takewhile
from typing import TYPE_CHECKING, Any, NamedTuple

from numpy_nets import random
from numpy_nets.storage import layout
from numpy_nets.storage.weights import read_attributes

if TYPE_CHECKING:
    from numpy_nets.network import Model

_PIECE = 50_000  # characters of a text in one attribute, which has a limit


class Checkpoint(NamedTuple):
    """What a checkpoint holds beside the state of the model.

    Attributes:
        epoch: the number of epochs behind it.
        random_state: of the shared generator.
        history: a value for each of these epochs, by the name of the metric; None if it was saved
            without.
        settings: what the run is determined by, as JSON has it; None if it was saved without.
    """

    epoch: int
    random_state: str
    history: dict[str, list[float]] | None
    settings: dict[str, Any] | None


def save_checkpoint(
    model: "Model",
    path: str | os.PathLike[str],
    epoch: int,
    *,
    history: Mapping[str, Sequence[float]] | None = None,
    settings: Mapping[str, Any] | None = None,
) -> None:
    """Write the state after `epoch` epochs; raises what `write_weights` raises."""
    attributes = {"epoch": str(epoch), "random_state": random.get_state()}
    for name, value in (("history", history), ("settings", settings)):
        if value is not None:
            text = json.dumps(value)
            for start in range(0, len(text), _PIECE):
                attributes[f"{name}_{start // _PIECE}"] = text[start : start + _PIECE]
    layout.save_weights(model, path, attributes=attributes)


def read_checkpoint(path: str | os.PathLike[str]) -> Checkpoint:
    """What a checkpoint holds beside the state of the model; raises as `load_checkpoint`."""
    attributes = read_attributes(path)
    epoch = attributes.get("epoch", "")
    if not epoch.isdecimal() or len(epoch) > 9:
        raise ValueError(f"weights file {path}: not a checkpoint of a run: it names no epoch")
    try:
        history, settings = (_parsed(attributes, name) for name in ("history", "settings"))
        if history is not None:
            _check_history(history, int(epoch))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"weights file {path}: damaged: {error}") from None
    return Checkpoint(int(epoch), attributes.get("random_state", ""), history, settings)


def _parsed(attributes: Mapping[str, str], name: str) -> dict[str, Any] | None:
    """The object whose JSON text is in pieces name_0, name_1 …; None if there are none."""
    names = takewhile(attributes.__contains__, (f"{name}_{k}" for k in count()))
    text = "".join(attributes[piece] for piece in names)
    if not text:
        return None
    value = json.loads(text)
    if not isinstance(value, dict):
        raise ValueError(f"{name}: expected values by name, got {text[:40]!r}")
    return value


def _check_history(history: Mapping[str, Any], epoch: int) -> None:
    for name, values in history.items():
        if not (
            isinstance(values, list) and len(values) == epoch
            and all(isinstance(value, float) for value in values)
        ):  # fmt: skip
            raise ValueError(f"history: {name}: expected {epoch} numbers, got {str(values)[:40]}")


def load_checkpoint(model: "Model", path: str | os.PathLike[str]) -> int:
    """Set model, optimizer and shared generator to a saved state, and return its epoch.

    Raises:
        FileNotFoundError, PermissionError: there is no such file, or it may not be read.
        ValueError: the file is not a checkpoint, or is one of another model.

    In all these cases nothing is changed.
    """
    saved, before = read_checkpoint(path), random.get_state()
    try:
        random.set_state(saved.random_state)
    except ValueError as error:
        raise ValueError(f"weights file {path}: {error}") from None
    try:
        layout.load_weights(model, path)
    except BaseException:
        random.set_state(before)
        raise
    return saved.epoch
