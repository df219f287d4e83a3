"""The comparisons, in one file for each part of the library."""

from keras_ref.parity.case import Case
from keras_ref.parity.cases import (
    accuracy,
    baskets,
    clustering,
    extensions,
    family,
    gan,
    layers,
    losses,
    models,
    normalization,
    ops,
    optimizers,
    semi_supervised,
    tape,
    training,
    vae,
)

CASES: list[Case] = [
    *ops.CASES,
    *layers.CASES,
    *normalization.CASES,
    *losses.CASES,
    *optimizers.CASES,
    *tape.CASES,
    *models.CASES,
    *training.CASES,
    *vae.CASES,
    *gan.CASES,
    *extensions.CASES,
    *semi_supervised.CASES,
    *clustering.CASES,
    *family.CASES,
    *baskets.CASES,
    *accuracy.CASES,
]
