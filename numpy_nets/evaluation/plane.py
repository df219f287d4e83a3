"""A GAN of points in the plane beside the truth: what D says, and what it should say.

D is shown data and samples with noise N(0, s² I), so the truth is that of the blurred densities
(see `theory.plane`): p of the data, in closed form, and g of G's samples.
"""

from typing import NamedTuple

import numpy as np

from numpy_nets.autodiff import GradientTape
from numpy_nets.autodiff.tensor import Array, Tensor
from numpy_nets.models.gan import GAN, Objective
from numpy_nets.theory.adversarial import jensen_shannon, optimal_discriminator
from numpy_nets.theory.plane import Mixture, Square, points_as_mixture, probabilities

_LEAST = 2.0**-24  # D is float32: a D that is nearer to 0 or 1 is taken to be this far from it
_EMPTY = 1e-6  # the probability of a cell in which there is nothing to tell apart


class Truth(NamedTuple):
    """What D says of G's samples, and what it should say.

    Attributes:
        d: D(x) in the middle of each cell, (cells, cells), the lowest row first.
        best: D*(x) there, the D of least loss against this G: label · p / (p + g).
        empty: (cells, cells), where p and g together are less than 1e-6.
        jsd: JSD(p ‖ g) in nats.
        d_loss: D's loss on p and g.
        least: the loss of D*, the least that a D can have.
        distance: |D - D*|, on average over data and samples.
    """

    d: Array
    best: Array
    empty: Array
    jsd: float
    d_loss: float
    least: float
    distance: float

    @property
    def seen(self) -> float:
        """The part of the JSD that D sees, ½ (log 4 - its loss), if its loss is crossentropy.

        With the labels 1 and 0, D's loss is -V(D, G), at least that of D*, log 4 - 2 JSD. So the
        JSD is at least this.
        """
        return 0.5 * (float(np.log(4)) - self.d_loss)


def compare_with_truth(
    gan: GAN, samples: Array, mixture: Mixture, square: Square, blur: float
) -> Truth:
    """D of a GAN whose generator has drawn the samples (n, 2), beside the best D.

    The tables of g have a random error, as n is finite. It makes the JSD larger than it is, by
    about c / 8n, where c counts the circles of radius 2s that the samples fill: less than 0.002
    with n = 5,000, and c = 80.
    """
    p = probabilities(mixture, square, blur)
    g = probabilities(points_as_mixture(samples), square, blur)
    judged: Array = gan.discriminator(square.middles.astype(np.float32)).numpy()[:, 0]
    outside = samples[np.abs(samples).max(axis=1) > square.half]
    # All that is outside is one cell. The data have next to nothing there.
    beyond = gan.discriminator(outside).numpy().mean() if len(outside) else 0.5
    d = np.append(judged, beyond).astype(np.float64)
    best = gan.real_label * optimal_discriminator(p, g)

    def loss(d: Array) -> float:
        return discriminator_loss(gan.objective, gan.real_label, d, p, g)

    side = (square.cells, square.cells)
    return Truth(
        d[:-1].reshape(side), best[:-1].reshape(side), (p + g)[:-1].reshape(side) < _EMPTY,
        jensen_shannon(p, g), loss(d), loss(best), float(np.sum(0.5 * (p + g) * np.abs(d - best))),
    )  # fmt: skip


def discriminator_loss(objective: Objective, label: float, d: Array, p: Array, g: Array) -> float:
    """The loss of D's values d where the data have the probabilities p, and G's samples g.

    Both losses are least at d = label · p / (p + g). For crossentropy, the derivative of

        -p (label log d + (1 - label) log(1 - d)) - g log(1 - d)

    is -label p / d + ((1 - label) p + g) / (1 - d); for ½ p (d - label)² + ½ g d², it is
    (p + g) d - label p.

    >>> from numpy_nets.models.gan import LEAST_SQUARES
    >>> half = np.array([0.5])
    >>> discriminator_loss(LEAST_SQUARES, 1.0, half, np.ones(1), np.ones(1))
    0.25
    """
    if objective.activation == "linear":
        real, fake = 0.5 * (d - label) ** 2, 0.5 * d**2
    else:
        d = np.clip(d, _LEAST, 1 - _LEAST)
        real, fake = -(label * np.log(d) + (1 - label) * np.log1p(-d)), -np.log1p(-d)
    return float(np.sum(p * real + g * fake))


def sample_gradients(gan: GAN, samples: Array) -> Array:
    """∂(G's loss on the sample)/∂(sample), (n, 2): each sample is to go the opposite way.

    The step of G takes it there as far as its weights can: this is the first factor of the chain
    rule, from the loss through D to G's output.
    """
    x = Tensor(samples)
    with GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(x)
        loss = gan.objective.generator(gan.discriminator(x)) * len(samples)  # it is a mean
    gradient = tape.gradient(loss, x)
    assert gradient is not None
    return gradient.array
