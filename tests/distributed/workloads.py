"""What one process, ranks and threads train alike: seeded models on 101 rows in batches of 20.

    python workloads.py FOLDER     trains all of them, and writes FOLDER/NAME-RANK.npz

The last batch of an epoch has one row, fewer than there are ranks, and 101 and 20 are no multiples
of 3.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from numpy_nets import callbacks, distributed, layers, random
from numpy_nets.autodiff import GradientTape
from numpy_nets.autodiff.ops import convert_to_tensor
from numpy_nets.models import Model, Sequential
from numpy_nets.models.autoencoder import build_autoencoder
from numpy_nets.models.gan import GAN, build_discriminator, build_generator
from numpy_nets.models.gan_deep import build_deep_discriminator, build_deep_generator
from numpy_nets.models.vae import VAE, build_decoder, build_encoder
from numpy_nets.optimizers import SGD, Adam

X = np.random.default_rng(0).random((101, 12)).astype(np.float32)
Y = (X[:, :1] > 0.5).astype(np.float32)
WEIGHTS = np.linspace(0.5, 1.5, 101).astype(np.float32)
STEPS = 54  # 9 epochs of 6
Wrap = Callable[[Any], Any]


def autoencoder(wrap: Wrap) -> tuple[Model, dict[str, Any]]:
    model, _ = build_autoencoder(12, 4)
    model.compile(wrap(Adam(0.01)), "binary_crossentropy", metrics=["mse"])
    return model, {"x": X, "y": X, "validation_data": (X[:7], X[:7])}


def classifier(wrap: Wrap) -> tuple[Model, dict[str, Any]]:
    """Penalties of weights and outputs, weights of samples, noise, clipping."""
    model = Sequential(
        [
            layers.Input((12,)),
            layers.GaussianNoise(0.1),
            layers.Dense(8, "tanh", kernel_regularizer="l2", activity_regularizer="l1"),
            layers.Dropout(0.3, seed=5),
            layers.Dense(1, "sigmoid"),
        ]
    )
    model.compile(
        wrap(SGD(0.1, momentum=0.5, global_clipnorm=0.2)), "binary_crossentropy",
        metrics=["accuracy"],
    )  # fmt: skip
    return model, {"x": X, "y": Y, "sample_weight": WEIGHTS, "validation_split": 0.3}


def vae(wrap: Wrap) -> tuple[Model, dict[str, Any]]:
    model = VAE(build_encoder(12, 8, 3), build_decoder(12, 8, 3), samples=2)
    model.compile(wrap(Adam(0.01)))
    return model, {"x": X, "validation_data": X[:7]}


def gan(wrap: Wrap) -> tuple[Model, dict[str, Any]]:
    """The notebook's, whose D takes half steps."""
    model = GAN(build_generator(5, 12, 8), build_discriminator(12, 8), half_steps=True)
    model.compile(wrap(Adam(2e-4, beta_1=0.5)), wrap(Adam(2e-4, beta_1=0.5)))
    return model, {"x": X}


def deep_gan(wrap: Wrap) -> tuple[Model, dict[str, Any]]:
    """Batch normalization, dropout, two steps of D, and an average of G's weights."""
    networks = [build_deep_generator(5, 12, (8, 8)) for _ in range(2)]
    model = GAN(networks[0], build_deep_discriminator(12, (8, 8)), k=2, averaged=networks[1])
    model.compile(wrap(Adam(2e-4, beta_1=0.5)), wrap(Adam(2e-4, beta_1=0.5)))
    return model, {"x": X[:82]}


MODELS = {f.__name__: f for f in (autoencoder, classifier, vae, gan, deep_gan)}


def trained(name: str, wrap: Wrap = lambda optimizer: optimizer, **options: Any) -> dict[str, Any]:
    """The weights after 9 epochs, the history, and the state of the random generator."""
    random.set_random_seed(7)
    model, arguments = MODELS[name](wrap)
    options = {"epochs": 9, "batch_size": 20, "verbose": 0, **arguments, **options}
    history = model.fit(**options).history
    return {
        "weights": np.concatenate([w.ravel() for w in model.get_weights()]),
        "history": json.dumps(history),
        "random": random.get_state(),
    }


class Leader(callbacks.Callback):
    """A callback of rank 0 alone: it draws random numbers, and stops after the third epoch."""

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        random.normal((3,))
        self.model.stop_training = epoch == 2


def own_loop() -> dict[str, Any]:
    """A loop as Horovod's users write it."""
    random.set_random_seed(7 + distributed.rank())
    model, _ = autoencoder(distributed.DistributedOptimizer)
    distributed.broadcast_variables(model.trainable_variables)
    for start in range(0, len(X), 20):
        x = X[start : start + 20]
        with distributed.shared(len(x)) as own:
            rows = convert_to_tensor(x[own])
            with GradientTape() as tape:
                loss = model.loss(rows, model(rows))
            variables = model.trainable_variables
            model.optimizer.apply(tape.gradient(loss, variables), variables)
    return {"weights": np.concatenate([w.ravel() for w in model.get_weights()])}


def main(folder: Path) -> None:
    distributed.init()
    rank = distributed.rank()
    wrap = distributed.DistributedOptimizer
    for name in MODELS:
        np.savez(folder / f"{name}-{rank}.npz", **trained(name, wrap))
    led = trained("vae", wrap, callbacks=[Leader()] if rank == 0 else [])
    np.savez(folder / f"led-{rank}.npz", **led)
    np.savez(folder / f"own_loop-{rank}.npz", **own_loop())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
