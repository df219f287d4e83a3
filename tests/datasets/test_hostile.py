"""What no reader may do, whatever its format: wait for a file, or spend memory on a small one."""

import gzip
import os
import struct
import subprocess
import sys
import tarfile
import zipfile
import zlib
from pathlib import Path

import pytest

from numpy_nets.datasets import cifar10
from numpy_nets.datasets.baskets import read_baskets
from numpy_nets.datasets.readers import load_file, read_idx, read_mat, read_npy, read_npz

READERS = {
    "load_file": load_file,
    "read_idx": read_idx,
    "read_mat": lambda path: read_mat(path, "ff"),
    "read_npy": read_npy,
    "read_npz": read_npz,
    "read_baskets": read_baskets,
    "read_batch": cifar10.read_batch,
    "read_records": cifar10.read_records,
    "unpack": lambda path: cifar10.unpack(path, path.with_name("folder"), {"test_batch.bin"}),
}


# A process that waits for a pipe would wait for ever.


@pytest.mark.timeout(20)
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
def test_a_pipe_a_device_and_a_folder_are_refused_at_once(tmp_path, read):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "device").symlink_to("/dev/zero")
    (tmp_path / "folder").mkdir()
    for name, kind in {"pipe": "named pipe", "device": "device", "folder": "folder"}.items():
        path = tmp_path / name
        with pytest.raises(ValueError, match=f"^{path}: expected a regular file, got a {kind}$"):
            read(path)


def test_a_link_to_a_regular_file_is_one(tmp_path):
    (tmp_path / "a.bin").write_bytes(bytes(3073))
    (tmp_path / "link.bin").symlink_to("a.bin")
    assert len(load_file(tmp_path / "link.bin").x_train) == 1


# Memory. Each file is of a few hundred kilobytes and would expand to 300 MB.

ZEROS = 300 << 20


def zeros_after(start: bytes, count: int = ZEROS, form: int = 31) -> bytes:
    """These bytes and then zeros, compressed: with gzip's header (31), zlib's (15) or none."""
    pack = zlib.compressobj(9, wbits=form)
    first = pack.compress(start) + pack.flush(zlib.Z_FULL_FLUSH)
    # A block after a full flush does not depend on what was before; only the checksum goes wrong.
    megabyte = pack.compress(bytes(1 << 20)) + pack.flush(zlib.Z_FULL_FLUSH)
    return first + megabyte * (count >> 20) + pack.flush()


def tar_header(kind: bytes, size: int = ZEROS) -> bytes:
    """Of a member whose content precedes the header of a file, as its name or its attributes."""
    member = tarfile.TarInfo("x")
    member.type, member.size = kind, size
    return member.tobuf(tarfile.USTAR_FORMAT)


def npy_header(length: int) -> bytes:
    text = f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({length}, 1)}}\n".encode()
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(text)) + text


def archive(path: Path, header: bytes, count: int = ZEROS) -> bytes:
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file,
        file.open("x.npy", "w") as member,
    ):
        member.write(header)
        for _ in range(count >> 20):
            member.write(bytes(1 << 20))
    return path.read_bytes()


def mat(inner: bytes) -> bytes:
    packed = zeros_after(inner, form=15)
    header = b"MATLAB".ljust(124) + b"\0\1IM"
    return header + struct.pack("<II", 15, len(packed)) + packed


def mat_variable(name_length: int, data_length: int) -> bytes:
    """A variable ff of (560, 2) bytes whose name and data are said to be of these lengths."""
    inner = struct.pack("<IIII", 6, 8, 6, 0) + struct.pack("<IIii", 5, 8, 560, 2)
    inner += struct.pack("<II", 1, name_length)
    if name_length == 2:
        inner += b"ff".ljust(8, b"\0") + struct.pack("<II", 2, data_length)
    return struct.pack("<II", 14, ZEROS) + inner


def idx(length: int) -> bytes:
    return b"\0\0\x08\2" + struct.pack(">II", length, 1)


def hostile(folder: Path) -> dict[str, bytes]:
    scratch = folder / "scratch"
    small = archive(scratch, npy_header(10))
    entry = small.index(b"PK\1\2") + 24
    unsaid = small[:entry] + struct.pack("<I", len(npy_header(10)) + 10) + small[entry + 4 :]
    return {
        "data said.npz": archive(scratch, npy_header(ZEROS)),
        "data unsaid.npz": small,
        "directory lies.npz": unsaid,
        "header lies.npz": archive(scratch, npy_header(1 << 40), 1 << 20),
        "header lies.npy": npy_header(1 << 40),
        "header length lies.npy": b"\x93NUMPY\2\0\xff\xff\xff\xff" + bytes(1000),
        "data said.idx.gz": zeros_after(idx(ZEROS)),
        "data unsaid.idx.gz": zeros_after(idx(10)),
        "header lies.idx.gz": zeros_after(idx(200 << 20), 1 << 20) + bytes(100),
        "header lies.idx": idx(1 << 31),
        "long name.idx.gz": b"\x1f\x8b\x08\x08" + bytes(6) + b"x" * 500_000,
        "empty members.idx.gz": gzip.compress(idx(10)) + gzip.compress(b"") * 20_000,
        "long name.mat": mat(mat_variable(ZEROS, 0)),
        "long data.mat": mat(mat_variable(2, ZEROS)),
        "more data.mat": mat(mat_variable(2, 1120)),
        "label.bin": b"\xff" * 3073,
        "GNU long name.tar.gz": zeros_after(tar_header(tarfile.GNUTYPE_LONGNAME)),
        "GNU long link.tar.gz": zeros_after(tar_header(tarfile.GNUTYPE_LONGLINK)),
        "pax.tar.gz": zeros_after(tar_header(tarfile.XHDTYPE)),
        "pax for all.tar.gz": zeros_after(tar_header(tarfile.XGLTYPE)),
        "sparse.tar.gz": zeros_after(tar_header(tarfile.GNUTYPE_SPARSE)),
    }


PROGRAM = """
import pathlib, resource, sys
from numpy_nets.datasets import cifar10, readers
pages = int(open("/proc/self/statm").read().split()[0])
most = pages * resource.getpagesize() + (64 << 20)
resource.setrlimit(resource.RLIMIT_AS, (most, most))
for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    try:
        if path.name.endswith(".tar.gz"):
            cifar10.unpack(path, path.parent / "unpacked", {"test_batch.bin"})
        else:
            readers.load_file(path)
    except BaseException as error:
        print(type(error).__name__, *str(error).splitlines(), sep="|")
    else:
        print(f"{path} was read")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits of memory hold on Linux")
def test_small_files_are_refused_within_64_megabytes(tmp_path):
    """Of address space, whatever allocates it: a tenth of what they expand to is not there."""
    folder = tmp_path / "files"
    folder.mkdir()
    files = hostile(tmp_path)
    for name, content in files.items():
        assert len(content) < 1_100_000
        (folder / name).write_bytes(content)
    output = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(folder)], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert len(output) == len(files)
    for name, line in zip(sorted(files), output, strict=True):
        kind, message = line.split("|")
        assert kind in ("ValueError", "OSError") and f"{folder / name}: " in message, line
