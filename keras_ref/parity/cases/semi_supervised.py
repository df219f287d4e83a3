"""The semi-supervised GAN and VAEs: networks, every term and gradient, and 100 iterations."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf

import numpy_nets
from keras_ref.parity import term_models
from keras_ref.parity.both import (
    gradients,
    model_gradients,
    models,
    normal,
    prefixed,
    uniform,
    weights,
)
from keras_ref.parity.case import Case, Pair
from keras_ref.parity.cases.extensions import (
    CLASSES,
    STEPS,
    Game,
    _networks,
    _pairs,
    _tensors,
    _terms,
    both,
)
from keras_ref.parity.cases.gan import BATCH, HIDDEN, LATENT, PIXELS
from keras_ref.parity.cases.models import images, twin
from numpy_nets.autodiff.tensor import Array

ROUNDED = "the gradient is e^(l - log Z), and log Z of about 1,000 is rounded by up to 256 eps"
CANCELLING = (
    "behind batch normalization the gradients of a batch nearly cancel: 29 eps measured, and one "
    "ulp in the weights moves this library's own gradients by up to 31"
)
SUMMED = (
    "the gradients of the ten classes of an image nearly cancel: 81 eps measured, and one ulp in "
    "half of the weights moves this library's own gradients by up to 50"
)
SUMMED_STEPS = (
    "100 steps amplify rounding: one ulp in half of the weights moves this library's own weights "
    "by up to 876 eps; 1,035 measured"
)
SUMMED_CODES = (
    "100 steps amplify rounding: one ulp in half of the weights moves this library's own weights "
    "by up to 20 eps; 21 measured"
)

_TERMS = ("d_loss_real", "d_loss_fake", "d_loss_labelled", "g_loss")


def _sgan(k: Any, **options: Any) -> Any:
    """Without the noise in D, which the two libraries draw from streams of their own."""
    file = twin(k, "sgan")
    build = partial(file.build_sgan_discriminator, PIXELS, CLASSES, (HIDDEN, HIDDEN), 0.0, 0.0)
    if "ema_momentum" in options:
        options["averaged"] = build()
    generator = file.build_sgan_generator(LATENT, PIXELS, (HIDDEN, HIDDEN))
    return file.SemiSupervisedGAN(generator, build(), **options)


def _inputs(dtype: str, step: int) -> tuple[list[Array], list[Array]]:
    """[x, x_labelled, y] and [z, x]: a batch of digits, and the one after it with labels."""
    (x, _), _ = _pairs(dtype, step)
    (x_labelled, y), _ = _pairs(dtype, step + 1)
    return [x, x_labelled, y], [uniform(BATCH, LATENT, seed=1000 + step).astype(dtype), x]


GAME = Game(_sgan, _inputs)


def _iterations(dtype: str, **options: Any) -> Iterator[Pair]:
    """100 iterations on shared noise: the terms of every step, the means, and the weights after."""
    mine, theirs = both(GAME, dtype, **options)
    learn_d, learn_g = tf.function(theirs.learn_discriminator), tf.function(theirs.learn_generator)
    series: list[tuple[list[float], list[float]]] = []
    for step in range(STEPS):
        real, z = GAME.inputs(dtype, 2 * step)
        _, other_z = GAME.inputs(dtype, 2 * step + 1)
        mine.reset_metrics()
        theirs.reset_metrics()
        ours = mine.learn_discriminator(*(_tensors(numpy_nets, a) for a in (real, z)))
        ours += mine.learn_generator(_tensors(numpy_nets, other_z))
        expected = learn_d(*(_tensors(keras, a) for a in (real, z)))
        expected += learn_g(_tensors(keras, other_z))
        series.append(([float(term) for term in ours], [float(term) for term in expected]))
    found, wanted = (np.array(side).T for side in zip(*series, strict=True))
    for name, a, b in zip(_TERMS, found, wanted, strict=True):
        yield f"{name} at each of {len(a)} steps", a, b
    logs = [[float(mean.result()) for mean in gan.means] for gan in (mine, theirs)]
    yield "reported means", *map(np.array, logs)
    if mine.averaged is not None:
        yield from prefixed("averaged", weights(mine.averaged, theirs.averaged))
        x = GAME.inputs(dtype, 0)[0][0]
        yield "class probabilities", mine(x).array, theirs(x).numpy()
    for ours, other in zip(_networks(mine), _networks(theirs), strict=True):
        yield from prefixed(ours.name, weights(ours, other))


def _network(name: str, width: int, dtype: str) -> Iterator[Pair]:
    """A network with its defaults: shapes of all weights, outputs and gradients."""
    x = normal(4, width, seed=width).astype(dtype)
    mine, theirs = models(lambda k: getattr(twin(k, "sgan"), name)(), x)
    shapes = (np.concatenate([w.shape for w in side.get_weights()]) for side in (mine, theirs))
    yield "shapes of the weights", *shapes

    def loss(k: Any, y: Any) -> Any:
        outputs = y if isinstance(y, list | tuple) else [y]
        return sum(k.ops.sum(k.ops.square(output)) for output in outputs)

    yield from model_gradients(mine, theirs, loss, x)


def _log_z(dtype: str, around: float) -> Iterator[Pair]:
    logits = (around + normal(6, 5)).astype(dtype)
    yield from gradients(lambda k, x: twin(k, "sgan").log_z(x), [logits])


CODES = 20  # of M1


def _m2(k: Any, pixels: int = PIXELS, build_decoder: str = "", likelihood: str = "") -> Any:
    m2, cvae, vae = (twin(k, file) for file in ("m2", "cvae", "vae"))
    sizes = (pixels, CLASSES, HIDDEN)
    if build_decoder:
        decoder = getattr(m2, build_decoder)(*sizes, LATENT)
    else:
        decoder = cvae.build_conditional_decoder(*sizes, LATENT)
    return m2.M2(
        m2.build_classifier(*sizes), cvae.build_conditional_encoder(*sizes, LATENT), decoder,
        0.25, 2.0, getattr(vae, likelihood or "bernoulli_log_likelihood"),
    )  # fmt: skip


def _m1m2(k: Any) -> Any:
    vae = twin(k, "vae")
    m1 = vae.VAE(vae.build_encoder(PIXELS, HIDDEN, CODES), vae.build_decoder(PIXELS, HIDDEN, CODES))
    m1(images(1, "float32"))  # Keras warns of a model inside another that was never called
    return twin(k, "m2").M1M2(m1, _m2(k, CODES, "build_m2_decoder", "gaussian_log_likelihood"))


def _labelled(dtype: str, step: int) -> Any:
    """(x, x_labelled, y), with pixels in [0, 1], as a Bernoulli decoder takes them."""
    x, x_labelled, y = _inputs(dtype, step)[0]
    return (x + 1) / 2, (x_labelled + 1) / 2, y


def _epsilons(dtype: str, step: int, both: bool) -> Any:
    """The noise of M2, or of M1M2."""

    def draw(latent: int, i: int) -> Array:
        return normal(BATCH, latent, seed=10 * step + i).astype(dtype)

    of_m2 = draw(LATENT, 0), draw(LATENT, 1)
    return (draw(CODES, 2), (draw(CODES, 3), draw(CODES, 4)), of_m2) if both else of_m2


def _draws(dtype: str) -> Iterator[Pair]:
    """The shapes of the draws, which come from the two libraries' own streams."""
    x = images(BATCH, dtype)
    encoders = [twin(k, "vae").build_encoder(PIXELS, HIDDEN, CODES) for k in (numpy_nets, keras)]
    draws = [
        twin(k, "m2").draw_epsilons(encoder, [x, x[:3]], None)
        for k, encoder in zip((numpy_nets, keras), encoders, strict=True)
    ]
    yield "shapes", *(np.array([tuple(e.shape) for e in side]) for side in draws)


def _variational_terms(build: Any, dtype: str) -> Iterator[Pair]:
    mine, theirs = term_models.both(build, dtype)
    data, noise = _labelled(dtype, 0), _epsilons(dtype, 0, build is _m1m2)
    yield from term_models.terms(mine, theirs, data, noise, inputs=data[0])


def _variational_iterations(build: Any, dtype: str) -> Iterator[Pair]:
    mine, theirs = term_models.both(build, dtype)
    batches = [_labelled(dtype, step) for step in range(50)]
    noise = [_epsilons(dtype, step, build is _m1m2) for step in range(STEPS)]
    # Compiled by TensorFlow with its graph optimizer, M2's part of a step of M1M2 differs from run
    # to run, as if some codes were drawn with the weights that M1 has after the step; no gradient
    # ties them to those before it. Eagerly, or compiled without that optimizer, it is ours.
    yield from term_models.training(mine, theirs, batches, noise, graph=build is not _m1m2)


CASES = [
    Case("model", "models.log_z", partial(_log_z, around=0.0)),
    *(
        Case("model", "models.log_z", partial(_log_z, around=around), f"logits about {around:g}",
             bound=512, reason=ROUNDED)
        for around in (-1000.0, 1000.0)
    ),
    Case("model", "models.build_sgan_generator",
         partial(_network, "build_sgan_generator", 100)),
    Case("model", "models.build_sgan_discriminator",
         partial(_network, "build_sgan_discriminator", 784)),
    Case("model", "models.SemiSupervisedGAN", partial(_terms, GAME, training=False)),
    Case("model", "models.SemiSupervisedGAN", partial(_terms, GAME, training=True), "in training",
         bound=128, reason=CANCELLING),
    Case("training", "models.SemiSupervisedGAN", partial(_iterations, optimizer="SGD"),
         f"{STEPS} iterations of SGD"),
    Case("training", "models.SemiSupervisedGAN",
         partial(_iterations, optimizer="SGD", ema_momentum=0.96875),
         f"{STEPS} iterations of SGD, averaged"),
    Case("training", "models.SemiSupervisedGAN", partial(_iterations, ema_momentum=0.96875),
         f"{STEPS} iterations of Adam, averaged"),
    *(
        Case("model", f"models.{name}", term_models.built("m2", name))
        for name in ("build_classifier", "build_m2_decoder")
    ),
    Case("model", "models.draw_epsilons", _draws),
    Case("model", "models.M2", partial(_variational_terms, _m2), bound=256, reason=SUMMED),
    Case("model", "models.M1M2", partial(_variational_terms, _m1m2)),
    Case("training", "models.M2", partial(_variational_iterations, _m2), f"{STEPS} iterations",
         bound=4096, reason=SUMMED_STEPS),
    Case("training", "models.M1M2", partial(_variational_iterations, _m1m2),
         f"{STEPS} iterations", bound=64, reason=SUMMED_CODES),
]  # fmt: skip
