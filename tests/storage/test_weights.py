"""Weights files: what is written is read bit for bit, and a hostile file gives one clear line."""

import json
import os
import subprocess
import sys
import zlib
from pathlib import Path

import h5py
import numpy as np
import pytest

from numpy_nets.storage import (
    dataset_paths,
    foreign,
    hdf5,
    read_attributes,
    read_weights,
    write_weights,
)

F4, F8, I8 = np.dtype("f4"), np.dtype("f8"), np.dtype("i8")
KERNEL = "layers/dense/vars/0"
ARRAYS = {
    "layers/dense/vars/0": np.random.default_rng(0).normal(size=(4, 5)).astype("f4"),
    "layers/dense/vars/1": np.array([-0.0, 5e-324, 1.7976931348623157e308]),
    "layers/dense_1/vars/0": np.empty((0, 3), "f4"),
    "optimizer/vars/0": np.array(2**53 + 1),
    "optimizer/vars/1": np.array(0.001, "f4"),
}


def expectation(arrays):
    return {name: (array.shape, array.dtype) for name, array in arrays.items()}


EXPECTED = expectation(ARRAYS)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.weights.h5"


@pytest.fixture(autouse=True)
def library_here(monkeypatch):
    """The files here are sound HDF5, so the library may read them in this process, at once.

    test_foreign.py and tests/fuzz start processes.
    """

    def ask(request, reply, seconds):
        hdf5.answer(json.loads(request), reply)
        return 0

    monkeypatch.setattr(foreign, "ask", ask)


def refusal(path, expected):
    """The message of the ValueError of `read_weights`: one line that names the file."""
    with pytest.raises(ValueError) as caught:
        read_weights(path, expected)
    message = str(caught.value)
    assert message.startswith(f"weights file {path}: ")
    assert "\n" not in message
    return message


# Round trip


def test_arrays_return_bit_for_bit_in_the_order_expected(path):
    write_weights(path, ARRAYS)
    result = read_weights(path, EXPECTED)
    assert list(result) == list(ARRAYS)
    for name, array in ARRAYS.items():
        assert isinstance(result[name], np.ndarray)
        assert (result[name].dtype, result[name].shape) == (array.dtype, array.shape)
        assert result[name].tobytes() == array.tobytes()
        assert result[name].flags.owndata and result[name].flags.writeable


def test_transposed_and_big_endian_arrays_are_written_by_value(path):
    array = np.arange(6.0).reshape(2, 3)
    write_weights(path, {"vars/0": array.T, "vars/1": array.astype(">f8")})
    result = read_weights(path, {"vars/0": ((3, 2), F8), "vars/1": ((2, 3), F8)})
    assert np.array_equal(result["vars/0"], array.T)
    assert np.array_equal(result["vars/1"], array)


def test_datasets_lie_contiguous_and_in_the_order_given(path):
    arrays = {f"layers/{name}/vars/0": np.full(3, k, "f4") for k, name in enumerate("cab")}
    write_weights(path, arrays)
    with h5py.File(path) as file:
        assert all(file[name].chunks is None for name in arrays)
        offsets = [file[name].id.get_offset() for name in arrays]
    assert offsets == sorted(offsets)


def test_the_same_weights_give_the_same_bytes(path, tmp_path):
    other = tmp_path / "other.weights.h5"
    write_weights(path, ARRAYS, {"epoch": "3"})
    write_weights(other, ARRAYS, {"epoch": "3"})
    assert path.read_bytes() == other.read_bytes()


def test_attributes_return(path):
    attributes = {"settings": '{"β": 1,\n "name": "x"}', "empty": "", "long": "x" * 60_000}
    write_weights(path, ARRAYS, attributes)
    assert read_attributes(path) == attributes
    write_weights(path, ARRAYS)
    assert read_attributes(path) == {}


def test_dataset_paths_lists_every_dataset(path):
    write_weights(path, ARRAYS)
    assert dataset_paths(path) == sorted(ARRAYS)


@pytest.mark.parametrize(
    "storage",
    [
        {"compression": "gzip"},
        {"compression": "gzip", "shuffle": True},
        {"chunks": (7, 11)},
        {"chunks": (7, 11), "compression": "gzip", "compression_opts": 9},
        {"maxshape": (None, None)},
    ],
    ids=str,
)
def test_chunked_float64_data_is_cast_to_the_expected_dtype(path, storage):
    # gzip does not shrink noise, so some of its chunks are stored as they are; it does shrink ones.
    for values in np.random.default_rng(0).normal(size=(20, 30)), np.ones((20, 30)):
        with h5py.File(path, "w") as file:
            file.create_dataset(KERNEL, data=values, **storage)
        result = read_weights(path, {KERNEL: ((20, 30), F4)})[KERNEL]
        assert result.dtype == F4
        assert np.array_equal(result, values.astype("f4"))


def test_a_smaller_integer_dtype_fits_a_larger_one(path):
    write_weights(path, {"optimizer/vars/0": np.array(7, "i4")})
    result = read_weights(path, {"optimizer/vars/0": ((), I8)})["optimizer/vars/0"]
    assert result == 7 and result.dtype == I8


# Writing


def test_writing_refuses_another_ending(tmp_path):
    with pytest.raises(ValueError, match=r"model\.h5: the name must end in \.weights\.h5"):
        write_weights(tmp_path / "model.h5", ARRAYS)
    assert list(tmp_path.iterdir()) == []


def test_writing_keeps_an_existing_file_unless_told_to_overwrite(path):
    path.write_bytes(b"precious")
    with pytest.raises(FileExistsError, match="exists, and overwrite is False"):
        write_weights(path, ARRAYS, overwrite=False)
    assert path.read_bytes() == b"precious"
    write_weights(path, ARRAYS)
    assert dataset_paths(path)


@pytest.mark.parametrize("folder", ["missing", "a_file"])
def test_writing_names_the_folder_that_cannot_be_written(tmp_path, folder):
    (tmp_path / "a_file").touch()
    with pytest.raises(OSError, match=f"cannot write in folder .*{folder}: ") as caught:
        write_weights(tmp_path / folder / "m.weights.h5", ARRAYS)
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_writing_names_the_folder_without_permission(tmp_path):
    (tmp_path / "locked").mkdir(mode=0o500)
    with pytest.raises(OSError, match=r"cannot write in folder .*locked: Permission denied"):
        write_weights(tmp_path / "locked" / "m.weights.h5", ARRAYS)


@pytest.mark.parametrize(
    ("arrays", "attributes"),
    [
        ({KERNEL: np.ones(3), "layers/dense_1/vars/0": np.array(["text"])}, {}),
        ({KERNEL: np.ones(3), "layers/dense_1/vars/0": np.array([{}], object)}, {}),
        ({KERNEL: np.ones(3), "layers/dense_1/vars/0": np.ones(3, complex)}, {}),
        ({KERNEL: np.ones(3), f"{KERNEL}/vars/0": np.ones(3)}, {}),
        ({KERNEL: np.ones(3)}, {"too long": "x" * 60_001}),
    ],
    ids=["text", "object", "complex", "dataset inside a dataset", "long attribute"],
)
def test_refused_arrays_leave_the_old_file(path, arrays, attributes):
    path.write_bytes(b"precious")
    with pytest.raises((TypeError, ValueError)):
        write_weights(path, arrays, attributes)
    assert path.read_bytes() == b"precious"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("function", ["fsync", "replace"])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_failure_on_disk_leaves_the_old_file_and_no_other(path, monkeypatch, function, error):
    def fail(*_):
        raise error

    path.write_bytes(b"precious")
    monkeypatch.setattr(os, function, fail)
    with pytest.raises(type(error)):
        write_weights(path, ARRAYS)
    assert path.read_bytes() == b"precious"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.skipif(os.name != "posix", reason="file size limits are a POSIX matter")
def test_a_full_disk_leaves_the_old_file_and_no_other(path):
    path.write_bytes(b"precious")
    program = f"""
import resource, numpy, numpy_nets.storage
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
try:
    numpy_nets.storage.write_weights({str(path)!r}, {{"vars/0": numpy.ones(10_000)}})
except OSError as error:
    print(error)
"""
    root = Path(__file__).parents[2]
    process = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=root, check=True
    )
    assert f"cannot write in folder {path.parent}: File too large" in process.stdout
    assert path.read_bytes() == b"precious"
    assert list(path.parent.iterdir()) == [path]


# Another model's file


def test_weights_of_another_model_are_one_line_with_paths_and_shapes(path):
    write_weights(path, {"layers/dense/vars/0": np.ones((784, 32)), "layers/a/vars/0": np.ones(1)})
    expected = {KERNEL: ((784, 64), F4)} | {f"layers/b/vars/{k}": ((1,), F4) for k in range(5)}
    assert refusal(path, expected).endswith(
        "does not fit this model: "
        "missing 'layers/b/vars/0', 'layers/b/vars/1', 'layers/b/vars/2' and 2 more; "
        "unexpected 'layers/a/vars/0'; "
        "dataset 'layers/dense/vars/0' has shape (784, 32), expected (784, 64)"
    )


@pytest.mark.parametrize("name", ["layers/dense/vars/2", "vars/0", "layers/extra/vars/0"])
def test_a_variable_that_the_model_does_not_have_is_refused(path, name):
    write_weights(path, ARRAYS | {name: np.ones(3)})
    assert f"unexpected {name!r}" in refusal(path, EXPECTED)


@pytest.mark.parametrize("owner", ["optimizer", "d_optimizer"])
def test_optimizer_variables_may_stay_unnamed_as_a_whole_but_not_in_part(path, owner):
    states = {f"{owner}/vars/{k}": np.array(float(k)) for k in range(3)}
    write_weights(path, {KERNEL: np.ones(3)} | states)
    assert list(read_weights(path, {KERNEL: ((3,), F8)})) == [KERNEL]
    part = {KERNEL: ((3,), F8), f"{owner}/vars/1": ((), F8)}
    assert f"unexpected '{owner}/vars/0', '{owner}/vars/2'" in refusal(path, part)


def test_an_optimizer_that_the_file_does_not_hold_is_missing(path):
    write_weights(path, {KERNEL: np.ones(3)})
    expected = {KERNEL: ((3,), F8), "optimizer/vars/0": ((), I8)}
    assert "missing 'optimizer/vars/0'" in refusal(path, expected)


def test_datasets_outside_vars_are_ignored(path):
    write_weights(path, ARRAYS | {"notes": np.ones(3)})
    assert list(read_weights(path, EXPECTED)) == list(ARRAYS)


# Hostile files


@pytest.mark.parametrize("function", [dataset_paths, read_attributes])
def test_a_file_that_is_not_there_is_named(path, function):
    with pytest.raises(FileNotFoundError, match=r"weights file .*model\.weights\.h5: not found"):
        function(path)
    with pytest.raises(FileNotFoundError, match=r"weights file .*model\.weights\.h5: not found"):
        read_weights(path, EXPECTED)


def test_a_folder_is_not_a_weights_file(path):
    path.mkdir()
    assert "expected a regular file, got a folder" in refusal(path, EXPECTED)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_and_a_device_are_not_waited_for(path):
    os.mkfifo(path)
    assert "expected a regular file, got a named pipe" in refusal(path, EXPECTED)
    path.unlink()
    path.symlink_to("/dev/zero")
    assert "expected a regular file, got a device" in refusal(path, EXPECTED)


@pytest.mark.parametrize("content", [b"", b"no HDF5", b"\x89HDF\r\n\x1a\n", b"PK\3\4" * 300])
def test_a_file_that_is_not_hdf5_is_refused(path, content):
    path.write_bytes(content)
    assert "damaged, or not HDF5" in refusal(path, EXPECTED)


def test_every_truncation_is_refused(path):
    write_weights(path, ARRAYS)
    content = path.read_bytes()
    for length in range(0, len(content), 97):
        path.write_bytes(content[:length])
        assert "damaged, or not HDF5" in refusal(path, EXPECTED)


@pytest.mark.parametrize("place", ["layers", "layers/dense", "layers/dense/vars", KERNEL])
@pytest.mark.parametrize("kind", ["soft", "external"])
def test_a_link_at_any_step_of_a_path_is_refused(path, tmp_path, place, kind):
    other = tmp_path / "other.weights.h5"
    write_weights(other, ARRAYS)
    write_weights(path, ARRAYS)
    with h5py.File(path, "a") as file:
        file.move(place, "elsewhere")
        file[place] = (
            h5py.SoftLink("/elsewhere") if kind == "soft" else h5py.ExternalLink(other, place)
        )
    assert f"{place!r} is a soft or external link" in refusal(path, EXPECTED)


def test_a_name_with_a_slash_is_not_resolved_as_a_path(path):
    write_weights(path, {"layers/de_se/vars/0": np.ones(3)})
    path.write_bytes(path.read_bytes().replace(b"de_se", b"de/se"))
    assert "'layers/de/se' is a soft or external link" in refusal(path, {KERNEL: ((3,), F8)})


@pytest.mark.parametrize("target", ["/", "/layers", KERNEL])
def test_a_second_link_to_an_object_and_a_cycle_are_refused(path, target):
    write_weights(path, ARRAYS)
    with h5py.File(path, "a") as file:
        file["layers/dense/again"] = file[target]
    assert "is a second link to the same object" in refusal(path, EXPECTED)


def test_a_deep_tree_of_groups_is_walked_without_recursion(path):
    with h5py.File(path, "w") as file:
        group = file
        for _ in range(3000):
            group = group.create_group("g")
    assert "missing" in refusal(path, EXPECTED)


def test_data_in_another_file_is_not_read(path, tmp_path):
    (tmp_path / "secret").write_bytes(bytes(80))
    with h5py.File(path, "w") as file:
        file.create_dataset(KERNEL, (10,), "f8", external=[(tmp_path / "secret", 0, 80)])
    assert f"{KERNEL!r} keeps its data in another file" in refusal(path, {KERNEL: ((10,), F8)})


def test_a_virtual_dataset_is_not_read(path, tmp_path):
    other = tmp_path / "other.weights.h5"
    write_weights(other, {KERNEL: np.ones(10)})
    layout = h5py.VirtualLayout((10,), "f8")
    layout[:] = h5py.VirtualSource(other, KERNEL, (10,))
    with h5py.File(path, "w") as file:
        file.create_virtual_dataset(KERNEL, layout)
    assert f"{KERNEL!r} keeps its data in another file" in refusal(path, {KERNEL: ((10,), F8)})


@pytest.mark.parametrize(
    "values",
    [
        np.ones(3, "i4"),
        np.ones(3, "u1"),
        np.ones(3, bool),
        np.ones(3, complex),
        np.array([b"a", b"b", b"c"]),
        np.ones(3, [("real", "f4"), ("imaginary", "f4")]),
        np.ones(3, "V4"),
    ],
    ids=lambda values: str(values.dtype),
)
def test_weights_that_are_not_floating_are_refused(path, values):
    with h5py.File(path, "w") as file:
        file[KERNEL] = values
    assert f"{KERNEL!r} holds" in refusal(path, {KERNEL: ((3,), F4)})


@pytest.mark.parametrize("dtype", [h5py.string_dtype(), h5py.ref_dtype, h5py.vlen_dtype("f4")])
def test_object_dtypes_are_refused(path, dtype):
    with h5py.File(path, "w") as file:
        file.create_dataset(KERNEL, (3,), dtype)
    assert f"{KERNEL!r} holds object, expected float32" in refusal(path, {KERNEL: ((3,), F4)})


@pytest.mark.parametrize("values", [np.float32(5), np.uint64(5)])
def test_an_iteration_that_does_not_fit_int64_is_refused(path, values):
    with h5py.File(path, "w") as file:
        file["optimizer/vars/0"] = values
    assert "expected int64" in refusal(path, {"optimizer/vars/0": ((), I8)})


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e39])
def test_values_that_are_not_finite_are_written_but_not_read(path, value):
    write_weights(path, {KERNEL: np.array([0.0, value])})
    message = refusal(path, {KERNEL: ((2,), F4)})
    assert f"{KERNEL!r} holds values that are not finite in float32" in message


def test_a_group_where_a_dataset_is_expected_is_refused(path):
    with h5py.File(path, "w") as file:
        file.create_group(KERNEL)
    assert f"missing {KERNEL!r}" in refusal(path, {KERNEL: ((3,), F4)})


def test_a_dataset_where_a_group_is_expected_is_refused(path):
    with h5py.File(path, "w") as file:
        file["layers"] = np.ones(3)
    assert f"missing {KERNEL!r}" in refusal(path, {KERNEL: ((3,), F4)})


def test_a_named_type_is_refused(path):
    with h5py.File(path, "w") as file:
        file[KERNEL] = np.dtype("f4")
    assert f"{KERNEL!r} is neither a group nor a dataset" in refusal(path, {KERNEL: ((3,), F4)})


def test_a_dataset_without_a_shape_is_refused(path):
    with h5py.File(path, "w") as file:
        file[KERNEL] = h5py.Empty("f4")
    assert "has shape None, expected ()" in refusal(path, {KERNEL: ((), F4)})


@pytest.mark.parametrize("storage", [{}, {"chunks": (1024, 1024), "compression": "gzip"}])
def test_a_huge_declared_shape_is_refused_by_its_shape(path, storage):
    with h5py.File(path, "w") as file:
        file.create_dataset(KERNEL, (2**40, 2**20), "f4", **storage)
    assert "has shape (1099511627776, 1048576), expected (3,)" in refusal(
        path, {KERNEL: ((3,), F4)}
    )


@pytest.mark.parametrize("storage", [{}, {"chunks": (2,)}, {"compression": "gzip"}])
def test_data_that_is_declared_but_not_stored_is_refused(path, storage):
    with h5py.File(path, "w") as file:
        file.create_dataset(KERNEL, (10,), "f4", fillvalue=1.0, **storage)
    message = refusal(path, {KERNEL: ((10,), F4)})
    assert "stores 0 bytes, expected 40" in message or "has a chunk that is not stored" in message


def test_a_chunk_far_larger_than_the_data_is_refused(path):
    with h5py.File(path, "w") as file:
        file.create_dataset(
            KERNEL, data=np.ones(10, "f4"), chunks=(2**22,), maxshape=(None,), compression="gzip"
        )
    assert "chunks of 16777216 bytes for 40 bytes" in refusal(path, {KERNEL: ((10,), F4)})


@pytest.mark.parametrize(
    "content",
    [bytes(10**7), bytes(4004), bytes(3996), np.random.default_rng(0).bytes(20_000), None],
    ids=["bomb", "longer", "shorter", "long noise", "not gzip"],
)
def test_a_gzip_chunk_that_inflates_to_another_length_is_refused(path, content):
    packed = b"not gzip" if content is None else zlib.compress(content, 9)
    with h5py.File(path, "w") as file:
        dataset = file.create_dataset(KERNEL, (1000,), "f4", chunks=(1000,), compression="gzip")
        dataset.id.write_direct_chunk((0,), packed)
    message = refusal(path, {KERNEL: ((1000,), F4)})
    assert "has a chunk of" in message or "has a gzip chunk" in message or "decompress" in message


@pytest.mark.parametrize("storage", [{"compression": "lzf"}, {"fletcher32": True}])
def test_other_filters_are_refused(path, storage):
    with h5py.File(path, "w") as file:
        file.create_dataset(KERNEL, data=np.ones(10, "f4"), **storage)
    assert "expected gzip and shuffle at most" in refusal(path, {KERNEL: ((10,), F4)})


def test_attributes_that_are_not_plain_texts_are_skipped_or_refused(path):
    with h5py.File(path, "w") as file:
        file.attrs["number"] = 3
        file.attrs["list"] = np.array([b"a", b"b"])
        file.attrs["variable"] = "reading it could hang"
    assert read_attributes(path) == {}
    with h5py.File(path, "w") as file:
        file.attrs["long"] = np.bytes_(b"x" * 60_001)
    with pytest.raises(ValueError, match="attribute 'long' is longer than 60000 bytes"):
        read_attributes(path)
    with h5py.File(path, "w") as file:
        file.attrs["latin"] = np.bytes_(b"\xff")
    with pytest.raises(ValueError, match=r"model\.weights\.h5: "):
        read_attributes(path)
