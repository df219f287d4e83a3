"""n ranks train as one process does: weights, logs, noise."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from numpy_nets import callbacks, optimizers, random, shares
from numpy_nets.autodiff import GradientTape, ops
from numpy_nets.distributed import World
from numpy_nets.layers import Dense
from numpy_nets.models import Model, Sequential
from numpy_nets.shares import Share
from tests.distributed import workloads
from tests.distributed.workloads import MODELS, STEPS, X, trained

EPS = 2.0**-23  # of float32


def assert_like(run: dict[str, Any], one: dict[str, Any]) -> None:
    """The same to rounding, and the same random numbers.

    A step adds up the same numbers in another order, and rounds the new weights. With weights below
    2 and steps that are small beside them, it is the second that counts: at most EPS a step, and
    what a step has added, the next ones do not enlarge. (Here they stay within 4 EPS in all.)
    """
    assert np.abs(one["weights"]).max() < 2
    np.testing.assert_allclose(run["weights"], one["weights"], rtol=0, atol=STEPS * EPS)
    history, expected = (json.loads(str(result["history"])) for result in (run, one))
    assert history.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_allclose(history[name], values, rtol=STEPS * EPS, err_msg=name)
    assert str(run["random"]) == str(one["random"])


@pytest.fixture(scope="module")
def one() -> dict[str, dict[str, Any]]:
    return {name: trained(name) for name in MODELS}


@pytest.fixture(scope="module")
def processes(
    mpiexec: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory
) -> dict[tuple[int, int], dict[str, list[Any]]]:
    """(ranks, run) -> what each of the ranks has got, by name of the model."""
    results = {}
    for n, again in ((2, 0), (3, 0), (3, 1)):
        folder: Path = tmp_path_factory.mktemp(f"{n}-ranks")
        process = mpiexec(n, workloads.__file__, folder, folder=folder)
        output, errors = process.communicate(timeout=120)
        assert process.returncode == 0 and not output and not errors, errors
        results[n, again] = {
            name: [dict(np.load(folder / f"{name}-{rank}.npz")) for rank in range(n)]
            for name in (*MODELS, "led", "own_loop")
        }
    return results


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("n", [2, 3])
def test_processes_train_as_one_process_does(name: str, n: int, one: Any, processes: Any) -> None:
    for run in processes[n, 0][name]:
        assert_like(run, one[name])
        for what, value in processes[n, 0][name][0].items():
            assert np.array_equal(run[what], value), what  # bit for bit, on all ranks


@pytest.mark.parametrize("name", MODELS)
def test_the_same_command_gives_the_same_bits(name: str, processes: Any) -> None:
    first, second = (processes[3, again][name][0] for again in (0, 1))
    assert all(np.array_equal(first[what], second[what]) for what in first)


def test_all_ranks_stop_and_draw_as_callbacks_of_rank_0_have_done(processes: Any) -> None:
    leading = trained("vae", callbacks=[workloads.Leader()])
    for n in (2, 3):
        for run in processes[n, 0]["led"]:
            assert len(json.loads(str(run["history"]))["loss"]) == 3
            assert str(run["random"]) == leading["random"]


def test_a_loop_of_ones_own_takes_the_same_steps_on_all_ranks(processes: Any) -> None:
    expected = workloads.own_loop()["weights"]  # without mpiexec: all rows, and the same start
    for n in (2, 3):
        for run in processes[n, 0]["own_loop"]:
            np.testing.assert_allclose(run["weights"], expected, rtol=0, atol=6 * EPS)


# The sum of parts in the order of the ranks: what it is, without any message.


def in_parts(model: Model, loss: Callable[[Any], Any], n: int) -> None:
    """Train on the batches of an epoch as n ranks would, in one process."""
    for start in range(0, len(X), 20):
        x = X[start : start + 20]
        state, total = random.get_state(), 0.0
        variables = model.trainable_variables
        for r in range(n):
            low, high = len(x) * r // n, len(x) * (r + 1) // n
            random.set_state(state)  # every rank draws the noise of the whole batch
            if low == high:
                continue
            share = Share(low, high - low, len(x), (high - low) / len(x), lambda array: array)
            with shares.using(share), GradientTape() as tape:
                value = loss(x[low:high])
            gradients = [g.array.ravel() for g in tape.gradient(value, variables)]
            total = total + np.concatenate(gradients) * np.float32(share.weight)
        parts = np.split(total, np.cumsum([v.array.size for v in variables])[:-1])
        shaped = [p.reshape(v.shape) for p, v in zip(parts, variables, strict=True)]
        assert model.optimizer is not None
        model.optimizer.apply(shaped, variables)


@pytest.mark.parametrize("name", ["autoencoder", "vae"])
@pytest.mark.parametrize("n", [2, 3])
def test_the_sum_of_the_parts_in_the_order_of_the_ranks_has_the_same_bits(
    name: str, n: int, ranks: Any
) -> None:
    def distributed(world: World) -> Any:
        return trained(name, distribute(world), shuffle=False, validation_data=None)["weights"]

    random.set_random_seed(7)
    model, _ = MODELS[name](lambda optimizer: optimizer)

    def loss(x: Any) -> Any:
        x = ops.convert_to_tensor(x)
        if name == "vae":
            first, second = model.terms(x, model.draw_noise(x))
            return first + second
        return model.loss(x, model(x, training=True))

    for _ in range(9):
        in_parts(model, loss, n)
    expected = np.concatenate([w.ravel() for w in model.get_weights()])
    for weights in ranks(n, distributed):
        assert np.array_equal(weights, expected)


def distribute(world: World) -> Callable[[Any], Any]:
    def wrap(optimizer: Any) -> Any:
        optimizer.world = world
        return optimizer

    return wrap


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("n", [2, 5, 20])
def test_any_number_of_ranks_trains_as_one_does(name: str, n: int, one: Any, ranks: Any) -> None:
    """Threads, as mpiexec needs seconds. Of 20, most have no row of the last batch."""
    if name == "deep_gan" and n == 20:  # 20 images are 10 for each step of D
        n = 10
    for run in ranks(n, lambda world: trained(name, distribute(world))):
        assert_like(run, one[name])


def test_a_step_sends_one_buffer_of_all_gradients_and_one_of_a_few_metrics(ranks: Any) -> None:
    def program(world: World) -> list[int]:
        sent, total = [], world.sum

        def sum_of(x: np.ndarray) -> np.ndarray:
            sent.append(x.nbytes)
            return total(x)

        world.sum = sum_of  # type: ignore[method-assign]
        trained("autoencoder", distribute(world), epochs=1, validation_data=None)
        return sent

    weights = 12 * 4 + 4 + 4 * 12 + 12
    metrics = 2 * 2 + 1  # sum and count of loss and mse, and whether to stop
    for sent in ranks(3, program):
        assert sent == 6 * [4 * weights, 8 * metrics]


def test_early_stopping_stops_all_ranks_after_the_same_epoch(ranks: Any) -> None:
    def epochs(world: World | None) -> int:
        stopping = callbacks.EarlyStopping(monitor="loss", patience=0, min_delta=0.004)
        wrap = distribute(world) if world else (lambda optimizer: optimizer)
        run = trained("autoencoder", wrap, callbacks=[stopping])
        return len(json.loads(run["history"])["loss"])

    assert 1 < epochs(None) < 9
    assert ranks(3, epochs) == [epochs(None)] * 3


def test_evaluate_and_train_on_batch_are_of_the_whole_batch_on_every_rank(ranks: Any) -> None:
    def results(world: World | None) -> list[Any]:
        random.set_random_seed(7)
        wrap = distribute(world) if world else (lambda optimizer: optimizer)
        model, _ = MODELS["autoencoder"](wrap)
        first = model.train_on_batch(X, X)
        return [first, model.test_on_batch(X[:1], X[:1]), model.evaluate(X, X, verbose=0)]

    expected = results(None)
    for result in ranks(3, results):
        np.testing.assert_allclose(result, expected, rtol=8 * EPS)


def test_all_ranks_begin_with_the_state_of_rank_0(ranks: Any) -> None:
    """Its weights, its optimizer, and its random numbers, also those of a stream of the model's."""

    def program(world: World) -> Any:
        random.set_random_seed(world.rank)
        model, arguments = MODELS["classifier"](distribute(world))
        model.layers[2].seed = random.SeedGenerator(world.rank)
        if world.rank == 0:
            model.optimizer.build(model.trainable_variables)
            model.optimizer.iterations = 5
        model.fit(**arguments, batch_size=20, verbose=0)
        state = [model.optimizer.get_state()[0], *model.get_weights()]
        return [*state, random.get_state(), model.layers[2].seed.generator.random()]

    first, *others = ranks(3, program)
    assert first[0] == 5 + 4
    for state in others:
        assert all(np.array_equal(a, b) for a, b in zip(state, first, strict=True))


def test_iterables_give_whole_batches_and_each_rank_takes_its_rows(ranks: Any, one: Any) -> None:
    class Epoch:
        def __iter__(self) -> Any:
            order = random.generator().permutation(len(X))
            return (X[order[start : start + 20]] for start in range(0, len(X), 20))

    def program(world: World) -> dict[str, Any]:
        return trained("gan", distribute(world), x=Epoch(), batch_size=None)

    for run in ranks(3, program):
        assert_like(run, one["gan"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"batch_size": 2}, "fit: batch_size: expected at least one sample for each of 3 ranks"),
        ({"k": 2, "x": X[:81]}, "k = 2: expected batches of a multiple of 2 images"),
    ],
)
def test_what_ranks_cannot_share_is_said(arguments: Any, said: str, ranks: Any) -> None:
    def program(world: World) -> None:
        model, _ = MODELS["gan"](distribute(world))
        model.k = arguments.get("k", 1)
        options = {"x": X, "batch_size": 20, **arguments}
        options.pop("k", None)
        model.fit(**options, verbose=0)

    with pytest.raises(ValueError) as error:
        ranks(3, program)
    assert said in str(error.value)


def test_a_model_that_is_not_built_a_second_optimizer_and_a_loop_without_a_share(
    ranks: Any,
) -> None:
    def unbuilt(world: World) -> None:
        model = Sequential([Dense(1)])
        model.compile(distribute(world)(optimizers.SGD(0.1)), "mse")
        model.fit(X, X[:, :1], verbose=0)

    def alone(world: World) -> None:
        model, _ = MODELS["gan"](lambda optimizer: optimizer)
        model.d_optimizer.world = world
        model.fit(X, verbose=0)

    def loop(world: World) -> None:
        model, _ = MODELS["autoencoder"](distribute(world))
        model.optimizer.apply(model.get_weights(), model.trainable_variables)

    for program, said in (
        (unbuilt, "expected a model that is built before several ranks train it"),
        (alone, "expected a DistributedOptimizer in all places, or in none"),
        (loop, "expected a step of `fit`, or one in `distributed.shared`"),
    ):
        with pytest.raises(ValueError) as error:
            ranks(2, program)
        assert said in str(error.value)
