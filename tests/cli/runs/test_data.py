import os
from pathlib import Path

import numpy as np
import pytest
import scipy.io

from numpy_nets.cli.runs.data import load_images
from numpy_nets.datasets import cifar10


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


def cifar10_records(n, seed=0):
    """(n, 3073) bytes: a label and the planes of red, green and blue."""
    rng = np.random.default_rng(seed)
    return np.hstack([np.arange(n)[:, None] % 10, rng.integers(0, 256, (n, 3072))]).astype("u1")


def as_images(records):
    red, green, blue = np.split(records[:, 1:] / np.float32(255), 3, axis=1)
    return np.stack([red, green, blue], axis=-1).reshape(len(records), 3072)


def test_cifar10_is_read_from_keras_s_cache_in_colour(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(cifar10, "RECORDS", 10)
    monkeypatch.setattr(cifar10, "BATCH_SIZE", 30730)
    folder = tmp_path / "datasets" / cifar10.FOLDER
    folder.mkdir(parents=True)
    batches = [cifar10_records(10, seed) for seed in range(6)]
    for name, records in zip(cifar10.BATCH_MD5, batches, strict=True):
        (folder / name).write_bytes(records.tobytes())
    data = load_images("cifar10")
    assert data.image_shape == (32, 32, 3) and data.drawable and data.classes == 10
    np.testing.assert_array_equal(data.x_train, as_images(np.concatenate(batches[:5])))
    np.testing.assert_array_equal(data.x_test, as_images(batches[5]))
    assert data.y_train.shape == (50,) and data.y_test.tolist() == list(range(10))
    assert data.x_train.dtype == np.float32


def test_a_bin_batch_is_images_in_colour_with_labels(tmp_path):
    records = cifar10_records(40)
    (tmp_path / "batch.bin").write_bytes(records.tobytes())
    data = load_images(str(tmp_path / "batch.bin"))
    assert data.image_shape == (32, 32, 3) and data.classes == 10
    np.testing.assert_array_equal(data.x_train, as_images(records[:36]))
    np.testing.assert_array_equal(data.x_test, as_images(records[36:]))
    np.testing.assert_array_equal(data.y_test, [6, 7, 8, 9])


def test_frey_face_s_mat_is_faces(tmp_path):
    faces = np.random.default_rng(0).integers(0, 256, (30, 28, 20), "u1")
    scipy.io.savemat(tmp_path / "frey.mat", {"ff": faces.reshape(30, 560).T}, do_compression=True)
    data = load_images(str(tmp_path / "frey.mat"))
    assert data.image_shape == (28, 20) and data.classes == 0
    np.testing.assert_array_equal(data.x_train, faces[:27].reshape(27, 560) / np.float32(255))


@pytest.mark.parametrize("labelled", [False, True])
def test_plain_x_and_y_are_faces_with_the_last_tenth_for_the_test(tmp_path, labelled, capsys):
    x = np.random.default_rng(0).random((40, 6, 5), np.float32)
    y = np.append(np.arange(36) % 4, [3, 3, 1, 0])  # unlike those at the start
    np.savez(tmp_path / "faces.npz", x=x, **({"y": y} if labelled else {}))
    data = load_images(str(tmp_path / "faces.npz"))
    assert data.image_shape == (6, 5) and data.x_train.shape == (36, 30)
    np.testing.assert_array_equal(data.x_test, x[36:].reshape(4, 30))
    assert data.classes == (4 if labelled else 0)
    if labelled:
        np.testing.assert_array_equal(data.y_test, y[36:])
    else:
        assert data.y_train is data.y_test is None
    assert "sorted" not in capsys.readouterr().out


def test_classes_that_only_the_held_out_samples_have_are_announced(tmp_path, capsys):
    x = np.random.default_rng(0).random((40, 6, 5))
    np.savez(tmp_path / "faces.npz", x=x, y=np.arange(40) // 2)
    load_images(str(tmp_path / "faces.npz"))
    assert "2 of their classes occur in no training sample: is the file" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("shape", "image_shape", "drawable"),
    [
        ((8, 7, 3), (8, 7, 3), True),
        ((8, 7, 1), (8, 7), True),
        ((8, 3), (8, 3), True),
        ((3, 8, 7), (168,), False),
        ((8, 7, 4), (224,), False),
        ((7,), (7,), False),
        ((2, 2, 2, 3), (24,), False),
    ],
)
def test_images_are_grey_or_have_three_colours_in_the_last_axis(
    tmp_path, shape, image_shape, drawable
):
    x = np.random.default_rng(0).random((20, *shape))
    np.save(tmp_path / "x.npy", x)
    data = load_images(str(tmp_path / "x.npy"))
    assert data.image_shape == image_shape and data.drawable == drawable
    assert data.x_train.shape == (18, np.prod(shape))
    np.testing.assert_array_equal(data.x_test, x[18:].reshape(2, -1).astype(np.float32))


def test_the_file_is_left_as_it_is(tmp_path):
    """Floats are copied before they are divided."""
    np.save(tmp_path / "x.npy", np.full((20, 4), 0.5, np.float32))
    before = (tmp_path / "x.npy").read_bytes()
    data = load_images(str(tmp_path / "x.npy"))
    assert data.x_train.flags.writeable and not isinstance(data.x_train, np.memmap)
    assert (tmp_path / "x.npy").read_bytes() == before


def test_files_that_hold_no_images_are_one_line(empty_folder, fails):
    Path("a.bin").write_bytes(bytes(3074))
    fails("train gan --data a.bin", "a.bin: expected records of 3,073 bytes each")
    scipy.io.savemat("a.mat", {"faces": np.eye(3)})
    fails("train vae --data a.mat", "a.mat: expected an array of real numbers 'ff', got ['faces']")
    scipy.io.savemat("a.mat", {"ff": np.eye(3)})
    fails("train vae --data a.mat", "a.mat: ff: expected a matrix of 560 rows")


@pytest.mark.timeout(20)
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_what_is_not_a_regular_file_is_one_line_at_once(empty_folder, fails):
    os.mkfifo("pipe")
    Path("folder").mkdir()
    kinds = {"pipe": "named pipe", "/dev/zero": "device", "folder": "folder", ".": "folder"}
    for name, kind in kinds.items():
        path = Path(name).absolute()
        fails(f"train vae --data {name}", f"--data {path}: expected a regular file, got a {kind}\n")


@pytest.mark.parametrize("model", ["cgan", "cvae"])
def test_files_without_labels_are_refused_by_a_model_that_needs_them(model, empty_folder, fails):
    np.savez("faces.npz", x=np.random.default_rng(0).random((40, 6, 5)))
    fails(
        f"train {model} --data faces.npz",
        f"{model}: expected a label from 2 to 1,000 classes for every image, got none",
    )


def test_real_files_of_colours_and_faces():
    folder = os.environ.get("NUMPY_NETS_DATA")
    if not folder:
        pytest.skip("NUMPY_NETS_DATA is not set")
    shapes = {"cifar10_test_batch.bin": (32, 32, 3), "frey.npz": (28, 20)}
    paths = {Path(folder) / name: shape for name, shape in shapes.items()}
    present = {path: shape for path, shape in paths.items() if path.exists()}
    if not present:
        pytest.skip("neither file is there")
    for path, shape in present.items():
        data = load_images(str(path))
        assert data.image_shape == shape and data.drawable
        assert 0 <= data.x_train.min() < 0.1 and 0.9 < data.x_train.max() <= 1
