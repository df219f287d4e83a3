"""Rules and the simple methods, against their definitions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numpy_nets.datasets.baskets import RULES, load_data, true_confidence
from numpy_nets.evaluation.association import (
    best_rule,
    item_cosine,
    popularity,
    principal_components,
    rules_from,
)

METHODS = [popularity, best_rule, item_cosine, lambda x: principal_components(x, 2)]

tables = st.integers(0, 2**32).map(
    lambda seed: (np.random.default_rng(seed).random((12, 5)) < 0.4).astype(np.uint8)
)


@given(tables, st.sets(st.integers(0, 4), min_size=1, max_size=3))
def test_a_rule_counts_what_its_definition_says(x, antecedent) -> None:
    rules = rules_from(x, [*antecedent])
    has_all = [row for row in x.tolist() if all(row[i] for i in antecedent)]
    bought = {j for row in has_all for j in range(5) if row[j]} - antecedent
    assert {rule.consequent for rule in rules} == bought
    for rule in rules:
        both = sum(row[rule.consequent] for row in has_all)
        share = sum(row[rule.consequent] for row in x.tolist()) / 12
        assert rule.antecedent == tuple(sorted(antecedent))
        assert rule.support == pytest.approx(both / 12)
        assert rule.confidence == pytest.approx(both / len(has_all))
        assert rule.lift == pytest.approx(rule.confidence / share)


@given(tables)
def test_lift_is_symmetric_and_rules_come_surest_first(x) -> None:
    """lift(i → j) = P(i, j) / P(i) P(j)."""
    lifts = {}
    for i in range(5):
        rules = rules_from(x, [i])
        lifts |= {(i, rule.consequent): rule.lift for rule in rules}
        assert [r.confidence for r in rules] == sorted((r.confidence for r in rules), reverse=True)
    for (i, j), lift in lifts.items():
        assert lifts[j, i] == pytest.approx(lift)


@given(tables, st.lists(st.booleans(), min_size=5, max_size=5))
def test_the_best_rule_is_the_surest_of_those_from_the_given_items(x, basket) -> None:
    (scores,) = best_rule(x)(np.array([basket], np.uint8))
    rules = [rule for i in range(5) if basket[i] for rule in rules_from(x, [i])]
    for j in range(5):
        sure = [rule.confidence for rule in rules if rule.consequent == j]
        if not basket[j]:
            assert scores[j] == pytest.approx(max(sure, default=0))


@given(tables)
def test_the_cosine_of_two_items_is_that_of_their_columns(x) -> None:
    scores = item_cosine(x)(np.eye(5))
    for i in range(5):
        for j in range(5):
            norms = np.linalg.norm(x[:, i]) * np.linalg.norm(x[:, j])
            expected = x[:, i].astype(int) @ x[:, j] / norms if norms else 0
            assert scores[i, j] == pytest.approx(expected)


@pytest.mark.parametrize("fit", METHODS)
def test_a_method_scores_each_basket_by_itself(fit):
    x = (np.random.default_rng(0).random((40, 6)) < 0.4).astype(np.uint8)
    score = fit(x)
    scores = score(x[:7])
    assert scores.shape == (7, 6) and np.isfinite(scores).all()
    for row, expected in zip(x[:7], scores, strict=True):
        np.testing.assert_allclose(score(row[None])[0], expected)
    assert np.isfinite(score(np.zeros((1, 6), np.uint8))).all(), "an empty basket"


@pytest.mark.parametrize("fit", METHODS)
def test_an_item_that_nobody_bought_has_a_finite_score(fit):
    x = np.array([[1, 1, 0], [1, 0, 0], [0, 1, 0]])
    assert np.isfinite(fit(x)(np.eye(3))).all()


@pytest.mark.parametrize("fit", METHODS)
@pytest.mark.parametrize("x", [[[2, 0]], [[np.nan, 1]], [1, 0], np.empty((0, 3))])
def test_what_is_no_table_of_zeros_and_ones_is_refused(fit, x):
    with pytest.raises(ValueError, match="x: expected zeros and ones"):
        fit(x)


def test_an_antecedent_is_of_columns():
    for antecedent in ([], [5], [-1]):
        with pytest.raises(ValueError, match="antecedent: expected columns, 0 to 4, got "):
            rules_from(np.ones((2, 5)), antecedent)
    assert rules_from(np.eye(2), [0, 1]) == []


def test_the_planted_rules_are_the_surest_from_their_antecedents():
    x, items, _ = load_data()
    for rule in RULES:
        antecedent = [items.index(item) for item in rule.antecedent]
        first = rules_from(x, antecedent)[0]
        assert items[first.consequent] == rule.consequent
        count = x[:, antecedent].all(axis=1).sum()
        error = np.sqrt(0.25 / count)
        assert abs(first.confidence - true_confidence(rule)) < 5 * error
        assert first.lift > 2
