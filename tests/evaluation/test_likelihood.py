"""Both estimates against log p(x), where that is known: linear-Gaussian models and quadrature."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.polynomial.hermite_e import hermegauss

from numpy_nets import config, random
from numpy_nets.autodiff.tensor import Tensor
from numpy_nets.evaluation.likelihood import elbo, log_likelihood
from numpy_nets.layers import Concatenate, Dense, Input
from numpy_nets.layers.layer import Layer
from numpy_nets.models import Model
from numpy_nets.models.cvae import ConditionalVAE
from numpy_nets.models.vae import (
    VAE,
    bernoulli_log_likelihood,
    build_decoder,
    build_encoder,
    gaussian_log_likelihood,
)
from numpy_nets.optimizers import Adam
from numpy_nets.optimizers.schedules import ExponentialDecay
from numpy_nets.theory.ppca import PPCA, fit_ppca


@pytest.fixture(autouse=True, scope="module")
def float64():
    before = config.floatx()
    config.set_floatx("float64")
    yield
    config.set_floatx(before)


class LogVariance(Layer):
    """One number for all pixels, whatever z is: the noise of probabilistic PCA."""

    def build(self, input_shape):
        self.value = self.add_weight((1,), "zeros")

    def call(self, z):
        return self.value

    def compute_output_shape(self, input_shape):
        return (None, 1)


def linear_vae(d, k):
    """An untrained VAE with q(z|x) = N(A x + a, S), p(x|z) = N(W z + μ, σ² I)."""
    x, z = Input(shape=(d,)), Input(shape=(k,))
    encoder = Model(x, [Dense(k)(x), Dense(k)(x)])
    return VAE(encoder, Model(z, [Dense(d)(z), LogVariance()(z)]), gaussian_log_likelihood, seed=0)


def vae_of(ppca, shift=0.0, widen=0.0):
    """A VAE with the decoder of ppca and its exact posterior as the encoder.

    After a fit the posterior's axes are those of z, so it is diagonal.

    `shift` is added to the encoder's mean, in its standard deviations, `widen` to its log variance.
    """
    d, k = ppca.weights.shape
    bias, covariance = ppca.posterior(np.zeros(d))
    kernel = ppca.posterior(np.eye(d))[0] - bias
    vae = linear_vae(d, k)
    log_var = np.log(np.diag(covariance)) + widen
    mean = bias + shift * np.sqrt(np.diag(covariance))
    vae.encoder.set_weights([kernel, mean, np.zeros((d, k)), log_var])
    vae.decoder.set_weights([ppca.weights.T, ppca.mean, np.log([ppca.variance])])
    return vae


def sample(n=300, d=6, k=2, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, k)) @ rng.normal(size=(k, d)) + 0.5 * rng.normal(size=(n, d)) + 1


def binary_vae(latent=1):
    random.set_random_seed(0)
    vae = VAE(build_encoder(12, 8, latent), build_decoder(12, 8, latent), seed=0)
    vae.decoder.set_weights([2 * w for w in vae.decoder.get_weights()])
    return vae, np.random.default_rng(0).integers(0, 2, (20, 12)).astype(float)


# Where log p(x) is known.


def test_at_the_optimum_of_ppca_every_estimate_is_exactly_log_p():
    """q is the posterior, so w = p(x) at every z: one sample has no error but rounding."""
    x = sample()
    ppca = fit_ppca(x, 2)
    vae, exact = vae_of(ppca), ppca.log_likelihood(x)
    for samples in (1, 7):
        np.testing.assert_allclose(elbo(vae, x, samples, seed=1), exact, rtol=1e-11)
        np.testing.assert_allclose(log_likelihood(vae, x, samples, seed=2), exact, rtol=1e-11)


def bounds(ppca, shift, widen, copies, samples, seed=0):
    """Many estimates of the same x, each with its own noise, for each number of samples."""
    x = sample(1, len(ppca.mean), seed=seed + 1)
    vae = vae_of(ppca, shift, widen)
    repeated = np.repeat(x, copies, axis=0)
    estimates = [log_likelihood(vae, repeated, k, seed=seed + k) for k in samples]
    return np.array(estimates), ppca.log_likelihood(x)[0]


def rises(estimates, exact):
    """The steps from each estimate to the next, and from the last to exact, in standard errors."""
    steps = np.diff(estimates.mean(axis=1), append=exact)
    squares = estimates.var(axis=1) / estimates.shape[1]
    return steps / np.sqrt(squares + np.append(squares[1:], 0) + 1e-24)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 3), st.floats(-1, 1), st.floats(-0.3, 1), st.integers(0, 1000))
def test_the_bound_rises_with_k_to_at_most_log_p(latent, shift, widen, seed):
    """On average over the noise: no step is down by more than 5 standard errors."""
    ppca = fit_ppca(sample(50, 4, 2, seed), latent)
    estimates, exact = bounds(ppca, shift, widen, 300, [1, 4, 16], seed)
    assert (rises(estimates, exact) > -5).all()


def test_it_rises_strictly_where_the_encoder_is_not_the_posterior():
    """From 1 to 4 to 16 samples to log p(x), every step is up by more than 5 standard errors."""
    estimates, exact = bounds(fit_ppca(sample(), 2), 1.0, 0.5, 3000, [1, 4, 16])
    assert (rises(estimates, exact) > 5).all()


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 20), st.floats(-1, 1), st.floats(-0.5, 1), st.integers(0, 1000))
def test_from_the_same_weights_the_elbo_is_never_above_the_estimate(samples, shift, widen, seed):
    x = sample(10, seed=seed)
    vae = vae_of(fit_ppca(x, 2), shift, widen)
    difference = log_likelihood(vae, x, samples, seed=seed) - elbo(vae, x, samples, seed=seed)
    assert (difference >= -1e-11).all()


def test_five_thousand_samples_are_near_log_p():
    """Within 0.1 nats for each image and 0.02 on average, while the ELBO is 0.5 below."""
    x = sample()
    ppca = fit_ppca(x, 2)
    vae, exact = vae_of(ppca, shift=0.8, widen=0.5), ppca.log_likelihood(x[:20])
    assert (exact - elbo(vae, x[:20], 1000, seed=0) > 0.5).all()
    estimates = log_likelihood(vae, x[:20], seed=0)
    np.testing.assert_allclose(estimates, exact, rtol=0, atol=0.1)
    assert estimates.mean() == pytest.approx(exact.mean(), abs=0.02)


def test_a_nonlinear_bernoulli_model_s_estimate_is_within_five_standard_errors_of_quadrature():
    """With q = the prior, w = p(x|z) and its variance is known by quadrature too."""
    vae, x = binary_vae()
    vae.encoder.set_weights([0 * w for w in vae.encoder.get_weights()])
    nodes, weights = hermegauss(80)
    logits = Tensor(np.tile(vae.decoder(nodes[:, None]).numpy(), (20, 1)))
    log_p = bernoulli_log_likelihood(np.repeat(x, 80, axis=0), logits).numpy().reshape(20, 80)
    weights /= np.sqrt(2 * np.pi)
    first, second = np.exp(log_p) @ weights, np.exp(2 * log_p) @ weights
    error = np.sqrt((second / first**2 - 1) / 5000)  # of log w's mean, where it is small
    assert error.max() < 0.05
    assert (np.abs(log_likelihood(vae, x, seed=0) - np.log(first)) < 5 * error).all()
    assert (elbo(vae, x, 1000, seed=0) < np.log(first)).all()


def test_a_trained_linear_vae_reaches_the_likelihood_of_ppca():
    """Within 0.5 %: the likelihood of its decoder, its ELBO, and the estimate of 50 samples."""
    x = sample()
    best = fit_ppca(x, 2).log_likelihood(x).mean()
    random.set_random_seed(0)
    vae = linear_vae(6, 2)
    vae.compile(Adam(ExponentialDecay(0.1, 300, 0.3), beta_2=0.99))
    assert elbo(vae, x, 10, seed=1).mean() < 1.5 * best  # both negative: far below
    vae.fit(x, batch_size=300, epochs=900, verbose=0)
    kernel, bias, log_var = vae.decoder.get_weights()
    learned = PPCA(bias, kernel.T, float(np.exp(log_var[0]))).log_likelihood(x).mean()
    assert learned <= best + 1e-9
    estimates = elbo(vae, x, 10, seed=1).mean(), log_likelihood(vae, x, 50, seed=1).mean()
    assert (learned, *estimates) == pytest.approx((best, best, best), rel=0.005)


def test_a_conditional_model_takes_x_and_y():
    """p(x|y) = N(μ_y, C): classes that differ in their mean only, so log p(x|y) is known."""
    ppca, offsets = fit_ppca(sample(), 2), np.array([[0.0] * 6, [1.0] * 6, [-2.0] * 6])
    y = np.eye(3)[np.arange(30) % 3]
    x = sample(30) + y @ offsets
    d, k = ppca.weights.shape
    bias, covariance = ppca.posterior(np.zeros(d))
    kernel = ppca.posterior(np.eye(d))[0] - bias
    pixels, classes, z = Input(shape=(d,)), Input(shape=(3,)), Input(shape=(k,))
    both = Concatenate()([pixels, classes])
    encoder = Model([pixels, classes], [Dense(k)(both), Dense(k)(both)])
    encoder.set_weights([np.vstack([kernel, -offsets @ kernel]), bias,
                         np.zeros((d + 3, k)), np.log(np.diag(covariance))])  # fmt: skip
    decoded = Dense(d)(Concatenate()([z, classes]))
    decoder = Model([z, classes], [decoded, LogVariance()(z)])
    mean = [np.vstack([ppca.weights.T, offsets]), ppca.mean]
    decoder.set_weights([*mean, np.log([ppca.variance])])
    vae = ConditionalVAE(encoder, decoder, gaussian_log_likelihood)
    exact = ppca.log_likelihood(x - y @ offsets)
    for estimate in (elbo, log_likelihood):
        estimates = estimate(vae, (x, y), 3, seed=0, batch_size=7)
        np.testing.assert_allclose(estimates, exact, rtol=1e-11)


# How the estimates are computed.


def test_the_estimate_is_the_log_of_the_mean_weight_and_the_elbo_the_mean_of_the_logs():
    vae, x = binary_vae(3)
    epsilon = random.normal((8 * 20, 3), seed=5)
    log_w = vae.log_weights(Tensor(x), epsilon, 8).numpy()
    np.testing.assert_allclose(elbo(vae, x, 8, seed=5), log_w.mean(axis=0))
    np.testing.assert_allclose(
        log_likelihood(vae, x, 8, seed=5), np.log(np.exp(log_w).mean(axis=0))
    )


@pytest.mark.parametrize("chunk", [1, 7, 50, 500])
def test_chunks_change_nothing_but_rounding(chunk):
    vae, x = binary_vae(3)
    expected = log_likelihood(vae, x, 120, seed=1, chunk=120)
    chunked = log_likelihood(vae, x, 120, seed=1, chunk=chunk)
    np.testing.assert_allclose(chunked, expected, rtol=1e-13)


def test_memory_does_not_grow_with_the_number_of_samples():
    vae, x = binary_vae(3)

    def peak(samples):
        tracemalloc.start()
        log_likelihood(vae, x, samples, seed=0, chunk=10)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(10)  # what is loaded at the first call does not count
    assert peak(1000) < 1.1 * peak(20)


def test_weights_whose_exp_would_overflow_are_added_without_loss():
    vae, x = binary_vae()
    vae.log_likelihood = lambda x, logits: bernoulli_log_likelihood(x, logits) - 1e5
    shifted = log_likelihood(vae, x, 50, seed=0)
    vae.log_likelihood = bernoulli_log_likelihood
    np.testing.assert_allclose(shifted + 1e5, log_likelihood(vae, x, 50, seed=0), atol=1e-9)


def test_batches_cover_all_images_in_their_order():
    x = sample(25)
    ppca = fit_ppca(x, 2)
    estimates = elbo(vae_of(ppca), x, seed=0, batch_size=7)
    np.testing.assert_allclose(estimates, ppca.log_likelihood(x), rtol=1e-11)


def test_the_same_seed_gives_the_same_numbers_and_another_seed_others():
    vae, x = binary_vae(3)
    for estimate in (elbo, log_likelihood):
        first = estimate(vae, x, 5, seed=3)
        np.testing.assert_array_equal(first, estimate(vae, x, 5, seed=3))
        assert (first != estimate(vae, x, 5, seed=4)).any()


def test_the_weight_beta_is_used_in_training_only():
    vae, x = binary_vae(3)
    heavier = VAE(vae.encoder, vae.decoder, beta=4.0)
    np.testing.assert_array_equal(elbo(vae, x, seed=0), elbo(heavier, x, seed=0))


def test_a_float32_model_gives_float64_near_those_of_float64(monkeypatch):
    vae, x = binary_vae(3)
    epsilon = random.normal((50 * 20, 3), seed=0, dtype="float32").numpy()
    monkeypatch.setattr(
        random, "normal", lambda shape, **_: Tensor(epsilon.astype(config.floatx()))
    )
    expected = log_likelihood(vae, x, 50)
    weights = vae.get_weights()
    monkeypatch.setattr(config, "_floatx", "float32")
    single, _ = binary_vae(3)
    single.set_weights(weights)
    estimates = log_likelihood(single, x, 50)
    assert estimates.dtype == np.float64
    np.testing.assert_allclose(estimates, expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"samples": 0}, "log_likelihood: samples: expected a positive integer, got 0"),
        ({"samples": 2.5}, "samples: expected a positive integer, got 2.5"),
        ({"samples": 2, "chunk": 0}, "log_likelihood: chunk: expected a positive integer, got 0"),
        ({"batch_size": 0}, "batch_size: expected a positive integer, got 0"),
        ({"data": np.zeros((0, 12))}, r"data: x: expected samples, got .* shape \(0, 12\)"),
        ({"data": np.full((2, 12), np.nan)}, "data: x: expected finite values, got nan"),
        ({"data": np.zeros((2, 11))}, r"expected input of shape \(None, 12\), got \(2, 11\)"),
        ({"data": (np.zeros((2, 12)), np.zeros(3))}, "data: y: expected 2 samples, got 3"),
    ],
)
def test_what_does_not_fit_raises_one_line_that_says_what_was_expected(options, message):
    vae, x = binary_vae()
    with pytest.raises(ValueError, match=message) as error:
        log_likelihood(vae, **{"data": x, **options})
    assert "\n" not in str(error.value)
