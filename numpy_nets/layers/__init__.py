"""The layers.  Shapes are written (batch, ...); a layer's arithmetic is in autodiff/ops.py."""

from typing import Any

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

# What Keras has and published autoencoders and GANs use, and what takes its place here.
_NOT_HERE = {
    **dict.fromkeys(
        ("Conv1D", "Conv2D", "Conv2DTranspose", "MaxPooling2D", "UpSampling2D"),
        "Dense layers of flattened images",
    ),
    **dict.fromkeys(("LSTM", "GRU", "Embedding"), "Dense layers of vectors"),
    **dict.fromkeys(("Add", "Multiply", "Lambda"), "ops in the call of a Layer of your own"),
}


def __getattr__(name: str) -> Any:
    if name in _NOT_HERE:
        # Not an AttributeError, of which `from numpy_nets.layers import Conv2D` shows no message.
        raise NotImplementedError(f"layers.{name}: not in numpy_nets: use {_NOT_HERE[name]}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
