import itertools
import struct
import zipfile

import numpy as np
import pytest

from numpy_nets.datasets import baskets
from numpy_nets.datasets.baskets import (
    ITEMS,
    OCCASIONS,
    RULES,
    item_probabilities,
    load_data,
    read_baskets,
    true_confidence,
)

NAMES = np.array([f"item {i}" for i in range(10)])
X = np.random.default_rng(0).integers(0, 2, (5, 10), dtype=np.uint8)


def save(path, **arrays):
    np.savez(path, **{"baskets": X, "items": NAMES, **arrays})
    return path


def test_baskets_are_zeros_and_ones_with_a_name_for_each_column():
    x, items, rules = load_data(500)
    assert x.shape == (500, 48) and x.dtype == np.uint8 and set(np.unique(x)) == {0, 1}
    assert items == ITEMS and rules == RULES and len(set(items)) == 48
    assert x.any(axis=1).all()


def test_the_seed_decides():
    assert (load_data(50, seed=1).x == load_data(50, seed=1).x).all()
    assert (load_data(50, seed=1).x != load_data(50, seed=2).x).any()
    with pytest.raises(ValueError, match="load_data: n: expected a positive integer, got 0"):
        load_data(0)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.consequent)
def test_a_planted_rule_holds_as_often_as_the_closed_form_says(rule):
    x, items, _ = load_data(40_000)
    has_all = x[:, [items.index(item) for item in rule.antecedent]].all(axis=1)
    share, truth = x[has_all, items.index(rule.consequent)].mean(), true_confidence(rule)
    assert abs(share - truth) < 5 * np.sqrt(truth * (1 - truth) / has_all.sum())


def test_without_rules_items_are_as_likely_as_their_occasions_say():
    x = load_data(40_000).x
    expected = item_probabilities().mean(axis=0)
    free = [i for i, item in enumerate(ITEMS) if item not in {r.consequent for r in RULES}]
    errors = np.sqrt(expected * (1 - expected) / len(x))
    empty = (1 - item_probabilities()).prod(axis=1).mean()  # such baskets are not there
    assert np.all(np.abs(x.mean(axis=0) * (1 - empty) - expected)[free] < 5 * errors[free])


def test_rules_cannot_act_on_each_other_and_no_occasion_explains_them():
    antecedents = {item for rule in RULES for item in rule.antecedent}
    consequents = [rule.consequent for rule in RULES]
    assert len(set(consequents)) == len(RULES) and not antecedents & set(consequents)
    occasion = {item: name for name, items in OCCASIONS.items() for item in items}
    for rule in RULES:
        assert all(occasion[item] != occasion[rule.consequent] for item in rule.antecedent)


def test_a_planted_rule_is_more_confident_than_what_its_antecedent_brings_otherwise():
    x, items, _ = load_data(40_000)
    for rule in RULES:
        columns = [items.index(item) for item in rule.antecedent]
        shares = x[x[:, columns].all(axis=1)].mean(axis=0)
        shares[columns] = 0
        assert items[shares.argmax()] == rule.consequent


# Files.


@pytest.mark.parametrize(
    ("packed", "with_shape", "dtype"),
    [*itertools.product([True], [True, False], ["u1"]),
     *itertools.product([False], [True, False], ["u1", "?", "i8", "f4"])],
)  # fmt: skip
def test_a_file_holds_bits_or_zeros_and_ones(tmp_path, packed, with_shape, dtype):
    rows = np.packbits(X, axis=1) if packed else X.astype(dtype)
    path = save(tmp_path / "b.npz", baskets=rows, **({"shape": [5, 10]} if with_shape else {}))
    x, items, rules = read_baskets(path)
    np.testing.assert_array_equal(x, X)
    assert x.dtype == np.uint8 and items == tuple(NAMES) and rules == ()


def test_names_that_occur_again_are_told_apart(tmp_path):
    names = ["mug", "Mug", "mug (2)", " jar  red ", "jar red", "mug", "a", "b", "c", "d"]
    path = save(tmp_path / "b.npz", items=np.array(names))
    assert read_baskets(path).items == (
        "mug", "Mug (2)", "mug (2) (2)", "jar red", "jar red (2)", "mug (3)", "a", "b", "c", "d"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"more": X}, "arrays ['baskets', 'items', 'more'], expected baskets, items (shape)"),
        ({"items": NAMES[:9]}, "baskets: expected (n, 9), or (n, 2) bytes"),
        ({"items": NAMES[None]}, "items: expected names, 2 to 5,000 of them"),
        ({"items": NAMES[:1]}, "items: expected names, 2 to 5,000 of them"),
        ({"items": np.arange(10)}, "items: expected names, 2 to 5,000 of them, got int64"),
        ({"items": np.array([*NAMES[:9], ""])}, "names that can be printed, got ''"),
        ({"items": np.array([*NAMES[:9], "\x1b[2J"])}, r"can be printed, got '\x1b[2J'"),
        ({"items": np.array([*NAMES[:9], "a" * 201])}, "names of at most 200 characters"),
        ({"items": np.frombuffer(b"\xff" * 40, "<U1")}, "characters, got the number 4,294,967,295"),
        ({"baskets": X[:0]}, "baskets: expected (n, 10)"),
        ({"baskets": X[0]}, "baskets: expected (n, 10)"),
        ({"baskets": 2 * X}, "baskets: expected zeros and ones"),
        ({"baskets": np.where(X, np.nan, 0)}, "baskets: expected zeros and ones"),
        ({"baskets": X.astype("U1")}, "baskets: expected zeros and ones"),
        ({"baskets": X[:, :2].astype(int)}, "baskets: expected bytes of eight items each"),
        ({"shape": np.array([5, 11])}, "shape: expected [5, 10]"),
        ({"shape": np.array([5.0, 10.0])}, "shape: expected [5, 10]"),
    ],
)
def test_a_file_of_something_else_is_refused(tmp_path, arrays, said):
    path = save(tmp_path / "b.npz", **arrays)
    with pytest.raises(ValueError) as error:
        read_baskets(path)
    assert str(error.value).startswith(f"{path}: ") and said in str(error.value)


def test_a_file_is_refused_before_it_is_expanded(tmp_path, monkeypatch):
    monkeypatch.setattr(baskets, "MOST_CELLS", 49)
    monkeypatch.setattr(np, "unpackbits", None)
    path = save(tmp_path / "b.npz", baskets=np.packbits(X, axis=1))
    with pytest.raises(ValueError, match="at most 49 zeros and ones, got 5 x 10"):
        read_baskets(path)


def test_texts_of_no_length_are_refused(tmp_path):
    """Any number of them fits into no bytes at all."""
    header = "{'descr': '<U0', 'fortran_order': False, 'shape': (1000000000,), }\n"
    start = b"\x93NUMPY\1\0" + struct.pack("<H", len(header))
    with zipfile.ZipFile(tmp_path / "b.npz", "w") as archive:
        archive.writestr("items.npy", start + header.encode())
    with pytest.raises(ValueError, match="member 'items.npy': dtype <U0"):
        read_baskets(tmp_path / "b.npz")


def test_pickles_are_not_opened(tmp_path):
    with pytest.raises(ValueError, match="dtype object"):
        read_baskets(save(tmp_path / "b.npz", items=NAMES.astype(object)))
