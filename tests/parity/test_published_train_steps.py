"""Train steps as Keras's guides publish them run here, with other imports, to the same numbers.

Each model is written once, as a function of `k` (numpy_nets or keras) and a source of noise: the
variational autoencoder and the GAN of Keras's code examples, with dense layers, in the forms that
programs copy: metrics as a property, add_loss in call, compute_loss, `apply_gradients` with pairs,
and compile with two optimizers.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

keras = pytest.importorskip("keras")

import tensorflow as tf  # noqa: E402

import numpy_nets  # noqa: E402
from keras_ref.parity import precision  # noqa: E402
from keras_ref.weights import copy_to_keras  # noqa: E402

PIXELS, HIDDEN, LATENT, BATCH = 12, 8, 2, 16
TAPES = {numpy_nets: numpy_nets.GradientTape, keras: tf.GradientTape}
X = np.random.default_rng(0).random((40, PIXELS))


@pytest.fixture(autouse=True)
def _float64() -> Iterator[None]:
    """In float64 a wrong formula cannot hide behind rounding."""
    with precision("float64"):
        yield


class Noise:
    """Stands for keras.random on both sides: the same draws in the same order.

    They are NumPy's, so Keras has to run eagerly: a graph would repeat its first draw.
    """

    def __init__(self, k: Any) -> None:
        self.k, self.generator = k, np.random.default_rng(1)

    def normal(self, shape: Any, seed: Any = None) -> Any:
        return self.k.ops.convert_to_tensor(self.generator.standard_normal(tuple(shape)))


def encoder(k: Any) -> Any:
    inputs = k.Input(shape=(PIXELS,))
    x = k.layers.Dense(HIDDEN, activation="relu")(inputs)
    z_mean = k.layers.Dense(LATENT, name="z_mean")(x)
    z_log_var = k.layers.Dense(LATENT, name="z_log_var")(x)
    return k.Model(inputs, [z_mean, z_log_var], name="encoder")


def decoder(k: Any) -> Any:
    inputs = k.Input(shape=(LATENT,))
    x = k.layers.Dense(HIDDEN, activation="relu")(inputs)
    outputs = k.layers.Dense(PIXELS, activation="sigmoid")(x)
    return k.Model(inputs, outputs, name="decoder")


def sampling(k: Any, noise: Any) -> Any:
    class Sampling(k.layers.Layer):  # type: ignore[misc]
        """Uses (z_mean, z_log_var) to draw z."""

        def __init__(self, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.seed_generator = k.random.SeedGenerator(1337)

        def call(self, inputs: Any) -> Any:
            z_mean, z_log_var = inputs
            batch = k.ops.shape(z_mean)[0]
            dim = k.ops.shape(z_mean)[1]
            epsilon = noise.normal(shape=(batch, dim), seed=self.seed_generator)
            return z_mean + k.ops.exp(0.5 * z_log_var) * epsilon

    return Sampling()


def vae_with_trackers(k: Any, noise: Any) -> Any:
    """The form of keras.io's example: three means, a tape, a metrics property."""

    class VAE(k.Model):  # type: ignore[misc]
        def __init__(self, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.encoder = encoder(k)
            self.sampling = sampling(k, noise)
            self.decoder = decoder(k)
            self.total_loss_tracker = k.metrics.Mean(name="total_loss")
            self.reconstruction_loss_tracker = k.metrics.Mean(name="reconstruction_loss")
            self.kl_loss_tracker = k.metrics.Mean(name="kl_loss")

        @property
        def metrics(self) -> Any:
            return [
                self.total_loss_tracker,
                self.reconstruction_loss_tracker,
                self.kl_loss_tracker,
            ]

        def train_step(self, data: Any) -> Any:
            with TAPES[k]() as tape:
                z_mean, z_log_var = self.encoder(data)
                z = self.sampling([z_mean, z_log_var])
                reconstruction = self.decoder(z)
                reconstruction_loss = k.ops.mean(
                    PIXELS * k.losses.binary_crossentropy(data, reconstruction)
                )
                kl_loss = -0.5 * (1 + z_log_var - k.ops.square(z_mean) - k.ops.exp(z_log_var))
                kl_loss = k.ops.mean(k.ops.sum(kl_loss, axis=1))
                total_loss = reconstruction_loss + kl_loss
            grads = tape.gradient(total_loss, self.trainable_weights)
            self.optimizer.apply_gradients(zip(grads, self.trainable_weights, strict=True))
            self.total_loss_tracker.update_state(total_loss)
            self.reconstruction_loss_tracker.update_state(reconstruction_loss)
            self.kl_loss_tracker.update_state(kl_loss)
            return {
                "loss": self.total_loss_tracker.result(),
                "reconstruction_loss": self.reconstruction_loss_tracker.result(),
                "kl_loss": self.kl_loss_tracker.result(),
            }

    return VAE()


def vae_with_add_loss(k: Any, noise: Any) -> Any:
    """The form of the guide on layers: the encoder's KL is a loss that the model adds."""

    class VariationalAutoEncoder(k.Model):  # type: ignore[misc]
        def __init__(self, name: str = "autoencoder", **kwargs: Any) -> None:
            super().__init__(name=name, **kwargs)
            self.encoder = encoder(k)
            self.sampling = sampling(k, noise)
            self.decoder = decoder(k)

        def call(self, inputs: Any) -> Any:
            z_mean, z_log_var = self.encoder(inputs)
            z = self.sampling((z_mean, z_log_var))
            reconstructed = self.decoder(z)
            kl_loss = -0.5 * k.ops.mean(
                z_log_var - k.ops.square(z_mean) - k.ops.exp(z_log_var) + 1
            )
            self.add_loss(kl_loss)
            return reconstructed

    return VariationalAutoEncoder()


def vae_with_compute_loss(k: Any, noise: Any) -> Any:
    """The form of the guide on train_step: compute_loss overridden, one loss_tracker."""

    class CustomLoss(k.Model):  # type: ignore[misc]
        def __init__(self, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.loss_tracker = k.metrics.Mean(name="loss")
            self.mae_metric = k.metrics.MeanAbsoluteError(name="mae")
            self.encoder, self.sampling = encoder(k), sampling(k, noise)
            self.decoder = decoder(k)

        def call(self, inputs: Any) -> Any:
            self.z_mean, self.z_log_var = self.encoder(inputs)
            return self.decoder(self.sampling([self.z_mean, self.z_log_var]))

        def compute_loss(
            self,
            x: Any = None,
            y: Any = None,
            y_pred: Any = None,
            sample_weight: Any = None,
            training: bool = True,
        ) -> Any:
            error = k.losses.MeanSquaredError(reduction="sum")(y, y_pred)
            kl = k.ops.square(self.z_mean) + k.ops.exp(self.z_log_var) - self.z_log_var - 1
            loss = error + (0.5 if training else 1.0) * k.ops.mean(kl)
            self.loss_tracker.update_state(loss)
            self.mae_metric.update_state(y, y_pred)
            return loss

        def train_step(self, data: Any) -> Any:
            x, y = data
            with TAPES[k]() as tape:
                y_pred = self(x, training=True)
                loss = self.compute_loss(y=y, y_pred=y_pred)
            trainable_vars = self.trainable_variables
            gradients = tape.gradient(loss, trainable_vars)
            self.optimizer.apply(gradients, trainable_vars)
            return {m.name: m.result() for m in self.metrics}

        @property
        def metrics(self) -> Any:
            return [self.loss_tracker, self.mae_metric]

    return CustomLoss()


def gan(k: Any, noise: Any) -> Any:
    """The form of keras.io's example: two optimizers, labels 1 for fakes, misleading labels."""

    class GAN(k.Model):  # type: ignore[misc]
        def __init__(self, discriminator: Any, generator: Any, latent_dim: int) -> None:
            super().__init__()
            self.discriminator = discriminator
            self.generator = generator
            self.latent_dim = latent_dim
            self.seed_generator = k.random.SeedGenerator(1337)
            self.d_loss_metric = k.metrics.Mean(name="d_loss")
            self.g_loss_metric = k.metrics.Mean(name="g_loss")

        def compile(self, d_optimizer: Any, g_optimizer: Any, loss_fn: Any, **options: Any) -> None:
            super().compile(**options)
            self.d_optimizer = d_optimizer
            self.g_optimizer = g_optimizer
            self.loss_fn = loss_fn

        @property
        def metrics(self) -> Any:
            return [self.d_loss_metric, self.g_loss_metric]

        def train_step(self, real_images: Any) -> Any:
            batch_size = k.ops.shape(real_images)[0]
            random_latent_vectors = noise.normal(
                shape=(batch_size, self.latent_dim), seed=self.seed_generator
            )
            generated_images = self.generator(random_latent_vectors)
            combined_images = k.ops.concatenate([generated_images, real_images], axis=0)
            labels = k.ops.concatenate(
                [k.ops.ones((batch_size, 1)), k.ops.zeros((batch_size, 1))], axis=0
            )
            with TAPES[k]() as tape:
                predictions = self.discriminator(combined_images)
                d_loss = self.loss_fn(labels, predictions)
            grads = tape.gradient(d_loss, self.discriminator.trainable_weights)
            self.d_optimizer.apply_gradients(
                zip(grads, self.discriminator.trainable_weights, strict=True)
            )

            random_latent_vectors = noise.normal(
                shape=(batch_size, self.latent_dim), seed=self.seed_generator
            )
            misleading_labels = k.ops.zeros((batch_size, 1))
            with TAPES[k]() as tape:
                predictions = self.discriminator(self.generator(random_latent_vectors))
                g_loss = self.loss_fn(misleading_labels, predictions)
            grads = tape.gradient(g_loss, self.generator.trainable_weights)
            self.g_optimizer.apply(grads, self.generator.trainable_weights)

            self.d_loss_metric.update_state(d_loss)
            self.g_loss_metric.update_state(g_loss)
            return {"d_loss": self.d_loss_metric.result(), "g_loss": self.g_loss_metric.result()}

    discriminator = k.Sequential(
        [
            k.Input(shape=(PIXELS,)),
            k.layers.Dense(HIDDEN),
            k.layers.LeakyReLU(negative_slope=0.25),
            k.layers.Dense(1, activation="sigmoid"),
        ],
        name="discriminator",
    )
    generator = k.Sequential(
        [
            k.Input(shape=(LATENT,)),
            k.layers.Dense(HIDDEN),
            k.layers.LeakyReLU(negative_slope=0.25),
            k.layers.Dense(PIXELS, activation="sigmoid"),
        ],
        name="generator",
    )
    return GAN(discriminator=discriminator, generator=generator, latent_dim=LATENT)


def compiled(k: Any, build: Any, noise: Any) -> Any:
    """The model, compiled, and built so that its first fit draws no noise to build it."""
    adam = {"beta_1": 0.5, "beta_2": 0.75}  # which float32 holds exactly
    eager = {} if k is numpy_nets else {"run_eagerly": True}
    model = build(k, noise)
    if build is gan:
        model.compile(
            d_optimizer=k.optimizers.Adam(0.01, **adam),
            g_optimizer=k.optimizers.Adam(0.02, **adam),
            loss_fn=k.losses.BinaryCrossentropy(),
            **eager,
        )
        return model
    loss = {"loss": "mse"} if build is vae_with_add_loss else {}
    model.compile(optimizer=k.optimizers.Adam(0.01, **adam), **loss, **eager)
    if build is not vae_with_trackers:
        model(X[:2])
    return model


def fit(model: Any, build: Any) -> dict[str, Any]:
    data = (X,) if build in (gan, vae_with_trackers) else (X, X)
    options = {"epochs": 3, "batch_size": BATCH, "shuffle": False, "verbose": 0}
    history: dict[str, Any] = model.fit(*data, **options).history
    return history


MODELS = [vae_with_trackers, vae_with_add_loss, vae_with_compute_loss, gan]


@pytest.mark.parametrize("build", MODELS)
def test_a_published_train_step_learns_the_same_as_in_keras(build: Any) -> None:
    noise, their_noise = Noise(numpy_nets), Noise(keras)
    mine, theirs = compiled(numpy_nets, build, noise), compiled(keras, build, their_noise)
    first = mine.get_weights()
    copy_to_keras(mine, theirs)
    for each in (noise, their_noise):
        each.generator = np.random.default_rng(2)
    ours, expected = fit(mine, build), fit(theirs, build)
    assert list(ours) == list(expected)
    for name, values in expected.items():
        np.testing.assert_allclose(ours[name], values, rtol=1e-10, err_msg=name)
    assert all(not np.array_equal(a, b) for a, b in zip(first, mine.get_weights(), strict=True))
    for a, b in zip(mine.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-11)
    if build not in (gan, vae_with_trackers):
        ours, expected = (
            model.evaluate(X, X, batch_size=BATCH, verbose=0, return_dict=True)
            for model in (mine, theirs)
        )
        assert list(ours) == list(expected)
        np.testing.assert_allclose(list(ours.values()), list(expected.values()), rtol=1e-8)


@pytest.mark.parametrize("build", MODELS)
def test_it_runs_with_the_noise_of_the_library_and_is_reproducible(build: Any) -> None:
    """The published line is keras.random.normal(shape=..., seed=self.seed_generator)."""
    histories = []
    for _ in range(2):
        numpy_nets.random.set_random_seed(0)
        histories.append(fit(compiled(numpy_nets, build, numpy_nets.random), build))
    assert histories[0] == histories[1]
    assert np.isfinite(list(histories[0].values())).all()
