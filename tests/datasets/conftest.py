import os
from pathlib import Path

import pytest


@pytest.fixture
def keras_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for Keras, and no access to the network."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # the discard port: nobody listens
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return tmp_path / "keras"


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data sets that the environment names."""
    folder = os.environ.get("NUMPY_NETS_DATA")
    if not folder:
        pytest.skip("NUMPY_NETS_DATA is not set")
    return Path(folder)
