"""The generative adversarial network of Goodfellow et al. 2014 (arXiv 1406.2661, "the paper").

G makes pictures of noise z; D(x) says how likely x is data and not one of those. Both play

    min_G max_D  V(D, G) = E[log D(x)] + E[log(1 - D(G(z)))]        (the paper's equation 1)

D takes k steps, then G one: Algorithm 1. Each has its own optimizer and its own list of variables.

A recipe of many tutorials sets `discriminator.trainable = False`, compiles a Sequential of G and D,
and trains D and that stack in turn. In Keras 2 a model kept the list of variables it was compiled
with. Keras 3 asks at the first step: D finds nothing to train, warns of it once, and stays as it
began. Here no flag is needed, because each step names the variables that it changes.
"""

import warnings
from collections.abc import Callable
from numbers import Integral, Real
from typing import Any, NamedTuple

from keras import ops, optimizers, random
from keras.layers import Dense, Input, LeakyReLU
from keras.losses import binary_crossentropy
from keras.metrics import Mean
from keras.models import Model, Sequential
from tensorflow import GradientTape

from keras_ref.models.terms import batch_size, total


def crossentropy(label: float, d: Any) -> Any:
    """-(label log d + (1 - label) log(1 - d)), mean over the batch.  d = D(x) (batch, 1) -> ().

    Computed from the logits of d if D ends in a sigmoid, so it is finite however sure D is.
    """
    return ops.mean(binary_crossentropy(ops.full_like(d, label), d))


def squared_error(label: float, d: Any) -> Any:
    """½ (d - label)², mean over the batch.  d = D(x) (batch, 1) -> ()."""
    return 0.5 * ops.mean(ops.square(d - label))


class Objective(NamedTuple):
    """What D and G minimise.

    Attributes:
        discriminator: (label, D(x)) -> D's loss on a batch whose label is 1 for data, 0 for G.
        generator: D(G(z)) -> G's loss.
        activation: what D ends in.
    """

    discriminator: Callable[[float, Any], Any]
    generator: Callable[[Any], Any]
    activation: str = "sigmoid"


# G descends on V itself. At D's logit a = logit D(G(z)), its gradient is -σ(a): none where D is
# sure of having found it out, a → -∞.
MINIMAX = Objective(crossentropy, lambda d: -crossentropy(0.0, d))

# G descends on -E[log D(G(z))] (the paper, section 3). The gradient is -(1 - σ(a)): it points the
# same way, and is e^-a times as large. So it is largest where D is sure.
NON_SATURATING = Objective(crossentropy, lambda d: crossentropy(1.0, d))

# Mao et al. 2017 (arXiv 1611.04076), equation 9: a = 0, b = c = 1. D is linear there.
LEAST_SQUARES = Objective(squared_error, lambda d: squared_error(1.0, d), "linear")


def build_generator(
    latent_dim: int = 100, output_dim: int = 784, hidden_dim: int = 128, slope: float = 0.01
) -> Model:
    """z (batch, latent_dim) -> pictures (batch, output_dim) in (-1, 1): the notebook's G."""
    return Sequential(
        [
            Input((latent_dim,)),
            Dense(hidden_dim),
            LeakyReLU(negative_slope=slope),
            Dense(output_dim, activation="tanh"),
        ],
        name="generator",
    )


def build_discriminator(
    input_dim: int = 784, hidden_dim: int = 128, slope: float = 0.01, activation: str = "sigmoid"
) -> Model:
    """x (batch, input_dim) -> D(x) (batch, 1): the notebook's D.  `Objective.activation` fits."""
    return Sequential(
        [
            Input((input_dim,)),
            Dense(hidden_dim),
            LeakyReLU(negative_slope=slope),
            Dense(1, activation=activation),
        ],
        name="discriminator",
    )


class GAN(Model):
    """G, D, and the game between them.

    Args:
        generator: z (batch, latent) -> pictures.
        discriminator: pictures -> D(x) (batch, 1).
        objective: MINIMAX, NON_SATURATING or LEAST_SQUARES, or one of your own.
        k: D's steps for each step of G. A batch of `fit` is one iteration of Algorithm 1 and is
            dealt out to D's steps, so it holds k of the paper's minibatches (at least k pictures).
        half_steps: D takes each of its steps in two halves, as in the notebook: one update on data,
            then one on pictures of G, so its optimizer counts 2 where otherwise it counts 1.
        real_label: D's target for data; 0.9 is one-sided label smoothing (Salimans et al. 2016,
            section 3.4), which keeps D from growing too sure.
        prior: (batch, latent) -> z of that shape, drawn.
        averaged: another generator built like G, to draw pictures with: its weights follow G's and
            forget what G paints in one step and takes back in the next (Karras et al. 2018, arXiv
            1710.10196, appendix A.1). Losses, evaluate and predict are of G itself.
        ema_momentum: after step t of G they are β · average + (1 - β) · G's weights, where β is
            ema_momentum, and less at the beginning, (t - 1) / (t + 9), to forget where G began.

    fit and evaluate take pictures alone and report d_loss = d_loss_real + d_loss_fake, g_loss, the
    means d_real of D(x) and d_fake of D(G(z)), and d_accuracy, how often D is right (D > ½).
    """

    reported = ("d_loss", "d_loss_real", "d_loss_fake", "g_loss", "d_real", "d_fake", "d_accuracy")

    def __init__(
        self,
        generator: Model,
        discriminator: Model,
        objective: Objective = NON_SATURATING,
        k: int = 1,
        half_steps: bool = False,
        real_label: float = 1.0,
        prior: Callable[[Any], Any] = random.normal,
        averaged: Model | None = None,
        ema_momentum: float = 0.999,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        if not isinstance(k, int | Integral) or k < 1:
            raise ValueError(f"GAN: k: expected a positive integer, got {k!r}")
        if not 0 < real_label <= 1:
            raise ValueError(f"GAN: real_label: expected a number in (0, 1], got {real_label!r}")
        if not isinstance(ema_momentum, float | Real) or not 0 <= ema_momentum <= 1:
            raise ValueError(f"GAN: ema_momentum: expected a number 0 to 1, got {ema_momentum!r}")
        if not isinstance(averaged, Model | None):
            raise TypeError(f"GAN: averaged: expected a Model, got {type(averaged).__name__}")
        self.generator = generator
        self.discriminator = discriminator
        self.objective = objective
        self.k = int(k)
        self.half_steps = half_steps
        self.real_label = real_label
        self.prior = prior
        self.averaged = averaged
        self.ema_momentum = ema_momentum
        self.means = [Mean(name=name) for name in self.reported]
        self.built = generator.built and discriminator.built  # it needs no call to be saved

    def compile(  # type: ignore[override]  # Keras's own convention for GANs
        self, d_optimizer: Any = None, g_optimizer: Any = None, **options: Any
    ) -> None:
        """Choose the optimizers, by default Adam(2e-4, beta_1=0.5) (Radford et al. 2016) each.

        If the discriminator was compiled, as in the notebook, its optimizer is D's.

        Raises:
            ValueError: D or G has nothing to train: not built, or `trainable` is False; one
                optimizer object for both; an average that does not fit, or is not its own network.
            TypeError: the arguments of other models, optimizer and loss.
        """
        if unknown := sorted({"loss", "optimizer"} & set(options)):
            raise TypeError(
                f"GAN.compile: {unknown[0]}: D and G have an optimizer each, d_optimizer and "
                "g_optimizer, and their losses are the GAN's objective"
            )
        if d_optimizer is None:
            d_optimizer = getattr(self.discriminator, "optimizer", None)
        if d_optimizer is g_optimizer and not isinstance(d_optimizer, str | None):
            raise ValueError("GAN: expected an optimizer for D and another for G, got one for both")
        self.d_optimizer = optimizers.get(d_optimizer or optimizers.Adam(2e-4, beta_1=0.5))
        self.g_optimizer = optimizers.get(g_optimizer or optimizers.Adam(2e-4, beta_1=0.5))
        for network, optimizer in (
            (self.discriminator, self.d_optimizer),
            (self.generator, self.g_optimizer),
        ):
            if not network.trainable_variables:
                raise ValueError(
                    f"GAN: {network.name}: expected trainable weights, got none: "
                    "begin it with an Input, and leave trainable=True"
                )
            optimizer.build(network.trainable_variables)  # so that checkpoints hold its state
        if self.averaged is not None:
            self.check_average(self.averaged)
            self.averaged.trainable = False  # it has no gradient
        super().compile(optimizer=self.g_optimizer, **options)

    def check_average(self, averaged: Model) -> None:
        """Raise ValueError unless it has weights like G's, but its own."""
        ours, others = (
            [f"{tuple(w.shape)} {w.dtype}" for w in network.weights]
            for network in (self.generator, averaged)
        )
        if ours != others:
            raise ValueError(f"GAN: averaged: expected weights like G's, {ours}, got {others}")
        taken = {id(w) for network in (self.generator, self.discriminator) for w in network.weights}
        if taken & {id(w) for w in averaged.weights}:
            raise ValueError("GAN: averaged: expected weights of its own, got some of G's or D's")

    def call(self, z: Any) -> Any:
        """D(G(z)), (batch, 1)."""
        return self.discriminator(self.generator(z))

    @property
    def metrics(self) -> list[Any]:
        return list(self.means)

    def draw_noise(self, count: Any) -> Any:
        """z (count, latent)."""
        return self.prior((count, self.generator.input_shape[-1]))

    def examples(self, real: Any, z: Any, training: bool = False) -> list[tuple[float, Any]]:
        """What D is to tell apart: (label, pictures) of data and of G."""
        return [(self.real_label, real), (0.0, self.generator(z, training=training))]

    def judge(
        self, examples: list[tuple[float, Any]], training: bool = False
    ) -> tuple[list[Any], list[Any]]:
        """D's outputs (batch, 1) on each of the examples, and its loss on each."""
        outputs = [self.discriminator(x, training=training) for _, x in examples]
        labels = [label for label, _ in examples]
        return outputs, list(map(self.objective.discriminator, labels, outputs))

    def d_terms(self, real: Any, z: Any, training: bool = False) -> list[Any]:
        """D's loss on data and on pictures of G.  With crossentropy their sum is -V(D, G)."""
        return self.judge(self.examples(real, z, training), training)[1]

    def g_terms(self, z: Any, training: bool = False) -> list[Any]:
        """G's loss, one term."""
        d = self.discriminator(self.generator(z, training=training), training=training)
        return [self.objective.generator(d)]

    def learn_discriminator(self, real: Any, z: Any) -> list[Any]:
        """One step of D; returns its terms.  G is used before the tape runs: a constant here."""
        examples = self.examples(real, z, training=True)
        variables = self.discriminator.trainable_variables
        outputs: list[Any] = []
        terms: list[Any] = []
        for update in [[one] for one in examples] if self.half_steps else [examples]:
            with GradientTape() as tape:
                d, losses = self.judge(update, training=True)
                loss = total(losses)
            self.d_optimizer.apply(tape.gradient(loss, variables), variables)
            outputs, terms = outputs + d, terms + losses
        self.log_discriminator(batch_size(real), outputs, terms)
        return terms

    def learn_generator(self, z: Any) -> list[Any]:
        """One step of G; returns its terms.  The gradient goes through D, which is left alone."""
        variables = self.generator.trainable_variables
        with GradientTape() as tape:
            terms = self.g_terms(z, training=True)
            loss = total(terms)
        self.g_optimizer.apply(tape.gradient(loss, variables), variables)
        if self.averaged is not None:
            self.follow(self.averaged)
        self.log(batch_size(z), g_loss=loss)
        return terms

    def follow(self, averaged: Model) -> None:
        """Move the average towards G's weights; see ema_momentum."""
        t = ops.cast(self.g_optimizer.iterations, str(averaged.weights[0].dtype))
        momentum = ops.minimum((t - 1) / (t + 9), self.ema_momentum)
        for mean, w in zip(averaged.weights, self.generator.weights, strict=True):
            mean.assign(mean + (1 - momentum) * (w - mean))

    def train_step(self, data: Any) -> dict[str, Any]:
        """One iteration of Algorithm 1: every step has pictures and noise of its own."""
        pictures = first(data)
        size = batch_size(pictures)
        if isinstance(size, int) and size < self.k:
            raise ValueError(f"GAN: batch: expected at least k = {self.k} pictures, got {size}")
        for i in range(self.k):
            real = pictures[i :: self.k]
            self.learn_discriminator(real, self.draw_noise(batch_size(real)))
        self.learn_generator(self.draw_noise(batch_size(real)))
        return {mean.name: mean.result() for mean in self.means}

    def test_step(self, data: Any) -> dict[str, Any]:
        """D's and G's losses on one batch, without dropout."""
        pictures = first(data)
        size = batch_size(pictures)
        self.log_discriminator(size, *self.judge(self.examples(pictures, self.draw_noise(size))))
        self.log(size, g_loss=total(self.g_terms(self.draw_noise(size))))
        return {mean.name: mean.result() for mean in self.means}

    def log_discriminator(self, size: Any, outputs: list[Any], terms: list[Any]) -> None:
        """D's loss, its terms, its mean outputs, and how often it is right."""
        d_real, d_fake = outputs
        right = ops.concatenate([d_real > 0.5, d_fake <= 0.5])
        self.log(
            size,
            d_loss=total(terms),
            d_loss_real=terms[0],
            d_loss_fake=terms[1],
            d_real=ops.mean(d_real),
            d_fake=ops.mean(d_fake),
            d_accuracy=ops.mean(ops.cast(right, "float32")),
        )

    def log(self, size: Any, **values: Any) -> None:
        """Running means over the epoch, in which a smaller batch counts less."""
        for mean in self.means:
            if mean.name in values:
                mean.update_state(values[mean.name], sample_weight=size)


def first(data: Any) -> Any:
    """x of a batch x or (x, y): `train_on_batch(x)` of Keras gives (x, None)."""
    return data[0] if isinstance(data, tuple) else data


def build_gan(generator: Model, discriminator: Model) -> GAN:
    """The notebook's GAN, compiled: Adam for each, and D's steps in two halves."""
    gan = GAN(generator, discriminator, half_steps=True)
    gan.compile()
    return gan


def train_gan(
    gan: GAN,
    generator: Model,
    discriminator: Model,
    x_train: Any,
    epochs: int = 400,
    batch_size: int = 128,
) -> None:
    """The notebook's loop: `epochs` iterations of Algorithm 1, on pictures drawn at random.

    Every tenth iteration and the last print, for example,

        10 [D loss: 0.583208, acc.: 72.66%] [G loss: 0.701943]

    where D loss is the mean of D's two terms. One epoch here is one minibatch, as in the notebook:
    some thousands make digits. (The notebook's `return` stood inside its loop, so it made one.)

    Args:
        x_train: (samples, pixels) in [-1, 1], where G's tanh ends: for bytes, x / 127.5 - 1. The
            notebook's x / 255 in [0, 1] leaves half of that range to G alone, and D wins by it.

    Raises:
        ValueError: x_train of another shape, or values outside of [-1, 1]; epochs or batch_size
            that is no positive integer; networks that are not those of the GAN.
        TypeError: gan is no GAN, such as a Sequential of G and D, which would not train D.
    """
    if not isinstance(gan, GAN):
        raise TypeError(f"train_gan: gan: expected a GAN, got {type(gan).__name__}")
    if gan.generator is not generator or gan.discriminator is not discriminator:
        raise ValueError("train_gan: generator, discriminator: expected those of gan, got others")
    if getattr(x_train, "ndim", 0) < 2 or not x_train.size:
        came = getattr(x_train, "shape", type(x_train).__name__)
        raise ValueError(f"train_gan: x_train: expected an array (samples, ...), got {came}")
    for name, value in (("epochs", epochs), ("batch_size", batch_size)):
        if not isinstance(value, int | Integral) or value < 1:
            raise ValueError(f"train_gan: {name}: expected a positive integer, got {value!r}")
    low, high = float(x_train.min()), float(x_train.max())
    if not (low >= -1 and high <= 1):
        raise ValueError(f"train_gan: x_train: expected values in [-1, 1], got {low:g} to {high:g}")
    if low >= 0:
        warnings.warn("train_gan: x_train has no value below 0: scale it to [-1, 1]", stacklevel=2)
    for epoch in range(1, epochs + 1):
        drawn = random.uniform((gan.k * batch_size,), 0.0, len(x_train), "float64")
        rows = ops.convert_to_numpy(drawn).astype(int)
        logs = gan.train_on_batch(x_train[rows], return_dict=True)
        if epoch % 10 == 0 or epoch == epochs:
            print(
                f"{epoch} [D loss: {logs['d_loss'] / 2:.6f}, acc.: {100 * logs['d_accuracy']:.2f}%]"
                f" [G loss: {logs['g_loss']:.6f}]"
            )
