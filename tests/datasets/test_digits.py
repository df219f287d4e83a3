import textwrap
from pathlib import Path

import numpy as np

from numpy_nets.datasets import digits

FOLDER = Path(digits.__file__).parent


def test_digits_have_mnists_layout_and_balanced_classes():
    (x_train, y_train), (x_test, y_test) = digits.load_data()
    assert x_train.shape == (6000, 28, 28) and x_test.shape == (1000, 28, 28)
    assert {a.dtype for a in (x_train, y_train, x_test, y_test)} == {np.dtype(np.uint8)}
    np.testing.assert_array_equal(np.bincount(y_train), 600)
    np.testing.assert_array_equal(np.bincount(y_test), 100)


def test_digits_are_shuffled_and_writable():
    (x_train, y_train), _ = digits.load_data()
    assert len(np.unique(y_train[:50])) == 10
    x_train[0] = 0


def test_digits_file_is_about_a_megabyte():
    assert (FOLDER / "digits.npz").stat().st_size < 1_250_000


def test_recipe_in_the_licence_file_reproduces_the_digits(real_data, tmp_path, monkeypatch):
    text = (FOLDER / "digits.LICENSE.txt").read_text()
    monkeypatch.chdir(tmp_path)  # the recipe saves digits.npz where it runs
    with np.load(real_data / "mnist.npz", allow_pickle=False) as mnist:
        exec(textwrap.dedent(text[text.index("    rng =") :]), {"np": np, "mnist": mnist})
    (x_train, y_train), (x_test, y_test) = digits.load_data()
    with np.load("digits.npz", allow_pickle=False) as reproduced:
        np.testing.assert_array_equal(reproduced["x_train"], x_train)
        np.testing.assert_array_equal(reproduced["y_train"], y_train)
        np.testing.assert_array_equal(reproduced["x_test"], x_test)
        np.testing.assert_array_equal(reproduced["y_test"], y_test)
