"""The log-likelihood of a basket under a softmax, specified.

    ℓ(x, z) = Σᵢ xᵢ log softmax(z)ᵢ = log p(x; n, softmax(z)) - log(n! / Π xᵢ!),    n = Σᵢ xᵢ

with p the probability function of the multinomial distribution. Each test is one law of ℓ.
"""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.special import gammaln, log_softmax
from scipy.stats import multinomial
from strategies import dtypes, logits, number, rounding

from numpy_nets import GradientTape
from numpy_nets.autodiff.tensor import Tensor
from numpy_nets.models.baskets import multinomial_log_likelihood

counts = st.integers(0, 5).map(float)
samples = st.lists(st.tuples(counts, logits), min_size=1, max_size=6).map(np.transpose)
mild = st.lists(st.tuples(counts, number(-20, 20, 0.0)), min_size=2, max_size=6).map(np.transpose)


def value(x, z, dtype=np.float64) -> float:
    """ℓ of one basket."""
    (result,) = multinomial_log_likelihood(*tensors(x, z, dtype)).array
    assert result.dtype == dtype
    return float(result)


def gradient(x, z, dtype=np.float64) -> np.ndarray:
    """∂ℓ/∂z."""
    basket, scores = tensors(x, z, dtype)
    with GradientTape() as tape:
        tape.watch(scores)
        likelihood = multinomial_log_likelihood(basket, scores)
    return tape.gradient(likelihood, scores).array[0]


def tensors(x, z, dtype) -> list[Tensor]:
    return [Tensor(np.atleast_2d(a).astype(dtype)) for a in (x, z)]


@given(samples, dtypes)
def test_it_is_finite_and_so_is_its_gradient(sample, dtype) -> None:
    """|ℓ| < ∞ and |∇ℓ| < ∞, also where a bought item has the probability e^-20000."""
    assert np.isfinite(value(*sample, dtype)) and np.isfinite(gradient(*sample, dtype)).all()


@given(samples, dtypes)
def test_it_is_never_positive(sample, dtype) -> None:
    """ℓ ≤ 0: no probability is above 1."""
    assert value(*sample, dtype) <= 0


@given(samples)
def test_an_empty_basket_costs_nothing(sample) -> None:
    """ℓ(0, z) = 0 and ∇ℓ(0, z) = 0."""
    _, z = sample
    assert value(0 * z, z) == 0 and not gradient(0 * z, z).any()


@given(mild, number(-20, 20, 0.0))
def test_a_shift_of_all_logits_changes_nothing(sample, shift) -> None:
    """ℓ(x, z + c) = ℓ(x, z)."""
    x, z = sample
    assert value(x, z + shift) == pytest.approx(value(x, z), rel=1e-12, abs=1e-12)


@given(mild)
def test_it_is_scipys_multinomial_but_for_the_coefficient(sample) -> None:
    """ℓ = log p(x; n, softmax(z)) - log(n! / Π xᵢ!)."""
    x, z = sample
    coefficient = gammaln(x.sum() + 1) - gammaln(x + 1).sum()
    p = np.exp(log_softmax(z))
    expected = multinomial.logpmf(x, int(x.sum()), p / p.sum()) - coefficient
    assert value(x, z) == pytest.approx(expected, rel=1e-6, abs=1e-6)


@given(mild)
def test_baskets_add_up(sample) -> None:
    """ℓ(x + x', z) = ℓ(x, z) + ℓ(x', z): draws are independent."""
    x, z = sample
    first = np.floor(x / 2)
    parts = value(first, z) + value(x - first, z)
    assert value(x, z) == pytest.approx(parts, rel=1e-12, abs=1e-12)


@given(samples, dtypes)
def test_its_gradient_is_what_was_bought_less_what_was_expected(sample, dtype) -> None:
    """∂ℓ/∂z = x - n softmax(z), whose sum is 0."""
    x, z = (a.astype(dtype).astype(float) for a in sample)
    expected = x - x.sum() * np.exp(log_softmax(z))
    error = rounding(dtype, x.sum()) * (1 + x.sum())
    np.testing.assert_allclose(gradient(x, z, dtype), expected, atol=error)
    assert abs(gradient(x, z, dtype).sum()) <= len(x) * error


@given(mild)
def test_it_is_largest_at_the_empirical_distribution(sample) -> None:
    """ℓ(x, z) ≤ ℓ(x, log x/n) = Σ xᵢ log xᵢ/n (Gibbs)."""
    x, z = sample
    assume(x.all())
    best = np.log(x / x.sum())
    assert value(x, z) <= value(x, best) + 1e-9
    assert value(x, best) == pytest.approx(np.sum(x * best))
    np.testing.assert_allclose(gradient(x, best), 0, atol=1e-12)


@given(mild, mild, number(0, 1, 0.5))
def test_it_is_concave_in_the_logits(sample, other, t) -> None:
    """ℓ(x, t z + (1-t) z') ≥ t ℓ(x, z) + (1-t) ℓ(x, z')."""
    x, z = sample
    end = np.resize(other[1], len(z))
    between = value(x, t * z + (1 - t) * end)
    assert between >= t * value(x, z) + (1 - t) * value(x, end) - 1e-9


@given(mild)
def test_items_compete(sample) -> None:
    """A higher logit for what is not in the basket makes the basket less likely."""
    x, z = sample
    raised = np.append(z, z.max() + 1)
    assert value(np.append(x, 0), raised) <= value(x, z)
    if x.any():
        assert value(np.append(x, 0), raised) < value(x, z)
