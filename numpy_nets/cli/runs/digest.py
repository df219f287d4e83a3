"""What tells two data sets apart: a digest of all that a training sees of them."""

from hashlib import sha256

import numpy as np

from numpy_nets.cli.runs.data import Images


def data_digest(data: Images) -> str:
    """SHA-256 of the images as the model gets them, of their labels and names, and of the split."""
    digest = sha256()
    for name in ("x_train", "y_train", "x_valid", "x_test", "y_test"):
        part = getattr(data, name)
        if part is not None:
            # Labels of any integer type are the same labels.
            array = np.ascontiguousarray(part, "<i8" if name.startswith("y") else "<f4")
            digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
            digest.update(array.data)
    for name in data.names:
        digest.update(f"{name}\n".encode())
    return digest.hexdigest()
