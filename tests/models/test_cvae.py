"""The conditional VAE: it is told the class, and generates the class that it is asked for."""

import numpy as np
import pytest

from numpy_nets import GradientTape, gradcheck, ops, random
from numpy_nets.autodiff.tensor import Tensor
from numpy_nets.datasets import digits
from numpy_nets.models.cvae import (
    ConditionalVAE,
    build_conditional_decoder,
    build_conditional_encoder,
)
from numpy_nets.models.vae import VAE
from numpy_nets.optimizers import Adam


def model(pixels: int = 12, classes: int = 3, hidden: int = 8, **options) -> ConditionalVAE:
    random.set_random_seed(0)
    encoder = build_conditional_encoder(pixels, classes, hidden, 4)
    decoder = build_conditional_decoder(pixels, classes, hidden, 4)
    return ConditionalVAE(encoder, decoder, seed=0, **options)


def data(n: int = 40) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.integers(0, 2, (n, 12)).astype(np.float32)
    return x, np.eye(3, dtype=np.float32)[rng.integers(0, 3, n)]


@pytest.mark.parametrize("options", [{}, {"beta": 4.0}, {"samples": 3}])
def test_it_trains_on_x_and_y_and_the_logged_terms_add_up_to_the_logged_loss(options) -> None:
    cvae = model(**options)
    cvae.compile(Adam(0.01))
    history = cvae.fit(*data(), 16, 20, 0, validation_data=data()).history
    for prefix in ("", "val_"):
        total = np.add(history[f"{prefix}reconstruction"], history[f"{prefix}kl"])
        np.testing.assert_allclose(history[f"{prefix}loss"], total, rtol=1e-6)
    assert history["loss"][-1] < history["loss"][0]
    assert cvae.predict(list(data()), verbose=0).shape == (40, 12)


def test_several_samples_are_the_mean_of_single_ones() -> None:
    x, y = data(5)
    epsilon = np.random.default_rng(1).standard_normal((15, 4)).astype(np.float32)
    three, one = model(samples=3), model()
    single = [one.terms((x, y), epsilon[i : i + 5])[0].array for i in (0, 5, 10)]
    reconstruction = three.terms((x, y), epsilon)[0].array
    assert reconstruction == pytest.approx(np.mean(single), rel=1e-5)


def test_without_weights_for_the_class_it_is_the_vae() -> None:
    cvae, (x, y) = model(), data(5)
    for part, inputs in ((cvae.encoder, 12), (cvae.decoder, 4)):
        kernel = part.trainable_variables[0]
        changed = kernel.numpy().copy()
        changed[inputs:] = 0
        kernel.assign(changed)
    zeros = np.zeros_like(y)
    vae = VAE(lambda x: cvae.encoder([x, zeros]), lambda z: cvae.decoder([z, zeros]))
    epsilon = np.random.default_rng(1).standard_normal((5, 4)).astype(np.float32)
    for a, b in zip(cvae.terms((x, y), epsilon), vae.terms(x, epsilon), strict=True):
        assert a.array == b.array


def test_encoder_and_decoder_are_told_the_class() -> None:
    cvae, (x, y) = model(), data(5)
    other = np.roll(y, 1, axis=1)
    assert (cvae.encode((x, y))[0].array != cvae.encode((x, other))[0].array).any(1).all()
    z = np.zeros((5, 4), np.float32)
    here, there = (cvae.log_likelihood_at(z, (x, c), 1).array for c in (y, other))
    assert (here != there).all()
    assert (cvae((x, y)).array != cvae((x, other)).array).any(1).all()


def test_the_terms_have_the_gradients_of_central_differences() -> None:
    rng = np.random.default_rng(0)
    x, y, epsilon = rng.random((3, 5)), np.eye(3), rng.normal(size=(6, 2))
    weights = [0.5 * rng.normal(size=shape) for shape in ((5, 2), (3, 2), (5, 2), (2, 5), (3, 5))]

    def loss(a, b, c, d, e) -> Tensor:
        cvae = ConditionalVAE(
            lambda inputs: [
                ops.matmul(inputs[0], a) + ops.matmul(inputs[1], b),
                ops.matmul(inputs[0], c),
            ],
            lambda inputs: ops.matmul(inputs[0], d) + ops.matmul(inputs[1], e),
            samples=2,
        )
        return sum(cvae.terms((Tensor(x), Tensor(y)), Tensor(epsilon)))

    gradcheck(loss, weights)


def test_it_generates_the_class_it_is_asked_for() -> None:
    """Judged by the nearest class mean, which is right about 82 of 100 real digits."""

    def load(images, labels) -> tuple[np.ndarray, np.ndarray]:
        x = images.reshape(-1, 14, 2, 14, 2).mean((2, 4)).reshape(-1, 196) / 255
        return x.astype(np.float32), np.eye(10, dtype=np.float32)[labels]

    x, y = load(*digits.load_data()[0])
    means = y.T @ x / y.sum(0)[:, None]
    cvae = model(196, 10, 32)
    cvae.compile(Adam(0.01))
    cvae.fit(x[:2000], y[:2000], 50, 3, 0)
    asked = np.repeat(np.arange(10), 50)
    z = np.random.default_rng(0).standard_normal((500, 4)).astype(np.float32)
    images = ops.sigmoid(cvae.decoder([z, np.eye(10, dtype=np.float32)[asked]])).array
    classes = np.argmin(((images[:, None] - means) ** 2).sum(-1), axis=1)
    assert np.mean(classes == asked) > 0.8
    assert images.reshape(10, 50, 196).std(1).mean() > 0.02  # they differ within a class


def test_data_other_than_x_and_y_raise() -> None:
    cvae, (x, y) = model(), data()
    cvae.compile("adam")
    for arguments in ((x,), (x, y, 16, 1, 0)):
        options = {"sample_weight": np.ones(40)} if len(arguments) > 1 else {}
        with pytest.raises(ValueError, match=r"ConditionalVAE: data: expected \(x, y\)"):
            cvae.fit(*arguments, **options)


@pytest.mark.parametrize("log_var", [-80.0, 80.0])
@pytest.mark.parametrize("logit", [-1e4, 1e4])
def test_extreme_inputs_stay_finite(log_var, logit) -> None:
    cvae = model()
    cvae.encoder.trainable_variables[-1].assign(np.full(4, log_var, np.float32))
    cvae.decoder.trainable_variables[-1].assign(np.full(12, logit, np.float32))
    x, y = np.tile(np.array([[0, 1]], np.float32), (1, 6)), np.eye(3, dtype=np.float32)[:1]
    epsilon = np.ones((1, 4), np.float32)
    with GradientTape() as tape:
        loss = sum(cvae.terms((x, y), epsilon))
    assert np.isfinite(loss.array)
    for gradient in tape.gradient(loss, cvae.trainable_variables):
        assert np.isfinite(gradient.array).all()


def test_builders_have_the_shapes_in_their_docstrings() -> None:
    encoder, decoder = build_conditional_encoder(), build_conditional_decoder()
    assert encoder.input_shape == [(None, 784), (None, 10)]
    assert encoder.output_shape == [(None, 20), (None, 20)]
    assert decoder.input_shape == [(None, 20), (None, 10)]
    assert decoder.output_shape == (None, 784)
