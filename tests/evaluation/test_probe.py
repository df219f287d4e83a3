import numpy as np
import pytest

from numpy_nets import random
from numpy_nets.evaluation.probe import linear_probe


def test_two_groups_on_a_line_are_divided_halfway() -> None:
    train, y = [[0.0], [1.0], [3.0], [4.0]], ["a", "a", "b", "b"]
    assert linear_probe(train, y, [[1.9], [-7.0], [2.1], [9.0]], ["a", "a", "b", "b"]) == 1.0
    assert linear_probe(train, y, [[2.1], [1.9]], ["a", "b"]) == 0.0


def test_three_directions_have_a_class_each() -> None:
    angles = 2 * np.pi * np.arange(3) / 3
    x = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    assert linear_probe(np.tile(x, (5, 1)), np.tile([4, 2, 9], 5), 3 * x, [4, 2, 9]) == 1.0


def test_no_line_gets_more_than_three_of_the_four_corners_of_xor() -> None:
    x, y = [[0.0, 0.0], [1.0, 1.0], [0.0, 1.0], [1.0, 0.0]], [0, 0, 1, 1]
    assert linear_probe(x, y, x, y) <= 0.75
    product = [[a, b, (a - 0.5) * (b - 0.5)] for a, b in x]
    assert linear_probe(product, y, product, y) == 1.0


def test_of_features_that_say_nothing_the_most_frequent_class_is_left() -> None:
    x, y = np.ones((5, 2)), [1, 1, 1, 0, 2]
    assert linear_probe(x, y, [[1.0, 1.0], [8.0, 0.0]], [1, 1]) == 1.0


def test_units_and_an_origin_change_nothing_and_a_column_without_variance_is_left_out() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((60, 4)), rng.integers(0, 3, 60)
    scale, shift = np.array([1e-3, 1.0, 7.0, 1e4]), np.array([5.0, -2.0, 0.0, 1e3])
    plain = linear_probe(x[:40], y[:40], x[40:], y[40:])
    moved = np.hstack([scale * x + shift, np.full((60, 1), 3.0)])
    assert linear_probe(moved[:40], y[:40], moved[40:], y[40:]) == plain


def test_the_plane_between_two_gaussians_is_as_good_as_bayes() -> None:
    """N(±m, I) in equal parts: the best error is Φ(-|m|), and a plane reaches it."""
    rng = np.random.default_rng(1)
    y = rng.integers(0, 2, 20_000)
    x = rng.standard_normal((20_000, 3)) + np.outer(2 * y - 1, [0.6, 0.0, 0.8])
    accuracy = linear_probe(x[:10_000], y[:10_000], x[10_000:], y[10_000:])
    assert accuracy == pytest.approx(0.8413, abs=0.011)  # three standard errors


def test_it_draws_nothing() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((30, 4)), rng.integers(0, 3, 30)
    before = random.get_state()
    assert linear_probe(x, y, x, y) == linear_probe(x, y, x, y)
    assert random.get_state() == before


@pytest.mark.parametrize(
    ("changed", "said"),
    [({"train": [[0.0, 1.0], [1.0, 0.0]]}, "expected features"),
     ({"y_train": [0]}, "expected features"),
     ({"test": [[np.nan]]}, "expected finite values"),
     ({"penalty": 0.0}, "linear_probe: penalty: expected a finite number > 0, got 0.0")],
)  # fmt: skip
def test_wrong_arguments_are_refused(changed, said) -> None:
    arguments = {"train": [[0.0], [1.0]], "y_train": [0, 1], "test": [[2.0]], "y_test": [1]}
    with pytest.raises(ValueError, match=said):
        linear_probe(**arguments | changed)
