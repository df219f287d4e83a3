"""Keras's cache of data sets: read when a file is there, filled by a checked download when not."""

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from numpy_nets.datasets.raw import Array

BASE_URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"


def cache_dir() -> Path:
    """`$KERAS_HOME/datasets`, or `~/.keras/datasets`: the folder Keras itself uses.

    If the folder cannot be written, Keras uses /tmp/.keras; here an OSError names the folder.
    """
    return Path(os.path.expanduser(os.environ.get("KERAS_HOME") or "~/.keras"), "datasets")


def fetch(path: Path, url: str, sha256: str) -> Path:
    """Return `path`, after downloading `url` to it unless a file is there already.

    The download appears under its final name only when it is complete and has the right hash. A
    file that is there already is never touched: whether it will do is for its reader to say, not
    for a hash, because the same arrays can be packed into different bytes.

    Raises:
        OSError: the download fails, or does not have the hash, or the folder cannot be written.
    """
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    import pooch

    downloader = pooch.HTTPDownloader(progressbar=True)
    try:
        pooch.retrieve(url, f"sha256:{sha256}", path.name, path.parent, downloader=downloader)
    except OSError as error:  # as every exception of requests is
        raise OSError(
            f"cannot download {url} ({type(error).__name__}); put the file at {path} yourself, "
            "or point KERAS_HOME to a folder whose datasets/ has it; "
            "numpy_nets.datasets.digits needs no network"
        ) from None  # a hundred lines of the HTTP client's say no more
    except ValueError as error:
        raise OSError(
            f"{url}: what arrived does not have the published SHA-256 {sha256} and was discarded"
        ) from error
    return path


def checked(where: str, array: Array, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """The array, writable, row-major and in memory; ValueError unless it is uint8 of `shape`.

    `where` is how the message names the array.
    """
    if array.dtype != np.uint8 or array.shape != shape:
        raise ValueError(
            f"{where}: expected uint8 of shape {shape}, got {array.dtype} of shape {array.shape}; "
            "move the file away to have it downloaded again"
        )
    return np.require(array, requirements=["C", "W", "ENSUREARRAY"])
