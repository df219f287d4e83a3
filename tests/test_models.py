"""The autoencoder: shared weights, parameters, ranges, and learning."""

import numpy as np

from numpy_nets import random
from numpy_nets.models.autoencoder import build_autoencoder


def test_the_encoder_shares_its_weights_with_the_autoencoder():
    autoencoder, encoder = build_autoencoder(input_dim=6, latent_dim=2)
    assert [id(v) for v in encoder.weights] == [id(v) for v in autoencoder.weights[:2]]
    x = np.random.default_rng(0).random((5, 6)).astype("float32")
    before = encoder.predict(x, verbose=0)
    autoencoder.compile("adam", "binary_crossentropy")
    autoencoder.fit(x, x, epochs=3, verbose=0)
    assert not np.array_equal(encoder.predict(x, verbose=0), before)


def test_the_notebook_s_autoencoder_has_101200_parameters():
    autoencoder, encoder = build_autoencoder()
    assert autoencoder.count_params() == 784 * 64 + 64 + 64 * 784 + 784 == 101200
    assert encoder.output_shape == (None, 64) and autoencoder.output_shape == (None, 784)
    assert (autoencoder.name, encoder.name) == ("autoencoder", "encoder")


def test_reconstructions_are_in_0_to_1_and_codes_are_not_negative():
    autoencoder, encoder = build_autoencoder(8, 3)
    x = np.random.default_rng(0).normal(size=(20, 8)) * 10
    y = autoencoder.predict(x, verbose=0)
    assert ((y >= 0) & (y <= 1)).all() and (encoder.predict(x, verbose=0) >= 0).all()


def test_the_autoencoder_learns_to_copy_a_line_in_space():
    random.set_random_seed(1)
    autoencoder, _ = build_autoencoder(4, 1, "linear", "linear")
    t = np.random.default_rng(0).normal(size=(200, 1))
    x = t @ np.array([[1.0, -2.0, 0.5, 1.0]])
    autoencoder.compile("adam", "mse")
    autoencoder.optimizer.learning_rate = 0.02
    losses = autoencoder.fit(x, x, epochs=40, verbose=0).history["loss"]
    assert losses[-1] < 1e-3 * losses[0]
