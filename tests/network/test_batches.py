"""Batches: every sample once, in the dtype of models, and nothing that is no data."""

import mmap
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from numpy_nets import config
from numpy_nets.autodiff.tensor import Tensor
from numpy_nets.network.batches import (
    Batches,
    one_batch,
    pack_x_y_sample_weight,
    unpack_x_y_sample_weight,
)

X, Y = np.arange(14.0).reshape(7, 2), np.arange(7)


class Again:
    """An iterable of batches that begins anew, of unknown length."""

    def __init__(self, *batches):
        self.batches = batches

    def __iter__(self):
        return iter(self.batches)


@given(st.integers(1, 30), st.integers(1, 35), st.booleans())
def test_an_epoch_holds_every_sample_once_with_its_target(samples, batch_size, shuffled):
    x = np.arange(samples)
    batches = Batches(x[:, None], 10 * x, -x, batch_size)
    order = np.random.default_rng(0).permutation(samples) if shuffled else None
    seen = [[part.array for part in data] for data in batches.epoch(order)]
    assert len(seen) == batches.steps
    assert [len(data[0]) for data in seen[:-1]] == [batch_size] * (len(seen) - 1)
    xs, ys, ws = (np.concatenate(parts) for parts in zip(*seen, strict=True))
    np.testing.assert_array_equal(xs[:, 0], x if order is None else order)
    np.testing.assert_array_equal(ys, 10 * xs[:, 0])
    np.testing.assert_array_equal(ws, -xs[:, 0])


def test_the_batch_size_is_32_by_default():
    assert Batches(np.zeros((65, 1))).steps == 3


def test_floats_become_float32_and_other_numbers_stay():
    for dtype, expected in [("float64", "float32"), ("float16", "float32"), ("uint8", "uint8")]:
        (x,) = Batches(X.astype(dtype)).epoch()
        assert x.dtype == expected


def test_the_user_s_arrays_are_neither_changed_nor_copied_for_a_batch():
    x = X.astype("float32")
    (batch,) = Batches(x).epoch()
    assert np.shares_memory(batch.array, x)


def test_several_inputs_stay_a_list_in_a_tuple():
    ((xs,),) = Batches([X, Tensor(X)]).epoch()
    assert [x.shape for x in xs] == [(7, 2), (7, 2)]
    ((xs, y),) = Batches((X, X), Y).epoch()
    assert len(xs) == 2 and y.shape == (7,)


def test_an_iterable_gives_its_batches_in_every_form_every_epoch():
    batches = Batches(Again(X, (X,), (X, Y), [X, Y], (X, Y, Y), ([X, X], Y)))
    assert batches.steps is None
    for _ in range(2):
        shapes = []
        for data in batches.epoch():
            x, y, w = unpack_x_y_sample_weight(data)
            x_shape = [part.shape for part in x] if isinstance(x, list) else x.shape
            shapes.append((x_shape, y is not None, w is not None))
        assert shapes[:2] == [((7, 2), False, False)] * 2
        assert shapes[2:4] == [((7, 2), True, False)] * 2
        assert shapes[4:] == [((7, 2), True, True), ([(7, 2), (7, 2)], True, False)]


def test_the_length_of_an_iterable_is_the_number_of_steps():
    class Known(Again):
        def __len__(self):
            return 2

    assert Batches(Known((X, Y), (X, Y))).steps == 2


def test_split_takes_the_tail_whole_and_in_order():
    first, last = Batches(X, Y, Y, 3).split(0.3)
    assert (first.samples, last.samples) == (4, 3)
    (data, *_), (tail,) = list(first.epoch()), list(last.epoch())
    np.testing.assert_array_equal(data[1].array, [0, 1, 2])
    np.testing.assert_array_equal(tail[1].array, [4, 5, 6])
    np.testing.assert_array_equal(tail[2].array, [4, 5, 6])


def test_split_cuts_every_array_of_a_list():
    _, last = Batches([X, X], Y).split(0.5)
    ((xs, _),) = last.epoch()
    assert [len(x) for x in xs] == [4, 4]


@pytest.mark.parametrize("fraction", [-0.1, 1.0, 2, "a", float("nan"), 0.999])
def test_a_split_that_leaves_nothing_is_refused(fraction):
    with pytest.raises(ValueError, match="validation_split: "):
        Batches(X).split(fraction)


def test_an_iterable_cannot_be_split():
    with pytest.raises(ValueError, match="validation_split: expected x to be arrays"):
        Batches(Again(X)).split(0.5)


def test_one_batch_holds_all_samples():
    x, y = one_batch(X, Y)
    assert x.shape == (7, 2) and y.shape == (7,)
    assert one_batch(X).dtype == np.float32


def test_pack_and_unpack_are_inverse():
    for parts in [(X, None, None), (X, Y, None), (X, None, Y), (X, Y, Y), ([X, X], None, None)]:
        for got, want in zip(
            unpack_x_y_sample_weight(pack_x_y_sample_weight(*parts)), parts, strict=True
        ):
            assert got is want


NUMBERS = r"\(np.array turns a list of numbers into one\)"


@pytest.mark.parametrize(
    ("x", "kind", "message"),
    [
        (None, TypeError, "x: expected arrays or an iterable of batches, got NoneType"),
        (3.0, TypeError, "x: expected arrays or an iterable of batches, got float"),
        ("mnist.npz", TypeError, "x: expected arrays or an iterable of batches, got str"),
        ({"x": X}, TypeError, "x: expected arrays or an iterable of batches, got dict"),
        ([[1, 2], [3]], TypeError, f"x: expected an array, got int {NUMBERS}"),
        ([1.0, 2.0], TypeError, f"x: expected an array, got float {NUMBERS}"),
        (["a"], TypeError, "x: expected an array, got str"),
        ([], ValueError, "x: expected at least one array, got none"),
        (np.array([["a"]]), ValueError, "x: expected numbers, got an array of <U1"),
        (X + 1j, ValueError, "x: expected numbers, got an array of complex128"),
        (np.array([[1], [2, 3]], object), ValueError, "x: expected numbers, got .* object"),
        (np.array(1.0), ValueError, r"x: expected samples, got an array of shape \(\)"),
        (X[:0], ValueError, r"x: expected samples, got an array of shape \(0, 2\)"),
        (X[:, :0], ValueError, r"x: expected samples, got an array of shape \(7, 0\)"),
        (X * np.nan, ValueError, r"x: expected finite values, got nan at \[0, 0\]"),
        ([X, X[:3]], ValueError, "x: expected 7 samples, got 3"),
    ],
)
def test_what_is_no_data_is_refused_in_one_line(x, kind, message):
    with pytest.raises(kind, match=message) as error:
        Batches(x)
    assert "\n" not in str(error.value)


def test_infinite_values_are_found_and_cancelling_ones_too():
    x = X.copy()
    x[3, 1], x[5, 0] = np.inf, -np.inf
    with pytest.raises(ValueError, match=r"y: expected finite values, got inf at \[3, 1\]"):
        Batches(X, x)


@pytest.mark.parametrize("value", [1e300, -1e39, 3.5e38])
def test_values_that_the_cast_to_float32_makes_infinite_are_refused(value):
    x = np.ones((6, 2))
    x[3, 1] = value
    message = r"^x: expected finite values, got \S+ at \[3, 1\], which is too large for float32$"
    with pytest.raises(ValueError, match=message):
        Batches(x)
    x[3, 1] = float(np.finfo(np.float32).max)
    (batch,) = Batches(x, batch_size=6).epoch()
    assert np.isfinite(batch.array).all()


def test_float64_data_may_be_as_large_where_models_compute_in_float64(monkeypatch):
    monkeypatch.setattr(config, "_floatx", "float64")
    (batch,) = Batches(np.full((2, 1), 1e300)).epoch()
    assert batch.array.tolist() == [[1e300]] * 2


class Mapping(mmap.mmap):
    """Remembers what the kernel was told."""

    def madvise(self, advice: int) -> None:  # type: ignore[override]
        self.advice = advice
        super().madvise(advice)


@pytest.mark.skipif(not hasattr(mmap, "MADV_RANDOM"), reason="this system has no madvise")
def test_the_kernel_is_told_how_a_memory_mapped_file_will_be_read(tmp_path):
    np.save(tmp_path / "x.npy", X)
    x = np.load(tmp_path / "x.npy", mmap_mode="r")[:-1]
    with open(tmp_path / "x.npy", "rb") as file:
        x._mmap = Mapping(file.fileno(), 0, access=mmap.ACCESS_READ)
    batches = Batches([x, X[:-1]], batch_size=2)
    order = np.arange(len(x))[::-1]
    for permutation, advice in ((None, mmap.MADV_NORMAL), (order, mmap.MADV_RANDOM)) * 2:
        found = np.concatenate([first.array for (first, _), in batches.epoch(permutation)])
        np.testing.assert_array_equal(found, x if permutation is None else x[::-1])
        assert x._mmap.advice == advice


@pytest.mark.parametrize("at", [0, 9_999, 123_456, 199_999])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_the_place_of_a_value_that_is_not_finite_is_named_in_a_large_array_too(at, dtype):
    x = np.ones((200_000, 3), dtype)
    x[at, 2] = np.nan
    with pytest.raises(ValueError, match=rf"^x: expected finite values, got nan at \[{at}, 2\]$"):
        Batches(x)


@pytest.mark.parametrize("last", [1, np.inf])
def test_checking_data_takes_no_memory_that_grows_with_them(last):
    x = np.full((400_000, 8), 1e38)  # float64, and sums of the float32 that it becomes overflow
    x[-1, -1] = last
    tracemalloc.start()
    try:
        if np.isfinite(last):
            Batches(x)
        else:
            with pytest.raises(ValueError, match="got inf at"):
                Batches(x)
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


def test_large_finite_values_are_accepted_even_if_their_sum_overflows():
    assert Batches(np.full((4, 1), 3e38, "float32")).samples == 4


@pytest.mark.parametrize("name", ["y", "sample_weight"])
def test_a_length_that_does_not_match_is_named(name):
    with pytest.raises(ValueError, match=f"^{name}: expected 7 samples, got 6"):
        Batches(X, **{name: Y[:6]})


@pytest.mark.parametrize("batch_size", [0, -1, 2.0, "8", [1]])
def test_a_batch_size_that_is_no_positive_integer_is_refused(batch_size):
    with pytest.raises(ValueError, match="batch_size: expected a positive integer, got"):
        Batches(X, batch_size=batch_size)


@pytest.mark.parametrize("more", [{"y": Y}, {"sample_weight": Y}, {"batch_size": 2}])
def test_an_iterable_brings_its_own_targets_and_batches(more):
    with pytest.raises(ValueError, match="brings its own targets"):
        Batches(Again((X, Y)), **more)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("ab", "x: expected an array, got str"),
        ((X, Y, Y, Y), r"data: expected \(x, y, sample_weight\), got a tuple of 4"),
        ((X, Y[:3]), "y: expected 7 samples, got 3"),
        ((X * np.nan, Y), "x: expected finite values"),
    ],
)
def test_the_batches_of_an_iterable_are_checked_as_they_come(data, message):
    with pytest.raises((TypeError, ValueError), match=message):
        list(Batches(Again(data)).epoch())
