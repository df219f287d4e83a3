"""The tour's first file: its operations, its tape, its check and its training are what they say."""

import subprocess
import sys

import numpy as np
import pytest

from numpy_nets.tour import backprop_from_scratch as tour

RNG = np.random.default_rng(0)
X = RNG.normal(size=(4, 6))
OPERATIONS = {
    "matmul": (tour.matmul, [X, RNG.normal(size=(6, 3))]),
    "add": (tour.add, [X, RNG.normal(size=(4, 6))]),
    "add a bias": (tour.add, [X, RNG.normal(size=6)]),
    "relu": (tour.relu, [X]),
    "sigmoid": (tour.sigmoid, [X]),
    "square": (tour.square, [X]),
    "mean": (tour.mean, [X]),
}


@pytest.fixture(autouse=True)
def empty_tape():
    tour.tape.clear()
    yield
    assert not tour.tape


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_vjp_is_that_of_finite_differences(name):
    operation, inputs = OPERATIONS[name]
    inputs = [x.copy() for x in inputs]
    weights = RNG.normal(size=operation(*inputs).shape)
    tour.tape.clear()

    def value():
        y = operation(*inputs)
        tour.tape.clear()
        return float(np.sum(y * weights))

    y = operation(*inputs)
    (_, _, vjps) = tour.tape.pop()
    assert len(vjps) == len(inputs) and y.shape == weights.shape
    for x, vjp in zip(inputs, vjps, strict=True):
        gradient, numbers = vjp(weights), np.empty_like(x)
        for i in range(x.size):
            old, ends = x.flat[i], []
            for x.flat[i] in (old + 1e-6, old - 1e-6):
                ends.append(value())
            x.flat[i] = old
            numbers.flat[i] = (ends[0] - ends[1]) / 2e-6
        np.testing.assert_allclose(gradient, numbers, atol=1e-8)


def test_an_array_that_is_used_twice_gets_the_sum_of_two_gradients():
    x = np.array([1.0, 2.0])
    loss = tour.mean(tour.add(tour.square(x), x))  # the mean of x² + x
    (gradient,) = tour.gradient(loss, [x])
    assert gradient.tolist() == [1.5, 2.5]


def test_what_the_loss_does_not_depend_on_changes_no_gradient():
    x = np.array([1.0, 2.0])
    loss = tour.mean(tour.square(x))
    tour.sigmoid(x)
    assert tour.gradient(loss, [x])[0].tolist() == [1.0, 2.0]


def test_the_check_passes_what_is_right_and_catches_what_is_wrong(monkeypatch):
    rng = np.random.default_rng(1)
    weights = tour.initial_weights(6, 3, rng)
    x = rng.uniform(size=(5, 6))
    before = [w.copy() for w in weights]
    assert tour.check(x, weights, rng) < 1e-6
    for w, old in zip(weights, before, strict=True):
        assert w.tobytes() == old.tobytes()

    def wrong(x):
        return tour.note(1 / (1 + np.exp(-x)), [x], [lambda g: g])

    monkeypatch.setattr(tour, "sigmoid", wrong)
    assert tour.check(x, weights, rng) > 0.1


def test_its_gradients_are_those_of_the_library_and_a_changed_bit_would_be_seen(monkeypatch):
    rng = np.random.default_rng(2)
    weights = tour.initial_weights(20, 7, rng)
    x = rng.uniform(size=(9, 20))
    assert tour.compare_with_the_library(x, weights)
    monkeypatch.setattr(
        tour, "square", lambda x: tour.note(x * x, [x], [lambda g: 2.0000001 * g * x])
    )
    assert not tour.compare_with_the_library(x, weights)


def test_it_runs_as_a_program_and_learns():
    result = subprocess.run(
        [sys.executable, "-W", "error", tour.__file__], capture_output=True, text=True, check=True
    )
    assert not result.stderr
    lines = dict(line.rsplit(": ", 1) for line in result.stdout.splitlines() if ": " in line)
    assert float(lines["worst gradient, against finite differences"]) < 1e-5
    assert float(lines["on images it has not seen"]) < 0.022
    assert float(lines["saying the mean image instead"]) > 0.06
    assert lines["numpy_nets has the same gradients, bit for bit"] == "True"
