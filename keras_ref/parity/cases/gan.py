"""The GAN: every term, D's and G's gradients, and 200 iterations with shared data and noise."""

import contextlib
import functools
import io
import re
from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import patch

import keras
import numpy as np
import tensorflow as tf

import numpy_nets
from keras_ref.parity.both import (
    as_array,
    gradients,
    model_gradients,
    models,
    normal,
    prefixed,
    uniform,
    weights,
)
from keras_ref.parity.case import ROUNDING, Case, Pair
from keras_ref.parity.cases.layers import _statistics
from keras_ref.parity.cases.models import images, twin
from keras_ref.parity.cases.optimizers import ROUNDED_SCHEDULE
from keras_ref.weights import copy_to_keras
from numpy_nets.autodiff.tensor import Array

PIXELS, HIDDEN, LATENT, BATCH = 784, 32, 10, 32

# Constants that float32 holds exactly: Keras rounds the slope and the βs in float64 as well.
SLOPE = float(np.float32(0.01))
ADAM = {"beta_1": 0.5, "beta_2": 1 - 2.0**-10}

SURE = (
    "after 600 steps D is so sure that float32 has few digits left for D(x) - 1, its gradient: 49 "
    "eps measured; one ulp in the initial weights moves this library's own result by up to 25"
)

OBJECTIVES = ("MINIMAX", "NON_SATURATING", "LEAST_SQUARES")


def build(k: Any, /, objective: str = "NON_SATURATING", **options: Any) -> Any:
    """A small GAN of k = numpy_nets or keras, compiled."""
    file = twin(k, "gan")
    objective_terms = getattr(file, objective)
    if "ema_momentum" in options:
        options["averaged"] = file.build_generator(LATENT, PIXELS, HIDDEN, SLOPE)
    generator = file.build_generator(LATENT, PIXELS, HIDDEN, SLOPE)
    discriminator = file.build_discriminator(PIXELS, HIDDEN, SLOPE, objective_terms.activation)
    gan = file.GAN(generator, discriminator, objective_terms, **options)
    gan.compile(*(k.optimizers.Adam(2e-4, **ADAM) for _ in range(2)))
    return gan


def both(dtype: str, scale: float = 0.1, **options: Any) -> tuple[Any, Any]:
    """The GAN on both sides with the same random weights; biases are not zero either."""
    mine, theirs = build(numpy_nets, **options), build(keras, **options)
    for part in ("generator", "discriminator"):
        ours = getattr(mine, part)
        shapes = [w.shape for w in ours.get_weights()]
        ours.set_weights([scale * normal(*s, seed=i).astype(dtype) for i, s in enumerate(shapes)])
        copy_to_keras(ours, getattr(theirs, part))
    return mine, theirs


def real(count: int, dtype: str) -> Array:
    """Digits in [-1, 1]."""
    return 2 * images(count, dtype) - 1


def noise(dtype: str, seed: int) -> Array:
    return normal(BATCH, LATENT, seed=seed).astype(dtype)


def tensors(*arrays: Array) -> tuple[list[Any], list[Any]]:
    """Arrays as tensors of both sides."""
    return [numpy_nets.ops.convert_to_tensor(x) for x in arrays], [tf.constant(x) for x in arrays]


def _terms(dtype: str, **options: Any) -> Iterator[Pair]:
    """Each term of D and of G, and its gradient for every weight of both networks."""
    mine, theirs = both(dtype, **options)
    x, z = real(BATCH, dtype), noise(dtype, 1)
    for name, arrays in (("d_terms", (x, z)), ("g_terms", (z,))):
        ours, others = tensors(*arrays)
        with numpy_nets.GradientTape(persistent=True) as tape:
            our_terms = getattr(mine, name)(*ours)
        with tf.GradientTape(persistent=True) as tf_tape:
            their_terms = getattr(theirs, name)(*others)
        for i, (a, b) in enumerate(zip(our_terms, their_terms, strict=True)):
            yield f"{name}[{i}]", as_array(a), as_array(b)
            our_gradients = tape.gradient(a, mine.trainable_variables)
            their_gradients = tf_tape.gradient(b, theirs.trainable_variables)
            pairs = zip(mine.trainable_variables, our_gradients, their_gradients, strict=True)
            for v, g, h in pairs:
                yield f"{name}[{i}]: gradient of {v.name}", as_array(g), as_array(h)
    yield "D(G(z))", mine(z).array, theirs(z).numpy()


def _iterations(dtype: str, count: int = 200, **options: Any) -> Iterator[Pair]:
    """Algorithm 1 on digits with shared noise: the terms of every step, and the final weights."""
    mine, theirs = both(dtype, **options)
    learn_d, learn_g = tf.function(theirs.learn_discriminator), tf.function(theirs.learn_generator)
    x = real(50 * BATCH, dtype).reshape(50, BATCH, PIXELS)
    names = ("d_loss_real", "d_loss_fake", "g_loss")
    terms: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in names}

    def keep(names: tuple[str, ...], ours: list[Any], theirs: list[Any]) -> None:
        for name, a, b in zip(names, ours, theirs, strict=True):
            terms[name][0].append(float(a))
            terms[name][1].append(float(b))

    for i in range(count):
        for gan in (mine, theirs):
            gan.reset_metrics()  # the reported means are those of the last iteration
        for j in range(mine.k):
            step = i * mine.k + j
            ours, others = tensors(x[step % len(x)], noise(dtype, 2 * step))
            keep(names[:2], mine.learn_discriminator(*ours), learn_d(*others))
        ours, others = tensors(noise(dtype, 2 * step + 1))
        keep(names[2:], mine.learn_generator(*ours), learn_g(*others))
    for name, (ours, expected) in terms.items():
        yield f"{name} at each of {len(ours)} steps", np.array(ours), np.array(expected)
    logs = [[float(mean.result()) for mean in gan.means] for gan in (mine, theirs)]
    yield "reported means", *map(np.array, logs)
    if mine.averaged is not None:
        yield from prefixed("averaged", weights(mine.averaged, theirs.averaged))
    for part in ("generator", "discriminator"):
        yield from prefixed(part, weights(getattr(mine, part), getattr(theirs, part)))
        optimizer = f"{part[0]}_optimizer"
        counts = [int(getattr(gan, optimizer).iterations) for gan in (mine, theirs)]
        yield f"{optimizer}.iterations", *counts


class _Draws:
    """Takes the place of `random` in a model file of k, and draws the same on both sides."""

    def __init__(self, k: Any, dtype: str) -> None:
        self.k, self.dtype, self.count = k, dtype, 0

    def normal(self, shape: Any) -> Any:
        self.count += 1
        return self.k.ops.convert_to_tensor(normal(*shape, seed=self.count).astype(self.dtype))

    def uniform(self, shape: Any, low: float, high: float, dtype: str) -> Any:
        self.count += 1
        return (low + (high - low) * uniform(*shape, seed=self.count)).astype(dtype)


def _train_gan(dtype: str) -> Iterator[Pair]:
    """The notebook's loop: the numbers that it prints, and the final weights."""
    x = real(100, dtype)
    gans = both(dtype, half_steps=True, k=2)
    printed = []
    for k, gan in zip((numpy_nets, keras), gans, strict=True):
        gan.run_eagerly = True  # a traced step would repeat its first noise
        file, draws, out = twin(k, "gan"), _Draws(k, dtype), io.StringIO()
        gan.prior = draws.normal
        with patch.object(file, "random", draws), contextlib.redirect_stdout(out):
            file.train_gan(gan, gan.generator, gan.discriminator, x, 12, BATCH)
        printed.append(np.array(re.findall(r"\d+\.?\d*", out.getvalue()), float))
    yield "printed", *printed
    for part in ("generator", "discriminator"):
        yield from prefixed(part, weights(*(getattr(gan, part) for gan in gans)))


def _momentum(dtype: str) -> Iterator[Pair]:
    """SGD whose momentum grows from 0.5 to 0.625 and 0.75, and the weights after each epoch."""
    gans = both(dtype)
    ramps = []
    for k, gan in zip((numpy_nets, keras), gans, strict=True):
        gan.compile(*(k.optimizers.SGD(0.125, momentum=0.5) for _ in range(2)))
        ramps.append(twin(k, "gan_paper").MomentumRamp(0.5, 0.75, 2))
        ramps[-1].set_model(gan)
    for epoch in range(4):
        for ramp in ramps:
            ramp.on_epoch_begin(epoch)
        for name in ("d_optimizer", "g_optimizer"):
            momentum = [getattr(gan, name).momentum for gan in gans]
            yield f"{name}.momentum in epoch {epoch}", *momentum
        for step in range(2):
            arrays = tensors(real(BATCH, dtype), noise(dtype, 10 * epoch + step))
            for gan, (x, z) in zip(gans, arrays, strict=True):
                gan.learn_discriminator(x, z)
                gan.learn_generator(z)
        for part in ("generator", "discriminator"):
            pairs = weights(*(getattr(gan, part) for gan in gans))
            yield from prefixed(f"{part} after epoch {epoch}", pairs)


def _paper_optimizer(dtype: str) -> Iterator[Pair]:
    ours, theirs = (twin(k, "gan_paper").build_paper_optimizer() for k in (numpy_nets, keras))
    rates = []
    for step in range(3):
        ours.iterations = step
        theirs.iterations.assign(step)
        rates.append((float(ours.learning_rate), float(theirs.learning_rate)))
    yield "learning rates", *(np.array(rate, dtype) for rate in zip(*rates, strict=True))
    yield "momentum", ours.momentum, theirs.momentum


def _uniform_prior(dtype: str) -> Iterator[Pair]:
    numpy_nets.random.set_random_seed(1)
    keras.utils.set_random_seed(1)
    mine = twin(numpy_nets, "gan_paper").uniform_prior((500, 2000)).array
    theirs = twin(keras, "gan_paper").uniform_prior((500, 2000)).numpy()
    yield from _statistics(mine, theirs)
    yield "within ±√3", *(float(abs(x).max() <= np.float32(3**0.5)) for x in (mine, theirs))


def _sum_of_squares(k: Any, y: Any) -> Any:
    return k.ops.sum(k.ops.square(y))


def _network(file: str, name: str, width: int, dtype: str, **options: Any) -> Iterator[Pair]:
    """A network as built by default: shapes of all weights; output and gradients in inference."""
    x = normal(4, width).astype(dtype)
    mine, theirs = models(lambda k: getattr(twin(k, file), name)(**options), x)
    shapes = (np.concatenate([w.shape for w in side.get_weights()]) for side in (mine, theirs))
    yield "shapes of the weights", *shapes
    yield from model_gradients(mine, theirs, _sum_of_squares, x)


def _mean_image(dtype: str) -> Iterator[Pair]:
    """The last biases, which start at the logits of the mean picture."""
    mean = images(100, dtype).mean(axis=0)
    build = "build_paper_generator"
    sides = [getattr(twin(k, "gan_paper"), build)(mean) for k in (numpy_nets, keras)]
    yield "last biases", *(side.get_weights()[-1] for side in sides)


def _build_gan(dtype: str) -> Iterator[Pair]:
    """The options of `build_gan`, which takes the optimizer of a compiled discriminator."""
    sides: list[list[float]] = []
    for k in (numpy_nets, keras):
        file = twin(k, "gan")
        discriminator = file.build_discriminator()
        discriminator.compile(optimizer=k.optimizers.SGD(0.25), loss="binary_crossentropy")
        gan = file.build_gan(file.build_generator(), discriminator)
        g = gan.g_optimizer
        owned = gan.d_optimizer is discriminator.optimizer
        sides.append([gan.k, gan.half_steps, owned, *(map(float, (g.learning_rate, g.beta_1)))])
    yield "k, half_steps, D's own optimizer, G's rate and beta_1", *map(np.array, sides)


def _first(dtype: str) -> Iterator[Pair]:
    x = normal(4, 3).astype(dtype)
    for data in (x, (x, None)):
        yield "x", twin(numpy_nets, "gan").first(data), twin(keras, "gan").first(data)


def _loss(name: str) -> Callable[[str], Iterator[Pair]]:
    """A loss of D's outputs: linear, or the sigmoid of logits from unsure to very sure."""

    def run(dtype: str) -> Iterator[Pair]:
        logits = np.concatenate([4 * normal(20, 1), [[90.0], [-90.0], [0.0]]]).astype(dtype)
        for label in (0.0, 1.0, 0.75):
            for activation in ("sigmoid", "linear") if name == "squared_error" else ("sigmoid",):

                def value(k: Any, a: Any, label: float = label, end: str = activation) -> Any:
                    return getattr(twin(k, "gan"), name)(label, k.activations.get(end)(a))

                yield from prefixed(f"label {label}, {activation}", gradients(value, [logits]))

    return run


_KINDS: dict[str, dict[str, Any]] = {name.lower(): {"objective": name} for name in OBJECTIVES}

CASES = [
    Case("model", "models.crossentropy", _loss("crossentropy")),
    Case("model", "models.squared_error", _loss("squared_error")),
    Case("model", "models.first", _first),
    *(
        Case("model", subject, functools.partial(_terms, **options), variant)
        for subject, variant, options in (
            *(("models.Objective", name, options) for name, options in _KINDS.items()),
            ("models.GAN", "real_label 0.9", {"real_label": 0.9}),
            ("models.GAN", "minimax, larger weights", {"scale": 0.2, "objective": "MINIMAX"}),
        )
    ),
    Case("model", "models.build_generator", functools.partial(
        _network, "gan", "build_generator", 100, slope=SLOPE
    )),
    Case("model", "models.build_discriminator", functools.partial(
        _network, "gan", "build_discriminator", 784, slope=SLOPE
    )),
    *(
        Case("model", f"models.{name}", functools.partial(_network, "gan_paper", name, width))
        for name, width in (("build_paper_generator", 100), ("build_paper_discriminator", 784))
    ),
    Case("model", "models.build_paper_generator", _mean_image, "mean picture"),
    Case("model", "models.build_gan", _build_gan),
    Case(
        "model", "models.uniform_prior", _uniform_prior,
        bound=5.0, reason="two samples of 10^6: 5 standard errors of their difference",
        unit="standard errors",
    ),
    Case("model", "models.build_paper_optimizer", _paper_optimizer, dtypes=("float32",)),
    Case(
        "model", "models.build_paper_optimizer", _paper_optimizer, "in float64", ("float64",),
        2.0**29, ROUNDED_SCHEDULE,
    ),
    Case("training", "models.MomentumRamp", _momentum),
    Case("training", "models.train_gan", _train_gan, "12 epochs, k = 2, half steps"),
    *(
        Case("training", "models.GAN", functools.partial(_iterations, **options), variant)
        for variant, options in (
            *(
                (f"200 iterations, {name}, k = 1", {**options, "k": 1})
                for name, options in _KINDS.items()
            ),
            ("200 iterations, half steps, real_label 0.9", {"half_steps": True, "real_label": 0.9}),
            ("200 iterations, averaged", {"ema_momentum": 0.96875}),
        )
    ),
    *(
        Case(
            "training", "models.GAN", functools.partial(_iterations, **options, k=3),
            f"200 iterations, {name}, k = 3{in_dtype}", (dtype,), bound, reason,
        )
        for name, options in _KINDS.items()
        for dtype, in_dtype, bound, reason in (
            ("float64", "", 32, ROUNDING),
            ("float32", ", in float32", 256, SURE),
        )
    ),
]  # fmt: skip
