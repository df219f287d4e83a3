"""A warning when the training of a GAN has gone wrong in one of the two well-known ways."""

import warnings
from typing import Any

import numpy as np

from numpy_nets.autodiff.tensor import convert_to_numpy
from numpy_nets.callbacks import Callback, Logs
from numpy_nets.evaluation.samples import diversity

SURE = 0.98  # D(x) above it and D(G(z)) below 1 - SURE: D makes no mistakes
ALIKE = 0.25  # of the data's diversity


class CollapseWarning(Callback):
    """Warns, once, of what has lasted for `patience` epochs. Training goes on.

    G has collapsed: its samples of different z lie close together, by `samples.diversity` less
    than a quarter as far apart as data do. D has won: the epoch's means of D(x) and D(G(z)) are
    above 0.98 of its target for data and below 0.02. In both cases D has nothing left to teach G
    (Goodfellow et al. 2014, section 3 and the "Helvetica scenario" of section 6).

    Args:
        noise: z (batch, latent), batch > 1, of which samples are looked at: an argument, so that
            looking does not change the run.
        data: (n, pixels), of which as many as there is noise are compared, evenly spaced: the first
            may all be of one class.
        patience: epochs in a row.
    """

    def __init__(self, noise: Any, data: Any, patience: int = 3) -> None:
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
        found = diversity(convert_to_numpy(samples))
        signs = {
            "alike": found < ALIKE * self.data_diversity,
            "sure": logs["d_real"] > SURE * real_label and logs["d_fake"] < 1 - SURE,
        }
        self.epochs = {name: (self.epochs[name] + 1) * sign for name, sign in signs.items()}
        if self.epochs["alike"] >= self.patience:
            self.warn(
                f"epoch {epoch + 1}: the generator has collapsed: its samples are {found:.3g} "
                f"apart, data {self.data_diversity:.3g}; a lower learning rate may help"
            )
        elif self.epochs["sure"] >= self.patience:
            self.warn(
                f"epoch {epoch + 1}: the discriminator has won: D(x) {logs['d_real']:.3f}, D(G(z)) "
                f"{logs['d_fake']:.3f}; a lower learning rate of D or label smoothing may help"
            )

    def warn(self, message: str) -> None:
        """Say it, once a run; may be overridden."""
        self.warned = True
        warnings.warn(message, stacklevel=2)
