"""The autoencoder on full MNIST: val_loss after each of 8 epochs, numpy_nets and Keras.

Settings of the notebook: 784-64-784, Adam, batch 256, shuffled, mean binary crossentropy; the same
initial weights. Reads mnist.npz from Keras's cache, or downloads it. The smoke mode takes the
embedded digits and two epochs, and checks nothing.
"""

import numpy as np

from numpy_nets.datasets import digits, mnist
from numpy_nets.models.autoencoder import build_autoencoder
from numpy_nets.random import set_random_seed


def run(*, smoke: bool = False) -> None:
    """Train both and print the losses side by side."""
    from keras_ref.models.autoencoder import build_autoencoder as build_keras_autoencoder
    from keras_ref.weights import copy_to_keras

    (x_train, _), (x_test, _) = (digits if smoke else mnist).load_data()
    x_train, x_test = (x.reshape(-1, 784).astype(np.float32) / 255 for x in (x_train, x_test))

    set_random_seed(0)
    ours, _ = build_autoencoder()
    theirs, _ = build_keras_autoencoder()
    copy_to_keras(ours, theirs)
    found = []
    for model in (ours, theirs):
        model.compile(optimizer="adam", loss="binary_crossentropy")
        history = model.fit(
            x_train, x_train, batch_size=256, epochs=2 if smoke else 8, verbose=0,
            validation_data=(x_test, x_test),
        )  # fmt: skip
        found.append(history.history["val_loss"])
    print(f"{'epoch':>5}{'numpy_nets':>12}{'Keras':>10}{'difference':>12}")
    for epoch, (a, b) in enumerate(zip(*found, strict=True), 1):
        print(f"{epoch:5}{a:12.4f}{b:10.4f}{a / b - 1:12.2%}")
    if smoke:
        return
    last = found[0][-1]
    assert last <= 0.080, f"numpy_nets: last val_loss {last:.4f}, expected at most 0.080"
    for epoch, (a, b) in enumerate(zip(*found, strict=True), 1):
        assert abs(a / b - 1) <= 0.03, f"epoch {epoch}: {a:.4f} not within 3 % of Keras's {b:.4f}"
