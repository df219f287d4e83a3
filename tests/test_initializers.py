"""Initializers: their distributions, and where their numbers come from."""

import math
from collections.abc import Iterator

import numpy as np
import pytest

from numpy_nets import config, initializers, random
from numpy_nets.initializers import (
    Constant,
    GlorotUniform,
    HeNormal,
    RandomNormal,
    RandomUniform,
    Zeros,
)

SHAPE = (500, 300)
RANDOM = [GlorotUniform, HeNormal, RandomNormal, RandomUniform]


@pytest.fixture(autouse=True)
def _restore() -> Iterator[None]:
    state = random.get_state()
    yield
    random.set_state(state)
    config.set_floatx("float32")


def assert_moments(x: np.ndarray, mean: float, variance: float) -> None:
    """Within 5 sigma. For a normal sample, its variance has variance 2σ⁴/n; for others, less."""
    x = x.astype(np.float64)
    assert abs(x.mean() - mean) < 5 * math.sqrt(variance / x.size)
    assert abs(x.var() - variance) < 5 * variance * math.sqrt(2 / x.size)


def test_zeros_are_zero() -> None:
    assert not Zeros()((3, 4)).any()


def test_glorot_uniform_fills_its_limits_with_its_variance() -> None:
    x, limit = GlorotUniform(seed=0)(SHAPE), math.sqrt(6 / 800)
    assert 0.999 * limit < np.abs(x).max() <= limit * (1 + 1e-6)
    assert_moments(x, 0, 2 / 800)


def test_he_normal_is_cut_at_two_standard_deviations_with_the_variance_of_the_paper() -> None:
    x, sigma = HeNormal(seed=0)(SHAPE), math.sqrt(2 / 500)
    cut = 2 * sigma / 0.87962566103423978
    assert 0.999 * cut < np.abs(x).max() <= cut * (1 + 1e-6)
    assert_moments(x, 0, sigma**2)


def test_random_normal_has_its_mean_and_standard_deviation() -> None:
    assert_moments(RandomNormal(seed=0)(SHAPE), 0, 0.05**2)
    assert_moments(RandomNormal(mean=1.0, stddev=0.5, seed=0)(SHAPE), 1, 0.25)


def test_random_uniform_fills_its_interval() -> None:
    x = RandomUniform(seed=0)(SHAPE)
    assert 0.0499 < np.abs(x).max() <= 0.05
    assert_moments(x, 0, 0.1**2 / 12)
    assert_moments(RandomUniform(1.0, 3.0, seed=0)(SHAPE), 2, 4 / 12)


@pytest.mark.parametrize("kind", RANDOM)
def test_an_int_seed_repeats_and_leaves_the_shared_stream(kind) -> None:
    state = random.get_state()
    initializer = kind(seed=3)
    first = initializer((4, 5))
    np.testing.assert_array_equal(initializer((4, 5)), first)
    np.testing.assert_array_equal(kind(seed=3)((4, 5)), first)
    assert not np.array_equal(kind(seed=4)((4, 5)), first)
    assert random.get_state() == state


@pytest.mark.parametrize("kind", RANDOM)
@pytest.mark.parametrize("make", [np.random.default_rng, random.SeedGenerator])
def test_a_generator_advances(kind, make) -> None:
    initializer = kind(seed=make(3))
    assert not np.array_equal(initializer((4, 5)), initializer((4, 5)))


@pytest.mark.parametrize("kind", RANDOM)
def test_the_shared_generator_is_reproducible_with_set_random_seed(kind) -> None:
    random.set_random_seed(7)
    first, second = kind()((4, 5)), kind()((4, 5))
    random.set_random_seed(7)
    np.testing.assert_array_equal(kind()((4, 5)), first)
    np.testing.assert_array_equal(kind()((4, 5)), second)
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("kind", RANDOM)
def test_the_shared_generator_continues_from_a_saved_state(kind) -> None:
    state = random.get_state()
    first = kind()((4, 5))
    random.set_state(state)
    np.testing.assert_array_equal(kind()((4, 5)), first)


@pytest.mark.parametrize("kind", [Constant, Zeros, *RANDOM])
def test_the_dtype_is_the_one_asked_for_and_floatx_otherwise(kind) -> None:
    assert kind()((4, 5)).dtype == np.float32
    assert kind()((4, 5), "float64").dtype == np.float64
    assert kind()((4, 5), np.dtype("float64")).dtype == np.float64
    config.set_floatx("float64")
    assert kind()((4, 5)).dtype == np.float64


@pytest.mark.parametrize("kind", [Constant, Zeros, *RANDOM])
@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (1, 1)])
def test_kernels_of_any_size_have_their_shape(kind, shape) -> None:
    x = kind()(shape)
    assert x.shape == shape
    assert np.isfinite(x).all()


def test_a_vector_counts_its_length_for_both_fans() -> None:
    assert np.abs(GlorotUniform(0)((1000,))).max() <= np.sqrt(6 / 2000)
    assert np.abs(GlorotUniform(0)((1000,))).max() > 0.9 * np.sqrt(6 / 2000)


@pytest.mark.parametrize("kind", [GlorotUniform, HeNormal])
@pytest.mark.parametrize("shape", [(), (2, 3, 4)])
def test_a_shape_that_is_not_a_kernel_has_no_fans(kind, shape) -> None:
    with pytest.raises(ValueError, match=r"initializer: expected a kernel shape \(in, out\), got"):
        kind()(shape)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("zeros", Zeros), ("glorot_uniform", GlorotUniform), ("he_normal", HeNormal),
        ("random_normal", RandomNormal), ("random_uniform", RandomUniform),
        ("constant", Constant),
    ],
)  # fmt: skip
def test_get_takes_names_and_initializers(name, kind) -> None:
    assert type(initializers.get(name)) is kind
    mine = kind()
    assert initializers.get(mine) is mine


def test_an_unknown_name_raises_with_a_suggestion() -> None:
    with pytest.raises(ValueError, match="initializer: unknown 'he_norml'; did you mean 'he_norma"):
        initializers.get("he_norml")


@pytest.mark.parametrize("kind", RANDOM)
def test_without_a_seed_only_the_first_call_draws_and_later_ones_repeat_it(kind) -> None:
    """As in Keras, where two layers that share an initializer begin with the same weights."""
    initializer = kind()
    first, state = initializer((4, 5)), random.get_state()
    np.testing.assert_array_equal(initializer((4, 5)), first)
    assert random.get_state() == state
    assert not np.array_equal(kind()((4, 5)), first)


def test_a_constant_is_a_number() -> None:
    np.testing.assert_array_equal(Constant(0.25)((2, 3)), np.full((2, 3), 0.25, np.float32))
    with pytest.raises(ValueError, match="Constant: value: expected a finite number, got 'a'"):
        Constant("a")


def test_get_takes_functions_and_makes_an_instance_of_a_class() -> None:
    def function(shape, dtype=None):
        return np.ones(shape, dtype)

    assert initializers.get(function) is function
    assert type(initializers.get(GlorotUniform)) is GlorotUniform
    with pytest.raises(ValueError, match="initializer: unknown None"):
        initializers.get(None)
