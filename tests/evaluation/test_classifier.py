import numpy as np
import pytest

from numpy_nets import random
from numpy_nets.datasets import digits
from numpy_nets.evaluation.classifier import train_classifier


def scaled(x):
    return x.reshape(-1, 784).astype(np.float32) / 255


def test_after_two_passes_nine_of_ten_test_digits_are_right():
    (x, y), (x_test, y_test) = digits.load_data()
    classifier, features = train_classifier(scaled(x), y, epochs=2)
    predicted = classifier.predict(scaled(x_test), verbose=0).argmax(axis=1)
    assert np.mean(predicted == y_test) > 0.9
    assert features.predict(scaled(x_test[:3]), verbose=0).shape == (3, 256)


def test_the_seed_decides_and_the_shared_stream_is_left_as_it_was():
    rng = np.random.default_rng(0)
    x, y = rng.random((70, 2, 3), np.float32), np.arange(70) % 3
    random.set_random_seed(7)
    before = random.get_state()
    weights = [train_classifier(x, y, seed, epochs=1)[0].get_weights() for seed in (1, 1, 2)]
    assert random.get_state() == before
    assert all((a == b).all() for a, b in zip(weights[0], weights[1], strict=True))
    assert (weights[0][0] != weights[2][0]).any()
    assert weights[0][-1].shape == (3,)


def test_labels_of_another_length_are_refused():
    with pytest.raises(ValueError, match=r"x \(n, ...\), y \(n,\), got \(5, 2\), \(4,\)"):
        train_classifier(np.ones((5, 2)), np.zeros(4, int))
