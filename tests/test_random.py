"""The shared generator: seeded, saved, restored; and seeds of one's own."""

import json
import random as python_random
from collections.abc import Iterator

import numpy as np
import pytest

from numpy_nets import config, random
from numpy_nets.initializers import GlorotUniform
from numpy_nets.layers import Dropout
from numpy_nets.random import SeedGenerator


@pytest.fixture(autouse=True)
def _restore() -> Iterator[None]:
    state = random.get_state()
    yield
    random.set_state(state)
    config.set_floatx("float32")


def draw(seed: random.Seed = None) -> list[float]:
    return random.normal((4,), seed=seed).array.tolist()


def test_the_same_seed_gives_the_same_draws_in_the_same_order() -> None:
    random.set_random_seed(7)
    first = [draw(), draw()]
    random.set_random_seed(7)
    assert [draw(), draw()] == first
    assert first[0] != first[1]
    random.set_random_seed(8)
    assert draw() != first[0]


def test_a_saved_state_continues_where_it_was() -> None:
    random.set_random_seed(7)
    draw()
    random.uniform((3,), dtype="float32")  # leaves half a 64-bit draw in the state
    state = random.get_state()
    expected = [draw(), random.uniform((3,)).array.tolist()]
    assert isinstance(state, str)
    random.set_random_seed(99)
    random.set_state(state)
    assert [draw(), random.uniform((3,)).array.tolist()] == expected


def _changed(**changes: object) -> str:
    return json.dumps(json.loads(random.get_state()) | changes)


BAD = {
    "no JSON": lambda: "PCG64",
    "empty": lambda: "",
    "a number": lambda: "5",
    "null": lambda: "null",
    "a list": lambda: "[]",
    "an empty object": lambda: "{}",
    "only a name": lambda: '{"bit_generator": "PCG64"}',
    "another generator": lambda: _changed(bit_generator="MT19937"),
    "state of another type": lambda: _changed(state=5),
    "null state": lambda: _changed(state=None),
    "negative state": lambda: _changed(state={"state": -1, "inc": 1}),
    "state of 200 bits": lambda: _changed(state={"state": 2**200, "inc": 1}),
    "negative remainder": lambda: _changed(uinteger=-5),
    "text for a number": lambda: _changed(has_uint32="a"),
    "nested without end": lambda: "[" * 100_000,
    "not text": lambda: None,
}  # fmt: skip


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_anything_but_a_state_raises_and_changes_nothing(bad) -> None:
    random.set_random_seed(7)
    text = bad()
    with pytest.raises(ValueError, match=r"^random\.set_state: not a state of Generator\(PCG64\)"):
        random.set_state(text)
    first = draw()
    random.set_random_seed(7)
    assert draw() == first


def test_an_int_seed_gives_the_same_draws_at_every_call_and_leaves_the_shared_stream() -> None:
    random.set_random_seed(7)
    state = random.get_state()
    assert draw(3) == draw(3) != draw(4)
    assert random.get_state() == state


@pytest.mark.parametrize("make", [np.random.default_rng, SeedGenerator])
def test_a_generator_advances_and_two_of_one_seed_agree(make) -> None:
    a, b = make(3), make(3)
    first, second = draw(a), draw(a)
    assert first != second
    assert [draw(b), draw(b)] == [first, second]


def test_a_seed_generator_without_a_seed_is_random() -> None:
    assert draw(SeedGenerator()) != draw(SeedGenerator())


@pytest.mark.parametrize("function", [random.normal, random.uniform])
def test_draws_have_the_asked_shape_and_dtype(function) -> None:
    assert function((2, 3)).dtype == np.float32
    assert function((2, 3), dtype="float64").dtype == np.float64
    assert function((2, 3)).shape == (2, 3)
    assert function((0, 3)).shape == (0, 3)
    config.set_floatx("float64")
    assert function((2, 3)).dtype == np.float64


def test_float64_parameters_do_not_promote_float32() -> None:
    two = np.float64(2)
    assert random.normal((3,), mean=two, stddev=two).dtype == np.float32
    assert random.uniform((3,), minval=-two, maxval=two).dtype == np.float32


def test_normal_has_the_mean_and_standard_deviation() -> None:
    x = random.normal((200_000,), mean=3.0, stddev=0.5, seed=0).array
    assert abs(x.mean() - 3) < 5 * 0.5 / np.sqrt(x.size)
    assert abs(x.var() - 0.25) < 5 * 0.25 * np.sqrt(2 / x.size)


def test_uniform_fills_its_interval() -> None:
    x = random.uniform((200_000,), minval=-1.0, maxval=3.0, seed=0).array
    assert -1 <= x.min() < -0.999
    assert 2.999 < x.max() <= 3
    assert abs(x.mean() - 1) < 5 * np.sqrt(16 / 12 / x.size)


@pytest.mark.parametrize("seed", [-1, 1.5, "1", True])
@pytest.mark.parametrize(
    "use",
    [
        random.generator, random.set_random_seed, random.SeedGenerator,
        lambda seed: Dropout(0.5, seed=seed), GlorotUniform,
    ],
)  # fmt: skip
def test_a_seed_that_is_not_a_natural_number_raises(use, seed) -> None:
    with pytest.raises(ValueError, match=f"^seed: expected an integer >= 0, got {seed!r}$"):
        use(seed)


@pytest.mark.parametrize("seed", [7, 2**32 - 1, 2**40])
def test_set_random_seed_seeds_python_and_numpy_as_keras_does(seed) -> None:
    def draws() -> tuple[float, float]:
        return python_random.random(), np.random.random()  # noqa: NPY002

    random.set_random_seed(seed)
    first = draws()
    random.set_random_seed(seed)
    assert draws() == first
    python_random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002
    assert draws() == first
