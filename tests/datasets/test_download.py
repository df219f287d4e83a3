import hashlib
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from numpy_nets.datasets.download import cache_dir, checked, fetch

CONTENT = bytes(range(256)) * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(404 if self.path == "/absent" else 200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT[:1000] if self.path == "/cut" else CONTENT)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}"
        http.shutdown()
        thread.join()


def files_in(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.is_file()]


def test_cache_is_the_folder_keras_uses(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    assert cache_dir() == tmp_path / "datasets"
    monkeypatch.delenv("KERAS_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert cache_dir() == tmp_path / "home" / ".keras" / "datasets"


def test_download_fills_the_cache_with_a_progress_bar(server, keras_home, capfd):
    path = cache_dir() / "data.bin"
    assert fetch(path, f"{server}/data.bin", SHA256) == path
    assert path.read_bytes() == CONTENT
    assert files_in(keras_home) == ["data.bin"]
    assert "100%" in capfd.readouterr().err


def test_file_already_there_is_used_whatever_its_hash(keras_home):
    path = cache_dir() / "data.bin"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"mine")
    assert fetch(path, "http://127.0.0.1:9/", SHA256).read_bytes() == b"mine"


def test_download_of_another_hash_is_discarded(server, keras_home):
    with pytest.raises(OSError, match=f"{server}/data.bin: .* SHA-256 {'0' * 64}"):
        fetch(cache_dir() / "data.bin", f"{server}/data.bin", "0" * 64)
    assert files_in(keras_home) == []


@pytest.mark.parametrize("page", ["cut", "absent"])
def test_failed_download_leaves_no_file(server, keras_home, page):
    with pytest.raises(OSError, match=f"{server}/{page}"):
        fetch(cache_dir() / "data.bin", f"{server}/{page}", SHA256)
    assert files_in(keras_home) == []


def test_offline_error_names_the_address_and_where_to_put_the_file(keras_home):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/data.bin"
    path = cache_dir() / "data.bin"
    with pytest.raises(OSError) as caught:
        fetch(path, url, SHA256)
    assert url in str(caught.value) and str(path) in str(caught.value)
    assert "numpy_nets.datasets.digits needs no network" in str(caught.value)
    assert caught.value.__suppress_context__  # one line says it; the client's traceback does not
    assert "\n" not in str(caught.value)


def test_cache_folder_that_cannot_be_made_is_named(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "file"))
    with pytest.raises(OSError, match="file"):
        fetch(cache_dir() / "data.bin", "http://127.0.0.1:9/", SHA256)


@pytest.mark.parametrize("array", [np.zeros((2, 3)), np.zeros((3, 2), "u1")])
def test_array_of_another_dtype_or_shape_is_refused(array):
    with pytest.raises(ValueError, match=r"some file: expected uint8 of shape \(2, 3\), got"):
        checked("some file", array, (2, 3))


def test_mapped_array_becomes_a_writable_one_in_memory(tmp_path):
    np.save(tmp_path / "a.npy", np.asfortranarray(np.ones((2, 3), "u1")))
    array = checked("some file", np.load(tmp_path / "a.npy", mmap_mode="r"), (2, 3))
    assert type(array) is np.ndarray and array.flags.writeable and array.flags.c_contiguous
    np.testing.assert_array_equal(array, 1)
