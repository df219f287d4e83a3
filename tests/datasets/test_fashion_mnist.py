import gzip
import struct

import numpy as np
import pytest

from numpy_nets.datasets import fashion_mnist

NAMES = ("x_train", "y_train", "x_test", "y_test")


def save(keras_home, arrays):
    folder = keras_home / "datasets" / "fashion-mnist"
    folder.mkdir(parents=True)
    for file, array in zip(fashion_mnist.FILES, arrays, strict=True):
        header = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
        (folder / file).write_bytes(gzip.compress(header + array.tobytes(), 1, mtime=0))


def zeros():
    return [np.zeros(shape, "u1") for shape, _ in fashion_mnist.FILES.values()]


def test_files_in_the_cache_are_used_each_for_its_part(keras_home):
    arrays = [array + np.uint8(i) for i, array in enumerate(zeros())]
    save(keras_home, arrays)
    (x_train, y_train), (x_test, y_test) = fashion_mnist.load_data()
    for array, expected in zip((x_train, y_train, x_test, y_test), arrays, strict=True):
        assert array.dtype == np.uint8 and array.shape == expected.shape
        assert array.min() == array.max() == expected.flat[0]


def test_swapped_files_are_refused(keras_home):
    x_train, y_train, x_test, y_test = zeros()
    save(keras_home, [x_test, y_train, x_train, y_test])
    with pytest.raises(ValueError, match="train-images-idx3-ubyte.gz: expected uint8 of shape"):
        fashion_mnist.load_data()


def test_offline_error_says_where_to_put_the_file(keras_home):
    with pytest.raises(OSError) as caught:
        fashion_mnist.load_data()
    path = keras_home / "datasets" / "fashion-mnist" / "train-images-idx3-ubyte.gz"
    assert str(path) in str(caught.value)


def test_real_images_come_back_bit_for_bit(keras_home, real_data):
    with np.load(real_data / "fashion_mnist.npz", allow_pickle=False) as file:
        expected = [file[name] for name in NAMES]
    save(keras_home, expected)
    (x_train, y_train), (x_test, y_test) = fashion_mnist.load_data()
    for array, original in zip((x_train, y_train, x_test, y_test), expected, strict=True):
        np.testing.assert_array_equal(array, original)
