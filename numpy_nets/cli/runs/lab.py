"""The page of GANs of points in the plane, one or several, from the frames in their folders."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from numpy_nets import pages
from numpy_nets.cli.runs.files import write_whole
from numpy_nets.cli.runs.run import SETTINGS, read_document

MODEL = "gan2d"
FRAMES, DATA = "frames", "data.json"
_MOST, _ALL_RUNS = 100, 200  # frames of a run on the page, and of all; others are left out
# The settings that tell the runs on a page apart, and what they are called there.
_SHOWN = {
    "data": "data", "objective": "objective", "k": "k", "label_smoothing": "label smoothing",
    "half_steps": "half steps", "noise": "noise at first", "learning_rate": "learning rate",
    "batch_size": "batch", "hidden": "hidden units", "latent": "latent", "seed": "seed",
}  # fmt: skip


def write_page(folders: Sequence[Path], path: Path) -> None:
    """Write one page of all these runs, with a column for each.

    Raises:
        ValueError: if a folder holds no run of this model, or no frames, or damaged ones.
        OSError: if the page cannot be written.
    """
    most = max(2, min(_MOST, _ALL_RUNS // len(folders)))
    runs = [_run(folder, most) for folder in folders]
    title = ", ".join(run["name"] for run in runs)
    html = pages.fill("lab", runs=pages.as_json({"title": title, "runs": runs}))
    write_whole(path, html, durable=False)


def _run(folder: Path, most: int) -> dict[str, Any]:
    """What the page knows of a run, with so many frames at most."""
    document = read_document(folder)
    if document.get("model") != MODEL:
        raise ValueError(
            f"lab: {folder}: expected a run of {MODEL}, as of: numpy-nets train gan --data ring; "
            f"got one of {document.get('model')}"
        )
    values: list[Any] = [document.get(name) for name in _SHOWN]
    if not all(isinstance(value, str | int | float) for value in values):
        raise ValueError(f"{folder / SETTINGS}: damaged: expected {', '.join(_SHOWN)}")
    frames = sorted((folder / FRAMES).glob("[0-9]*.json"), key=lambda path: int(path.stem))
    if not frames:
        raise ValueError(f"lab: {folder}: the run has no frames yet")
    kept = np.unique(np.linspace(0, len(frames) - 1, min(len(frames), most)).astype(int))
    return {
        "name": folder.resolve().name,
        "settings": {
            text: Path(value).name if name == "data" else value
            for (name, text), value in zip(_SHOWN.items(), values, strict=True)
        },
        **_read(folder / FRAMES / DATA),
        "frames": [_read(frames[i]) for i in kept],
    }


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: damaged: {error}") from None
    if not isinstance(content, dict):
        raise ValueError(f"{path}: damaged: expected values by name")
    return content
