"""Quiet TensorFlow, and no trace of a test's float type in the next one."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before anything imports TensorFlow
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")


@pytest.fixture(autouse=True)
def _same_float_type_afterwards() -> Iterator[None]:
    try:
        from keras_ref.parity import precision
    except ImportError:  # without Keras, the files that need it skip themselves
        yield
        return
    with precision("float32"):
        yield
