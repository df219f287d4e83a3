import io
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
import scipy.io

from numpy_nets.datasets.mat import read_mat

X = np.arange(12).reshape(3, 4)


def mat(variables, *, compressed=False) -> bytes:
    file = io.BytesIO()
    scipy.io.savemat(file, variables, do_compression=compressed)
    return file.getvalue()


def element(kind: int, data: bytes, order: str = "<") -> bytes:
    return struct.pack(order + "II", kind, len(data)) + data + bytes(-len(data) % 8)


def variable(shape, data: bytes, *, order: str = "<", cls: int = 9, kind: int = 2) -> bytes:
    """The content of a variable ff, by the book."""
    return (
        element(6, struct.pack(order + "II", cls, 0), order)
        + element(5, struct.pack(f"{order}{len(shape)}i", *shape), order)
        + element(1, b"ff", order)
        + element(kind, data, order)
    )


def header(order: str = "<") -> bytes:
    return b"MATLAB 5.0 MAT-file".ljust(124) + (b"\0\1IM" if order == "<" else b"\1\0MI")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.mat"


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8"])
def test_the_array_is_scipy_s_among_variables_of_all_kinds(path, dtype, compressed):
    others = {"text": "abc", "struct": {"a": X}, "cell": np.array([X, 1], object), "z": X * 1j}
    path.write_bytes(mat({**others, "ff": X.astype(dtype), "last": X}, compressed=compressed))
    array, expected = read_mat(path, "ff"), scipy.io.loadmat(path)["ff"]
    np.testing.assert_array_equal(array, expected)
    assert array.dtype == expected.dtype == dtype


def test_three_axes_and_a_name_longer_than_four_bytes(path):
    x = np.arange(24, dtype="u1").reshape(2, 3, 4)
    path.write_bytes(mat({"faces_of_people": x}))
    np.testing.assert_array_equal(read_mat(path, "faces_of_people"), x)


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_file_by_the_book_is_column_by_column_in_either_byte_order(path, order):
    data = np.arange(6, dtype=order + "u2").tobytes()
    content = variable((2, 3), data, order=order, cls=11, kind=4)
    path.write_bytes(header(order) + element(14, content, order))
    np.testing.assert_array_equal(read_mat(path, "ff"), [[0, 2, 4], [1, 3, 5]])
    np.testing.assert_array_equal(scipy.io.loadmat(path)["ff"], [[0, 2, 4], [1, 3, 5]])


def test_doubles_that_are_stored_as_bytes_are_bytes(path):
    path.write_bytes(header() + element(14, variable((2, 2), bytes(range(4)), cls=6)))
    assert read_mat(path, "ff").dtype == np.uint8
    np.testing.assert_array_equal(read_mat(path, "ff"), scipy.io.loadmat(path)["ff"])


def packed(inner: bytes) -> bytes:
    stream = zlib.compress(struct.pack("<II", 14, len(inner)) + inner)
    return struct.pack("<II", 15, len(stream)) + stream


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "not a .mat file of versions 5 to 7"),
        (b"MATLAB 7.3 MAT-file".ljust(124) + b"\0\2IM", "versions 5 to 7; save it with -v7"),
        (header(), "expected an array of real numbers 'ff', got none"),
        (mat({"gg": X, "z": 1j * X}), r"expected an array of real numbers 'ff', got \['gg'\]"),
        (mat({"ff": X})[:-9], "truncated"),
        (header() + b"\x0e", "truncated"),
        (header() + element(14, variable((2, 3), bytes(7))), r"7 bytes of data for uint8 of shape"),
        (header() + element(14, variable((-2, -3), bytes(6))), r"shape \(-2, -3\)"),
        (header() + element(14, variable((), bytes(1))), r"shape \(\)"),
        (header() + element(14, variable((1,) * 40, bytes(1))), "160 bytes, expected at most 128"),
        (header() + element(14, variable((6,), bytes(6), kind=16)), "type 16 of numbers"),
        (header() + element(14, element(6, bytes(9))), "expected an array"),
        (header() + element(15, b"not zlib"), "zlib|incorrect header"),
        (header() + packed(variable((2, 3), bytes(6)) + b"more"), "more data than its shape"),
        (header() + packed(variable((2, 3), bytes(6))[:-9]), "truncated"),
        (header() + packed(variable((2, 3), bytes(6)))[:-4] + bytes(4), "incorrect data check"),
    ],
)
def test_damage_is_named(path, content, fault):
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"a.mat: .*({fault})"):
        read_mat(path, "ff")


@pytest.mark.parametrize("declared", ["in the tag", "in the data", "in the name"])
def test_a_bomb_takes_up_no_memory(path, declared):
    """64 MB of zeros in 64 kB are refused before they are read."""
    zeros = 64 << 20
    inner = variable((560, 20), bytes(11200))
    start = inner.index(b"ff") - 8 if declared == "in the name" else len(inner) - 11208
    inner = inner[:start] + struct.pack("<II", 2, zeros)
    size = len(inner) + zeros if declared == "in the tag" else 1000
    pack = zlib.compressobj()
    stream = pack.compress(struct.pack("<II", 14, size) + inner)
    for _ in range(64):
        stream += pack.compress(bytes(1 << 20))
    stream += pack.flush()
    path.write_bytes(header() + struct.pack("<II", 15, len(stream)) + stream)
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="a.mat: .*(do not account for|expected at most)"):
            read_mat(path, "ff")
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


def test_the_file_s_absence_is_an_oserror_that_names_it(path):
    with pytest.raises(FileNotFoundError, match="a.mat"):
        read_mat(path, "ff")
