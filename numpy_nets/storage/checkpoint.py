"""Checkpoints: a weights file that also knows where in training, and in the random stream, it is.

Weights, optimizer state, epoch and generator state are one file, replaced in one step, so a run
that is killed at any moment goes on from its last whole epoch, bit for bit as if it had not been.
Keras loads the same file as weights.
"""

import os
from typing import TYPE_CHECKING

from numpy_nets import random
from numpy_nets.storage import layout
from numpy_nets.storage.weights import read_attributes

if TYPE_CHECKING:
    from numpy_nets.network import Model


def save_checkpoint(model: "Model", path: str | os.PathLike[str], epoch: int) -> None:
    """Write the state after `epoch` epochs; raises as `write_weights`."""
    attributes = {"epoch": str(epoch), "random_state": random.get_state()}
    layout.save_weights(model, path, attributes=attributes)


def load_checkpoint(model: "Model", path: str | os.PathLike[str]) -> int:
    """Set model, optimizer and shared generator to a saved state; returns its epoch.

    Raises:
        ValueError: the file is no checkpoint, or of another model; nothing is changed then.
    """
    attributes = read_attributes(path)
    epoch, before = attributes.get("epoch", ""), random.get_state()
    if not epoch.isdecimal() or len(epoch) > 9:
        raise ValueError(f"weights file {path}: no checkpoint of a run: it names no epoch")
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
