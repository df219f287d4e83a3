"""Whether the codes of one class lie close together, and clusters without labels find the classes.

A clustering is scored against labels by counts n_kc, the samples of class c in cluster k; n is
their sum. The names of clusters mean nothing, so no score depends on them:

    accuracy = max over one-to-one matchings m of clusters to classes of Σ_k n_k,m(k) / n
    purity   = Σ_k max_c n_kc / n
    NMI      = I(K; C) / ((H(K) + H(C)) / 2),
               I = Σ_kc n_kc/n log(n n_kc / (n_k n_c)),   H(K) = -Σ_k n_k/n log(n_k/n)

Purity lets several clusters take the same class, so it is never below the accuracy, and it is 1 if
every sample is a cluster of its own. The mutual information is divided by the arithmetic mean of
the two entropies, as in scikit-learn's `normalized_mutual_info_score` by default; other
normalisations are in use, and are not comparable with this one.
"""

import warnings
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from numpy_nets.autodiff.tensor import Array
from numpy_nets.checks import positive_int


class KMeans(NamedTuple):
    """What `kmeans` returns: centres (clusters, d), and labels (n,), the cluster of each sample."""

    centres: Array
    labels: Array


class ClusteringScores(NamedTuple):
    """How well clusters agree with classes; each is 1 if they agree completely."""

    accuracy: float
    nmi: float
    purity: float


def kmeans(codes: ArrayLike, clusters: int, *, seed: int = 0) -> KMeans:
    """The best of ten starts of k-means, each of ten iterations.

    A start draws its centres by k-means++ (Arthur & Vassilvitskii 2007); the best one has the least
    squared distance within its clusters. A cluster may be left without a sample.

    Args:
        codes: (n, d).
        clusters: the number of centres.
        seed: seeds the starts.

    Raises:
        ValueError: there are more clusters than samples, or none.

    >>> centres, labels = kmeans([[0.0], [0.5], [9.0], [9.5]], 2)
    >>> sorted(centres.ravel().tolist()), bool(labels[0] == labels[1] != labels[2] == labels[3])
    ([0.25, 9.25], True)
    """
    from scipy.cluster.vq import ClusterError, kmeans2

    codes = np.asarray(codes, np.float64)
    clusters = positive_int("kmeans: clusters", clusters)
    if clusters > len(codes):
        raise ValueError(f"kmeans: clusters: expected 1 to {len(codes)}, got {clusters}")
    rng = np.random.default_rng(seed)
    least = np.inf
    best = KMeans(np.repeat(codes.mean(axis=0)[None], clusters, axis=0), np.zeros(len(codes), int))
    for _ in range(10):
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")  # about empty clusters, which add nothing below
            try:
                centres, assigned = kmeans2(codes, clusters, minit="++", seed=rng)
            except ClusterError:
                continue
        within = float(np.sum((codes - centres[assigned]) ** 2))
        if within < least:
            least, best = within, KMeans(centres, assigned)
    return best


def nearest_centres(codes: ArrayLike, centres: ArrayLike) -> Array:
    """The nearest of the centres (clusters, d) to each code (n, d), as its row: (n,).

    >>> nearest_centres([[0.0], [8.0]], [[9.0], [1.0]]).tolist()
    [1, 0]
    """
    from scipy.cluster.vq import vq

    rows: Array
    rows, _ = vq(np.asarray(codes, np.float64), np.asarray(centres, np.float64))
    return rows


def clustering_scores(clusters: ArrayLike, labels: ArrayLike | None) -> ClusteringScores:
    """Accuracy, normalised mutual information and purity of one clustering.

    Args:
        clusters, labels: (n,), the cluster and the class of each sample, by names of any kind.

    Raises:
        ValueError: there are no labels or no samples, or the two lengths differ.

    >>> scores = clustering_scores([7, 7, 3, 3], ["a", "a", "b", "a"])
    >>> scores.accuracy, scores.purity
    (0.75, 0.75)
    """
    counts = _counts("clustering_scores", clusters, labels)
    return ClusteringScores(_accuracy(counts), _nmi(counts), _purity(counts))


def clustering_accuracy(clusters: ArrayLike, labels: ArrayLike | None) -> float:
    """The share of samples whose cluster is matched with their class, by the best matching.

    Each cluster gets one class at most, and each class one cluster; those left over are wrong. The
    matching is found as a linear assignment problem (Kuhn 1955).  Raises as `clustering_scores`.

    >>> clustering_accuracy([0, 0, 1, 2], ["b", "b", "a", "a"])  # cluster 1 or 2 is "a", not both
    0.75
    """
    return _accuracy(_counts("clustering_accuracy", clusters, labels))


def normalized_mutual_information(clusters: ArrayLike, labels: ArrayLike | None) -> float:
    """I(K; C) divided by the mean of the two entropies: 0 if independent, 1 if equal but for names.

    With a single cluster and a single class it is 1.  Raises as `clustering_scores`.

    >>> normalized_mutual_information([0, 0, 1, 1], ["a", "b", "a", "b"])
    0.0
    """
    return _nmi(_counts("normalized_mutual_information", clusters, labels))


def purity(clusters: ArrayLike, labels: ArrayLike | None) -> float:
    """The share of samples that belong to the majority class of their cluster.

    (Manning et al., Introduction to Information Retrieval, section 16.3.)  Raises as
    `clustering_scores`.

    >>> purity([0, 0, 1, 2], ["b", "b", "a", "a"])
    1.0
    """
    return _purity(_counts("purity", clusters, labels))


def kmeans_purity(
    codes: ArrayLike, labels: ArrayLike, *, clusters: int | None = None, seed: int = 0
) -> float:
    """The share of samples that belong to the majority class of their k-means cluster.

    About 1/classes means that the clusters are unrelated to the classes, 1 that each cluster holds
    a single class.

    Args:
        codes: (n, d).
        labels: (n,), of any kind; used only to count.
        clusters: the number of clusters, by default the number of classes.
        seed: seeds the starts.

    Raises:
        ValueError: the lengths differ, or there are more clusters than samples.

    >>> codes = [[0.0], [0.1], [9.0], [9.1]]
    >>> kmeans_purity(codes, ["a", "a", "b", "b"]), kmeans_purity(codes, ["a", "b", "a", "b"])
    (1.0, 0.5)
    """
    codes, labels = np.asarray(codes, np.float64), np.asarray(labels)
    if len(codes) != len(labels):
        raise ValueError(f"kmeans_purity: labels: expected {len(codes)}, got {len(labels)}")
    clusters = len(np.unique(labels)) if clusters is None else clusters
    return purity(kmeans(codes, clusters, seed=seed).labels, labels)


def _counts(owner: str, clusters: ArrayLike, labels: ArrayLike | None) -> Array:
    """n_kc (clusters, classes)."""
    if labels is None:
        raise ValueError(f"{owner}: labels: expected one for each sample, got None")
    clusters, labels = np.asarray(clusters), np.asarray(labels)
    if clusters.ndim != 1 or len(clusters) == 0:
        raise ValueError(f"{owner}: clusters: expected shape (n,), n > 0, got {clusters.shape}")
    if labels.shape != clusters.shape:
        raise ValueError(f"{owner}: labels: expected shape {clusters.shape}, got {labels.shape}")
    (names, rows), (classes, columns) = (
        np.unique(x, return_inverse=True) for x in (clusters, labels)
    )
    counts = np.zeros((len(names), len(classes)))
    np.add.at(counts, (rows, columns), 1)
    return counts


def _accuracy(counts: Array) -> float:
    from scipy.optimize import linear_sum_assignment

    return float(counts[linear_sum_assignment(counts, maximize=True)].sum() / counts.sum())


def _purity(counts: Array) -> float:
    return float(counts.max(axis=1).sum() / counts.sum())


def _nmi(counts: Array) -> float:
    p = counts / counts.sum()
    p_k, p_c = p.sum(axis=1), p.sum(axis=0)
    entropies = [-float(np.sum(q * np.log(q))) for q in (p_k, p_c)]
    if entropies == [0, 0]:
        return 1.0
    some = p > 0
    information = float(np.sum(p[some] * np.log(p[some] / np.outer(p_k, p_c)[some])))
    # Rounding can leave a little less than 0 of independent ones, or more than 1 of equal ones.
    return min(1.0, max(0.0, 2 * information / sum(entropies)))
