import pytest

from numpy_nets.datasets import raw


def test_claim_beyond_what_deflate_can_do_is_refused():
    raw.check_expansion(103_200, stored=100)
    with pytest.raises(ValueError, match="100 compressed bytes do not .* 103,201 bytes declared"):
        raw.check_expansion(103_201, stored=100)


def test_large_claim_from_a_small_file_is_refused_as_a_bomb(monkeypatch):
    monkeypatch.setattr(raw, "BOMB_SIZE", 1000)
    raw.check_expansion(2000, stored=10)
    with pytest.raises(ValueError, match="10 compressed bytes do not account for"):
        raw.check_expansion(2001, stored=10)


class Endless:
    """A stream that never ends, and records the sizes that it was asked for."""

    def __init__(self):
        self.sizes = []

    def read(self, size):
        self.sizes.append(size)
        return bytes(size)


def test_data_are_read_exactly_and_in_pieces():
    stream = Endless()
    assert len(raw.read_exactly(stream, 3 * raw.CHUNK + 5)) == sum(stream.sizes)
    assert stream.sizes == [raw.CHUNK] * 3 + [5]


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


def test_a_long_fault_is_cut():
    with pytest.raises(ValueError, match=r"^file: x{300} \.\.\.$"), raw.faults_named("file"):
        raise ValueError("x" * 301)


def test_errors_of_opening_a_file_keep_their_kind(tmp_path):
    with pytest.raises(FileNotFoundError, match="absent"), raw.faults_named("x"):
        (tmp_path / "absent").read_bytes()
