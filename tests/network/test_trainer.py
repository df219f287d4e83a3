"""compile, fit, evaluate, predict: the same numbers as loops written by hand."""

import csv
import gc
import platform
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from numpy_nets import GradientTape, Model, Sequential, config, losses, metrics, ops, random
from numpy_nets.callbacks import (
    Callback,
    CSVLogger,
    EarlyStopping,
    LambdaCallback,
    ModelCheckpoint,
    TerminateOnNaN,
)
from numpy_nets.layers import Concatenate, Dense, Dropout, Input, Layer
from numpy_nets.metrics import BinaryAccuracy, Mean
from numpy_nets.models.autoencoder import build_autoencoder
from numpy_nets.optimizers import SGD, Adam
from numpy_nets.regularizers import L1, L2

RNG = np.random.default_rng(0)
X, Y = RNG.random((10, 3)).astype("float32"), RNG.random((10, 2)).astype("float32")


def network(loss: Any = "mse", optimizer: Any = "sgd", outputs=2, seed=0, **options) -> Sequential:
    random.set_random_seed(seed)
    model = Sequential([Input((3,)), Dense(4, "tanh"), Dense(outputs, options.pop("last", None))])
    model.compile(optimizer, loss, **options)
    return model


def same_weights(one: Model, two: Model) -> bool:
    pairs = zip(one.get_weights(), two.get_weights(), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


class Again:
    """An iterable of batches that begins anew, of unknown length."""

    def __init__(self, *batches):
        self.batches = batches

    def __iter__(self):
        return iter(self.batches)


# The epoch


def test_fit_equals_a_loop_written_by_hand():
    model, twin = network(), network()
    history = model.fit(X, Y, batch_size=4, epochs=3, shuffle=False, verbose=0).history
    optimizer, expected = SGD(), []
    for _ in range(3):
        total = 0.0
        for start in (0, 4, 8):
            x, y = X[start : start + 4], Y[start : start + 4]
            with GradientTape() as tape:
                loss = ops.mean(ops.mean(ops.square(y - twin(x)), axis=-1))
            variables = twin.trainable_variables
            optimizer.apply(tape.gradient(loss, variables), variables)
            total += float(loss) * len(x)
        expected.append(total / 10)
    for a, b in zip(model.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-7)
    assert history["loss"] == pytest.approx(expected, rel=1e-6)


def test_the_loss_of_an_epoch_weighs_batches_by_their_samples():
    model = network(optimizer=SGD(1e-30))
    expected = float(np.mean((model(X).array - Y) ** 2))
    batch_losses: list[float] = []
    note = LambdaCallback(on_train_batch_end=lambda batch, logs: batch_losses.append(logs["loss"]))
    loss = model.fit(X, Y, batch_size=4, verbose=0, callbacks=[note]).history["loss"][0]
    assert loss == pytest.approx(expected, rel=1e-6)
    assert batch_losses[-1] == loss
    assert model.evaluate(X, Y, batch_size=4, verbose=0) == pytest.approx(expected, rel=1e-6)


def test_shuffling_draws_from_the_shared_generator_and_is_reproducible():
    def run(seed: int) -> tuple[Any, Any]:
        model = network()
        random.set_random_seed(seed)
        orders: list[list[float]] = []

        class Spy(Sequential):
            def train_step(self, data):
                orders[-1] += data[0].array[:, 0].tolist()
                return {"loss": 0.0}

        spy = Spy(model.layers)
        spy.compile()
        begin = LambdaCallback(on_epoch_begin=lambda epoch, logs: orders.append([]))
        spy.fit(X, Y, epochs=2, batch_size=4, verbose=0, callbacks=[begin])
        return orders, random.get_state()

    (one, state), (two, again), (other, _) = run(1), run(1), run(2)
    assert one == two and state == again and one != other
    assert one[0] != one[1] and sorted(one[0]) == sorted(one[1]) == sorted(X[:, 0].tolist())


def test_without_shuffling_fit_draws_no_random_number():
    model = network()
    state = random.get_state()
    model.fit(X, Y, shuffle=False, verbose=0)
    model.fit(Again((X, Y)), verbose=0)
    model.evaluate(X, Y, verbose=0)
    model.predict(X, verbose=0)
    assert random.get_state() == state


def test_two_runs_from_one_seed_are_bit_identical():
    def run() -> Model:
        random.set_random_seed(7)
        model = Sequential([Input((3,)), Dense(8, "relu"), Dropout(0.5), Dense(2)])
        model.compile("adam", "mse")
        model.fit(X, Y, epochs=3, batch_size=4, verbose=0)
        return model

    one, two = run(), run()
    assert same_weights(one, two) and one.history.history == two.history.history


def test_the_user_s_data_are_not_changed():
    x, y = X.copy(), Y.copy()
    network().fit(x, y, epochs=2, verbose=0)
    assert np.array_equal(x, X) and np.array_equal(y, Y)


def test_initial_epoch_counts_on_from_there():
    model, epochs = network(), []
    note = LambdaCallback(on_epoch_begin=lambda epoch, logs: epochs.append(epoch))
    history = model.fit(X, Y, epochs=5, initial_epoch=3, verbose=0, callbacks=[note])
    assert epochs == history.epoch == [3, 4] and len(history.history["loss"]) == 2


def test_history_holds_python_floats_and_is_kept_by_the_model():
    model = network(metrics=["mse"])
    history = model.fit(X, Y, epochs=2, validation_split=0.2, verbose=0)
    assert model.history is history
    assert set(history.history) == {"loss", "mse", "val_loss", "val_mse"}
    assert all(type(v) is float for values in history.history.values() for v in values)


def test_an_iterable_of_batches_trains_as_the_arrays_do():
    one, two, three = network(), network(), network()
    batches = [(X[:4], Y[:4]), (X[4:8], Y[4:8]), (X[8:], Y[8:])]
    one.fit(X, Y, batch_size=4, epochs=2, shuffle=False, verbose=0)
    two.fit(Again(*batches), epochs=2, verbose=0)
    three.fit(iter(batches * 2), verbose=0)
    assert same_weights(one, two) and one.history.history == two.history.history
    assert same_weights(one, three)
    assert two.evaluate(Again(*batches), verbose=0) == two.evaluate(X, Y, batch_size=4, verbose=0)
    np.testing.assert_array_equal(
        two.predict(Again(*batches), verbose=0), two.predict(X, batch_size=4, verbose=0)
    )


def test_an_exhausted_generator_ends_training_with_a_warning_and_an_empty_one_is_an_error():
    model = network()
    with pytest.warns(UserWarning, match="fit: x ran out of batches in epoch 2: expected an itera"):
        history = model.fit(iter([(X, Y)]), epochs=3, verbose=0)
    assert history.epoch == [0] and model.optimizer.iterations == 1
    with pytest.raises(ValueError, match="fit: x: expected an iterable of batches, got none"):
        model.fit(iter([]), verbose=0)
    with pytest.raises(ValueError, match="evaluate: no batch"):
        network().evaluate(iter([]), verbose=0)
    with pytest.raises(ValueError, match="predict: x: expected an iterable of batches, got none"):
        network().predict(iter([]), verbose=0)


def endless():
    while True:
        yield X, Y


def test_an_epoch_of_steps_goes_on_where_the_last_one_ended():
    seen = []

    class Spy(Sequential):
        def train_step(self, data):
            seen.append(float(data[0].array[0, 0]))
            return super().train_step(data)

    def run(x, epochs, steps, **options):
        seen.clear()
        model = Spy([Input((3,)), Dense(2)])
        model.compile("sgd", "mse")
        history = model.fit(x, epochs=epochs, steps_per_epoch=steps, verbose=0, **options)
        assert history.params["steps"] == steps
        return seen, history.epoch

    firsts = X[::2, 0].tolist()  # of 5 batches of 2
    data = {"y": Y, "batch_size": 2, "shuffle": False}
    assert run(X, 2, 2, **data) == (firsts[:4], [0, 1])
    assert run(X, 2, 5, **data) == (firsts * 2, [0, 1])
    with pytest.warns(UserWarning, match="x ran out of batches in epoch 3: expected 2 every epoch"):
        assert run(X, 4, 2, **data) == (firsts + firsts[:2], [0, 1, 2, 3])
    assert run(endless(), 3, 4)[1] == [0, 1, 2]
    with (
        pytest.warns(UserWarning, match="x ran out of batches in epoch 2"),
        pytest.warns(UserWarning, match="x ran out of batches in epoch 3"),
    ):
        assert run(iter([(X, Y)] * 3), 4, 2)[1] == [0, 1]


def test_a_length_that_raises_is_unknown():
    class Endless:
        def __iter__(self):
            return iter([(X, Y)])

        def __len__(self):
            raise TypeError("infinite")

    assert network().fit(Endless(), epochs=2, verbose=0).params["steps"] is None


def test_a_callback_ends_evaluate_and_predict_on_endless_data():
    model = network()

    def stop(batch, logs):
        model.stop_evaluating = model.stop_predicting = batch == 1

    callback = LambdaCallback(on_test_batch_end=stop, on_predict_batch_end=stop)
    loss = model.evaluate(endless(), verbose=0, callbacks=[callback])
    assert loss == pytest.approx(model.evaluate(X, Y, verbose=0))
    assert model.predict(endless(), verbose=0, callbacks=[callback]).shape == (20, 2)
    model.stop_evaluating = model.stop_predicting = True  # from an earlier call
    assert len(model.predict(X, verbose=0, batch_size=2)) == 10
    model.evaluate(X, Y, verbose=0)
    assert not model.stop_evaluating


def test_a_class_weight_is_the_sample_weight_of_its_class():
    labels = np.arange(10) % 3
    weights = np.array([2.0, 1.0, 0.5])[labels]
    options = {"batch_size": 4, "epochs": 2, "shuffle": False, "verbose": 0}
    loss, by_class = "sparse_categorical_crossentropy", {0: 2.0, 2: 0.5}
    expected = network(loss, outputs=3, last="softmax")
    expected.fit(X, labels, sample_weight=weights, **options)
    for y in (labels, labels[:, None]):
        model = network(loss, outputs=3, last="softmax")
        model.fit(X, y, class_weight=by_class, **options)
        assert same_weights(model, expected)
    one_hot = network("categorical_crossentropy", outputs=3, last="softmax")
    one_hot.fit(X, np.eye(3)[labels], class_weight=by_class, **options)
    for a, b in zip(one_hot.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)
    batches = [(X[start : start + 4], labels[start : start + 4]) for start in (0, 4, 8)]
    model = network(loss, outputs=3, last="softmax")
    model.fit(Again(*batches), class_weight=by_class, epochs=2, verbose=0)
    assert same_weights(model, expected)
    one, two = (network(loss, outputs=3, last="softmax") for _ in range(2))
    assert one.train_on_batch(X, labels, class_weight=by_class) == two.train_on_batch(
        X, labels, weights.astype("float32")
    )


def test_class_weights_do_not_weigh_the_validation_data():
    labels = np.arange(10) % 3
    losses = []
    for by_class in (None, {0: 5.0}):
        model = network("sparse_categorical_crossentropy", SGD(0.0), outputs=3, last="softmax")
        history = model.fit(X, labels, validation_split=0.4, class_weight=by_class, verbose=0)
        losses.append(history.history)
    assert losses[0]["val_loss"] == losses[1]["val_loss"]
    assert losses[0]["loss"] != losses[1]["loss"]


# Validation


@pytest.mark.parametrize(
    "form",
    [
        lambda x, y: (x, y),
        lambda x, y: [x, y],
        lambda x, y: (x, y, np.ones(len(x))),
        lambda x, y: Again((x[:2], y[:2]), (x[2:], y[2:])),
    ],
)
def test_validation_data_come_in_many_forms_with_one_result(form):
    model = network()
    history = model.fit(X[:6], Y[:6], verbose=0, validation_data=form(X[6:], Y[6:])).history
    assert history["val_loss"] == [pytest.approx(model.evaluate(X[6:], Y[6:], verbose=0))]


def test_validation_data_may_be_inputs_alone():
    class Norm(Sequential):
        def compute_loss(self, x, y, y_pred, sample_weight=None):
            return ops.mean(ops.square(y_pred))

    model = Norm([Input((3,)), Dense(2)])
    model.compile("sgd")
    history = model.fit(X, verbose=0, validation_data=X[:3]).history
    assert history["val_loss"][0] == pytest.approx(np.mean(model(X[:3]).array ** 2), rel=1e-6)


def test_validation_split_takes_the_tail_before_shuffling():
    one, two = network(), network()
    random.set_random_seed(3)
    split = one.fit(X, Y, validation_split=0.3, epochs=2, batch_size=3, verbose=0).history
    random.set_random_seed(3)
    data = (X[7:], Y[7:])
    given = two.fit(X[:7], Y[:7], validation_data=data, epochs=2, batch_size=3, verbose=0).history
    assert split == given and same_weights(one, two)


def test_validation_does_not_change_the_model():
    one, two = network(), network()
    one.fit(X, Y, epochs=2, shuffle=False, verbose=0, validation_data=(X, Y))
    two.fit(X, Y, epochs=2, shuffle=False, verbose=0)
    assert same_weights(one, two)


# Callbacks


class Order(Callback):
    """Notes every call of a hook."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("on_") and name in vars(Callback):
            return lambda *args: object.__getattribute__(self, "calls").append(name[3:])
        return object.__getattribute__(self, name)


def test_fit_calls_the_hooks_in_keras_s_order():
    order = Order()
    network().fit(X, Y, batch_size=5, epochs=2, validation_data=(X[:5], Y[:5]), verbose=0,
                  callbacks=[order])  # fmt: skip
    epoch = [
        "epoch_begin", "train_batch_begin", "train_batch_end", "train_batch_begin",
        "train_batch_end", "test_begin", "test_batch_begin", "test_batch_end", "test_end",
        "epoch_end",
    ]  # fmt: skip
    assert order.calls == ["train_begin", *epoch, *epoch, "train_end"]


def test_evaluate_and_predict_call_their_hooks():
    order = Order()
    model = network()
    model.evaluate(X, Y, verbose=0, callbacks=[order])
    model.predict(X, verbose=0, callbacks=[order])
    assert order.calls == [
        "test_begin", "test_batch_begin", "test_batch_end", "test_end",
        "predict_begin", "predict_batch_begin", "predict_batch_end", "predict_end",
    ]  # fmt: skip


def test_logs_are_running_means_at_a_batch_and_end_with_validation_at_an_epoch():
    seen: dict[str, Any] = {}
    note = LambdaCallback(
        on_train_batch_end=lambda batch, logs: seen.update(batch=logs),
        on_epoch_end=lambda epoch, logs: seen.update(epoch=logs),
        on_train_end=lambda logs: seen.update(end=logs),
        on_test_end=lambda logs: seen.update(test=logs),
    )
    network().fit(X, Y, batch_size=4, verbose=0, callbacks=note, validation_split=0.2)
    assert set(seen["batch"]) == {"loss"} and set(seen["epoch"]) == {"loss", "val_loss"}
    assert seen["epoch"]["loss"] == seen["batch"]["loss"] and seen["end"] == seen["epoch"]
    assert seen["test"] == {"loss": seen["epoch"]["val_loss"]}


def test_stop_training_at_a_batch_ends_the_epoch_there_and_still_validates():
    class Stop(Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = batch == 1

    model = network()
    history = model.fit(X, Y, batch_size=2, epochs=5, validation_split=0.2, verbose=0,
                        callbacks=[Stop()]).history  # fmt: skip
    assert model.optimizer.iterations == 2
    assert {name: len(values) for name, values in history.items()} == {"loss": 1, "val_loss": 1}


def test_stop_training_at_an_epoch_s_end_stops_and_the_next_fit_starts():
    class Stop(Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = True

    model = network()
    assert len(model.fit(X, Y, epochs=5, verbose=0, callbacks=[Stop()]).epoch) == 1
    assert len(model.fit(X, Y, epochs=3, verbose=0).epoch) == 3


def test_terminate_on_nan_stops_at_the_batch(capsys):
    model = network(loss=lambda y, p: ops.mean(p, axis=-1) * 3e38 * 10.0)
    with np.errstate(over="ignore", invalid="ignore"):
        history = model.fit(X, Y, batch_size=2, epochs=3, verbose=0, callbacks=[TerminateOnNaN()])
    assert model.optimizer.iterations == 1 and len(history.epoch) == 1
    assert "Invalid loss, terminating training" in capsys.readouterr().out


def test_early_stopping_goes_back_to_the_best_weights_of_a_real_model():
    model, kept = network(optimizer=SGD(5.0)), []
    keep = LambdaCallback(on_epoch_end=lambda epoch, logs: kept.append(model.get_weights()))
    stop = EarlyStopping("loss", patience=2, restore_best_weights=True)
    with np.errstate(all="ignore"):
        history = model.fit(X, Y, epochs=30, shuffle=False, verbose=0, callbacks=[keep, stop])
    assert len(history.epoch) < 30
    best = int(np.argmin(history.history["loss"]))
    assert all(np.array_equal(a, b) for a, b in zip(kept[best], model.get_weights(), strict=True))


def test_model_checkpoint_and_csv_logger_write_what_fit_reports(tmp_path):
    model = network("mse", "adam")
    path = str(tmp_path / "run" / "{epoch:02d}.weights.h5")
    save = ModelCheckpoint(path, save_weights_only=True)
    log = CSVLogger(tmp_path / "log.csv")
    history = model.fit(X, Y, epochs=3, validation_split=0.2, verbose=0, callbacks=[save, log])
    with open(tmp_path / "log.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["val_loss"]) for row in rows] == history.history["val_loss"]
    assert [row["epoch"] for row in rows] == ["0", "1", "2"]
    twin = network("mse", "adam", seed=1)
    twin.load_weights(path.format(epoch=3))
    assert same_weights(model, twin)
    twin.load_weights(path.format(epoch=1))
    assert not same_weights(model, twin) and twin.optimizer.iterations == 1


# Metrics, weights, losses


def test_sample_weights_weigh_the_loss_and_divide_by_the_samples():
    model = network(optimizer=SGD(1e-30))
    weight = np.array([0.0, 2.0] * 5)
    per_sample = np.mean((model(X).array - Y) ** 2, axis=1)
    expected = pytest.approx(np.mean(per_sample * weight), rel=1e-6)
    history = model.fit(X, Y, sample_weight=weight, batch_size=4, shuffle=False, verbose=0)
    assert history.history["loss"] == [expected]
    assert model.evaluate(X, Y, sample_weight=weight, batch_size=4, verbose=0) == expected
    assert model.train_on_batch(X, Y, sample_weight=weight) == expected
    assert model.evaluate(Again((X, Y, weight)), verbose=0) == expected


def test_samples_of_weight_zero_teach_nothing():
    one, two = network(losses.MeanSquaredError("sum")), network(losses.MeanSquaredError("sum"))
    weight = np.array([1.0] * 5 + [0.0] * 5)
    one.fit(X, Y, sample_weight=weight, verbose=0)
    two.fit(X[:5], Y[:5], verbose=0, shuffle=False)
    for a, b in zip(one.get_weights(), two.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_accuracy_means_binary_for_one_output_and_labels_for_several():
    labels = np.array([0, 1, 2, 1, 0, 2, 1, 0, 1, 2])
    model = network("sparse_categorical_crossentropy", outputs=3, last="softmax",
                    metrics=["accuracy"])  # fmt: skip
    _, accuracy = model.evaluate(X, labels, verbose=0)
    assert accuracy == pytest.approx(np.mean(model(X).array.argmax(1) == labels))
    truth = labels[:, None] > 0
    model = network("binary_crossentropy", outputs=1, last="sigmoid", metrics=["accuracy"])
    _, accuracy = model.evaluate(X, truth, batch_size=4, verbose=0)
    assert accuracy == pytest.approx(np.mean((model(X).array > 0.5) == truth))


def test_metrics_start_again_every_epoch_and_keep_their_names():
    model = network("mse", SGD(1e-30), metrics=["mse", metrics.MeanSquaredError(name="error")])
    history = model.fit(X, Y, batch_size=4, epochs=2, verbose=0).history
    assert list(history) == ["error", "loss", "mse"]
    for values in history.values():
        assert values == pytest.approx([np.mean((model(X).array - Y) ** 2)] * 2, rel=1e-6)
    named = model.evaluate(X, Y, verbose=0, return_dict=True)
    assert list(named) == ["error", "loss", "mse"]  # sorted, as in Keras
    values = model.evaluate(X, Y, verbose=0)
    assert values == [named["loss"], named["mse"], named["error"]]


def test_a_loss_may_be_a_function():
    def absolute(y_true, y_pred):
        return ops.mean(ops.abs(y_true - y_pred), axis=-1)

    model = network(absolute)
    before = model.evaluate(X, Y, verbose=0)
    assert before == pytest.approx(np.mean(np.abs(model(X).array - Y)), rel=1e-6)
    model.fit(X, Y, epochs=5, verbose=0)
    assert model.evaluate(X, Y, verbose=0) < before


def test_train_on_batch_reports_this_batch_alone_and_steps():
    model = network(metrics=["mse"])
    first = model.test_on_batch(X, Y)
    assert model.test_on_batch(X, Y, return_dict=True) == dict(
        zip(["loss", "mse"], first, strict=True)
    )
    assert model.optimizer.iterations == 0
    model.test_on_batch(X[:2], Y[:2])
    assert model.train_on_batch(X, Y) == first and model.optimizer.iterations == 1
    assert model.train_on_batch(X, Y)[0] < first[0]
    assert type(network().train_on_batch(X, Y)) is float


def test_train_on_batch_takes_one_step_however_many_samples():
    model = network()
    model.train_on_batch(np.repeat(X, 20, 0), np.repeat(Y, 20, 0))
    assert model.optimizer.iterations == 1


def test_predict_is_the_model_batch_by_batch():
    model = network()
    np.testing.assert_allclose(model.predict(X, batch_size=3, verbose=0), model(X).array, rtol=1e-6)
    assert Model.predict(network(optimizer="adam"), X.astype("float64"), verbose=0).shape == (10, 2)


def test_a_model_of_two_inputs_trains_on_a_list():
    a, b = Input((3,)), Input((1,))
    model = Model([a, b], Dense(1)(Concatenate()([a, b])))
    model.compile("adam", "mse")
    history = model.fit([X, Y[:, 1:]], Y[:, :1], epochs=3, validation_split=0.2, verbose=0).history
    assert len(history["val_loss"]) == 3
    assert model.evaluate([X, Y[:, 1:]], Y[:, :1], verbose=0) == pytest.approx(
        np.mean((model.predict([X, Y[:, 1:]], verbose=0) - Y[:, :1]) ** 2), rel=1e-5
    )


# A training of one's own


class Game(Model):
    """Two networks, each trained by an optimizer of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.generator = Sequential([Input((3,)), Dense(2, name="g")])
        self.critic = Sequential([Input((2,)), Dense(1, name="c")])
        self.g_loss = Mean(name="g_loss")
        self.rest = {"c": Mean(name="c_loss")}

    def compile(self, g_optimizer, c_optimizer):
        super().compile()
        self.g_optimizer, self.c_optimizer = g_optimizer, c_optimizer

    @property
    def metrics(self):
        return [self.g_loss, self.rest["c"]]

    def train_step(self, data):
        x, y = data
        for part, optimizer, sign in (
            (self.critic, self.c_optimizer, 1.0), (self.generator, self.g_optimizer, -1.0),
        ):  # fmt: skip
            with GradientTape() as tape:
                value = ops.mean(self.critic(self.generator(x)) - self.critic(y)) * sign
            variables = part.trainable_variables
            optimizer.apply(tape.gradient(value, variables), variables)
            (self.rest["c"] if part is self.critic else self.g_loss).update_state(value)
        return self.get_metrics_result()

    def test_step(self, data):
        return {"distance": ops.mean(self.generator(data[0]) - data[1])}


def test_a_train_step_of_one_s_own_runs_in_fit_with_its_metrics_and_optimizers():
    game = Game()
    game.compile(SGD(0.1), Adam(0.1))
    before = game.get_weights()
    history = game.fit(X, Y, batch_size=5, epochs=2, validation_data=(X, Y), verbose=0).history
    assert list(history) == ["c_loss", "g_loss", "val_distance"]
    assert game.g_optimizer.iterations == game.c_optimizer.iterations == 4
    assert game.optimizer.iterations == 0
    assert type(game.evaluate(X, Y, verbose=0)) is float
    after = game.get_weights()
    assert not any(np.array_equal(a, b) for a, b in zip(before[:3], after[:3], strict=True))


def test_metrics_of_a_model_start_again_in_lists_and_dicts_too():
    class Counting(Sequential):
        def __init__(self, layers):
            super().__init__(layers)
            self.plain, self.many = Mean("plain"), [Mean("a"), {"x": Mean("b")}]

        def train_step(self, data):
            for metric in self.metrics:
                metric.update_state(1.0)
            assert all(metric.count <= 2 for metric in self.metrics)
            return self.get_metrics_result()

    model = Counting([Input((3,)), Dense(2)])
    model.compile()
    assert [m.name for m in model.metrics] == ["loss", "plain", "a", "b"]
    model.fit(X, Y, batch_size=5, epochs=3, verbose=0)


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (None, "train_step: expected to return a dict of numbers, got NoneType"),
        (3.0, "train_step: expected to return a dict of numbers, got float"),
        ({"loss": X}, r"train_step: loss: expected a number, got shape \(10, 3\)"),
    ],
)
def test_a_train_step_that_returns_no_numbers_is_refused(result, message):
    class Wrong(Sequential):
        def train_step(self, data):
            return result

    model = Wrong([Input((3,)), Dense(2)])
    model.compile()
    with pytest.raises(TypeError, match=message):
        model.fit(X, Y, verbose=0)


# Printing


def test_verbose_0_is_silent_1_draws_a_bar_2_prints_a_line_an_epoch(capsys):
    model = network()

    def shown(verbose: Any) -> str:
        model.fit(X, Y, epochs=2, verbose=verbose)
        return capsys.readouterr().out

    assert shown(0) == ""
    assert shown(2).count("\n") == 4 and "1/1 - " in shown(2) and "Epoch 2/2" in shown(2)
    assert "━" in shown(1) and "━" in shown("auto") and "━" in shown(True)
    model.evaluate(X, Y)
    model.predict(X)
    assert capsys.readouterr().out.count("1/1") >= 2


# Saving


@pytest.mark.parametrize("optimizer", ["adam", "sgd", "rmsprop", "adagrad"])
def test_a_resumed_run_equals_an_uninterrupted_one_bit_for_bit(tmp_path, optimizer):
    path = tmp_path / "run.weights.h5"

    def make() -> Model:
        model = Sequential([Input((3,)), Dense(4, "relu"), Dropout(0.5), Dense(2)])
        model.compile(optimizer, "mse")
        return model

    random.set_random_seed(11)
    whole = make()
    options: dict[str, Any] = {"batch_size": 4, "verbose": 0, "validation_split": 0.2}
    expected = whole.fit(X, Y, epochs=5, **options).history

    random.set_random_seed(11)
    first = make()
    begun = first.fit(X, Y, epochs=2, **options).history
    first.save_weights(path)
    state = random.get_state()

    random.set_random_seed(999)
    resumed = make()
    resumed.load_weights(path)
    random.set_state(state)
    rest = resumed.fit(X, Y, epochs=5, initial_epoch=2, **options).history
    assert same_weights(whole, resumed)
    assert {name: begun[name] + rest[name] for name in begun} == expected


def test_weights_come_back_bit_for_bit_in_float64_too(tmp_path):
    config.set_floatx("float64")
    try:
        one, two = network(seed=1), network(seed=2)
        one.fit(X, Y, verbose=0)
        one.save_weights(tmp_path / "m.weights.h5")
        two.load_weights(tmp_path / "m.weights.h5")
    finally:
        config.set_floatx("float32")
    assert same_weights(one, two) and one.get_weights()[0].dtype == np.float64


def test_loading_the_weights_of_another_model_is_one_line_and_changes_nothing(tmp_path):
    path = tmp_path / "other.weights.h5"
    other = Sequential([Input((3,)), Dense(5), Dense(2)])
    other.compile("adam", "mse")
    other.fit(X, Y, verbose=0)
    other.save_weights(path)
    model = network("mse", "adam")
    before, state = model.get_weights(), model.optimizer.get_state()
    with pytest.raises(ValueError, match=r"other.weights.h5: does not fit this model") as error:
        model.load_weights(path)
    assert "\n" not in str(error.value)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    assert not model.optimizer.built and len(model.optimizer.get_state()) == len(state)


# What a user may get wrong


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epochs": 0}, "fit: epochs: expected a positive integer, got 0"),
        ({"epochs": 2.0}, "fit: epochs: expected a positive integer, got 2.0"),
        ({"epochs": "5"}, "fit: epochs: expected a positive integer, got '5'"),
        ({"initial_epoch": -1}, "fit: initial_epoch: expected an integer >= 0, got -1"),
        ({"batch_size": "8"}, "batch_size: expected a positive integer, got '8'"),
        ({"verbose": 3}, "verbose: expected 'auto', 0, 1 or 2, got 3"),
        ({"verbose": None}, "verbose: expected 'auto', 0, 1 or 2, got None"),
        ({"shuffle": "batch"}, "fit: shuffle: expected True or False, got 'batch'"),
        ({"callbacks": 5}, "callbacks: expected a list of Callbacks, got 5"),
        ({"callbacks": [EarlyStopping]}, "callbacks: expected instances of Callback"),
        ({"validation_split": 1.0}, r"validation_split: expected a number in \(0, 1\), got 1.0"),
        ({"validation_data": "a"}, "validation_data: x: expected arrays or an iterable"),
        ({"validation_data": (X, Y[:3])}, "validation_data: y: expected 10 samples, got 3"),
        ({"validation_data": (X * np.nan, Y)}, "validation_data: x: expected finite values"),
        ({"sample_weight": np.ones(5)}, "sample_weight: expected 10 samples, got 5"),
        ({"sample_weight": np.ones((10, 3))}, "sample_weight: expected shape"),
        ({"y": Y[:9]}, "^y: expected 10 samples, got 9"),
        ({"y": None}, "y: expected targets for the loss mean_squared_error, got None"),
        ({"y": [Y, Y]}, "y: expected one array, got a list"),
        ({"y": np.ones((10, 7))}, r"y_true: expected shape \(10, 2\), got \(10, 7\)"),
        ({"x": X[:, :2]}, r"expected input of shape \(None, 3\), got \(10, 2\)"),
        ({"x": X * np.inf}, "x: expected finite values"),
        ({"x": X[:0], "y": Y[:0]}, "x: expected samples, got an array of shape"),
        ({"steps_per_epoch": 0}, "fit: steps_per_epoch: expected a positive integer, got 0"),
        ({"class_weight": {0: 1.0}, "sample_weight": Y[:, 0]}, "expected no sample_weight beside"),
        ({"class_weight": {0: 1.0}, "y": [Y, Y]}, "class_weight: expected one array of targets y"),
        ({"x": None}, "x: expected arrays or an iterable of batches, got NoneType"),
        ({"validation_freq": 2}, "unexpected keyword argument 'validation_freq'"),
    ],
)
def test_a_wrong_argument_of_fit_is_one_clear_line_and_changes_nothing(options, message):
    model = network()
    before = model.get_weights()
    arguments = {"x": X, "y": Y, "verbose": 0} | options
    with (
        np.errstate(all="ignore"),
        pytest.raises((TypeError, ValueError), match=message) as error,
    ):
        model.fit(**arguments)
    assert "\n" not in str(error.value)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"optimizer": "adm"}, "optimizer: unknown 'adm'; did you mean 'adam'?"),
        ({"loss": "mean_square"}, "loss: unknown .* did you mean 'mean_squared_error'?"),
        ({"loss": ["mse", "mae"]}, "numpy_nets has no losses of several outputs: expected one"),
        ({"metrics": ["acuracy"]}, "metric: unknown 'acuracy'; did you mean 'accuracy'?"),
        ({"metrics": "accuracy"}, "compile: metrics: expected a list, got 'accuracy'"),
        ({"metrics": [BinaryAccuracy]}, "metric: unknown <class"),
        ({"run_eagerly": True}, "unexpected keyword argument 'run_eagerly'"),
    ],
)
def test_a_wrong_argument_of_compile_is_found_by_compile(options, message):
    model = Sequential([Input((3,)), Dense(2)])
    kinds = (TypeError, ValueError, NotImplementedError)
    with pytest.raises(kinds, match=message) as error:
        model.compile(**options)
    assert "\n" not in str(error.value)
    assert not model.compiled


@pytest.mark.parametrize("call", ["fit", "evaluate", "train_on_batch", "test_on_batch"])
def test_a_model_must_be_compiled_and_have_a_loss(call):
    model = Sequential([Input((3,)), Dense(2)])
    with pytest.raises(ValueError, match=rf"{call}: call model.compile\(optimizer, loss\) first"):
        getattr(model, call)(X, Y)
    model.compile("sgd")
    with pytest.raises(ValueError, match="loss: expected one"):
        getattr(model, call)(X, Y)


@pytest.mark.parametrize("label", [3, -1, 0.5])
def test_labels_out_of_range_are_named(label):
    model = network("sparse_categorical_crossentropy", outputs=3, last="softmax")
    labels = np.array([0, 1, 2, 0, 1, 2, 0, 1, 2, label])
    with pytest.raises(ValueError, match=rf"expected labels 0 to 2, got {label}"):
        model.fit(X, labels, verbose=0)


def test_a_model_of_several_outputs_needs_a_train_step_of_its_own():
    x = Input((3,))
    model = Model(x, [Dense(2)(x), Dense(2)(x)])
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="model output: expected one array, got a list"):
        model.fit(X, Y, verbose=0)


def test_a_model_without_trainable_weights_is_evaluated_in_fit_and_warns():
    model = network()
    model.trainable = False
    with pytest.warns(UserWarning, match="train_step: the model has no trainable weights"):
        history = model.fit(X, Y, verbose=0).history
    assert history["loss"] == [pytest.approx(model.evaluate(X, Y, verbose=0))]


def test_a_training_step_leaves_no_reference_cycle():
    """A cycle keeps the arrays of a step alive until the garbage collector comes by."""
    x = np.random.default_rng(0).random((8, 6))
    model, _ = build_autoencoder(6, 2)
    model.compile("adam", "binary_crossentropy")
    model.train_on_batch(x, x)
    gc.collect()
    gc.disable()
    try:
        model.train_on_batch(x, x)
        model.test_on_batch(x, x)
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_a_validation_batch_size_of_zero_raises() -> None:
    model = Sequential([Dense(1)])
    model.compile("sgd", "mse")
    x = np.ones((4, 1))
    with pytest.raises(ValueError, match="batch_size: expected a positive integer, got 0"):
        model.fit(x, x, validation_data=(x, x), validation_batch_size=0, verbose=0)


def test_metrics_go_in_by_name_for_keras_has_loss_weights_there() -> None:
    with pytest.raises(TypeError, match="positional"):
        Sequential([Dense(1)]).compile("sgd", "mse", ["mse"])


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="about the allocator of glibc")
def test_arrays_of_a_step_are_served_from_memory_that_the_process_keeps() -> None:
    program = """if True:
        import resource, sys
        import numpy as np
        from numpy_nets.network.trainer import keep_freed_memory
        if sys.argv[1] == "with":
            keep_freed_memory()
        data = np.ones((60, 784 * 256), np.float32)  # too large to teach the allocator anything
        for batch in data:
            before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
            np.exp(-np.abs(batch))
        print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
    """
    faults = {
        which: int(subprocess.check_output([sys.executable, "-c", program, which]))
        for which in ("with", "without")
    }
    assert faults["with"] < 20 < faults["without"]


class Watched(Layer):
    """Keeps the mean of what it sees, and adds a loss."""

    def __init__(self):
        super().__init__()
        self.mean = Mean(name="watched")

    def call(self, inputs):
        self.mean.update_state(ops.mean(inputs))
        self.add_loss(0.5 * ops.mean(inputs))
        return inputs

    def compute_output_shape(self, input_shape):
        return input_shape


def test_metrics_and_losses_of_layers_inside_are_reported_and_start_again_every_epoch():
    for wrap in (lambda layer: layer, lambda layer: Sequential([Input((3,)), layer])):
        model = Sequential([Input((3,)), wrap(Watched()), Dense(2)])
        model.compile(SGD(0.0), "mse")
        history = model.fit(X, Y, epochs=2, batch_size=5, verbose=0).history
        np.testing.assert_allclose(history["watched"], [X.mean()] * 2, rtol=1e-6)
        mse = np.mean((model(X).array - Y) ** 2)
        np.testing.assert_allclose(history["loss"], [mse + 0.5 * X.mean()] * 2, rtol=1e-6)
        names = list(model.evaluate(X, Y, verbose=0, return_dict=True))
        assert names == ["loss", "watched"]


def test_a_model_inside_keeps_its_own_loss_and_metrics_to_itself():
    class Inner(Model):
        def __init__(self):
            super().__init__()
            self.kept = Mean(name="kept")
            self.watched = Watched()

        def call(self, inputs):
            return self.watched(inputs)

    inner = Inner()
    inner.compile("sgd", "mse")
    model = Model()
    model.inner, model.dense = inner, Dense(2)
    model.call = lambda inputs: model.dense(model.inner(inputs))
    model.compile("sgd", "mse")
    assert sorted(model.fit(X, Y, verbose=0).history) == ["loss", "watched"]


def test_metrics_of_one_name_are_numbered():
    mine = metrics.MeanSquaredError(name="mse")
    model = network(metrics=["mse", "mse", mine])
    logs = model.train_on_batch(X, Y, return_dict=True)
    assert list(logs) == ["loss", "mse", "mse_1", "mse_2"]
    assert logs["mse"] == logs["mse_1"] == logs["mse_2"] == pytest.approx(logs["loss"])


def test_regularizers_add_to_the_loss_and_its_gradient():
    for regularizer, penalty, slope in (
        ("l2", lambda w: 0.01 * np.sum(w**2), lambda w: 0.02 * w),
        (L1(0.5), lambda w: 0.5 * np.sum(np.abs(w)), lambda w: 0.5 * np.sign(w)),
        (lambda w: 3.0 * ops.sum(w), lambda w: 3.0 * np.sum(w), np.full_like),
    ):
        plain, model = (
            Sequential([Input((3,)), Dense(2, kernel_regularizer=r)]) for r in (None, regularizer)
        )
        model.set_weights(plain.get_weights())
        kernel = model.get_weights()[0]
        for each in (plain, model):
            each.compile(SGD(1.0), "mse")
        expected = plain.train_on_batch(X, Y) + penalty(kernel)
        assert model.train_on_batch(X, Y) == pytest.approx(expected, rel=1e-6)
        step = slope(kernel) if slope is not np.full_like else np.full_like(kernel, 3.0)
        np.testing.assert_allclose(
            model.get_weights()[0], plain.get_weights()[0] - step, rtol=1e-5, atol=1e-6
        )


def test_a_model_may_have_no_loss_but_those_of_its_layers():
    model = Sequential([Input((3,)), Dense(2, activity_regularizer=L2(0.25))])
    model.compile("sgd")
    expected = 0.25 * np.sum(model(X).array ** 2) / len(X)
    assert model.train_on_batch(X) == pytest.approx(expected, rel=1e-6)


def test_one_output_may_be_in_a_list():
    x = Input((3,))
    model = Model([x], [Dense(2)(x)])
    assert model.output_shape == (None, 2) and model(X).shape == (10, 2)
    assert model.predict(X, verbose=0).shape == (10, 2)
    model.compile("sgd", "mse", metrics=["mse"])
    for y in (Y, [Y]):
        assert len(model.train_on_batch(X, y)) == 2

    class Listed(Model):
        def __init__(self):
            super().__init__()
            self.dense = Dense(2)

        def call(self, inputs):
            return [self.dense(inputs)]

    model = Listed()
    model.compile("sgd", "mse", metrics=["mse"])
    assert len(model.train_on_batch(X, Y)) == 2


def test_compute_loss_takes_its_arguments_by_name_and_arrays():
    loss = network().compute_loss(y=np.zeros((4, 1)), y_pred=np.ones((4, 1)))
    assert float(loss) == 1.0


def test_compute_loss_is_told_whether_it_trains_if_it_asks():
    told = []

    class Asking(Sequential):
        def compute_loss(self, x, y, y_pred, sample_weight=None, training=True):
            told.append(training)
            return super().compute_loss(x, y, y_pred, sample_weight)

    model = Asking([Input((3,)), Dense(2)])
    model.compile("sgd", "mse")
    model.fit(X, Y, verbose=0, validation_data=(X, Y))
    assert told == [True, False]


def test_predict_goes_through_predict_step():
    class Doubling(Sequential):
        def predict_step(self, data):
            return 2.0 * super().predict_step(data)

    model = Doubling([Input((3,)), Dense(2)])
    np.testing.assert_allclose(model.predict(X, verbose=0), 2 * model(X).array, rtol=1e-6)


@pytest.mark.parametrize("name", ["save", "get_config"])
def test_what_is_not_here_says_what_to_use(name):
    with pytest.raises(NotImplementedError, match=rf"{name}: not in numpy_nets: .*save_weights"):
        getattr(network(), name)()
