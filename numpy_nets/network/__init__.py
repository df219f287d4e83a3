"""Layers put together, and trained: `Model` and `Sequential`."""

from numpy_nets.layers import Input
from numpy_nets.network.model import Model
from numpy_nets.network.sequential import Sequential

__all__ = ["Input", "Model", "Sequential"]
