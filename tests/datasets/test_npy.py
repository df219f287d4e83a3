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
    (npy(IMAGES)[:7], "truncated"),
    (b"\x93NUMPY\4\0" + bytes(10), "version 4.0"),
    (b"\x93NUMPY\1\1" + bytes(10), "version 1.1"),
    (npy(IMAGES)[:50], "truncated"),
    (b"\x93NUMPY\2\0\xff\xff\xff\xff", "header of 4,294,967,295 bytes"),
    (npy_claiming(""), "malformed"),
    (npy_claiming("{'descr'"), "malformed"),
    (npy_claiming("(" * 9000), "malformed"),
    (npy_claiming("-" * 9000 + "1"), "malformed"),
    (npy_claiming("__import__('os').abort()"), "malformed"),
    (npy_claiming("[1, 2]"), "malformed"),
    (npy_claiming("{'descr': '|u1', 'shape': (2,)}"), "malformed"),
    (npy_claiming(claim()[:-3] + "'more': 1}"), "malformed"),
    (npy_claiming(claim(fortran="1")), "malformed"),
    (npy_claiming(claim(shape="2")), "malformed"),
    (npy_claiming(claim(shape="(-1,)")), "malformed"),
    (npy_claiming(claim(shape="(2.0,)")), "malformed"),
    (npy_claiming(claim(shape="(True,)")), "malformed"),
    (npy_claiming(claim("'|O'"), b"cos\nabort\n(tR."), "dtype '|O', expected booleans"),
    (npy_claiming(claim("'<c16'"), bytes(32)), "dtype '<c16'"),
    (npy_claiming(claim("'<U2'"), bytes(16)), "dtype '<U2'"),
    (npy_claiming(claim("'<M8[s]'"), bytes(16)), "dtype '<M8"),
    (npy_claiming(claim("[('a', '|u1')]"), bytes(2)), r"dtype \[\('a'"),
    (npy_claiming(claim("'<i3'"), bytes(6)), "dtype '<i3' is unknown"),
    (npy_claiming(claim("5")), "dtype 5"),
    (npy_claiming(claim(shape="(10**9,)")), "malformed"),
    (npy_claiming(claim(shape="(1000000000,)"), b"ab"), "declares 1,000,000,000 bytes"),
    (npy_claiming(claim(shape=f"({2**70},)")), "more data than a file can hold"),
    (npy_claiming(claim(shape=f"({'9' * 4200},)")), "more data than a file can hold"),
    (npy_claiming(claim(shape=f"(0, {2**70})")), "."),
    (npy_claiming(claim(shape=f"({'1, ' * 70})"), b"a"), "."),
    (npy(IMAGES)[:-1], "declares 24 bytes of data, file holds 23"),
    (npy(IMAGES) + b"x", "declares 24 bytes of data, file holds 25"),
]


@pytest.mark.parametrize(("content", "fault"), MALFORMED_NPY)
def test_malformed_npy_is_named_with_its_fault(tmp_path, content, fault):
    path = tmp_path / "broken.npy"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"broken.npy: .*{fault}"):
        read_npy(path)


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
    """Two central entries that share one member's bytes."""
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
    with pytest.raises(ValueError, match="three.npz: .* compressed bytes account for"):
        read_npz(tmp_path / "three.npz")


@pytest.mark.parametrize("size", [10**12, 190_000_000])
def test_memory_follows_the_data_not_the_header(tmp_path, size):
    held = np.random.default_rng(0).bytes(200_000)  # allows a claim of 200 MB
    path = tmp_path / "broken.npz"
    path.write_bytes(archive({"x.npy": npy_claiming(claim(shape=f"({size},)"), held)}))
    tracemalloc.start()
    with pytest.raises(ValueError, match="truncated|account for"):
        read_npz(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5_000_000
