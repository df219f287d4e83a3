"""The models: one file each, with the text of its twin in keras_ref below the imports."""

from numpy_nets.network import Model, Sequential

__all__ = ["Model", "Sequential"]
