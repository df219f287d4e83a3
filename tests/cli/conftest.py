"""A small data set in Keras's layout, and a command line that runs in an empty folder."""

from pathlib import Path

import numpy as np
import pytest


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """60 training and 20 test images of 6 x 5 pixels in three classes."""
    rng = np.random.default_rng(0)
    y_train, y_test = np.arange(60) % 3, np.arange(20) % 3
    patterns = rng.integers(0, 200, (3, 6, 5))

    def draw(y: np.ndarray) -> np.ndarray:
        return (patterns[y] + rng.integers(0, 55, (len(y), 6, 5))).astype(np.uint8)

    path = tmp_path / "small.npz"
    np.savez(path, x_train=draw(y_train), y_train=y_train, x_test=draw(y_test), y_test=y_test)
    return path


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder
