"""The semi-supervised GAN: what K logits say about real and fake, and what each network learns."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import mpmath
import numpy as np
import pytest

from numpy_nets import GradientTape, Model, random
from numpy_nets.autodiff import ops
from numpy_nets.autodiff.tensor import Tensor
from numpy_nets.layers import BatchNormalization, Dense, GaussianNoise
from numpy_nets.losses import CategoricalCrossentropy
from numpy_nets.models.gan import MINIMAX
from numpy_nets.models.sgan import (
    SemiSupervisedGAN,
    build_sgan_discriminator,
    build_sgan_generator,
    log_z,
)
from numpy_nets.optimizers import Adam

RNG = np.random.default_rng(0)
X, LABELLED = RNG.random((2, 6, 4)).astype("float32")
Y = np.eye(3, dtype="float32")[[0, 1, 2, 0, 1, 2]]
REAL, Z = [Tensor(X), Tensor(LABELLED), Tensor(Y)], [Tensor(RNG.random((6, 2))), Tensor(X)]


def build(**options: Any) -> SemiSupervisedGAN:
    gan = SemiSupervisedGAN(
        build_sgan_generator(2, 4, (8, 8)), build_sgan_discriminator(4, 3, (8, 5)), **options
    )
    gan.compile()
    return gan


def saying(logits: Any) -> SemiSupervisedGAN:
    """A GAN whose D gives these logits, (3,), to every image."""
    gan = build()
    weights = [0 * w for w in gan.discriminator.get_weights()]
    gan.discriminator.set_weights([*weights[:-1], np.asarray(logits)])
    return gan


# The mathematics of K + 1 classes with K logits


def test_d_of_x_is_what_a_softmax_with_one_more_logit_of_0_gives_the_other_classes() -> None:
    logits = 3 * np.random.default_rng(1).standard_normal((50, 7))
    softmax = ops.softmax(Tensor(np.concatenate([logits, np.zeros((50, 1))], axis=1))).array
    z = np.exp(logits).sum(axis=1)
    d = ops.sigmoid(log_z(Tensor(logits))).array[:, 0]
    np.testing.assert_allclose(d, 1 - softmax[:, -1], rtol=1e-14)
    np.testing.assert_allclose(d, z / (z + 1), rtol=1e-14)


def test_the_class_among_real_images_is_the_softmax_without_it() -> None:
    """p(y | x, real) = p(y, real | x) / p(real | x)."""
    logits = np.array([[0.5, -1.0, 2.0]])
    joint = np.exp(logits) / (np.exp(logits).sum() + 1)
    gan = saying(logits[0])
    np.testing.assert_allclose(gan(Tensor(X)).array[:1], joint / joint.sum(), rtol=1e-6)


@pytest.mark.parametrize("logits", [[0.0, 0.0, 0.0], [1.5, -2.0, 0.25], [-3.0, -4.0, -5.0]])
def test_the_terms_are_the_logarithms_of_the_paper(logits: list[float]) -> None:
    with mpmath.workdps(40):
        z = sum(mpmath.exp(logit) for logit in logits)
        d = z / (z + 1)
        labelled = sum(-mpmath.log(mpmath.exp(logit) / z) for logit in logits) / 3
        expected = [float(-mpmath.log(d)), float(-mpmath.log(1 - d)), float(labelled)]
    terms = saying(logits).d_terms(REAL, Z)
    np.testing.assert_allclose([float(term) for term in terms], expected, rtol=1e-6)


@pytest.mark.parametrize("size", [1000.0, -1000.0])
def test_the_terms_and_gradients_are_finite_and_right_for_huge_logits(size: float) -> None:
    gan = saying([size, size, size])
    with GradientTape() as tape:
        terms = gan.d_terms(REAL, Z)
        loss = terms[0] + terms[1] + terms[2]
    log_of_z = size + math.log(3)
    expected = [max(-log_of_z, 0.0), max(log_of_z, 0.0), math.log(3)]
    np.testing.assert_allclose([float(term) for term in terms], expected, rtol=1e-6)
    gradients = tape.gradient(loss, gan.discriminator.trainable_variables)
    assert all(np.isfinite(g.array).all() for g in gradients)
    # Each logit has a third of dL/d(log Z), which is -1 from a real x that D calls fake, or 1.
    np.testing.assert_allclose(gradients[-1].array, np.full(3, np.sign(size) / 3), rtol=1e-4)


def test_features_are_matched_in_their_mean_over_the_batch() -> None:
    gan = build()
    noise, x = Z
    f_real, f_fake = (
        gan.discriminator(images)[0].array.mean(axis=0) for images in (x, gan.generator(noise))
    )
    (loss,) = gan.g_terms(Z)
    assert float(loss) == pytest.approx(np.mean((f_real - f_fake) ** 2), rel=1e-5)
    same = [noise, gan.generator(noise)]  # as if G made just the data
    assert float(gan.g_terms(same)[0]) == 0.0


# The two networks


def test_features_are_the_last_hidden_layer_without_its_noise() -> None:
    discriminator = build_sgan_discriminator(4, 3, (5,), input_noise=0.0, hidden_noise=1.0)
    quiet, noisy = (discriminator(Tensor(X), training=flag) for flag in (False, True))
    np.testing.assert_array_equal(quiet[0].array, noisy[0].array)
    assert (quiet[1].array != noisy[1].array).all()


def test_the_default_networks_are_those_of_the_paper() -> None:
    discriminator, generator = build_sgan_discriminator(), build_sgan_generator()
    sizes = [784, 1000, 500, 250, 250, 250, 10]
    dense = [layer for layer in discriminator.layers if isinstance(layer, Dense)]
    assert [layer.kernel.shape for layer in dense] == list(zip(sizes, sizes[1:], strict=False))
    noise = [layer for layer in discriminator.layers if isinstance(layer, GaussianNoise)]
    assert [layer.stddev for layer in noise] == [0.3, 0.5, 0.5, 0.5, 0.5, 0.5]
    assert discriminator.output_shape == [(None, 250), (None, 10)]
    sizes = [100, 500, 500, 784]
    dense = [layer for layer in generator.layers if isinstance(layer, Dense)]
    assert [layer.kernel.shape for layer in dense] == list(zip(sizes, sizes[1:], strict=False))
    assert sum(isinstance(layer, BatchNormalization) for layer in generator.layers) == 2


def test_noise_is_uniform_from_0_to_1_by_default() -> None:
    z = build().draw_noise(2000).array
    assert z.shape == (2000, 2) and 0 <= z.min() < 0.01 and 0.99 < z.max() < 1


# The steps


def trained(network: Any) -> list[np.ndarray]:
    return [v.numpy() for v in network.trainable_variables]


def test_a_step_of_d_leaves_g_and_a_step_of_g_leaves_d() -> None:
    gan = build()
    d, g = trained(gan.discriminator), trained(gan.generator)
    gan.learn_discriminator(REAL, Z)
    assert all(map(np.array_equal, g, trained(gan.generator)))
    assert not any(map(np.array_equal, d, trained(gan.discriminator)))
    d = trained(gan.discriminator)
    gan.learn_generator(Z)
    assert all(map(np.array_equal, d, trained(gan.discriminator)))
    assert not any(map(np.array_equal, g, trained(gan.generator)))


def test_labels_and_the_layer_after_the_features_do_not_reach_g() -> None:
    gan, other = build(), build()
    for a, b in ((gan.generator, other.generator), (gan.discriminator, other.discriminator)):
        b.set_weights(a.get_weights())
    kernel, bias = other.discriminator.layers[-1].get_weights()
    other.discriminator.layers[-1].set_weights([-kernel, bias + 1])
    for model in (gan, other):
        random.set_random_seed(3)
        model.learn_generator(Z)
    assert all(map(np.array_equal, trained(gan.generator), trained(other.generator)))


def test_without_labelled_images_in_the_loss_d_learns_nothing_of_classes() -> None:
    """The terms without labels see log Z alone, which is the same in any order of the classes."""
    gan, x = saying([0.3, -0.2, 0.1]), Tensor(X)
    shuffled = saying([0.1, 0.3, -0.2])
    for labels, same in ((slice(0, 2), True), (slice(0, 3), False)):
        y = Tensor(np.eye(3)[[0] * 6])
        ours, theirs = (
            [float(term) for term in model.d_terms([x, x, y], Z)[labels]]
            for model in (gan, shuffled)
        )
        assert (ours == pytest.approx(theirs, rel=1e-6)) == same


def test_the_first_average_is_d_itself_and_later_ones_lag_behind() -> None:
    averaged = build_sgan_discriminator(4, 3, (8, 5))
    gan = build(averaged=averaged, ema_momentum=0.5)
    expected: list[Any] = []
    for step in range(5):
        gan.train_on_batch(X, [LABELLED, Y])
        d = gan.discriminator.get_weights()
        momentum = min(0.5, step / (step + 10))
        expected = [
            w if step == 0 else momentum * mean + (1 - momentum) * w
            for mean, w in zip(expected or d, d, strict=True)
        ]
        for a, b in zip(averaged.get_weights(), expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)
    np.testing.assert_array_equal(
        gan.predict(X, verbose=0), ops.softmax(averaged(Tensor(X))[1]).array
    )


@pytest.mark.parametrize("wrong", ["shape", "shared"])
def test_an_average_that_does_not_belong_to_d_is_refused(wrong: str) -> None:
    discriminator = build_sgan_discriminator(4, 3, (8, 5))
    averaged = discriminator if wrong == "shared" else build_sgan_generator(2, 4, (8, 8))
    gan = SemiSupervisedGAN(build_sgan_generator(2, 4), discriminator, averaged=averaged)
    said = "weights of its own" if wrong == "shared" else "weights like D's"
    with pytest.raises(ValueError, match=f"SemiSupervisedGAN: averaged: expected {said}"):
        gan.compile()


def test_k_steps_of_d_share_the_labelled_images_of_a_batch() -> None:
    gan, seen = build(k=2), []
    learn = gan.learn_discriminator

    def spy(real: Any, z: Any) -> Any:
        seen.append([part.array for part in real])
        return learn(real, z)

    gan.learn_discriminator = spy  # type: ignore[method-assign]
    gan.train_on_batch(X, [LABELLED, Y])
    for i, parts in enumerate(seen):
        for part, whole in zip(parts, (X, LABELLED, Y), strict=True):
            np.testing.assert_array_equal(part, whole[i::2])
    assert len(seen) == 2


@pytest.mark.parametrize("data", [(X,), (X, Y), (X, [LABELLED])])
def test_data_of_another_kind_are_refused(data: Any) -> None:
    said = r"SemiSupervisedGAN: data: expected \(x, \[x_labelled, y\]\)"
    with pytest.raises(ValueError, match=said):
        build().train_on_batch(*data)


@pytest.mark.parametrize(
    "option", [{"half_steps": True}, {"objective": MINIMAX}, {"real_label": 0.9}]
)
def test_options_of_other_losses_are_refused(option: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match=f"SemiSupervisedGAN: {next(iter(option))}: expected none"):
        build(**option)


def test_what_is_reported_adds_up_and_is_saved(tmp_path: Any) -> None:
    gan = build(averaged=build_sgan_discriminator(4, 3, (8, 5)))
    logs = gan.train_on_batch(X, [LABELLED, Y], return_dict=True)
    assert logs["d_loss"] == pytest.approx(
        logs["d_loss_real"] + logs["d_loss_fake"] + logs["d_loss_labelled"], rel=1e-6
    )
    tested = gan.evaluate(X, [LABELLED, Y], verbose=0, return_dict=True)
    logits = gan.discriminator(Tensor(LABELLED))[1].array
    assert tested["accuracy"] == pytest.approx(np.mean(logits.argmax(axis=1) == Y.argmax(axis=1)))
    gan.save_weights(tmp_path / "gan.weights.h5")
    other = build(averaged=build_sgan_discriminator(4, 3, (8, 5)))
    other.load_weights(tmp_path / "gan.weights.h5")
    np.testing.assert_array_equal(gan.predict(X, verbose=0), other.predict(X, verbose=0))


# What images without labels are good for


def moons(count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Two half circles that reach into each other, and which of them a point is on."""
    y = np.arange(count) % 2
    angle = np.pi * rng.random(count)
    x = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    x = np.where(y[:, None] == 0, x, np.array([1.0, 0.5]) - x)
    return (x + 0.08 * rng.standard_normal(x.shape)).astype("float32"), y


def plane_discriminator() -> Model:
    return build_sgan_discriminator(2, 2, (64, 64), input_noise=0.05, hidden_noise=0.1)


class Pairs:
    """Batches of (x, [x_labelled, y]), with all labelled points in each."""

    def __init__(self, x: np.ndarray, labelled: np.ndarray, y: np.ndarray) -> None:
        self.x, self.labelled = x, [labelled, y]

    def __iter__(self) -> Iterator[Any]:
        order, size = random.generator().permutation(len(self.x)), len(self.labelled[0])
        for start in range(0, len(order), size):
            yield self.x[order[start : start + size]], self.labelled


def moon_accuracies(seed: int, epochs: int = 40) -> tuple[float, float]:
    x, y = moons(1000, np.random.default_rng(seed))
    points = [int(np.argmin(np.abs(x - target).sum(axis=1))) for target in ([0, 1], [1, -0.5])]
    labelled, one_hot = np.repeat(x[points], 50, axis=0), np.repeat(np.eye(2), 50, axis=0)
    random.set_random_seed(seed)
    alone = plane_discriminator()
    inputs, (_, logits) = alone.functional.inputs, alone.functional.outputs  # type: ignore[union-attr]
    classifier = Model(inputs, logits)
    classifier.compile(Adam(3e-3, beta_1=0.5), CategoricalCrossentropy(from_logits=True))
    classifier.fit(labelled, one_hot, batch_size=100, epochs=300, verbose=0)
    generator = build_sgan_generator(4, 2, (32, 32))
    gan = SemiSupervisedGAN(generator, plane_discriminator())
    gan.compile(Adam(3e-3, beta_1=0.5), Adam(3e-3, beta_1=0.5))
    gan.fit(Pairs(x, labelled, one_hot), epochs=epochs, verbose=0)
    models = (classifier, gan)
    rights = [np.mean(m.predict(x, 1000, verbose=0).argmax(axis=1) == y) for m in models]
    return float(rights[0]), float(rights[1])


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_with_one_label_a_moon_the_points_without_labels_help(seed: int) -> None:
    """Labels alone put a straight line between the two labelled points."""
    alone, together = moon_accuracies(seed)
    assert 0.8 < alone < together - 0.02
