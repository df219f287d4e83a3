"""Rules between products, and simple methods that say what goes with a basket.

Each method is fitted to baskets x (n, items) of zeros and ones, and returns a function that scores
all items, given baskets: (m, items) -> (m, items), higher for what is likelier to belong there. The
first three can be checked by hand.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from numpy_nets.autodiff.tensor import Array
from numpy_nets.evaluation.pca import fit_pca
from numpy_nets.evaluation.recall import recall
from numpy_nets.theory.ease import fit_ease

Scorer: TypeAlias = Callable[[Array], Array]
PENALTIES = (1.0, 10.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0)


class Rule(NamedTuple):
    """"Who takes all of the antecedent takes the consequent, too" (Agrawal et al. 1993, SIGMOD).

    Attributes:
        antecedent, consequent: columns of x.
        support: the share of baskets that have all of these items.
        confidence: P(consequent | antecedent), the share of those that have the antecedent.
        lift: confidence / P(consequent): 1 if one says nothing of the other.
    """

    antecedent: tuple[int, ...]
    consequent: int
    support: float
    confidence: float
    lift: float


def rules_from(x: ArrayLike, antecedent: Sequence[int]) -> list[Rule]:
    """The rules from these items to every other item that was bought with them, surest first.

    Raises:
        ValueError: the antecedent is empty, or has what is no column of x (n, items).

    Of three baskets with item 0, two have item 1; of all four, three have item 1:

    >>> x = [[1, 1, 0], [1, 1, 0], [1, 0, 1], [0, 1, 0]]
    >>> for rule in rules_from(x, [0]):
    ...     print(rule.consequent, rule.support, round(rule.confidence, 3), round(rule.lift, 3))
    1 0.5 0.667 0.889
    2 0.25 0.333 1.333
    """
    x = _checked("rules_from", x)
    columns = sorted(set(antecedent))
    if not columns or not set(columns) <= set(range(x.shape[1])):
        raise ValueError(
            f"rules_from: antecedent: expected columns, 0 to {x.shape[1] - 1}, got {[*antecedent]}"
        )
    has_all = x[:, columns].all(axis=1)
    together, single = x[has_all].sum(axis=0), x.sum(axis=0)
    rules = [
        Rule(
            tuple(columns), int(item), float(together[item] / len(x)),
            float(together[item] / has_all.sum()),
            float(together[item] / has_all.sum() * len(x) / single[item]),
        )
        for item in np.flatnonzero(together) if item not in columns
    ]  # fmt: skip
    return sorted(rules, key=lambda rule: -rule.confidence)


def popularity(x: ArrayLike) -> Scorer:
    """The share of baskets that have the item, whatever is given.

    >>> popularity([[1, 1, 0, 0], [1, 0, 0, 0]])(np.array([[0, 0, 1, 0]])).tolist()
    [[1.0, 0.5, 0.0, 0.0]]
    """
    shares = _checked("popularity", x).mean(axis=0)
    return lambda given: np.tile(shares, (len(given), 1))


def best_rule(x: ArrayLike) -> Scorer:
    """The highest confidence of any rule from one of the given items to the item.

    >>> score = best_rule([[1, 1, 0], [1, 1, 0], [1, 0, 1], [0, 1, 0]])
    >>> score(np.array([[1, 0, 0], [1, 0, 1]])).round(3)[:, 1].tolist()  # from 0: ⅔; from 2: 0
    [0.667, 0.667]
    """
    x = _checked("best_rule", x)
    confidence = (x.T @ x) / np.maximum(x.sum(axis=0), 1)[:, None]  # [i, j]: P(j | i)

    def score(given: Array) -> Array:
        return np.stack([confidence[row == 1].max(axis=0, initial=0) for row in given])

    return score


def item_cosine(x: ArrayLike) -> Scorer:
    """The sum of the cosines between the item's column and those of the given items.

    >>> score = item_cosine([[1, 1, 0], [1, 0, 0]])
    >>> score(np.array([[1, 0, 0]])).round(4)[:, 1].tolist()  # 1 / (√2 · √1)
    [0.7071]
    """
    x = _checked("item_cosine", x)
    units = x / np.maximum(np.linalg.norm(x, axis=0), 1)
    cosines = units.T @ units
    return lambda given: given @ cosines


def principal_components(x: ArrayLike, components: int = 30) -> Scorer:
    """The basket as the first components reconstruct it; raises as `fit_pca`."""
    return fit_pca(_checked("principal_components", x), components).reconstruct


class Ease(NamedTuple):
    """EASE with the penalty that is best on validation baskets."""

    penalty: float
    score: Scorer


def choose_ease(x: ArrayLike, given: Array, held_out: Array, k: int = 20) -> Ease:
    """Fit EASE (theory/ease.py) to x with each of `PENALTIES`; take the best by Recall@k.

    Args:
        given, held_out: of validation baskets, which are neither in x nor in the test.
    """

    def scorer(penalty: float) -> Scorer:
        weights = fit_ease(x, penalty)
        return lambda given: given @ weights

    tried = [Ease(penalty, scorer(penalty)) for penalty in PENALTIES]
    return max(tried, key=lambda ease: recall(ease.score(given), given, held_out, k).mean)


def _checked(what: str, x: ArrayLike) -> Array:
    x = np.asarray(x, np.float64)
    if x.ndim != 2 or not x.size or not np.all((x == 0) | (x == 1)):
        raise ValueError(f"{what}: x: expected zeros and ones (n, items), got shape {x.shape}")
    return x
