"""The paper's networks for MNIST, and the growing momentum."""

import numpy as np
import pytest

from numpy_nets import random
from numpy_nets.layers import Dropout, Maxout
from numpy_nets.models.gan import (
    GAN,
    NON_SATURATING,
    Objective,
    build_discriminator,
    build_generator,
)
from numpy_nets.models.gan_paper import (
    HALVED,
    MomentumRamp,
    build_paper_discriminator,
    build_paper_generator,
    build_paper_optimizer,
    uniform_prior,
)
from numpy_nets.optimizers import SGD
from numpy_nets.storage.checkpoint import load_checkpoint, save_checkpoint


def test_the_networks_have_the_shapes_ranges_and_weights_of_the_released_configuration() -> None:
    random.set_random_seed(0)
    generator, discriminator = build_paper_generator(), build_paper_discriminator()
    assert [w.shape for w in generator.weights[::2]] == [(100, 1200), (1200, 1200), (1200, 784)]
    assert [w.shape for w in discriminator.weights[::2]] == [(784, 1200), (240, 1200), (240, 1)]
    for network, limit in ((generator, 0.05), (discriminator, 0.005)):
        for kernel, bias in zip(network.weights[::2], network.weights[1::2], strict=True):
            assert 0.9 * limit < kernel.array.max() <= np.float32(limit)
            assert -0.9 * limit > kernel.array.min() >= np.float32(-limit)
            assert not bias.array.any()
    rates = [layer.rate for layer in discriminator.layers if isinstance(layer, Dropout)]
    assert rates == [0.2, 0.5, 0.5]
    pieces = [layer.pieces for layer in discriminator.layers if isinstance(layer, Maxout)]
    assert pieces == [5, 5]
    y = generator(uniform_prior((3, 100))).array
    assert y.shape == (3, 784) and ((y > 0) & (y < 1)).all()
    assert discriminator(y).shape == (3, 1)


def test_noise_is_uniform_with_mean_0_and_variance_1() -> None:
    random.set_random_seed(0)
    z = uniform_prior((400, 100)).array.astype(np.float64)
    assert abs(z).max() <= 3**0.5 and abs(z).max() > 1.73
    assert abs(z.mean()) < 5 / 200
    assert abs(z.var() - 1) < 5 * np.sqrt((9 / 5 - 1) / 40_000)


def test_with_the_mean_image_of_the_data_every_pixel_begins_close_to_its_mean() -> None:
    mean = np.linspace(0, 1, 784)
    generator = build_paper_generator(mean)
    bias = generator.weights[-1].array
    np.testing.assert_allclose(1 / (1 + np.exp(-bias)), np.clip(mean, 1e-7, 1), atol=1e-6)
    assert np.isfinite(bias).all()


def test_the_rate_falls_by_1_000004_at_every_step() -> None:
    optimizer = build_paper_optimizer()
    assert (optimizer.learning_rate, optimizer.momentum) == (0.1, 0.5)
    optimizer.iterations = 50_000
    assert optimizer.learning_rate == pytest.approx(0.1 * 1.000004**-50_000)


def small(objective: Objective = HALVED) -> GAN:
    random.set_random_seed(0)
    networks = build_generator(3, 6, 4), build_discriminator(6, 4)
    gan = GAN(*networks, objective, prior=uniform_prior)
    gan.compile(build_paper_optimizer(), build_paper_optimizer())
    return gan


X = np.random.default_rng(0).uniform(-1, 1, (20, 6)).astype("float32")


def test_d_descends_half_of_its_terms_and_g_its_usual_loss() -> None:
    z = uniform_prior((20, 3))
    half, whole = small(), small(NON_SATURATING)
    for halved, expected in zip(half.d_terms(X, z), whole.d_terms(X, z), strict=True):
        assert halved.array == 0.5 * expected.array > 0
    assert half.g_terms(z)[0].array == whole.g_terms(z)[0].array


def test_momentum_grows_linearly_and_then_stays() -> None:
    gan, ramp = small(), MomentumRamp(0.5, 0.7, 4)
    ramp.set_model(gan)
    momenta = []
    for epoch in range(6):
        ramp.on_epoch_begin(epoch)
        assert gan.d_optimizer.momentum == gan.g_optimizer.momentum
        momenta.append(gan.d_optimizer.momentum)
    assert momenta == pytest.approx([0.5, 0.55, 0.6, 0.65, 0.7, 0.7])


def test_a_step_uses_the_momentum_of_its_epoch() -> None:
    """With momentum μ and a constant gradient, the second step is (1 + μ) times the first."""
    gan, ramp = small(), MomentumRamp(0.25, 0.75, 1)
    ramp.set_model(gan)
    gan.compile(SGD(0.5, momentum=0.25), SGD(0.5, momentum=0.25))
    variables = gan.generator.trainable_variables
    ones = [np.ones(v.shape, "float32") for v in variables]
    bias = variables[-1]
    positions = [bias.array[0]]
    for epoch in range(2):
        ramp.on_epoch_begin(epoch)
        gan.g_optimizer.apply(ones, variables)
        positions.append(bias.array[0])
    first, second = -np.diff(positions)
    assert (first, second) == pytest.approx((0.5, 0.5 * 1.75))


def test_a_run_resumed_in_the_middle_of_the_ramp_is_the_uninterrupted_one(tmp_path) -> None:
    def run(gan: GAN, epochs: int, initial_epoch: int = 0) -> GAN:
        gan.fit(
            X, batch_size=6, epochs=epochs, initial_epoch=initial_epoch, verbose=0,
            callbacks=[MomentumRamp(0.5, 0.7, 3)],
        )  # fmt: skip
        return gan

    whole, fresh = run(small(), 5), small()
    random.set_random_seed(0)
    part = run(small(), 2)
    save_checkpoint(part, tmp_path / "c.weights.h5", 2)
    random.set_random_seed(5)
    load_checkpoint(fresh, tmp_path / "c.weights.h5")
    run(fresh, 5, 2)
    for a, b in zip(whole.get_weights(), fresh.get_weights(), strict=True):
        assert a.tobytes() == b.tobytes()
