"""Laws of the optimizers: what a step may depend on, how large it is, and where the steps lead."""

import math
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import fewer, number

from numpy_nets import Variable, config
from numpy_nets.autodiff.tensor import Array
from numpy_nets.optimizers import SGD, Adagrad, Adam, Optimizer, RMSprop
from numpy_nets.optimizers.schedules import ExponentialDecay

MAKERS: dict[str, Callable[[], Optimizer]] = {
    "SGD": lambda: SGD(0.1),
    "momentum": lambda: SGD(0.1, momentum=0.9),
    "nesterov": lambda: SGD(0.1, momentum=0.9, nesterov=True),
    "Adagrad": lambda: Adagrad(0.1),
    "RMSprop": lambda: RMSprop(0.1),
    "Adam": lambda: Adam(0.1),
}
each_optimizer = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)

rates = number(1e-6, 10, 0.001)
sizes = st.integers(-100_000, 100_000).map(lambda k: k / 1000) | st.sampled_from([1e-6, -1e8])
positive = st.floats(1e-3, 1e6)
lists_of_gradients = st.integers(1, 6).flatmap(  # steps, each of the same n numbers
    lambda n: st.lists(st.lists(sizes, min_size=n, max_size=n), min_size=1, max_size=5)
)


@pytest.fixture(autouse=True, scope="module")
def _float64() -> Iterator[None]:
    config.set_floatx("float64")
    yield
    config.set_floatx("float32")


def path(optimizer: Optimizer, steps, start=0.0, parts=1) -> Array:
    """The weights after each step, (steps, n), of n numbers in one variable or in n."""
    n = len(steps[0])
    variables = [Variable(x) for x in np.split(np.full(n, start), parts)]
    found = []
    for gradient in steps:
        optimizer.apply(np.split(np.array(gradient, np.float64), parts), variables)
        found.append(np.concatenate([v.array for v in variables]))
    return np.array(found)


# The size of a step.


@given(
    rates, st.floats(0, 0.99), st.floats(0, 0.9999), number(0.0, 1e-3, 1e-7),
    st.lists(positive | positive.map(lambda g: -g), min_size=1, max_size=5),
)  # fmt: skip
def test_adam_s_first_step_has_size_lr_in_every_coordinate(rate, beta_1, beta_2, epsilon, g):
    """|Δw| = η |g| / (|g| + ε / √(1-β₂)): η whatever g, β₁ and β₂ are, but for ε."""
    (moved,) = path(Adam(rate, beta_1, beta_2, epsilon), [g])
    size = np.abs(g) / (np.abs(g) + epsilon / math.sqrt(1 - beta_2))
    np.testing.assert_allclose(moved, -rate * np.sign(g) * size, rtol=1e-9)


def largest_step(t, beta_1=0.9, beta_2=0.999):
    """max |m̂| / √v̂ of Adam over all gradients g_1, …, g_t; reached by g_i ∝ (β₁/β₂)^(t-i).

    m = (1-β₁) Σ β₁^(t-i) g_i and v = (1-β₂) Σ β₂^(t-i) g_i², so by Cauchy and Schwarz

        m² ≤ (1-β₁)² Σ (β₁²/β₂)^(t-i) · v / (1-β₂)

    Kingma & Ba, section 2.1, have (1-β₁) / √(1-β₂) = 3.2, without the sum, which is for one
    gradient after many zeros: gradients that grow can make a step of up to 7.3 learning rates.
    """
    total = np.sum((beta_1**2 / beta_2) ** np.arange(t))
    corrected = math.sqrt(1 - beta_2**t) / (1 - beta_1**t)
    return corrected * (1 - beta_1) / math.sqrt(1 - beta_2) * math.sqrt(total)


@given(rates, st.lists(sizes, min_size=1, max_size=20))
def test_adam_s_steps_are_at_most_a_multiple_of_lr(rate, g):
    """|Δw_t| ≤ η max |m̂| / √v̂."""
    weights = path(Adam(rate, epsilon=1e-12), [[x] for x in g])[:, 0]
    steps = np.abs(np.diff(weights, prepend=0.0))
    bounds = rate * np.array([largest_step(t) for t in range(1, len(g) + 1)])
    assert (steps <= bounds * (1 + 1e-9) + 1e-12).all()


@pytest.mark.parametrize("t", [1, 5, 20])
def test_gradients_that_grow_make_adam_s_largest_step(t):
    """|Δw_t| = η max |m̂| / √v̂ for g_i = (β₁/β₂)^(t-i)."""
    weights = path(Adam(0.5, epsilon=0.0), [[(0.9 / 0.999) ** (t - i)] for i in range(1, t + 1)])
    (step,) = np.abs(np.diff(weights[:, 0], prepend=0.0))[-1:]
    assert step == pytest.approx(0.5 * largest_step(t), rel=1e-9)


@given(rates, lists_of_gradients)
def test_sgd_without_momentum_adds_up_the_gradients(rate, steps):
    """w_t = w_0 - η Σ g: the order of the gradients does not matter, up to rounding."""
    found = path(SGD(rate), steps)[-1]
    np.testing.assert_allclose(found, -rate * np.sum(steps, axis=0), rtol=1e-9, atol=1e-6 * rate)


# What a step does not depend on.


@each_optimizer
@fewer(2)
@given(lists_of_gradients, st.randoms(use_true_random=False))
def test_permuted_parameters_take_permuted_steps(make, steps, random):
    """w(P g) = P w(g), bit for bit: a coordinate's step depends on that coordinate alone."""
    order = list(range(len(steps[0])))
    random.shuffle(order)
    found = path(make(), np.array(steps)[:, order])
    np.testing.assert_array_equal(found, path(make(), steps)[:, order])


@each_optimizer
@fewer(2)
@given(lists_of_gradients)
def test_one_variable_of_n_numbers_steps_as_n_variables_of_one(make, steps):
    """How the parameters are divided into variables changes no bit."""
    divided = path(make(), steps, parts=len(steps[0]))
    np.testing.assert_array_equal(divided, path(make(), steps))


@each_optimizer
@fewer(2)
@given(lists_of_gradients)
def test_opposite_gradients_take_opposite_steps(make, steps):
    """w(-g) = -w(g) from w = 0, bit for bit."""
    np.testing.assert_array_equal(path(make(), -np.array(steps)), -path(make(), steps))


@each_optimizer
def test_the_steps_do_not_depend_on_where_they_begin(make):
    """w_t - w_0 is the same for every w_0."""
    steps = [[1.0, -2.0], [0.5, 3.0], [0.0, 1.0]]
    moved = path(make(), steps, start=7.0) - 7.0
    np.testing.assert_allclose(moved, path(make(), steps), rtol=1e-12)


@pytest.mark.parametrize("kind", [Adam, RMSprop])
@given(lists_of_gradients, st.integers(-20, 20))
def test_the_scale_of_the_loss_does_not_matter_to_adam_and_rmsprop(kind, steps, power):
    """w(c g) with c·ε is w(g) with ε, bit for bit for c = 2ᵏ (RMSprop's ε is of the size of g²)."""
    scale = 2.0**power
    epsilon = 2.0**-20
    scaled = epsilon * (scale if kind is Adam else scale**2)
    found = path(kind(0.1, epsilon=scaled), scale * np.array(steps))
    np.testing.assert_array_equal(found, path(kind(0.1, epsilon=epsilon), steps))


@pytest.mark.parametrize("kind", [Adam, RMSprop])
@given(st.lists(st.floats(1, 1000), min_size=1, max_size=5), st.floats(1, 1e6))
def test_with_the_default_epsilon_it_matters_little(kind, g, scale):
    """|w(c g) - w(g)| < 10⁻⁴ η for ε = 10⁻⁷ where |g| ≥ 1: ε / √v < 10⁻⁵ in each of 5 steps."""
    steps = np.reshape(g, (-1, 1))
    np.testing.assert_allclose(path(kind(0.1), scale * steps), path(kind(0.1), steps), atol=1e-5)


@pytest.mark.parametrize("name", ["SGD", "momentum", "nesterov"])
@given(lists_of_gradients, st.integers(-20, 20))
def test_sgd_takes_a_scale_of_the_loss_for_one_of_the_learning_rate(name, steps, power):
    """w(c g) = c w(g), bit for bit for c = 2ᵏ: the learning rate has the units of w² / loss."""
    found = path(MAKERS[name](), 2.0**power * np.array(steps))
    np.testing.assert_array_equal(found, 2.0**power * path(MAKERS[name](), steps))


@pytest.mark.parametrize("nesterov", [False, True])
@given(lists_of_gradients)
def test_momentum_of_zero_is_none(nesterov, steps):
    """m = 0 gives w ← w - η g."""
    np.testing.assert_array_equal(
        path(SGD(0.1, momentum=0.0, nesterov=nesterov), steps), path(SGD(0.1), steps)
    )


# Where the steps lead: f(w) = ½ (w - w*)ᵀ A (w - w*), A symmetric with eigenvalues in [μ, 1].


def quadratic(seed: int, n: int, mu: float) -> tuple[Array, Array]:
    """A and w*."""
    rng = np.random.default_rng(seed)
    axes, _ = np.linalg.qr(rng.normal(size=(n, n)))
    eigenvalues = np.concatenate([[mu], rng.uniform(mu, 1, n - 1)])
    return (axes * eigenvalues) @ axes.T, rng.normal(size=n)


def distances(optimizer: Optimizer, a: Array, best: Array, steps: int) -> Array:
    """|w_t - w*| for t = 0, 1, …, from w_0 = 0."""
    w = Variable(np.zeros(len(best)))
    found = [np.linalg.norm(best)]
    for _ in range(steps):
        optimizer.apply([a @ (w.array - best)], [w])
        found.append(np.linalg.norm(w.array - best))
    return np.array(found)


@fewer(2)
@given(st.integers(0, 2**16), st.integers(1, 6), st.floats(0.05, 1), st.floats(0.1, 1))
def test_sgd_converges_on_convex_quadratics_at_the_known_speed(seed, n, mu, rate):
    """|w_t - w*| ≤ (1 - ημ)ᵗ |w_0 - w*| for η ≤ 1/L, L = 1 (Nesterov 2018, theorem 2.1.15)."""
    found = distances(SGD(rate), *quadratic(seed, n, mu), steps=50)
    bound = (1 - rate * mu) ** np.arange(51) * found[0]
    assert (found <= bound * (1 + 1e-9) + 1e-12).all()


CONVERGING: dict[str, Callable[[], Optimizer]] = {
    "momentum": lambda: SGD(0.1, momentum=0.9),
    "nesterov": lambda: SGD(0.1, momentum=0.9, nesterov=True),
    "Adagrad": lambda: Adagrad(1.0),
    "RMSprop": lambda: RMSprop(ExponentialDecay(0.1, 50, 0.5)),
    "Adam": lambda: Adam(ExponentialDecay(0.2, 50, 0.5)),
}


@pytest.mark.parametrize("make", CONVERGING.values(), ids=CONVERGING)
@fewer(5)
@given(st.integers(0, 2**16), st.integers(1, 6), st.floats(0.2, 1))
def test_every_optimizer_converges_on_convex_quadratics(make, seed, n, mu):
    """|w_t - w*| falls below a hundredth of |w_0 - w*| + 1."""
    found = distances(make(), *quadratic(seed, n, mu), steps=400)
    assert found[-1] <= 0.01 * (found[0] + 1)


# Schedules.


@given(rates, st.integers(1, 1000), st.floats(0.01, 1), st.integers(0, 10**5))
def test_exponential_decay_multiplies_by_its_rate_every_decay_steps(first, steps, rate, t):
    """s(0) = η₀ and s(t + n) = r s(t), smooth and in stairs."""
    for staircase in (False, True):
        schedule = ExponentialDecay(first, steps, rate, staircase)
        assert schedule(0) == first
        assert schedule(t + steps) == pytest.approx(rate * schedule(t), rel=1e-9, abs=1e-300)


@given(rates, st.integers(1, 1000), st.floats(0.01, 1), st.integers(0, 10**4))
def test_stairs_are_level_and_never_below_the_smooth_decay(first, steps, rate, t):
    """s(t) = s(n ⌊t/n⌋) in stairs, where they meet the smooth decay."""
    smooth = ExponentialDecay(first, steps, rate)
    stairs = ExponentialDecay(first, steps, rate, staircase=True)
    assert stairs(t) == stairs(t - t % steps) == pytest.approx(smooth(t - t % steps), rel=1e-9)
    assert stairs(t) >= smooth(t) * (1 - 1e-9)


@each_optimizer
@fewer(2)
@given(rate=st.floats(1e-3, 1), t=st.integers(0, 5))
def test_a_constant_schedule_is_that_learning_rate(make, rate, t):
    """A schedule that returns η steps as η does."""
    plain, scheduled = make(), make()
    plain.learning_rate = rate
    scheduled.learning_rate = ExponentialDecay(rate, 1, 1.0)
    steps = np.random.default_rng(t).normal(size=(5, 3))
    np.testing.assert_array_equal(path(plain, steps), path(scheduled, steps))


# Clipping, seen through SGD with η = 1: the step is the clipped gradient.

lists_of_variables = st.lists(st.lists(sizes, min_size=1, max_size=4), min_size=1, max_size=4)
norms = st.floats(1e-3, 1e3)


def clipped(gradients: list[list[float]], **options: float) -> list[Array]:
    variables = [Variable(np.zeros(len(g))) for g in gradients]
    SGD(1.0, **options).apply([np.array(g) for g in gradients], variables)
    return [-v.array for v in variables]


@given(lists_of_variables, norms)
def test_clipnorm_bounds_each_norm_and_keeps_each_direction(gradients, limit):
    """|c(g)| = min(|g|, limit) and c(g) ∥ g, for each variable alone."""
    for found, g in zip(clipped(gradients, clipnorm=limit), gradients, strict=True):
        norm = np.linalg.norm(g)
        assert np.linalg.norm(found) == pytest.approx(min(norm, limit), rel=1e-9)
        np.testing.assert_allclose(found * norm, np.multiply(g, np.linalg.norm(found)), rtol=1e-9)


@given(lists_of_variables, norms)
def test_global_clipnorm_bounds_the_common_norm_and_keeps_the_direction(gradients, limit):
    """|(c(g₁), …, c(gₙ))| = min(|(g₁, …, gₙ)|, limit), with one factor for all."""
    found = np.concatenate(clipped(gradients, global_clipnorm=limit))
    g = np.concatenate(gradients)
    norm = np.linalg.norm(g)
    assert np.linalg.norm(found) == pytest.approx(min(norm, limit), rel=1e-9)
    np.testing.assert_allclose(found * norm, g * np.linalg.norm(found), rtol=1e-9)


@given(lists_of_variables, norms, st.sampled_from(["clipnorm", "global_clipnorm"]))
def test_clipping_leaves_what_is_small_bit_for_bit(gradients, limit, kind):
    """c(g) = g where |g| ≤ limit."""
    total = float(np.linalg.norm(np.concatenate(gradients)))
    for found, g in zip(clipped(gradients, **{kind: total + limit}), gradients, strict=True):
        np.testing.assert_array_equal(found, g)
