import shutil

import numpy as np
import pytest

from numpy_nets.datasets import mnist

ZEROS = {name: np.zeros(shape, "u1") for name, shape in mnist.SHAPES.items()}


def save(keras_home, name="mnist.npz", save=np.savez_compressed, **arrays):
    (keras_home / "datasets").mkdir(parents=True)
    save(keras_home / "datasets" / name, **arrays)


@pytest.mark.parametrize("save_as", [np.savez, np.savez_compressed])
def test_file_in_the_cache_is_used_however_it_is_packed(keras_home, save_as):
    save(keras_home, save=save_as, **ZEROS | {"y_test": np.full(10000, 7, "u1")})
    (x_train, y_train), (x_test, y_test) = mnist.load_data()
    for array, shape in zip((x_train, y_train, x_test, y_test), mnist.SHAPES.values(), strict=True):
        assert type(array) is np.ndarray and array.flags.writeable
        assert array.dtype == np.uint8 and array.shape == shape
    assert y_test.min() == y_test.max() == 7


def test_path_names_the_file_in_the_cache(keras_home):
    save(keras_home, name="other.npz", **ZEROS)
    assert mnist.load_data(path="other.npz")[0][0].shape == (60000, 28, 28)


@pytest.mark.parametrize("path", ["../mnist.npz", "/tmp/mnist.npz", "a/b.npz", "."])
def test_path_with_a_folder_is_refused(keras_home, path):
    with pytest.raises(ValueError, match="mnist.load_data: expected path to be a file name"):
        mnist.load_data(path)


@pytest.mark.parametrize(
    ("arrays", "fault"),
    [
        ({"x_train": ZEROS["x_train"]}, "expected arrays .*got"),
        (ZEROS | {"y_test": np.zeros(9999, "u1")}, r"y_test: expected uint8 of shape \(10000,\)"),
        (ZEROS | {"y_test": np.zeros(10000)}, "y_test: expected uint8 .*got float64"),
    ],
)
def test_file_that_is_not_mnist_is_named_and_left_alone(keras_home, arrays, fault):
    save(keras_home, **arrays)
    file = keras_home / "datasets" / "mnist.npz"
    before = file.read_bytes()
    with pytest.raises(ValueError, match=f"mnist.npz: .*{fault}"):
        mnist.load_data()
    assert file.read_bytes() == before


def test_offline_error_says_where_to_put_the_file(keras_home):
    with pytest.raises(OSError) as caught:
        mnist.load_data()
    url = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"
    assert url in str(caught.value)
    assert str(keras_home / "datasets" / "mnist.npz") in str(caught.value)


def test_real_file_loads_as_numpy_loads_it(keras_home, real_data):
    (keras_home / "datasets").mkdir(parents=True)
    shutil.copy(real_data / "mnist.npz", keras_home / "datasets")
    (x_train, y_train), (x_test, y_test) = mnist.load_data()
    with np.load(real_data / "mnist.npz", allow_pickle=False) as expected:
        np.testing.assert_array_equal(x_train, expected["x_train"])
        np.testing.assert_array_equal(y_train, expected["y_train"])
        np.testing.assert_array_equal(x_test, expected["x_test"])
        np.testing.assert_array_equal(y_test, expected["y_test"])
