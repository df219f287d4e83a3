"""The VAE: terms, total, every gradient, and 200 steps with the same noise."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import keras
import numpy as np

import numpy_nets
from keras_ref.parity import term_models
from keras_ref.parity.both import normal, uniform
from keras_ref.parity.case import Case, Pair
from keras_ref.parity.cases.models import images, twin

PIXELS, HIDDEN, LATENT, BATCH = 784, 50, 8, 32

MANY_STEPS = (
    "200 steps amplify rounding: one ulp in half of the pixels moves numpy_nets' own weights by 6 "
    "to 82 eps, and every step rounds, on both sides: 12 to 155 eps measured, times 3"
)


def build(k: Any, gaussian: bool = False, **options: Any) -> Any:
    """A small VAE of k = numpy_nets or keras."""
    file = twin(k, "vae")
    if gaussian:
        options["log_likelihood"] = file.gaussian_log_likelihood
    decoder = file.build_gaussian_decoder if gaussian else file.build_decoder
    encoder = file.build_encoder(PIXELS, HIDDEN, LATENT)
    return file.VAE(encoder, decoder(PIXELS, HIDDEN, LATENT), **options)


def noise(model: Any, dtype: str, seed: int) -> Any:
    return normal(model.samples * BATCH, LATENT, seed=seed).astype(dtype)


def _terms(dtype: str, **options: Any) -> Iterator[Pair]:
    mine, theirs = term_models.both(partial(build, **options), dtype)
    x = images(BATCH, dtype)
    yield from term_models.terms(mine, theirs, x, noise(mine, dtype, 1))
    yield from term_models.log_weights(mine, theirs, x, noise(mine, dtype, 2))


def _steps(dtype: str, **options: Any) -> Iterator[Pair]:
    mine, theirs = term_models.both(partial(build, **options), dtype)
    batches = list(images(50 * BATCH, dtype).reshape(-1, BATCH, PIXELS))
    noises = [noise(mine, dtype, i) for i in range(200)]
    yield from term_models.training(mine, theirs, batches, noises)


def _function(name: str, *inputs: Any) -> Callable[[str], Iterator[Pair]]:
    """A function of vae.py: its value, and the gradient for every input."""

    def call(k: Any, *tensors: Any) -> Any:
        function = getattr(twin(k, "vae"), name)
        if name == "gaussian_log_likelihood":
            return function(tensors[0], list(tensors[1:]))
        if name == "repeat":
            return function(list(tensors), 3)[0]
        return function(*tensors)

    return term_models.function(call, *inputs)


def _batch_size(dtype: str) -> Iterator[Pair]:
    x, y = normal(4, 3), normal(4, 2)
    functions = [twin(k, "terms").batch_size for k in (numpy_nets, keras)]
    sizes = [[function(data) for data in (x, (x, y))] for function in functions]
    yield "of x, of (x, y)", *map(np.array, sizes)


def _total(dtype: str) -> Iterator[Pair]:
    run = term_models.function(
        lambda k, *terms: twin(k, "terms").total(list(terms)), *(normal(seed=i) for i in range(3))
    )
    yield from run(dtype)


_KINDS: dict[str, dict[str, Any]] = {
    "": {},
    "beta 2, three samples": {"beta": 2.0, "samples": 3},
    "Gaussian decoder": {"gaussian": True},
}

CASES = [
    *(
        Case("model", f"models.{name}", _function(name, *inputs))
        for name, inputs in {
            "reparameterize": (normal(4, 3), normal(4, 3, seed=1), normal(4, 3, seed=2)),
            "gaussian_kl": (normal(4, 3), normal(4, 3, seed=1)),
            "bernoulli_log_likelihood": (uniform(4, 3), normal(4, 3)),
            "gaussian_log_likelihood": (uniform(4, 3), normal(4, 3), normal(4, 3, seed=1)),
            "repeat": (normal(4, 3),),
        }.items()
    ),
    Case("model", "models.batch_size", _batch_size),
    Case("model", "models.total", _total),
    *(
        Case("model", f"models.{name}", term_models.built("vae", name))
        for name in ("build_encoder", "build_decoder", "build_gaussian_decoder")
    ),
    *(
        Case("model", subject, lambda dtype, o=options: _terms(dtype, **o), variant)
        for subject in ("models.VAE", "models.TermModel")
        for variant, options in _KINDS.items()
        if subject == "models.VAE" or not variant
    ),
    *(
        Case(
            "training",
            "models.VAE",
            lambda dtype, o=options: _steps(dtype, **o),
            f"200 steps {variant}".strip(),
            bound=512,
            reason=MANY_STEPS,
        )
        for variant, options in _KINDS.items()
    ),
]
