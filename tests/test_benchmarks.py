"""What benchmarks conclude from what they measured; nothing here is timed."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks import communication, gan_parzen, growth, reduction, speed, table, timing
from benchmarks.peers import ours, sgemm
from benchmarks.peers.functional import Functional
from benchmarks.work import LAYERS, WORKLOADS, Work
from benchmarks.worker import PEERS, Missing, Worker, load
from numpy_nets import random
from numpy_nets.storage.checkpoint import save_checkpoint


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


def test_the_long_run_of_the_gan_goes_on_to_the_very_same_weights(tmp_path: Path) -> None:
    x = np.random.default_rng(0).random((250, 784), np.float32)
    whole, part = gan_parzen.build(x), gan_parzen.build(x)
    random.set_random_seed(1)
    whole.fit(x, batch_size=100, epochs=2, verbose=0)
    random.set_random_seed(1)
    part.fit(x, batch_size=100, epochs=1, verbose=0)
    path, rows = tmp_path / "gan.weights.h5", [[1, 170.0, 1.5, 0.2, 90.0, 4.0]]
    save_checkpoint(part, path, 1, settings={"rows": rows})
    resumed = gan_parzen.build(x)
    assert gan_parzen.go_on(resumed, tmp_path / "another") == ([], 0)
    assert gan_parzen.go_on(resumed, path) == (rows, 1)
    resumed.fit(x, batch_size=100, epochs=2, initial_epoch=1, verbose=0)
    for w, expected in zip(resumed.weights, whole.weights, strict=True):
        np.testing.assert_array_equal(w.array, expected.array)


@pytest.mark.parametrize("method", reduction.METHODS)
def test_every_method_reduces_images_to_codes_and_codes_to_images(method: str) -> None:
    train, test = reduction.load(200, 50)
    encode, decode = reduction.METHODS[method](train[0], 3, 1)
    codes = encode(test[0])
    assert codes.shape == (50, 3) and codes.dtype == np.float32
    if decode is None:
        assert method == "untrained autoencoder"
    else:
        images = decode(codes)
        assert images.shape == (50, 784) and images.min() >= 0 and images.max() <= 1


def test_a_reduction_that_loses_nothing_scores_full_marks() -> None:
    train = test = reduction.load(100, 1)[0]
    row = reduction.score(784, "all", reduction.Reduction(lambda x: x, lambda z: z), train, test, 0)
    assert row[2:6] == (1, 1, 1, 0)


def test_a_code_without_a_way_back_has_no_error() -> None:
    train, test = reduction.load(100, 50)
    blind = reduction.Reduction(lambda x: x[:, 300:302], None)
    row = reduction.score(2, "two pixels", blind, train, test, 1.5)
    assert row.error is None and 0 < row.trustworthiness < 1
    assert reduction.line(row).split()[-2:] == ["-", "1.5"]


def test_each_map_is_drawn_in_the_colours_that_the_legend_names() -> None:
    y = np.arange(40) % 10
    row = reduction.Row(2, "a map", 0.5, 0.75, 0.9, 0.1, 1.0)
    codes = np.random.default_rng(0).normal(size=(40, 2))
    *maps, last = reduction.figure([(row, codes)] * 3, y).axes
    handles = last.get_legend().legend_handles
    for axes in maps:
        assert axes.get_title() == "a map" and axes.get_xlabel() == "T 0.50   C 0.75   1-NN 90%"
        (dots,) = axes.collections
        np.testing.assert_array_equal(dots.get_offsets(), codes)
        for colour, label in zip(dots.get_facecolors(), y, strict=True):
            np.testing.assert_array_equal(colour[:3], handles[label].get_color()[:3])
        places = {text.get_text(): text.get_position() for text in axes.texts}
        assert set(places) == set("0123456789")
        np.testing.assert_array_equal(places["7"], np.median(codes[y == 7], axis=0))
