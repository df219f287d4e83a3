import io
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest

from numpy_nets.datasets import raw
from numpy_nets.datasets.npy import read_npy, read_npz

IMAGES = np.arange(24, dtype="u1").reshape(2, 3, 4)


def npy(array: np.ndarray, version: tuple[int, int] | None = None) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array(file, array, version)
    return file.getvalue()


def npy_claiming(header: str, data: bytes = b"") -> bytes:
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header.encode("latin-1") + data


def npz(compressed: bool = True, **arrays: np.ndarray) -> bytes:
    file = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(file, **arrays)
    return file.getvalue()


def archive(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as zip_file:
        for name, content in members.items():
            zip_file.writestr(name, content)
    return file.getvalue()


def claim(descr: str = "'|u1'", fortran: str = "False", shape: str = "(2,)") -> str:
    return f"{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}, }}\n"


# .npy


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
@pytest.mark.parametrize("dtype", ["?", "i1", "u1", ">i2", "<u4", "i8", "f2", ">f4", "f8"])
def test_npy_of_every_version_and_dtype_equals_what_was_saved(tmp_path, version, dtype):
    path = tmp_path / "a.npy"
    path.write_bytes(npy(IMAGES.astype(dtype), version))
    array = read_npy(str(path))
    assert array.dtype == dtype
    np.testing.assert_array_equal(array, IMAGES.astype(dtype))


def test_npy_is_mapped_read_only(tmp_path):
    np.save(tmp_path / "a.npy", IMAGES)
    array = read_npy(tmp_path / "a.npy")
    assert isinstance(array, np.memmap) and not array.flags.writeable


@pytest.mark.parametrize("array", [np.asfortranarray(IMAGES), np.float32(3), np.empty((0, 4))])
def test_npy_of_any_order_and_shape_reads(tmp_path, array):
    np.save(tmp_path / "a.npy", array)
    np.testing.assert_array_equal(read_npy(tmp_path / "a.npy"), array)


MALFORMED_NPY = [
    (b"", "magic"),
    (b"\x93NUMPX\1\0", "magic"),
    (npy(IMAGES)[:7], "reading magic string, expected 8 bytes got 7"),
    (b"\x93NUMPY\4\0" + bytes(10), r"version \(4, 0\), expected"),
    (b"\x93NUMPY\1\1" + bytes(10), r"version \(1, 1\), expected"),
    (npy(IMAGES)[:50], "reading array header, expected 118 bytes got 40"),
    (b"\x93NUMPY\2\0\xff\xff\xff\xff", "expected 4294967295 bytes got 0"),
    (b"\x93NUMPY\2\0\0\0\1\0" + b" " * 2**16, "expected 65536 bytes got"),
    (npy_claiming(""), "malformed"),
    (npy_claiming("{'descr'"), "malformed"),
    (npy_claiming("(" * 9000), "malformed"),
    (npy_claiming("-" * 9000 + "1"), "malformed"),
    (npy_claiming("[" * 5000 + "]" * 4900), "malformed"),
    (npy_claiming("__import__('os').abort()"), "malformed"),
    (npy_claiming("[1, 2]"), "malformed"),
    (npy_claiming("{'descr': '|u1', 'shape': (2,)}"), "malformed"),
    (npy_claiming("{'descr': '|u1', 1: (2,)}"), "malformed"),
    (npy_claiming(claim()[:-3] + "'more': 1}"), "malformed"),
    (npy_claiming(claim(fortran="1")), "malformed"),
    (npy_claiming(claim(shape="2")), "malformed"),
    (npy_claiming(claim(shape="(-1,)")), "malformed"),
    (npy_claiming(claim(shape="(-1, -2)"), b"ab"), "malformed"),
    (npy_claiming(claim(shape="(2.0,)")), "malformed"),
    (npy_claiming(claim(shape="(True,)"), b"a"), "malformed"),
    (npy_claiming(claim("'|O'"), b"cos\nabort\n(tR."), "dtype object, expected booleans"),
    (npy_claiming(claim("[('a', '|O')]"), b"cos\nabort\n(tR."), r"dtype \[\('a', 'O'"),
    (npy_claiming(claim("'<c16'"), bytes(32)), "dtype complex128"),
    (npy_claiming(claim("'<U2'"), bytes(16)), "dtype <U2"),
    (npy_claiming(claim("'<M8[s]'"), bytes(16)), "dtype datetime64"),
    (npy_claiming(claim("[('a', '|u1')]"), bytes(2)), r"dtype \[\('a'"),
    (npy_claiming(claim("('|u1', (2,))"), bytes(4)), r"dtype \('u1', \(2,\)\)"),
    (npy_claiming(claim("'<i3'"), bytes(6)), "malformed"),
    (npy_claiming(claim("5")), "malformed"),
    (npy_claiming(claim("()")), "malformed"),
    (npy_claiming(claim(shape="(10**9,)")), "malformed"),
    (npy_claiming(claim(shape="(1000000000,)"), b"ab"), r"shape \(1000000000,\), but 2 bytes"),
    (npy_claiming(claim(shape=f"({2**70},)")), "but 0 bytes"),
    (npy_claiming(claim(shape=f"({2**32}, {2**32})")), "but 0 bytes"),
    (npy_claiming(claim(shape=f"({'9' * 4200},)")), r"declares uint8 of shape \(999"),
    (npy_claiming(claim(shape=f"(0, {2**70})")), "."),
    (npy_claiming(claim(shape=f"({2**40}, {2**40}, 0)")), "."),
    (npy_claiming(claim(shape=f"({'1, ' * 70})"), b"a"), "."),
    (npy(IMAGES)[:-1], r"uint8 of shape \(2, 3, 4\), but 23 bytes of data follow"),
    (npy(IMAGES) + b"x", r"uint8 of shape \(2, 3, 4\), but 25 bytes of data follow"),
]


@pytest.mark.parametrize(("content", "fault"), MALFORMED_NPY)
def test_malformed_npy_is_named_with_its_fault(tmp_path, content, fault):
    path = tmp_path / "broken.npy"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"broken.npy: .*{fault}") as caught:
        read_npy(path)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 320 + len(str(path))


def test_memory_for_a_header_is_bounded_whatever_length_it_announces(tmp_path):
    path = tmp_path / "broken.npy"
    path.write_bytes(b"\x93NUMPY\2\0\xff\xff\xff\xff")
    assert peak_of_refusal(read_npy, path, "expected 4294967295 bytes") < 1_000_000


# .npz


@pytest.mark.parametrize("compressed", [True, False])
def test_npz_members_equal_what_was_saved(tmp_path, compressed):
    arrays = {"x": IMAGES, "f": np.asfortranarray(IMAGES * 0.5), "e": np.empty((0, 3), "i2")}
    path = tmp_path / "a.npz"
    path.write_bytes(npz(compressed, **arrays))
    result = read_npz(path)
    assert list(result) == list(arrays)
    for name, array in arrays.items():
        assert result[name].dtype == array.dtype
        np.testing.assert_array_equal(result[name], array)


def test_uncompressed_npz_members_are_mapped_read_only(tmp_path):
    np.savez(tmp_path / "a.npz", x=IMAGES)
    array = read_npz(tmp_path / "a.npz")["x"]
    assert isinstance(array, np.memmap) and not array.flags.writeable


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize(("content", "fault"), MALFORMED_NPY)
def test_malformed_npz_member_is_named_with_its_fault(tmp_path, method, content, fault):
    path = tmp_path / "broken.npz"
    path.write_bytes(archive({"x.npy": content}, method))
    with pytest.raises(ValueError, match="broken.npz: member 'x.npy': "):
        read_npz(path)


def duplicated() -> bytes:
    return archive({"x.npy": npy(IMAGES), "y.npy": npy(IMAGES)}).replace(b"y.npy", b"x.npy")


def overlapping() -> bytes:
    """Two entries of the central directory that share the bytes of one member."""
    content = archive({"x.npy": npy(np.arange(10_000))}, zipfile.ZIP_STORED)
    at = content.index(b"PK\1\2")
    entry, end = content[at : content.index(b"PK\5\6")], content[content.index(b"PK\5\6") :]
    count, size = struct.pack("<HH", 2, 2), struct.pack("<I", 2 * len(entry))
    return content[:at] + entry + entry + end[:8] + count + size + end[16:]


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "not a zip"),
        (b"PK\3\4" + bytes(40), "not a zip"),
        (npz(x=IMAGES)[:-30], "not a zip"),
        (archive({"readme.txt": b"hello"}), "member 'readme.txt': expected .npy"),
        (archive({"a\nb": b""}), "member"),
        (duplicated(), "distinct names"),
        (overlapping(), "overlap"),
        (archive({"x.npy": npy(IMAGES)}, zipfile.ZIP_LZMA), "compression method 14"),
        (archive({"x.npy": npy(IMAGES)}, zipfile.ZIP_BZIP2), "compression method 12"),
    ],
)
def test_malformed_npz_is_named_with_its_fault(tmp_path, content, fault):
    path = tmp_path / "broken.npz"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"broken.npz: .*{fault}") as caught:
        read_npz(path)
    assert "\n" not in str(caught.value)


def test_encrypted_npz_member_is_named(tmp_path):
    content = bytearray(npz(x=IMAGES))
    content[6] |= 1  # general purpose flag, bit 0, in the local and in the central header
    content[content.index(b"PK\1\2") + 8] |= 1
    path = tmp_path / "broken.npz"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="'x.npy': .*encrypted"):
        read_npz(path)


def test_flipped_bit_in_compressed_member_is_noticed(tmp_path):
    content = bytearray(npz(x=np.random.default_rng(0).integers(0, 9, 1000)))
    content[400] ^= 16
    path = tmp_path / "broken.npz"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="broken.npz: member 'x.npy': "):
        read_npz(path)


def test_many_members_do_not_add_up_to_a_bomb(tmp_path, monkeypatch):
    monkeypatch.setattr(raw, "BOMB_SIZE", 350_000)
    zeros = {name: np.zeros(300_000, "u1") for name in "xyz"}
    np.savez_compressed(tmp_path / "one.npz", x=zeros["x"])
    np.savez_compressed(tmp_path / "three.npz", **zeros)
    assert not read_npz(tmp_path / "one.npz")["x"].any()
    with pytest.raises(ValueError, match="three.npz: .* compressed bytes do not account for"):
        read_npz(tmp_path / "three.npz")


def announcing(content: bytes, size: int) -> bytes:
    """An archive of one member whose directory says that it inflates to `size` bytes."""
    entry = content.index(b"PK\1\2")
    return content[: entry + 24] + struct.pack("<I", size) + content[entry + 28 :]


@pytest.mark.parametrize("size", [10**12, 190_000_000])
@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_memory_follows_the_data_not_the_header(tmp_path, size, method):
    noise = np.random.default_rng(0).bytes(200_000)
    path = tmp_path / "broken.npz"
    path.write_bytes(archive({"x.npy": npy_claiming(claim(shape=f"({size},)"), noise)}, method))
    assert peak_of_refusal(read_npz, path, "but 200,000 bytes of data follow") < 5_000_000


def test_memory_stays_within_what_deflate_can_do_when_the_directory_lies_too(tmp_path):
    path = tmp_path / "broken.npz"
    header = npy_claiming(claim(shape="(1000000000,)"))
    path.write_bytes(announcing(archive({"x.npy": header}), len(header) + 10**9))
    assert peak_of_refusal(read_npz, path, "compressed bytes do not account for") < 1_000_000


def test_bomb_that_the_directory_makes_small_is_not_inflated(tmp_path):
    path = tmp_path / "broken.npz"
    header = npy_claiming(claim(shape="(2,)"))
    bomb = archive({"x.npy": header + bytes(200_000_000)})
    path.write_bytes(announcing(bomb, len(header) + 2))
    assert peak_of_refusal(read_npz, path, "CRC") < 1_000_000


def peak_of_refusal(read, path, fault):
    """The most bytes that Python and NumPy hold while `read` refuses the file."""
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=f"{path.name}: .*{fault}"):
            read(path)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
