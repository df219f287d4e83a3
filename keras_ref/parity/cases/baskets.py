"""The VAE of baskets: its functions, terms, every gradient, and 100 iterations with the same noise.

The weight of the KL comes from the optimizer's count of steps, on both sides.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any

import keras
import numpy as np

import numpy_nets
from keras_ref.parity import term_models
from keras_ref.parity.both import normal, uniform
from keras_ref.parity.case import Case, Pair
from keras_ref.parity.cases.models import twin
from numpy_nets.autodiff.tensor import Array
from numpy_nets.datasets.baskets import ITEMS, load_data

HIDDEN, LATENT, BATCH, STEPS = 30, 8, 32, 100


def build(k: Any, **options: Any) -> Any:
    """A small one of k = numpy_nets or keras."""
    vae, file = twin(k, "vae"), twin(k, "baskets")
    sizes = (len(ITEMS), HIDDEN, LATENT, "tanh")
    return file.MultVAE(vae.build_encoder(*sizes), vae.build_decoder(*sizes), **options)


def noise(dtype: str, step: int) -> tuple[Array, Array]:
    """keep, of which half is 0, and ε."""
    keep = 2.0 * (uniform(BATCH, len(ITEMS), seed=step) >= 0.5)
    return keep.astype(dtype), normal(BATCH, LATENT, seed=step).astype(dtype)


def _terms(dtype: str) -> Iterator[Pair]:
    mine, theirs = term_models.both(build, dtype)
    x = load_data(BATCH).x.astype(dtype)
    yield from term_models.terms(mine, theirs, x, noise(dtype, 0))
    yield from term_models.log_weights(mine, theirs, x, noise(dtype, 0)[1])


def _kl_weight(dtype: str) -> Iterator[Pair]:
    """Before it is compiled, at the first step, after three of ten, and after more."""
    mine, theirs = term_models.both(partial(build, anneal_steps=10), dtype)
    yield "not compiled", *(np.array(float(model.kl_weight())) for model in (mine, theirs))
    for k, model in ((numpy_nets, mine), (keras, theirs)):
        model.compile(k.optimizers.Adam())
    for steps in (0, 3, 11):
        mine.optimizer.iterations = steps
        theirs.optimizer.iterations.assign(steps)
        yield f"after {steps} steps", mine.kl_weight().array, np.asarray(theirs.kl_weight())


def _steps(dtype: str) -> Iterator[Pair]:
    mine, theirs = term_models.both(partial(build, anneal_steps=STEPS // 2), dtype)
    batches = list(load_data(STEPS * BATCH).x.astype(dtype).reshape(STEPS, BATCH, -1))
    yield from term_models.training(mine, theirs, batches, [noise(dtype, i) for i in range(STEPS)])


def _function(name: str, k: Any, *tensors: Any) -> Any:
    return getattr(twin(k, "baskets"), name)(*tensors)


CASES = [
    Case("model", "models.multinomial_log_likelihood",
         term_models.function(partial(_function, "multinomial_log_likelihood"),
                              load_data(6).x, normal(6, len(ITEMS)))),
    Case("model", "models.unit_length",
         term_models.function(partial(_function, "unit_length"), 1 + uniform(6, 5))),
    Case("model", "models.MultVAE", _terms),
    Case("model", "models.MultVAE", _kl_weight, "weight of the KL"),
    Case("training", "models.MultVAE", _steps, f"{STEPS} iterations, annealed"),
]  # fmt: skip
