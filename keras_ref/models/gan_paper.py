"""The networks and training of Goodfellow et al. 2014 for MNIST, as their authors released them.

    gan = GAN(build_paper_generator(x.mean(axis=0)), build_paper_discriminator(),
              HALVED, prior=uniform_prior)
    gan.compile(build_paper_optimizer(), build_paper_optimizer())
    gan.fit(x, batch_size=100, epochs=..., callbacks=[MomentumRamp()])

with x (samples, 784) in [0, 1]. The source is github.com/goodfeli/adversarial, mnist.yaml, with one
difference: z is Gaussian there, and the uniform prior is one of its options. With this SGD, G
collapsed in a trial; with Adam it does not: see benchmarks/gan_parzen.py.
"""

import math
from typing import Any

import numpy as np
from keras import optimizers, random
from keras.callbacks import Callback
from keras.initializers import RandomUniform
from keras.layers import Dense, Dropout, Input
from keras.models import Model, Sequential
from keras.optimizers.schedules import ExponentialDecay
from numpy.typing import ArrayLike
from tensorflow import Tensor

from keras_ref.layers import Maxout
from keras_ref.models.gan import NON_SATURATING, Objective, crossentropy

# D descends half the sum of its terms in Algorithm 1.
HALVED = Objective(lambda label, d: 0.5 * crossentropy(label, d), NON_SATURATING.generator)


def uniform_prior(shape: tuple[int, ...]) -> Tensor:
    """z uniform on ±√3: as uniform numbers on ±a have the variance a²/3, its variance is 1."""
    return random.uniform(shape, -math.sqrt(3), math.sqrt(3))


def build_paper_generator(mean_image: ArrayLike | None = None) -> Model:
    """z (batch, 100) -> images (batch, 784) in (0, 1): two layers of 1200 ReLU units, then sigmoid.

    With `mean_image` (784,), the mean of the data, the output begins close to it: the last biases
    are its logits.

    >>> build_paper_generator().count_params() == 101 * 1200 + 1201 * 1200 + 1201 * 784
    True
    """

    def weights() -> RandomUniform:
        return RandomUniform(-0.05, 0.05)

    last = Dense(784, activation="sigmoid", kernel_initializer=weights())
    model = Sequential(
        [
            Input((100,)),
            Dense(1200, activation="relu", kernel_initializer=weights()),
            Dense(1200, activation="relu", kernel_initializer=weights()),
            last,
        ],
        name="generator",
    )
    if mean_image is not None:
        p = np.clip(mean_image, 1e-7, 1 - 1e-7)
        last.bias.assign(np.log(p / (1 - p)))
    return model


def build_paper_discriminator() -> Model:
    """x (batch, 784) -> D(x) (batch, 1): two layers of 240 maxout units of 5 pieces, with dropout.

    Dropout keeps 0.8 of the pixels and 0.5 of the units.

    >>> build_paper_discriminator().count_params() == 785 * 5 * 240 + 241 * 5 * 240 + 241
    True
    """

    def weights() -> RandomUniform:
        return RandomUniform(-0.005, 0.005)

    return Sequential(
        [
            Input((784,)),
            Dropout(0.2),
            Maxout(240, 5, kernel_initializer=weights()),
            Dropout(0.5),
            Maxout(240, 5, kernel_initializer=weights()),
            Dropout(0.5),
            Dense(1, activation="sigmoid", kernel_initializer=weights()),
        ],
        name="discriminator",
    )


def build_paper_optimizer() -> optimizers.Optimizer:
    """SGD with momentum 0.5 and the rate 0.1, divided by 1.000004 after each step.

    See `MomentumRamp` for the momentum of later epochs.
    """
    return optimizers.SGD(ExponentialDecay(0.1, 1, 1 / 1.000004), momentum=0.5)


class MomentumRamp(Callback):
    """Raises the momentum of a GAN's optimizers from epoch to epoch, linearly.

    The momentum depends on the epoch alone, so a resumed run has that of an uninterrupted one.
    (Keras reads the momentum when it traces a train step: there, `compile(run_eagerly=True)`.)

    Args:
        start: the momentum in the first epoch.
        stop: the momentum from epoch `epochs` on.
        epochs: the number of epochs from start to stop.
    """

    def __init__(self, start: float = 0.5, stop: float = 0.7, epochs: int = 250) -> None:
        super().__init__()
        self.start, self.stop, self.epochs = start, stop, epochs

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        model: Any = self.model
        share = min(epoch / self.epochs, 1.0)
        for optimizer in (model.d_optimizer, model.g_optimizer):
            optimizer.momentum = self.start + share * (self.stop - self.start)
