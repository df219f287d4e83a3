"""Binary crossentropy, specified: what coding y in {0, 1} costs under the probability p = σ(z).

    H(z, y) = -(y log σ(z) + (1-y) log(1-σ(z))) = log(1 + e^z) - z y,    0 ≤ y ≤ 1, in nats

Each test is one law of H; "up to rounding" is a few units in the last place of the largest term.
"""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.special import entr, expit, logit
from strategies import SMALL, dtypes, logits, number, probabilities, rounding

from numpy_nets import GradientTape, activations, losses, ops
from numpy_nets.autodiff.tensor import Tensor

EPSILON = 1e-7  # probabilities are clipped to [ε, 1 - ε]


def crossentropy(z, y, dtype=np.float64) -> float:
    """H from a logit."""
    return of_probability(z, y, dtype, from_logits=True)


def of_probability(p, y, dtype=np.float64, from_logits=False) -> float:
    found = ops.binary_crossentropy(dtype(y), Tensor(dtype(p)), from_logits=from_logits)
    assert found.dtype == dtype
    return float(found)


def gradients(z, y, dtype=np.float64, from_logits=True) -> tuple[float, float]:
    """∂H/∂z, or ∂H/∂p, and ∂H/∂y."""
    z, y = Tensor(dtype(z)), Tensor(dtype(y))
    with GradientTape() as tape:
        tape.watch([z, y])
        value = ops.binary_crossentropy(y, z, from_logits=from_logits)
    found = tape.gradient(value, [z, y])
    assert [g.dtype for g in found] == [dtype, dtype]
    return float(found[0]), float(found[1])


@given(logits, probabilities, dtypes)
def test_it_is_its_definition(z, y, dtype) -> None:
    """H = y log(1 + e^-z) + (1-y) log(1 + e^z): terms ≥ 0, so every digit counts."""
    z, y = float(dtype(z)), float(dtype(y))
    expected = y * np.logaddexp(0, -z) + (1 - y) * np.logaddexp(0, z)
    found = crossentropy(z, y, dtype)
    assert found == pytest.approx(expected, rel=rounding(dtype), abs=4 * SMALL)


@given(logits, probabilities, dtypes)
def test_it_is_finite_at_any_logit_and_so_is_its_gradient(z, y, dtype) -> None:
    """|H| < ∞ and |∇H| < ∞ for |z| ≤ 10,000, y = 0 and y = 1 included."""
    assert np.isfinite([crossentropy(z, y, dtype), *gradients(z, y, dtype)]).all()


@given(probabilities, probabilities, dtypes)
def test_it_is_finite_at_any_probability_and_so_is_its_gradient(p, y, dtype) -> None:
    """|H| < ∞ and |∇H| < ∞ for 0 ≤ p ≤ 1, even if certain and wrong."""
    found = [of_probability(p, y, dtype), *gradients(p, y, dtype, from_logits=False)]
    assert np.isfinite(found).all()


@given(logits, probabilities, dtypes)
def test_it_is_never_negative(z, y, dtype) -> None:
    """H ≥ 0, in spite of rounding."""
    assert crossentropy(z, y, dtype) >= 0
    p = float(expit(z))
    assert of_probability(p, y, dtype) >= -rounding(dtype)


@given(logits, probabilities)
def test_it_is_at_least_the_entropy(z, y) -> None:
    """H(z, y) ≥ -y log y - (1-y) log(1-y): no code beats the true probability."""
    assert crossentropy(z, y) >= entr(y) + entr(1 - y) - rounding(float)


@given(st.floats(1e-300, 1 - 2**-53))
def test_it_is_the_entropy_where_p_is_y(y) -> None:
    """H(σ⁻¹(y), y) = -y log y - (1-y) log(1-y), and the gradient vanishes there."""
    z = float(logit(y))
    assert crossentropy(z, y) == pytest.approx(entr(y) + entr(1 - y), abs=rounding(float))
    assert gradients(z, y)[0] == pytest.approx(0, abs=1e-13)


@given(number(-40, 40, 0.0), number(-10, 10, 1e-3))
def test_p_equal_to_y_is_its_only_minimum(z, step) -> None:
    """H(z + s, σ(z)) > H(z, σ(z)) for every step s that float64 can tell from none."""
    y = float(expit(z))
    lowest, beside = crossentropy(z, y), crossentropy(z + step, y)
    assert beside >= lowest - rounding(float)
    if abs(z) < 5 and abs(step) >= 1e-3:
        assert beside > lowest


@given(logits, probabilities, dtypes)
def test_exchanging_the_two_outcomes_changes_nothing(z, q, dtype) -> None:
    """H(z, y) = H(-z, 1-y), exactly where 1-y is: for y = 1-q it is."""
    y = 1 - dtype(q)
    assert crossentropy(z, y, dtype) == crossentropy(-dtype(z), 1 - y, dtype)


@given(logits, logits, probabilities, number(0, 1, 0.5))
def test_it_is_convex_in_the_logit(a, b, y, t) -> None:
    """H(t a + (1-t) b, y) ≤ t H(a, y) + (1-t) H(b, y), up to rounding."""
    between = crossentropy(t * a + (1 - t) * b, y)
    chord = t * crossentropy(a, y) + (1 - t) * crossentropy(b, y)
    assert between <= chord + rounding(float, max(abs(a), abs(b)))


@given(logits, probabilities, probabilities, number(0, 1, 0.5))
def test_it_is_affine_in_the_target(z, a, b, t) -> None:
    """H(z, t a + (1-t) b) = t H(z, a) + (1-t) H(z, b), up to rounding."""
    chord = t * crossentropy(z, a) + (1 - t) * crossentropy(z, b)
    found = crossentropy(z, t * a + (1 - t) * b)
    assert found == pytest.approx(chord, abs=rounding(float, z))


@given(logits, probabilities, dtypes)
def test_the_gradient_by_the_logit_is_sigma_minus_y(z, y, dtype) -> None:
    """∂H/∂z = σ(z) - y, up to rounding; ∂H/∂y = -z, exactly."""
    z, y = dtype(z), dtype(y)
    by_logit, by_target = gradients(z, y, dtype)
    expected = expit(np.float64(z)) - np.float64(y)
    assert by_logit == pytest.approx(expected, abs=rounding(dtype) / 4)
    assert by_target == -z


@example(16.0, 0.5)
@example(-16.0, 1.0)
@given(number(-16, 16, 0.0), probabilities)
def test_logits_and_probabilities_agree_where_clipping_is_inactive(z, y) -> None:
    """H of the probability σ(z) = H of the logit z while ε < σ(z) < 1 - ε.

    The probability has lost digits: rounding of p counts 1/p(1-p) times in H and in ∂H/∂p.
    """
    p = float(expit(z))
    lost = rounding(float) / (p * (1 - p))
    assert of_probability(p, y) == pytest.approx(crossentropy(z, y), abs=lost)
    by_probability, by_target = gradients(p, y, from_logits=False)
    assert by_probability * p * (1 - p) == pytest.approx(gradients(z, y)[0], abs=lost)
    assert by_target == pytest.approx(-z, abs=lost)


@given(number(0, EPSILON / 1.01, 0.0, SMALL), st.booleans(), probabilities)
def test_where_clipping_is_active_it_is_that_of_epsilon_and_flat(p, near_one, y) -> None:
    """H(p) = H(ε) and ∂H/∂p = 0 for p < ε; the same at the other end."""
    p, bound = (1 - p, 1 - EPSILON) if near_one else (p, EPSILON)
    assert of_probability(p, y) == of_probability(bound, y)
    assert gradients(p, y, from_logits=False)[0] == 0


# With 64 entries and more, products take the place of sums of logarithms.
samples = st.lists(st.tuples(logits, probabilities), min_size=1, max_size=6).flatmap(
    lambda pairs: st.sampled_from([pairs, pairs * 64])
)


@given(samples, dtypes)
@example([(11.25, 1.0)] * 64, np.float32)
@example([(20.75, 1.0)] * 64, np.float64)
def test_the_loss_of_a_sample_is_the_mean_over_its_entries(pairs, dtype) -> None:
    """L = Σᵢ H(zᵢ, yᵢ) / n, terms ≥ 0, so every digit counts; ∂L/∂z = (σ(z) - y) / n."""
    z, y = np.array([pairs], dtype).transpose(2, 0, 1)
    logit = Tensor(z)
    with GradientTape() as tape:
        tape.watch(logit)
        found = losses.binary_crossentropy(y, logit, from_logits=True)
    mean = np.mean([crossentropy(*pair, dtype) for pair in zip(z[0], y[0], strict=True)])
    assert found.array[0] >= 0
    assert found.array[0] == pytest.approx(mean, rel=rounding(dtype), abs=4 * SMALL)
    expected = (expit(z.astype(np.float64)) - y) / z.size
    gradient = tape.gradient(found, logit).array
    np.testing.assert_allclose(gradient, expected, rtol=0, atol=rounding(dtype))


@given(samples, dtypes)
def test_after_a_sigmoid_it_is_computed_from_the_logits(pairs, dtype) -> None:
    """The loss of activations.sigmoid(z) is that of the logits z: no digit and no gradient lost."""
    z, y = np.array([pairs], dtype).transpose(2, 0, 1)
    found = []
    for form in (lambda x: (activations.sigmoid(x), False), lambda x: (x, True)):
        logit = Tensor(z)
        with GradientTape() as tape:
            tape.watch(logit)
            loss = losses.binary_crossentropy(y, *form(logit))
        found.append([loss.array, tape.gradient(loss, logit).array])
    for of_sigmoid, of_logits in zip(*found, strict=True):
        np.testing.assert_array_equal(of_sigmoid, of_logits)


@given(logits, probabilities, probabilities)
def test_label_smoothing_moves_the_target_towards_a_half(z, y, s) -> None:
    """The loss with smoothing s is H(z, (1-s) y + s/2)."""
    loss = losses.binary_crossentropy(np.array([[y]]), np.array([[z]]), True, s)
    expected = crossentropy(z, (1 - s) * y + s / 2)
    assert float(loss[0]) == pytest.approx(expected, abs=rounding(float, z))
