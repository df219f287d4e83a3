"""Whatever happens to the process that runs HDF5, the caller gets one line."""

import io
import json
import os
import subprocess
import sys
import time

import h5py
import numpy as np
import pytest

from numpy_nets.storage import dataset_paths, foreign, hdf5, read_weights

F4 = np.dtype("f4")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.weights.h5"


@pytest.fixture
def process(tmp_path, monkeypatch):
    """process(program): what runs in place of hdf5.py."""

    def replace(program):
        (tmp_path / "program.py").write_text(program)
        monkeypatch.setattr(hdf5, "__file__", str(tmp_path / "program.py"))

    return replace


def refusal(path, read=dataset_paths):
    with pytest.raises(ValueError) as caught:
        read(path)
    message = str(caught.value)
    assert message.startswith(f"weights file {path}: ") and "\n" not in message
    return message


@pytest.mark.skipif(os.name != "posix", reason="signals are a POSIX matter")
def test_a_crash_is_one_line(path, process):
    path.write_bytes(b"\x89HDF\r\n\x1a\n")
    process("import os, signal; print(1, flush=True); os.kill(os.getpid(), signal.SIGSEGV)")
    assert refusal(path).endswith("the HDF5 library failed on it with SIGSEGV")


def test_a_failure_of_python_is_one_line(path, process):
    path.write_bytes(b"\x89HDF\r\n\x1a\n")
    process("raise MemoryError")
    assert refusal(path).endswith("the HDF5 library failed on it with exit code 1")


def test_an_endless_loop_is_ended(path, process, monkeypatch):
    path.write_bytes(b"\x89HDF\r\n\x1a\n")
    monkeypatch.setattr(foreign, "SECONDS", 0.5)
    process("while True: pass")
    assert refusal(path).endswith("the HDF5 library does not come to an end")


@pytest.mark.skipif(sys.platform != "linux", reason="limits of memory hold on Linux")
def test_memory_beyond_the_limit_is_refused_to_the_process():
    program = """
from numpy_nets.storage import hdf5
hdf5.limit_memory(200 << 20)
try:
    bytearray(300 << 20)
except MemoryError:
    print("refused")
"""
    process = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert process.stdout == b"refused\n"


def test_the_process_is_told_to_limit_itself(monkeypatch):
    limits = []
    monkeypatch.setattr(hdf5, "limit_memory", limits.append)
    monkeypatch.setattr(sys, "stdin", io.StringIO('{"shapes": {"a": [1000, 1000]}}'))
    monkeypatch.setattr(hdf5, "answer", lambda request, reply: limits.append(request))
    hdf5.main()
    assert limits == [hdf5.SPARE_MEMORY + 32_000_000, {"shapes": {"a": [1000, 1000]}}]


@pytest.mark.parametrize("version", ["earliest", "latest"])
def test_time_grows_no_faster_than_the_number_of_chunks(path, version):
    """To look up each of these chunks by its coordinates takes a minute."""
    with h5py.File(path, "w", libver=version) as file:
        file.create_dataset("vars/0", data=np.ones((150, 150), "f4"), chunks=(1, 1))
    start = time.monotonic()
    array = read_weights(path, {"vars/0": ((150, 150), F4)})["vars/0"]
    np.testing.assert_array_equal(array, 1)
    assert time.monotonic() - start < 20


def test_more_chunks_than_are_read_are_refused(path):
    with h5py.File(path, "w") as file:
        file.create_dataset("vars/0", (1000, 1000), "f4", chunks=(1, 1))
    message = refusal(path, lambda p: read_weights(p, {"vars/0": ((1000, 1000), F4)}))
    assert message.endswith("'vars/0' has 1,000,000 chunks, expected at most 100,000")


def test_names_that_add_up_to_megabytes_are_refused(path):
    with h5py.File(path, "w", libver="latest") as file:
        group = file
        for _ in range(600):
            group = group.create_group("g" * 200)
    assert "the names of its groups and datasets exceed 16,777,216" in refusal(path)


def test_only_what_is_asked_for_can_be_loaded(path):
    with h5py.File(path, "w", libver="latest") as file:
        file["a"], file["b"], file["c"] = np.arange(3), np.arange(4.0), h5py.Empty("f4")
    with foreign.opened(path, {"b": (4,), "absent": (2,)}) as contents:
        assert list(contents.datasets) == ["a", "b", "c"]
        np.testing.assert_array_equal(contents.datasets["b"].load(), np.arange(4.0))
        with pytest.raises(foreign.RefusedError):
            contents.datasets["a"].load()


def test_the_answer_is_lines_of_json_and_data(path):
    with h5py.File(path, "w") as file:
        file.create_dataset("a", data=np.arange(4, dtype="<i2"), compression="gzip")
        file["b"] = "text"
        file.create_dataset("c", (2,), "f4")
        file.attrs["epoch"] = np.bytes_(b"3")
    reply = io.BytesIO()
    shapes = {"a": [4], "b": [], "c": [2], "d": [1]}
    hdf5.answer({"path": str(path), "shapes": shapes, "longest_attribute": 10}, reply)
    reply.seek(0)
    listing = json.loads(reply.readline())
    assert listing == {"fault": "", "attributes": {"epoch": "3"}, "paths": ["a", "b", "c"]}
    assert json.loads(reply.readline()) == {"shape": [4], "dtype": "<i2", "fault": ""}
    assert np.frombuffer(reply.read(8), "<i2").tolist() == [0, 1, 2, 3]
    assert json.loads(reply.readline()) == {"shape": [], "dtype": "|O", "fault": ""}
    fault = "'c' stores 0 bytes, expected 8"
    assert json.loads(reply.readline()) == {"shape": [2], "dtype": "<f4", "fault": fault}
    assert reply.read() == b""


def test_a_file_that_is_not_hdf5_is_answered_with_its_fault(tmp_path):
    (tmp_path / "a").write_bytes(b"no HDF5")
    reply = io.BytesIO()
    hdf5.answer({"path": str(tmp_path / "a"), "shapes": {}, "longest_attribute": 10}, reply)
    assert json.loads(reply.getvalue())["fault"].startswith("damaged, or not HDF5: OSError(")
