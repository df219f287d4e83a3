"""The denoising autoencoder: what its corruptions do, and what it learns from them."""

import numpy as np
import pytest

from numpy_nets import GradientTape, gradcheck, ops, random
from numpy_nets.autodiff.tensor import Tensor
from numpy_nets.models.denoising import (
    DenoisingAutoencoder,
    GaussianNoise,
    MaskingNoise,
    build_code_decoder,
    build_code_encoder,
)
from numpy_nets.models.vae import bernoulli_log_likelihood
from numpy_nets.optimizers import Adam


def draw(corruption, shape=(400, 250), seed=0) -> np.ndarray:
    return corruption.draw(shape, np.random.default_rng(seed))


MASKING = MaskingNoise(0.25)


def model(corruption=MASKING) -> DenoisingAutoencoder:
    random.set_random_seed(0)
    return DenoisingAutoencoder(build_code_encoder(12, 8), build_code_decoder(12, 8), corruption, 0)


def data(n: int = 40) -> np.ndarray:
    """Pixels in pairs of equals, so that one tells what the other was before it was erased."""
    half = np.random.default_rng(0).integers(0, 2, (n, 6))
    return np.repeat(half, 2, axis=1).astype(np.float32)


@pytest.mark.parametrize("rate", [0.0, 0.25, 0.9])
def test_masking_erases_its_share_of_pixels_and_leaves_the_others_as_they_were(rate) -> None:
    corruption, x = MaskingNoise(rate), np.full((400, 250), 0.5, np.float32)
    corrupted = corruption(x, draw(corruption)).array
    assert set(np.unique(corrupted)) <= {0.0, 0.5}
    error = np.sqrt(rate * (1 - rate) / x.size)
    assert abs(np.mean(corrupted == 0) - rate) <= 5 * error


def test_masking_is_independent_from_pixel_to_pixel_and_image_to_image() -> None:
    corruption = MaskingNoise(0.5)
    kept = corruption(np.ones((400, 250), np.float32), draw(corruption)).array
    for axis in (0, 1):
        counts = kept.sum(axis)
        n = kept.shape[axis]
        assert counts.var() == pytest.approx(n / 4, rel=0.5)  # a binomial's


def test_gaussian_noise_has_mean_zero_and_the_deviation_it_is_built_with() -> None:
    corruption = GaussianNoise(0.3)
    x = np.full((400, 250), 0.5, np.float32)
    noise = corruption(x, draw(corruption)).array - 0.5
    n = noise.size
    assert abs(noise.mean()) < 5 * 0.3 / np.sqrt(n)
    assert abs(noise.std() - 0.3) < 5 * 0.3 / np.sqrt(2 * n)


def test_gaussian_noise_is_added() -> None:
    np.testing.assert_allclose(GaussianNoise(0.5)(np.ones(2), Tensor([2.0, -4.0])).array, [2, -1])


@pytest.mark.parametrize("rate", [-0.1, 1.0, 1.5, float("nan"), "0.3"])
def test_a_wrong_rate_raises(rate) -> None:
    with pytest.raises(ValueError, match="MaskingNoise: rate: expected"):
        MaskingNoise(rate)


@pytest.mark.parametrize("stddev", [0.0, -0.1, float("nan"), float("inf"), None])
def test_a_wrong_deviation_raises(stddev) -> None:
    with pytest.raises(ValueError, match="GaussianNoise: stddev: expected"):
        GaussianNoise(stddev)


def test_the_loss_compares_the_clean_image_with_the_reconstruction_of_the_corrupted_one() -> None:
    dae, x = model(), data(5)
    noise = np.random.default_rng(1).random((5, 12)).astype(np.float32)
    corrupted = np.where(noise < 0.25, 0, x).astype(np.float32)
    expected = -bernoulli_log_likelihood(x, dae(corrupted)).array.mean()
    assert dae.terms(x, noise)[0].array == expected
    assert (dae.draw_noise(x).array != dae.draw_noise(x).array).all()


def test_call_does_not_corrupt() -> None:
    dae, x = model(), data(5)
    np.testing.assert_array_equal(dae(x).array, dae.decoder(dae.encoder(x)).array)


@pytest.mark.parametrize("corruption", [MASKING, GaussianNoise(0.5)])
def test_the_loss_has_the_gradients_of_central_differences(corruption) -> None:
    rng = np.random.default_rng(0)
    x, kernel, out = rng.random((3, 5)), rng.normal(size=(5, 4)), rng.normal(size=(4, 5))
    noise = draw(corruption, (3, 5)).array.astype(np.float64)

    def loss(kernel, out) -> Tensor:
        codes = ops.sigmoid(ops.matmul(corruption(Tensor(x), Tensor(noise)), kernel))
        return bernoulli_log_likelihood(Tensor(x), ops.matmul(codes, out))

    gradcheck(loss, [kernel, out])


def test_it_learns_to_fill_in_what_was_erased() -> None:
    """Each pixel has a twin, which tells what it was."""
    dae = model()
    dae.compile(Adam(0.03))
    history = dae.fit(
        data(200), epochs=40, batch_size=50, verbose=0, validation_data=data()
    ).history
    assert set(history) == {"loss", "reconstruction", "val_loss", "val_reconstruction"}
    assert history["loss"] == history["reconstruction"]
    erased = data()
    erased[:, ::2] = 0  # one of each pair is left
    filled_in = dae(erased).array[:, ::2] > 0
    assert np.mean(filled_in == data()[:, ::2]) > 0.95


@pytest.mark.parametrize("logit", [-1e4, 1e4])
@pytest.mark.parametrize("corruption", [MaskingNoise(0.5), GaussianNoise(80.0)])
def test_extreme_inputs_stay_finite(logit, corruption) -> None:
    dae = model(corruption)
    bias = dae.decoder.trainable_variables[1]
    bias.assign(np.full(12, logit, np.float32))
    x = np.tile(np.array([[0, 1]], np.float32), (1, 6))  # a batch of one
    with GradientTape() as tape:
        (loss,) = dae.terms(x, dae.draw_noise(x))
    assert np.isfinite(loss.array)
    for gradient in tape.gradient(loss, dae.trainable_variables):
        assert np.isfinite(gradient.array).all()


def test_builders_have_the_shapes_in_their_docstrings() -> None:
    assert build_code_encoder().output_shape == (None, 500)
    assert build_code_decoder().output_shape == (None, 784)


def test_a_rate_of_0_keeps_every_pixel_even_where_0_was_drawn() -> None:
    x, uniform = np.ones((1, 3), np.float32), np.array([[0.0, 0.5, 0.25]], np.float32)
    np.testing.assert_array_equal(MaskingNoise(0.0)(x, Tensor(uniform)).array, [[1, 1, 1]])
    np.testing.assert_array_equal(MaskingNoise(0.5)(x, Tensor(uniform)).array, [[0, 1, 0]])
