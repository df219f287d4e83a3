"""LearningRateScheduler, in a fit of a model."""

from typing import Any

import numpy as np
import pytest

from numpy_nets import Sequential
from numpy_nets.callbacks import LearningRateScheduler
from numpy_nets.layers import Dense, Input
from numpy_nets.optimizers import SGD

X = np.ones((4, 2), np.float32)


def fit(callback: LearningRateScheduler, **options: Any) -> Any:
    model = Sequential([Input((2,)), Dense(1, kernel_initializer="zeros", use_bias=False)])
    model.compile(SGD(1.0), lambda y, p: p)
    history = model.fit(X, X[:, :1], callbacks=[callback], verbose=0, **options)
    return model, history.history


def test_each_epoch_has_the_rate_that_the_schedule_gives_it() -> None:
    seen = []

    def halve(epoch: int, rate: float) -> float:
        seen.append((epoch, rate))
        return rate / 2

    model, history = fit(LearningRateScheduler(halve), epochs=3, validation_data=(X, X[:, :1]))
    assert seen == [(0, 1.0), (1, 0.5), (2, 0.25)]
    assert list(history) == ["loss", "val_loss", "learning_rate"]
    assert history["learning_rate"] == [0.5, 0.25, 0.125]
    np.testing.assert_array_equal(model.get_weights()[0], np.full((2, 1), -0.875))  # the slope is 1


def test_verbose_prints_the_rate(capsys: pytest.CaptureFixture[str]) -> None:
    fit(LearningRateScheduler(lambda epoch, rate: 0.25, verbose=1))
    text = "\nEpoch 1: LearningRateScheduler setting learning rate to 0.25.\n"
    assert capsys.readouterr().out == text


def test_a_rate_that_is_not_a_float_raises() -> None:
    with pytest.raises(ValueError, match="SGD: learning_rate: expected a float or a schedule, got"):
        fit(LearningRateScheduler(lambda epoch, rate: "0.1"))  # type: ignore[arg-type,return-value]
