"""The importance-weighted autoencoder: its bound between the ELBO and the exact log p(x)."""

import numpy as np
import pytest

from numpy_nets import GradientTape, config, gradcheck, ops, random
from numpy_nets.autodiff.tensor import Tensor
from numpy_nets.layers import Dense, Input
from numpy_nets.models import Model
from numpy_nets.models.iwae import IWAE
from numpy_nets.models.vae import VAE, build_decoder, build_encoder, gaussian_log_likelihood
from numpy_nets.optimizers import Adam
from numpy_nets.theory.ppca import PPCA, fit_ppca


def parts() -> tuple[Model, Model]:
    random.set_random_seed(0)
    return build_encoder(12, 8, 3), build_decoder(12, 8, 3)


def data(n: int = 40) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 2, (n, 12)).astype(np.float32)


def noise(*shape: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(config.floatx())


def loss(model: VAE, x, epsilon) -> float:
    return float(sum(model.terms(x, epsilon)).array)


def log_normal(x, mean, log_var) -> np.ndarray:
    density = np.exp(-0.5 * (x - mean) ** 2 / np.exp(log_var)) / np.sqrt(
        2 * np.pi * np.exp(log_var)
    )
    return np.log(density).sum(-1)


def test_one_sample_gives_the_estimate_of_the_elbo_without_a_closed_form() -> None:
    x, epsilon = data(5), noise(5, 3)
    iwae = IWAE(*parts(), samples=1)
    mean, log_var = (y.array for y in iwae.encode(x))
    z = mean + np.exp(0.5 * log_var) * epsilon
    p = 1 / (1 + np.exp(-iwae.decoder(z).array))
    log_w = np.log(np.where(x == 1, p, 1 - p)).sum(-1)
    log_w += log_normal(z, 0.0, np.zeros(3)) - log_normal(z, mean, log_var)
    assert loss(iwae, x, epsilon) == pytest.approx(-log_w.mean(), rel=1e-5)


def test_one_sample_gives_the_loss_of_the_vae_in_expectation() -> None:
    x = np.repeat(data(1), 20_000, axis=0)
    epsilon = noise(20_000, 3)
    vae, iwae = VAE(*parts()), IWAE(*parts(), samples=1)
    log_w = iwae.log_weights(x, epsilon, 1).array
    error = log_w.std() / np.sqrt(20_000)  # above that of the difference: the noise is the same
    assert abs(loss(vae, x, epsilon) - loss(iwae, x, epsilon)) < 5 * error


def test_the_loss_is_minus_the_log_of_the_mean_weight() -> None:
    x, epsilon = data(5), noise(20, 3)
    iwae = IWAE(*parts(), samples=4)
    w = np.exp(iwae.log_weights(x, epsilon, 4).array.astype(np.float64))
    assert loss(iwae, x, epsilon) == pytest.approx(-np.log(w.mean(0)).mean(), rel=1e-6)


def linear(samples: int, shift: float) -> tuple[IWAE, np.ndarray, float]:
    """An IWAE that is probabilistic PCA; data; and the mean of their exact log p(x).

    Its q(z|x) is the true posterior, moved by `shift` of its standard deviations.
    """
    rng = np.random.default_rng(0)
    x = rng.normal(size=(100, 2)) @ rng.normal(size=(2, 5)) + 0.5 * rng.normal(size=(100, 5))
    fitted = fit_ppca(x, 2)
    _, covariance = fitted.posterior(x)
    values, axes = np.linalg.eigh(covariance)  # q is diagonal: turn z to the posterior's axes
    ppca = PPCA(fitted.mean, fitted.weights @ axes, fitted.variance)
    at_zero, _ = ppca.posterior(np.zeros(5))
    slopes = ppca.posterior(np.eye(5))[0] - at_zero

    inputs, z = Input((5,)), Input((2,))
    encoder = Model(inputs, [Dense(2)(inputs), Dense(2)(inputs)])
    encoder.set_weights(
        [slopes, at_zero + shift * np.sqrt(values), np.zeros((5, 2)), np.log(values)]
    )
    decoder = Model(z, [Dense(5)(z), Dense(5)(z)])
    log_var = np.full(5, np.log(ppca.variance))
    decoder.set_weights([ppca.weights.T, ppca.mean, np.zeros((2, 5)), log_var])
    iwae = IWAE(encoder, decoder, gaussian_log_likelihood, samples)
    return iwae, x, float(ppca.log_likelihood(x).mean())


@pytest.mark.parametrize("samples", [1, 5])
def test_at_the_optimum_of_ppca_the_bound_is_the_exact_log_likelihood(monkeypatch, samples) -> None:
    """Whatever the noise: with the true posterior every weight is p(x)."""
    monkeypatch.setattr(config, "_floatx", "float64")
    iwae, x, exact = linear(samples, 0.0)
    assert loss(iwae, x, noise(samples * 100, 2)) == pytest.approx(-exact, rel=1e-12)


def test_the_bound_rises_with_k_and_stays_below_the_exact_log_likelihood(monkeypatch) -> None:
    monkeypatch.setattr(config, "_floatx", "float64")
    bounds = []
    for k in (1, 2, 5, 20, 100):
        iwae, x, exact = linear(k, 0.8)
        draws = [-loss(iwae, x, noise(k * 100, 2, seed=s)) for s in range(20)]
        bounds.append(np.mean(draws))
    assert bounds == sorted(bounds)
    assert bounds[0] == pytest.approx(exact - 0.64, abs=0.1)  # less KL = ½ Σ 0.8² of two latents
    assert exact - 0.05 < bounds[-1] < exact


def test_the_loss_has_the_gradients_of_central_differences() -> None:
    rng = np.random.default_rng(0)
    x, epsilon = Tensor(rng.random((3, 5))), Tensor(rng.normal(size=(12, 2)))

    def value(a, b, c) -> Tensor:
        iwae = IWAE(
            lambda x: [ops.matmul(x, a), ops.matmul(x, b)], lambda z: ops.matmul(z, c), samples=4
        )
        return iwae.terms(x, epsilon)[0]

    gradcheck(value, [rng.normal(size=shape) for shape in ((5, 2), (5, 2), (2, 5))])


def test_it_trains_and_reports_its_bound_as_the_loss() -> None:
    iwae = IWAE(*parts(), samples=5, seed=0)
    iwae.compile(Adam(0.01))
    history = iwae.fit(data(), None, 16, 20, 0, validation_data=data()).history
    assert set(history) == {"loss", "negative_bound", "val_loss", "val_negative_bound"}
    assert history["loss"] == history["negative_bound"]
    assert history["loss"][-1] < history["loss"][0]


@pytest.mark.parametrize("log_var", [-80.0, 80.0])
@pytest.mark.parametrize("logit", [-1e4, 1e4])
def test_extreme_inputs_stay_finite(log_var, logit) -> None:
    iwae = IWAE(*parts(), samples=3)
    iwae.encoder.trainable_variables[-1].assign(np.full(3, log_var, np.float32))
    iwae.decoder.trainable_variables[-1].assign(np.full(12, logit, np.float32))
    x = np.tile(np.array([[0, 1]], np.float32), (1, 6))  # a batch of one
    with GradientTape() as tape:
        (value,) = iwae.terms(x, noise(3, 3))
    assert np.isfinite(value.array)
    for gradient in tape.gradient(value, iwae.trainable_variables):
        assert np.isfinite(gradient.array).all()


@pytest.mark.parametrize("kind", [VAE, IWAE])
@pytest.mark.parametrize("samples", [0, -1, 1.5, "1", None])
def test_a_number_of_samples_that_is_not_a_positive_integer_raises(kind, samples) -> None:
    with pytest.raises(ValueError, match=f"^{kind.__name__}: samples: expected a positive integer"):
        kind(*parts(), samples=samples)


@pytest.mark.parametrize("beta", [-1.0, float("nan"), float("inf"), "1"])
def test_a_wrong_beta_raises(beta) -> None:
    with pytest.raises(ValueError, match="VAE: beta: expected a finite number >= 0"):
        VAE(*parts(), beta=beta)


def test_beta_which_the_bound_does_not_have_raises() -> None:
    with pytest.raises(TypeError, match="beta"):
        IWAE(*parts(), beta=2.0)
