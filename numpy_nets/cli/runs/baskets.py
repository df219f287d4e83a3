"""--data of baskets: those that are drawn with rules planted in them, or those in a file."""

import difflib
import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from numpy_nets.cli.runs.data import Images
from numpy_nets.datasets.baskets import Baskets, load_data, read_baskets
from numpy_nets.evaluation.recall import split_baskets

DRAWN = "baskets"


def load_baskets(name: str) -> Images:
    """Baskets as if they were images with a pixel for each item, split as `split_baskets` does.

    Raises:
        ValueError, OSError: if there is no such name or file, or the file is damaged or holds
            something else, or too few large baskets.
    """
    if name == DRAWN:
        baskets = load_data()
    elif Path(name).is_file():
        try:
            baskets = read_baskets(name)
        except ValueError as error:
            raise ValueError(f"--data {error}") from error
    else:
        raise ValueError(f"--data: no data set or file {name!r}; known: {DRAWN}, or a path")
    try:
        return divided(baskets, seed=0)  # --seed is that of the training
    except ValueError as error:
        raise ValueError(f"--data {name}: {error}") from error


def divided(baskets: Baskets, seed: int) -> Images:
    """The baskets, split by the seed; raises as `split_baskets`."""
    train, valid, test = (x.astype(np.float32) for x in split_baskets(baskets.x, seed))
    digest = hashlib.sha256(baskets.x.tobytes()).hexdigest()
    return Images(
        train, None, test, None, (len(baskets.items),), digest, valid, names=baskets.items
    )


def find_items(text: str, names: Sequence[str]) -> list[int]:
    """The columns of the items that a text lists, with commas between them, in any letter case.

    A name may have commas itself.

    Raises:
        ValueError: if the text lists nothing, or what is not among the names.

    >>> find_items("Tea, jam, red", ["jam, red", "tea"])
    [0, 1]
    """
    columns = {name.casefold(): i for i, name in enumerate(names)}
    parts = [" ".join(part.split()) for part in text.split(",") if part.strip()]
    if not parts:
        raise ValueError("--given: expected 'item, item', got an empty basket")
    items = set()
    while parts:
        starts = range(len(parts), 0, -1)
        length = next((n for n in starts if ", ".join(parts[:n]).casefold() in columns), None)
        if length is None:
            near = difflib.get_close_matches(parts[0].casefold(), columns, n=1, cutoff=0)
            nearest = names[columns[near[0]]]
            raise ValueError(f"--given: unknown item {parts[0][:40]!r}; did you mean {nearest!r}?")
        items.add(columns[", ".join(parts[:length]).casefold()])
        parts = parts[length:]
    return sorted(items)
