"""Threads that train and predict at once compute what each would compute alone."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
import pytest

from numpy_nets import GradientTape, Input, Sequential, Variable, layers, naming, ops, random
from numpy_nets.autodiff.tensor import Array
from numpy_nets.layers import Dense, Dropout, GaussianNoise

T = TypeVar("T")
X = np.random.default_rng(0).random((64, 6), np.float32)


@pytest.fixture(autouse=True)
def _eager_switches() -> Iterator[None]:
    """A thousand times as many switches between threads as usual."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(5e-6)
    yield
    sys.setswitchinterval(interval)


def at_once(*work: Callable[[], T]) -> list[T]:
    """What each returns, all begun at the same moment, each in a thread of its own."""
    begin = threading.Barrier(len(work))

    def run(function: Callable[[], T]) -> T:
        begin.wait()
        return function()

    with ThreadPoolExecutor(len(work)) as pool:
        return list(pool.map(run, work))


def in_a_thread(function: Callable[[], T]) -> T:
    return at_once(function)[0]


def model() -> Sequential:
    return Sequential([Input((6,)), Dense(8, "relu"), GaussianNoise(0.1), Dropout(0.5), Dense(6)])


def trained(seed: int) -> list[Array]:
    random.set_random_seed(seed)
    net = model()
    net.compile("adam", "mse")
    net.fit(X, X, batch_size=8, epochs=12, verbose=0)
    return net.get_weights()


def test_two_trainings_and_a_prediction_at_once_are_what_they_are_alone() -> None:
    alone = [trained(1), trained(2)]
    net = model()
    expected = net(X).array
    trainings = []

    def predictions() -> list[Array]:
        outputs = []
        while any(thread.is_alive() for thread in trainings):
            outputs += [net.predict(X, verbose=0), net(X).array]
        return outputs

    results: dict[int, list[Array]] = {}
    for seed in (1, 2):
        thread = threading.Thread(target=lambda s=seed: results.update({s: trained(s)}))
        trainings.append(thread)
        thread.start()
    outputs = predictions()
    assert outputs
    assert all(np.array_equal(y, expected) for y in outputs)
    assert np.array_equal(net(X).array, expected)  # dropout is off afterwards, too
    for weights, seed in zip(alone, (1, 2), strict=True):
        for a, b in zip(weights, results[seed], strict=True):
            np.testing.assert_array_equal(a, b)


def test_a_tape_records_its_own_thread_only() -> None:
    v = Variable(3.0)
    with GradientTape() as tape:
        in_a_thread(lambda: v * v)
        y = 2.0 * v
    assert [record.output for record in tape.records] == [y]


def test_a_tape_that_another_thread_records_with_cannot_be_entered() -> None:
    tape = GradientTape()
    with tape, pytest.raises(ValueError, match="recording already"):
        in_a_thread(tape.__enter__)


def test_training_is_on_in_the_thread_that_trains_only() -> None:
    seen = []

    class Nested(layers.Layer):
        def call(self, inputs, training=False):
            seen.append((training, in_a_thread(lambda: Flag()(X).array[0])))
            return inputs

    class Flag(layers.Layer):
        def call(self, inputs, training=False):
            return ops.full_like(inputs[:, 0], training)

    Nested()(X, training=True)
    assert seen == [(True, 0.0)]


def test_a_seed_holds_for_the_thread_that_sets_it() -> None:
    random.set_random_seed(7)
    here = random.normal((4,)).array
    random.set_random_seed(7)

    def elsewhere() -> tuple[Array, Array]:
        unseeded = random.normal((4,)).array
        random.set_random_seed(7)
        return unseeded, random.normal((4,)).array

    unseeded, seeded = in_a_thread(elsewhere)
    assert not np.array_equal(unseeded, here)
    np.testing.assert_array_equal(seeded, here)
    np.testing.assert_array_equal(random.normal((4,)).array, here)  # the other drew none of these


def test_no_automatic_name_is_given_twice() -> None:
    class Slow(str):
        """Lets the other threads run whenever a dict looks it up."""

        def __hash__(self) -> int:
            time.sleep(1e-6)
            return super().__hash__()

    def names() -> list[str]:
        return [naming.unique_name(Slow("thread")) for _ in range(50)]

    made = [name for names in at_once(names, names, names, names) for name in names]
    assert len(set(made)) == 200
