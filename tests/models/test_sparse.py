"""The sparse autoencoder: its penalties against closed forms, and what they do to codes."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numpy_nets import GradientTape, gradcheck, random
from numpy_nets.autodiff.tensor import Tensor
from numpy_nets.models.denoising import build_code_decoder, build_code_encoder
from numpy_nets.models.sparse import SparseAutoencoder, kl_sparsity, l1_sparsity
from numpy_nets.optimizers import Adam

rates = st.floats(0.001, 0.999)


def kl(activations, target) -> float:
    return float(kl_sparsity(Tensor(np.atleast_2d(np.asarray(activations, float))), target).array)


def bernoulli_kl(p, q) -> float:
    """The definition: the sum of P log P/Q over the outcomes 0 and 1."""
    return sum(a * np.log(a / b) for a, b in ((p, q), (1 - p, 1 - q)))


def model(penalty=kl_sparsity, weight=1.0) -> SparseAutoencoder:
    random.set_random_seed(0)
    encoder, decoder = build_code_encoder(12, 20), build_code_decoder(12, 20)
    return SparseAutoencoder(encoder, decoder, penalty, weight)


def data(n: int = 64) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 2, (n, 12)).astype(np.float32)


@given(rates)
def test_the_kl_is_exactly_zero_at_the_target(target) -> None:
    assert kl([target, target], target) == 0


@given(rates, rates)
def test_the_kl_is_that_of_bernoulli_variables_and_never_negative(target, mean) -> None:
    assert kl([mean], target) == pytest.approx(bernoulli_kl(target, mean), rel=1e-9, abs=1e-12)
    assert kl([mean], target) >= -1e-15
    if abs(mean - target) > 1e-6:
        assert kl([mean], target) > 0


def test_the_kl_takes_the_mean_of_each_unit_over_the_batch_and_the_sum_over_units() -> None:
    codes = np.array([[0.0, 0.3], [0.2, 0.5]])
    expected = bernoulli_kl(0.05, 0.1) + bernoulli_kl(0.05, 0.4)
    assert kl(codes, 0.05) == pytest.approx(expected)


def test_l1_is_the_mean_over_the_batch_of_the_sum_of_absolute_values() -> None:
    codes = Tensor(np.array([[1.0, -2.0, 0.0], [0.5, 0.0, 0.0]]))
    assert l1_sparsity(codes).array == 1.75


def test_the_penalties_have_the_gradients_of_central_differences() -> None:
    codes = np.random.default_rng(0).uniform(0.05, 0.95, (4, 3))
    for target in (0.05, 0.5):
        gradcheck(partial(kl_sparsity, target=target), [codes])
    gradcheck(l1_sparsity, [codes - 0.5])


@pytest.mark.parametrize("target", [0.0, 1.0, 1.5, -0.1, float("nan"), "0.05"])
def test_a_wrong_target_raises(target) -> None:
    with pytest.raises(ValueError, match="kl_sparsity: target: expected"):
        kl([0.5], target)


@pytest.mark.parametrize("weight", [-1.0, float("nan"), float("inf"), None])
def test_a_wrong_weight_raises(weight) -> None:
    with pytest.raises(ValueError, match="SparseAutoencoder: weight: expected"):
        model(weight=weight)


@pytest.mark.parametrize("penalty", [kl_sparsity, l1_sparsity])
def test_the_logged_terms_add_up_to_the_logged_loss(penalty) -> None:
    sparse = model(penalty, 0.5)
    sparse.compile(Adam(0.01))
    history = sparse.fit(data(), None, 16, 5, 0, validation_data=data()).history
    for prefix in ("", "val_"):
        total = np.add(history[f"{prefix}reconstruction"], history[f"{prefix}sparsity"])
        np.testing.assert_allclose(history[f"{prefix}loss"], total, rtol=1e-6)
    assert history["loss"][-1] < history["loss"][0]


def test_the_weight_multiplies_the_penalty_alone() -> None:
    one, three = model(weight=1.0).terms(data(), None), model(weight=3.0).terms(data(), None)
    assert three[0].array == one[0].array
    assert three[1].array == pytest.approx(3 * one[1].array)


def test_training_brings_the_mean_activations_to_the_target() -> None:
    sparse = model(partial(kl_sparsity, target=0.1), 10.0)
    before = sparse.encoder(data()).array.mean(0)
    sparse.compile(Adam(0.03))
    sparse.fit(data(), epochs=150, batch_size=64, verbose=0)
    after = sparse.encoder(data()).array.mean(0)
    assert np.abs(before - 0.1).max() > 0.3
    assert np.abs(after - 0.1).max() < 0.05


@pytest.mark.parametrize("penalty", [kl_sparsity, l1_sparsity])
@pytest.mark.parametrize("logit", [-1e4, 1e4])
def test_extreme_inputs_stay_finite(penalty, logit) -> None:
    """Units that are never or always active, and pixels without doubt, in a batch of one."""
    sparse = model(penalty)
    for part in (sparse.encoder, sparse.decoder):
        bias = part.trainable_variables[1]
        bias.assign(np.full(bias.shape, logit, np.float32))
    x = np.tile(np.array([[0, 1]], np.float32), (1, 6))
    with GradientTape() as tape:
        loss = sum(sparse.terms(x, None))
    assert np.isfinite(loss.array)
    for gradient in tape.gradient(loss, sparse.trainable_variables):
        assert np.isfinite(gradient.array).all()


def test_call_reconstructs() -> None:
    sparse, x = model(), data(3)
    np.testing.assert_array_equal(sparse(x).array, sparse.decoder(sparse.encoder(x)).array)


def test_a_weight_of_0_leaves_the_penalty_out() -> None:
    assert model(weight=0).terms(data(4), None)[1].array == 0
