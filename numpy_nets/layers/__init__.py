"""The layers.  Shapes are written (batch, ...); a layer's arithmetic is in autodiff/ops.py."""

from numpy_nets.layers.core import (
    Activation,
    Concatenate,
    Dense,
    Dropout,
    Flatten,
    Input,
    InputLayer,
    LeakyReLU,
    Maxout,
    ReLU,
    Reshape,
)
from numpy_nets.layers.layer import Layer

__all__ = [
    "Activation", "Concatenate", "Dense", "Dropout", "Flatten", "Input", "InputLayer", "Layer",
    "LeakyReLU", "Maxout", "ReLU", "Reshape",
]  # fmt: skip
