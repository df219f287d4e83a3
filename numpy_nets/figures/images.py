"""Sheets of images, in which every source pixel is a square of the same size."""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from numpy_nets.autodiff.tensor import Array
from numpy_nets.checks import positive_int

# A power of two: a width of n pixels is n / 128 inches exactly, and n pixels again in the file.
DPI = 128
SHEET_SIZE = 1000  # the longer side that a sheet comes close to, in pixels of the file
LARGEST_IMAGE = 160  # of one image, also in pixels of the file
MARGIN, GAP = 8, 6  # around everything, and between a label and the sheet
TITLE_SIZE, LABEL_SIZE, SMALLEST_LABEL = 16, 14, 10
SMALLEST_PITCH = 14  # from one label to the next; leaves room for the smallest label


def tile(images: Any, columns: int) -> Array:
    """One image made of many, row by row with gaps of one white pixel; the last row may be short.

    Images are (n, h, w), or (n, h, w, 3) for colours, and white is 1.

    Raises:
        ValueError: images of another shape, no images, or no columns.

    >>> import numpy as np
    >>> tile(np.zeros((3, 2, 2)), 2)
    array([[0., 0., 1., 0., 0.],
           [0., 0., 1., 0., 0.],
           [1., 1., 1., 1., 1.],
           [0., 0., 1., 1., 1.],
           [0., 0., 1., 1., 1.]])
    >>> tile(np.zeros((3, 2, 2, 3)), 2).shape
    (5, 5, 3)
    """
    images = _stack("tile: images", images)
    columns = positive_int("tile: columns", columns)
    n, h, w = images.shape[:3]
    rows = -(-n // columns)
    shape = (rows * (h + 1) - 1, columns * (w + 1) - 1, *images.shape[3:])
    sheet = np.ones(shape, images.dtype)
    for i, image in enumerate(images):
        top, left = (i // columns) * (h + 1), (i % columns) * (w + 1)
        sheet[top : top + h, left : left + w] = image
    return sheet


def fitting_scale(shape: Sequence[int], size: int = SHEET_SIZE) -> int:
    """The whole number that brings the longer side of an image (h, w, ...) closest to `size`.

    It is at least 1: images are never made smaller.

    >>> fitting_scale((289, 289)), fitting_scale((289, 289), 600), fitting_scale((2000, 100))
    (3, 2, 1)
    """
    return max(1, round(size / max(shape[:2])))


def to_bytes(image: Any) -> Array:
    """Values in [0, 1] as 0 to 255; others are clipped, and NaN is white, as a gap is.

    >>> to_bytes([0.0, 0.5, 2.0, float("nan")])
    array([  0, 128, 255, 255], dtype=uint8)
    """
    levels: Array = np.rint(255 * np.nan_to_num(np.clip(image, 0, 1), nan=1.0)).astype(np.uint8)
    return levels


def images_figure(
    images: Any,
    columns: int,
    title: str | None = None,
    *,
    row_labels: Sequence[str] | None = None,
    column_labels: Sequence[str] | None = None,
) -> Any:
    """The Matplotlib figure that `save_images` writes; the arguments are the same."""
    images = _stack("save_images: images", images)
    columns = min(positive_int("save_images: columns", columns), len(images))
    _, h, w = images.shape[:3]
    return _sheet_figure(
        "save_images",
        tile(images, columns),
        (h, w),
        [i * (h + 1) + h / 2 for i in range(-(-len(images) // columns))],
        [i * (w + 1) + w / 2 for i in range(columns)],
        title,
        row_labels,
        column_labels,
    )


def save_images(
    path: str | os.PathLike[str],
    images: Any,
    columns: int,
    title: str | None = None,
    *,
    row_labels: Sequence[str] | None = None,
    column_labels: Sequence[str] | None = None,
) -> None:
    """Draw images (n, h, w) or (n, h, w, 3) in [0, 1] in reading order.

    Args:
        columns: the number of images in a row.
        row_labels: one for each row, written to the left of it.
        column_labels: one for each column, written above it; upright if they are too wide.

    Raises:
        ValueError: images of another shape, no images, no columns, or another number of labels.
        OSError: the file cannot be written.
    """
    figure = images_figure(
        images, columns, title, row_labels=row_labels, column_labels=column_labels
    )
    figure.savefig(path, dpi=DPI)


def reconstructions_figure(originals: Any, reconstructions: Any, title: str | None = None) -> Any:
    """The Matplotlib figure that `save_reconstructions` writes; the arguments are the same."""
    originals = _stack("save_reconstructions: originals", originals)
    reconstructions = np.asarray(reconstructions)
    if reconstructions.shape != originals.shape:
        raise ValueError(
            f"save_reconstructions: reconstructions: expected shape {originals.shape}, "
            f"got {reconstructions.shape}"
        )
    n, h, w = originals.shape[:3]
    columns = min(10, n)
    space = max(2, h // 4)  # between two pairs of rows
    pairs: list[Array] = []
    rows: list[float] = []
    for start in range(0, n, columns):
        both = np.ones((2, columns, *originals.shape[1:]))
        for row, images in zip(both, (originals, reconstructions), strict=True):
            part = images[start : start + columns]
            row[: len(part)] = part
        top = len(pairs) * (2 * h + 1 + space)
        rows += [top + h / 2, top + h + 1 + h / 2]
        pair = tile(both.reshape(-1, *originals.shape[1:]), columns)
        pairs.append(np.concatenate([pair, np.ones((space, *pair.shape[1:]))]))
    return _sheet_figure(
        "save_reconstructions",
        np.concatenate(pairs)[:-space],
        (h, w),
        rows,
        [i * (w + 1) + w / 2 for i in range(columns)],
        title,
        ["original", "reconstruction"] * len(pairs),
        None,
    )


def save_reconstructions(
    path: str | os.PathLike[str], originals: Any, reconstructions: Any, title: str | None = None
) -> None:
    """Draw originals above their reconstructions, ten to a row.

    Both are (n, h, w) or (n, h, w, 3), in [0, 1].

    Raises:
        ValueError: images of another shape, no images, or two different shapes.
        OSError: the file cannot be written.
    """
    reconstructions_figure(originals, reconstructions, title).savefig(path, dpi=DPI)


def _stack(what: str, images: Any) -> Array:
    images = np.asarray(images)
    if (images.ndim != 3 and (images.ndim != 4 or images.shape[3] != 3)) or not images.size:
        raise ValueError(f"{what}: expected shape (n, h, w) or (n, h, w, 3), got {images.shape}")
    stack: Array = images
    return stack


def _sheet_figure(
    owner: str,
    sheet: Array,
    image_shape: tuple[int, int],
    rows: Sequence[float],
    columns: Sequence[float],
    title: str | None,
    row_labels: Sequence[str] | None,
    column_labels: Sequence[str] | None,
) -> Any:
    """A sheet (h, w) or (h, w, 3), a title above it, and labels beside it.

    All lengths below are pixels of the file, but `rows` and `columns` are the centres of the
    images in pixels of the sheet.
    """
    from matplotlib.figure import Figure
    from matplotlib.transforms import IdentityTransform

    for name, labels, centres in (
        ("row", row_labels, rows), ("column", column_labels, columns)
    ):  # fmt: skip
        if labels is not None and len(labels) != len(centres):
            raise ValueError(f"{owner}: {name}_labels: expected {len(centres)} labels, "
                             f"one for each {name}, got {len(labels)}")  # fmt: skip
    h, w = image_shape
    scale = max(1, min(fitting_scale(sheet.shape), LARGEST_IMAGE // max(h, w)))
    for labels, length in ((row_labels, h), (column_labels, w)):
        if labels is not None:
            scale = max(scale, -(-SMALLEST_PITCH // length))
    pixels = to_bytes(sheet).repeat(scale, axis=0).repeat(scale, axis=1)
    if pixels.ndim == 2:
        pixels = pixels[..., None].repeat(3, axis=2)
    height, width = pixels.shape[:2]

    figure = Figure(dpi=DPI)
    figure.add_axes((0, 0, 1, 1)).set_axis_off()  # notebooks show no figure without axes

    def write(text: str, size: float, **options: Any) -> Any:
        """A text at (0, 0) for now: its extent says how much room it needs."""
        points = size * 72 / DPI
        return figure.text(0, 0, text, fontsize=points, transform=IdentityTransform(), **options)

    def label_size(length: int) -> float:
        return min(LABEL_SIZE, max(SMALLEST_LABEL, 0.6 * length * scale))

    left = [write(label, label_size(h), ha="right", va="center_baseline")
            for label in row_labels or ()]  # fmt: skip
    above = [write(label, label_size(w), ha="center", va="baseline")
             for label in column_labels or ()]  # fmt: skip
    if any(label.get_window_extent().width > (w + 1) * scale - GAP for label in above):
        for label in above:
            label.set(rotation=90, va="bottom")
    heading = write(title, TITLE_SIZE, ha="center", va="bottom") if title else None

    left_width = max((label.get_window_extent().width + GAP for label in left), default=0)
    descent = max((-label.get_window_extent().y0 for label in above), default=0)
    ascent = max((label.get_window_extent().y1 + GAP for label in above), default=0)
    title_width, title_height = heading.get_window_extent().size if heading else (0, -2 * GAP)
    page_width, page_height = (
        int(np.ceil(length)) + 2 * MARGIN
        for length in (
            max(left_width + width, title_width),
            height + descent + ascent + 2 * GAP + title_height,
        )
    )
    figure.set_size_inches(page_width / DPI, page_height / DPI)

    x = round((page_width + left_width - width) / 2)
    top = MARGIN + height
    figure.figimage(pixels, x, MARGIN, origin="upper")
    for label, centre in zip(left, rows, strict=False):
        label.set_position((x - GAP, top - centre * scale))
    for label, centre in zip(above, columns, strict=False):
        label.set_position((x + centre * scale, top + GAP + descent))
    if heading:
        heading.set_position((page_width / 2, page_height - MARGIN - title_height))
    return figure
