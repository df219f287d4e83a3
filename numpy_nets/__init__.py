"""numpy_nets: unsupervised deep learning in plain NumPy, with the names of Keras.

Importing it loads NumPy and nothing else.
"""

from numpy_nets import (
    activations,
    callbacks,
    config,
    datasets,
    initializers,
    layers,
    losses,
    metrics,
    models,
    optimizers,
    random,
    regularizers,
)
from numpy_nets.autodiff import GradientTape, Variable, gradcheck, ops
from numpy_nets.layers import Input
from numpy_nets.network import Model, Sequential

__version__ = "0.1.0"

__all__ = [
    "GradientTape", "Input", "Model", "Sequential", "Variable", "activations", "callbacks",
    "config", "datasets", "gradcheck", "initializers", "layers", "losses", "metrics", "models",
    "ops", "optimizers", "random", "regularizers",
]  # fmt: skip
