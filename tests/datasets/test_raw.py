import io

import numpy as np
import pytest

from numpy_nets.datasets import raw


def bytes_of(count: int) -> raw.Header:
    return raw.Header(np.dtype("u1"), (count,))


def test_claim_beyond_what_deflate_can_do_is_refused_unread():
    stream = io.BytesIO()
    with pytest.raises(ValueError, match="declares 103,201 bytes .* the 100 compressed bytes"):
        raw.read_array(stream, bytes_of(103_201), stored=100)


def test_large_claim_from_a_tiny_file_is_refused_as_a_bomb(monkeypatch):
    monkeypatch.setattr(raw, "BOMB_SIZE", 1000)
    with pytest.raises(ValueError, match="more than the 10 compressed bytes account for"):
        raw.read_array(io.BytesIO(bytes(2001)), bytes_of(2001), stored=10)
    assert raw.read_array(io.BytesIO(bytes(2000)), bytes_of(2000), stored=10).shape == (2000,)


def test_both_memory_orders_are_honoured():
    data = bytes(range(6))
    for order in ("C", "F"):
        header = raw.Header(np.dtype("u1"), (2, 3), order)
        expected = np.frombuffer(data, "u1").reshape((2, 3), order=order)
        np.testing.assert_array_equal(raw.read_array(io.BytesIO(data), header, 6), expected)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (EOFError("a\nb"), ValueError), (OverflowError("a b"), ValueError),
        (NotImplementedError("a b"), ValueError), (OSError("a b"), OSError),
    ],
)  # fmt: skip
def test_faults_come_out_as_one_line_that_names_the_file(fault, kind):
    with pytest.raises(kind, match="^some file: a b$"), raw.faults_named("some file"):
        raise fault


def test_errors_of_opening_a_file_keep_their_kind(tmp_path):
    with pytest.raises(FileNotFoundError, match="absent"), raw.faults_named("x"):
        (tmp_path / "absent").read_bytes()
