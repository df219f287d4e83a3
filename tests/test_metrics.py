"""Metrics: means over the batches of an epoch."""

import numpy as np
import pytest

from numpy_nets import metrics
from numpy_nets.autodiff.tensor import Tensor
from numpy_nets.metrics import (
    BinaryAccuracy,
    CategoricalAccuracy,
    Mean,
    MeanAbsoluteError,
    MeanSquaredError,
    SparseCategoricalAccuracy,
)


def updated(metric: metrics.Metric, *args, **options) -> float:
    metric.update_state(*args, **options)
    result = metric.result()
    assert type(result) is float
    return result


EMPTY = [Mean, BinaryAccuracy, MeanSquaredError, SparseCategoricalAccuracy]


@pytest.mark.parametrize("kind", EMPTY)
def test_the_result_before_any_value_is_0(kind) -> None:
    assert kind().result() == 0.0


def test_mean_accumulates_over_batches_of_any_size_until_it_is_reset() -> None:
    m = Mean()
    assert updated(m, [1.0, 2.0]) == 1.5
    assert updated(m, 6.0) == 3.0
    assert updated(m, Tensor([[3.0, 3.0]])) == 3.0
    m.reset_state()
    assert m.result() == 0.0
    assert updated(m, 7.0) == 7.0


def test_mean_weighs_values_by_their_samples() -> None:
    m = Mean()
    m.update_state(2.0, sample_weight=256)
    m.update_state(5.0, sample_weight=np.float64(128))
    assert m.result() == 3.0


def test_mean_accumulates_in_float64() -> None:
    m = Mean()
    for _ in range(1000):
        m.update_state(np.float32(0.1))
    assert m.result() == pytest.approx(float(np.float32(0.1)), rel=1e-13)
    assert updated(Mean(), np.float32([2**24, 1, 1])) == (2**24 + 2) / 3


def test_an_empty_batch_changes_nothing() -> None:
    m = Mean()
    m.update_state([4.0])
    assert updated(m, np.zeros(0)) == 4.0
    assert updated(m, np.zeros(0), sample_weight=np.zeros(0)) == 4.0


def test_weights_that_are_all_zero_change_nothing() -> None:
    m = Mean()
    assert updated(m, [4.0, 5.0], sample_weight=[0.0, 0.0]) == 0.0


def test_binary_accuracy_counts_entries_strictly_above_one_half() -> None:
    assert updated(BinaryAccuracy(), [[1], [1], [0], [0]], [[0.98], [0.5], [0.5], [0.6]]) == 0.5


def test_binary_accuracy_takes_a_threshold() -> None:
    assert updated(BinaryAccuracy(threshold=0.7), [[1], [0]], [[0.71], [0.7]]) == 1.0
    with pytest.raises(ValueError, match=r"BinaryAccuracy: threshold: expected .*, got 1\.5"):
        BinaryAccuracy(threshold=1.5)


def test_binary_accuracy_of_several_units_is_the_share_of_entries() -> None:
    y, p = [[1, 0], [1, 1]], [[0.9, 0.9], [0.9, 0.9]]
    assert updated(BinaryAccuracy(), y, p) == 0.75
    assert updated(BinaryAccuracy(), y, p, sample_weight=[3.0, 1.0]) == (3 * 0.5 + 1) / 4


def test_targets_of_one_unit_may_leave_out_the_last_axis() -> None:
    assert updated(BinaryAccuracy(), [1, 0, 1], [[0.9], [0.1], [0.2]]) == pytest.approx(2 / 3)
    assert updated(MeanSquaredError(), [1.0, 0.0], [[0.5], [0.5]]) == 0.25


@pytest.mark.parametrize("y", [[2, 0, 1], [[2], [0], [1]], np.array([2.0, 0.0, 1.0])])
def test_sparse_categorical_accuracy_looks_for_the_largest_entry(y) -> None:
    p = np.array([[0.1, 0.2, 0.7], [0.3, 0.4, 0.3], [0.0, 0.9, 0.1]])
    assert updated(SparseCategoricalAccuracy(), y, p) == pytest.approx(2 / 3)
    assert updated(SparseCategoricalAccuracy(), y, Tensor(p), [0.0, 1.0, 1.0]) == 0.5


def test_mean_squared_error_is_the_mean_over_all_entries() -> None:
    y, p = np.array([[0.0, 1.0], [2.0, 3.0]]), np.array([[1.0, 1.0], [2.0, 6.0]])
    assert updated(MeanSquaredError(), y, p) == 2.5
    assert updated(MeanSquaredError(), y, p, sample_weight=[[1.0], [3.0]]) == (0.5 + 3 * 4.5) / 4


def test_batches_of_different_size_count_by_their_samples() -> None:
    m = MeanSquaredError()
    m.update_state([[0.0], [0.0], [0.0]], [[1.0], [1.0], [1.0]])
    assert updated(m, [[0.0]], [[3.0]]) == 3.0


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("binary_accuracy", BinaryAccuracy), ("mse", MeanSquaredError),
        ("mean_squared_error", MeanSquaredError),
        ("sparse_categorical_accuracy", SparseCategoricalAccuracy),
        ("categorical_accuracy", CategoricalAccuracy), ("mae", MeanAbsoluteError),
        ("mean_absolute_error", MeanAbsoluteError),
    ],
)  # fmt: skip
def test_get_takes_names_and_metrics(name, kind) -> None:
    y, p = np.zeros((2, 3)), np.zeros((2, 3))
    metric = metrics.get(name, y, p)
    assert type(metric) is kind
    assert metric.name == name
    assert metrics.get(metric, y, p) is metric


@pytest.mark.parametrize("name", ["accuracy", "acc"])
def test_accuracy_means_what_fits_the_output(name) -> None:
    one, three = np.zeros((4, 1)), np.zeros((4, 3))
    for y, p, kind in [
        (one, one, BinaryAccuracy), (np.zeros(4), one, BinaryAccuracy),
        (np.zeros(4), three, SparseCategoricalAccuracy), (one, three, SparseCategoricalAccuracy),
        (three, three, CategoricalAccuracy),
    ]:  # fmt: skip
        metric = metrics.get(name, y, p)
        assert type(metric) is kind
        assert metric.name == name


def test_an_unknown_name_raises_with_a_suggestion() -> None:
    with pytest.raises(ValueError, match="metric: unknown 'acuracy'; did you mean 'accuracy'"):
        metrics.get("acuracy", np.zeros((2, 1)), np.zeros((2, 1)))


@pytest.mark.parametrize(
    ("kind", "y", "p"),
    [
        (BinaryAccuracy, np.zeros((4, 2)), np.zeros((4, 3))),
        (BinaryAccuracy, np.zeros((4, 6)), np.zeros((4, 2, 3))),
        (BinaryAccuracy, np.zeros((4, 3, 2)), np.zeros((4, 2, 3))),
        (BinaryAccuracy, np.zeros((3, 1)), np.zeros((4, 1))),
        (MeanSquaredError, np.zeros(3), np.zeros((4, 1))),
        (MeanAbsoluteError, np.zeros(3), np.zeros((4, 1))),
        (CategoricalAccuracy, np.zeros((4, 2)), np.zeros((4, 3))),
        (SparseCategoricalAccuracy, np.zeros(3), np.zeros((4, 3))),
        (SparseCategoricalAccuracy, np.zeros((4, 3)), np.zeros((4, 3))),
    ],
)
def test_shapes_that_do_not_fit_raise_and_change_nothing(kind, y, p) -> None:
    m = kind()
    with pytest.raises(ValueError, match=rf"{m.name}: y_true: expected shape \(.*\), got \(.*\)"):
        m.update_state(y, p)
    assert (m.total, m.count) == (0, 0)


@pytest.mark.parametrize("weights", [np.ones(3), np.ones(1), np.ones((4, 2)), np.ones((1, 4))])
def test_weights_that_do_not_fit_raise_and_change_nothing(weights) -> None:
    m = MeanSquaredError()
    with pytest.raises(ValueError, match=r"sample_weight: expected shape \(4,\), got \("):
        m.update_state(np.zeros((4, 2)), np.zeros((4, 2)), weights)
    assert (m.total, m.count) == (0, 0)


def test_categorical_accuracy_takes_the_first_of_equal_entries_as_keras_does() -> None:
    m = CategoricalAccuracy()
    assert updated(m, np.eye(3), [[0.5, 0.5, 0], [0.5, 0.5, 0], [0, 0, 1]]) == pytest.approx(2 / 3)


def test_mean_absolute_error_is_its_formula() -> None:
    y, p = np.random.default_rng(0).normal(size=(2, 5, 3))
    assert updated(MeanAbsoluteError(), y, p) == pytest.approx(np.abs(y - p).mean(), rel=1e-6)


def test_a_metric_shows_its_name() -> None:
    assert repr(Mean(name="loss")) == "<Mean name=loss>"


def test_a_weight_counts_for_every_value_of_its_sample() -> None:
    assert updated(Mean(), [[2.0, 4.0], [6.0, 8.0]], [1.0, 3.0]) == (2 + 4 + 3 * (6 + 8)) / 8
    assert updated(Mean(), np.full((2, 3, 4), 5.0), [0.0, 2.0]) == 5.0
    assert updated(Mean(), [2.0, 4.0], 3.0) == 3.0
