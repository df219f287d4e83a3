import numpy as np
import pytest

from numpy_nets.cli.runs.data import load_images


def test_digits_are_the_embedded_images_in_0_1():
    data = load_images("digits")
    assert data.x_train.shape == (6000, 784) and data.x_test.shape == (1000, 784)
    assert data.x_train.dtype == np.float32
    assert data.x_train.min() == 0 and data.x_train.max() == 1
    assert data.image_shape == (28, 28)


def test_keras_layout_keeps_its_own_test_images(images):
    data = load_images(str(images))
    assert data.x_train.shape == (60, 30) and data.x_test.shape == (20, 30)
    assert data.image_shape == (6, 5)
    stored = np.load(images)
    np.testing.assert_array_equal(data.x_test, stored["x_test"].reshape(20, 30) / np.float32(255))
    np.testing.assert_array_equal(data.y_test, stored["y_test"])


def test_without_test_images_the_last_tenth_is_for_the_test(tmp_path):
    x = np.random.default_rng(0).random((50, 16))
    np.save(tmp_path / "x.npy", x)
    data = load_images(str(tmp_path / "x.npy"))
    np.testing.assert_array_equal(data.x_train, x[:45].astype(np.float32))
    np.testing.assert_array_equal(data.x_test, x[45:].astype(np.float32))
    assert data.y_train is None and data.image_shape == (4, 4)


def test_binary_bytes_are_not_divided_by_255(tmp_path):
    np.save(tmp_path / "x.npy", np.eye(20, dtype=np.uint8))
    assert load_images(str(tmp_path / "x.npy")).x_train.max() == 1


@pytest.mark.parametrize(("low", "high"), [(-1.0, 1.0), (0.0, 255.0)])
def test_floats_outside_0_1_are_refused(tmp_path, low, high):
    np.save(tmp_path / "x.npy", np.linspace(low, high, 100).reshape(20, 5))
    with pytest.raises(ValueError, match=r"expected bytes, or values in \[0, 1\], got float64"):
        load_images(str(tmp_path / "x.npy"))


def test_two_data_sets_have_two_fingerprints(tmp_path):
    for value in (0, 1):
        np.save(tmp_path / f"{value}.npy", np.full((20, 4), value, np.uint8))
    a, b = (load_images(str(tmp_path / f"{value}.npy")).sha256 for value in (0, 1))
    assert a != b


def test_too_few_samples_to_split_are_refused(tmp_path):
    np.save(tmp_path / "x.npy", np.ones((9, 4)))
    with pytest.raises(ValueError, match="expected at least 10 samples, got 9"):
        load_images(str(tmp_path / "x.npy"))


def test_one_scale_holds_for_training_and_test_images(tmp_path):
    path = tmp_path / "x.npz"
    np.savez(path, x_train=np.full((9, 4), 200, np.uint8), x_test=np.ones((3, 4), np.uint8))
    data = load_images(str(path))
    assert data.x_train.max() == np.float32(200 / 255) and data.x_test.max() == np.float32(1 / 255)
    np.savez(path, x_train=np.full((9, 4), 200, np.uint8), x_test=np.ones((3, 4), np.float32))
    with pytest.raises(ValueError, match="got uint8 and float32 from 1 to 200"):
        load_images(str(path))


def test_a_held_out_test_set_is_announced(tmp_path, capsys):
    np.save(tmp_path / "x.npy", np.ones((50, 4)))
    load_images(str(tmp_path / "x.npy"))
    assert "its last 5 samples are held out" in capsys.readouterr().out


def test_validation_images_are_kept_and_tell_data_sets_apart(tmp_path):
    rng = np.random.default_rng(0)
    train, valid, test = (rng.integers(0, 2, (n, 16)).astype(np.uint8) for n in (30, 20, 10))
    found = []
    for name, arrays in (("a", {"valid": valid}), ("b", {"valid": 1 - valid}), ("c", {})):
        np.savez(tmp_path / f"{name}.npz", train=train, test=test, **arrays)
        found.append(load_images(str(tmp_path / f"{name}.npz")))
    a, _, c = found
    np.testing.assert_array_equal(a.validation[0], valid)
    np.testing.assert_array_equal(a.x_test, test)
    np.testing.assert_array_equal(c.validation[0], test)
    assert len({data.sha256 for data in found}) == 3
    assert a.classes == 0


def test_classes_are_counted_where_every_image_has_a_label(images):
    data = load_images(str(images))
    assert data.classes == 3
    assert data.validation[1] is data.y_test
