"""The variational autoencoder against mathematics: closed forms and exact likelihoods.

The laws of its KL term and of its crossentropy are in tests/properties.
"""

import re

import numpy as np
import pytest

from numpy_nets import GradientTape, config, gradcheck, ops, random
from numpy_nets.autodiff.tensor import Tensor
from numpy_nets.layers import Dense, Input
from numpy_nets.models import Model
from numpy_nets.models.vae import (
    VAE,
    bernoulli_log_likelihood,
    build_decoder,
    build_encoder,
    build_gaussian_decoder,
    gaussian_kl,
    gaussian_log_likelihood,
    reparameterize,
)
from numpy_nets.optimizers import Adam
from numpy_nets.theory.ppca import fit_ppca


def tensor(x) -> Tensor:
    return Tensor(np.asarray(x, np.float64))


def test_the_reparameterization_is_the_mean_plus_the_noise_times_the_deviation() -> None:
    z = reparameterize(tensor([[1.0, -2.0]]), tensor([[0.0, np.log(4.0)]]), [[0.25, -3.0]])
    np.testing.assert_allclose(z.array, [[1.25, -8.0]], rtol=1e-15)


def test_the_gradient_through_the_reparameterization_is_that_of_the_expectation() -> None:
    """E[z³] = μ³ + 3 μ σ², so ∂/∂μ = 3 μ² + 3 σ² and ∂/∂log σ² = 3 μ σ²."""
    mean, log_var = tensor([[0.7]]), tensor([[-0.4]])
    epsilon = np.random.default_rng(0).standard_normal((400_000, 1))
    with GradientTape() as tape:
        tape.watch([mean, log_var])
        z = reparameterize(mean, log_var, epsilon)
        value = ops.mean(z * z * z)
    gradients = [float(g.array[0, 0]) for g in tape.gradient(value, [mean, log_var])]
    m, v = 0.7, np.exp(-0.4)
    z = m + np.sqrt(v) * epsilon[:, 0]
    samples = [3 * z**2, 1.5 * z**2 * np.sqrt(v) * epsilon[:, 0]]
    for g, expected, each in zip(gradients, [3 * m**2 + 3 * v, 3 * m * v], samples, strict=True):
        assert abs(g - expected) < 5 * each.std() / np.sqrt(len(each))


def test_log_likelihoods_are_the_closed_forms() -> None:
    rng = np.random.default_rng(0)
    x, z = rng.random((4, 3)), rng.normal(size=(4, 3))
    p = 1 / (1 + np.exp(-z))
    expected = np.sum(x * np.log(p) + (1 - x) * np.log(1 - p), axis=1)
    np.testing.assert_allclose(bernoulli_log_likelihood(x, tensor(z)).array, expected)
    log_var = rng.normal(size=(4, 3))
    densities = np.exp(-0.5 * (x - z) ** 2 / np.exp(log_var)) / np.sqrt(2 * np.pi * np.exp(log_var))
    log_likelihoods = gaussian_log_likelihood(x, [tensor(z), tensor(log_var)]).array
    np.testing.assert_allclose(log_likelihoods, np.log(densities).sum(axis=1))


def test_all_terms_have_the_gradients_of_central_differences() -> None:
    rng = np.random.default_rng(0)
    a, b, c = (rng.normal(size=(2, 3)) for _ in range(3))
    gradcheck(gaussian_kl, [a, b])
    gradcheck(reparameterize, [a, b, c])
    gradcheck(bernoulli_log_likelihood, [rng.random((2, 3)), a])
    gradcheck(lambda x, m, v: gaussian_log_likelihood(x, [m, v]), [a, b, c])


def model(**options) -> VAE:
    random.set_random_seed(0)
    return VAE(build_encoder(12, 8, 3), build_decoder(12, 8, 3), seed=0, **options)


def data(n: int = 40) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 2, (n, 12)).astype(np.float32)


@pytest.mark.parametrize("options", [{}, {"beta": 4.0}, {"samples": 3}])
def test_the_logged_terms_add_up_to_the_logged_loss(options) -> None:
    vae = model(**options)
    vae.compile(Adam(0.01))
    history = vae.fit(data(), None, 16, 20, 0, validation_data=data()).history
    assert set(history) == {
        "loss", "reconstruction", "kl", "val_loss", "val_reconstruction", "val_kl",
    }  # fmt: skip
    for prefix in ("", "val_"):
        total = np.add(history[f"{prefix}reconstruction"], history[f"{prefix}kl"])
        np.testing.assert_allclose(history[f"{prefix}loss"], total, rtol=1e-6)
    assert history["loss"][-1] < history["loss"][0]


@pytest.mark.parametrize("samples", [2, 3])
def test_several_samples_are_the_mean_of_single_ones(samples) -> None:
    x = data(5)
    epsilon = np.random.default_rng(1).standard_normal((5 * samples, 3)).astype(np.float32)
    several, one = model(samples=samples), model()
    single = [one.terms(x, epsilon[5 * i :][:5])[0].array for i in range(samples)]
    reconstruction = several.terms(x, epsilon)[0].array
    assert reconstruction == pytest.approx(np.mean(single), rel=1e-5)


def test_a_batch_of_one_trains() -> None:
    vae = model()
    vae.compile("adam")
    assert np.isfinite(vae.fit(data(3), batch_size=1, verbose=0).history["loss"]).all()


@pytest.mark.parametrize("log_var", [-80.0, 80.0])
@pytest.mark.parametrize("logit", [-1e4, 1e4])
@pytest.mark.parametrize("samples", [1, 3])
def test_extreme_codes_and_logits_stay_finite(log_var, logit, samples) -> None:
    vae = model(samples=samples)
    vae.encoder.trainable_variables[-1].assign(np.full(3, log_var, np.float32))
    vae.decoder.trainable_variables[-1].assign(np.full(12, logit, np.float32))
    assert_finite(vae, [[0, 1] * 6])


@pytest.mark.parametrize("log_var", [-80.0, 80.0])
def test_an_extreme_variance_of_gaussian_pixels_stays_finite(log_var) -> None:
    random.set_random_seed(0)
    decoder = build_gaussian_decoder(12, 8, 3)
    decoder.trainable_variables[-1].assign(np.full(12, log_var, np.float32))
    assert_finite(VAE(build_encoder(12, 8, 3), decoder, gaussian_log_likelihood), [[0, 1] * 6])


def assert_finite(vae: VAE, x) -> None:
    """The terms of the loss and all gradients, in float32."""
    x = np.array(x, np.float32)
    epsilon = np.random.default_rng(0).standard_normal((vae.samples * len(x), 3))
    with GradientTape() as tape:
        terms = vae.terms(x, epsilon.astype(np.float32))
        loss = sum(terms)
    assert np.isfinite([term.array for term in terms]).all()
    for gradient in tape.gradient(loss, vae.trainable_variables):
        assert np.isfinite(gradient.array).all()


@pytest.mark.parametrize("shift", [0.0, 0.8])
def test_a_linear_gaussian_vae_s_elbo_is_the_exact_log_likelihood_less_the_kl_to_the_posterior(
    monkeypatch, shift
) -> None:
    """A VAE that is probabilistic PCA; q is the true posterior moved by `shift` deviations."""
    monkeypatch.setattr(config, "_floatx", "float64")
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 2)) @ rng.normal(size=(2, 5)) + 0.3 * rng.normal(size=(200, 5))
    ppca = fit_ppca(x, 2)
    _, covariance = ppca.posterior(x)
    # q is diagonal, so rotate the latent axes to those in which the true posterior is diagonal.
    values, axes = np.linalg.eigh(covariance)
    at_zero = ppca.posterior(np.zeros(5))[0] @ axes
    slopes = ppca.posterior(np.eye(5))[0] @ axes - at_zero

    inputs, z = Input((5,)), Input((2,))
    encoder = Model(inputs, [Dense(2)(inputs), Dense(2)(inputs)])
    encoder.set_weights(
        [slopes, at_zero + shift * np.sqrt(values), np.zeros((5, 2)), np.log(values)]
    )
    decoder = Model(z, [Dense(5)(z), Dense(5)(z)])
    log_var = np.full(5, np.log(ppca.variance))
    decoder.set_weights([(ppca.weights @ axes).T, ppca.mean, np.zeros((2, 5)), log_var])
    vae = VAE(encoder, decoder, gaussian_log_likelihood, samples=200)
    draws = [-float(sum(vae.terms(x, rng.standard_normal((200 * 200, 2)))).array) for _ in range(5)]
    gap = shift**2  # KL(q ‖ p(z|x)) = ½ Σ shift² of two latents
    assert np.mean(draws) == pytest.approx(ppca.log_likelihood(x).mean() - gap, abs=0.01)


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.int64])
def test_beta_and_samples_may_be_numpy_numbers(kind) -> None:
    x, epsilon = data(4), np.ones((12, 3), np.float32)
    ours = model(beta=kind(2), samples=np.int64(3)).terms(x, epsilon)
    plain = model(beta=2.0, samples=3).terms(x, epsilon)
    assert [term.array.dtype for term in ours] == [np.float32] * 2
    assert [float(a.array) for a in ours] == [float(b.array) for b in plain]


def test_beta_may_be_0() -> None:
    reconstruction, kl = model(beta=0.0).terms(data(4), np.ones((4, 3), np.float32))
    assert reconstruction.array > 0 == kl.array


@pytest.mark.parametrize(
    ("name", "wrong"),
    [("beta", -0.5), ("beta", np.inf), ("beta", np.nan), ("beta", "1"), ("beta", 1j),
     ("samples", 0), ("samples", -1), ("samples", 2.5), ("samples", 0.5), ("samples", "1")],
)  # fmt: skip
def test_a_wrong_beta_or_number_of_samples_is_named(name, wrong) -> None:
    with pytest.raises(ValueError, match=f"VAE: {name}: expected .*, got {re.escape(repr(wrong))}"):
        model(**{name: wrong})


def test_builders_have_the_shapes_in_their_docstrings() -> None:
    assert build_encoder().output_shape == [(None, 20), (None, 20)]
    assert build_decoder().output_shape == (None, 784)
    assert build_gaussian_decoder().output_shape == [(None, 560), (None, 560)]
    mean = build_gaussian_decoder(4, 3, 2)(np.full((1, 2), 100.0))[0].array
    assert ((mean >= 0) & (mean <= 1)).all()
