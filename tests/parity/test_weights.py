"""Weights go both ways: copied in memory, and through files bit for bit, optimizer included."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

keras = pytest.importorskip("keras")

import numpy_nets  # noqa: E402
from keras_ref.parity import precision  # noqa: E402
from keras_ref.parity.both import normal  # noqa: E402
from keras_ref.parity.cases.models import (  # noqa: E402
    autoencoder,
    nested,
    sequential,
    subclassed,
)
from keras_ref.parity.cases.optimizers import BETAS  # noqa: E402
from keras_ref.weights import copy_from_keras, copy_to_keras  # noqa: E402


def small_autoencoder(k: Any) -> Any:
    return autoencoder(k, input_dim=3, latent_dim=2)


def two_inputs(k: Any) -> Any:
    a, b = k.Input((3,)), k.Input((3,))
    shared = k.layers.Dense(4, activation="tanh")
    joined = k.layers.Concatenate()([shared(a), shared(b), a])
    return k.Model([a, b], k.layers.Dense(2)(k.layers.LeakyReLU(negative_slope=0.25)(joined)))


def awkward_names(k: Any) -> Any:
    """Attributes that sort before and after `layers`, with an underscore, in nested lists."""

    class Awkward(k.Model):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.z = k.layers.Dense(3)
            self._hidden = k.layers.Dense(3, activation="tanh")
            self.a = k.layers.Dense(3, use_bias=False)
            self.towers = [[k.layers.Dense(3)], [k.layers.Dense(3), k.layers.ReLU()]]
            self.Upper = k.Sequential([k.layers.Dense(3), k.Sequential([k.layers.Dense(2)])])

        def call(self, inputs: Any) -> Any:
            x = self._hidden(self.z(inputs)) + self.a(inputs)
            for tower in self.towers:
                for layer in tower:
                    x = layer(x)
            return self.Upper(x)

    return Awkward()


MODELS = [
    small_autoencoder, sequential, nested, two_inputs, subclassed, awkward_names
]  # fmt: skip
OPTIMIZERS: list[Callable[[Any], Any]] = [
    lambda k: k.optimizers.Adam(**BETAS),
    lambda k: k.optimizers.SGD(0.125, momentum=0.5),
    lambda k: k.optimizers.SGD(0.125),
    lambda k: k.optimizers.RMSprop(),
]


def batch(build: Any, dtype: str, seed: int) -> tuple[Any, Any]:
    """Inputs, and targets of the model's width."""
    x = normal(8, 3, seed=seed).astype(dtype)
    width = {small_autoencoder: 3, sequential: 1}.get(build, 2)
    inputs = [x, x[::-1].copy()] if build is two_inputs else x
    return inputs, normal(8, width, seed=seed + 100).astype(dtype)


def made(k: Any, build: Any, optimizer: Any, steps: int, dtype: str) -> Any:
    model = build(k)
    model.compile(optimizer(k), "mse")
    for step in range(steps):
        train(model, build, dtype, step)
    return model


def train(model: Any, build: Any, dtype: str, step: int) -> float:
    # Without Dropout, whose masks differ: the reference is what both sides compute.
    for layer in model.layers:
        if hasattr(layer, "rate"):
            layer.rate = 0.0
    return float(model.train_on_batch(*batch(build, dtype, step)))


def state(model: Any) -> list[Any]:
    """Every weight and optimizer variable, as arrays."""
    if isinstance(model, keras.Model):
        return [*model.get_weights(), *(v.numpy() for v in model.optimizer.variables)]
    return [*model.get_weights(), *model.optimizer.get_state()]


def assert_same_bits(ours: list[Any], theirs: list[Any]) -> None:
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        assert np.asarray(a).shape == np.asarray(b).shape
        assert np.asarray(a).tobytes() == np.asarray(b, np.asarray(a).dtype).tobytes()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("build", MODELS)
@pytest.mark.parametrize("writer", [numpy_nets, keras], ids=["from_numpy", "from_keras"])
def test_a_file_of_one_library_loads_in_the_other_bit_for_bit_and_training_goes_on(
    writer: Any, build: Any, dtype: str, tmp_path: Path
) -> None:
    reader = keras if writer is numpy_nets else numpy_nets
    optimizer = OPTIMIZERS[MODELS.index(build) % len(OPTIMIZERS)]
    path = tmp_path / "model.weights.h5"
    with precision(dtype):
        source = made(writer, build, optimizer, 3, dtype)
        source.save_weights(path)
        target = made(reader, build, optimizer, 1, dtype)
        before = state(target)
        target.load_weights(path)
        assert any(not np.array_equal(a, b) for a, b in zip(before, state(target), strict=True))
        ours, theirs = (source, target) if writer is numpy_nets else (target, source)
        assert_same_bits(state(ours), state(theirs))

        eps = float(np.finfo(dtype).eps)
        for step in range(3, 6):
            losses = [train(model, build, dtype, step) for model in (ours, theirs)]
            assert losses[0] == pytest.approx(losses[1], rel=64 * eps)
        for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
            assert np.max(np.abs(a - b)) <= 64 * eps * np.max(np.abs(b))


def test_a_model_compiled_but_not_trained_takes_a_trained_optimizer_from_a_file_of_keras(
    tmp_path: Path,
) -> None:
    path = tmp_path / "model.weights.h5"
    theirs = made(keras, small_autoencoder, OPTIMIZERS[0], 2, "float32")
    theirs.save_weights(path)
    ours = small_autoencoder(numpy_nets)
    ours.compile(OPTIMIZERS[0](numpy_nets), "mse")
    ours.load_weights(path)
    assert_same_bits(state(ours), state(theirs))


@pytest.mark.parametrize("writer", [numpy_nets, keras], ids=["from_numpy", "from_keras"])
def test_a_file_of_a_model_never_compiled_loads_in_the_other_library(
    writer: Any, tmp_path: Path
) -> None:
    path = tmp_path / "model.weights.h5"
    source = nested(writer)
    source.save_weights(path)
    target = nested(keras if writer is numpy_nets else numpy_nets)
    target.load_weights(path)
    assert_same_bits(target.get_weights(), source.get_weights())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("build", MODELS)
def test_copied_weights_are_the_same_bits_both_ways(build: Any, dtype: str) -> None:
    with precision(dtype):
        ours, theirs = build(numpy_nets), build(keras)
        inputs, _ = batch(build, dtype, 0)
        ours(inputs)
        theirs(inputs)
        copy_to_keras(ours, theirs)
        assert_same_bits(ours.get_weights(), theirs.get_weights())
        theirs.set_weights([w + 1 for w in theirs.get_weights()])
        copy_from_keras(theirs, ours)
        assert_same_bits(ours.get_weights(), theirs.get_weights())


def chain(k: Any, *units: int, bias: bool = True) -> Any:
    return k.Sequential([k.Input((3,)), *(k.layers.Dense(n, use_bias=bias) for n in units)])


@pytest.mark.parametrize(
    ("ours", "theirs", "message"),
    [
        ((4,), (4, 5), "expected 4 weights, got 2"),
        ((4, 5), (4, 6), r"weight 2: expected kernel \(4, 6\), got kernel \(4, 5\)"),
        ((4, 5), (6, 5), r"weight 0: expected kernel \(3, 6\), got kernel \(3, 4\)"),
    ],
)
def test_weights_of_another_model_are_refused_and_nothing_is_copied(
    ours: tuple[int, ...], theirs: tuple[int, ...], message: str
) -> None:
    mine, other = chain(numpy_nets, *ours), chain(keras, *theirs)
    before = mine.get_weights() + other.get_weights()
    with pytest.raises(ValueError, match=f"^copy_to_keras: {message}$"):
        copy_to_keras(mine, other)
    mine, other = chain(numpy_nets, *theirs), chain(keras, *ours)
    mine_before = mine.get_weights()
    with pytest.raises(ValueError, match=f"^copy_from_keras: {message}$"):
        copy_from_keras(other, mine)
    assert_same_bits(mine.get_weights(), mine_before)
    assert len(before) == 2 * (len(ours) + len(theirs))


def test_a_weight_of_another_name_is_refused_though_its_shape_fits() -> None:
    class Scaled(keras.layers.Layer):
        def build(self, input_shape: Any) -> None:
            self.scale = self.add_weight((3, 4), name="scale")
            self.bias = self.add_weight((4,), name="bias")

        def call(self, inputs: Any) -> Any:
            return keras.ops.matmul(inputs, self.scale) + self.bias

    other = keras.Sequential([keras.Input((3,)), Scaled()])
    before = other.get_weights()
    with pytest.raises(ValueError, match=r"weight 0: expected scale \(3, 4\), got kernel \(3, 4\)"):
        copy_to_keras(chain(numpy_nets, 4), other)
    assert_same_bits(other.get_weights(), before)
