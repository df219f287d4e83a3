"""The generative adversarial network of Goodfellow et al. 2014 (arXiv 1406.2661, "the paper").

G turns noise z into images; D(x) is the probability that x is a real image rather than one of G's.
The two play the game

    min_G max_D  V(D, G) = E[log D(x)] + E[log(1 - D(G(z)))]        (the paper's equation 1)

In each iteration D takes k steps, then G takes one: Algorithm 1. Each network has its own optimizer
and its own list of variables.

Many tutorials instead set `discriminator.trainable = False`, compile a Sequential of G and D, and
train D and that stack in turn. This worked in Keras 2, where a model kept the list of variables it
was compiled with. Keras 3 makes the list at the first step: D then has nothing to train, and after
one warning it stays as it was initialized. Here no flag is needed, because each step names the
variables that it changes.
"""

import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

from numpy.typing import NDArray

from numpy_nets import optimizers, random
from numpy_nets.autodiff import GradientTape, ops
from numpy_nets.autodiff.tensor import Tensor
from numpy_nets.checks import number, positive_int, probability
from numpy_nets.layers import Dense, Input, LeakyReLU
from numpy_nets.losses import binary_crossentropy
from numpy_nets.metrics import Mean, Metric
from numpy_nets.models import Model, Sequential
from numpy_nets.models.terms import batch_size, total


def crossentropy(label: float, d: Tensor) -> Tensor:
    """-(label log d + (1 - label) log(1 - d)), mean over the batch.  d = D(x) (batch, 1) -> ().

    If D ends in a sigmoid, it is computed from D's logits, and so is finite however sure D is.

    >>> d = ops.convert_to_tensor([[0.25]])
    >>> round(float(crossentropy(1.0, d)), 4)  # log 4
    1.3863
    """
    return ops.mean(binary_crossentropy(ops.full_like(d, label), d))


def squared_error(label: float, d: Tensor) -> Tensor:
    """½ (d - label)², mean over the batch.  d = D(x) (batch, 1) -> ().

    >>> float(squared_error(1.0, ops.convert_to_tensor([[0.5]])))
    0.125
    """
    return 0.5 * ops.mean(ops.square(d - label))


class Objective(NamedTuple):
    """What D and G minimise.

    Attributes:
        discriminator: (label, D(x)) -> D's loss on a batch: label 1 for real images, 0 for G's.
        generator: D(G(z)) -> G's loss.
        activation: the activation of D's output.
    """

    discriminator: Callable[[float, Tensor], Tensor]
    generator: Callable[[Tensor], Tensor]
    activation: str = "sigmoid"


# The slopes below are those of G's loss on one image, with respect to D's logit a: D(G(z)) = σ(a).

# G descends V itself: its loss is log(1 - σ(a)), its slope -σ(a). Where D is sure that the image is
# G's, a → -∞, the slope vanishes, and G learns nothing.
MINIMAX = Objective(crossentropy, lambda d: -crossentropy(0.0, d))

# G descends -E[log D(G(z))] (the paper, section 3): its loss is -log σ(a), its slope -(1 - σ(a)).
# That has the same sign and is (1 - σ(a)) / σ(a) = e^-a times as large: largest where D is sure.
NON_SATURATING = Objective(crossentropy, lambda d: crossentropy(1.0, d))

# Mao et al. 2017 (arXiv 1611.04076), equation 9: labels a = 0, b = c = 1, and a linear D.
LEAST_SQUARES = Objective(squared_error, lambda d: squared_error(1.0, d), "linear")


def build_generator(
    latent_dim: int = 100, output_dim: int = 784, hidden_dim: int = 128, slope: float = 0.01
) -> Model:
    """z (batch, latent_dim) -> images (batch, output_dim) in (-1, 1): the notebook's G.

    >>> build_generator(2, 6, 4).count_params()  # (2 + 1) · 4 hidden, (4 + 1) · 6
    42
    """
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
    """x (batch, input_dim) -> D(x) (batch, 1): the notebook's D.

    The activation of the output has to be the `activation` of the objective.

    >>> build_discriminator(6, 4).count_params()  # (6 + 1) · 4 hidden, 4 + 1
    33
    """
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
        generator: z (batch, latent) -> images (batch, ...).
        discriminator: images (batch, ...) -> D(x) (batch, 1).
        objective: MINIMAX, NON_SATURATING, LEAST_SQUARES, or one of your own.
        k: the number of steps that D takes for each step of G. One batch of `fit` is one iteration
            of Algorithm 1 and is divided among the k steps, so it holds k of the paper's
            minibatches (at least k images).
        half_steps: D takes each of its steps in two halves, as in the notebook: one update on real
            images, then one on G's. Its optimizer then counts 2 where otherwise it counts 1.
        real_label: D's target for real images. 0.9 is one-sided label smoothing (Salimans et al.
            2016, section 3.4), which keeps D from becoming too sure.
        prior: (batch, latent) -> z of that shape, drawn at random.
        averaged: a second generator built like G, to draw images with. Its weights are a moving
            average of G's (Karras et al. 2018, arXiv 1710.10196, appendix A.1), without what one
            step of G adds and the next one takes away. Losses, evaluate and predict use G itself.
        ema_momentum: after step t of G, the weights of `averaged` become β · average + (1 - β) ·
            G's weights, where β is the smaller of ema_momentum and (t - 1) / (t + 9), so that G's
            first weights are soon forgotten.

    Raises:
        ValueError: k is not a positive integer, real_label is not in (0, 1], or ema_momentum is not
            in [0, 1].
        TypeError: averaged is not a Model.

    fit and evaluate take images alone and report d_loss = d_loss_real + d_loss_fake; g_loss; the
    means d_real of D(x) and d_fake of D(G(z)); and d_accuracy, the share of images, real ones and
    G's, on which D is right, where D > ½ means "real".

    A D whose weights are 0 says ½ to every image, so each term is log 2, and V is -2 log 2:

    >>> gan = GAN(build_generator(2, 3), build_discriminator(3))
    >>> gan.discriminator.set_weights([0 * w for w in gan.discriminator.get_weights()])
    >>> real, z = ops.convert_to_tensor([[0.5, -0.5, 0.0]]), ops.convert_to_tensor([[1.0, -1.0]])
    >>> [round(float(term), 4) for term in gan.d_terms(real, z) + gan.g_terms(z)]
    [0.6931, 0.6931, 0.6931]
    """

    g_names: tuple[str, ...] = ("g_loss",)  # the terms that a step of G minimises
    d_names = ("d_loss", "d_loss_real", "d_loss_fake", "d_real", "d_fake", "d_accuracy")

    def __init__(
        self,
        generator: Model,
        discriminator: Model,
        objective: Objective = NON_SATURATING,
        k: int = 1,
        half_steps: bool = False,
        real_label: float = 1.0,
        prior: Callable[[tuple[int, ...]], Tensor] = random.normal,
        averaged: Model | None = None,
        ema_momentum: float = 0.999,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        if not isinstance(averaged, Model | None):
            raise TypeError(f"GAN: averaged: expected a Model, got {type(averaged).__name__}")
        self.generator = generator
        self.discriminator = discriminator
        self.objective = objective
        self.k = positive_int("GAN: k", k)
        self.half_steps = half_steps
        self.real_label = number("GAN: real_label", real_label, "(0, 1]")
        self.prior = prior
        self.averaged = averaged
        self.ema_momentum = probability("GAN: ema_momentum", ema_momentum)
        self.means = [Mean(name=name) for name in self.reported]
        self.built = generator.built and discriminator.built  # so it can be saved before any call

    def compile(  # type: ignore[override]  # the arguments that GANs have in Keras's own examples
        self,
        d_optimizer: str | optimizers.Optimizer | None = None,
        g_optimizer: str | optimizers.Optimizer | None = None,
        **options: Any,
    ) -> None:
        """Choose the optimizers; each is Adam(2e-4, beta_1=0.5) by default (Radford et al. 2016).

        If the discriminator has been compiled, as in the notebook, the default for D is its
        optimizer.

        Raises:
            ValueError: D or G has nothing to train (it is not built, or `trainable` is False); both
                have the same optimizer object; `averaged` does not have weights like G's, or shares
                some with G or D.
            TypeError: optimizer or loss is passed, an argument of other models.
        """
        if misplaced := sorted({"loss", "optimizer"} & set(options)):
            raise TypeError(
                f"GAN.compile: {misplaced[0]}: expected d_optimizer and g_optimizer, an optimizer "
                "for each network; the losses are the GAN's objective"
            )
        if d_optimizer is None:
            d_optimizer = getattr(self.discriminator, "optimizer", None)
        if d_optimizer is g_optimizer and not isinstance(d_optimizer, str | None):
            raise ValueError("GAN.compile: g_optimizer: expected one of G's own, got D's optimizer")
        self.d_optimizer = optimizers.get(d_optimizer or optimizers.Adam(2e-4, beta_1=0.5))
        self.g_optimizer = optimizers.get(g_optimizer or optimizers.Adam(2e-4, beta_1=0.5))
        for network in (self.discriminator, *self.players()):
            if not network.trainable_variables:
                raise ValueError(
                    f"GAN: {network.name}: expected trainable weights, got none: "
                    "begin it with an Input, and leave trainable=True"
                )
        # Built now, so that checkpoints hold their state.
        self.d_optimizer.build(self.discriminator.trainable_variables)
        self.g_optimizer.build(self.g_variables())
        if self.averaged is not None:
            self.check_average(self.averaged)
            self.averaged.trainable = False  # its weights are assigned, never trained
        super().compile(optimizer=self.g_optimizer, **options)

    def check_average(self, averaged: Model) -> None:
        """Raise ValueError unless it has weights like G's, and shares none with G or D."""
        of_generator, of_average = (
            [f"{tuple(w.shape)} {w.dtype}" for w in network.weights]
            for network in (self.generator, averaged)
        )
        if of_generator != of_average:
            raise ValueError(
                f"GAN: averaged: expected weights like G's, {of_generator}, got {of_average}"
            )
        trained = self.generator.weights + self.discriminator.weights
        if {id(w) for w in trained} & {id(w) for w in averaged.weights}:
            raise ValueError("GAN: averaged: expected weights of its own, got some of G's or D's")

    def call(self, z: Any) -> Any:
        """D(G(z)), (batch, 1)."""
        return self.discriminator(self.fake(z))

    @property
    def metrics(self) -> list[Metric]:
        return list(self.means)

    @property
    def reported(self) -> tuple[str, ...]:
        """The names of the means that fit and evaluate report."""
        return (*self.d_names, *self.g_names)

    # Methods, not properties: Keras writes all that an object's properties hold into weight files.

    def players(self) -> list[Model]:
        """The networks that play against D."""
        return [self.generator]

    def g_variables(self) -> list[Any]:
        """What a step of G changes."""
        return [v for network in self.players() for v in network.trainable_variables]

    # What D and G are given: all that a conditional GAN changes.

    def given(self, data: Any) -> Any:
        """What D is to call real, from one batch of `fit`: x of x or of (x, None)."""
        return first(data)

    def draw_noise(self, count: int) -> Tensor:
        """z (count, latent)."""
        return self.prior((count, self.generator.input_shape[-1]))

    def latent(self, real: Any) -> Any:
        """What G turns into as many images as there are real ones: noise."""
        return self.draw_noise(batch_size(real))

    def fake(self, z: Any, training: bool = False) -> Any:
        """What D is to call G's."""
        return self.generator(z, training=training)

    # What is computed from one batch: no weight changes.

    def examples(self, real: Any, z: Any, training: bool = False) -> list[tuple[float, Any]]:
        """What D has to tell apart: (label, images), first the real ones, then G's."""
        return [(self.real_label, real), (0.0, self.fake(z, training))]

    def judge(
        self, examples: list[tuple[float, Any]], training: bool = False
    ) -> tuple[list[Tensor], list[Tensor]]:
        """D's outputs (batch, 1) on each of the examples, and its loss on each."""
        outputs = [self.discriminator(images, training=training) for _, images in examples]
        labels = [label for label, _ in examples]
        return outputs, list(map(self.objective.discriminator, labels, outputs))

    def d_terms(self, real: Any, z: Any, training: bool = False) -> list[Tensor]:
        """D's loss on real images and on G's.  With crossentropy their sum is -V(D, G)."""
        _, terms = self.judge(self.examples(real, z, training), training)
        return terms

    def g_terms(self, z: Any, training: bool = False) -> list[Tensor]:
        """G's loss, as a list of one term."""
        d = self.discriminator(self.fake(z, training), training=training)
        return [self.objective.generator(d)]

    # The two steps of Algorithm 1.

    def learn_discriminator(self, real: Any, z: Any) -> list[Tensor]:
        """One step of D; returns the terms of its loss.

        G's images are made before the tape starts, so they are constants for it.
        """
        examples = self.examples(real, z, training=True)
        updates = [[example] for example in examples] if self.half_steps else [examples]
        variables = self.discriminator.trainable_variables
        outputs: list[Tensor] = []
        terms: list[Tensor] = []
        for part in updates:
            with GradientTape() as tape:
                d, losses = self.judge(part, training=True)
                loss = total(losses)
            self.d_optimizer.apply(tape.gradient(loss, variables), variables)
            outputs, terms = outputs + d, terms + losses
        self.log_discriminator(batch_size(real), outputs, terms)
        return terms

    def learn_generator(self, z: Any) -> list[Tensor]:
        """One step of G; returns the terms of its loss.

        The gradient flows through D, but only G's variables are updated.
        """
        variables = self.g_variables()
        with GradientTape() as tape:
            terms = self.g_terms(z, training=True)
            loss = total(terms)
        self.g_optimizer.apply(tape.gradient(loss, variables), variables)
        if self.averaged is not None:
            self.follow(self.averaged)
        self.log(batch_size(z), **dict(zip(self.g_names, terms, strict=True)))
        return terms

    def follow(self, averaged: Model) -> None:
        """Move the averaged weights towards G's; see ema_momentum."""
        t = ops.cast(self.g_optimizer.iterations, str(averaged.weights[0].dtype))
        momentum = ops.minimum((t - 1) / (t + 9), self.ema_momentum)
        for mean, w in zip(averaged.weights, self.generator.weights, strict=True):
            mean.assign(mean + (1 - momentum) * (w - mean))

    # What `fit` and `evaluate` do with one batch.

    def train_step(self, data: Any) -> dict[str, Any]:
        """One iteration of Algorithm 1: each of D's steps has its own images and noise."""
        batch = self.given(data)
        size = batch_size(batch)
        if isinstance(size, int) and size < self.k:  # in a graph of Keras it is a tensor
            raise ValueError(f"GAN: batch: expected at least k = {self.k} images, got {size}")
        for i in range(self.k):
            real = every(self.k, i, batch)
            self.learn_discriminator(real, self.latent(real))
        self.learn_generator(self.latent(real))
        return {mean.name: mean.result() for mean in self.means}

    def test_step(self, data: Any) -> dict[str, Any]:
        """D's and G's losses on one batch, without dropout."""
        real = self.given(data)
        size = batch_size(real)
        self.log_discriminator(size, *self.judge(self.examples(real, self.latent(real))))
        self.log(size, **dict(zip(self.g_names, self.g_terms(self.latent(real)), strict=True)))
        return {mean.name: mean.result() for mean in self.means}

    def log_discriminator(self, size: int, outputs: list[Tensor], terms: list[Tensor]) -> None:
        """Log D's loss, its terms, its mean outputs, and how often it is right."""
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

    def log(self, size: int, **values: Tensor) -> None:
        """Update the running means over the epoch; a smaller batch counts for less."""
        for mean in self.means:
            if mean.name in values:
                mean.update_state(values[mean.name], sample_weight=size)


def first(data: Any) -> Any:
    """x of a batch x or (x, y): `train_on_batch(x)` of Keras passes (x, None)."""
    return data[0] if isinstance(data, tuple) else data


def every(k: int, i: int, batch: Any) -> Any:
    """Samples i, i + k, i + 2k … of a batch, which is x or a list such as [x, y].

    >>> every(2, 1, "abcdef")
    'bdf'
    """
    if isinstance(batch, list):
        return [every(k, i, part) for part in batch]
    return batch[i::k]


def build_gan(generator: Model, discriminator: Model) -> GAN:
    """The notebook's GAN, compiled: Adam for each network, and D's steps in two halves."""
    gan = GAN(generator, discriminator, half_steps=True)
    gan.compile()
    return gan


def train_gan(
    gan: GAN,
    generator: Model,
    discriminator: Model,
    x_train: NDArray[Any],
    epochs: int = 400,
    batch_size: int = 128,
) -> None:
    """The notebook's loop: `epochs` iterations of Algorithm 1, each on images drawn at random.

    Every tenth iteration and the last print a line such as

        10 [D loss: 0.583208, acc.: 72.66%] [G loss: 0.701943]

    where D loss is the mean of D's two terms. As in the notebook, an epoch is a single minibatch
    here: it takes some thousands until digits appear. (In the notebook `return` was inside the
    loop, which therefore ended after one.)

    Args:
        x_train: (samples, ...) in [-1, 1], the range of G's tanh: for bytes, x / 127.5 - 1. With
            x / 255 in [0, 1], as in the notebook, D wins by the sign alone: a negative pixel can
            only be G's.

    Raises:
        ValueError: x_train has another shape, or values outside [-1, 1]; epochs or batch_size is
            not a positive integer; the networks are not those of the GAN.
        TypeError: gan is not a GAN but, say, a Sequential of G and D, which would not train D.
    """
    if not isinstance(gan, GAN):
        raise TypeError(f"train_gan: gan: expected a GAN, got {type(gan).__name__}")
    if gan.generator is not generator or gan.discriminator is not discriminator:
        raise ValueError("train_gan: generator, discriminator: expected those of gan, got others")
    if getattr(x_train, "ndim", 0) < 2 or not x_train.size:
        got = getattr(x_train, "shape", type(x_train).__name__)
        raise ValueError(f"train_gan: x_train: expected an array (samples, ...), got {got}")
    epochs = positive_int("train_gan: epochs", epochs)
    batch_size = positive_int("train_gan: batch_size", batch_size)
    low, high = float(x_train.min()), float(x_train.max())
    if not (low >= -1 and high <= 1):
        raise ValueError(f"train_gan: x_train: expected values in [-1, 1], got {low:g} to {high:g}")
    if low >= 0:
        warnings.warn("train_gan: x_train has no value below 0: scale it to [-1, 1]", stacklevel=2)
    for epoch in range(1, epochs + 1):
        uniform = random.uniform((gan.k * batch_size,), 0.0, len(x_train), "float64")
        rows = ops.convert_to_numpy(uniform).astype(int)
        logs = gan.train_on_batch(x_train[rows], return_dict=True)
        if epoch % 10 == 0 or epoch == epochs:
            print(
                f"{epoch} [D loss: {logs['d_loss'] / 2:.6f}, acc.: {100 * logs['d_accuracy']:.2f}%]"
                f" [G loss: {logs['g_loss']:.6f}]"
            )
