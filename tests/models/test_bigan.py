"""BiGAN: which pairs D is shown, what each network learns from them, and that E inverts G."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from numpy_nets import Model, Sequential, random
from numpy_nets.autodiff.tensor import Tensor
from numpy_nets.layers import Concatenate, Dense, Input
from numpy_nets.models.bigan import (
    BiGAN,
    build_bigan_discriminator,
    build_bigan_encoder,
    build_bigan_generator,
)
from numpy_nets.optimizers import Adam

X = np.random.default_rng(0).uniform(-1, 1, (6, 4)).astype("float32")


def build(**options: Any) -> BiGAN:
    gan = BiGAN(
        build_bigan_generator(2, 4, 8), build_bigan_discriminator(4, 2, 8),
        build_bigan_encoder(4, 2, 8), **options,
    )  # fmt: skip
    gan.compile()
    return gan


def test_d_is_shown_images_with_their_codes_and_noise_with_its_images() -> None:
    gan, real = build(), Tensor(X)
    z = gan.latent(real)
    (label, (images, codes)), (fake_label, (fakes, noise)) = gan.examples(real, z)
    assert (label, fake_label) == (1.0, 0.0)
    np.testing.assert_array_equal(images.array, X)
    np.testing.assert_array_equal(codes.array, gan.encoder(X).array)
    np.testing.assert_array_equal(noise.array, z[0].array)
    np.testing.assert_array_equal(fakes.array, gan.generator(z[0]).array)


def test_a_d_that_says_one_half_leaves_log_2_in_each_term() -> None:
    gan, real = build(), Tensor(X)
    gan.discriminator.set_weights([0 * w for w in gan.discriminator.get_weights()])
    z = gan.latent(real)
    for term in gan.d_terms(real, z) + gan.g_terms(z):
        assert float(term) == pytest.approx(math.log(2), rel=1e-6)


def test_a_step_of_d_changes_d_alone_and_a_step_of_g_the_encoder_too() -> None:
    gan, real = build(), Tensor(X)

    def trained(network: Any) -> list[np.ndarray]:
        return [v.numpy() for v in network.trainable_variables]

    networks = {"d": gan.discriminator, "g": gan.generator, "e": gan.encoder}
    for step, moving in (("d", "d"), ("g", "ge")):
        before = {name: trained(network) for name, network in networks.items()}
        z = gan.latent(real)
        if step == "d":
            gan.learn_discriminator(real, z)
        else:
            gan.learn_generator(z)
        for name, network in networks.items():
            pairs = list(zip(before[name], trained(network), strict=True))
            same = all(np.array_equal(a, b) for a, b in pairs)
            assert same == (name not in moving), (step, name)


def test_an_encoder_without_weights_to_train_is_refused() -> None:
    """An encoder that is never trained is a known fault of other implementations."""
    encoder = build_bigan_encoder(4, 2, 8)
    encoder.trainable = False
    gan = BiGAN(build_bigan_generator(2, 4, 8), build_bigan_discriminator(4, 2, 8), encoder)
    with pytest.raises(ValueError, match="GAN: encoder: expected trainable weights, got none"):
        gan.compile()


def test_linear_g_and_e_learn_to_invert_each_other() -> None:
    """In one dimension G(z) = g z and E(x) = e x. Theorem 2 asks for E(G(z)) = z: e g = 1."""
    random.set_random_seed(1)
    generator = Sequential([Input((1,)), Dense(1, use_bias=False)], name="generator")
    encoder = Sequential([Input((1,)), Dense(1, use_bias=False)], name="encoder")
    x, z = Input((1,)), Input((1,))
    hidden = Dense(32, "tanh")(Concatenate()([x, z]))
    discriminator = Model([x, z], Dense(1, "sigmoid")(Dense(32, "tanh")(hidden)), name="d")
    generator.set_weights([np.array([[0.5]])])
    encoder.set_weights([np.array([[0.3]])])
    gan = BiGAN(generator, discriminator, encoder)
    gan.compile(Adam(2e-2, beta_1=0.5), Adam(2e-3, beta_1=0.5))
    data = 2.0 * np.random.default_rng(0).standard_normal((4000, 1)).astype("float32")
    gan.fit(data, batch_size=200, epochs=40, verbose=0)
    g, e = (float(network.get_weights()[0].item()) for network in (generator, encoder))
    assert g * e == pytest.approx(1.0, abs=0.05)  # 0.15 at first
    assert g > 1  # 0.5 at first, 2 for the data


def test_reconstructions_are_called_and_saved(tmp_path: Any) -> None:
    gan = build()
    history = gan.fit(X, batch_size=3, epochs=1, validation_data=X, verbose=0).history
    assert {"g_loss", "e_loss", "val_e_loss"} <= set(history)
    np.testing.assert_array_equal(
        gan.predict(X, verbose=0), gan.generator(gan.encoder(X)).array
    )
    gan.save_weights(tmp_path / "gan.weights.h5")
    other = build()
    other.load_weights(tmp_path / "gan.weights.h5")
    np.testing.assert_array_equal(gan.predict(X, verbose=0), other.predict(X, verbose=0))
