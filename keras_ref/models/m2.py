"""The semi-supervised VAEs M2 and M1+M2 of Kingma et al. 2014 (NIPS, arXiv 1406.5298).

M2 is the conditional VAE of cvae.py for data in which few images have a label. The class y of the
others is a second latent variable: its prior p(y) gives all K classes the same probability, and a
third network, the classifier q(y|x), infers it. With a label, the loss is the bound L of the
conditional VAE (equation 6); without one it is U, where q(y|x), whose entropy is H, takes the
label's place (equation 7):

    -log p(x, y) ≤ L(x, y) = E_q(z|x,y)[-log p(x|z, y)] + KL(q(z|x, y) ‖ p(z)) - log p(y)
    -log p(x)    ≤ U(x)    = Σ_y q(y|x) L(x, y) - H(q(y|x))

The sum over y is exact: an image is encoded and decoded with every class. Where q(y|x) is certain
of the class, U(x) = L(x, y). Since q(y|x) is no part of L, labels would teach it nothing; so its
crossentropy on the labelled images is added. With r the share of the images that have labels, the
loss is

    r E_labelled[L(x, y)] + (1 - r) E[U(x)] + α E_labelled[-log q(y|x)]

in nats per image: equation 9 divided by the number N of images, so the paper's α is N times this α.

M1+M2 is M1, a VAE of the images, and an M2 whose data are not images, but the codes that M1's
encoder draws for them.

What differs from the paper: σ of q(z|x, y) depends on y too, as in the authors' program; M1 and M2
train in the same steps, not one after the other; and M2 is given all of M1's code, where the
authors' program leaves out the units whose mean hardly varies.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from keras import ops, random
from keras.layers import Concatenate, Dense, Input
from keras.losses import categorical_crossentropy
from keras.models import Model
from tensorflow import Tensor

from keras_ref.models.cvae import ConditionalVAE
from keras_ref.models.terms import TermModel, batch_size
from keras_ref.models.vae import (
    VAE,
    bernoulli_log_likelihood,
    gaussian_kl,
    reparameterize,
    repeat,
)
from numpy_nets.checks import number, probability


def build_classifier(
    input_dim: int = 50, classes: int = 10, hidden_dim: int = 300, activation: str = "softplus"
) -> Model:
    """x (batch, input_dim) -> the logits of q(y|x), (batch, classes).

    >>> build_classifier(4, 3, 5).count_params()  # (4 + 1) · 5 hidden, (5 + 1) · 3
    43
    """
    x = Input(shape=(input_dim,))
    hidden = Dense(hidden_dim, activation=activation)(x)
    return Model(x, Dense(classes)(hidden), name="classifier")


def build_m2_decoder(
    input_dim: int = 50,
    classes: int = 10,
    hidden_dim: int = 300,
    latent_dim: int = 50,
    activation: str = "softplus",
) -> Model:
    """[z (batch, latent_dim), y (batch, classes)] -> [mean, log_var], each (batch, input_dim).

    They are those of p(x|z, y) if x is a code of M1, whose numbers have no bounds.

    >>> build_m2_decoder(4, 3, 5, 2).count_params()  # (2 + 3 + 1) · 5, twice (5 + 1) · 4
    78
    """
    z, y = Input(shape=(latent_dim,)), Input(shape=(classes,))
    hidden = Dense(hidden_dim, activation=activation)(Concatenate()([z, y]))
    return Model([z, y], [Dense(input_dim)(hidden), Dense(input_dim)(hidden)], name="decoder")


def draw_epsilons(encoder: Model, batches: Sequence[Tensor], seed: Any) -> tuple[Tensor, ...]:
    """ε ~ N(0, I), (batch, latent), for each of several batches that the encoder is given."""
    mean, _ = encoder.output_shape
    return tuple(random.normal((batch_size(x), mean[-1]), seed=seed) for x in batches)


class M2(ConditionalVAE):
    """A conditional VAE that learns from few labels, and infers the class where there is none.

    A batch of `fit` is (x, [x_labelled, y]) with one-hot labels y (batch, classes), as that of
    `SemiSupervisedGAN`. x may have the labelled images among the others.

    Args:
        classifier: x (batch, pixels) -> the logits of q(y|x), (batch, classes).
        encoder: [x, y] -> [mean, log_var] of q(z|x, y), each (batch, latent).
        decoder: [z, y] -> the parameters of p(x|z, y).
        share: r, the share of the images that have labels.
        alpha: the weight of the classifier's crossentropy; 0.1 in the paper.
        log_likelihood: (x, parameters) -> log p(x|z, y), (batch,).
        seed: as for `VAE`.

    Raises:
        ValueError: share is not in [0, 1], or alpha not a finite number >= 0; or, at a step, the
            data are not (x, [x_labelled, y]).

    fit and evaluate report loss = labelled + unlabelled + classifier, in nats per image, where the
    three have been multiplied by r, 1 - r and α. `call` classifies: x -> q(y|x).

    With a decoder that gives every pixel the probability ½ and a q(z|x, y) that is the prior, L is
    2 log 2 for two pixels and log 3 for the class. U is 2 log 2, since a uniform q(y|x) is p(y).

    >>> m2 = M2(
    ...     classifier=lambda x: ops.concatenate([0 * x, 0 * x[:, :1]], axis=1),
    ...     encoder=lambda xy: [0 * xy[0], 0 * xy[0]],
    ...     decoder=lambda zy: 0 * zy[0],
    ...     share=0.5,
    ... )
    >>> x, y = ops.convert_to_tensor([[0.0, 1.0]]), ops.convert_to_tensor([[0.0, 1.0, 0.0]])
    >>> bounds = m2.labelled_bound(x, y, epsilon=x), m2.unlabelled_bound(x, epsilon=x)
    >>> [round(float(bound[0]), 4) for bound in bounds]
    [2.4849, 1.3863]
    """

    term_names = ("labelled", "unlabelled", "classifier")

    def __init__(
        self,
        classifier: Model,
        encoder: Model,
        decoder: Model,
        share: float,
        alpha: float = 0.1,
        log_likelihood: Callable[[Tensor, Any], Tensor] = bernoulli_log_likelihood,
        seed: int | None = None,
        **options: Any,
    ) -> None:
        share = probability("M2: share", share)
        alpha = number("M2: alpha", alpha, "[0, inf)")
        super().__init__(encoder, decoder, log_likelihood, 1.0, 1, seed, **options)
        self.classifier = classifier
        self.share = share
        self.alpha = alpha

    def call(self, x: Tensor) -> Any:
        """q(y|x), (batch, classes)."""
        return ops.softmax(self.classifier(x))

    def encode(self, data: Any) -> tuple[Tensor, Tensor]:
        """mean and log_var of q(z|x, y), each (batch, latent), for data (x, y)."""
        x, y = data
        mean, log_var = self.encoder([x, y])
        return mean, log_var

    def given(self, data: Any) -> Any:
        """(x, x_labelled, y) of (x, [x_labelled, y])."""
        labelled = data[1] if isinstance(data, tuple) and len(data) > 1 else None
        if not isinstance(labelled, list | tuple) or len(labelled) != 2:
            raise ValueError("M2: data: expected (x, [x_labelled, y]), with one-hot labels y")
        return (data[0], *labelled)

    def draw_noise(self, data: Any) -> Any:
        """ε for x, and for x_labelled."""
        return draw_epsilons(self.encoder, data[:2], self.noise)

    def labelled_bound(self, x: Tensor, y: Tensor, epsilon: Tensor) -> Tensor:
        """L(x, y), (batch,)."""
        mean, log_var = self.encode((x, y))
        z = reparameterize(mean, log_var, epsilon)
        log_likelihood = self.log_likelihood_at(z, (x, y), 1)
        return gaussian_kl(mean, log_var) - log_likelihood + math.log(y.shape[-1])

    def unlabelled_bound(self, x: Tensor, epsilon: Tensor) -> Tensor:
        """U(x) = Σ_y q(y|x) (L(x, y) + log q(y|x)), (batch,).

        All classes of an image share ε. So the differences between their L, from which q(y|x)
        learns, are not differences between draws.
        """
        logits = self.classifier(x)
        classes = logits.shape[-1]
        one_hot = ops.cast(np.eye(classes)[:, None], logits.dtype)  # a row for each class
        y = ops.reshape(one_hot + ops.full_like(logits, 0), (-1, classes))  # for each image of it
        x, epsilon = repeat([x, epsilon], classes)
        bounds = ops.reshape(self.labelled_bound(x, y, epsilon), (classes, -1))
        q, log_q = ops.softmax(logits), ops.log_softmax(logits)
        return ops.sum(q * (ops.transpose(bounds) + log_q), axis=-1)

    def terms(self, data: Any, noise: Any) -> list[Tensor]:
        """r L, (1 - r) U and α times the crossentropy, means over the batch."""
        x, x_labelled, y = data
        epsilon, epsilon_labelled = noise
        crossentropy = categorical_crossentropy(y, self.classifier(x_labelled), from_logits=True)
        return [
            self.share * ops.mean(self.labelled_bound(x_labelled, y, epsilon_labelled)),
            (1 - self.share) * ops.mean(self.unlabelled_bound(x, epsilon)),
            self.alpha * ops.mean(crossentropy),
        ]


class M1M2(TermModel):
    """M1, a VAE of the images, and M2 on the codes that M1 draws for them, anew at every step.

    The loss is the sum of the terms of both. M2's have no gradient for M1's weights, nor M1's for
    M2's, so each learns what it would learn alone. They learn in the same steps, and M2 follows the
    codes of M1 as they change.

    Args:
        m1: x (batch, pixels) -> codes (batch, d).
        m2: for data (batch, d).
        seed: seeds the draws of the codes that M2 is given, as for `VAE`.

    Raises:
        ValueError: at a step, if the data are not (x, [x_labelled, y]).

    `call` classifies: x -> q(y|z), (batch, classes), at z = the mean of M1's q(z|x).
    """

    term_names = (*VAE.term_names, *M2.term_names)

    def __init__(self, m1: VAE, m2: M2, seed: int | None = None, **options: Any) -> None:
        super().__init__(seed, **options)
        self.m1 = m1
        self.m2 = m2

    def call(self, x: Tensor) -> Any:
        mean, _ = self.m1.encode(x)
        return self.m2(mean)

    def given(self, data: Any) -> Any:
        return self.m2.given(data)

    def draw_noise(self, data: Any) -> Any:
        """M1's, that of the codes of x and of x_labelled, and M2's."""
        codes = draw_epsilons(self.m1.encoder, data[:2], self.noise)
        return self.m1.draw_noise(data[0]), codes, self.m2.draw_noise(data)

    def codes(self, x: Tensor, epsilon: Tensor) -> Tensor:
        """z ~ q(z|x) of M1, (batch, d), as data: no gradient passes."""
        mean, log_var = self.m1.encode(x)
        return ops.stop_gradient(reparameterize(mean, log_var, epsilon))

    def terms(self, data: Any, noise: Any) -> list[Tensor]:
        """M1's terms, then M2's."""
        *images, y = data
        m1_noise, epsilons, m2_noise = noise
        codes = [self.codes(x, epsilon) for x, epsilon in zip(images, epsilons, strict=True)]
        return [*self.m1.terms(images[0], m1_noise), *self.m2.terms((*codes, y), m2_noise)]
