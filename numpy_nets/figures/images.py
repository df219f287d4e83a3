"""Grids of images."""

import os
from typing import Any

import numpy as np

from numpy_nets.autodiff.tensor import Array


def tile(images: Any, columns: int) -> Array:
    """(n, h, w) -> one image, row by row, with a gap of one white pixel; the last row may be short.

    Raises:
        ValueError: images of another shape, none of them, or no columns.
    """
    images = np.asarray(images)
    if images.ndim != 3 or not images.size:
        raise ValueError(f"images: expected shape (n, h, w), got {images.shape}")
    if columns < 1:
        raise ValueError(f"columns: expected at least 1, got {columns}")
    n, h, w = images.shape
    rows = -(-n // columns)
    sheet = np.ones((rows * (h + 1) - 1, columns * (w + 1) - 1), images.dtype)
    for i, image in enumerate(images):
        top, left = (i // columns) * (h + 1), (i % columns) * (w + 1)
        sheet[top : top + h, left : left + w] = image
    return sheet


def save_images(
    path: str | os.PathLike[str], images: Any, columns: int, title: str | None = None
) -> None:
    """Draw images (n, h, w) in [0, 1] in reading order, so many to a row.

    Raises:
        ValueError: images of another shape, none of them, or no columns.
        OSError: the file cannot be written.
    """
    from matplotlib.figure import Figure

    sheet = tile(images, columns)
    height, width = sheet.shape
    longer = max(height, width)
    title_height = 0.4 if title else 0.0
    figure = Figure(figsize=(8 * width / longer, 8 * height / longer + title_height),
                    layout="constrained")  # fmt: skip
    axes = figure.subplots()
    axes.imshow(sheet, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    axes.set_axis_off()
    if title:
        figure.suptitle(title)
    figure.savefig(path, dpi=120)


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
