"""Whether the codes of one class lie close together."""

import warnings

import numpy as np
from numpy.typing import ArrayLike


def kmeans_purity(
    codes: ArrayLike, labels: ArrayLike, *, clusters: int | None = None, seed: int = 0
) -> float:
    """The share of samples that belong to the majority class of their k-means cluster.

    About 1/classes means that the clusters are unrelated to the classes, 1 that each cluster holds
    a single class (Manning et al., Introduction to Information Retrieval, section 16.3). Of ten
    starts (k-means++, Arthur & Vassilvitskii 2007) the one with the least squared distance within
    clusters is taken.

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
    from scipy.cluster.vq import ClusterError, kmeans2

    codes, labels = np.asarray(codes, np.float64), np.asarray(labels)
    if len(codes) != len(labels):
        raise ValueError(f"kmeans_purity: labels: expected {len(codes)}, got {len(labels)}")
    classes, labels = np.unique(labels, return_inverse=True)
    clusters = len(classes) if clusters is None else clusters
    if not 1 <= clusters <= len(codes):
        raise ValueError(f"kmeans_purity: clusters: expected 1 to {len(codes)}, got {clusters}")
    rng = np.random.default_rng(seed)
    least, best = np.inf, np.zeros(len(codes), int)  # the clusters (n,) of the best start
    for _ in range(10):
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")  # about empty clusters, which add nothing below
            try:
                centres, assigned = kmeans2(codes, clusters, minit="++", seed=rng)
            except ClusterError:
                continue
        within = float(np.sum((codes - centres[assigned]) ** 2))
        if within < least:
            least, best = within, assigned
    counts = np.zeros((clusters, len(classes)))
    np.add.at(counts, (best, labels), 1)
    return float(counts.max(axis=1).sum() / len(labels))
