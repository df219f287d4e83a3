"""Grids of images."""

import os
from typing import Any

import numpy as np

from numpy_nets.autodiff.tensor import Array


def tile(images: Any, columns: int) -> Array:
    """(n, h, w) -> one image, row by row, with a gap of one white pixel; the last row may be short.
    """
    images = np.asarray(images)
    n, h, w = images.shape
    rows = -(-n // columns)
    sheet = np.ones((rows * (h + 1) - 1, columns * (w + 1) - 1), images.dtype)
    for i, image in enumerate(images):
        top, left = (i // columns) * (h + 1), (i % columns) * (w + 1)
        sheet[top : top + h, left : left + w] = image
    return sheet


def save_reconstructions(
    path: str | os.PathLike[str], originals: Any, reconstructions: Any
) -> None:
    """Draw originals over their reconstructions, both (n, h, w) in [0, 1], ten to a row.

    Raises:
        OSError: the file cannot be written.
    """
    from matplotlib.figure import Figure

    originals, reconstructions = np.asarray(originals), np.asarray(reconstructions)
    blocks = []
    for start in range(0, len(originals), 10):
        part = slice(start, start + 10)
        blocks.append(tile(np.concatenate([originals[part], reconstructions[part]]),
                           len(originals[part])))  # fmt: skip
    figure = Figure(figsize=(8, 0.4 + 1.7 * len(blocks)), layout="constrained")
    for axes, block in zip(figure.subplots(len(blocks), squeeze=False)[:, 0], blocks, strict=True):
        axes.imshow(block, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        axes.set_axis_off()
    figure.suptitle("originals, and below them their reconstructions")
    figure.savefig(path, dpi=120)
