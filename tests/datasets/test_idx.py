import gzip
import struct
import tracemalloc

import numpy as np
import pytest

from numpy_nets.datasets.idx import read_idx


def compress(data: bytes) -> bytes:
    """gzip without the time of day, which would be in the names of the tests."""
    return gzip.compress(data, mtime=0)


CODES = {"u1": 8, "i1": 9, ">i2": 11, ">i4": 12, ">f4": 13, ">f8": 14}


def idx(array: np.ndarray, dtype: str = "u1") -> bytes:
    magic = bytes([0, 0, CODES[dtype], array.ndim])
    return magic + struct.pack(f">{array.ndim}I", *array.shape) + array.astype(dtype).tobytes()


IMAGES = np.arange(24).reshape(2, 3, 4)


@pytest.mark.parametrize("dtype", CODES)
@pytest.mark.parametrize("pack", [bytes, compress])
def test_every_type_reads_plain_and_compressed(tmp_path, dtype, pack):
    path = tmp_path / "some-idx3"
    path.write_bytes(pack(idx(IMAGES - 5, dtype)))
    array = read_idx(path)
    assert array.dtype == dtype
    np.testing.assert_array_equal(array, (IMAGES - 5).astype(dtype))


def test_plain_file_is_mapped_read_only(tmp_path):
    path = tmp_path / "images"
    path.write_bytes(idx(IMAGES))
    array = read_idx(str(path))
    assert isinstance(array, np.memmap) and not array.flags.writeable


def test_empty_array_reads_as_empty(tmp_path):
    path = tmp_path / "images"
    for pack in (bytes, compress):
        path.write_bytes(pack(idx(np.empty((0, 28, 28)))))
        assert read_idx(path).shape == (0, 28, 28)


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "truncated"),
        (b"\0\0\x08", "truncated"),
        (idx(IMAGES)[:10], "truncated"),
        (idx(IMAGES)[:-1], r"declares uint8 of shape \(2, 3, 4\), but 23 bytes of data follow"),
        (idx(IMAGES) + b"x", r"declares uint8 of shape \(2, 3, 4\), but 25 bytes of data follow"),
        (b"\x89PNG" + bytes(40), "magic number 8950"),
        (b"\0\0\x0a\x01" + bytes(40), "magic number 00000a01"),
        (b"\0\0\x08\x00" + bytes(40), "at least one axis"),
        (b"\0\0\x08\xff" + b"\xff" * 1100, r"declares uint8 of shape \(4294967295"),
        (b"\0\0\x08\x02" + struct.pack(">2I", 60000, 784), r"shape \(60000, 784\), but 0 bytes"),
        (b"\0\0\x08\x41" + bytes(4 * 65), "dimension"),
        (compress(idx(IMAGES)[:-1]), "truncated: expected 24 bytes, got 23"),
        (compress(idx(IMAGES) + b"x"), "more data than the 24 bytes"),
        (compress(idx(IMAGES))[:-12], "ended before|truncated"),
        (compress(idx(IMAGES))[:-8] + bytes(8), "CRC"),
        (compress(idx(IMAGES)) + b"trailing", "[Nn]ot a gzip"),
        (b"\x1f\x8b\x07" + bytes(20), "compression method"),
        (compress(b"\0\0\x08\x01" + struct.pack(">I", 2**31)), "bytes do not account for"),
        (compress(b"\0\0\x08\xff" + b"\xff" * 1020), "bytes do not account for"),
    ],
)
def test_malformed_file_is_named_with_its_fault(tmp_path, content, fault):
    path = tmp_path / "broken-idx"
    path.write_bytes(content)
    with pytest.raises((ValueError, OSError), match=f"broken-idx: .*({fault})"):
        read_idx(path)


def test_absent_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        read_idx(tmp_path / "nowhere")


def test_memory_follows_the_data_not_the_header(tmp_path):
    path = tmp_path / "broken.gz"
    noise = np.random.default_rng(0).bytes(200_000)  # allows a claim of 200 MB
    path.write_bytes(compress(b"\0\0\x08\x01" + struct.pack(">I", 190_000_000) + noise))
    tracemalloc.start()
    with pytest.raises(ValueError, match="truncated"):
        read_idx(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5_000_000
