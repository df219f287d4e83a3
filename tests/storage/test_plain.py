"""The layout that this package and Keras write is read without HDF5, and as HDF5 reads it."""

import struct

import h5py
import numpy as np
import pytest

from numpy_nets.storage import plain, read_weights, write_weights
from numpy_nets.storage.contents import RefusedError

DTYPES = [
    order + kind
    for order in "<>"
    for kind in ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8")
]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.weights.h5"


def contents(path):
    with open(path, "rb") as file:
        result = plain.read(file)
        return result, {name: dataset.load() for name, dataset in result.datasets.items()}


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_number_is_read_as_it_was_written(path, dtype):
    values = np.array([[-1, 0, 1], [2, 3, 100]]).astype(dtype)
    originals = {"a/vars/0": values, "vars/0": values[0, 0, None].reshape(()), "b": values[:0]}
    write_weights(path, originals)
    _, arrays = contents(path)
    for name, array in originals.items():
        assert arrays[name].dtype == dtype
        np.testing.assert_array_equal(arrays[name], array, strict=True)


def test_hundreds_of_names_are_in_a_tree_of_two_levels(path):
    arrays = {f"optimizer/vars/{k}": np.array(k) for k in range(400)}
    write_weights(path, arrays)
    assert path.read_bytes().count(b"TREE\0\1") == 1
    assert contents(path)[1] == arrays


def test_the_texts_at_the_root_are_read(path):
    texts = {"epoch": "3", "β": "é\n", "empty": "", "long": "x" * 60_000}
    write_weights(path, {}, texts)
    assert contents(path)[0].attributes == texts


def test_attributes_as_keras_writes_them_are_no_hindrance(path):
    with h5py.File(path, "w") as file:
        file["layers/dense/vars/0"] = np.ones(3)
        file["layers/dense/vars"].attrs["name"] = "of variable length"
        file.attrs["also"] = "of variable length"
        file.attrs["number"], file.attrs["list"] = 3, np.array([b"a", b"b"])
    result, arrays = contents(path)
    assert result.attributes == {} and list(arrays) == ["layers/dense/vars/0"]


@pytest.mark.parametrize("version", ["earliest", ("v108", "v108"), "latest"])
@pytest.mark.parametrize(
    "storage",
    [{}, {"chunks": True}, {"compression": "gzip"}, {"maxshape": (None, 9)}, {"fletcher32": True}],
    ids=str,
)
def test_other_layouts_are_left_to_hdf5(path, version, storage):
    with h5py.File(path, "w", libver=version) as file:
        file.create_dataset("vars/0", data=np.ones((3, 3), "f4"), **storage)
    if version == "earliest" and not storage:
        assert list(contents(path)[1]) == ["vars/0"]
    else:
        with pytest.raises(plain.NotPlainError):
            contents(path)


@pytest.mark.parametrize("link", [h5py.SoftLink("/a"), h5py.ExternalLink("b", "/a"), "hard"])
def test_links_are_left_to_hdf5(path, link):
    with h5py.File(path, "w") as file:
        file["a/vars/0"] = np.ones(3)
        file["b"] = file["a"] if link == "hard" else link
    with pytest.raises(plain.NotPlainError):
        contents(path)


@pytest.mark.parametrize("content", [b"", b"PK", bytes(5000), b"\x89HDF\r\n\x1a"])
def test_a_file_of_another_format_is_refused_at_once(path, content):
    path.write_bytes(content)
    with pytest.raises(RefusedError, match="not HDF5: its signature is missing"):
        contents(path)


@pytest.mark.parametrize("size", [512, 2048])
def test_a_file_behind_a_block_of_other_data_is_left_to_hdf5(path, size):
    with h5py.File(path, "w", userblock_size=size) as file:
        file["vars/0"] = np.ones(3)
    with pytest.raises(plain.NotPlainError):
        contents(path)
    assert read_weights(path, {"vars/0": ((3,), np.dtype("f8"))})["vars/0"].tolist() == [1, 1, 1]


def test_a_cut_file_is_refused_at_once(path):
    write_weights(path, {"vars/0": np.ones(100)})
    path.write_bytes(path.read_bytes()[:-1])
    size = path.stat().st_size
    with pytest.raises(RefusedError, match=f"truncated, {size:,} bytes of the {size + 1:,} that"):
        contents(path)


def test_every_byte_may_be_wrong(path):
    """Whatever is said then, what can be loaded lies within the file."""
    write_weights(path, {"vars/0": np.ones(3), "b/vars/0": np.ones((2, 2), "f4")}, {"epoch": "3"})
    original = path.read_bytes()
    outcomes = {"read": 0, "refused": 0, "left": 0}
    for place in [place for place, byte in enumerate(original) if byte]:
        for value in (0, 1, 255, original[place] ^ 1, original[place] ^ 128):
            path.write_bytes(original[:place] + bytes([value]) + original[place + 1 :])
            try:
                _, arrays = contents(path)
            except plain.NotPlainError:
                outcomes["left"] += 1
            except RefusedError:
                outcomes["refused"] += 1
            else:
                outcomes["read"] += 1
                assert sum(array.nbytes for array in arrays.values()) < 2 * len(original)
    assert min(outcomes.values()) > 0 and outcomes["left"] > 500


def test_structures_that_overlap_are_not_followed_for_long(path):
    """Thousands of names could lead to one header of thousands of messages, read each time."""
    count = 60_000
    path.write_bytes(struct.pack("<BxHIIxxxx", 1, count, 1, 8 * count) + bytes(8 * count))
    with open(path, "rb") as file:
        source = plain._Source(file)
        assert len(plain._header(source, 0)) == count
        with pytest.raises(plain.NotPlainError, match="more structure than a weights file has"):
            for _ in range(4):
                plain._header(source, 0)


def test_own_files_start_no_process(path, monkeypatch):
    monkeypatch.setattr("numpy_nets.storage.foreign.opened", None)
    write_weights(path, {"vars/0": np.ones(3)})
    assert read_weights(path, {"vars/0": ((3,), np.dtype("f8"))})["vars/0"].tolist() == [1, 1, 1]
