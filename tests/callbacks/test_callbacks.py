"""Callbacks on a stand-in for a model: what they record, write, stop and restore."""

from __future__ import annotations

import csv
import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from numpy_nets.callbacks import (
    Callback,
    CallbackList,
    CSVLogger,
    EarlyStopping,
    History,
    LambdaCallback,
    ModelCheckpoint,
    ProgressBar,
    TerminateOnNaN,
)

PARAMS = {"verbose": 0, "epochs": 9, "steps": 2}


class FakeModel:
    """One weight that holds the number of epochs trained; `saved` lists (path, weight)."""

    def __init__(self) -> None:
        self.stop_training = False
        self.history: Any = None
        self.weight = np.zeros(1)
        self.saved: list[tuple[str, float]] = []

    def get_weights(self) -> list[Any]:
        return [self.weight.copy()]

    def set_weights(self, weights: list[Any]) -> None:
        self.weight = weights[0].copy()

    def save_weights(self, filepath: str, overwrite: bool = True) -> None:
        assert overwrite
        assert os.path.isdir(os.path.dirname(filepath) or ".")
        self.saved.append((filepath, float(self.weight[0])))


def train(
    *callbacks: Callback, logs: list[dict[str, Any]], batches: int = 0, initial_epoch: int = 0
) -> FakeModel:
    """Go through epochs with the given logs, as a training loop does."""
    model = FakeModel()
    hooks = CallbackList(callbacks, model, PARAMS)
    hooks.on_train_begin()
    for epoch, values in enumerate(logs, start=initial_epoch):
        hooks.on_epoch_begin(epoch)
        for batch in range(batches):
            hooks.on_train_batch_begin(batch)
            hooks.on_train_batch_end(batch, {"loss": values["loss"]})
            if model.stop_training:
                break
        model.weight += 1
        hooks.on_epoch_end(epoch, values)
        if model.stop_training:
            break
    hooks.on_train_end(logs[-1])
    return model


def losses(*values: float, name: str = "val_loss") -> list[dict[str, float]]:
    return [{name: value} for value in values]


# CallbackList


class Recorder(Callback):
    def __init__(self, name: str, calls: list[Any]) -> None:
        self.name = name
        self.calls = calls

    def on_train_begin(self, logs: Any = None) -> None:
        self.calls.append((self.name, "train_begin", logs))

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.calls.append((self.name, epoch, logs))


def test_hooks_are_called_in_the_order_of_the_list_with_one_logs_dict() -> None:
    calls: list[Any] = []
    hooks = CallbackList([Recorder("a", calls), Recorder("b", calls)], FakeModel(), PARAMS)
    hooks.on_train_begin()
    hooks.on_epoch_end(3, {"loss": 1})
    hooks.on_predict_begin()
    assert [call[:2] for call in calls] == [
        ("a", "train_begin"),
        ("b", "train_begin"),
        ("a", 3),
        ("b", 3),
    ]
    assert calls[0][2] == {}
    assert calls[2][2] is calls[3][2]


def test_logs_become_python_floats_in_alphabetical_order() -> None:
    calls: list[Any] = []
    hooks = CallbackList(Recorder("a", calls), FakeModel(), PARAMS)
    hooks.on_epoch_end(0, {"loss": np.float32(0.1), "accuracy": np.array(1), "val_loss": 2})
    logs = calls[0][2]
    assert list(logs.items()) == [
        ("accuracy", 1.0),
        ("loss", float(np.float32(0.1))),
        ("val_loss", 2),
    ]
    assert all(type(value) is float for value in logs.values())


def test_model_and_params_reach_every_callback() -> None:
    model, first, second = FakeModel(), Callback(), Callback()
    CallbackList((first, second), model, PARAMS)
    assert first.model is second.model is model
    assert first.params == second.params == PARAMS


@pytest.mark.parametrize("job", ["train", "test", "predict"])
@pytest.mark.parametrize("end", ["begin", "end"])
def test_batch_hooks_are_announced_only_when_a_callback_overrides_one(job: str, end: str) -> None:
    def announced(*callbacks: Callback) -> dict[str, bool]:
        hooks = CallbackList(callbacks, FakeModel(), PARAMS)
        return {
            "train": hooks.has_train_batch_hooks,
            "test": hooks.has_test_batch_hooks,
            "predict": hooks.has_predict_batch_hooks,
        }

    name = f"on_{job}_batch_{end}"
    subclass = type("Subclass", (Callback,), {name: lambda self, batch, logs=None: None})
    only_this_job = {"train": False, "test": False, "predict": False} | {job: True}
    assert not any(announced(History(), Callback()).values())
    assert announced(subclass()) == only_this_job
    assert announced(LambdaCallback(**{name: lambda batch, logs: None})) == only_this_job


def test_hooks_that_no_callback_overrides_do_nothing() -> None:
    hooks = CallbackList(None, FakeModel(), PARAMS)
    hooks.on_train_begin()
    hooks.on_train_batch_end(0, {"loss": 1.0})
    hooks.on_predict_batch_end(0, {"outputs": np.zeros(3)})
    hooks.on_train_end()


def test_predictions_reach_the_callbacks_as_they_are() -> None:
    seen: list[Any] = []
    hooks = CallbackList(
        LambdaCallback(on_predict_batch_end=lambda batch, logs: seen.append((batch, logs))),
        FakeModel(),
        PARAMS,
    )
    outputs = np.zeros((2, 3))
    hooks.on_predict_batch_end(1, {"outputs": outputs})
    assert seen[0][0] == 1
    assert seen[0][1]["outputs"] is outputs


@pytest.mark.parametrize("wrong", [EarlyStopping, 3, "History", [History, "x"]])
def test_what_is_not_a_callback_is_refused(wrong: Any) -> None:
    with pytest.raises(TypeError, match="callbacks: expected instances of Callback, got"):
        CallbackList(wrong, FakeModel(), PARAMS)


def test_a_hook_that_would_never_be_called_is_refused() -> None:
    old = type("Old", (Callback,), {"on_batch_end": lambda self, batch, logs=None: None})
    with pytest.raises(
        TypeError, match="Old: on_batch_end is never called, expected on_train_batch"
    ):
        CallbackList([old()], FakeModel(), PARAMS)


# History


def test_history_holds_the_logs_of_every_epoch_and_is_set_on_the_model() -> None:
    history = History()
    model = train(history, logs=[{"loss": 2, "val_loss": 3}, {"loss": 1, "val_loss": 2}])
    assert history.history == {"loss": [2.0, 1.0], "val_loss": [3.0, 2.0]}
    assert history.epoch == [0, 1]
    assert model.history is history


def test_history_counts_epochs_from_the_initial_one() -> None:
    history = History()
    train(history, logs=losses(1.0, 2.0), initial_epoch=5)
    assert history.epoch == [5, 6]


# ProgressBar


def progress(capsys: pytest.CaptureFixture[str], job: str, **params: Any) -> str:
    hooks = CallbackList(ProgressBar(), FakeModel(), params)
    if job == "fit":
        hooks.on_train_begin()
        for epoch in range(params["epochs"]):
            hooks.on_epoch_begin(epoch)
            hooks.on_train_batch_end(0, {"loss": 0.5})
            hooks.on_test_begin()
            hooks.on_test_batch_end(0, {"loss": 7.0})
            hooks.on_test_end({"loss": 7.0})
            hooks.on_epoch_end(epoch, {"loss": 0.25, "val_loss": 7.0})
    elif job == "evaluate":
        hooks.on_test_begin()
        hooks.on_test_batch_end(0, {"loss": 0.5})
        hooks.on_test_end({"loss": 0.25})
    else:
        hooks.on_predict_begin()
        hooks.on_predict_batch_end(0, {"outputs": np.zeros(2)})
        hooks.on_predict_end()
    return capsys.readouterr().out


def test_fit_prints_a_header_and_a_line_per_epoch(capsys: pytest.CaptureFixture[str]) -> None:
    text = progress(capsys, "fit", verbose=2, epochs=2, steps=1)
    lines = text.splitlines()
    assert [lines[0], lines[2]] == ["Epoch 1/2", "Epoch 2/2"]
    for line in (lines[1], lines[3]):
        assert line.startswith("1/1 - 0s - ")
        assert line.endswith("/step - loss: 0.2500 - val_loss: 7.0000")


def test_a_single_epoch_has_no_header(capsys: pytest.CaptureFixture[str]) -> None:
    assert progress(capsys, "fit", verbose=2, epochs=1, steps=1).startswith("1/1 - 0s - ")


def test_verbose_auto_is_the_bar_and_0_is_silent(capsys: pytest.CaptureFixture[str]) -> None:
    assert "━" * 20 in progress(capsys, "fit", verbose="auto", epochs=1, steps=1)
    assert progress(capsys, "fit", verbose=0, epochs=2, steps=1) == ""


@pytest.mark.parametrize(
    ("job", "end"), [("evaluate", " - loss: 0.2500\n"), ("predict", "/step\n")]
)
def test_evaluate_and_predict_print_one_line(
    job: str, end: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = progress(capsys, job, verbose=2, epochs=1, steps=1)
    assert text.count("\n") == 1
    assert text.endswith(end)


def test_steps_unknown_in_the_first_epoch_are_known_in_the_second(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("numpy_nets.callbacks.progress._can_redraw", lambda: True)
    first, second = progress(capsys, "fit", verbose=1, epochs=2, steps=None).split("Epoch 2/2")
    assert "1/Unknown" in first
    assert "Unknown" not in second


# CSVLogger


def rows(path: Path) -> list[list[str]]:
    with open(path, newline="") as file:
        return list(csv.reader(file))


def test_csv_has_the_epoch_then_the_logs_in_alphabetical_order(tmp_path: Path) -> None:
    logs = [
        {"val_loss": 0.1, "loss": 1 / 3, "accuracy": 1},
        {"val_loss": 2, "loss": math.nan, "accuracy": 0},
    ]
    train(CSVLogger(tmp_path / "log.csv"), logs=logs)
    assert (tmp_path / "log.csv").read_bytes() == (
        b"epoch,accuracy,loss,val_loss\r\n0,1.0,0.3333333333333333,0.1\r\n1,0.0,nan,2.0\r\n"
    )


def test_csv_numbers_read_back_exactly(tmp_path: Path) -> None:
    values = [math.pi, 1e-300, float(np.float32(0.1)), 5e-324, 1.7976931348623157e308]
    train(CSVLogger(tmp_path / "log.csv"), logs=losses(*values))
    assert [float(row[1]) for row in rows(tmp_path / "log.csv")[1:]] == values


def test_csv_keeps_places_for_a_validation_that_is_absent(tmp_path: Path) -> None:
    train(CSVLogger(tmp_path / "log.csv"), logs=[{"loss": 1.0}, {"loss": 2.0, "val_loss": 3.0}])
    expected = [["epoch", "loss", "val_loss"], ["0", "1.0", "NA"], ["1", "2.0", "3.0"]]
    assert rows(tmp_path / "log.csv") == expected


def test_csv_appends_without_a_second_header_and_overwrites_otherwise(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    train(CSVLogger(path, append=True), logs=losses(1.0))
    train(CSVLogger(path, append=True), logs=losses(2.0), initial_epoch=1)
    assert rows(path) == [["epoch", "val_loss"], ["0", "1.0"], ["1", "2.0"]]
    train(CSVLogger(path), logs=losses(3.0))
    assert rows(path) == [["epoch", "val_loss"], ["0", "3.0"]]


def test_csv_uses_the_separator(tmp_path: Path) -> None:
    train(CSVLogger(tmp_path / "log.tsv", separator="\t"), logs=losses(1.0))
    assert (tmp_path / "log.tsv").read_text() == "epoch\tval_loss\n0\t1.0\n"


def test_csv_rows_are_on_disk_after_every_epoch(tmp_path: Path) -> None:
    lengths: list[int] = []
    count = LambdaCallback(on_epoch_end=lambda epoch, logs: lengths.append(len(rows(path))))
    path = tmp_path / "log.csv"
    train(CSVLogger(path), count, logs=losses(1.0, 2.0))
    assert lengths == [2, 3]


def test_csv_in_a_missing_folder_is_refused_before_training(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="missing"):
        train(CSVLogger(tmp_path / "missing" / "log.csv"), logs=losses(1.0))


# EarlyStopping


def stopping(values: list[float], **options: Any) -> tuple[EarlyStopping, FakeModel]:
    callback = EarlyStopping(**options)
    return callback, train(callback, logs=losses(*values, name=options.get("monitor", "val_loss")))


@pytest.mark.parametrize(
    ("values", "options", "epochs"),
    [
        ([3, 2, 1, 0], {}, 4),
        ([3, 2, 2, 0], {}, 3),
        ([3, 4, 4, 4], {"patience": 2}, 3),
        ([3, 4, 2, 4, 4, 1], {"patience": 2}, 5),
        ([3, 2.5, 2, 1.5], {"min_delta": 0.6}, 2),
        ([3, 2.5, 2, 1.5], {"min_delta": -0.4}, 4),
        ([1, 2, 3, 2], {"mode": "max"}, 4),
        ([1, 2, 1, 3], {"monitor": "val_accuracy"}, 3),
        ([1, 2, 3, 4], {"monitor": "accuracy"}, 4),
        ([1, 2], {"monitor": "mse"}, 2),
        ([5, 4, 3], {"baseline": 2.0, "patience": 2}, 3),
        ([5, 1, 3, 4, 0], {"baseline": 2.0, "patience": 2}, 4),
        ([1, 9, 9, 9, 9], {"start_from_epoch": 2}, 4),
        ([math.nan, 1, 1], {"patience": 1}, 2),
    ],
)
def test_training_stops_when(values: list[float], options: dict[str, Any], epochs: int) -> None:
    callback, model = stopping(values, **options)
    assert model.weight[0] == epochs
    assert callback.stopped_epoch == (epochs - 1 if model.stop_training else 0)


def test_patience_zero_never_stops_in_the_first_epoch() -> None:
    _, model = stopping([math.nan, math.nan])
    assert model.weight[0] == 2


def test_the_best_epochs_weights_are_restored(capsys: pytest.CaptureFixture[str]) -> None:
    options = {"patience": 2, "restore_best_weights": True, "verbose": 1}
    callback, model = stopping([3, 1, 2, 2, 0], **options)
    assert (callback.stopped_epoch, callback.best_epoch, callback.best) == (3, 1, 1.0)
    assert model.weight[0] == 2
    assert capsys.readouterr().out == (
        "Epoch 4: early stopping\nRestoring model weights from the end of the best epoch: 2.\n"
    )


def test_the_best_weights_are_restored_when_all_epochs_have_run() -> None:
    assert stopping([3, 1, 2], patience=9, restore_best_weights=True)[1].weight[0] == 2


def test_weights_stay_as_they_are_without_restore_best_weights() -> None:
    assert stopping([3, 1, 2, 2], patience=2)[1].weight[0] == 4


def test_early_stopping_can_be_used_for_a_second_fit() -> None:
    callback = EarlyStopping(restore_best_weights=True)
    train(callback, logs=losses(1.0, 2.0))
    model = train(callback, logs=losses(9.0, 8.0, 8.0))
    assert model.weight[0] == 2
    assert (callback.stopped_epoch, callback.best) == (2, 8.0)


def test_a_missing_monitor_warns_with_the_names_there_are() -> None:
    expected = "EarlyStopping: monitor 'val_loss' is not in the logs, available: accuracy, loss"
    with pytest.warns(UserWarning, match=expected):
        model = train(EarlyStopping(), logs=[{"loss": 1.0, "accuracy": 0.5}])
    assert not model.stop_training


@pytest.mark.parametrize("callback", [EarlyStopping, ModelCheckpoint])
def test_a_direction_that_is_not_known_is_asked_for_before_training(callback: Any) -> None:
    options = {"filepath": ".weights.h5", "save_weights_only": True, "save_best_only": True}
    made = callback(monitor="val_nats", **(options if callback is ModelCheckpoint else {}))
    message = "mode: expected 'min' or 'max' for monitor='val_nats', got 'auto'"
    with pytest.raises(ValueError, match=message):
        train(made, logs=losses(1.0, name="val_nats"))


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(ValueError, match="EarlyStopping: expected mode .* got 'lowest'"):
        EarlyStopping(mode="lowest")


# ModelCheckpoint


def checkpoint(path: Path | str, **options: Any) -> ModelCheckpoint:
    return ModelCheckpoint(path, save_weights_only=True, **options)


def test_weights_are_saved_after_every_epoch_under_a_filled_in_name(tmp_path: Path) -> None:
    pattern = tmp_path / "new" / "{epoch:02d}-{val_loss:.4f}.weights.h5"
    model = train(checkpoint(pattern), logs=losses(0.5, 0.25))
    folder = tmp_path / "new"
    assert model.saved == [
        (f"{folder}{os.sep}01-0.5000.weights.h5", 1.0),
        (f"{folder}{os.sep}02-0.2500.weights.h5", 2.0),
    ]


def test_save_best_only_saves_improvements(capsys: pytest.CaptureFixture[str]) -> None:
    model = train(
        checkpoint("w.weights.h5", save_best_only=True, verbose=1), logs=losses(0.5, 0.75, 0.25)
    )
    assert [weight for _, weight in model.saved] == [1.0, 3.0]
    assert capsys.readouterr().out == (
        "\nEpoch 1: val_loss improved from None to 0.50000, saving model to w.weights.h5\n"
        "\nEpoch 1: finished saving model to w.weights.h5\n"
        "\nEpoch 2: val_loss did not improve from 0.50000\n"
        "\nEpoch 3: val_loss improved from 0.50000 to 0.25000, saving model to w.weights.h5\n"
        "\nEpoch 3: finished saving model to w.weights.h5\n"
    )


def test_save_best_only_begins_at_the_threshold() -> None:
    callback = checkpoint("w.weights.h5", save_best_only=True, initial_value_threshold=0.4)
    assert [weight for _, weight in train(callback, logs=losses(0.5, 0.3)).saved] == [2.0]


def test_save_best_only_saves_and_warns_when_the_monitor_is_missing() -> None:
    callback = checkpoint("w.weights.h5", save_best_only=True)
    with pytest.warns(UserWarning, match="monitor 'val_loss' is not in the logs, available: loss"):
        assert len(train(callback, logs=losses(1.0, name="loss")).saved) == 1


def test_save_freq_counts_batches_over_the_epochs() -> None:
    callback = checkpoint("{epoch}-{batch}.weights.h5", save_freq=2)
    model = train(callback, logs=losses(3.0, 2.0, name="loss"), batches=3)
    assert [path for path, _ in model.saved] == [
        "1-2.weights.h5",
        "2-1.weights.h5",
        "2-3.weights.h5",
    ]


@pytest.mark.parametrize("filepath", ["{mae}.weights.h5", "{}.weights.h5", "{epoch.a}.weights.h5"])
def test_a_field_that_is_not_in_the_logs_is_named_with_those_that_are(filepath: str) -> None:
    with pytest.raises(
        ValueError, match="filepath .* cannot be filled in .* available: epoch, val"
    ):
        train(checkpoint(filepath), logs=losses(1.0))


def test_whole_models_are_refused() -> None:
    with pytest.raises(ValueError, match="expected save_weights_only=True, got False"):
        ModelCheckpoint("model.weights.h5")


def test_another_ending_is_refused() -> None:
    with pytest.raises(ValueError, match="ending in .weights.h5, got 'model.keras'"):
        checkpoint("model.keras")


@pytest.mark.parametrize("save_freq", ["batch", 0, -1, 2.5])
def test_another_save_freq_is_refused(save_freq: Any) -> None:
    with pytest.raises(ValueError, match="expected save_freq 'epoch' or a positive int, got"):
        checkpoint("w.weights.h5", save_freq=save_freq)


# TerminateOnNaN, LambdaCallback


@pytest.mark.parametrize("loss", [math.nan, math.inf, -math.inf])
def test_an_invalid_loss_ends_training_at_its_batch(
    loss: float, capsys: pytest.CaptureFixture[str]
) -> None:
    model = train(TerminateOnNaN(), logs=losses(1.0, loss, 1.0, name="loss"), batches=3)
    assert model.stop_training
    assert model.weight[0] == 2
    assert capsys.readouterr().out == "Batch 0: Invalid loss, terminating training\n"


def test_a_finite_or_absent_loss_goes_on() -> None:
    assert not train(TerminateOnNaN(), logs=losses(1e30, name="loss"), batches=2).stop_training
    hooks = CallbackList(TerminateOnNaN(), FakeModel(), PARAMS)
    hooks.on_train_batch_end(0)


def test_lambda_callback_calls_its_functions() -> None:
    calls: list[Any] = []
    callback = LambdaCallback(
        lambda epoch, logs: calls.append(("begin", epoch)),
        on_epoch_end=lambda epoch, logs: calls.append(("end", epoch, logs)),
        on_test_begin=lambda logs: calls.append("test"),
    )
    train(callback, logs=losses(1.0))
    CallbackList(callback, FakeModel(), PARAMS).on_test_begin()
    assert calls == [("begin", 0), ("end", 0, {"val_loss": 1.0}), "test"]


def test_lambda_callback_refuses_a_hook_that_does_not_exist() -> None:
    with pytest.raises(TypeError, match="LambdaCallback: unknown hook 'on_epoch', expected one of"):
        LambdaCallback(on_epoch=print)
