"""Weights files in Keras's `.weights.h5` layout."""

from numpy_nets.storage.weights import dataset_paths, read_attributes, read_weights, write_weights

__all__ = ["dataset_paths", "read_attributes", "read_weights", "write_weights"]
