"""Batch normalization."""

import numpy as np

from numpy_nets import initializers, shares
from numpy_nets.autodiff import ops
from numpy_nets.autodiff.tensor import Tensor, Variable
from numpy_nets.checks import number
from numpy_nets.layers.layer import OneInputLayer
from numpy_nets.layers.node import Shape


class BatchNormalization(OneInputLayer):
    """y = γ (x - μ) / √(σ² + ε) + β, for each feature (Ioffe & Szegedy 2015, algorithm 1).

    In training μ and σ² are the mean and the variance of the batch, so the gradient also flows
    through them; the variance is the mean of squares, not n / (n - 1) times it. The layer keeps
    moving averages of both,

        moving ← momentum · moving + (1 - momentum) · batch,

    and takes those in place of μ and σ² outside training, where an output then depends on its own
    input alone. A layer that is not trainable always does so, as in Keras.

    Args:
        axis: the axis of the features; the statistics are over all other axes.
        momentum: the weight of the past in the moving averages, in [0, 1].
        epsilon: ε, which keeps a feature that is constant in a batch from dividing by 0.
        center, scale: whether the layer has β and γ.
        beta_initializer, gamma_initializer, moving_mean_initializer, moving_variance_initializer:
            the first values of the weights; see `initializers`.

    Raises:
        ValueError: if an argument is of another kind, or x lacks the axis.

    >>> layer = BatchNormalization(epsilon=0.0)
    >>> x = np.array([[1.0], [3.0]])  # mean 2, variance 1
    >>> layer(x, training=True).numpy().tolist()
    [[-1.0], [1.0]]
    >>> print(layer.moving_mean.numpy().round(2), layer.moving_variance.numpy().round(2))
    [0.02] [1.]
    """

    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: initializers.InitializerLike = "zeros",
        gamma_initializer: initializers.InitializerLike = "ones",
        moving_mean_initializer: initializers.InitializerLike = "zeros",
        moving_variance_initializer: initializers.InitializerLike = "ones",
        *,
        trainable: bool = True,
        name: str | None = None,
    ) -> None:
        super().__init__(trainable=trainable, name=name)
        if isinstance(axis, bool) or not isinstance(axis, int | np.integer):
            raise ValueError(f"BatchNormalization: axis: expected an integer, got {axis!r}")
        self.axis = int(axis)
        self.momentum = number("BatchNormalization: momentum", momentum, "[0, 1]")
        self.epsilon = number("BatchNormalization: epsilon", epsilon, "[0, inf)")
        self.center, self.scale = center, scale
        self.beta_initializer = initializers.get(beta_initializer)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)

    def build(self, input_shape: Shape) -> None:
        self._check(input_shape)
        features = input_shape[self.axis]
        if features is None:
            raise ValueError(
                f"BatchNormalization: expected a known size of axis {self.axis}, got {input_shape}"
            )
        shape = (features,)
        if self.scale:
            self.gamma = self.add_weight(shape, self.gamma_initializer, name="gamma")
        if self.center:
            self.beta = self.add_weight(shape, self.beta_initializer, name="beta")
        self.moving_mean = self.add_weight(
            shape, self.moving_mean_initializer, name="moving_mean", trainable=False
        )
        self.moving_variance = self.add_weight(
            shape, self.moving_variance_initializer, name="moving_variance", trainable=False
        )

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        self._check(inputs.shape)
        inputs = self._floats(inputs)
        feature_axis = self.axis % len(inputs.shape)
        axes = tuple(i for i in range(len(inputs.shape)) if i != feature_axis)
        shape = tuple(n if i == feature_axis else 1 for i, n in enumerate(inputs.shape))
        if training and self.trainable:
            mean = shares.average(ops.mean(inputs, axes, keepdims=True))
            # ∂σ²/∂μ = -2 · mean(x - μ) = 0, so the path through μ need not be recorded here.
            centred = ops.square(inputs - ops.stop_gradient(mean))
            variance = shares.average(ops.mean(centred, axes, keepdims=True))
            self._move(self.moving_mean, mean)
            self._move(self.moving_variance, variance)
        else:
            mean = ops.reshape(self.moving_mean, shape)
            variance = ops.reshape(self.moving_variance, shape)
        factor = 1 / ops.sqrt(variance + self.epsilon)
        if self.scale:
            factor = factor * ops.reshape(self.gamma, shape)
        y = (inputs - mean) * factor
        return y + ops.reshape(self.beta, shape) if self.center else y

    def _move(self, moving: Variable, batch: Tensor) -> None:
        new = batch.array.reshape(moving.shape)
        moving.assign(moving.array * self.momentum + new * (1 - self.momentum))

    def _check(self, shape: Shape) -> None:
        if len(shape) < 2 or not -len(shape) <= self.axis < len(shape):
            raise ValueError(
                f"BatchNormalization: expected input with a batch and axis {self.axis}, got {shape}"
            )
