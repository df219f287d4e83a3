"""A warning when the training of a GAN has gone wrong in one of the two well-known ways."""

import warnings
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from numpy_nets.autodiff.tensor import TensorLike, convert_to_numpy
from numpy_nets.callbacks import Callback, Logs
from numpy_nets.evaluation.samples import diversity

SURE = 0.98  # with D(x) above SURE and D(G(z)) below 1 - SURE, D makes no mistakes
ALIKE = 0.25  # samples whose diversity is below this share of the data's have collapsed


class CollapseWarning(Callback):
    """Warns once, when one of two faults has lasted for `patience` epochs. Training goes on.

    G has collapsed: its samples from different z are, by `samples.diversity`, less than a quarter
    as far apart as the data. D has won: the epoch's mean of D(x) is above 0.98 of its target for
    real images, and that of D(G(z)) below 0.02. In both cases D has nothing left to teach G
    (Goodfellow et al. 2014, section 3 and the "Helvetica scenario" of section 6).

    Args:
        noise: z (batch, latent), batch > 1, from which the samples are made. It is an argument so
            that watching a run does not change the run.
        data: (n, pixels). As many rows as there are rows of noise are compared; they are evenly
            spaced, as the first ones may all be of one class.
        patience: the number of epochs in a row.

    >>> callback = CollapseWarning(noise=np.zeros((2, 1)), data=[[0.0], [1.0], [2.0]])
    >>> callback.data_diversity  # the distance of the first and the last
    2.0
    """

    def __init__(self, noise: TensorLike, data: ArrayLike, patience: int = 3) -> None:
        self.noise = noise
        data = np.asarray(data)
        count = min(len(data), len(convert_to_numpy(noise)))
        self.data_diversity = diversity(data[np.linspace(0, len(data) - 1, count).astype(int)])
        self.patience = patience

    def on_train_begin(self, logs: Logs = None) -> None:
        self.epochs = {"alike": 0, "sure": 0}
        self.warned = False

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        logs = logs or {}
        if self.warned:
            return
        gan: Any = self.model
        samples, real_label = gan.generator(self.noise), gan.real_label
        apart = diversity(convert_to_numpy(samples))
        signs = {
            "alike": apart < ALIKE * self.data_diversity,
            "sure": logs["d_real"] > SURE * real_label and logs["d_fake"] < 1 - SURE,
        }
        self.epochs = {name: (self.epochs[name] + 1) * sign for name, sign in signs.items()}
        if self.epochs["alike"] >= self.patience:
            self.warn(
                f"epoch {epoch + 1}: the generator has collapsed: its samples are {apart:.3g} "
                f"apart, the data {self.data_diversity:.3g}; a lower learning rate may help"
            )
        elif self.epochs["sure"] >= self.patience:
            self.warn(
                f"epoch {epoch + 1}: the discriminator has won: D(x) {logs['d_real']:.3f}, D(G(z)) "
                f"{logs['d_fake']:.3f}; a lower learning rate for D or label smoothing may help"
            )

    def warn(self, message: str) -> None:
        """Issue the one warning of a run; a subclass may show it in another way."""
        self.warned = True
        warnings.warn(message, stacklevel=2)
