"""Recall@k: its protocol, known answers, and its laws."""

import itertools

import numpy as np
import pytest
from hypothesis import given as draw
from hypothesis import strategies as st

from numpy_nets.evaluation.recall import hold_out, recall, recall_at, split_baskets


def baskets(n, items=30, seed=0, chance=0.3):
    return (np.random.default_rng(seed).random((n, items)) < chance).astype(np.uint8)


def brute_force(scores, given, held_out, k):
    """The mean over all orders of the items in which a higher score comes first."""
    values = []
    for order in itertools.permutations(np.flatnonzero(given == 0)):
        if all(scores[a] >= scores[b] for a, b in itertools.pairwise(order)):
            values.append(held_out[list(order[:k])].sum() / min(k, held_out.sum()))
    return np.mean(values)


@st.composite
def trials(draw):
    """scores with ties, given, held_out of one basket, and k."""
    items = draw(st.integers(2, 6))
    scores = draw(st.lists(st.sampled_from([-1.0, 0.0, 0.5, 2.0]), min_size=items, max_size=items))
    roles = draw(
        st.lists(st.sampled_from("ghn"), min_size=items, max_size=items).filter(lambda r: "h" in r)
    )
    given, held_out = ([float(role == kind) for role in roles] for kind in "gh")
    return np.array(scores), np.array(given), np.array(held_out), draw(st.integers(1, 8))


def value(scores, given, held_out, k) -> float:
    (result,) = recall_at([scores], [given], [held_out], k)
    return float(result)


@draw(trials())
def test_it_is_the_mean_over_all_orders_of_equal_scores(trial) -> None:
    assert value(*trial) == pytest.approx(brute_force(*trial))


@draw(trials(), st.randoms())
def test_it_does_not_depend_on_the_order_of_the_columns(trial, random) -> None:
    *rows, k = trial
    order = list(range(len(rows[0])))
    random.shuffle(order)
    assert value(*(row[order] for row in rows), k) == pytest.approx(value(*trial))


@draw(trials())
def test_only_the_order_of_the_scores_counts_and_those_of_given_items_do_not(trial) -> None:
    scores, given, held_out, k = trial
    assert value(np.exp(3 * scores) - 7, given, held_out, k) == value(*trial)
    assert value(scores + 1e6 * given, given, held_out, k) == value(*trial)


@draw(trials())
def test_it_is_a_share_and_one_for_who_knows_and_for_who_may_name_all(trial) -> None:
    scores, given, held_out, k = trial
    assert 0 <= value(*trial) <= 1
    assert value(held_out, given, held_out, k) == 1
    assert value(scores, given, held_out, len(scores)) == 1


@draw(trials())
def test_it_does_not_fall_when_a_held_out_item_rises(trial) -> None:
    scores, given, held_out, k = trial
    raised = scores + 10 * held_out * (np.arange(len(scores)) == held_out.argmax())
    assert value(raised, given, held_out, k) >= value(*trial) - 1e-12


def test_a_known_answer_the_denominator_is_at_most_k():
    """Five held out, two places: two hits are all that there can be."""
    scores, held_out = np.arange(8.0)[::-1], np.array([1, 1, 1, 1, 1, 0, 0, 0])
    assert value(scores, 0 * held_out, held_out, 2) == 1
    assert value(-scores, 0 * held_out, held_out, 4) == 1 / 4


def test_equal_scores_find_k_of_the_candidates_in_expectation():
    x = baskets(400, 40)
    x = x[x.sum(axis=1) >= 5]
    given, held_out = hold_out(x, 0)
    values = recall_at(np.zeros(x.shape), given, held_out, 20)
    np.testing.assert_allclose(values, np.minimum(1, 20 / (40 - given.sum(axis=1))))


def test_the_standard_error_is_that_of_a_mean():
    x = baskets(500)
    given, held_out = hold_out(x[x.sum(axis=1) >= 5], 0)
    scores = np.random.default_rng(1).random(given.shape)
    values = recall_at(scores, given, held_out, 5)
    result = recall(scores, given, held_out, 5)
    assert result.mean == pytest.approx(values.mean())
    assert result.standard_error == pytest.approx(values.std(ddof=1) / np.sqrt(len(values)))
    assert str(result) == f"{result.mean:.3f} ± {result.standard_error:.3f}"
    with pytest.raises(ValueError, match="recall: expected 2 baskets or more, got 1"):
        recall(scores[:1], given[:1], held_out[:1])


@draw(st.integers(5, 30), st.integers(0, 99))
def test_a_fifth_of_each_basket_is_held_out(size, seed) -> None:
    x = np.zeros((3, 40), np.uint8)
    x[:, :size] = 1
    given, held_out = hold_out(x, seed)
    assert (held_out.sum(axis=1) == size // 5).all() and (given + held_out == x).all()
    assert given.dtype == held_out.dtype == np.uint8


def test_each_item_is_held_out_as_often_and_the_seed_decides():
    x = np.ones((5000, 10))
    _, held_out = hold_out(x, 0)
    assert np.abs(held_out.mean(axis=0) - 0.2).max() < 5 * np.sqrt(0.16 / 5000)
    assert (hold_out(x, 0)[1] == held_out).all() and (hold_out(x, 1)[1] != held_out).any()


def test_a_split_has_every_basket_once_and_tests_on_large_ones():
    x = np.unique(baskets(2000, seed=3, chance=0.2), axis=0)  # so that rows tell baskets apart
    split = split_baskets(x, 0)
    assert len(np.unique(np.concatenate(split), axis=0)) == len(x) == sum(map(len, split))
    large = (x.sum(axis=1) >= 5).sum()
    assert len(split.test) == len(split.valid) == large // 5
    assert min(split.test.sum(axis=1).min(), split.valid.sum(axis=1).min()) >= 5
    assert split.train.sum(axis=1).min() < 5
    assert len(split_baskets(x, 0, most=7).test) == 7
    assert (split_baskets(x, 0).test == split.test).all()
    assert (split_baskets(x, 1).test != split.test).any()


def test_what_cannot_be_counted_is_refused():
    one = np.eye(3)[:1]
    with pytest.raises(ValueError, match="split_baskets: x: expected 10 baskets of 5 items"):
        split_baskets(np.ones((9, 5)), 0)
    with pytest.raises(ValueError, match="hold_out: x: expected baskets of 5 items or more, got "):
        hold_out(np.array([[1, 1, 1, 1, 0]]), 0)
    with pytest.raises(ValueError, match="hold_out: x: expected zeros and ones"):
        hold_out(np.full((1, 9), 2), 0)
    for arguments, said in (
        ((np.zeros((1, 4)), one, one), r"one shape \(n, items\), got \(1, 4\), \(1, 3\)"),
        ((np.full((1, 3), np.nan), 0 * one, one), "scores: expected numbers, got NaN"),
        ((0 * one, one, one), "none of the items that were given"),
        ((0 * one, one, 0 * one), "expected an item in each basket"),
        ((0 * one, 0 * one, one, 0), "k: expected a positive integer, got 0"),
    ):
        with pytest.raises(ValueError, match=said):
            recall_at(*arguments)
