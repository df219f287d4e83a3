"""The nearest neighbour as a classifier: known answers, and scikit-free checks by brute force."""

from __future__ import annotations

import numpy as np
import pytest

from numpy_nets.datasets import digits
from numpy_nets.evaluation.neighbours import nearest_neighbour_accuracy


def test_it_is_what_a_loop_over_all_pairs_finds() -> None:
    rng = np.random.default_rng(0)
    train, test = rng.normal(size=(70, 3)), rng.normal(size=(40, 3))
    y_train, y_test = rng.integers(0, 4, 70), rng.integers(0, 4, 40)
    right = [
        y_train[min(range(70), key=lambda j: np.sum((x - train[j]) ** 2))] == y
        for x, y in zip(test, y_test, strict=True)
    ]
    assert nearest_neighbour_accuracy(train, y_train, test, y_test) == np.mean(right)


def test_data_are_their_own_nearest_neighbours_and_noise_is_right_by_chance() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(500, 8)), rng.integers(0, 10, 500)
    assert nearest_neighbour_accuracy(x, y, x, y) == 1.0
    assert nearest_neighbour_accuracy(x, y, rng.normal(size=(500, 8)), y) < 0.2


def test_a_rotation_changes_nothing_and_a_constant_code_everything() -> None:
    (x_train, y_train), (x_test, y_test) = digits.load_data()
    x_train, x_test = (x[:1500].reshape(-1, 784)[:, ::4] / 255 for x in (x_train, x_test))
    y_train, y_test = y_train[:1500], y_test[:1500]
    rotation, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(196, 196)))
    pixels = nearest_neighbour_accuracy(x_train, y_train, x_test, y_test)
    rotated = nearest_neighbour_accuracy(x_train @ rotation, y_train, x_test @ rotation, y_test)
    assert pixels == rotated > 0.8
    flat = nearest_neighbour_accuracy(0 * x_train, y_train, 0 * x_test, y_test)
    assert flat == np.mean(y_test == y_train[0])


def test_labels_that_do_not_match_are_refused() -> None:
    with pytest.raises(ValueError, match=r"expected a label for every code, got \(1,\) for \(2, 1"):
        nearest_neighbour_accuracy([[0.0], [1.0]], [1], [[0.0]], [1])
    with pytest.raises(ValueError, match=r"and \(2,\) for \(1, 1\)"):
        nearest_neighbour_accuracy([[0.0], [1.0]], [1, 2], [[0.0]], [1, 2])
