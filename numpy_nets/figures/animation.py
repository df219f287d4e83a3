"""Animations: frames over training, as a GIF."""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from numpy_nets.autodiff.tensor import Array
from numpy_nets.checks import positive_int
from numpy_nets.figures.images import to_bytes

CAPTION_SIZE, CAPTION_HEIGHT = 14, 22  # in pixels


def save_animation(
    path: str | os.PathLike[str],
    frames: Sequence[Any],
    seconds: float = 0.1,
    hold: float = 2.0,
    *,
    captions: Sequence[str] | None = None,
    scale: int = 1,
    colours: int = 64,
) -> None:
    """Write frames, all (h, w) or all (h, w, 3) in [0, 1], as a GIF that runs for ever.

    Each frame is shown for `seconds` and the last one for `hold`.

    Args:
        captions: one for each frame, written in a strip above it.
        scale: every pixel of a frame becomes a square with sides of this many pixels.
        colours: the number of colours in the file, at most 256. They are those of the last frame.

    Raises:
        ValueError: no frames, frames of different shapes, another number of captions, a scale that
            is not a positive integer, or a number of colours that a GIF cannot have.
        OSError: the file cannot be written.
    """
    from PIL import Image

    shapes = sorted({np.shape(frame) for frame in frames})
    if len(shapes) != 1 or len(shapes[0]) not in (2, 3):
        raise ValueError(f"save_animation: frames: expected one shape (h, w, ...), got {shapes}")
    scale = positive_int("save_animation: scale", scale)
    if positive_int("save_animation: colours", colours) > 256:
        raise ValueError(f"save_animation: colours: expected at most 256, got {colours}")
    pictures = [
        Image.fromarray(to_bytes(frame).repeat(scale, axis=0).repeat(scale, axis=1)).convert("RGB")
        for frame in frames
    ]
    if captions is not None:
        if len(captions) != len(frames):
            raise ValueError(f"save_animation: captions: expected {len(frames)}, "
                             f"one for each frame, got {len(captions)}")  # fmt: skip
        pictures = _with_captions(pictures, captions)
    palette = pictures[-1].quantize(colours)
    # Each colour is the mean of similar ones: white and black would be a little grey.
    levels: Array = np.array(palette.getpalette() or ()).reshape(-1, 3)
    levels[(levels >= 244).all(axis=1)] = 255
    levels[(levels <= 11).all(axis=1)] = 0
    palette.putpalette(levels.ravel().tolist())
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


def _with_captions(pictures: Sequence[Any], captions: Sequence[str]) -> list[Any]:
    """Pictures below their captions, and wide enough for the longest caption."""
    from matplotlib.font_manager import findfont
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.truetype(findfont("DejaVu Sans"), CAPTION_SIZE)  # comes with Matplotlib
    width, height = pictures[0].size
    total = max(width, *(int(np.ceil(font.getlength(text))) + 8 for text in captions))
    pages = []
    for picture, text in zip(pictures, captions, strict=True):
        page = Image.new("RGB", (total, height + CAPTION_HEIGHT), "white")
        page.paste(picture, ((total - width) // 2, CAPTION_HEIGHT))
        ImageDraw.Draw(page).text((total / 2, CAPTION_HEIGHT / 2), text, "black", font, "mm")
        pages.append(page)
    return pages
