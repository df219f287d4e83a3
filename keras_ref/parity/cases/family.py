"""The relatives of the VAE: terms, total, every gradient, and 200 steps with the same noise."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from keras_ref.parity import term_models
from keras_ref.parity.both import normal, uniform
from keras_ref.parity.case import ROUNDING, Case, Pair
from keras_ref.parity.cases.models import images, twin
from keras_ref.parity.cases.vae import BATCH, HIDDEN, LATENT, PIXELS
from numpy_nets.autodiff.tensor import Array
from numpy_nets.datasets import digits

CODES, CLASSES, STEPS = 60, 10, 200

MANY_STEPS = (
    "200 steps amplify rounding: one ulp in half of the pixels moves numpy_nets' own weights by 3 "
    "to 41 eps, and every step rounds, on both sides: 11 to 142 eps measured, times 3"
)
LOG_WEIGHTS = (
    "a log weight of -544 nats is rounded to within 256 eps, which is the relative error of the "
    "sample's share in the gradient: up to 120 eps measured, times 4"
)
# With 784 pixels a training run of the IWAE proves little. Log weights in float32 were up to 620
# eps from those in float64, and shares in the gradient 995 eps; with 16 pixels it was 17 and 18
# eps. Adam divides each gradient by its own size, so a weight whose gradient is nothing but that
# rounding walks at random. One ulp in the inputs moved this library's own weights by 640 to 1110
# eps within 200 steps (14 with SGD); with 16 pixels, by 2 to 20 eps.
FEW_PIXELS = (
    "200 steps amplify rounding: one ulp in the inputs moves numpy_nets' own weights by 2 to 20 "
    "eps, times 3 (by 640 to 1110 with 784 pixels: log weights are large)"
)


def autoencoder(k: Any, file: str, name: str, **options: Any) -> Any:
    """An encoder of codes, its decoder, and the model of both."""
    parts = twin(k, "denoising")
    encoder = parts.build_code_encoder(PIXELS, CODES)
    return getattr(twin(k, file), name)(encoder, parts.build_code_decoder(PIXELS, CODES), **options)


def denoising(k: Any, corruption: str) -> Any:
    noise = getattr(twin(k, "denoising"), corruption)()
    return autoencoder(k, "denoising", "DenoisingAutoencoder", corruption=noise)


def sparse(k: Any, penalty: str) -> Any:
    function = getattr(twin(k, "sparse"), penalty)
    return autoencoder(k, "sparse", "SparseAutoencoder", penalty=function, weight=0.5)


def conditional(k: Any, samples: int = 1) -> Any:
    file = twin(k, "cvae")
    encoder = file.build_conditional_encoder(PIXELS, CLASSES, HIDDEN, LATENT)
    decoder = file.build_conditional_decoder(PIXELS, CLASSES, HIDDEN, LATENT)
    return file.ConditionalVAE(encoder, decoder, samples=samples)


def iwae(k: Any, pixels: int, samples: int = 5) -> Any:
    file = twin(k, "vae")
    encoder = file.build_encoder(pixels, HIDDEN, LATENT)
    decoder = file.build_decoder(pixels, HIDDEN, LATENT)
    return twin(k, "iwae").IWAE(encoder, decoder, samples=samples)


def batches(dtype: str, pixels: int = PIXELS) -> list[Array]:
    """50 batches of digits; with fewer pixels, each is the mean over a square of the original."""
    side = round(pixels**0.5)
    x = images(50 * BATCH, dtype).reshape(-1, side, 28 // side, side, 28 // side)
    return list(x.mean((2, 4)).reshape(-1, BATCH, pixels))


def labelled(dtype: str) -> list[Any]:
    """The same batches with one-hot labels."""
    (_, labels), _ = digits.load_data()
    y = np.eye(CLASSES, dtype=dtype)[labels[: 50 * BATCH]].reshape(-1, BATCH, CLASSES)
    return list(zip(batches(dtype), y, strict=True))


def _terms(
    build: Callable[[Any], Any], data: Callable[[str], list[Any]], draw: Any, dtype: str
) -> Iterator[Pair]:
    mine, theirs = term_models.both(build, dtype)
    batch, noise = data(dtype)[0], draw(seed=0).astype(dtype)
    yield from term_models.terms(mine, theirs, batch, noise)
    if hasattr(mine, "log_weights"):
        yield from term_models.log_weights(mine, theirs, batch, noise)


def _steps(
    build: Callable[[Any], Any], data: Callable[[str], list[Any]], draw: Any, dtype: str
) -> Iterator[Pair]:
    mine, theirs = term_models.both(build, dtype)
    noise = [draw(seed=i).astype(dtype) for i in range(STEPS)]
    yield from term_models.training(mine, theirs, data(dtype), noise)


def _corruption(name: str, draw: Callable[..., Array]) -> Callable[[str], Iterator[Pair]]:
    def call(k: Any, *tensors: Any) -> Any:
        return getattr(twin(k, "denoising"), name)()(*tensors)

    return term_models.function(call, uniform(4, 30, seed=1), draw(4, 30))


def _penalty(name: str) -> Callable[[str], Iterator[Pair]]:
    def call(k: Any, codes: Any) -> Any:
        return getattr(twin(k, "sparse"), name)(codes)

    # Units that are never active, always active, and sometimes active.
    codes = np.concatenate([np.zeros((6, 1)), np.ones((6, 1)), uniform(6, 4)], axis=1)
    return term_models.function(call, codes)


_FAMILY: list[tuple[str, str, Any, Any, Any]] = [
    ("DenoisingAutoencoder", "masking noise", partial(denoising, corruption="MaskingNoise"),
     batches, partial(uniform, BATCH, PIXELS)),
    ("DenoisingAutoencoder", "Gaussian noise", partial(denoising, corruption="GaussianNoise"),
     batches, partial(normal, BATCH, PIXELS)),
    ("SparseAutoencoder", "KL", partial(sparse, penalty="kl_sparsity"),
     batches, partial(normal, 0)),
    ("SparseAutoencoder", "L1", partial(sparse, penalty="l1_sparsity"),
     batches, partial(normal, 0)),
    ("ConditionalVAE", "", conditional, labelled, partial(normal, BATCH, LATENT)),
    ("ConditionalVAE", "three samples", partial(conditional, samples=3),
     labelled, partial(normal, 3 * BATCH, LATENT)),
    ("IWAE", "16 pixels", partial(iwae, pixels=16),
     partial(batches, pixels=16), partial(normal, 5 * BATCH, LATENT)),
    ("IWAE", "784 pixels", partial(iwae, pixels=PIXELS),
     batches, partial(normal, 5 * BATCH, LATENT)),
]  # fmt: skip

CASES = [
    Case("model", "models.MaskingNoise", _corruption("MaskingNoise", uniform)),
    Case("model", "models.GaussianNoise", _corruption("GaussianNoise", normal)),
    Case("model", "models.kl_sparsity", _penalty("kl_sparsity")),
    Case("model", "models.l1_sparsity", _penalty("l1_sparsity")),
    *(
        Case("model", f"models.{name}", term_models.built(file, name))
        for file, name in (
            ("denoising", "build_code_encoder"),
            ("denoising", "build_code_decoder"),
            ("cvae", "build_conditional_encoder"),
            ("cvae", "build_conditional_decoder"),
        )
    ),
    *(
        Case(
            "model",
            f"models.{name}",
            partial(_terms, build, data, draw),
            variant,
            bound=512 if variant == "784 pixels" else 32,
            reason=LOG_WEIGHTS if variant == "784 pixels" else ROUNDING,
        )
        for name, variant, build, data, draw in _FAMILY
    ),
    *(
        Case(
            "training",
            f"models.{name}",
            partial(_steps, build, data, draw),
            f"200 steps {variant}".strip(),
            bound=64 if name == "IWAE" else 512,
            reason=FEW_PIXELS if name == "IWAE" else MANY_STEPS,
        )
        for name, variant, build, data, draw in _FAMILY
        if variant != "784 pixels"
    ),
]
