"""Deep embedded clustering of Xie, Girshick & Farhadi 2016 (arXiv 1511.06335).

An encoder z = f(x), pretrained as a denoising autoencoder, and K centres μ_j in the space of its
codes, which start from k-means, learn together what the clusters are. Equation 1: the probability
that image i belongs to cluster j is a Student-t kernel of their distance, as in t-SNE,

    q_ij = (1 + |z_i - μ_j|²/α)^(-(α+1)/2) / Σ_k (1 + |z_i - μ_k|²/α)^(-(α+1)/2)

There are no labels to compare q with. Its place takes a target that is sharper than q: squared, so
that what is probable gets more probable, and divided by the size f_j of each cluster, so that a
large cluster does not swallow the others. Equations 3 and 2:

    p_ij = (q_ij²/f_j) / Σ_k (q_ik²/f_k),    f_j = Σ_i q_ij, the sum over all images
    L = KL(P ‖ Q) = Σ_i Σ_j p_ij log(p_ij/q_ij)

here divided by the number of images, the mean of a batch. p is data: it is computed over all images
now and then, and no gradient passes through it. With s_ij = log of the kernel, q is a softmax, so

    ∂L/∂s_ij = q_ij - p_ij
    ∂s_ij/∂z_i = -(α+1)/α (1 + |z_i - μ_j|²/α)⁻¹ (z_i - μ_j) = -∂s_ij/∂μ_j

and the products, summed, are equations 4 and 5 (before the division by the number of images):

    ∂L/∂z_i = (α+1)/α Σ_j (1 + |z_i - μ_j|²/α)⁻¹ (p_ij - q_ij) (z_i - μ_j)
    ∂L/∂μ_j = -(α+1)/α Σ_i (1 + |z_i - μ_j|²/α)⁻¹ (p_ij - q_ij) (z_i - μ_j)

Minimising L moves a code towards the centres that p prefers, and a centre towards the codes that p
gives it. Training stops when fewer than 0.1 % of the images change their cluster.

What differs from the paper: its autoencoder is pretrained layer by layer, with dropout before each
layer, and then as a whole without it, on the squared error; here it is trained once, as a whole,
with dropout on the input only and the loss of models/denoising.py.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np  # noqa: F401  # the examples use it

from numpy_nets.autodiff import ops
from numpy_nets.autodiff.tensor import Tensor
from numpy_nets.checks import number, positive_int
from numpy_nets.layers import Dense, Input, Layer
from numpy_nets.models import Model, Sequential
from numpy_nets.models.terms import TermModel


def build_dec_encoder(
    input_dim: int = 784, latent_dim: int = 10, hidden_dims: Sequence[int] = (500, 500, 2000)
) -> Model:
    """x (batch, input_dim) -> codes z (batch, latent_dim), linear, after hidden layers of ReLU.

    The defaults are the paper's network for MNIST.

    >>> build_dec_encoder(6, 2, (4, 5)).count_params()  # (6 + 1) · 4, (4 + 1) · 5, (5 + 1) · 2
    65
    """
    hidden = [Dense(units, activation="relu") for units in hidden_dims]
    return Sequential([Input((input_dim,)), *hidden, Dense(latent_dim)], name="encoder")


def build_dec_decoder(
    input_dim: int = 784, latent_dim: int = 10, hidden_dims: Sequence[int] = (500, 500, 2000)
) -> Model:
    """Codes z (batch, latent_dim) -> logits of the pixels (batch, input_dim): the mirror image.

    >>> build_dec_decoder(6, 2, (4, 5)).count_params()  # (2 + 1) · 5, (5 + 1) · 4, (4 + 1) · 6
    69
    """
    hidden = [Dense(units, activation="relu") for units in reversed(hidden_dims)]
    return Sequential([Input((latent_dim,)), *hidden, Dense(input_dim)], name="decoder")


def student_t_scores(z: Tensor, centres: Tensor, alpha: float = 1.0) -> Tensor:
    """s_ij = -(α+1)/2 log(1 + |z_i - μ_j|²/α), the log of the kernel of equation 1.

    Distances are sums of squared differences: |z|² - 2 z·μ + |μ|² would cancel for a code that is
    near its centre and far from 0.

    Args:
        z: (batch, d).
        centres: μ (clusters, d).

    Returns:
        (batch, clusters), at most 0.

    >>> z, centres = ops.convert_to_tensor([[0.0]]), ops.convert_to_tensor([[0.0], [1.0]])
    >>> print(ops.convert_to_numpy(ops.exp(student_t_scores(z, centres))))
    [[1.  0.5]]
    """
    differences = ops.reshape(z, (-1, 1, centres.shape[-1])) - centres
    squares = ops.sum(ops.square(differences), axis=-1)
    return -0.5 * (alpha + 1) * ops.log1p(squares / alpha)


def target_distribution(q: Tensor) -> Tensor:
    """p of equation 3, from q (n, clusters) of all images: rows that sum to 1, like those of q.

    >>> q = ops.convert_to_tensor([[0.75, 0.25], [0.25, 0.75]])  # two clusters of the same size
    >>> print(ops.convert_to_numpy(target_distribution(q)).round(4))  # 9 : 1, from 3 : 1
    [[0.9 0.1]
     [0.1 0.9]]
    """
    weights = q * (q / ops.sum(q, axis=0, keepdims=True))  # q² alone can underflow to 0
    return weights / ops.sum(weights, axis=1, keepdims=True)


def target_divergence(p: Tensor, log_q: Tensor) -> Tensor:
    """KL(p_i ‖ q_i) = Σ_j p_ij (log p_ij - log q_ij) of each row, in nats; 0 log 0 = 0.

    (batch, clusters) twice -> (batch,). There is no gradient for p where it is 0.

    >>> p, q = ops.convert_to_tensor([[1.0, 0.0]]), ops.convert_to_tensor([[0.5, 0.5]])
    >>> round(float(target_divergence(p, ops.log(q))[0]), 4)  # log 2
    0.6931
    """
    return ops.sum(p * (ops.log(ops.maximum(p, 1e-30)) - log_q), axis=-1)


class ClusterAssignment(Layer):
    """q of equation 1, with the centres μ (clusters, d) as weights.  z (batch, d) -> (batch, K).

    Args:
        clusters: K.
        alpha: the degrees of freedom of Student's t; the paper's is 1.

    Raises:
        ValueError: clusters is not a positive integer, or alpha not a finite number > 0.

    >>> layer = ClusterAssignment(2)
    >>> layer.build((None, 1))
    >>> layer.set_weights([np.array([[0.0], [3.0]])])
    >>> z = ops.convert_to_tensor([[0.0], [1.5]])  # at the first centre, and between the two
    >>> print(ops.convert_to_numpy(layer(z)).round(4))  # 1 to 1/10, and 1 to 1
    [[0.9091 0.0909]
     [0.5    0.5   ]]
    """

    def __init__(self, clusters: int = 10, alpha: float = 1.0, **options: Any) -> None:
        super().__init__(**options)
        self.clusters = positive_int("ClusterAssignment: clusters", clusters)
        self.alpha = number("ClusterAssignment: alpha", alpha, "(0, inf)")

    def build(self, input_shape: Any) -> None:
        shape = (self.clusters, input_shape[-1])
        self.centres = self.add_weight(shape, "glorot_uniform", name="centres")
        self.built = True

    def call(self, inputs: Any) -> Any:
        return ops.softmax(student_t_scores(inputs, self.centres, self.alpha))

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (*input_shape[:-1], self.clusters)


class DEC(TermModel):
    """Trains an encoder and centres on KL(p ‖ q); the data of `fit` are x and its target p.

    `call` clusters: x -> q (batch, clusters). The target of all images is
    `target_distribution(model.predict(x))`; whoever trains the model computes it anew after some
    steps, and before the first sets the centres to those of k-means on the codes.

    Args:
        encoder: x -> codes (batch, d).
        clusters, alpha: as for `ClusterAssignment`.

    >>> model = DEC(Sequential([Input((1,)), Dense(1)]), clusters=2)
    >>> model.encoder.set_weights([np.array([[1.0]]), np.array([0.0])])  # z = x
    >>> model.assignment.set_weights([np.array([[0.0], [1.0]])])
    >>> x, p = ops.convert_to_tensor([[0.0]]), ops.convert_to_tensor([[1.0, 0.0]])
    >>> [round(float(term), 4) for term in model.terms((x, p), None)]  # q = 2/3, 1/3: log 3/2
    [0.4055]
    """

    term_names = ("kl",)
    data_names = ("x", "p")

    def __init__(
        self, encoder: Model, clusters: int = 10, alpha: float = 1.0, **options: Any
    ) -> None:
        super().__init__(**options)
        self.encoder = encoder
        self.assignment = ClusterAssignment(clusters, alpha, name="assignment")
        self.assignment.build(encoder.output_shape)
        self.built = encoder.built  # so it can be saved before any call

    def call(self, x: Any) -> Any:
        return self.assignment(self.encoder(x))

    def terms(self, data: Any, noise: Any) -> list[Tensor]:
        x, p = data
        assignment = self.assignment
        scores = student_t_scores(self.encoder(x), assignment.centres, assignment.alpha)
        return [ops.mean(target_divergence(p, ops.log_softmax(scores)))]
