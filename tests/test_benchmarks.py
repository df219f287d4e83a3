"""What benchmarks conclude from what they measured; nothing here is timed."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks import communication, growth, speed, table, timing
from benchmarks.peers import ours, sgemm
from benchmarks.peers.functional import Functional
from benchmarks.work import LAYERS, WORKLOADS, Work
from benchmarks.worker import PEERS, Missing, Worker, load


@pytest.fixture
def data(tmp_path: Path) -> str:
    path = tmp_path / "images.npy"
    np.save(path, np.random.default_rng(0).integers(0, 256, (50, 784), np.uint8))
    return str(path)


def small(name: str, data: str) -> Work:
    return replace(WORKLOADS[name], steps=1, batch=10, data=data)


def test_slope_is_the_exponent_of_a_power_law() -> None:
    sizes = [100, 200, 700]
    assert timing.slope(sizes, [3 * n**1.5 for n in sizes]) == pytest.approx(1.5)


def test_a_ring_sends_almost_twice_the_bytes_in_twice_the_rounds() -> None:
    def seconds(n: int) -> float:
        return communication.seconds([4000, 40], n, latency=0.5, bandwidth=1000.0)

    assert seconds(1) == 0
    assert seconds(2) == pytest.approx(2 * 1 * 0.5 * 2 + 4.040)  # each sends half, twice
    assert seconds(64) == pytest.approx(2 * 63 * 0.5 * 2 + 2 * 63 / 64 * 4.040)


def test_interleave_takes_turns() -> None:
    calls: list[str] = []

    def work(name: str) -> float:
        calls.append(name)
        return len(calls)

    found = timing.interleave({"a": lambda: work("a"), "b": lambda: work("b")}, 2)
    assert calls == ["a", "b", "a", "b"]
    assert found == {"a": [1, 3], "b": [2, 4]}


def samples() -> dict[str, dict[str, list[float]]]:
    names = (*table.TITLES,)
    return {name: {"numpy_nets": [1.0, 2.0, 9.0], "PyTorch eager": [4.0]} for name in names}


def test_ratio_is_that_of_medians() -> None:
    assert timing.ratio(samples()["vae"], "PyTorch eager") == 0.5


def test_table_takes_the_geometric_mean_of_the_three_models() -> None:
    measured = samples()
    measured["autoencoder"]["PyTorch eager"] = [1.0]
    found = {(row.what, row.peer): row for row in table.rows(measured)}
    row = found["autoencoder, VAE and GAN, geometric mean", "PyTorch eager"]
    assert row.ratio == pytest.approx((2 * 0.5 * 0.5) ** (1 / 3))
    assert row.verdict == "holds"


def test_a_mean_over_fewer_than_three_models_counts_as_not_measured() -> None:
    measured = samples()
    del measured["gan"]["PyTorch eager"]
    (row,) = (r for r in table.rows(measured) if "mean" in r.what and r.peer == "PyTorch eager")
    assert row.ratio is None and row.verdict == "not measured"


@pytest.mark.parametrize(
    ("ratio", "target", "verdict"),
    [
        (0.8, 0.8, "holds"),
        (0.81, 0.8, "MISSED"),
        (None, 0.8, "not measured"),
        (0.8, None, ""),
    ],
)
def test_verdict(ratio: float | None, target: float | None, verdict: str) -> None:
    assert table.Row("", "", ratio, target).verdict == verdict


def test_table_names_what_was_not_measured() -> None:
    lines = table.markdown(table.rows(samples())).splitlines()
    assert any("Keras notebook loop" in line and "not measured" in line for line in lines)


def test_peers_that_differ_are_found() -> None:
    results = {"numpy_nets": [1.0], "Keras fit": [1.01], "sgemm alone": [None]}
    assert speed.agree(results, 0, 0.02) and not speed.agree(results, 0, 1e-3)


def test_floor_has_three_products_a_layer_but_none_for_data() -> None:
    autoencoder = sgemm.products(WORKLOADS["autoencoder"])
    assert len(autoencoder) == 5 and ("input", 784, 64) not in autoencoder
    vae = sgemm.products(WORKLOADS["vae"])
    assert len(vae) == 3 * len(LAYERS["vae"]) - 1 and ("input", 784, 400) not in vae


def test_floor_of_a_gan_leaves_out_what_no_step_trains() -> None:
    gan = sgemm.products(WORKLOADS["gan"])
    assert gan.count(("forward", 100, 128)) == 2 and gan.count(("forward", 784, 128)) == 3
    assert gan.count(("weights", 784, 128)) == 2, "G's step needs no gradient of D's weights"
    assert gan.count(("input", 784, 128)) == 1, "only G's step needs a gradient of pictures"


@pytest.mark.parametrize("name", ["autoencoder", "vae"])
def test_formulas_of_the_peers_give_our_losses(name: str, data: str) -> None:
    work = small(name, data)
    formulas = Functional(np, None, lambda *arguments: None)
    arrays = [work.images()] + ([work.noise()] if name == "vae" else [])
    loss = getattr(formulas, f"{name}_loss")(work.weights(), *arrays)
    assert ours.models(work, "fit")() == pytest.approx(float(loss), rel=1e-5)


@pytest.mark.parametrize("name", WORKLOADS)
def test_rounds_of_ours_give_a_number_to_compare(name: str, data: str) -> None:
    work = small(name, data)
    assert np.isfinite(getattr(ours, name)(work, "fit")())


def test_a_worker_does_rounds_until_it_is_closed(data: str) -> None:
    worker = Worker("sgemm")
    try:
        worker.prepare(small("gan", data), "floor")
        seconds, result = worker.round("floor")
        assert seconds > 0 and result is None
    finally:
        worker.close()
    assert worker.process.exitcode == 0


def test_a_missing_framework_is_said_to_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "benchmarks.peers.torch_eager", raising=False)
    with pytest.raises(Missing, match="torch"):
        load("torch_eager")


def test_every_peer_has_a_file_and_every_file_is_a_peer() -> None:
    files = {path.stem for path in (Path(speed.__file__).parent / "peers").glob("*.py")}
    assert files - {"__init__", "as_keras", "functional"} == set(PEERS)


def test_series_take_a_step_at_their_smallest_size() -> None:
    for _, sizes, make, _, _ in growth.SERIES.values():
        make(next(iter(sizes)))()
