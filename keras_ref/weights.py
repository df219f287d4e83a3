"""Copy the weights of a numpy_nets model into the same model in Keras, and back."""

from typing import Any

import keras

from numpy_nets import Model


def copy_to_keras(model: Model, keras_model: keras.Model) -> None:
    """Give `keras_model` the weights of `model`.

    Raises:
        ValueError: the models differ in the number of weights, or in the name or shape of one of
            them; nothing is copied then.
    """
    _check("copy_to_keras", _described(keras_model), _described(model))
    keras_model.set_weights(model.get_weights())


def copy_from_keras(keras_model: keras.Model, model: Model) -> None:
    """Give `model` the weights of `keras_model`; raises as `copy_to_keras`."""
    _check("copy_from_keras", _described(model), _described(keras_model))
    model.set_weights(keras_model.get_weights())


def _described(model: Any) -> list[str]:
    """Every weight as `kernel (784, 64)`: the name without that of its layer, and the shape."""
    return [f"{v.name.split('/')[-1]} {tuple(v.shape)}" for v in model.weights]


def _check(what: str, expected: list[str], found: list[str]) -> None:
    if len(expected) != len(found):
        raise ValueError(f"{what}: expected {len(expected)} weights, got {len(found)}")
    for i, (want, got) in enumerate(zip(expected, found, strict=True)):
        if want != got:
            raise ValueError(f"{what}: weight {i}: expected {want}, got {got}")
