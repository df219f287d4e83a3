"""A small classifier, trained on the data, that says what samples show."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from numpy_nets import random
from numpy_nets.layers import Dense, Dropout, Input
from numpy_nets.network import Model


def train_classifier(x: ArrayLike, y: Any, seed: int = 0, epochs: int = 10) -> tuple[Model, Model]:
    """A network pixels-256-classes with dropout, trained by Adam on batches of 64.

    It is right about some 95 % of the embedded test digits. The shared random stream is restored
    afterwards, so judging a run does not change the run.

    Args:
        x: (n, ...), with pixels in the same range as those of the samples to be judged.
        y: (n,), integers from 0; every class occurs.
        seed: seeds the weights, the order and the dropout.
        epochs: passes over x.

    Returns:
        classifier, features: classifier is (batch, pixels) -> probabilities (batch, classes);
        features is (batch, pixels) -> the hidden layer (batch, 256), for
        `samples.frechet_distance`. They share their weights.

    Raises:
        ValueError: x is not (n, ...), or y does not have the same n.

    >>> x, y = np.tile(np.eye(2), (100, 1)), np.arange(200) % 2
    >>> classifier, features = train_classifier(x, y, epochs=5)
    >>> classifier.predict(np.eye(2), verbose=0).argmax(axis=1).tolist()
    [0, 1]
    """
    x, y = np.asarray(x), np.asarray(y).ravel()
    if x.ndim < 2 or len(x) != len(y) or not len(x):
        raise ValueError(f"train_classifier: expected x (n, ...), y (n,), got {x.shape}, {y.shape}")
    x = x.reshape(len(x), -1)
    state = random.get_state()
    random.set_random_seed(seed)
    try:
        pixels = Input(shape=(x.shape[1],))
        hidden = Dense(256, activation="relu")(pixels)
        probabilities = Dense(int(y.max()) + 1, activation="softmax")(Dropout(0.3)(hidden))
        classifier = Model(pixels, probabilities, name="classifier")
        classifier.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
        classifier.fit(x, y, batch_size=64, epochs=epochs, verbose=0)
    finally:
        random.set_state(state)
    return classifier, Model(pixels, hidden, name="features")
