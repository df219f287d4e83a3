"""A small data set in Keras's layout, and a command line that runs in an empty folder."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from numpy_nets.cli import main
from numpy_nets.cli.recipes import RECIPES


def save_small_images(path: Path) -> Path:
    """60 training and 20 test images of 6 x 5 pixels in three classes."""
    rng = np.random.default_rng(0)
    y_train, y_test = np.arange(60) % 3, np.arange(20) % 3
    patterns = rng.integers(0, 200, (3, 6, 5))

    def draw(y: np.ndarray) -> np.ndarray:
        return (patterns[y] + rng.integers(0, 55, (len(y), 6, 5))).astype(np.uint8)

    np.savez(path, x_train=draw(y_train), y_train=y_train, x_test=draw(y_test), y_test=y_test)
    return path


def save_colour_images(path: Path) -> Path:
    """60 training and 20 test images of 8 x 8 pixels that are reddish, greenish or bluish."""
    rng = np.random.default_rng(0)

    def draw(n: int) -> tuple[np.ndarray, np.ndarray]:
        y = np.arange(n) % 3
        tint = np.where(np.eye(3, dtype=bool), 255, 120)[y][:, None, None]
        return (rng.random((n, 8, 8, 3)) * tint).astype(np.uint8), y

    (x_train, y_train), (x_test, y_test) = draw(60), draw(20)
    np.savez(path, x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)
    return path


@pytest.fixture
def colour_images(tmp_path: Path) -> Path:
    return save_colour_images(tmp_path / "colours.npz")


@pytest.fixture
def images(tmp_path: Path) -> Path:
    return save_small_images(tmp_path / "small.npz")


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


TABLES = {type(recipe): type(recipe).print_table for recipe in RECIPES.values()}


@pytest.fixture(scope="session")
def _trained(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    folder = tmp_path_factory.mktemp("trained")
    data = save_small_images(folder / "small.npz")

    def train(model: str) -> Path:
        run = folder / model
        if not run.exists():
            words = ["--data", str(data), "--latent", "4", "--epochs", "2", "--out", str(run)]
            words += {"dec": ["--pretraining", "1", "--clusters", "3"]}.get(model, [])
            with pytest.MonkeyPatch.context() as patch:
                without_pictures(patch)
                for recipe, print_table in TABLES.items():  # a test may have replaced it
                    patch.setattr(recipe, "print_table", print_table)
                assert main(["train", model, *words]) == 0
        return run

    return train


def without_pictures(patch: pytest.MonkeyPatch) -> None:
    """They take longer than everything else."""
    for recipe in RECIPES.values():
        for method in ("draw", "draw_curves"):
            patch.setattr(type(recipe), method, lambda *_: None)


@pytest.fixture
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    without_pictures(monkeypatch)


@pytest.fixture
def trained(empty_folder: Path, _trained: Callable[[str], Path]) -> Callable[[str], Path]:
    """trained(model): a copy, named "run", of the folder that two epochs of the model have left,

    without pictures."""

    def copy(model: str) -> Path:
        return Path(shutil.copytree(_trained(model), empty_folder / "run"))

    return copy


@pytest.fixture
def fails(capsys: pytest.CaptureFixture[str]) -> Callable[[str, str], None]:
    """fails(words, said): the command is refused in one line."""

    def check(words: str, said: str) -> None:
        capsys.readouterr()
        assert main(words.split()) == 2
        error = capsys.readouterr().err
        assert error.startswith("numpy-nets: error: ") and error.count("\n") == 1, error
        assert said in error, error

    return check
