"""The GAN of the notebook as its recipe stands, which on Keras 3 never trains D.

`discriminator.trainable = False` is meant for the stack of G and D alone. Keras 2 kept the list of
variables that a model had when it was compiled; Keras 3 reads `trainable_weights` when it traces
the first step, and there D has none. `keras_ref.models.gan` is what works.
"""

from typing import Any

import keras
import numpy as np

from keras_ref.models.gan import build_discriminator, build_generator


def build() -> tuple[Any, Any, Any]:
    """generator, discriminator and gan, compiled in the notebook's order."""
    generator, discriminator = build_generator(), build_discriminator()
    discriminator.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])
    discriminator.trainable = False
    gan = keras.Sequential([generator, discriminator])
    gan.compile(loss="binary_crossentropy", optimizer="adam")
    return generator, discriminator, gan


def iterate(generator: Any, discriminator: Any, gan: Any, real: Any, noise: Any) -> list[Any]:
    """One iteration of the notebook: D on data, D on pictures of G, G through the stack.

    real (batch, 784), noise (batch, 100); returns what each `train_on_batch` did.
    """
    ones, zeros = np.ones((len(real), 1)), np.zeros((len(real), 1))
    fake = generator.predict(noise, verbose=0)
    return [
        discriminator.train_on_batch(real, ones),
        discriminator.train_on_batch(fake, zeros),
        gan.train_on_batch(noise, ones),
    ]
