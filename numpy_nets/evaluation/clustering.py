"""Do codes of one class lie together?"""

import warnings
from typing import Any

import numpy as np


def kmeans_purity(codes: Any, labels: Any, *, clusters: int | None = None, seed: int = 0) -> float:
    """The part of samples that belong to the majority class of their k-means cluster.

    1/classes means that clusters know nothing of classes, 1 that each holds one class only
    (Manning et al., Introduction to Information Retrieval, section 16.3). The best of ten
    starts (k-means++, Arthur & Vassilvitskii 2007) by the squared distance within clusters.

    Args:
        codes: (n, d).
        labels: (n,), of any kind; used for counting only.
        clusters: by default as many as there are classes.
        seed: of the starts.

    Raises:
        ValueError: lengths differ, or more clusters than samples.
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
    best, assigned = np.inf, np.zeros(len(codes), int)
    for _ in range(10):
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")  # of empty clusters, which count nothing below
            try:
                centres, found = kmeans2(codes, clusters, minit="++", seed=rng)
            except ClusterError:
                continue
        within = float(np.sum((codes - centres[found]) ** 2))
        if within < best:
            best, assigned = within, found
    counts = np.zeros((clusters, len(classes)))
    np.add.at(counts, (assigned, labels), 1)
    return float(counts.max(axis=1).sum() / len(labels))
