import numpy as np

from numpy_nets import random
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
