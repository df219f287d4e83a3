"""Animations: frames over training, as a GIF."""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from numpy_nets.autodiff.tensor import Array


def save_animation(
    path: str | os.PathLike[str], frames: Sequence[Any], seconds: float = 0.1, hold: float = 2.0
) -> None:
    """Write frames, all (h, w) or all (h, w, 3) in [0, 1], as a GIF that runs for ever.

    Each frame is shown for `seconds`, the last one for `hold`; at most 64 colours, those of the
    last frame.

    Raises:
        ValueError: no frames, or frames of different shapes.
        OSError: the file cannot be written.
    """
    from PIL import Image

    shapes = sorted({np.shape(frame) for frame in frames})
    if len(shapes) != 1 or len(shapes[0]) not in (2, 3):
        raise ValueError(f"save_animation: frames: expected one shape (h, w, ...), got {shapes}")
    pictures = [Image.fromarray(_bytes(frame)).convert("RGB") for frame in frames]
    palette = pictures[-1].quantize(64)
    first, *others = [p.quantize(palette=palette, dither=Image.Dither.NONE) for p in pictures]
    durations = [round(1000 * seconds)] * len(others) + [round(1000 * hold)]
    first.save(
        path, format="GIF", save_all=True, append_images=others, duration=durations, loop=0
    )  # fmt: skip


def figure_to_image(figure: Any) -> Array:
    """What a Matplotlib figure shows, (h, w, 3) in [0, 1]."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()
    image: Array = np.asarray(canvas.buffer_rgba())[..., :3] / np.float32(255)
    return image


def _bytes(frame: Any) -> Array:
    levels: Array = np.rint(np.clip(frame, 0, 1) * 255).astype(np.uint8)
    return levels
