"""A VAE on Larochelle's binarised MNIST: -log p(x) of the test set from 200 importance samples.

One stochastic layer of 40 units between two layers of 400 tanh units on either side, batches of
100, Adam with a learning rate that falls three times. The weights of the epoch with the best bound
on the validation images are evaluated. Published for such a VAE, 400 hidden units and 200 samples:
89.8 and 89.9 nats. Reads binarized_mnist.npz from the folder that NUMPY_NETS_DATA names. The smoke
mode takes embedded digits, binarised at 1/2, and one epoch.

Writes the history and the best weights to runs/vae-nll.
"""

import os
from pathlib import Path

import numpy as np

from numpy_nets import random
from numpy_nets.callbacks import CSVLogger, LambdaCallback, ModelCheckpoint
from numpy_nets.datasets import digits
from numpy_nets.datasets.readers import load_file
from numpy_nets.evaluation.likelihood import log_likelihood
from numpy_nets.layers import Dense, Input
from numpy_nets.models import Model
from numpy_nets.models.vae import VAE
from numpy_nets.optimizers import Adam

OUT = Path("runs/vae-nll")
LATENT, HIDDEN, EPOCHS = 40, 400, 85
DROPS = {40: 3e-4, 60: 1e-4, 75: 3e-5}  # learning rate from this epoch on; 1e-3 before


def build() -> VAE:
    random.set_random_seed(0)
    x, z = Input(shape=(784,)), Input(shape=(LATENT,))
    hidden = Dense(HIDDEN, activation="tanh")(Dense(HIDDEN, activation="tanh")(x))
    encoder = Model(x, [Dense(LATENT)(hidden), Dense(LATENT)(hidden)], name="encoder")
    hidden = Dense(HIDDEN, activation="tanh")(Dense(HIDDEN, activation="tanh")(z))
    return VAE(encoder, Model(z, Dense(784)(hidden), name="decoder"), seed=1)


def run(*, smoke: bool = False) -> None:
    """Train, evaluate, print."""
    file = Path(os.environ.get("NUMPY_NETS_DATA", ""), "binarized_mnist.npz")
    if smoke:
        (train, _), (test, _) = digits.load_data()
        train, valid, test = train[:500] > 127, train[500:600] > 127, test[:100] > 127
    elif file.is_file():
        splits = load_file(file)
        train, valid, test = splits.x_train, splits.x_valid, splits.x_test
    else:
        print("left out: NUMPY_NETS_DATA names no folder with binarized_mnist.npz")
        return
    train, valid, test = (x.reshape(len(x), -1).astype(np.float32) for x in (train, valid, test))

    out = OUT / "smoke" if smoke else OUT
    out.mkdir(parents=True, exist_ok=True)
    best = out / "best.weights.h5"
    model = build()
    optimizer = Adam(1e-3)
    model.compile(optimizer)

    def drop(epoch: int, logs: object) -> None:
        optimizer.learning_rate = DROPS.get(epoch, optimizer.learning_rate)

    def show(epoch: int, logs: dict[str, float]) -> None:
        if epoch % 10 == 9:
            here, valid = -logs["loss"], -logs["val_loss"]
            print(f"epoch {epoch + 1}: bound {here:.2f} train, {valid:.2f} valid", flush=True)

    history = model.fit(
        train, batch_size=100, epochs=1 if smoke else EPOCHS, verbose=0, validation_data=valid,
        callbacks=[
            LambdaCallback(on_epoch_begin=drop, on_epoch_end=show),
            CSVLogger(out / "history.csv"),
            ModelCheckpoint(best, save_best_only=True, save_weights_only=True),
        ],
    ).history  # fmt: skip
    model.load_weights(best)
    bound = -model.evaluate(test, batch_size=1000, verbose=0, return_dict=True)["loss"]
    found = log_likelihood(model, test, samples=10 if smoke else 200, seed=0)
    error = found.std() / np.sqrt(len(found))
    print(
        f"best epoch {np.argmin(history['val_loss']) + 1}; test: bound {bound:.2f}, "
        f"log p(x) {found.mean():.2f} ± {error:.2f} nats per image"
    )
