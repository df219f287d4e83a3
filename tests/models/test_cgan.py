"""The conditional GAN: what G and D are given, and that G heeds the label."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from numpy_nets import ops, random
from numpy_nets.autodiff.tensor import Tensor
from numpy_nets.models.cgan import (
    ConditionalGAN,
    build_conditional_discriminator,
    build_conditional_generator,
)
from numpy_nets.optimizers import Adam

EYE = np.eye(3, dtype="float32")


def build(**options: Any) -> ConditionalGAN:
    gan = ConditionalGAN(
        build_conditional_generator(2, 3, 4, (8,)),
        build_conditional_discriminator(4, 3, (8,)),
        **options,
    )
    gan.compile()
    return gan


def batch(n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.uniform(-1, 1, (n, 4)).astype("float32"), EYE[np.arange(n) % 3]


def test_the_fakes_have_the_labels_of_the_real_images_beside_them() -> None:
    gan, (x, y) = build(), batch(6)
    real = gan.given((Tensor(x), Tensor(y)))
    z = gan.latent(real)
    (label, (images, labels)), (fake_label, (fakes, fake_labels)) = gan.examples(real, z)
    assert (label, fake_label) == (1.0, 0.0)
    np.testing.assert_array_equal(images.array, x)
    np.testing.assert_array_equal(labels.array, y)
    np.testing.assert_array_equal(fake_labels.array, y)
    assert z[0].shape == (6, 2) and fakes.shape == (6, 4)


def test_each_of_k_steps_has_its_own_images_and_their_labels(monkeypatch: Any) -> None:
    gan, (x, y) = build(k=2), batch(6)
    seen: list[Any] = []
    monkeypatch.setattr(gan, "learn_discriminator", lambda real, z: seen.append((real, z)))
    gan.train_step((Tensor(x), Tensor(y)))
    assert len(seen) == 2
    for i, ((images, labels), (_, fake_labels)) in enumerate(seen):
        np.testing.assert_array_equal(images.array, x[i::2])
        np.testing.assert_array_equal(labels.array, y[i::2])
        np.testing.assert_array_equal(fake_labels.array, y[i::2])


@pytest.mark.parametrize("data", ["x", "(x,)", "(x, None)"])
def test_data_without_labels_are_refused(data: str) -> None:
    gan, (x, _) = build(), batch(4)
    given = {"x": x, "(x,)": (x,), "(x, None)": (x, None)}[data]
    with pytest.raises(ValueError, match=r"ConditionalGAN: data: expected \(x, y\), with one-hot"):
        gan.train_step(given)
    with pytest.raises(ValueError, match="one-hot labels y, got x"):
        gan.test_step(given)


def test_a_step_of_d_leaves_what_g_learns_and_the_reverse() -> None:
    """The moving averages of G's batch normalization move in both, as G makes images in both."""
    gan, (x, y) = build(), batch(6)
    real = gan.given((Tensor(x), Tensor(y)))

    def learned(network: Any) -> list[np.ndarray]:
        return [v.numpy() for v in network.trainable_variables]

    networks = {"d": gan.discriminator, "g": gan.generator}
    for step in "dg":
        before = {name: learned(network) for name, network in networks.items()}
        z = gan.latent(real)
        gan.learn_discriminator(real, z) if step == "d" else gan.learn_generator(z)
        for name, network in networks.items():
            pairs = zip(before[name], learned(network), strict=True)
            assert all(np.array_equal(a, b) for a, b in pairs) == (name != step)


def test_after_training_the_label_chooses_what_is_drawn() -> None:
    """Class c is a point of its own in the plane; G finds it, from noise that says nothing of c."""
    random.set_random_seed(0)
    points = np.array([[0.6, 0.0], [-0.6, 0.4], [0.0, -0.6]], "float32")
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 2000)
    x = points[labels] + 0.05 * rng.standard_normal((2000, 2)).astype("float32")
    gan = ConditionalGAN(
        build_conditional_generator(2, 3, 2, (32,)),
        build_conditional_discriminator(2, 3, (32,), dropout=0.0),
    )
    gan.compile(Adam(2e-3, beta_1=0.5), Adam(2e-3, beta_1=0.5))
    gan.fit(x, EYE[labels], batch_size=100, epochs=40, verbose=0)
    for label, point in enumerate(points):
        z = rng.standard_normal((200, 2)).astype("float32")
        drawn = gan.generator([z, np.repeat(EYE[label : label + 1], 200, 0)]).array
        assert np.linalg.norm(drawn.mean(0) - point) < 0.2
        nearest = np.linalg.norm(drawn[:, None] - points, axis=2).argmin(1)
        assert np.mean(nearest == label) > 0.95


def test_evaluate_and_weights_work_as_for_a_gan(tmp_path: Any) -> None:
    gan, (x, y) = build(averaged=build_conditional_generator(2, 3, 4, (8,))), batch(9)
    history = gan.fit(x, y, batch_size=3, epochs=1, validation_data=(x, y), verbose=0).history
    assert set(history) == {f"{p}{name}" for p in ("", "val_") for name in gan.reported}
    gan.save_weights(tmp_path / "gan.weights.h5")
    other = build(averaged=build_conditional_generator(2, 3, 4, (8,)))
    other.load_weights(tmp_path / "gan.weights.h5")
    z = [Tensor(np.ones((3, 2), "float32")), Tensor(EYE)]
    np.testing.assert_array_equal(gan(z).array, other(z).array)
    assert ops.shape(gan(z)) == (3, 1)


def test_a_weight_beside_the_labels_is_not_in_the_way() -> None:
    """`train_on_batch` of Keras passes (x, y, None)."""
    gan, (x, y) = build(), batch(4)
    logs = gan.train_step((Tensor(x), Tensor(y), None))
    assert set(logs) == set(gan.reported)
