"""Checkpoints: weights files that also hold the epoch and the state of the random generator.

Weights, optimizer state, epoch and generator state are one file, replaced in one step. So a run
that is killed at any moment continues from its last complete epoch, bit for bit as if it had not
been interrupted. Keras loads the same file as weights.
"""

import os
from typing import TYPE_CHECKING

from numpy_nets import random
from numpy_nets.storage import layout
from numpy_nets.storage.weights import read_attributes

if TYPE_CHECKING:
    from numpy_nets.network import Model


def save_checkpoint(model: "Model", path: str | os.PathLike[str], epoch: int) -> None:
    """Write the state after `epoch` epochs; raises what `write_weights` raises."""
    attributes = {"epoch": str(epoch), "random_state": random.get_state()}
    layout.save_weights(model, path, attributes=attributes)


def load_checkpoint(model: "Model", path: str | os.PathLike[str]) -> int:
    """Set model, optimizer and shared generator to a saved state, and return its epoch.

    Raises:
        FileNotFoundError, PermissionError: there is no such file, or it may not be read.
        ValueError: the file is not a checkpoint, or is one of another model.

    In all these cases nothing is changed.
    """
    attributes = read_attributes(path)
    epoch, before = attributes.get("epoch", ""), random.get_state()
    if not epoch.isdecimal() or len(epoch) > 9:
        raise ValueError(f"weights file {path}: not a checkpoint of a run: it names no epoch")
    try:
        random.set_state(attributes.get("random_state", ""))
    except ValueError as error:
        raise ValueError(f"weights file {path}: {error}") from None
    try:
        layout.load_weights(model, path)
    except BaseException:
        random.set_state(before)
        raise
    return int(epoch)
