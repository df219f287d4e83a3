"""Models whose loss is a sum of terms: their noise, and the data that a step takes."""

import numpy as np
import pytest

from numpy_nets import random
from numpy_nets.models.cvae import (
    ConditionalVAE,
    build_conditional_decoder,
    build_conditional_encoder,
)
from numpy_nets.models.denoising import (
    DenoisingAutoencoder,
    build_code_decoder,
    build_code_encoder,
)
from numpy_nets.models.vae import VAE, build_decoder, build_encoder


def noise(model: VAE) -> np.ndarray:
    return model.draw_noise(np.zeros((4, 6), np.float32)).numpy()


def model(seed: int | None) -> VAE:
    return VAE(build_encoder(6, 5, 3), build_decoder(6, 5, 3), seed=seed)


def test_without_a_seed_noise_is_drawn_from_the_shared_stream_that_a_checkpoint_holds() -> None:
    vae = model(None)
    random.set_random_seed(0)
    first = noise(vae)
    state = random.get_state()
    second = noise(vae)
    random.set_state(state)
    np.testing.assert_array_equal(noise(vae), second)
    random.set_random_seed(0)
    np.testing.assert_array_equal(noise(vae), first)
    assert (first != second).any()


def test_with_a_seed_noise_is_a_stream_of_its_own() -> None:
    a, b = model(3), model(3)
    state = random.get_state()
    first, second = noise(a), noise(a)
    assert (first != second).any()
    np.testing.assert_array_equal(noise(b), first)
    assert random.get_state() == state


X, Y = np.ones((4, 6), np.float32), np.eye(3, dtype=np.float32)[[0, 1, 2, 0]]


@pytest.mark.parametrize("data", [(X, None, None), (X, None), (X,)])
def test_a_step_takes_x_as_train_on_batch_of_keras_passes_it(data) -> None:
    vae = model(0)
    vae.compile("adam")
    for step in (vae.train_step, vae.test_step):
        vae.reset_metrics()
        assert np.isfinite(step(data)["loss"])


def test_a_step_takes_x_and_y_where_the_model_is_conditional() -> None:
    sizes = (6, 3, 5, 2)
    cvae = ConditionalVAE(build_conditional_encoder(*sizes), build_conditional_decoder(*sizes))
    cvae.compile("adam")
    assert np.isfinite(cvae.train_step((X, Y, None))["loss"])
    with pytest.raises(ValueError, match=r"ConditionalVAE: data: expected \(x, y\), got \(x\)"):
        cvae.train_step((X, None, None))


def test_targets_or_weights_that_no_term_uses_raise() -> None:
    autoencoder = DenoisingAutoencoder(build_code_encoder(6, 4), build_code_decoder(6, 4))
    for trained in (model(0), autoencoder):
        trained.compile("adam")
        said = rf"{type(trained).__name__}: data: expected \(x\), got \(x, y"
        with pytest.raises(ValueError, match=said + r"\)"):
            trained.fit(X, X, verbose=0)
        with pytest.raises(ValueError, match=said + ", sample_weight"):
            trained.evaluate(X, sample_weight=np.ones(4), verbose=0)
