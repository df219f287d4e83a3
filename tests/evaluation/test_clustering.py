import numpy as np
import pytest

from numpy_nets.evaluation.clustering import kmeans_purity


def blobs(n=60, seed=0):
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 3
    return np.array([[0, 0], [9, 0], [0, 9]])[labels] + rng.standard_normal((n, 2)), labels


def test_separated_classes_are_pure():
    assert kmeans_purity(*blobs()) == 1


def test_unrelated_labels_give_little_more_than_chance():
    codes, labels = blobs(3000)
    shuffled = np.random.default_rng(1).permutation(labels)
    assert 1 / 3 <= kmeans_purity(codes, shuffled) < 0.4


def test_one_cluster_has_the_purity_of_the_largest_class():
    codes, _ = blobs(10)
    assert kmeans_purity(codes, [0] * 7 + [1] * 3, clusters=1) == 0.7


def test_the_same_seed_gives_the_same_number():
    codes, labels = np.random.default_rng(0).random((200, 5)), np.arange(200) % 10
    assert kmeans_purity(codes, labels, seed=3) == kmeans_purity(codes, labels, seed=3)


def test_equal_codes_do_not_fail():
    assert kmeans_purity(np.zeros((20, 3)), np.arange(20) % 2) == 0.5


def test_mismatched_input_is_refused():
    with pytest.raises(ValueError, match="labels: expected 60, got 59"):
        kmeans_purity(blobs()[0], blobs()[1][1:])
    with pytest.raises(ValueError, match="clusters: expected 1 to 60, got 61"):
        kmeans_purity(*blobs(), clusters=61)
