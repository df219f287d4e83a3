from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numpy_nets.evaluation.clustering import (
    clustering_accuracy,
    clustering_scores,
    kmeans,
    kmeans_purity,
    normalized_mutual_information,
    purity,
)

SCORES = (clustering_accuracy, normalized_mutual_information, purity)
sizes = st.integers(1, 30)


def names(n, most=4):
    """n names out of at most so many."""
    return st.lists(st.integers(0, most - 1), min_size=n, max_size=n)


pairs = sizes.flatmap(lambda n: st.tuples(names(n), names(n)))


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


def test_kmeans_finds_the_means_of_separated_blobs():
    codes, labels = blobs(300)
    centres, clusters = kmeans(codes, 3)
    assert clustering_accuracy(clusters, labels) == 1
    for k in range(3):
        np.testing.assert_allclose(centres[k], codes[clusters == k].mean(axis=0))


def test_kmeans_puts_every_sample_into_the_cluster_of_the_nearest_centre():
    codes = np.random.default_rng(0).random((500, 3))
    centres, clusters = kmeans(codes, 4)
    distances = np.linalg.norm(codes[:, None] - centres, axis=2)
    # The centres are those of the last iteration, moved once more after the assignment.
    assert np.mean(distances.argmin(axis=1) == clusters) > 0.97


def test_kmeans_with_as_many_clusters_as_samples_has_a_cluster_for_each():
    codes = np.arange(5.0)[:, None] ** 2
    centres, clusters = kmeans(codes, 5)
    assert sorted(clusters) == [0, 1, 2, 3, 4]
    np.testing.assert_array_equal(centres[clusters], codes)


@pytest.mark.parametrize("clusters", [0, 4, 2.0, True])
def test_kmeans_refuses_a_number_of_clusters_that_there_cannot_be(clusters):
    with pytest.raises(ValueError, match="kmeans: clusters: expected .*, got"):
        kmeans(np.zeros((3, 2)), clusters)


def test_scores_of_six_samples_by_hand():
    """I = 2 (1/3 log 2) and entropies log 2, log 3; a class is split over two clusters."""
    clusters, labels = [0, 0, 0, 1, 1, 1], [0, 0, 1, 1, 2, 2]
    scores = clustering_scores(clusters, labels)
    assert scores.accuracy == scores.purity == pytest.approx(4 / 6)
    assert scores.nmi == pytest.approx(4 / 3 * np.log(2) / np.log(6), rel=1e-15)


def test_a_cluster_for_each_sample_is_pure_and_not_accurate():
    labels = np.arange(20) % 2
    scores = clustering_scores(np.arange(20), labels)
    assert scores.purity == 1 and scores.accuracy == 0.1
    assert scores.nmi == pytest.approx(2 * np.log(2) / (np.log(2) + np.log(20)))


def test_a_single_cluster_knows_nothing_of_two_classes_and_all_of_one():
    assert normalized_mutual_information(np.zeros(8), np.arange(8) % 2) == 0
    assert normalized_mutual_information(np.zeros(8), np.ones(8)) == 1


@pytest.mark.parametrize("score", [*SCORES, clustering_scores])
def test_labels_that_are_missing_or_of_another_length_are_refused(score):
    with pytest.raises(ValueError, match=f"{score.__name__}: labels: expected one .*, got None"):
        score([0, 1], None)
    with pytest.raises(ValueError, match=r"labels: expected shape \(2,\), got \(3,\)"):
        score([0, 1], [0, 1, 1])
    with pytest.raises(ValueError, match=r"clusters: expected shape \(n,\), n > 0, got \(0,\)"):
        score([], [])


@given(pairs, st.permutations(range(4)), st.permutations(["a", "b", "c", "d"]))
def test_the_names_of_clusters_and_classes_change_no_score(pair, clusters, labels):
    renamed = [clusters[k] for k in pair[0]], [labels[c] for c in pair[1]]
    assert clustering_scores(*renamed) == pytest.approx(clustering_scores(*pair), abs=1e-12)


@given(pairs, st.randoms())
def test_the_order_of_the_samples_changes_no_score(pair, rng):
    shuffled = list(zip(*pair, strict=True))
    rng.shuffle(shuffled)
    expected = clustering_scores(*pair)
    assert clustering_scores(*zip(*shuffled, strict=True)) == pytest.approx(expected, abs=1e-12)


@given(sizes.flatmap(names))
def test_every_score_of_equal_clusters_and_classes_is_1(labels):
    assert clustering_scores(labels, labels) == pytest.approx((1, 1, 1), abs=1e-12)


@given(pairs)
def test_accuracy_is_the_best_of_all_matchings(pair):
    """Brute force over the 24 permutations of four names."""
    clusters, labels = map(np.array, pair)
    best = max(np.mean(np.array(names)[clusters] == labels) for names in permutations(range(4)))
    assert clustering_accuracy(clusters, labels) == pytest.approx(best)


@given(pairs)
def test_a_matching_of_its_own_for_each_cluster_can_only_be_better(pair):
    """accuracy ≤ purity, and both are at least the share of the largest class or of one match."""
    scores = clustering_scores(*pair)
    largest = np.bincount(pair[1]).max() / len(pair[1])
    assert 1 / len(pair[0]) <= scores.accuracy <= scores.purity <= 1
    assert scores.purity >= largest - 1e-12


@given(pairs)
def test_mutual_information_is_symmetric_and_in_0_to_1(pair):
    nmi = normalized_mutual_information(*pair)
    assert 0 <= nmi <= 1
    assert normalized_mutual_information(*pair[::-1]) == pytest.approx(nmi, abs=1e-12)


@given(pairs)
def test_accuracy_is_symmetric_too(pair):
    assert clustering_accuracy(*pair) == clustering_accuracy(*pair[::-1])


@given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 3))
def test_independent_clusters_have_no_mutual_information(clusters, classes, times):
    """Every class is spread over all clusters in the same proportion."""
    grid = np.indices((clusters, classes, times)).reshape(3, -1)
    if clusters * classes > 1:
        assert normalized_mutual_information(grid[0], grid[1]) == pytest.approx(0, abs=1e-12)


@given(pairs)
def test_mutual_information_equals_that_of_scikit_learn(pair):
    metrics = pytest.importorskip("sklearn.metrics")
    expected = metrics.normalized_mutual_info_score(*pair[::-1])
    assert normalized_mutual_information(*pair) == pytest.approx(expected, abs=1e-12)
