"""Optimizers against their formulas, which are written again here for single numbers."""

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest

from numpy_nets import GradientTape, Variable, config, ops, optimizers
from numpy_nets.autodiff.tensor import Array, Tensor
from numpy_nets.blocks import blocks
from numpy_nets.optimizers import SGD, Adagrad, Adam, Optimizer, RMSprop, schedules
from numpy_nets.optimizers import optimizer as optimizer_module
from numpy_nets.optimizers.schedules import ExponentialDecay

ALL = [SGD, Adagrad, RMSprop, Adam]
SHAPES = [(3, 2), (2,), ()]


@pytest.fixture(autouse=True)
def _restore() -> Iterator[None]:
    yield
    config.set_floatx("float32")


@pytest.fixture
def float64() -> None:
    config.set_floatx("float64")


def variables(shapes: Any = SHAPES) -> list[Variable]:
    rng = np.random.default_rng(0)
    return [Variable(rng.normal(size=s), name=f"v{i}") for i, s in enumerate(shapes)]


def gradients(step: int, shapes: Any = SHAPES) -> list[Array]:
    rng = np.random.default_rng([1, step])
    return [rng.normal(size=s).astype(config.floatx()) for s in shapes]


def arrays(vs: list[Variable]) -> list[list]:
    return [v.array.tolist() for v in vs]


# The formulas.  Each is a generator that is sent gradients and yields the weight.

Rule = Callable[[float], Any]


def sgd(w, lr=0.01, momentum=0.0, nesterov=False):
    m = 0.0
    while True:
        g = yield w
        m = momentum * m - lr * g
        w += momentum * m - lr * g if nesterov else m


def adagrad(w, lr=0.001, start=0.1, epsilon=1e-7):
    total = start
    while True:
        g = yield w
        total += g**2
        w -= lr * g / math.sqrt(total + epsilon)


def rmsprop(w, lr=0.001, rho=0.9, epsilon=1e-7):
    v = 0.0
    while True:
        g = yield w
        v = rho * v + (1 - rho) * g**2
        w -= lr * g / math.sqrt(v + epsilon)


def adam(w, lr=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
    m = v = t = 0
    while True:
        g = yield w
        t += 1
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g**2
        alpha = lr * math.sqrt(1 - beta_2**t) / (1 - beta_1**t)
        w -= alpha * m / (math.sqrt(v) + epsilon)


FORMULAS: list[tuple[Callable[[], Optimizer], Rule]] = [
    (SGD, sgd),
    (lambda: SGD(0.1), lambda w: sgd(w, 0.1)),
    (lambda: SGD(0.1, momentum=0.9), lambda w: sgd(w, 0.1, 0.9)),
    (lambda: SGD(0.1, 0.8, nesterov=True), lambda w: sgd(w, 0.1, 0.8, True)),
    (lambda: SGD(0.1, nesterov=True), lambda w: sgd(w, 0.1)),
    (Adagrad, adagrad),
    (lambda: Adagrad(0.1, 0.5, 1e-3), lambda w: adagrad(w, 0.1, 0.5, 1e-3)),
    (RMSprop, rmsprop),
    (lambda: RMSprop(0.1, 0.5, epsilon=1e-3), lambda w: rmsprop(w, 0.1, 0.5, 1e-3)),
    (Adam, adam),
    (lambda: Adam(0.1, 0.5, 0.9, 1e-3), lambda w: adam(w, 0.1, 0.5, 0.9, 1e-3)),
]


@pytest.mark.parametrize(("make", "rule"), FORMULAS)
def test_ten_steps_follow_the_formula_with_keras_defaults(float64, make, rule) -> None:
    vs, optimizer = variables(), make()
    rules = [[rule(float(w)) for w in v.array.ravel()] for v in vs]
    for numbers in rules:
        for number in numbers:
            next(number)
    for step in range(10):
        gs = gradients(step)
        optimizer.apply(gs, vs)
        for v, g, numbers in zip(vs, gs, rules, strict=True):
            expected = [r.send(float(x)) for r, x in zip(numbers, g.ravel(), strict=True)]
            np.testing.assert_allclose(v.array.ravel(), expected, rtol=1e-12)
    assert optimizer.iterations == 10


@pytest.mark.parametrize(("make", "rule"), FORMULAS)
def test_float32_variables_and_accumulators_stay_float32(make, rule) -> None:
    vs, optimizer = variables(), make()
    for step in range(3):
        optimizer.apply([g.astype(np.float64) for g in gradients(step)], vs)
    assert {v.dtype for v in vs} == {np.dtype("float32")}
    assert {a.dtype for a in optimizer.get_state()[1:]} == {np.dtype("float32")}
    assert [v.shape for v in vs] == SHAPES


def test_adam_adds_epsilon_after_the_bias_correction(float64) -> None:
    """ε̂ of the paper's section 2, by hand: g = 1, ε = 1, step 1."""
    v = Variable([0.0])
    Adam(0.5, epsilon=1.0).apply([np.array([1.0])], [v])
    expected = -0.5 * math.sqrt(0.001) / 0.1 * 0.1 / (math.sqrt(0.001) + 1)
    np.testing.assert_allclose(v.array, [expected], rtol=1e-12)


@pytest.mark.parametrize(
    "make",
    [lambda: SGD(0.1, 0.5), lambda: Adagrad(0.5), lambda: RMSprop(0.05), lambda: Adam(0.1)],
)
def test_it_finds_the_minimum_of_a_parabola(make) -> None:
    v, optimizer = Variable([3.0, -2.0]), make()
    for _ in range(300):
        with GradientTape() as tape:
            loss = ops.sum(ops.square(v - 1.0))
        optimizer.apply([tape.gradient(loss, v)], [v])
    np.testing.assert_allclose(v.array, [1, 1], atol=0.05)


# Gradients that are missing, and variables that are.


@pytest.mark.parametrize("make", [lambda: SGD(0.1, 0.5), *ALL[1:]])
@pytest.mark.filterwarnings("ignore:.*no gradient for")
def test_a_variable_without_a_gradient_is_skipped_and_its_moments_do_not_decay(
    float64, make
) -> None:
    vs, optimizer = variables(), make()
    optimizer.apply(gradients(0), vs)
    before, state = arrays(vs), optimizer.get_state()
    g = gradients(1)
    optimizer.apply([g[0], None, g[2]], vs)
    after, new_state = arrays(vs), optimizer.get_state()
    assert optimizer.iterations == 2
    assert after[1] == before[1]
    assert after[0] != before[0]
    assert after[2] != before[2]
    slots = len(optimizer.slots)
    for i in range(len(vs)):
        for old, new in zip(
            state[2 + i * slots : 2 + (i + 1) * slots],
            new_state[2 + i * slots : 2 + (i + 1) * slots], strict=True,
        ):  # fmt: skip
            assert np.array_equal(old, new) == (i == 1)


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.filterwarnings("ignore:.*no gradient for")
def test_a_step_with_some_gradients_moves_the_others_as_if_alone(float64, kind) -> None:
    vs, alone = variables(), variables()
    some, single = kind(), kind()
    for step in range(3):
        g = gradients(step)
        some.apply([None, g[1], None], vs)
        single.apply([g[1]], [alone[1]])
    np.testing.assert_array_equal(vs[1].array, alone[1].array)
    assert arrays([vs[0], vs[2]]) == arrays([alone[0], alone[2]])


@pytest.mark.parametrize("make", [make for make, _ in FORMULAS])
def test_blocks_give_the_same_bits_as_whole_arrays(monkeypatch, make) -> None:
    shapes = [(70, 3), (3,), (), (0, 4), (7, 2)]
    runs = []
    for size in (5, 7, 1000):
        monkeypatch.setattr(optimizer_module, "blocks", partial(blocks, size=size))
        vs, optimizer = variables(shapes), make()
        lengths: list[int] = []
        step = optimizer.fused_step
        optimizer.fused_step = lambda g, *slots, f=step, n=lengths: n.append(g.size) or f(g, *slots)
        for i in range(20):
            optimizer.apply(gradients(i, shapes), vs)
        assert sum(lengths) == 20 * (210 + 3 + 1 + 14)
        assert max(lengths) == min(size, 210)
        runs.append(arrays(vs) + [a.tolist() for a in optimizer.get_state()])
    assert runs[0] == runs[1] == runs[2]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("make", [make for make, _ in FORMULAS])
def test_the_fused_step_is_the_plain_one_to_the_bit(make, dtype) -> None:
    rng = np.random.default_rng(0)
    optimizer = make()
    slots = [[np.full(1000, optimizer.slot_start, dtype) for _ in optimizer.slots] for _ in "ab"]
    for optimizer.iterations in range(5):
        g = rng.normal(size=1000).astype(dtype)
        plain, fused = optimizer.step(g, *slots[0]), optimizer.fused_step(g, *slots[1])
        np.testing.assert_array_equal(fused, plain, strict=True)
        for a, b in zip(*slots, strict=True):
            np.testing.assert_array_equal(a, b)


def test_a_subclass_with_a_step_of_its_own_takes_it() -> None:
    class Wild(Adam):
        def step(self, g: Array, m: Array, v: Array) -> Array:
            return np.full_like(g, 7)

    v = Variable([1.0, 2.0])
    Wild().apply([np.ones(2)], [v])
    assert v.array.tolist() == [8, 9]


# Subnormal numbers.


def test_float16_has_no_room_for_forgetting() -> None:
    v, optimizer = Variable(np.zeros(1), dtype="float16"), SGD(0.1, momentum=0.9)
    for _ in range(3):
        optimizer.apply([np.ones(1, np.float16)], [v])
    assert v.array == pytest.approx(-0.561, rel=1e-3)


def subnormals(optimizer: Optimizer) -> int:
    """How many entries of the accumulators are subnormal, which some processors are slow with."""
    return sum(
        int(((a != 0) & (np.abs(a) < np.finfo(a.dtype).tiny)).sum())
        for a in optimizer.get_state()[2:]
    )


@pytest.mark.parametrize("floatx", ["float32", "float64"])
@pytest.mark.parametrize(
    ("make", "decay"),
    [
        (lambda: SGD(0.1, momentum=0.9), 0.9),
        (lambda: SGD(0.1, momentum=0.5, nesterov=True), 0.5),
        (RMSprop, 0.9),
        (Adam, 0.9),
        (lambda: Adam(beta_1=0.5, beta_2=0.9), 0.9),
    ],
)
def test_what_has_decayed_becomes_0_and_never_a_subnormal_number(make, decay, floatx) -> None:
    config.set_floatx(floatx)
    v, optimizer = Variable([1.0, 1.0]), make()
    steps = int(math.log(np.finfo(floatx).tiny) / math.log(decay)) + 20
    optimizer.apply([np.array([0.5, -0.25], floatx)], [v])
    for _ in range(steps):
        optimizer.apply([np.zeros(2, floatx)], [v])
        assert subnormals(optimizer) == 0
    assert not optimizer.get_state()[2].any()


def test_forgetting_changes_no_weight(monkeypatch) -> None:
    runs = []
    for every in (optimizer_module.FORGET_EVERY, 10**9):
        monkeypatch.setattr(optimizer_module, "FORGET_EVERY", every)
        v, optimizer = Variable([1.0, -2.0, 3.0]), Adam()
        for i in range(1000):
            g = np.float32([0.5, 0.25 if i < 20 else 0, 1e-3 * 0.9**i])
            optimizer.apply([g], [v])
        runs.append((v.array.tolist(), subnormals(optimizer)))
    (weights, none), (expected, some) = runs
    assert weights == expected
    assert none == 0 < some


@pytest.mark.parametrize("kind", [Adam, RMSprop])
def test_beside_a_tiny_epsilon_nothing_is_forgotten_that_is_divided_by(monkeypatch, kind) -> None:
    weights = []
    for every in (optimizer_module.FORGET_EVERY, 10**9):
        monkeypatch.setattr(optimizer_module, "FORGET_EVERY", every)
        v, optimizer = Variable([1.0]), kind(epsilon=0.0)
        for i in range(40):
            optimizer.apply([np.float32([1e-16 if i < 20 else 1e-18])], [v])
        weights.append(v.array.tolist())
    assert weights[0] == weights[1]
    assert kind(epsilon=1e-15).fades and not kind(epsilon=1e-16).fades


def test_only_rules_whose_accumulators_decay_forget() -> None:
    assert not Adagrad().fades
    assert not Optimizer(0.1).fades  # it is for a rule to say that its accumulators decay


class Returns(Optimizer):
    """Its step is the result of a function of g and m; m starts at 2."""

    slots = ("momentum",)
    slot_start = 2.0

    def __init__(self, function) -> None:
        super().__init__(1.0)
        self.function = function

    def step(self, g: Array, *slots: Array) -> Array:
        return self.function(g, *slots)


@pytest.mark.parametrize(
    ("function", "weights"),
    [
        (lambda g, m: g, [11, 12]),
        (lambda g, m: m, [12, 12]),
        (lambda g, m: m[::-1], [12, 12]),
        (lambda g, m: (g + m).astype("float64"), [13, 14]),
    ],
)
def test_a_step_that_is_not_an_array_of_its_own_is_not_written_into(function, weights) -> None:
    v, g = Variable([10.0, 10.0]), np.float32([1, 2])
    optimizer = Returns(function)
    optimizer.apply([g], [v])
    assert v.array.tolist() == weights
    assert v.array.dtype == np.float32
    assert g.tolist() == [1, 2]
    assert optimizer.get_state()[-1].tolist() == [2, 2]


@pytest.mark.parametrize("kind", ALL)
def test_no_gradient_at_all_raises_and_changes_nothing(kind) -> None:
    vs, optimizer = variables(), kind()
    before = arrays(vs)
    with pytest.raises(ValueError, match=f"{kind.__name__}: no gradient for any variable"):
        optimizer.apply([None] * 3, vs)
    assert (arrays(vs), optimizer.iterations) == (before, 0)


def test_a_subset_of_the_variables_in_any_order_is_allowed(float64) -> None:
    vs, optimizer = variables(), SGD(0.5)
    optimizer.build(vs)
    start, g = [v.array.copy() for v in vs], gradients(0)
    optimizer.apply([g[2], g[0]], [vs[2], vs[0]])
    np.testing.assert_allclose(vs[0].array, start[0] - 0.5 * g[0], rtol=1e-15)
    np.testing.assert_array_equal(vs[1].array, start[1])
    np.testing.assert_allclose(vs[2].array, start[2] - 0.5 * g[2], rtol=1e-15)


def test_variables_are_by_default_those_of_build() -> None:
    vs, optimizer = variables(), SGD(0.5)
    optimizer.build(vs)
    before = arrays(vs)
    optimizer.apply(gradients(0))
    assert arrays(vs) != before


@pytest.mark.parametrize("kind", ALL)
def test_an_unknown_variable_raises_and_changes_nothing(kind) -> None:
    vs, optimizer = variables(), kind()
    optimizer.apply(gradients(0), vs)
    stranger = Variable([1.0], name="stranger")
    before, state = arrays(vs), optimizer.get_state()
    with pytest.raises(ValueError, match=f"{kind.__name__}: unknown variable stranger: one optim"):
        optimizer.apply([np.ones((3, 2)), np.ones(1)], [vs[0], stranger])
    assert arrays(vs) == before
    for a, b in zip(state, optimizer.get_state(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_building_again_keeps_the_accumulators() -> None:
    vs, optimizer = variables(), Adam()
    optimizer.apply(gradients(0), vs)
    state = optimizer.get_state()
    optimizer.build(vs)
    for a, b in zip(state, optimizer.get_state(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_variable_assigned_between_steps_is_updated_from_its_new_value(float64) -> None:
    v, optimizer = Variable([1.0, 2.0]), SGD(0.5)
    optimizer.apply([np.ones(2)], [v])
    v.assign([10.0, 20.0])
    optimizer.apply([np.ones(2)], [v])
    assert v.array.tolist() == [9.5, 19.5]


# Nothing that others hold is written into.


@pytest.mark.parametrize("make", [*ALL, lambda: SGD(0.1, 0.5, nesterov=True)])
@pytest.mark.parametrize("options", [{}, {"clipnorm": 0.1}, {"global_clipnorm": 0.1}])
def test_gradients_and_old_arrays_are_never_written_into(make, options) -> None:
    for shapes in (SHAPES, [(3, 2)]):
        vs, optimizer = variables(shapes), make()
        optimizer.clipnorm = options.get("clipnorm")
        optimizer.global_clipnorm = options.get("global_clipnorm")
        for step in range(3):
            gs = [Tensor(g) for g in gradients(step, shapes)]
            old = [v.array for v in vs]
            copies = [a.copy() for a in old]
            for a in [*old, *(g.array for g in gs)]:
                a.setflags(write=False)
            optimizer.apply(gs, vs)
            for a, copy, v in zip(old, copies, vs, strict=True):
                np.testing.assert_array_equal(a, copy)
                assert not np.array_equal(v.array, copy)


def test_a_tape_differentiates_what_was_computed_before_the_step() -> None:
    v, optimizer = Variable([3.0]), SGD(0.5)
    with GradientTape(persistent=True) as tape:
        y = ops.square(v)
    optimizer.apply([tape.gradient(y, v)], [v])
    assert v.array.tolist() == [0.0]
    assert tape.gradient(y, v).array.tolist() == [6.0]


def test_one_gradient_array_for_two_variables_serves_both(float64) -> None:
    a, b, g = Variable([1.0]), Variable([2.0]), np.array([4.0])
    SGD(0.25).apply([g, g], [a, b])
    assert (a.array.tolist(), b.array.tolist(), g.tolist()) == ([0.0], [1.0], [4.0])


# Clipping.


def moved(options: dict[str, float], gs: list[Array]) -> list[Array]:
    vs = [Variable(np.zeros(g.shape)) for g in gs]
    SGD(1.0, **options).apply(gs, vs)
    return [-v.array for v in vs]


def test_clipnorm_scales_each_gradient_by_its_own_norm(float64) -> None:
    gs = [np.array([[3.0], [4.0]]), np.array([0.3, 0.4]), np.array([0.0])]
    clipped = moved({"clipnorm": 1.0}, gs)
    np.testing.assert_allclose(clipped[0], [[0.6], [0.8]], rtol=1e-15)
    np.testing.assert_array_equal(clipped[1], gs[1])
    np.testing.assert_array_equal(clipped[2], gs[2])


def test_global_clipnorm_scales_all_gradients_by_their_common_norm(float64) -> None:
    gs = [np.array([[3.0], [4.0]]), np.array([12.0])]  # of norm 13
    for g, expected in zip(moved({"global_clipnorm": 6.5}, gs), gs, strict=True):
        np.testing.assert_allclose(g, expected / 2, rtol=1e-15)
    for g, expected in zip(moved({"global_clipnorm": 13.5}, gs), gs, strict=True):
        np.testing.assert_array_equal(g, expected)


@pytest.mark.filterwarnings("ignore:.*no gradient for")
def test_the_common_norm_leaves_out_missing_gradients(float64) -> None:
    a, b, c = Variable([0.0, 0.0]), Variable([0.0]), Variable([0.0])
    SGD(1.0, global_clipnorm=1.0).apply([None, np.array([3.0, 4.0]), None], [c, a, b])
    np.testing.assert_allclose(a.array, [-0.6, -0.8], rtol=1e-15)


def test_a_norm_to_clip_to_may_be_tiny(float64) -> None:
    a = Variable([0.0])
    SGD(1.0, clipnorm=1e-300).apply([np.array([2.0])], [a])
    assert -a.array[0] == pytest.approx(1e-300)


# The learning rate.


@pytest.mark.parametrize(
    ("kind", "default"), [(SGD, 0.01), (Adagrad, 0.001), (RMSprop, 0.001), (Adam, 0.001)]
)
def test_the_default_learning_rate_is_that_of_keras(float64, kind, default) -> None:
    assert kind().learning_rate == default


def test_the_learning_rate_is_rounded_to_floatx_as_it_is_saved() -> None:
    assert Adam(0.001).learning_rate == float(np.float32(0.001))
    config.set_floatx("float64")
    assert Adam(0.001).learning_rate == 0.001


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("rate", [1, True, "0.1", None, np.int64(1)])
def test_a_learning_rate_that_is_not_a_float_raises(kind, rate) -> None:
    message = f"{kind.__name__}: learning_rate: expected a float or a schedule, got "
    with pytest.raises(ValueError, match=message):
        kind(rate)
    optimizer = kind(0.5)
    with pytest.raises(ValueError, match=message):
        optimizer.learning_rate = rate
    assert optimizer.learning_rate == 0.5


def test_the_learning_rate_can_be_set_between_steps(float64) -> None:
    v, optimizer = Variable([0.0]), SGD(1.0)
    optimizer.apply([np.ones(1)], [v])
    optimizer.learning_rate = 0.5
    optimizer.apply([np.ones(1)], [v])
    assert v.array.tolist() == [-1.5]


def test_exponential_decay_follows_its_formula() -> None:
    smooth = ExponentialDecay(0.5, decay_steps=4, decay_rate=0.1)
    stairs = ExponentialDecay(0.5, decay_steps=4, decay_rate=0.1, staircase=True)
    for step in range(12):
        assert smooth(step) == pytest.approx(0.5 * 0.1 ** (step / 4), rel=1e-15)
        assert stairs(step) == pytest.approx(0.5 * 0.1 ** (step // 4), rel=1e-15)


def test_a_schedule_gives_the_rate_of_each_step_from_step_0(float64) -> None:
    v, optimizer = Variable([0.0]), SGD(ExponentialDecay(1.0, decay_steps=1, decay_rate=0.5))
    positions = []
    for _ in range(3):
        optimizer.apply([np.ones(1)], [v])
        positions.append(float(v.array[0]))
    assert positions == [-1.0, -1.5, -1.75]
    assert optimizer.learning_rate == 0.125


# State.


@pytest.mark.parametrize("make", [SGD, lambda: SGD(0.1, 0.5), *ALL[1:]])
def test_the_state_is_in_the_order_of_keras(make) -> None:
    """Iteration, learning rate, then all accumulators of one variable before the next."""
    vs, optimizer = variables(), make()
    assert len(optimizer.get_state()) == 2
    optimizer.apply(gradients(0), vs)
    optimizer.apply(gradients(1), vs)
    iterations, rate, *slots = optimizer.get_state()
    assert (iterations.dtype, iterations.shape, int(iterations)) == (np.int64, (), 2)
    assert (rate.dtype, rate.shape) == (np.float32, ())
    assert float(rate) == optimizer.learning_rate
    assert [a.shape for a in slots] == [s for s in SHAPES for _ in optimizer.slots]


def test_momentum_comes_before_velocity(float64) -> None:
    v, optimizer = Variable([0.0, 0.0]), Adam()
    g = np.array([1.0, -2.0])
    optimizer.apply([g], [v])
    _, _, m, velocity = optimizer.get_state()
    np.testing.assert_allclose(m, 0.1 * g, rtol=1e-12)
    np.testing.assert_allclose(velocity, 0.001 * g**2, rtol=1e-12)


def test_the_accumulator_of_adagrad_begins_at_a_tenth() -> None:
    optimizer = Adagrad()
    optimizer.build([Variable([0.0])])
    assert optimizer.get_state()[2].tolist() == [np.float32(0.1)]


def test_a_schedule_is_not_part_of_the_state() -> None:
    optimizer = SGD(ExponentialDecay(1.0, 1, 0.5), momentum=0.5)
    optimizer.build(variables())
    assert [a.shape for a in optimizer.get_state()] == [(), *SHAPES]
    optimizer.set_state([np.array(3), *(np.ones(s) for s in SHAPES)])
    assert optimizer.learning_rate == 0.125


def test_before_any_step_the_state_is_iteration_and_learning_rate() -> None:
    optimizer = Adam()
    optimizer.set_state([np.array(7), np.array(0.5)])
    assert (optimizer.iterations, optimizer.learning_rate) == (7, 0.5)


@pytest.mark.parametrize("make", [SGD, lambda: SGD(0.1, 0.5), *ALL[1:]])
def test_an_optimizer_set_to_a_saved_state_continues_bit_for_bit(make) -> None:
    vs, optimizer = variables(), make()
    optimizer.learning_rate = 0.03
    for step in range(3):
        optimizer.apply(gradients(step), vs)
    resumed_vs = [Variable(v.array) for v in vs]
    resumed = make()
    resumed.build(resumed_vs)
    resumed.set_state(optimizer.get_state())
    assert resumed.learning_rate == optimizer.learning_rate
    for step in range(3, 6):
        optimizer.apply(gradients(step), vs)
        resumed.apply(gradients(step), resumed_vs)
    assert arrays(resumed_vs) == arrays(vs)
    for a, b in zip(optimizer.get_state(), resumed.get_state(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_state_is_a_copy_both_ways() -> None:
    vs, optimizer = variables(), Adam()
    optimizer.apply(gradients(0), vs)
    state = optimizer.get_state()
    kept = [a.copy() for a in state]
    optimizer.set_state(state)
    optimizer.apply(gradients(1), vs)
    for a, b in zip(state, kept, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_state_of_other_shapes_raises_and_changes_nothing() -> None:
    vs, optimizer = variables(), Adam()
    optimizer.apply(gradients(0), vs)
    state = optimizer.get_state()
    other = Adam()
    other.apply([np.ones(7)], [Variable(np.zeros(7))])
    for wrong in (other.get_state(), state[:-1], [*state, state[-1]], [], Adam().get_state()):
        with pytest.raises(ValueError, match="adam: expected state of shapes"):
            optimizer.set_state(wrong)
    for a, b in zip(state, optimizer.get_state(), strict=True):
        np.testing.assert_array_equal(a, b)


# Names and errors.


@pytest.mark.parametrize(
    ("name", "kind"),
    [("sgd", SGD), ("adagrad", Adagrad), ("rmsprop", RMSprop), ("adam", Adam), ("Adam", Adam),
     ("RMSprop", RMSprop), ("SGD", SGD)],
)  # fmt: skip
def test_get_takes_names_in_any_case_and_optimizers(name, kind) -> None:
    optimizer = optimizers.get(name)
    assert type(optimizer) is kind
    assert optimizer.name == name.lower()
    assert optimizers.get(optimizer) is optimizer


def mixed() -> list[Variable]:
    return [Variable([1.0], dtype="float32"), Variable([1.0], dtype="float64")]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: optimizers.get("adm"), "optimizer: unknown 'adm'; did you mean 'adam'"),
        (lambda: optimizers.get(5), "optimizer: unknown 5; known: sgd, adagrad, rmsprop, adam"),
        (
            lambda: Adam(clipnorm=1.0, global_clipnorm=1.0),
            "Adam: expected one of clipnorm and global_clipnorm, got both",
        ),
        (lambda: Adam(clipnorm=0.0), r"^Adam: clipnorm: expected a finite number > 0, got 0\.0$"),
        (
            lambda: Adam(global_clipnorm=-1.0),
            r"^Adam: global_clipnorm: expected a finite number > 0, got -1\.0$",
        ),
        (lambda: Adam(clipnorm=math.nan), "Adam: clipnorm: expected a finite number > 0, got nan"),
        (lambda: SGD(-0.1), r"^SGD: learning_rate: expected a finite number >= 0, got -0\.1$"),
        (lambda: SGD(momentum=1.5), r"SGD: momentum: expected a number in \[0, 1\], got 1\.5"),
        (
            lambda: ExponentialDecay(0.1, 0, 0.5),
            "^ExponentialDecay: decay_steps: expected a finite number > 0, got 0$",
        ),
        (
            lambda: ExponentialDecay(0.1, -1, 0.5),
            "^ExponentialDecay: decay_steps: expected a finite number > 0, got -1$",
        ),
        (
            lambda: ExponentialDecay(0.1, "10", 0.5),
            "^ExponentialDecay: decay_steps: expected a finite number > 0, got '10'$",
        ),
        (
            lambda: Adam().build(mixed()),
            r"Adam: expected variables of one dtype, got \['float32', 'float64'\]",
        ),
        (lambda: Adam().build([]), "Adam: expected trainable variables, got none"),
        (lambda: Adam().apply([np.ones(2)]), "Adam: expected trainable variables, got none"),
        (
            lambda: Adam().apply([np.ones(2)] * 4, variables()),
            "Adam: expected 3 gradients, got 4",
        ),
        (
            lambda: Adam().apply([np.ones(2)], variables()),
            "Adam: expected 3 gradients, got 1",
        ),
        (
            lambda: Adam().apply([np.ones((3, 2)), np.ones(3), None], variables()),
            r"Adam: gradient of v1: expected shape \(2,\), got \(3,\)",
        ),
        (
            lambda: Adam().apply([np.ones((3, 2)), np.ones(1), None], variables()),
            r"Adam: gradient of v1: expected shape \(2,\), got \(1,\)",
        ),
    ],
)  # fmt: skip
def test_what_does_not_fit_raises_one_line_that_says_what_was_expected(call, message) -> None:
    with pytest.raises(ValueError, match=message) as error:
        call()
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("kind", ALL)
def test_an_argument_that_is_not_supported_raises(kind) -> None:
    with pytest.raises(TypeError, match="weight_decay"):
        kind(weight_decay=0.1)


def test_what_keras_means_otherwise_by_position_raises() -> None:
    with pytest.raises(TypeError, match="positional"):
        RMSprop(1e-3, 0.9, 0.5)  # Keras: momentum


def test_schedules_are_imported_as_in_keras() -> None:
    assert not hasattr(optimizers, "ExponentialDecay")
    assert optimizers.schedules.ExponentialDecay is ExponentialDecay


@pytest.mark.parametrize(("make", "name"), [(Adam, "beta_1"), (Adam, "beta_2"), (RMSprop, "rho")])
def test_a_share_of_1_would_forget_the_gradient(make, name) -> None:
    with pytest.raises(ValueError, match=f"^{make.__name__}: {name}: expected .*got 1.0$"):
        make(**{name: 1.0})
    make(**{name: 0.999999})


@pytest.mark.parametrize("wrong", [-0.1, math.nan, math.inf, "0.5", True])
@pytest.mark.parametrize(
    ("make", "name"),
    [
        (Adam, "beta_1"), (Adam, "beta_2"), (Adam, "epsilon"), (RMSprop, "rho"),
        (RMSprop, "epsilon"), (Adagrad, "epsilon"), (SGD, "momentum"), (SGD, "clipnorm"),
        (SGD, "global_clipnorm"), (SGD, "learning_rate"),
    ],
)  # fmt: skip
def test_an_argument_that_is_out_of_range_or_not_a_number_is_named(make, name, wrong) -> None:
    message = f"^{make.__name__}: {name}: expected [^\n]*got {wrong!r}$"
    with pytest.raises(ValueError, match=message):
        make(**{name: wrong})


@pytest.mark.parametrize(
    "make",
    [
        lambda x: SGD(0.1, momentum=x, nesterov=True),
        lambda x: SGD(0.1, clipnorm=x),
        lambda x: Adagrad(0.1, epsilon=x),
        lambda x: RMSprop(0.1, epsilon=x),
        lambda x: Adam(0.1, beta_1=x, global_clipnorm=x, epsilon=x),
    ],
)
def test_numbers_of_numpy_leave_weights_the_arrays_of_float32_that_they_are(make) -> None:
    """In NumPy 2 a float32 array times an np.float64 is a float64 array."""
    for start in (np.ones((2, 3)), 1.0):
        v, optimizer = Variable(start), make(np.float64(0.5))
        for _ in range(2):
            optimizer.apply([np.ones(v.shape, np.float32)], [v])
        assert isinstance(v.array, np.ndarray)
        assert v.dtype == np.float32
        assert all(state.dtype != np.float64 for state in optimizer.get_state())


def test_a_variable_that_is_listed_twice_gets_both_gradients() -> None:
    """Keras: -2."""
    w, v = Variable(0.0), Variable(1.0)
    sgd = SGD(1.0)
    for step in (1, 2):
        sgd.apply([np.float32(1), np.float32(5), np.float32(1)], [w, v, w])
        assert (float(w), float(v)) == (-2.0 * step, 1 - 5.0 * step)
        assert sgd.iterations == step


def test_a_rate_that_a_schedule_gives_can_only_be_set_to_a_schedule() -> None:
    sgd = SGD(ExponentialDecay(1.0, 1, 0.5))
    with pytest.raises(TypeError, match="SGD: learning_rate: a schedule gives it: expected anothe"):
        sgd.learning_rate = 0.1
    sgd.learning_rate = ExponentialDecay(0.25, 1, 0.5)
    assert sgd.learning_rate == 0.25
    sgd = SGD(0.5)
    sgd.learning_rate = ExponentialDecay(0.25, 1, 0.5)
    assert sgd.learning_rate == 0.25


def test_a_missing_gradient_warns_by_the_path_of_its_variable() -> None:
    w, v = Variable(0.0, name="w"), Variable(0.0, name="unused")
    with pytest.warns(UserWarning, match="SGD: no gradient for unused, which the loss"):
        SGD(1.0).apply([np.float32(1), None], [w, v])
    assert (float(w), float(v)) == (-1, 0)


def test_without_gradients_there_is_no_step() -> None:
    sgd = SGD(1.0)
    sgd.apply([], [])
    sgd.apply_gradients(zip([], [], strict=True))
    assert sgd.iterations == 0 and not sgd.built


def test_a_schedule_may_return_a_tensor() -> None:
    class Halving(schedules.LearningRateSchedule):
        def __call__(self, step):
            return 0.5 / (ops.cast(step, "float32") + 1.0)

    w, sgd = Variable(0.0), SGD(Halving())
    for _ in range(2):
        sgd.apply([np.float32(1)], [w])
    assert float(w) == -0.75
    assert sgd.learning_rate == pytest.approx(0.5 / 3)


def test_gradients_and_variables_may_come_as_pairs() -> None:
    w, v = Variable(0.0), Variable(0.0)
    SGD(1.0).apply_gradients(zip([np.float32(1), np.float32(2)], [w, v], strict=True))
    assert (float(w), float(v)) == (-1, -2)


def test_the_variables_are_the_state_by_keras_names() -> None:
    w = Variable([1.0, 2.0], name="w")
    adam = Adam(0.5)
    assert [v.name for v in adam.variables] == ["iteration", "learning_rate"]
    adam.apply([np.float32([1, 1])], [w])
    names = ["iteration", "learning_rate", "w_momentum", "w_velocity"]
    assert [v.name for v in adam.variables] == names
    for variable, array in zip(adam.variables, adam.get_state(), strict=True):
        np.testing.assert_array_equal(variable.array, array)
    assert [v.name for v in SGD(ExponentialDecay(1.0, 1, 0.5)).variables] == ["iteration"]
