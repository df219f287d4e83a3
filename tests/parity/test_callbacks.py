"""The callbacks decide, print and write what Keras's do, given the same logs."""

from __future__ import annotations

import random
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from numpy_nets import callbacks  # noqa: E402

PARAMS = {"verbose": 0, "epochs": 9, "steps": 2}


class FakeModel:
    def __init__(self) -> None:
        self.stop_training = False
        self.history: Any = None
        self.weight = 0.0
        self.saved: list[Any] = []

    def get_weights(self) -> list[Any]:
        return [self.weight]

    def set_weights(self, weights: list[Any]) -> None:
        self.weight = weights[0]

    def save_weights(self, filepath: Any, overwrite: bool = True) -> None:
        self.saved.append((str(filepath), self.weight, overwrite))


def train(hooks: Any, model: FakeModel, logs: list[dict[str, float]]) -> FakeModel:
    hooks.on_train_begin()
    for epoch, values in enumerate(logs):
        hooks.on_epoch_begin(epoch)
        for batch in range(3):
            hooks.on_train_batch_begin(batch)
            hooks.on_train_batch_end(batch, {"loss": values["loss"] + batch})
            if model.stop_training:
                break
        model.weight = epoch + 1.0
        hooks.on_epoch_end(epoch, values)
        if model.stop_training:
            break
    hooks.on_train_end(logs[-1])
    return model


def both(name: str, logs: list[dict[str, float]], **options: Any) -> list[tuple[Any, FakeModel]]:
    """Train with the callback of that name, once Keras's and once ours."""
    outcomes = []
    for library, lists in ((keras.callbacks, keras.callbacks.CallbackList), (callbacks, None)):
        callback, model = getattr(library, name)(**options), FakeModel()
        if lists is not None:
            hooks = lists([callback], model=model, **PARAMS)
        else:
            hooks = callbacks.CallbackList([callback], model, PARAMS)
        outcomes.append((callback, train(hooks, model, logs)))
    return outcomes


def random_logs(rng: random.Random) -> list[dict[str, float]]:
    # Multiples of 1/8 are exact in float32, in which Keras compares.
    values = [i / 8 for i in range(12)] + [float("nan")]
    return [
        {"val_loss": rng.choice(values), "loss": rng.choice(values)}
        for _ in range(rng.randint(1, 9))
    ]


@pytest.mark.parametrize("seed", range(60))
def test_early_stopping_stops_and_restores_as_keras(
    seed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = random.Random(seed)
    options = {
        "monitor": rng.choice(["val_loss", "loss"]),
        "min_delta": rng.choice([0, 0.25, -0.25]),
        "patience": rng.randint(0, 3),
        "verbose": 1,
        "mode": rng.choice(["auto", "min", "max"]),
        "baseline": rng.choice([None, 0.5]),
        "restore_best_weights": rng.choice([True, False]),
        "start_from_epoch": rng.randint(0, 2),
    }
    logs = random_logs(rng)
    (theirs, their_model), (ours, our_model) = both("EarlyStopping", logs, **options)
    text = capsys.readouterr().out
    assert text[: len(text) // 2] == text[len(text) // 2 :]
    assert our_model.stop_training == their_model.stop_training
    assert our_model.weight == their_model.weight
    for name in ("stopped_epoch", "best_epoch", "wait"):
        assert getattr(ours, name) == getattr(theirs, name)
    np.testing.assert_equal(ours.best, theirs.best)


@pytest.mark.parametrize("seed", range(40))
def test_model_checkpoint_saves_when_and_where_keras_does(
    seed: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = random.Random(seed)
    best = rng.choice([True, False])
    options = {
        "filepath": tmp_path / "{epoch:02d}-{loss:.3f}.weights.h5",
        "monitor": "val_loss",
        "verbose": 1,
        "save_best_only": best,
        "save_weights_only": True,
        "mode": rng.choice(["auto", "min", "max"]),
        "save_freq": "epoch" if best else rng.choice(["epoch", 1, 2, 3, 5]),
        "initial_value_threshold": rng.choice([None, 0.5]),
    }
    (_, their_model), (_, our_model) = both("ModelCheckpoint", random_logs(rng), **options)
    text = capsys.readouterr().out
    assert text[: len(text) // 2] == text[len(text) // 2 :]
    assert our_model.saved == their_model.saved


@pytest.mark.parametrize("append", [True, False])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_csv_logger_writes_keras_bytes(append: bool, separator: str, tmp_path: Path) -> None:
    logs = [
        {"loss": 1 / 3, "val_loss": np.float32(0.1), "accuracy": 1},
        {"loss": float("nan"), "val_loss": 1e-30, "accuracy": 0.5},
    ]
    without_validation = [{"mae": 1e20, "loss": 0.1}]
    for run in (logs, without_validation):
        files = []
        for library in ("theirs", "ours"):
            options = {"separator": separator, "append": append}
            path = tmp_path / f"{library}.csv"
            if library == "theirs":
                callback = keras.callbacks.CSVLogger(path, **options)
                hooks: Any = keras.callbacks.CallbackList([callback], model=FakeModel(), **PARAMS)
            else:
                hooks = callbacks.CallbackList(
                    [callbacks.CSVLogger(path, **options)], FakeModel(), PARAMS
                )
            train(hooks, FakeModel(), run)
            files.append(path.read_bytes())
        assert files[0] == files[1]


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_terminate_on_nan_prints_and_stops_as_keras(
    bad: float, capsys: pytest.CaptureFixture[str]
) -> None:
    logs = [{"loss": 1.0}, {"loss": bad}, {"loss": 1.0}]
    (_, theirs), (_, ours) = both("TerminateOnNaN", logs)
    text = capsys.readouterr().out
    assert text[: len(text) // 2] == text[len(text) // 2 :] != ""
    assert (ours.stop_training, ours.weight) == (theirs.stop_training, theirs.weight)


def test_history_has_keras_keys_in_keras_order() -> None:
    logs = [{"zeta": 1, "loss": np.float32(0.1), "val_loss": 2.0, "accuracy": 0.5}] * 2
    (theirs, _), (ours, _) = both("History", logs)
    assert list(ours.history.items()) == list(theirs.history.items())
    assert ours.epoch == theirs.epoch


@pytest.mark.parametrize("name", ["EarlyStopping", "ModelCheckpoint"])
def test_a_missing_monitor_warns_where_keras_warns(name: str, tmp_path: Path) -> None:
    options: dict[str, Any] = {}
    if name == "ModelCheckpoint":
        options = {"filepath": tmp_path / "w.weights.h5", "save_weights_only": True}
        options["save_best_only"] = True
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        (_, theirs), (_, ours) = both(name, [{"loss": 1.0}], **options)
    assert len(caught) == 2
    assert ours.saved == theirs.saved
