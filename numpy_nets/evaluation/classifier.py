"""A small classifier of the data, by which samples are judged: what do they show?"""

from typing import Any

import numpy as np

from numpy_nets import random
from numpy_nets.layers import Dense, Dropout, Input
from numpy_nets.network import Model


def train_classifier(x: Any, y: Any, seed: int = 0, epochs: int = 10) -> tuple[Model, Model]:
    """A network pixels-256-classes with dropout, trained by Adam on batches of 64.

    About 95 % of the embedded test digits are right. The shared stream of random numbers is left
    as it was, so judging a run does not change it.

    Args:
        x: (n, ...), in the range in which samples will come.
        y: (n,) integers from 0; all classes appear.
        seed: of weights, order and dropout.
        epochs: passes over x.

    Returns:
        classifier, features: (batch, pixels) -> probabilities (batch, classes), and -> the hidden
        layer (batch, 256), for `samples.frechet_distance`; they share their weights.

    Raises:
        ValueError: x and y do not fit.
    """
    x, y = np.asarray(x), np.asarray(y).ravel()
    if x.ndim < 2 or len(x) != len(y) or not len(x):
        raise ValueError(f"train_classifier: expected x (n, ...), y (n,), got {x.shape}, {y.shape}")
    x = x.reshape(len(x), -1)
    before = random.get_state()
    random.set_random_seed(seed)
    try:
        pixels = Input(shape=(x.shape[1],))
        hidden = Dense(256, activation="relu")(pixels)
        probabilities = Dense(int(y.max()) + 1, activation="softmax")(Dropout(0.3)(hidden))
        classifier = Model(pixels, probabilities, name="classifier")
        classifier.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
        classifier.fit(x, y, batch_size=64, epochs=epochs, verbose=0)
    finally:
        random.set_state(before)
    return classifier, Model(pixels, hidden, name="features")
