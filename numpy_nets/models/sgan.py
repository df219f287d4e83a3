"""The semi-supervised GAN of Salimans et al. 2016 (arXiv 1606.03498, sections 3.1 and 5).

D is a classifier of K classes with the logits l₁ … l_K. G's images are one class more, which needs
no logit of its own: subtracting one number from all logits changes no softmax, so the logit of that
class can be 0. With Z = Σ_k e^l_k the probability that an image is real is

    D(x) = 1 - e^0 / (Z + e^0) = Z / (Z + 1) = σ(log Z)

A few images have labels. D learns their classes, and from all images what is real:

    L_D = -E[log p(y | x, real)] - E[log D(x)] - E[log(1 - D(G(z)))],   p(y | x, real) = e^l_y / Z

G matches the mean of D's features f, its last hidden layer, and does not try to deceive D:

    L_G = mean over the features of (E[f(x)] - E[f(G(z))])²

What differs from the authors' program: they normalise the weights of all layers and initialise them
on 500 images, which is left out, as Keras's Dense has neither; their batch normalization has no
scale; they give half the weight to the two terms without labels, where the paper has the sum; and
here a step of G sees the same images as the step of D before it.
"""

from collections.abc import Callable, Sequence
from typing import Any

from numpy_nets import random
from numpy_nets.autodiff import ops
from numpy_nets.autodiff.tensor import Tensor
from numpy_nets.layers import Activation, BatchNormalization, Dense, GaussianNoise, Input
from numpy_nets.losses import categorical_crossentropy
from numpy_nets.models import Model, Sequential
from numpy_nets.models.gan import GAN
from numpy_nets.models.terms import batch_size, total


def build_sgan_generator(
    latent_dim: int = 100, output_dim: int = 784, hidden_dims: Sequence[int] = (500, 500)
) -> Model:
    """z (batch, latent_dim) -> images (batch, output_dim) in (0, 1).

    >>> build_sgan_generator(2, 6, (4, 5)).count_params()  # 2·4, 4·5, 4 per unit, (5 + 1) · 6
    100
    """
    hidden = [
        layer
        for units in hidden_dims
        for layer in (
            Dense(units, use_bias=False),
            BatchNormalization(),
            Activation("softplus"),
        )
    ]
    return Sequential(
        [Input((latent_dim,)), *hidden, Dense(output_dim, activation="sigmoid")], name="generator"
    )


def build_sgan_discriminator(
    input_dim: int = 784,
    classes: int = 10,
    hidden_dims: Sequence[int] = (1000, 500, 250, 250, 250),
    input_noise: float = 0.3,
    hidden_noise: float = 0.5,
) -> Model:
    """x (batch, input_dim) -> [f (batch, hidden_dims[-1]), logits (batch, classes)].

    In training, noise of the two standard deviations is added to x and to all hidden layers. The
    features f are the last of these, before its noise.

    >>> build_sgan_discriminator(6, 3, (4, 5)).count_params()  # 7 · 4, 5 · 5, 6 · 3
    71
    """
    x = Input((input_dim,))
    noisy = GaussianNoise(input_noise)(x)
    for units in hidden_dims:
        features = Dense(units, activation="relu")(noisy)
        noisy = GaussianNoise(hidden_noise)(features)
    return Model(x, [features, Dense(classes)(noisy)], name="discriminator")


def log_z(logits: Tensor) -> Tensor:
    """log Z = log Σ_k e^l_k, the logit of D(x) = Z / (Z + 1).  (batch, classes) -> (batch, 1).

    >>> float(ops.sigmoid(log_z(ops.convert_to_tensor([[0.0, 0.0, 0.0]])))[0, 0])  # 3 / (3 + 1)
    0.75
    """
    return ops.logsumexp(logits, axis=-1, keepdims=True)


class SemiSupervisedGAN(GAN):
    """A GAN whose D learns classes from few labels, and from images without labels.

    A batch of `fit` is (x, [x_labelled, y]), y (batch, classes) one-hot: as many labelled images
    as others, so the few that there are occur in it again and again. `fit` therefore takes an
    iterable that pairs them, and x may have the labelled images among the others.

    Args:
        generator: z (batch, latent) -> images (batch, ...).
        discriminator: images -> [features (batch, d), logits (batch, classes)].
        k: as for `GAN`.
        prior: as for `GAN`; the paper's noise is uniform on [0, 1).
        averaged: a second discriminator built like D. Its weights are a moving average of D's, and
            `call` asks it, if there is one, for the class.
        ema_momentum: as for `GAN`; the paper's average moves by 1e-4 of the difference.

    Raises:
        TypeError: half_steps, objective or real_label is passed, which are for other losses.
        ValueError: at a step, if the data are not (x, [x_labelled, y]).

    fit and evaluate report d_loss = d_loss_real + d_loss_fake + d_loss_labelled; the means d_real
    of D(x) and d_fake of D(G(z)); the accuracy among the labelled images; and g_loss, which says
    how far apart the features are.

    `call` classifies: x -> p(y | x, real) (batch, classes).

    >>> gan = SemiSupervisedGAN(build_sgan_generator(2, 4), build_sgan_discriminator(4, 3))
    >>> gan.discriminator.set_weights([0 * w for w in gan.discriminator.get_weights()])
    >>> x, z = ops.convert_to_tensor([[0.1, 0.2, 0.3, 0.4]]), ops.convert_to_tensor([[0.5, 0.5]])
    >>> y = ops.convert_to_tensor([[0.0, 1.0, 0.0]])
    >>> real, fake, labelled = gan.d_terms([x, x, y], [z, x])  # D says Z = 3, so D(x) = 3/4
    >>> [round(float(ops.exp(-term)), 4) for term in (real, fake, labelled)]
    [0.75, 0.25, 0.3333]
    """

    d_names = (  # type: ignore[assignment]  # more names than GAN has
        "d_loss", "d_loss_real", "d_loss_fake", "d_loss_labelled", "d_real", "d_fake", "accuracy"
    )  # fmt: skip

    def __init__(
        self,
        generator: Model,
        discriminator: Model,
        k: int = 1,
        prior: Callable[[tuple[int, ...]], Tensor] = random.uniform,
        averaged: Model | None = None,
        ema_momentum: float = 0.9999,
        **options: Any,
    ) -> None:
        if misplaced := sorted({"half_steps", "objective", "real_label"} & set(options)):
            raise TypeError(
                f"SemiSupervisedGAN: {misplaced[0]}: expected none, as the losses are those of "
                f"feature matching, got {options[misplaced[0]]!r}"
            )
        super().__init__(
            generator, discriminator, k=k, prior=prior, averaged=averaged,
            ema_momentum=ema_momentum, **options,
        )  # fmt: skip

    def call(self, x: Tensor) -> Any:
        """p(y | x, real) of the averaged D, or of D if there is no average."""
        _, logits = (self.averaged or self.discriminator)(x)
        return ops.softmax(logits)

    # The average is of D, and not of G.

    def check_average(self, averaged: Model) -> None:
        """Raise ValueError unless it has weights like D's, and shares none with G or D."""
        of_discriminator, of_average = (
            [tuple(w.shape) for w in network.weights] for network in (self.discriminator, averaged)
        )
        if of_discriminator != of_average:
            raise ValueError(
                "SemiSupervisedGAN: averaged: expected weights like D's, "
                f"{of_discriminator}, got {of_average}"
            )
        trained = self.generator.weights + self.discriminator.weights
        if {id(w) for w in trained} & {id(w) for w in averaged.weights}:
            raise ValueError(
                "SemiSupervisedGAN: averaged: expected weights of its own, got some of G's or D's"
            )

    def follow(self, averaged: Model) -> None:
        """Move the averaged weights towards D's, once for each step of G; see ema_momentum."""
        t = ops.cast(self.g_optimizer.iterations, str(averaged.weights[0].dtype))
        momentum = ops.minimum((t - 1) / (t + 9), self.ema_momentum)
        for mean, w in zip(averaged.weights, self.discriminator.weights, strict=True):
            mean.assign(mean + (1 - momentum) * (w - mean))

    # What D and G are given.

    def given(self, data: Any) -> Any:
        """[x, x_labelled, y] of (x, [x_labelled, y])."""
        labelled = data[1] if isinstance(data, tuple) and len(data) > 1 else None
        if not isinstance(labelled, list | tuple) or len(labelled) != 2:
            raise ValueError(
                "SemiSupervisedGAN: data: expected (x, [x_labelled, y]), with one-hot labels y"
            )
        return [data[0], *labelled]

    def latent(self, real: Any) -> Any:
        """[z, x]: noise for G, and the images whose features its own have to match."""
        return [self.draw_noise(batch_size(real)), real[0]]

    def fake(self, z: Any, training: bool = False) -> Any:
        noise, _ = z
        return self.generator(noise, training=training)

    def examples(self, real: Any, z: Any, training: bool = False) -> list[tuple[Any, Any]]:
        """What D learns from: (target, images), the real ones, G's, and those with labels."""
        x, x_labelled, y = real
        return [(1.0, x), (0.0, self.fake(z, training)), (y, x_labelled)]

    # The losses.

    def judge(
        self, examples: list[tuple[Any, Any]], training: bool = False
    ) -> tuple[list[Tensor], list[Tensor]]:
        """D(x), D(G(z)), and whether D has the class of each labelled image; D's three losses.

        -log D = -log σ(log Z) = softplus(-log Z), and -log(1 - D) = softplus(log Z): no logits,
        however large, make them infinite.
        """
        real, fake, labelled = (
            self.discriminator(images, training=training)[1] for _, images in examples
        )
        y = ops.cast(examples[-1][0], labelled.dtype)
        terms = [
            ops.mean(ops.softplus(-log_z(real))),
            ops.mean(ops.softplus(log_z(fake))),
            ops.mean(categorical_crossentropy(y, labelled, from_logits=True)),
        ]
        right = ops.sum(y * labelled, axis=-1) >= ops.max(labelled, axis=-1)
        return [ops.sigmoid(log_z(real)), ops.sigmoid(log_z(fake)), right], terms

    def g_terms(self, z: Any, training: bool = False) -> list[Tensor]:
        """How far apart the mean features of real images and of G's are, as a list of one term."""
        _, x = z
        f_real, f_fake = (
            ops.mean(self.discriminator(images, training=training)[0], axis=0)
            for images in (x, self.fake(z, training))
        )
        return [ops.mean(ops.square(f_real - f_fake))]

    def log_discriminator(self, size: int, outputs: list[Tensor], terms: list[Tensor]) -> None:
        """Log D's loss, its terms, its mean outputs, and how many labelled images it has right."""
        d_real, d_fake, right = outputs
        self.log(
            size,
            d_loss=total(terms),
            d_loss_real=terms[0],
            d_loss_fake=terms[1],
            d_loss_labelled=terms[2],
            d_real=ops.mean(d_real),
            d_fake=ops.mean(d_fake),
            accuracy=ops.mean(ops.cast(right, "float32")),
        )
