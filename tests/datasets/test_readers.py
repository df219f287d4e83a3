import gzip
import io
import struct

import numpy as np
import pytest
import scipy.io

from numpy_nets.datasets.readers import load_file

X = np.arange(48, dtype="u1").reshape(4, 3, 4)
Y = np.array([0, 1, 2, 1], "u1")


def npz(**arrays: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def idx(array: np.ndarray) -> bytes:
    shape = struct.pack(f">{array.ndim}I", *array.shape)
    return bytes([0, 0, 8, array.ndim]) + shape + array.tobytes()


@pytest.mark.parametrize(
    "names", [("y_train", "x_test", "y_test"), ("y_train", "x_test"), ("x_test",), ("y_train",), ()]
)
def test_keras_layout_gives_its_parts(tmp_path, names):
    arrays = {"x_train": X, "y_train": Y, "x_test": X[:2] + 1, "y_test": Y[:2]}
    np.savez(tmp_path / "a.npz", x_train=X, **{name: arrays[name] for name in names})
    splits = load_file(tmp_path / "a.npz")
    np.testing.assert_array_equal(splits.x_train, X)
    for name in ("y_train", "x_test", "y_test"):
        if name in names:
            np.testing.assert_array_equal(getattr(splits, name), arrays[name])
        else:
            assert getattr(splits, name) is None
    assert splits.x_valid is None


def test_train_valid_test_layout_gives_three_unlabelled_parts(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", train=X, valid=X[:3], test=X[:2])
    splits = load_file(str(tmp_path / "a.npz"))
    assert (len(splits.x_train), len(splits.x_valid), len(splits.x_test)) == (4, 3, 2)
    assert splits.y_train is None and splits.y_test is None


@pytest.mark.parametrize("arrays", [{"x": X}, {"x": X, "y": Y}, {"x": X, "y": Y[:, None]}])
def test_plain_x_and_y_are_all_for_training(tmp_path, arrays):
    np.savez(tmp_path / "faces.npz", **arrays)
    splits = load_file(tmp_path / "faces.npz")
    np.testing.assert_array_equal(splits.x_train, X)
    if "y" in arrays:
        np.testing.assert_array_equal(splits.y_train, Y)
    else:
        assert splits.y_train is None
    assert splits.x_valid is splits.x_test is splits.y_test is None


def cifar10_records(n: int) -> np.ndarray:
    """(n, 3073) bytes: a label and three planes."""
    rng = np.random.default_rng(0)
    return np.hstack([rng.integers(0, 10, (n, 1)), rng.integers(0, 256, (n, 3072))]).astype("u1")


@pytest.mark.parametrize("start", [b"", b"\0\0\x08\1"])  # the latter is also how IDX begins
def test_bin_is_a_batch_of_cifar10_with_any_number_of_records(tmp_path, start):
    records = cifar10_records(7)
    content = start + records.tobytes()[len(start) :]
    (tmp_path / "a.bin").write_bytes(content)
    splits = load_file(tmp_path / "a.bin")
    assert splits.x_train.shape == (7, 32, 32, 3) and splits.x_train.dtype == np.uint8
    assert splits.y_train.tolist() == [content[i * 3073] for i in range(7)]
    planes = np.frombuffer(content, "u1").reshape(7, 3073)[:, 1:].reshape(7, 3, 32, 32)
    for channel in range(3):
        np.testing.assert_array_equal(splits.x_train[..., channel], planes[:, channel])


def test_idx_and_npy_are_told_by_their_first_bytes_also_if_they_are_named_bin(tmp_path):
    for content in (idx(X), gzip.compress(idx(X), mtime=0), npz(x=X)):
        (tmp_path / "a.bin").write_bytes(content)
        np.testing.assert_array_equal(load_file(tmp_path / "a.bin").x_train, X)


@pytest.mark.parametrize("byte", [b"\0", b"\1"])
@pytest.mark.parametrize("size", [0, 1, 3072, 3074, 2 * 3073 + 5])
def test_bin_that_is_not_whole_records_is_refused_by_length(tmp_path, size, byte):
    (tmp_path / "a.bin").write_bytes(byte * size)
    with pytest.raises(ValueError, match=f"a.bin: expected records of 3,073 .* got {size:,} bytes"):
        load_file(tmp_path / "a.bin")


def test_bin_with_a_label_above_9_is_refused(tmp_path):
    (tmp_path / "a.bin").write_bytes(b"\x0a" * 3073)
    with pytest.raises(ValueError, match="a.bin: expected labels 0 to 9, got 10"):
        load_file(tmp_path / "a.bin")


def test_the_columns_of_frey_face_s_matrix_are_images(tmp_path):
    faces = np.random.default_rng(0).integers(0, 256, (12, 28, 20), "u1")
    scipy.io.savemat(tmp_path / "frey.mat", {"ff": faces.reshape(12, 560).T})
    splits = load_file(tmp_path / "frey.mat")
    np.testing.assert_array_equal(splits.x_train, faces)
    assert splits.y_train is splits.x_valid is splits.x_test is None


@pytest.mark.parametrize(
    ("variables", "fault"),
    [
        ({"faces": np.eye(3)}, r"expected an array of real numbers 'ff', got \['faces'\]"),
        ({"ff": np.eye(3)}, r"ff: expected a matrix of 560 rows, .* got shape \(3, 3\)"),
        ({"ff": np.ones((560, 2, 2))}, r"got shape \(560, 2, 2\)"),
        ({"ff": np.ones((560, 0))}, "x_train: empty array"),
        ({"ff": np.full((560, 2), np.nan)}, "NaN"),
    ],
)
def test_mat_without_a_matrix_of_images_is_refused(tmp_path, variables, fault):
    scipy.io.savemat(tmp_path / "a.mat", variables)
    with pytest.raises(ValueError, match=f"a.mat: .*{fault}"):
        load_file(tmp_path / "a.mat")


def test_column_of_labels_becomes_a_vector(tmp_path):
    np.savez(tmp_path / "a.npz", x_train=X, y_train=Y[:, None])
    np.testing.assert_array_equal(load_file(tmp_path / "a.npz").y_train, Y)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("frey.npz", npz(x=X)),
        ("x-idx3-ubyte", idx(X)),
        ("x-idx3-ubyte.gz", gzip.compress(idx(X), mtime=0)),
        ("x.idx", idx(X)),
    ],
)
def test_single_array_is_all_training_data(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    splits = load_file(tmp_path / name)
    np.testing.assert_array_equal(splits.x_train, X)
    assert splits.y_train is splits.x_valid is splits.x_test is splits.y_test is None


def test_npy_is_all_training_data_and_stays_mapped(tmp_path):
    np.save(tmp_path / "x.npy", X)
    assert isinstance(load_file(tmp_path / "x.npy").x_train, np.memmap)


@pytest.mark.parametrize(
    ("arrays", "fault"),
    [
        ({}, "arrays .*expected x_train"),
        ({"images": X, "labels": Y}, r"arrays \['images', 'labels'\], expected x_train"),
        ({"x": X, "labels": Y}, r"expected x_train .* or x \(y\), or a single array"),
        ({"x": X, "y": Y, "x_test": X}, "expected x_train"),
        ({"x": X, "y": Y[:3]}, r"y_train: expected 4 labels, .* shape \(3,\)"),
        ({"x_train": X, "y_test": Y}, "expected x_train"),
        ({"x_train": X, "x_valid": X}, "expected x_train"),
        ({"valid": X, "test": X}, "expected x_train"),
        ({"x_train": X, "y_train": Y[:3]}, r"y_train: expected 4 labels, .* shape \(3,\)"),
        ({"x_train": X, "x_test": X[:2], "y_test": Y}, "y_test: expected 2 labels"),
        ({"x_train": X, "y_train": np.eye(4)}, r"y_train: expected 4 labels, .* \(4, 4\)"),
        ({"x_train": X, "y_train": Y * 0.5}, "y_train: expected integer labels, got float64"),
        ({"x_train": X, "y_train": Y.astype("i8") - 1}, "labels of 0 and up, got -1"),
        ({"x_train": X, "x_test": X[:, 1:]}, r"x_test: expected examples of shape \(3, 4\)"),
        ({"train": X, "valid": X[:, 1:]}, r"x_valid: expected examples of shape \(3, 4\)"),
        ({"x_train": X[:0]}, r"x_train: empty array of shape \(0, 3, 4\)"),
        ({"x_train": X[:, :0]}, "x_train: empty array"),
        ({"x_train": X, "x_test": X[:0]}, "x_test: empty array"),
        ({"labels": Y}, r"expected \(examples, ...\), got shape \(4,\)"),
        ({"x": np.float32(1)}, r"got shape \(\)"),
        ({"x": np.where(X == 5, np.nan, X)}, "x_train: holds NaN or infinite"),
        ({"x": np.where(X == 5, np.inf, X)}, "x_train: holds NaN or infinite"),
        ({"x_train": X, "x_test": np.where(X == 5, -np.inf, X)}, "x_test: holds NaN or infinite"),
        ({"x_train": X * 1j}, "member 'x_train.npy': dtype complex128"),
        ({"x_train": X.astype(str)}, "member 'x_train.npy': dtype <U"),
        ({"x_train": X.astype(object)}, "member 'x_train.npy': dtype object"),
    ],
)
def test_arrays_that_do_not_fit_are_named_with_their_fault(tmp_path, arrays, fault):
    np.savez(tmp_path / "broken.npz", **arrays)
    with pytest.raises(ValueError, match=f"broken.npz: .*{fault}"):
        load_file(tmp_path / "broken.npz")


@pytest.mark.parametrize("content", [b"", b"\0", b"\x89PNG\r\n\x1a\n", b"hello", b"\x80\x04K\x01."])
def test_file_of_another_format_is_refused_by_name(tmp_path, content):
    (tmp_path / "other").write_bytes(content)
    with pytest.raises(ValueError, match="other: not an .npz, .npy, IDX, .mat or CIFAR-10 .bin"):
        load_file(tmp_path / "other")


def test_absent_file_and_folder_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        load_file(tmp_path / "nowhere")
    with pytest.raises(ValueError, match=f"{tmp_path}: expected a regular file, got a folder"):
        load_file(tmp_path)


def test_real_files_equal_what_numpy_loads(real_data):
    names = {"mnist": {}, "fashion_mnist": {}, "frey": {"x": "x_train"}}
    names["binarized_mnist"] = {"train": "x_train", "valid": "x_valid", "test": "x_test"}
    for file, renamed in names.items():
        path = real_data / f"{file}.npz"
        if path.exists():
            splits = load_file(path)
            with np.load(path, allow_pickle=False) as expected:
                for name in expected.files:
                    array = getattr(splits, renamed.get(name, name))
                    np.testing.assert_array_equal(array, expected[name])
