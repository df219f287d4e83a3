"""Quiet TensorFlow, and no trace of a test's float type in the next one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before anything imports TensorFlow
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

# NumPy 2 about Keras's variables.
THIRD_PARTY = ["ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            for warning in THIRD_PARTY:
                item.add_marker(pytest.mark.filterwarnings(warning))


@pytest.fixture(autouse=True)
def _same_float_type_afterwards() -> Iterator[None]:
    try:
        from keras_ref.parity import precision
    except ImportError:  # without Keras, the files that need it skip themselves
        yield
        return
    with precision("float32"):
        yield
