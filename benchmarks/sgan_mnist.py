"""The semi-supervised GAN on all of MNIST, with the networks of its paper and 100 labels.

Salimans et al. 2016 (arXiv 1606.03498, table 1) have 93 ± 6.5 errors in the 10,000 test images with
100 labels, after 300 epochs. What differs is in `models.sgan`; and a run here takes as many epochs
as NUMPY_NETS_EPOCHS says, 40 by default, an hour or so on one core. As in the authors' program the
rate is 0.003 for two thirds of them, and then falls to 0.

Beside it stand the same D trained on the labels alone, and a linear probe of the pixels. Reads
mnist.npz from Keras's cache, or downloads it. The smoke mode takes a few hundred embedded digits
and two epochs.
"""

import os
import time
from typing import Any

import numpy as np

from numpy_nets import random
from numpy_nets.callbacks import LambdaCallback
from numpy_nets.cli.recipes.sgan import PairedBatches, accuracy, classifier, labelled_rows
from numpy_nets.datasets import digits, mnist
from numpy_nets.evaluation.probe import linear_probe
from numpy_nets.losses import CategoricalCrossentropy
from numpy_nets.models.sgan import (
    SemiSupervisedGAN,
    build_sgan_discriminator,
    build_sgan_generator,
)
from numpy_nets.optimizers import Adam

LABELS = 100
BATCH = 100
RATE = 3e-3


def run(*, smoke: bool = False) -> None:
    """Train, and count the errors after every fifth epoch."""
    (x, y), (x_test, y_test) = (digits if smoke else mnist).load_data()
    x, x_test = (a.reshape(len(a), -1).astype(np.float32) / 255 for a in (x, x_test))
    if smoke:
        x, y, x_test, y_test = x[:400], y[:400], x_test[:100], y_test[:100]
    epochs = 2 if smoke else int(os.environ.get("NUMPY_NETS_EPOCHS", "40"))
    rows = labelled_rows(y, LABELS, seed=0)
    x_labelled, y_labelled = x[rows], y[rows]
    targets = np.eye(10, dtype=np.float32)[y_labelled]

    random.set_random_seed(0)
    model = SemiSupervisedGAN(
        build_sgan_generator(), build_sgan_discriminator(), averaged=build_sgan_discriminator()
    )
    model.compile(*(Adam(RATE, beta_1=0.5) for _ in range(2)))
    start = time.monotonic()

    def slow_down(epoch: int, logs: Any = None) -> None:
        for optimizer in (model.d_optimizer, model.g_optimizer):
            optimizer.learning_rate = RATE * min(1, 3 * (1 - epoch / epochs))

    def count(epoch: int, logs: Any = None) -> None:
        if (epoch + 1) % 5 == 0 or epoch + 1 == epochs:
            print(
                f"epoch {epoch + 1}, {(time.monotonic() - start) / 60:.0f} min: "
                f"{wrong(model, x_test, y_test):,} wrong of {len(x_test):,}; D itself "
                f"{wrong(classifier(model.discriminator), x_test, y_test):,}; "
                f"D(x) {logs['d_real']:.2f}, D(G(z)) {logs['d_fake']:.2f}",
                flush=True,
            )

    batches = PairedBatches(x, x_labelled, targets, BATCH)
    callback = LambdaCallback(on_epoch_begin=slow_down, on_epoch_end=count)
    model.fit(batches, epochs=epochs, callbacks=[callback], verbose=0)

    alone = classifier(build_sgan_discriminator())
    alone.compile(Adam(RATE, beta_1=0.5), CategoricalCrossentropy(from_logits=True))
    for _ in range(10 if smoke else 500):
        rows = random.generator().integers(LABELS, size=BATCH)
        alone.train_on_batch(x_labelled[rows], targets[rows])
    print(f"the same D, trained on the labels alone: {wrong(alone, x_test, y_test):,}")
    probe = 1 - linear_probe(x_labelled, y_labelled, x_test, y_test)
    print(f"linear probe of pixels: {round(probe * len(x_test)):,}")


def wrong(model: Any, x: Any, y: Any) -> int:
    """How many images x (n, 784) get another class than y (n,)."""
    return round((1 - accuracy(model, x, y)) * len(x))
