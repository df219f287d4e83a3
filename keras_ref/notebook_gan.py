"""The notebook's GAN by its own recipe, which on Keras 3 never trains D.

The recipe sets `discriminator.trainable = False` for the sake of the stack of G and D alone. Keras
2 kept the list of variables that a model had when it was compiled; Keras 3 reads
`trainable_weights` when it traces the first step, and at that time D has none. The version that
works is `keras_ref.models.gan`.
"""

import keras
import numpy as np

from keras_ref.models.gan import build_discriminator, build_generator
from numpy_nets.autodiff.tensor import Array


def build() -> tuple[keras.Model, keras.Model, keras.Model]:
    """generator, discriminator and gan, compiled in the notebook's order."""
    generator, discriminator = build_generator(), build_discriminator()
    discriminator.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])
    discriminator.trainable = False
    gan = keras.Sequential([generator, discriminator])
    gan.compile(loss="binary_crossentropy", optimizer="adam")
    return generator, discriminator, gan


def iterate(
    generator: keras.Model, discriminator: keras.Model, gan: keras.Model, real: Array, noise: Array
) -> list[float | list[float]]:
    """One iteration of the notebook: D on real images, D on G's, then G through the stack.

    real (batch, 784), noise (batch, 100); returns what each `train_on_batch` returned.
    """
    ones, zeros = np.ones((len(real), 1)), np.zeros((len(real), 1))
    fake = generator.predict(noise, verbose=0)
    return [
        discriminator.train_on_batch(real, ones),
        discriminator.train_on_batch(fake, zeros),
        gan.train_on_batch(noise, ones),
    ]
