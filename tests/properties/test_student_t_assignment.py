"""Deep embedded clustering's soft assignment, its target and their divergence, specified.

    q_ij ∝ (1 + |z_i - μ_j|²/α)^(-(α+1)/2),   Σ_j q_ij = 1
    p_ij ∝ q_ij²/f_j,   f_j = Σ_i q_ij,       Σ_j p_ij = 1
    D(p ‖ q) = Σ_j p_j log(p_j/q_j), in nats

Each test is one law of the three, for codes near their centres and 10¹⁵ away.
"""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from strategies import dtypes, number, rounding

from numpy_nets import GradientTape, ops
from numpy_nets.autodiff.tensor import Tensor
from numpy_nets.models.dec import student_t_scores, target_distribution, target_divergence

coordinates = number(-100, 100, 0.0, 1e-8)
far = number(-1e15, 1e15, 0.0, 1e-170, 1e8)
alphas = number(0.1, 100, 1.0)


def matrices(rows, columns, entries):
    return st.lists(
        st.lists(entries, min_size=columns, max_size=columns), min_size=rows, max_size=rows
    ).map(np.array)


def codes_and_centres(entries):
    """z (n, d) and μ (clusters, d), with at most five, three and four of them."""
    sizes = st.tuples(st.integers(1, 5), st.integers(1, 4), st.integers(1, 3))
    return sizes.flatmap(
        lambda s: st.tuples(matrices(s[0], s[2], entries), matrices(s[1], s[2], entries))
    )


def distributions(rows, columns):
    """Rows that sum to 1, in which no entry is below 1e-9."""
    weights = matrices(rows, columns, number(1e-9, 1.0, 0.5))
    return weights.map(lambda w: w / w.sum(axis=1, keepdims=True))


tables = st.tuples(st.integers(1, 6), st.integers(1, 5)).flatmap(lambda s: distributions(*s))
twice = st.tuples(st.integers(1, 4), st.integers(1, 5)).flatmap(
    lambda s: st.tuples(distributions(*s), distributions(*s))
)


def assign(z, centres, alpha=1.0, dtype=np.float64):
    scores = student_t_scores(Tensor(z.astype(dtype)), Tensor(centres.astype(dtype)), alpha)
    q = ops.softmax(scores).array
    assert q.dtype == dtype
    return q


def sharpen(q):
    return target_distribution(Tensor(q)).array


def divergence(p, q):
    return target_divergence(Tensor(p), ops.log(Tensor(q))).array


def entropy(p):
    return -np.sum(p * np.log(np.maximum(p, 1e-300)), axis=1)


@given(codes_and_centres(far), alphas, dtypes)
def test_assignments_and_targets_are_distributions(drawn, alpha, dtype) -> None:
    """q ≥ 0, p ≥ 0, Σ_j q_ij = Σ_j p_ij = 1, for codes up to 10¹⁵ away."""
    q = assign(*drawn, alpha, dtype)
    p = sharpen(np.maximum(q, np.finfo(dtype).tiny))
    for rows in (q, p):
        assert (rows >= 0).all()
        np.testing.assert_allclose(rows.sum(axis=1), 1, rtol=rounding(dtype))


@given(codes_and_centres(far), dtypes)
def test_the_loss_and_its_gradient_are_finite(drawn, dtype) -> None:
    """|L|, |∂L/∂z|, |∂L/∂μ| < ∞, with the target that belongs to the codes."""
    z, centres = (Tensor(x.astype(dtype)) for x in drawn)
    with GradientTape() as tape:
        tape.watch((z, centres))
        scores = student_t_scores(z, centres)
        p = ops.stop_gradient(target_distribution(ops.softmax(scores)))
        value = ops.mean(target_divergence(p, ops.log_softmax(scores)))
    assert np.isfinite(value.array)
    for gradient in tape.gradient(value, [z, centres]):
        assert np.isfinite(gradient.array).all()


@given(codes_and_centres(coordinates), alphas)
def test_the_nearest_centre_is_the_most_probable(drawn, alpha) -> None:
    """argmax_j q_ij = argmin_j |z_i - μ_j|, up to ties."""
    z, centres = drawn
    q = assign(z, centres, alpha)
    distances = np.sum((z[:, None] - centres) ** 2, axis=-1)
    rows = np.arange(len(z))
    assert (q[rows, distances.argmin(axis=1)] >= q.max(axis=1) * (1 - rounding(float))).all()


@given(codes_and_centres(coordinates), alphas, st.integers(0, 2**32))
def test_rotating_and_moving_codes_and_centres_together_changes_nothing(drawn, alpha, seed) -> None:
    """q(z R + t, μ R + t) = q(z, μ) for orthogonal R, up to the rounding of the distances."""
    z, centres = drawn
    rng = np.random.default_rng(seed)
    rotation, _ = np.linalg.qr(rng.standard_normal((z.shape[1], z.shape[1])))
    move = rng.standard_normal(z.shape[1])
    moved = assign(z @ rotation + move, centres @ rotation + move, alpha)
    np.testing.assert_allclose(moved, assign(z, centres, alpha), rtol=1e-9, atol=1e-9)


@given(codes_and_centres(coordinates), st.randoms())
def test_permuting_the_clusters_permutes_assignments_and_targets(drawn, rng) -> None:
    """q(z, μ π) = q(z, μ) π, and p likewise."""
    z, centres = drawn
    order = list(range(len(centres)))
    rng.shuffle(order)
    q, permuted = assign(z, centres), assign(z, centres[order])
    np.testing.assert_allclose(permuted, q[:, order], rtol=rounding(float))
    np.testing.assert_allclose(sharpen(permuted), sharpen(q)[:, order], rtol=1e-13)


@given(codes_and_centres(coordinates), alphas)
def test_one_code_has_the_assignment_that_it_has_among_others(drawn, alpha) -> None:
    """q_i depends on z_i and on the centres alone."""
    z, centres = drawn
    np.testing.assert_allclose(assign(z[:1], centres, alpha), assign(z, centres, alpha)[:1],
                               rtol=rounding(float))  # fmt: skip


@given(tables)
def test_a_target_of_clusters_of_one_size_is_sharper(q) -> None:
    """H(p_i) ≤ H(q_i) if f is uniform: q² has a power, 2, above 1."""
    rolled = np.concatenate([np.roll(q, k, axis=1) for k in range(q.shape[1])])  # f is uniform
    assert (entropy(sharpen(rolled)) <= entropy(rolled) + 1e-12).all()


@given(tables)
def test_a_target_prefers_what_is_more_probable_than_elsewhere(q) -> None:
    """p_ij/p_ik = (q_ij/q_ik)² f_k/f_j."""
    p, f = sharpen(q), q.sum(axis=0)
    np.testing.assert_allclose(p / p[:, :1], (q / q[:, :1]) ** 2 * f[0] / f, rtol=1e-12)


@given(st.integers(1, 6), st.integers(1, 5))
def test_a_uniform_or_a_certain_assignment_is_its_own_target(n, clusters) -> None:
    """p = q where all q_ij = 1/K, and where all are 0 or 1 (and no cluster is empty)."""
    uniform = np.full((n, clusters), 1 / clusters)
    certain = np.eye(clusters)[np.arange(n * clusters) % clusters]
    for q in (uniform, certain):
        np.testing.assert_allclose(sharpen(q), q, rtol=1e-14)


@given(twice)
def test_the_divergence_is_never_negative(pair) -> None:
    """D(p ‖ q) ≥ 0 (Gibbs), up to the rounding of log p and log q, at most log 10⁹."""
    assert (divergence(*pair) >= -rounding(float, 21)).all()


@given(tables)
def test_the_divergence_is_zero_where_both_are_equal(p) -> None:
    """D(p ‖ p) = 0, exactly."""
    assert not divergence(p, p).any()


@given(twice)
def test_the_divergence_is_positive_where_they_differ(pair) -> None:
    """D(p ‖ q) ≥ ½ (Σ_j |p_j - q_j|)² (Pinsker), so it is 0 only where p = q."""
    p, q = pair
    bound = 0.5 * np.abs(p - q).sum(axis=1) ** 2
    assert (divergence(p, q) >= bound - rounding(float, 21)).all()


@given(st.integers(1, 5), st.integers(0, 4))
def test_a_certain_target_costs_minus_the_log_of_its_cluster(clusters, j) -> None:
    """D(e_j ‖ q) = -log q_j: 0 log 0 is 0."""
    assume(j < clusters)
    q = np.arange(1.0, clusters + 1)[None] / np.arange(1.0, clusters + 1).sum()
    assert divergence(np.eye(clusters)[[j]], q)[0] == pytest.approx(-np.log(q[0, j]), rel=1e-14)


@given(twice)
def test_its_gradient_for_the_scores_is_q_minus_p(pair) -> None:
    """∂D(p ‖ softmax s)/∂s = q - p, of which equations 4 and 5 of the paper are made."""
    p, q = pair
    scores = Tensor(np.log(q))
    with GradientTape() as tape:
        tape.watch(scores)
        value = ops.sum(target_divergence(Tensor(p), ops.log_softmax(scores)))
    (gradient,) = tape.gradient(value, [scores])
    np.testing.assert_allclose(gradient.array, q - p, rtol=1e-12, atol=1e-14)
