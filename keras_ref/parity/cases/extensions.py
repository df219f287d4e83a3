"""The conditional GAN and BiGAN: every term, its gradients, and 100 iterations on shared draws."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

import numpy_nets
from keras_ref.parity.both import as_array, model_gradients, models, normal, prefixed, weights
from keras_ref.parity.case import Case, Pair
from keras_ref.parity.cases.gan import ADAM, BATCH, HIDDEN, LATENT, PIXELS, SLOPE, real
from keras_ref.parity.cases.models import twin
from keras_ref.weights import copy_to_keras
from numpy_nets.autodiff.tensor import Array
from numpy_nets.datasets import digits

CLASSES = 10
STEPS = 100

CANCELLING = (
    "behind batch normalization the gradients of a batch nearly cancel, and a bias gets what is "
    "left of their sum: 125 eps measured, and one ulp in the weights moves this library's own "
    "gradient by up to 174"
)
GENTLE = (
    "SGD with batch normalization: one ulp in the initial weights moves this library's own result "
    "by up to 167 eps after 100 steps"
)
SENSITIVE = (
    "Adam with batch normalization: one ulp in the initial weights moves this library's own result "
    "by up to 2,000 eps after 100 steps"
)


class Game(NamedTuple):
    """A GAN of two arguments.

    Attributes:
        build: k, options -> the model of k = numpy_nets or keras.
        inputs: dtype, step -> what D is to call real, and what G is given, as arrays.
    """

    build: Callable[..., Any]
    inputs: Callable[[str, int], tuple[Any, Any]]


def _cgan(k: Any, **options: Any) -> Any:
    file = twin(k, "cgan")
    build = partial(file.build_conditional_generator, LATENT, CLASSES, PIXELS, (HIDDEN,), SLOPE)
    if "ema_momentum" in options:
        options["averaged"] = build()
    discriminator = file.build_conditional_discriminator(
        PIXELS, CLASSES, (HIDDEN,), SLOPE, dropout=0.0
    )
    return file.ConditionalGAN(build(), discriminator, **options)


def _pairs(dtype: str, step: int) -> tuple[list[Array], list[Array]]:
    (_, labels), _ = digits.load_data()
    some = slice((step % 50) * BATCH, (step % 50 + 1) * BATCH)
    y = np.eye(CLASSES, dtype=dtype)[labels[some]]
    return [real(50 * BATCH, dtype)[some], y], [_noise(dtype, step), y]


def _bigan(k: Any, **options: Any) -> Any:
    file = twin(k, "bigan")
    build = partial(file.build_bigan_generator, LATENT, PIXELS, HIDDEN)
    if "ema_momentum" in options:
        options["averaged"] = build()
    return file.BiGAN(
        build(),
        file.build_bigan_discriminator(PIXELS, LATENT, HIDDEN, float(np.float32(0.2))),
        file.build_bigan_encoder(PIXELS, LATENT, HIDDEN, float(np.float32(0.2))),
        **options,
    )


def _images_and_noise(dtype: str, step: int) -> tuple[Array, list[Array]]:
    x = real(50 * BATCH, dtype).reshape(50, BATCH, PIXELS)[step % 50]
    return x, [_noise(dtype, step), x]


def _noise(dtype: str, step: int) -> Array:
    return normal(BATCH, LATENT, seed=1000 + step).astype(dtype)


CONDITIONAL, BIDIRECTIONAL = Game(_cgan, _pairs), Game(_bigan, _images_and_noise)


def both(game: Game, dtype: str, optimizer: str = "Adam", **options: Any) -> tuple[Any, Any]:
    """The model on both sides, compiled, with the same weights, none of them zero."""
    mine, theirs = game.build(numpy_nets, **options), game.build(keras, **options)
    for k, gan in ((numpy_nets, mine), (keras, theirs)):
        if optimizer == "Adam":
            gan.compile(*(k.optimizers.Adam(2e-4, **ADAM) for _ in range(2)))
        else:
            gan.compile(*(k.optimizers.SGD(2.0**-8, momentum=0.5) for _ in range(2)))
    for ours, other in zip(_networks(mine), _networks(theirs), strict=True):
        drawn = [0.1 * normal(*w.shape, seed=i) for i, w in enumerate(ours.get_weights())]
        # The scale of a batch normalization, and its moving variance, are about 1.
        names = [v.name for v in ours.weights]
        drawn = [
            1 + w if name in ("gamma", "moving_variance") else w
            for name, w in zip(names, drawn, strict=True)
        ]
        ours.set_weights([w.astype(dtype) for w in drawn])
        copy_to_keras(ours, other)
    return mine, theirs


def _networks(gan: Any) -> list[Any]:
    return [gan.discriminator, *gan.players()]


def _tensors(k: Any, nested: Any) -> Any:
    if isinstance(nested, list):
        return [_tensors(k, x) for x in nested]
    return k.ops.convert_to_tensor(nested)


def _terms(game: Game, dtype: str, training: bool, **options: Any) -> Iterator[Pair]:
    """Each term of D and of G, and its gradient for every weight."""
    mine, theirs = both(game, dtype, **options)
    x, z = game.inputs(dtype, 0)
    for name, arrays in (("d_terms", (x, z)), ("g_terms", (z,))):
        with numpy_nets.GradientTape(persistent=True) as tape:
            terms = getattr(mine, name)(*(_tensors(numpy_nets, a) for a in arrays), training)
        with tf.GradientTape(persistent=True) as tf_tape:
            expected = getattr(theirs, name)(*(_tensors(keras, a) for a in arrays), training)
        variables, others = mine.trainable_variables, theirs.trainable_variables
        for i, (a, b) in enumerate(zip(terms, expected, strict=True)):
            yield f"{name}[{i}]", as_array(a), as_array(b)
            gradients, wanted = tape.gradient(a, variables), tf_tape.gradient(b, others)
            for v, g, h in zip(variables, gradients, wanted, strict=True):
                yield f"{name}[{i}]: gradient of {v.name}", as_array(g), as_array(h)


def _iterations(game: Game, dtype: str, **options: Any) -> Iterator[Pair]:
    """Algorithm 1 on digits with shared noise: the terms of every step, and the weights after."""
    mine, theirs = both(game, dtype, **options)
    learn_d, learn_g = tf.function(theirs.learn_discriminator), tf.function(theirs.learn_generator)
    names = ("d_loss_real", "d_loss_fake", *mine.g_names)
    series: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in names}
    for step in range(STEPS):
        x, z = game.inputs(dtype, 2 * step)
        _, other_z = game.inputs(dtype, 2 * step + 1)
        mine.reset_metrics()
        theirs.reset_metrics()
        ours = mine.learn_discriminator(*(_tensors(numpy_nets, a) for a in (x, z)))
        ours += mine.learn_generator(_tensors(numpy_nets, other_z))
        expected = learn_d(*(_tensors(keras, a) for a in (x, z)))
        expected += learn_g(_tensors(keras, other_z))
        for name, a, b in zip(names, ours, expected, strict=True):
            series[name][0].append(float(a))
            series[name][1].append(float(b))
    for name, (found, wanted) in series.items():
        yield f"{name} at each of {len(found)} steps", np.array(found), np.array(wanted)
    logs = [[float(mean.result()) for mean in gan.means] for gan in (mine, theirs)]
    yield "reported means", *map(np.array, logs)
    if mine.averaged is not None:
        yield from prefixed("averaged", weights(mine.averaged, theirs.averaged))
    for ours, other in zip(_networks(mine), _networks(theirs), strict=True):
        yield from prefixed(ours.name, weights(ours, other))


def _regressor(dtype: str) -> Iterator[Pair]:
    """The squared error of every step on shared noise, and the encoder after; G stays as it was."""
    sides = []
    for k in (numpy_nets, keras):
        file = twin(k, "latent_regressor")
        generator = twin(k, "gan").build_generator(LATENT, PIXELS, HIDDEN, SLOPE)
        encoder = file.build_latent_encoder(PIXELS, LATENT, HIDDEN, float(np.float32(0.2)))
        sides.append(file.LatentRegressor(generator, encoder))
        sides[-1].compile(k.optimizers.Adam(2e-4, **ADAM))
    mine, theirs = sides
    for network in ("generator", "encoder"):
        ours = getattr(mine, network)
        drawn = [0.1 * normal(*w.shape, seed=i) for i, w in enumerate(ours.get_weights())]
        ours.set_weights([w.astype(dtype) for w in drawn])
        copy_to_keras(ours, getattr(theirs, network))
    learn = tf.function(lambda z: theirs.learn(z, None)["loss"])
    errors: tuple[list[float], list[float]] = ([], [])
    for step in range(STEPS):
        z = _noise(dtype, step)
        for model in (mine, theirs):
            model.reset_metrics()
        errors[0].append(float(mine.learn(numpy_nets.ops.convert_to_tensor(z), None)["loss"]))
        errors[1].append(float(learn(tf.constant(z))))
    yield f"loss at each of {STEPS} steps", *map(np.array, errors)
    for network in ("encoder", "generator"):
        yield from prefixed(network, weights(getattr(mine, network), getattr(theirs, network)))


def _network(file: str, name: str, widths: tuple[int, ...], dtype: str) -> Iterator[Pair]:
    """A network with its defaults: shapes of all weights, output and gradients outside training."""
    samples = [normal(4, width, seed=width).astype(dtype) for width in widths]
    sloped = name != "build_bigan_generator" and file != "cgan_paper"
    options = {"slope": float(np.float32(0.2))} if sloped else {}
    mine, theirs = models(lambda k: getattr(twin(k, file), name)(**options), *samples)
    shapes = (np.concatenate([w.shape for w in side.get_weights()]) for side in (mine, theirs))
    yield "shapes of the weights", *shapes
    inputs = samples if len(samples) > 1 else samples[0]
    yield from model_gradients(mine, theirs, lambda k, y: k.ops.sum(k.ops.square(y)), inputs)


def _every(dtype: str) -> Iterator[Pair]:
    x = normal(7, 3).astype(dtype)
    for k, i in ((1, 0), (3, 1)):
        ours, theirs = (twin(lib, "gan").every(k, i, [x, x]) for lib in (numpy_nets, keras))
        yield f"{k}, {i}", np.concatenate(ours), np.concatenate(theirs)


_NETWORKS = (
    ("gan_deep", "build_deep_generator", (100,)),
    ("gan_deep", "build_deep_discriminator", (784,)),
    ("cgan", "build_conditional_generator", (100, 10)),
    ("cgan", "build_conditional_discriminator", (784, 10)),
    ("cgan_paper", "build_paper_conditional_generator", (100, 10)),
    ("cgan_paper", "build_paper_conditional_discriminator", (784, 10)),
    ("latent_regressor", "build_latent_encoder", (784,)),
    ("bigan", "build_bigan_encoder", (784,)),
    ("bigan", "build_bigan_generator", (50,)),
    ("bigan", "build_bigan_discriminator", (784, 50)),
)

CASES = [
    Case("model", "models.every", _every),
    *(
        Case("model", f"models.{name}", partial(_network, file, name, widths))
        for file, name, widths in _NETWORKS
    ),
    Case("model", "models.ConditionalGAN", partial(_terms, CONDITIONAL, training=False)),
    Case("model", "models.ConditionalGAN", partial(_terms, CONDITIONAL, training=True),
         "in training"),
    Case("model", "models.BiGAN", partial(_terms, BIDIRECTIONAL, training=False)),
    Case("model", "models.BiGAN", partial(_terms, BIDIRECTIONAL, training=True), "in training",
         bound=256, reason=CANCELLING),
    *(
        Case("training", "models.ConditionalGAN", partial(_iterations, CONDITIONAL, **options),
             f"{STEPS} iterations{variant}")
        for variant, options in (("", {}), (", averaged", {"ema_momentum": 0.96875}))
    ),
    Case("training", "models.BiGAN", partial(_iterations, BIDIRECTIONAL, optimizer="SGD"),
         f"{STEPS} iterations of SGD", bound=256, reason=GENTLE),
    Case("training", "models.LatentRegressor", _regressor, f"{STEPS} iterations"),
    # In float32 some gradients are all rounding, and Adam makes full steps of them.
    Case("training", "models.BiGAN", partial(_iterations, BIDIRECTIONAL, ema_momentum=0.96875),
         f"{STEPS} iterations of Adam, averaged", ("float64",), 4096, SENSITIVE),
]  # fmt: skip
