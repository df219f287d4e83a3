"""Import TensorFlow without its log, which TF_CPP_MIN_LOG_LEVEL=0 shows.

Import this before anything that imports Keras. The variable alone is not enough: TensorFlow 2.21
writes a line about oneDNN while its libraries are loaded, whatever the variable says.
"""

import contextlib
import os
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def _no_standard_error() -> Iterator[None]:
    """Discard what is written to file descriptor 2, by native code as well."""
    sys.stderr.flush()
    standard_error, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(standard_error, 2)
        os.close(standard_error)


_LEVEL = os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
with contextlib.nullcontext() if _LEVEL == "0" else _no_standard_error():
    import tensorflow  # noqa: F401
