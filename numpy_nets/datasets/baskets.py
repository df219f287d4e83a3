"""Baskets of a shop: which products are bought together? Drawn with rules planted in them, or read.

A visit to the shop has an occasion, such as baking or a party. It decides how likely each product
is; given the occasion, products are independent. Then every planted rule has its chance: whoever
has all products of its antecedent takes its consequent, too, with the rule's probability. No
occasion explains a rule, as its two sides are from different ones. So the truth is known, and
whoever claims to have found a rule can be held to it.
"""

import math
import os
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from numpy_nets.datasets.npy import read_npz
from numpy_nets.datasets.raw import Array, faults_named

OCCASIONS: dict[str, tuple[str, ...]] = {
    "breakfast": ("coffee", "milk", "bread", "butter", "eggs", "strawberry jam"),
    "baking": ("sugar", "flour", "chocolate chips", "vanilla", "baking tin", "rolling pin"),
    "dinner": ("spaghetti", "tomato sauce", "red wine", "garlic", "olive oil", "parmesan"),
    "picnic": ("lemonade", "crisps", "grapes", "napkins", "paper plates", "picnic blanket"),
    "tea": ("black tea", "shortbread", "honey", "scones", "tea towel", "teapot"),
    "garden": (
        "potting soil", "seed packet", "flower pot", "garden gloves", "watering can", "plant labels"
    ),
    "gift": (
        "greeting card", "wrapping paper", "scented candle", "ribbon", "photo frame", "bath soap"
    ),
    "party": (
        "balloons", "party hats", "sparkling water", "birthday candles", "streamers", "paper crown"
    ),
}  # fmt: skip
ITEMS = tuple(item for items in OCCASIONS.values() for item in items)
POPULARITY = (1.4, 1.2, 1.0, 0.9, 0.8, 0.7)  # of the first to the last item of an occasion
INSIDE, OUTSIDE = 0.5, 0.05  # the probability of an item on its own occasion, and on any other

# An array of 0 and 1 is expanded to float32, and methods hold a few arrays (items, items).
MOST_ITEMS, MOST_CELLS = 5_000, 10**8
LONGEST_NAME = 200


class PlantedRule(NamedTuple):
    """With this probability, whoever has all of the antecedent takes the consequent, too."""

    antecedent: tuple[str, ...]
    consequent: str
    probability: float


# No item is a consequent twice, or on both sides, so rules do not act on each other.
RULES = (
    PlantedRule(("teapot",), "sugar", 0.7),
    PlantedRule(("picnic blanket",), "bread", 0.7),
    PlantedRule(("spaghetti",), "napkins", 0.6),
    PlantedRule(("red wine",), "scented candle", 0.6),
    PlantedRule(("balloons",), "wrapping paper", 0.6),
    PlantedRule(("rolling pin",), "tea towel", 0.7),
    PlantedRule(("eggs", "milk"), "flour", 0.8),
    PlantedRule(("garlic", "olive oil"), "sparkling water", 0.8),
    PlantedRule(("seed packet", "watering can"), "lemonade", 0.8),
)


class Baskets(NamedTuple):
    """Baskets and what is in them.

    Attributes:
        x: (n, items) uint8, 1 where the basket has the item.
        items: the name of each column; no two are the same.
        rules: those that were planted, where that is known.
    """

    x: NDArray[np.uint8]
    items: tuple[str, ...]
    rules: tuple[PlantedRule, ...] = ()


def load_data(n: int = 6000, seed: int = 0) -> Baskets:
    """n baskets of 48 items, none of them empty, with `RULES` planted in them.

    The same seed gives the same baskets.

    Raises:
        ValueError: n is not positive.

    >>> x, items, rules = load_data(4000)
    >>> x.shape, x.dtype
    ((4000, 48), dtype('uint8'))
    >>> rules[0]
    PlantedRule(antecedent=('teapot',), consequent='sugar', probability=0.7)
    >>> with_teapot = x[x[:, items.index("teapot")] == 1]
    >>> for taken in (x, with_teapot):
    ...     print(f"{taken[:, items.index('sugar')].mean():.2f}")
    0.19
    0.70
    """
    if n < 1:
        raise ValueError(f"load_data: n: expected a positive integer, got {n}")
    rng = np.random.default_rng(seed)
    x = np.empty((0, len(ITEMS)), np.uint8)
    while len(x) < n:
        drawn = _draw(n, rng)
        x = np.concatenate([x, drawn[drawn.any(axis=1)]])
    return Baskets(x[:n], ITEMS, RULES)


def item_probabilities() -> Array:
    """(occasions, items): how likely each item is on each occasion, before the rules.

    >>> breakfast = item_probabilities()[0]
    >>> breakfast[:6].round(2).tolist(), breakfast[6:8].round(2).tolist()
    ([0.7, 0.6, 0.5, 0.45, 0.4, 0.35], [0.07, 0.06])
    """
    own = np.kron(np.eye(len(OCCASIONS)), np.ones(len(POPULARITY)))
    return np.tile(POPULARITY, len(OCCASIONS)) * np.where(own, INSIDE, OUTSIDE)


def true_confidence(rule: PlantedRule) -> float:
    """P(consequent | antecedent), which is more than the rule's own probability p.

    Without the rule, the consequent c is in a basket that has the antecedent A with probability
    b = Σ_t P(t | A) P(c | t), where P(t | A) ∝ Π_{a ∈ A} P(a | t) over the occasions t, which are
    equally likely. With it, c is missing only if neither brings it: 1 - (1 - p)(1 - b).

    >>> round(true_confidence(RULES[0]), 4)
    0.7321
    """
    probabilities = item_probabilities()
    columns = [ITEMS.index(item) for item in rule.antecedent]
    occasion = probabilities[:, columns].prod(axis=1)
    base = occasion @ probabilities[:, ITEMS.index(rule.consequent)] / occasion.sum()
    return float(1 - (1 - rule.probability) * (1 - base))


def _draw(n: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    probabilities = item_probabilities()[rng.integers(len(OCCASIONS), size=n)]
    x = (rng.random(probabilities.shape) < probabilities).astype(np.uint8)
    for rule in RULES:
        has_all = x[:, [ITEMS.index(item) for item in rule.antecedent]].all(axis=1)
        x[has_all & (rng.random(n) < rule.probability), ITEMS.index(rule.consequent)] = 1
    return x


def read_baskets(path: str | os.PathLike[str]) -> Baskets:
    """Baskets from a .npz file with the arrays `baskets` and `items`, and perhaps `shape`.

    `items` are m names, of which those that occur again get a number: "mug", "mug (2)". `baskets`
    is (n, m) of zeros and ones, or has eight of these in each byte of a row, as `np.packbits(x,
    axis=1)` packs them. `shape` is (n, m).

    Raises:
        ValueError: the file is none of this, or too large: 5,000 items, 10⁸ zeros and ones.
        OSError: the file cannot be read. Both messages name the file.
    """
    path = Path(path)
    arrays = read_npz(path, texts=True)
    with faults_named(path):
        if not {"baskets", "items"} <= set(arrays) <= {"baskets", "items", "shape"}:
            raise ValueError(f"arrays {sorted(arrays)}, expected baskets, items (shape)")
        items = _names(arrays["items"])
        return Baskets(_expanded(arrays["baskets"], len(items), arrays.get("shape")), items)


def _expanded(baskets: Array, m: int, shape: Array | None) -> NDArray[np.uint8]:
    """(n, m) uint8 of zeros and ones."""
    width = math.ceil(m / 8)
    if baskets.ndim != 2 or not len(baskets) or baskets.shape[1] not in (m, width):
        raise ValueError(
            f"baskets: expected (n, {m}), or (n, {width}) bytes of eight items each, for {m} "
            f"items, got {baskets.shape}"
        )
    n = len(baskets)
    if shape is not None and (shape.dtype.kind not in "iu" or shape.tolist() != [n, m]):
        raise ValueError(f"shape: expected [{n}, {m}], as baskets and items have it")
    if n * m > MOST_CELLS:
        raise ValueError(f"baskets: expected at most {MOST_CELLS:,} zeros and ones, got {n} x {m}")
    if baskets.shape[1] == m:
        if baskets.dtype.kind == "U" or not np.all((baskets == 0) | (baskets == 1)):
            raise ValueError("baskets: expected zeros and ones")
        return np.asarray(baskets, np.uint8)
    if baskets.dtype != np.uint8:
        raise ValueError(f"baskets: expected bytes of eight items each, got {baskets.dtype}")
    return np.unpackbits(baskets, axis=1, count=m)


def _names(items: Array) -> tuple[str, ...]:
    """The names, with a number at those that others have before them, in any letter case."""
    if items.ndim != 1 or items.dtype.kind != "U" or not 2 <= len(items) <= MOST_ITEMS:
        raise ValueError(
            f"items: expected names, 2 to {MOST_ITEMS:,} of them, got {items.dtype} of shape "
            f"{items.shape}"
        )
    if items.dtype.itemsize > 4 * LONGEST_NAME:
        raise ValueError(f"items: expected names of at most {LONGEST_NAME} characters")
    # NumPy and Python trust that each number is a character's.
    numbers = np.ascontiguousarray(items).view(np.dtype("u4").newbyteorder(items.dtype.byteorder))
    if numbers.max() > sys.maxunicode:
        raise ValueError(f"items: expected characters, got the number {numbers.max():,}")
    names: dict[str, str] = {}
    for item in items.tolist():
        name = " ".join(item.split())
        if not name or not name.isprintable():  # a terminal obeys some characters
            raise ValueError(f"items: expected names that can be printed, got {item!r}")
        number, free = 1, name
        while free.casefold() in names:
            number += 1
            free = f"{name} ({number})"
        names[free.casefold()] = free
    return tuple(names.values())
