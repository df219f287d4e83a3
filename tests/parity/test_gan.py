"""The GAN of keras_ref: files that go both ways, steps that touch one network, graphs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

keras = pytest.importorskip("keras")

import numpy_nets  # noqa: E402
from keras_ref.parity import precision  # noqa: E402
from keras_ref.parity.both import normal  # noqa: E402
from keras_ref.parity.cases import gan as gan_cases  # noqa: E402


def state(gan: Any) -> list[np.ndarray]:
    """Weights and optimizer variables of D and of G."""
    arrays: list[Any] = []
    for network in (gan.discriminator, gan.generator):
        arrays += network.get_weights()
    for optimizer in (gan.d_optimizer, gan.g_optimizer):
        arrays += [variable.numpy() for variable in optimizer.variables]
    return [np.asarray(x) for x in arrays]


def bits(arrays: list[np.ndarray]) -> list[bytes]:
    return [a.astype(np.int64 if a.dtype.kind == "i" else a.dtype).tobytes() for a in arrays]


def step(gan: Any, seed: int, dtype: str) -> None:
    k = keras if isinstance(gan, keras.Model) else numpy_nets
    x = normal(8, gan_cases.PIXELS, seed=seed).astype(dtype)
    z = normal(8, gan_cases.LATENT, seed=seed).astype(dtype)
    gan.learn_discriminator(*map(k.ops.convert_to_tensor, (x, z)))
    gan.learn_generator(k.ops.convert_to_tensor(z))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("writer", [numpy_nets, keras], ids=["from_numpy", "from_keras"])
def test_a_file_with_both_optimizers_loads_in_the_other_library_and_training_goes_on(
    writer: Any, dtype: str, tmp_path: Path
) -> None:
    reader = keras if writer is numpy_nets else numpy_nets
    path = tmp_path / "gan.weights.h5"
    with precision(dtype):
        source, target = gan_cases.build(writer), gan_cases.build(reader)
        for seed in range(2):
            step(source, seed, dtype)
        source.save_weights(path)
        target.load_weights(path)
        assert bits(state(source)) == bits(state(target))
        step(source, 5, dtype)
        step(target, 5, dtype)
        for part in ("generator", "discriminator"):
            a, b = (
                np.concatenate([w.ravel() for w in getattr(gan, part).get_weights()])
                for gan in (source, target)
            )
            assert np.max(np.abs(a - b)) <= 64 * np.finfo(dtype).eps * np.max(np.abs(b))


@pytest.mark.parametrize("half_steps", [False, True])
def test_a_step_of_one_leaves_the_other_bit_for_bit_in_keras_too(half_steps: bool) -> None:
    gan = gan_cases.build(keras, half_steps=half_steps)
    x, z = normal(8, gan_cases.PIXELS), normal(8, gan_cases.LATENT)
    sides = {"d": (gan.discriminator, gan.d_optimizer), "g": (gan.generator, gan.g_optimizer)}

    def now(side: str) -> list[bytes]:
        network, optimizer = sides[side]
        return bits([*network.get_weights(), *(v.numpy() for v in optimizer.variables)])

    d, g = now("d"), now("g")
    gan.learn_discriminator(*(keras.ops.cast(a, "float32") for a in (x, z)))
    assert now("g") == g and now("d") != d
    d = now("d")
    gan.learn_generator(keras.ops.cast(z, "float32"))
    assert now("d") == d and now("g") != g
    assert int(gan.d_optimizer.iterations) == (2 if half_steps else 1)


def test_fit_in_a_graph_of_keras_deals_a_batch_out_to_the_k_steps() -> None:
    gan = gan_cases.build(keras, k=3)
    gan.compile(jit_compile=False)
    x = normal(22, gan_cases.PIXELS).astype("float32")
    history = gan.fit(x, batch_size=9, epochs=2, verbose=0).history
    assert set(history) == set(gan.reported)
    assert np.isfinite(list(history.values())).all()
    assert int(gan.g_optimizer.iterations) == 6 and int(gan.d_optimizer.iterations) == 18
