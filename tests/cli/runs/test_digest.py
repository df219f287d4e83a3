"""The digest of a data set changes with all that can change a result, and with nothing else."""

import numpy as np
import pytest

from numpy_nets.cli.runs.data import load_images
from numpy_nets.cli.runs.digest import data_digest

RNG = np.random.default_rng(0)
X, Y = RNG.integers(0, 256, (30, 4, 3), np.uint8), np.arange(30) % 3
KERAS = {"x_train": X[:20], "y_train": Y[:20], "x_test": X[20:], "y_test": Y[20:]}


def digest(path, **arrays):
    np.savez(path / "x.npz", **arrays)
    return data_digest(load_images(str(path / "x.npz")))


def swapped(array):
    """The same values, the first two in the other order."""
    return np.concatenate([array[1::-1], array[2:]])


@pytest.mark.parametrize(
    "other",
    [
        {**KERAS, "x_train": swapped(X[:20])},
        {**KERAS, "x_test": swapped(X[20:])},
        {**KERAS, "y_train": swapped(Y[:20])},
        {**KERAS, "y_test": swapped(Y[20:])},
        {"x_train": X[:20], "x_test": X[20:]},
        {"x_train": X[:19], "y_train": Y[:19], "x_test": X[19:], "y_test": Y[19:]},
        {"train": X[:20], "test": X[20:]},
        {"train": X[:15], "valid": X[15:20], "test": X[20:]},
        {"train": X[:20], "valid": X[20:25], "test": X[25:]},
        {**KERAS, "x_train": X[:20].reshape(40, 2, 3), "y_train": np.arange(40) % 3,
         "x_test": X[20:].reshape(20, 2, 3), "y_test": np.arange(20) % 3},
        {**KERAS, "x_train": X[:20] // 2, "x_test": X[20:] // 2},
    ],
)  # fmt: skip
def test_other_images_labels_splits_and_shapes_are_other_data(other, tmp_path):
    assert digest(tmp_path, **other) != digest(tmp_path, **KERAS)


def test_two_files_that_differ_in_the_split_or_the_labels_all_differ(tmp_path):
    digests = [
        digest(tmp_path, x_train=X[:n], x_test=X[n:], **labels)
        for n in (10, 20)
        for labels in ({}, {"y_train": Y[:n]}, {"y_train": Y[:n], "y_test": Y[n:]})
    ]
    digests += [digest(tmp_path, train=X[:a], valid=X[a:b], test=X[b:])
                for a, b in ((10, 20), (5, 20), (10, 15))]  # fmt: skip
    assert len(set(digests)) == len(digests)


def test_the_same_bits_of_another_type_are_other_data(tmp_path):
    """int16 0 and 1 are float16 0 and 6e-8, and both are pixels in [0, 1]."""
    x = (X[..., 0] % 2).astype(np.int16)
    assert digest(tmp_path, x=x) != digest(tmp_path, x=x.view(np.float16))


def test_the_same_pixels_and_labels_in_another_type_are_the_same_data(tmp_path):
    floats = {k: v / np.float32(255) if k[0] == "x" else v for k, v in KERAS.items()}
    bytes_ = {k: v if k[0] == "x" else v.astype(np.uint8) for k, v in KERAS.items()}
    big = {k: v if k[0] == "x" else v.astype(">i4").reshape(-1, 1) for k, v in KERAS.items()}
    for other in (floats, bytes_, big):
        assert digest(tmp_path, **other) == digest(tmp_path, **KERAS)
