"""Batch normalization and additive noise: what they compute, and when."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from numpy_nets import GradientTape, Model, Sequential, config, gradcheck, ops, random
from numpy_nets.autodiff.tensor import Tensor
from numpy_nets.layers import BatchNormalization, Dense, GaussianNoise, Input

X = np.random.default_rng(0).normal(3.0, 2.0, (64, 5))


def test_in_training_every_feature_has_mean_0_and_variance_1_and_then_gamma_and_beta() -> None:
    layer = BatchNormalization(epsilon=0.0)
    y = layer(X, training=True).array
    np.testing.assert_allclose(y.mean(0), 0, atol=1e-6)
    np.testing.assert_allclose(y.var(0), 1, atol=1e-5)
    layer.gamma.assign(np.full(5, 2.0))
    layer.beta.assign(np.full(5, -1.0))
    np.testing.assert_allclose(layer(X, training=True).array, 2 * y - 1, atol=1e-5)


def test_outside_training_the_output_of_a_sample_does_not_depend_on_the_others() -> None:
    layer = BatchNormalization()
    for _ in range(3):
        layer(X, training=True)
    whole = layer(X).array
    np.testing.assert_array_equal(layer(X[:1]).array, whole[:1])


def test_moving_averages_approach_the_statistics_of_the_data() -> None:
    layer = BatchNormalization(momentum=0.5)
    for _ in range(50):
        layer(X, training=True)
    np.testing.assert_allclose(layer.moving_mean.array, X.mean(0), rtol=1e-5)
    np.testing.assert_allclose(layer.moving_variance.array, X.var(0), rtol=1e-5)
    before = layer.get_weights()
    layer(2 * X)
    layer(2 * X, training=False)
    for a, b in zip(before, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_gradient_goes_through_the_statistics() -> None:
    config.set_floatx("float64")
    try:
        layer = BatchNormalization()
        w = np.random.default_rng(1).normal(size=X.shape)
        gradcheck(lambda x: ops.sum(layer(x, training=True) * w[:7]), [X[:7]])
        gradcheck(lambda x: ops.sum(layer(x) * w[:7]), [X[:7]])
    finally:
        config.set_floatx("float32")


def test_the_moving_averages_are_not_trained_but_saved(tmp_path: Any) -> None:
    model = Sequential([Input((5,)), Dense(4), BatchNormalization(), Dense(1)])
    model.compile("sgd", "mean_squared_error")
    model.fit(X, X[:, :1], epochs=2, verbose=0)
    names = [v.name for v in model.trainable_variables]
    assert names == ["kernel", "bias", "gamma", "beta", "kernel", "bias"]
    assert len(model.non_trainable_variables) == 2
    model.save_weights(tmp_path / "m.weights.h5")
    other = Sequential([Input((5,)), Dense(4), BatchNormalization(), Dense(1)])
    other.compile("sgd", "mean_squared_error")
    other.load_weights(tmp_path / "m.weights.h5")
    np.testing.assert_array_equal(model.predict(X, verbose=0), other.predict(X, verbose=0))


def test_a_layer_that_is_made_trainable_again_still_does_not_train_its_averages() -> None:
    layer = BatchNormalization()
    layer.build((None, 5))
    layer.trainable = False
    assert layer.trainable_variables == []
    before = layer.moving_mean.numpy()
    layer(X, training=True)  # as outside training
    np.testing.assert_array_equal(layer.moving_mean.numpy(), before)
    layer.trainable = True
    assert [v.name for v in layer.trainable_variables] == ["gamma", "beta"]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: BatchNormalization(axis="x"), "BatchNormalization: axis: expected an integer"),
        (lambda: BatchNormalization(momentum=2), r"momentum: expected a number in \[0, 1\], got 2"),
        (lambda: BatchNormalization(epsilon=-1), "epsilon: expected a finite number >= 0, got -1"),
        (lambda: BatchNormalization(axis=2)(X), r"expected input with a batch and axis 2, got"),
        (lambda: BatchNormalization()(Input((None,))), "expected a known size of axis -1"),
        (lambda: GaussianNoise(-1), "GaussianNoise: stddev: expected a finite number >= 0, got -1"),
        (lambda: GaussianNoise(1.0, seed=-1), "seed: expected an integer >= 0"),
    ],
)
def test_a_wrong_argument_is_named(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_noise_is_added_in_training_only_and_passes_the_gradient_on() -> None:
    layer = GaussianNoise(0.5, seed=3)
    np.testing.assert_array_equal(layer(X).array, X.astype("float32"))
    x = Tensor(X.astype("float32"))
    with GradientTape() as tape:
        tape.watch(x)
        y = layer(x, training=True)
        total = ops.sum(y)
    assert 0.4 < (y.array - x.array).std() < 0.6
    gradient: Any = tape.gradient(total, x)
    np.testing.assert_array_equal(gradient.array, np.ones_like(x.array))


def test_noise_with_an_int_as_seed_is_a_stream_of_its_own() -> None:
    random.set_random_seed(0)
    first = random.normal((3,)).array
    random.set_random_seed(0)
    layer, again = GaussianNoise(1.0, seed=7), GaussianNoise(1.0, seed=7)
    a, b = layer(X, training=True).array, layer(X, training=True).array
    assert not np.array_equal(a, b)
    np.testing.assert_array_equal(again(X, training=True).array, a)
    np.testing.assert_array_equal(random.normal((3,)).array, first)


def test_both_stand_in_a_graph() -> None:
    inputs = Input((5,))
    model = Model(inputs, GaussianNoise(0.1)(BatchNormalization()(Dense(3)(inputs))))
    assert model.output_shape == (None, 3)
    assert model.count_params() == 5 * 3 + 3 + 4 * 3
