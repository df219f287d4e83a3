"""Trustworthiness and continuity, specified.

    T(x, z; k) = 1 - 2 / (n k (2n - 3k - 1)) Σ_i Σ_{j ∈ N_k(z, i)} max(0, r(x, i, j) - k)
    C(x, z; k) = T(z, x; k)

N_k(z, i) are the k points nearest to z_i, r(x, i, j) is the rank of x_j by its distance from x_i,
and at equal distances the earlier row comes first. Each test is one law of T or C.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import number

from numpy_nets.evaluation.neighbourhoods import continuity, trustworthiness


@st.composite
def lattices(draw):
    """x (n, d), z (n, e) of few whole numbers, so that many distances are equal, and k < n / 2."""
    n = draw(st.integers(3, 12))
    x, z = (
        draw(st.lists(st.tuples(*[st.integers(0, 4)] * d), min_size=n, max_size=n))
        for d in draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    )
    return np.array(x), np.array(z), draw(st.integers(1, (n - 1) // 2))


@st.composite
def clouds(draw):
    """The same of Gaussian points, where no two distances are equal, and a generator for more."""
    n = draw(st.integers(3, 40))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    x, z = (rng.normal(size=(n, draw(st.integers(1, 5)))) for _ in range(2))
    return x, z, draw(st.integers(1, (n - 1) // 2)), rng


def by_distance(points, i):
    """The other points from the nearest to the farthest, in exact arithmetic."""
    others = [j for j in range(len(points)) if j != i]
    return sorted(others, key=lambda j: (sum((points[i] - points[j]) ** 2), j))


@given(lattices())
def test_it_is_its_definition(data) -> None:
    """T is the formula above, word for word, also where distances are equal."""
    x, z, k = data
    n, penalty = len(x), 0
    for i in range(n):
        for j in by_distance(z, i)[:k]:
            penalty += max(0, by_distance(x, i).index(j) + 1 - k)
    expected = 1 - 2 * penalty / (n * k * (2 * n - 3 * k - 1))
    assert trustworthiness(x, z, k) == pytest.approx(expected, abs=1e-15)


@given(lattices())
def test_it_is_a_share(data) -> None:
    """0 ≤ T ≤ 1."""
    assert 0 <= trustworthiness(*data) <= 1


@given(lattices())
def test_the_data_themselves_are_a_perfect_map(data) -> None:
    """T(x, x) = 1, also with points that occur twice."""
    x, _, k = data
    assert trustworthiness(x, x, k) == continuity(x, x, k) == 1


@given(lattices())
def test_continuity_is_trustworthiness_with_the_spaces_exchanged(data) -> None:
    """C(x, z) = T(z, x)."""
    x, z, k = data
    assert continuity(x, z, k) == trustworthiness(z, x, k)


@given(clouds())
def test_the_order_of_the_points_does_not_matter(data) -> None:
    """T(Px, Pz) = T(x, z) for a permutation P, where no two distances are equal."""
    x, z, k, rng = data
    order = rng.permutation(len(x))
    assert trustworthiness(x[order], z[order], k) == trustworthiness(x, z, k)


@given(clouds(), number(1e-3, 1e3), number(-1e3, 1e3))
def test_rotating_scaling_and_moving_either_space_changes_nothing(data, scale, shift) -> None:
    """T(x, a z Q + b) = T(a x Q + b, z) = T(x, z) for orthogonal Q and a > 0."""
    x, z, k, rng = data

    def moved(points):
        q, _ = np.linalg.qr(rng.normal(size=(points.shape[1],) * 2))
        return scale * points @ q + shift

    expected = trustworthiness(x, z, k)
    assert trustworthiness(x, moved(z), k) == trustworthiness(moved(x), z, k) == expected


@given(lattices(), st.integers(-1000, 1000))
def test_no_size_is_too_large_or_too_small(data, exponent) -> None:
    """T(x, 2ᵉ z) = T(x, z), though the squares of such numbers are 0 or infinite."""
    x, z, k = data
    assert trustworthiness(x, np.ldexp(z, exponent), k) == trustworthiness(x, z, k)
    assert continuity(np.ldexp(x, exponent), z, k) == continuity(x, z, k)


@given(clouds())
def test_it_depends_on_the_order_of_distances_alone(data) -> None:
    """T(f(x), f(z)) = T(x, z) if f maps all distances by one increasing function, here d -> √d.

    Such points exist (Schoenberg 1938); they are found by classical scaling of the distances √d.
    """
    x, z, k, _ = data

    def roots(points):
        squares = np.linalg.norm(points[:, None] - points, axis=2)  # (√d)²
        centre = np.eye(len(points)) - 1 / len(points)
        values, vectors = np.linalg.eigh(-0.5 * centre @ squares @ centre)
        return vectors * np.sqrt(np.maximum(values, 0))

    assert trustworthiness(roots(x), roots(z), k) == trustworthiness(x, z, k)
