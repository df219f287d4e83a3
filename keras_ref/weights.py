"""Copy the weights of a numpy_nets model into the same model in Keras, and back."""

import keras

from numpy_nets import Model


def copy_to_keras(model: Model, keras_model: keras.Model) -> None:
    """Give `keras_model` the weights of `model`.

    Raises:
        ValueError: the models differ in the number of their weights, or in the name or shape of one
            of them; then nothing is copied.

    >>> from keras_ref.models import autoencoder as theirs
    >>> from numpy_nets.models import autoencoder as ours
    >>> model, keras_model = (side.build_autoencoder(4, 2)[0] for side in (ours, theirs))
    >>> copy_to_keras(model, keras_model)
    >>> bool((model.get_weights()[0] == keras_model.get_weights()[0]).all())
    True
    """
    _check("copy_to_keras", _described(keras_model), _described(model))
    keras_model.set_weights(model.get_weights())


def copy_from_keras(keras_model: keras.Model, model: Model) -> None:
    """Give `model` the weights of `keras_model`; raises like `copy_to_keras`."""
    _check("copy_from_keras", _described(model), _described(keras_model))
    model.set_weights(keras_model.get_weights())


def _described(model: Model | keras.Model) -> list[str]:
    """Every weight as `kernel (784, 64)`: its name and its shape."""
    return [f"{v.name} {tuple(v.shape)}" for v in model.weights]


def _check(what: str, expected: list[str], got: list[str]) -> None:
    if len(expected) != len(got):
        raise ValueError(f"{what}: expected {len(expected)} weights, got {len(got)}")
    for i, (wanted, weight) in enumerate(zip(expected, got, strict=True)):
        if wanted != weight:
            raise ValueError(f"{what}: weight {i}: expected {wanted}, got {weight}")
