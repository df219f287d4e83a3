"""The variational autoencoder for baskets of Liang et al. 2018 (arXiv 1802.05814), "Mult-VAE".

It differs from the VAE of vae.py in three things:

- A basket is a few draws from all items of a shop, with the probabilities softmax(f(z)). Items
  compete for probability, as products do for a place in the basket, and the likelihood is that of a
  multinomial distribution. What is ranked high is likely, however rare a purchase is in itself.
- The encoder sees a basket of length 1 in which items are missing at random, so that it learns to
  complete baskets rather than to copy them.
- The KL term has a weight β below 1, which rises from 0 while the model is trained: a basket says
  little about z, and a bound in full would switch most of z off.

The encoder and the decoder are those of vae.py; the paper's have one hidden layer of 600 tanh units
around 200 latent ones.
"""

from typing import Any

from keras import ops, random
from keras.models import Model
from tensorflow import Tensor

from keras_ref.models.terms import total
from keras_ref.models.vae import VAE, gaussian_kl, reparameterize
from numpy_nets.checks import number, positive_int


def multinomial_log_likelihood(x: Tensor, logits: Tensor) -> Tensor:
    """log p(x|z) = Σ x log softmax(logits): the paper's equation 2.  (batch, items) -> (batch,).

    It leaves out the logarithm of the number of orders in which the items could have been drawn,
    n! / Π x!, which does not depend on the logits.

    >>> x = ops.convert_to_tensor([[1.0, 1.0, 0.0, 0.0]])
    >>> round(float(multinomial_log_likelihood(x, 0 * x)[0]), 4)  # p = ¼: -2 log 4
    -2.7726
    """
    return ops.sum(x * ops.log_softmax(logits, axis=-1), axis=-1)


def unit_length(x: Tensor) -> Tensor:
    """x / |x|, so that a large basket is not louder than a small one.  An empty one stays as it is.

    (batch, items) -> (batch, items), for x of zeros and ones.

    >>> unit = unit_length(ops.convert_to_tensor([[1.0, 1.0, 1.0, 1.0], [0.0, 0.0, 0.0, 0.0]]))
    >>> ops.convert_to_numpy(unit).tolist()
    [[0.5, 0.5, 0.5, 0.5], [0.0, 0.0, 0.0, 0.0]]
    """
    squares = ops.sum(ops.square(x), axis=-1, keepdims=True)
    return x / ops.sqrt(ops.maximum(squares, 1.0))


class MultVAE(VAE):
    """A VAE of baskets, with β annealed and dropout on the encoder's input.

    Args:
        encoder: baskets of length 1 (batch, items) -> [mean, log_var], each (batch, latent).
        decoder: z (batch, latent) -> logits of the items, (batch, items).
        beta: the weight of the KL term after annealing; the paper finds 0.2 to be good.
        anneal_steps: the number of training steps in which that weight rises from 0.
        dropout: the probability of an item to be missing in the encoder's input, in training.
        seed: seeds the noise; with None it comes from the random stream that everything shares.

    Raises:
        ValueError: beta is not a finite number >= 0, anneal_steps is not a positive integer, or
            dropout is not in [0, 1).

    fit and evaluate take baskets x alone and report loss = reconstruction + kl in nats per basket,
    where kl has been multiplied by the weight that it has at this step.

    Where q(z|x) is the prior and the decoder ignores z, each of four items has probability ¼:

    >>> model = MultVAE(lambda x: [0 * x, 0 * x], lambda z: 0 * z)
    >>> x = ops.convert_to_tensor([[1.0, 0.0, 1.0, 0.0]])
    >>> [round(float(term), 4) for term in model.terms(x, (x, x))]  # 2 log 4, and no KL
    [2.7726, 0.0]
    """

    def __init__(
        self,
        encoder: Model,
        decoder: Model,
        beta: float = 0.2,
        anneal_steps: int = 1000,
        dropout: float = 0.5,
        seed: int | None = None,
        **options: Any,
    ) -> None:
        anneal_steps = positive_int("MultVAE: anneal_steps", anneal_steps)
        dropout = number("MultVAE: dropout", dropout, "[0, 1)")
        super().__init__(encoder, decoder, multinomial_log_likelihood, beta, 1, seed, **options)
        self.anneal_steps = anneal_steps
        self.dropout = dropout

    def encode(self, data: Any) -> tuple[Tensor, Tensor]:
        mean, log_var = self.encoder(unit_length(data))
        return mean, log_var

    def call(self, x: Tensor) -> Any:
        """The logits of the items at z = the mean of q(z|x): what they rank is what goes with x."""
        mean, _ = self.encode(x)
        return self.decoder(mean)

    def kl_weight(self) -> Any:
        """β min(1, t / anneal_steps) after t steps of the optimizer; β if there is none.

        The optimizer's state is part of a checkpoint, so a resumed run goes on with this weight.
        """
        if not self.compiled:
            return self.beta
        assert self.optimizer is not None
        t = ops.cast(self.optimizer.iterations, str(self.encoder.weights[0].dtype))
        return self.beta * ops.minimum(t / self.anneal_steps, 1.0)

    def draw_noise(self, data: Any) -> Any:
        """keep (batch, items) and ε (batch, latent): keep is 0 for what is dropped, else 1 / (1-d).

        The mean of keep is 1: what the encoder sees in training and afterwards is alike.
        """
        uniform = random.uniform(ops.shape(data), seed=self.noise)
        keep = ops.where(uniform >= self.dropout, 1 / (1 - self.dropout), 0.0)
        return keep, super().draw_noise(data)

    def terms(self, data: Any, noise: Any) -> list[Tensor]:
        """-E_q[log p(x|z)] and the weighted KL(q(z|x) ‖ p(z)), means over the batch."""
        keep, epsilon = noise
        mean, log_var = self.encoder(unit_length(data) * keep)
        logits = self.decoder(reparameterize(mean, log_var, epsilon))
        reconstruction = -ops.mean(self.log_likelihood(data, logits))
        return [reconstruction, self.kl_weight() * ops.mean(gaussian_kl(mean, log_var))]

    def test_step(self, data: Any) -> dict[str, Any]:
        """Nothing is dropped here."""
        data = self.given(data)
        keep, epsilon = self.draw_noise(data)
        terms = self.terms(data, (0 * keep + 1, epsilon))
        return self.report(data, total(terms), terms)
