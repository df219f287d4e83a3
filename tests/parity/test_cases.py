"""The list of comparisons is complete, and can see a difference."""

from __future__ import annotations

import inspect
import math
import pkgutil
from collections import Counter
from importlib import import_module
from types import ModuleType

import numpy as np
import pytest

keras = pytest.importorskip("keras")

import numpy_nets  # noqa: E402
from keras_ref.parity import CASES, Case, normwise_eps, precision  # noqa: E402

# Base classes, and functions that look something up or set something, have no value to compare.
NOTHING_TO_COMPARE = {
    "initializers.Initializer", "losses.Loss", "metrics.Metric", "metrics.PredictionMetric",
    "optimizers.Optimizer", "optimizers.schedules.LearningRateSchedule",
    "random.SeedGenerator", "random.generator", "random.get_state", "random.set_random_seed",
    "random.set_state",
}  # fmt: skip


def _public_names() -> set[str]:
    """Every public function and class that has a value, named as the cases do: `ops.add`."""
    names = {"GradientTape", "Model.fit"}
    names |= {f"ops.{name}" for name in numpy_nets.ops.__all__}
    modules = ("activations", "initializers", "layers", "losses", "metrics", "optimizers")
    for name in (*modules, "regularizers"):
        names |= _defined_in(name, getattr(numpy_nets, name))
    names |= _defined_in("optimizers.schedules", numpy_nets.optimizers.schedules)
    names |= _defined_in("random", numpy_nets.random)
    names |= {f"models.{name}" for name in numpy_nets.models.__all__}
    for file in pkgutil.iter_modules(numpy_nets.models.__path__):
        names |= _defined_in("models", import_module(f"numpy_nets.models.{file.name}"))
    return {name for name in names - NOTHING_TO_COMPARE if not name.endswith(".get")}


def _defined_in(prefix: str, module: ModuleType) -> set[str]:
    return {
        f"{prefix}.{name}"
        for name, value in vars(module).items()
        if (inspect.isclass(value) or inspect.isfunction(value))
        and value.__module__ == module.__name__
        and not name.startswith("_")
    } | {f"{prefix}.{name}" for name in getattr(module, "__all__", ())}


def test_every_public_name_has_a_case() -> None:
    assert {"ops.add", "layers.Dense", "models.VAE"} <= _public_names()
    assert _public_names() - {case.subject for case in CASES} == set()


def test_every_case_has_a_name_of_its_own_and_a_reason_for_its_bound() -> None:
    assert [name for name, n in Counter(map(str, CASES)).items() if n > 1] == []
    assert all(case.reason for case in CASES)


def test_normwise_eps_counts_machine_epsilons_of_the_largest_entry() -> None:
    for dtype in ("float32", "float64"):
        theirs = np.array([4.0, 1.0], dtype)
        eps = np.finfo(dtype).eps
        assert normwise_eps(theirs, theirs, dtype) == 0
        assert normwise_eps(theirs + np.array([0, 8 * eps], dtype), theirs, dtype) == 2
    assert normwise_eps(np.zeros((0, 4)), np.zeros((0, 4)), "float64") == 0


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (None, np.ones(2)),
        (np.ones(2), None),
        (np.ones(2), np.ones((2, 1))),
        (np.ones(2, np.float32), np.ones(2)),
        (np.array([1.0, np.nan]), np.ones(2)),
        (np.array([1.0, np.inf]), np.array([1.0, -np.inf])),
        (np.array([1.0, np.inf]), np.array([1.0, np.nan])),
        (np.full(2, 1e-300), np.zeros(2)),
    ],
)
def test_what_differs_in_kind_is_infinitely_far_apart(ours: object, theirs: object) -> None:
    assert normwise_eps(ours, theirs, "float64") == math.inf


def test_non_finite_entries_in_the_same_places_agree() -> None:
    same = np.array([np.inf, -np.inf, np.nan, 1.0])
    assert normwise_eps(same, same.copy(), "float64") == 0
    assert normwise_eps(None, None, "float64") == 0


def test_a_row_beyond_its_bound_or_of_nan_does_not_hold() -> None:
    def run(dtype: str) -> list[tuple[str, object, object]]:
        eps = np.finfo(dtype).eps
        return [("near", 1 + 32 * eps, np.float64(1)), ("far", 1 + 33 * eps, np.float64(1))]

    assert [row.holds for row in Case("op", "ops.add", run).rows("float64")] == [True, False]
    nan = Case("op", "ops.add", lambda dtype: [("nan", np.nan, 1.0)], unit="standard errors")
    assert [row.holds for row in nan.rows("float64")] == [False]


def test_a_wrong_derivative_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    @numpy_nets.autodiff.op
    def relu(x):  # type: ignore[no-untyped-def]
        return np.maximum(x, 0), (lambda g: g * (x >= 0),)

    monkeypatch.setattr(numpy_nets.ops, "relu", relu)
    (case,) = (c for c in CASES if str(c) == "ops.relu")
    broken = [row.quantity for row in case.rows("float64") if not row.holds]
    assert broken and all("gradient" in quantity for quantity in broken)


def test_precision_is_restored_even_after_an_error() -> None:
    before = keras.config.floatx(), numpy_nets.config.floatx(), keras.config.dtype_policy()
    with pytest.raises(ZeroDivisionError), precision("float64"):
        assert keras.layers.Dense(2)(np.ones((1, 2))).dtype == "float64"
        assert numpy_nets.layers.Dense(2)(np.ones((1, 2))).dtype == "float64"
        raise ZeroDivisionError
    after = keras.config.floatx(), numpy_nets.config.floatx(), keras.config.dtype_policy()
    assert after == before
    assert keras.layers.Dense(2)(np.ones((1, 2))).dtype == "float32"
