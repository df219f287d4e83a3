import re

import numpy as np
import pytest

from numpy_nets import random
from numpy_nets.models.autoencoder import build_autoencoder
from numpy_nets.storage.checkpoint import load_checkpoint, save_checkpoint
from numpy_nets.storage.layout import save_weights


def trained(epochs=1):
    random.set_random_seed(0)
    model, _ = build_autoencoder(6, 2)
    model.compile("adam", "mse")
    x = np.random.default_rng(0).random((20, 6))
    model.fit(x, x, 8, epochs, verbose=0)
    return model, x


def test_training_continues_from_a_checkpoint_bit_for_bit(tmp_path):
    whole, x = trained(5)
    part, _ = trained(2)
    save_checkpoint(part, tmp_path / "c.weights.h5", 2)
    random.set_random_seed(99)
    fresh, _ = build_autoencoder(6, 2)
    fresh.compile("adam", "mse")
    assert load_checkpoint(fresh, tmp_path / "c.weights.h5") == 2
    fresh.fit(x, x, 8, 5, initial_epoch=2, verbose=0)
    for a, b in zip(whole.get_weights(), fresh.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_weights_file_that_is_not_a_checkpoint_is_refused(tmp_path):
    model, _ = trained()
    model.save_weights(tmp_path / "w.weights.h5")
    with pytest.raises(ValueError, match="not a checkpoint of a run"):
        load_checkpoint(model, tmp_path / "w.weights.h5")


def test_a_checkpoint_of_another_model_changes_nothing(tmp_path):
    model, _ = trained()
    save_checkpoint(model, tmp_path / "c.weights.h5", 1)
    other, _ = build_autoencoder(6, 3)
    other.compile("adam", "mse")
    before, state = other.get_weights(), random.get_state()
    with pytest.raises(ValueError, match="does not fit this model"):
        load_checkpoint(other, tmp_path / "c.weights.h5")
    assert random.get_state() == state
    for a, b in zip(before, other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"epoch": "9" * 5000, "random_state": random.get_state()}, "it names no epoch"),
        ({"epoch": "-1", "random_state": random.get_state()}, "it names no epoch"),
        ({"epoch": "2", "random_state": "null"}, "random.set_state: not a state"),
        ({"epoch": "2"}, "random.set_state: not a state"),
    ],
)
def test_a_damaged_checkpoint_is_named_and_changes_nothing(tmp_path, attributes, message):
    path = tmp_path / "c.weights.h5"
    save_weights(trained(2)[0], path, attributes=attributes)
    other, _ = trained(1)
    before, state = other.get_weights(), random.get_state()
    with pytest.raises(ValueError, match=re.escape(f"weights file {path}: ")) as error:
        load_checkpoint(other, path)
    assert message in str(error.value) and "\n" not in str(error.value)
    assert random.get_state() == state
    for a, b in zip(before, other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
