"""Does a method know what else is in a basket? Items are hidden, and it ranks all that are not.

The protocol is that of Liang et al. 2018 (arXiv 1802.05814, section 4.2), with a basket in place of
a user's history: of each test basket of five items or more a fifth is held out, the method is given
the rest, and Recall@k counts how much of what was held out is among its first k items.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from numpy_nets.autodiff.tensor import Array
from numpy_nets.checks import positive_int

FIFTH = 5  # the least number of items in a basket of which a fifth can be held out
MOST = 1500  # baskets in the test


class Split(NamedTuple):
    """Baskets (n, items) for training, and baskets of five items or more for choices and test."""

    train: Array
    valid: Array
    test: Array


def split_baskets(x: Array, seed: int, most: int = MOST) -> Split:
    """Draw test and validation baskets among those of five items or more; the rest is for training.

    Each gets a fifth of those that there are, and at most `most`.

    Args:
        x: (n, items) of zeros and ones.
        seed: the same one gives the same split.

    Raises:
        ValueError: fewer than ten baskets have five items.
    """
    rng = np.random.default_rng(seed)
    large = rng.permutation(np.flatnonzero(x.sum(axis=1) >= FIFTH))
    if len(large) < 2 * FIFTH:
        raise ValueError(
            f"split_baskets: x: expected {2 * FIFTH} baskets of {FIFTH} items or more, got "
            f"{len(large)} among {len(x)}"
        )
    count = min(most, len(large) // 5)
    test, valid = large[:count], large[count : 2 * count]
    train = np.setdiff1d(np.arange(len(x)), large[: 2 * count])
    return Split(x[train], x[valid], x[test])


def hold_out(x: Array, seed: int) -> tuple[Array, Array]:
    """Divide each basket in two: (given, held_out), both (n, items), which add up to x.

    A fifth of a basket is held out, rounded down. Which items those are is drawn from the seed.

    Raises:
        ValueError: a basket has fewer than five items, or x is not of zeros and ones.

    >>> given, held_out = hold_out(np.array([[1, 1, 1, 1, 1, 0, 0]]), seed=0)
    >>> int(given.sum()), int(held_out.sum()), (given + held_out).tolist()
    (4, 1, [[1, 1, 1, 1, 1, 0, 0]])
    """
    if not np.all((x == 0) | (x == 1)):
        raise ValueError("hold_out: x: expected zeros and ones")
    sizes = x.sum(axis=1).astype(int)
    if len(x) and sizes.min() < FIFTH:
        raise ValueError(
            f"hold_out: x: expected baskets of {FIFTH} items or more, got one of {sizes.min()}"
        )
    keys = np.where(x == 1, np.random.default_rng(seed).random(x.shape), np.inf)
    places = keys.argsort(axis=1).argsort(axis=1)  # of the items of a basket: 0, 1, … at random
    held_out = (places < sizes[:, None] // 5).astype(x.dtype)
    return x - held_out, held_out


class Recall(NamedTuple):
    """The mean of Recall@k over baskets, and its standard error."""

    mean: float
    standard_error: float

    def __str__(self) -> str:
        return f"{self.mean:.3f} ± {self.standard_error:.3f}"


def recall(scores: ArrayLike, given: ArrayLike, held_out: ArrayLike, k: int = 20) -> Recall:
    """`recall_at` over baskets; raises as that, or if there are fewer than two.

    >>> given, held_out = np.array([[1, 0, 0], [1, 0, 0]]), np.array([[0, 1, 0], [0, 0, 1]])
    >>> recall([[9, 2, 1], [9, 2, 1]], given, held_out, k=1)  # one of two: ½ ± ½
    Recall(mean=0.5, standard_error=0.5)
    """
    values = recall_at(scores, given, held_out, k)
    if len(values) < 2:
        raise ValueError(f"recall: expected 2 baskets or more, got {len(values)}")
    return Recall(float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values))))


def recall_at(scores: ArrayLike, given: ArrayLike, held_out: ArrayLike, k: int = 20) -> Array:
    """Recall@k = hits / min(k, number held out) of each basket, in [0, 1] (the paper, section 4.2).

    Hits are the held-out items among the k items of the highest scores that were not given. Where
    items with the same score compete for the last places, each has the same chance of one, and the
    result is the expectation: it does not depend on the order of the columns.

    Args:
        scores: (n, items), higher for what is more likely to be in the basket.
        given: (n, items), 1 for what the method was told.
        held_out: (n, items), 1 for what it has to find, at least one item in each basket.

    Raises:
        ValueError: the shapes differ, a score is NaN, an item was both given and held out, a basket
            has nothing held out, or k is not a positive integer.

    >>> recall_at([[9, 4, 3, 3, 3]], [[1, 0, 0, 0, 0]], [[0, 1, 0, 0, 1]], k=2).tolist()
    [0.6666666666666666]

    The first place is a hit, and three items compete for the second: (1 + ⅓) / 2.
    """
    k = positive_int("recall_at: k", k)
    scores = np.array(scores, np.float64)
    known, hidden = np.asarray(given) == 1, np.asarray(held_out) == 1
    if scores.ndim != 2 or not scores.shape == known.shape == hidden.shape:
        raise ValueError(
            "recall_at: expected scores, given, held_out of one shape (n, items), got "
            f"{scores.shape}, {known.shape}, {hidden.shape}"
        )
    if np.isnan(scores).any():
        raise ValueError("recall_at: scores: expected numbers, got NaN")
    if (known & hidden).any():
        raise ValueError("recall_at: held_out: expected none of the items that were given")
    if not hidden.any(axis=1).all():
        raise ValueError("recall_at: held_out: expected an item in each basket")
    k = min(k, scores.shape[1])
    scores[known] = -np.inf
    last = -np.partition(-scores, k - 1, axis=1)[:, k - 1 : k]  # the score that gets the last place
    above, level = scores > last, (scores == last) & ~known
    places = k - above.sum(axis=1)  # for those that are level
    chance = np.minimum(1, places / np.maximum(1, level.sum(axis=1)))
    hits = (above & hidden).sum(axis=1) + chance * (level & hidden).sum(axis=1)
    result: Array = hits / np.minimum(k, hidden.sum(axis=1))
    return result
