"""The layers.  Shapes are written (batch, ...); a layer's arithmetic is in autodiff/ops.py."""

from numpy_nets.layers.activation import Activation, LeakyReLU, ReLU
from numpy_nets.layers.core import Dense, Input, InputLayer, Maxout
from numpy_nets.layers.layer import Layer
from numpy_nets.layers.normalization import BatchNormalization
from numpy_nets.layers.regularization import Dropout, GaussianNoise
from numpy_nets.layers.reshaping import Concatenate, Flatten, Reshape

__all__ = [
    "Activation", "BatchNormalization", "Concatenate", "Dense", "Dropout", "Flatten",
    "GaussianNoise", "Input", "InputLayer", "Layer", "LeakyReLU", "Maxout", "ReLU", "Reshape",
]  # fmt: skip
