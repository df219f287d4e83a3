"""The VAE of baskets: its noise, its annealing, and what it learns."""

import numpy as np
import pytest

from numpy_nets import gradcheck, ops, random
from numpy_nets.datasets.baskets import ITEMS, load_data
from numpy_nets.models.baskets import MultVAE, multinomial_log_likelihood, unit_length
from numpy_nets.models.vae import VAE, build_decoder, build_encoder, gaussian_kl
from numpy_nets.optimizers import Adam


def small(items=6, hidden=8, latent=3, **options) -> MultVAE:
    sizes = (items, hidden, latent, "tanh")
    return MultVAE(build_encoder(*sizes), build_decoder(*sizes), **options)


X = (np.random.default_rng(0).random((40, 6)) < 0.5).astype(np.float32)


def test_a_basket_becomes_a_vector_of_length_one_and_an_empty_one_stays_empty():
    unit = unit_length(ops.convert_to_tensor(np.vstack([X, np.zeros((1, 6), np.float32)]))).numpy()
    sizes = X.sum(axis=1)
    np.testing.assert_allclose(np.linalg.norm(unit, axis=1), [*np.minimum(sizes, 1), 0], rtol=1e-6)
    np.testing.assert_allclose(unit[:-1] * np.sqrt(sizes)[:, None], X, rtol=1e-6)


def test_half_of_the_items_are_dropped_and_the_rest_doubled():
    model = small(items=500, dropout=0.5, seed=0)
    keep, epsilon = model.draw_noise(np.zeros((200, 500), np.float32))
    assert set(np.unique(keep.array)) == {0, 2} and keep.dtype == np.float32
    assert abs(keep.array.mean() - 1) < 5 / np.sqrt(200 * 500)
    assert epsilon.shape == (200, 3)
    without = small(dropout=0.0).draw_noise(X)[0]
    assert (without.array == 1).all()


def test_the_encoder_sees_what_is_kept_and_the_likelihood_all_of_the_basket():
    model = small()
    x, zero = ops.convert_to_tensor(X), np.zeros((40, 3), np.float32)
    nothing, _ = model.terms(x, (0 * X, zero))
    empty_code, _ = model.encoder(0 * X)
    expected = -ops.mean(model.log_likelihood(x, model.decoder(empty_code)))
    assert float(nothing) == pytest.approx(float(expected), rel=1e-6)


def test_without_dropout_and_with_the_weight_of_beta_it_is_a_vae_of_unit_baskets():
    model = small(beta=0.3)
    plain = VAE(model.encoder, model.decoder, lambda x, z: model.log_likelihood(X, z), beta=0.3)
    epsilon = np.random.default_rng(1).standard_normal((40, 3)).astype(np.float32)
    terms = model.terms(ops.convert_to_tensor(X), (np.ones_like(X), epsilon))
    expected = plain.terms(unit_length(X), epsilon)
    np.testing.assert_allclose([float(t) for t in terms], [float(t) for t in expected], rtol=1e-6)


def test_the_weight_of_the_kl_rises_with_the_steps_of_the_optimizer_and_then_stays():
    model = small(beta=0.2, anneal_steps=4)
    assert model.kl_weight() == 0.2, "a model that is not trained has it in full"
    model.compile(Adam())
    weights = []
    for _ in range(6):
        weights.append(float(model.kl_weight()))
        model.train_on_batch(X)
    np.testing.assert_allclose(weights, [0, 0.05, 0.1, 0.15, 0.2, 0.2], rtol=1e-6)


def test_the_logged_terms_add_up_and_the_kl_is_weighted():
    model = small(beta=0.5, anneal_steps=10, dropout=0.0, seed=0)
    model.compile(Adam(1e-3))
    logs = [model.train_on_batch(X, return_dict=True) for _ in range(5)]
    assert logs[0]["kl"] == 0
    for log in logs:
        assert log["loss"] == pytest.approx(log["reconstruction"] + log["kl"])
    tested = model.evaluate(X, batch_size=40, verbose=0, return_dict=True)
    kl = float(ops.mean(gaussian_kl(*model.encode(ops.convert_to_tensor(X)))))
    assert tested["kl"] == pytest.approx(0.25 * kl, rel=1e-5)


def test_nothing_is_dropped_in_a_test():
    model = small(seed=0)
    model.compile(Adam())
    model.encoder.set_weights([w * (w.ndim > 1) for w in model.encoder.get_weights()])
    seen, terms = [], model.terms
    model.terms = lambda data, noise: seen.append(noise[0]) or terms(data, noise)
    model.evaluate(X, batch_size=40, verbose=0)
    assert (seen[0].array == 1).all()


def test_gradients_are_those_of_finite_differences():
    x = X.astype(np.float64)
    logits = np.random.default_rng(0).standard_normal(x.shape)
    gradcheck(lambda z: multinomial_log_likelihood(x, z), [logits])
    gradcheck(unit_length, [1 + np.abs(logits)])


def test_it_learns_what_goes_together():
    random.set_random_seed(0)
    x = load_data(3000).x.astype(np.float32)
    model = small(len(ITEMS), 50, 12, anneal_steps=200)
    model.compile(Adam(3e-3))
    model.fit(x, batch_size=100, epochs=15, verbose=0)
    for antecedent, consequent in (("teapot", "sugar"), ("picnic blanket", "bread")):
        basket = np.array([[float(item == antecedent) for item in ITEMS]], np.float32)
        scores = np.where(basket[0], -np.inf, model(basket).array[0])
        assert ITEMS[scores.argmax()] == consequent


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"beta": -1}, "MultVAE: beta: expected a finite number >= 0, got -1"),
        ({"anneal_steps": 0}, "MultVAE: anneal_steps: expected a positive integer, got 0"),
        ({"dropout": 1}, r"MultVAE: dropout: expected a number in \[0, 1\), got 1"),
    ],
)
def test_settings_that_make_no_sense_are_refused(options, said):
    with pytest.raises(ValueError, match=said):
        small(**options)
