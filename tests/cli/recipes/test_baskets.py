"""numpy-nets train baskets, and sample --given: what is found, what is chosen, what is refused."""

import csv
import json
import os
import re
import signal

import numpy as np
import pytest

from numpy_nets.cli import main
from numpy_nets.cli.recipes import BASKETS
from numpy_nets.cli.recipes.baskets import places, scorer, surest_rules
from numpy_nets.cli.runs import baskets as loading
from numpy_nets.cli.runs import stops
from numpy_nets.cli.runs.baskets import find_items, load_baskets
from numpy_nets.cli.runs.digest import data_digest
from numpy_nets.cli.runs.saved import load_saved
from numpy_nets.datasets.baskets import ITEMS, load_data
from numpy_nets.evaluation.recall import hold_out, recall


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(loading, "load_data", lambda: load_data(500))
    monkeypatch.setattr(type(BASKETS), "draw_curves", lambda *_: None)


def words(*more, out="run", epochs=3):
    return ["train", "baskets", "--hidden", "8", "--latent", "3", "--learning-rate", "0.01",
            "--epochs", str(epochs), "--out", out, *more]  # fmt: skip


def save(path, x=None, items=None):
    """A file of 300 baskets, ten items of which are called alike."""
    x = load_data(300, seed=1).x if x is None else x
    items = [*["Mug, red"] * 2, *ITEMS[2:]] if items is None else items
    np.savez(path, baskets=np.packbits(x, axis=1), items=np.array(items), shape=x.shape)
    return str(path)


def contents(folder):
    return {p.name: p.read_bytes() for p in folder.rglob("*.*") if p.name != "times.csv"}


def history(folder):
    with open(folder / "history.csv") as file:
        return [float(row["val_recall"]) for row in csv.DictReader(file)]


def test_a_run_prints_every_method_and_says_which_is_best(empty_folder, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    assert main(words()) == 0
    assert {p.name for p in (empty_folder / "run").iterdir()} == {
        "settings.json", "history.csv", "times.csv", "checkpoint.weights.h5", "best.weights.h5",
        "baskets.weights.h5", "index.html",
    }  # fmt: skip
    out = capsys.readouterr().out
    assert "validation and" in out and "test baskets; run folder run" in out
    methods = ("popularity", "best single rule", "item cosine", "PCA-30", "EASE, λ = ", "Mult-VAE")
    values = {}
    for name in methods:
        (row,) = (line for line in out.splitlines() if line.startswith(f"│ {name}"))
        values[name] = float(row.split("│")[2].split("±")[0])
        assert float(row.split("│")[3]) >= 0, "seconds"
    best = max(values, key=values.get)
    assert f"The best of them is {best}" in out
    assert "Recall@5" in out and "nats per basket" in out
    assert "teapot → sugar" in out and "Of 9 planted rules, so many are found" in out
    page = (empty_folder / "run/index.html").read_text(encoding="utf-8")
    assert "best single rule" in page and "seconds" not in page
    assert "The data are not images" in page

    assert main(["evaluate", "run"]) == 0
    again = capsys.readouterr().out
    assert [line for line in again.splitlines() if "│" in line and "0.0" not in line] == [
        line for line in out.splitlines() if "│" in line and "0.0" not in line
    ]  # but for seconds


def test_rules_that_were_planted_are_found_in_as_many_baskets_as_a_run_has(capsys, monkeypatch):
    monkeypatch.setattr(loading, "load_data", load_data)
    monkeypatch.setenv("COLUMNS", "200")
    assert main(words("--hidden", "50", "--latent", "16", epochs=8)) == 0
    (line,) = (row for row in capsys.readouterr().out.splitlines() if row.startswith("Of 9"))
    by_rules, by_ease, by_model = map(int, re.findall(r"(\d+) by", line))
    assert by_rules == 9 and by_ease >= 5 and by_model >= 4


def test_the_weights_are_those_of_the_epoch_that_is_best_on_the_validation_baskets(empty_folder):
    assert main(words(epochs=6)) == 0
    run, data = load_saved(empty_folder / "run"), load_baskets("baskets")
    given, held_out = hold_out(data.x_valid, 0)
    values = history(empty_folder / "run")
    assert len(values) == 6 and len(set(values)) > 1
    value = recall(scorer(run.model)(given), given, held_out, places(data)).mean
    assert value == pytest.approx(max(values), abs=1e-9)


def test_a_run_is_reproducible_from_the_seed(empty_folder):
    for out, seed in (("a", "1"), ("b", "1"), ("c", "2")):
        (empty_folder / out).mkdir()
        assert main(words("--seed", seed, out=f"{out}/run")) == 0
    a, b, c = (contents(empty_folder / name) for name in "abc")
    assert a == b and a["baskets.weights.h5"] != c["baskets.weights.h5"]


@pytest.mark.parametrize("stop", [2, 7, 10])
def test_a_run_that_was_stopped_resumes_bit_for_bit(stop, empty_folder, monkeypatch):
    """The weight of the KL, which rises in all five epochs, included."""
    (empty_folder / "whole").mkdir()
    options = ("--anneal", "40", "--batch-size", "100")
    assert main(words(*options, out="whole/run", epochs=5)) == 0
    seen, ask = 0, stops.StopOnInterrupt.on_train_batch_end

    def count(self, batch, logs=None):
        nonlocal seen
        seen += 1
        if seen == stop:
            os.kill(os.getpid(), signal.SIGINT)
        ask(self, batch, logs)

    with monkeypatch.context() as patch:
        patch.setattr(stops.StopOnInterrupt, "on_train_batch_end", count)
        assert main(words(*options, out="cut/run", epochs=5)) == 130
    assert main(["train", "baskets", "--out", "cut/run", "--resume"]) == 0
    whole, cut = contents(empty_folder / "whole"), contents(empty_folder / "cut")
    assert whole == cut


def test_a_longer_run_resumes_a_shorter_one_and_a_finished_one_keeps_its_best(empty_folder):
    assert main(words(out="a/run", epochs=6)) == 0
    assert main(words(out="b/run", epochs=3)) == 0
    assert main(["train", "baskets", "--out", "b/run", "--resume", "--epochs", "6"]) == 0
    a, b = contents(empty_folder / "a"), contents(empty_folder / "b")
    assert a == b
    assert main(["train", "baskets", "--out", "b/run", "--resume"]) == 0
    assert contents(empty_folder / "b")["baskets.weights.h5"] == a["baskets.weights.h5"]


def test_the_choices_do_not_see_the_test_baskets(empty_folder, monkeypatch, capsys):
    """With other test baskets, the weights and the penalty of EASE are the same."""
    assert main(words(out="a")) == 0
    penalty = [line for line in capsys.readouterr().out.splitlines() if "│ EASE" in line]
    original = BASKETS.load("baskets")
    changed = original._replace(x_test=original.x_test[:, ::-1].copy())
    monkeypatch.setattr(type(BASKETS), "load", lambda self, name: changed)
    assert main(words(out="b")) == 0
    other = [line for line in capsys.readouterr().out.splitlines() if "│ EASE" in line]
    assert penalty[0].split("│")[1] == other[0].split("│")[1]
    weights = [(empty_folder / run / "baskets.weights.h5").read_bytes() for run in "ab"]
    assert weights[0] == weights[1]


def test_a_file_is_read_by_its_path(empty_folder, capsys):
    path = save(empty_folder / "shop.npz")
    assert main(words("--data", path)) == 0
    out = capsys.readouterr().out
    assert "Mult-VAE" in out and "planted" not in out
    capsys.readouterr()
    assert main(["sample", "run", "--given", " mug,  RED , mug, red (2)"]) == 0
    assert "Mug, red and Mug, red (2)" in capsys.readouterr().out


def test_names_of_items_belong_to_the_data(empty_folder):
    first, other = (
        load_baskets(save(empty_folder / f"{i}.npz", items=[*ITEMS[:-1], name]))
        for i, name in enumerate(("a", "b"))
    )
    assert data_digest(first) != data_digest(other) and first.sha256 == other.sha256


# What goes with a basket.


def test_sample_lists_what_goes_with_a_basket_and_the_rules_that_say_why(
    empty_folder, capsys, monkeypatch
):
    monkeypatch.setenv("COLUMNS", "200")
    assert main(words()) == 0
    capsys.readouterr()
    assert main(["sample", "run", "--given", "Milk, EGGS", "--count", "47"]) == 0
    out = capsys.readouterr().out
    rows = [[cell.strip() for cell in line.split("│")[1:-1]]
            for line in out.splitlines() if line.startswith("│")]  # fmt: skip
    assert "what goes with milk and eggs" in out and len(rows) == 46
    assert {row[0] for row in rows} == set(ITEMS) - {"milk", "eggs"}
    shares = [float(row[1].removesuffix("%")) for row in rows]
    assert shares == sorted(shares, reverse=True)

    x = load_baskets("baskets").x_train
    (flour,) = (row for row in rows if row[0] == "flour")
    both = x[(x[:, ITEMS.index("milk")] == 1) & (x[:, ITEMS.index("eggs")] == 1)]
    taken = both[:, ITEMS.index("flour")]
    lift = taken.mean() / x[:, ITEMS.index("flour")].mean()
    assert flour[2:] == [
        "milk and eggs", f"{taken.sum() / len(x):.1%}", f"{taken.mean():.0%}", f"{lift:.1f}"
    ]  # fmt: skip
    assert main(["sample", "run", "--given", "tea towel"]) == 0
    assert sum(line.startswith("│") for line in capsys.readouterr().out.splitlines()) == 10


def test_a_rule_from_two_items_needs_enough_baskets():
    x = np.zeros((40, 4))
    x[:20, 0], x[10:29, 1], x[19, 2] = 1, 1, 1  # ten baskets have 0 and 1, one of them has 2
    assert surest_rules(x, [0, 1])[2].antecedent == (0, 1)
    x[10, 1] = 0
    assert surest_rules(x, [0, 1])[2].antecedent == (1,)
    assert 3 not in surest_rules(x, [0, 1])


def test_an_item_that_nobody_has_is_suggested_without_a_rule(empty_folder, capsys):
    x = load_data(300, seed=1).x
    x[:, 5] = 0
    assert main(words("--data", save(empty_folder / "b.npz", x=x, items=ITEMS))) == 0
    capsys.readouterr()
    assert main(["sample", "run", "--given", "milk", "--count", "47"]) == 0
    assert any("strawberry jam" in line and "–" in line
               for line in capsys.readouterr().out.splitlines())  # fmt: skip


def test_names_are_shown_as_they_are(empty_folder, capsys):
    """rich would take what is in brackets for colours."""
    path = save(empty_folder / "b.npz", items=["[red]mug", *ITEMS[1:]])
    assert main(words("--data", path)) == 0
    capsys.readouterr()
    assert main(["sample", "run", "--given", "[red]MUG"]) == 0
    assert "what goes with [red]mug" in capsys.readouterr().out


def test_a_basket_that_cannot_be_is_refused_in_one_line(empty_folder, fails):
    assert main(words(epochs=1)) == 0
    for given, said in (
        ("bred", "--given: unknown item 'bred'; did you mean 'bread'?"),
        ("milk,teappot", "unknown item 'teappot'; did you mean 'teapot'?"),
        (",", "--given: expected 'item, item', got an empty basket"),
    ):
        fails(f"sample run --given {given}", said)
    fails("sample run --given ", "--given: expected one argument")
    with pytest.raises(ValueError, match="got an empty basket"):
        find_items("  ", ITEMS)
    with pytest.raises(ValueError, match="did you mean "):
        find_items("☃" * 100, ITEMS)
    fails("sample run", "expected --given 'item, item'")
    fails("sample run --label 1 --given milk", "--label: expected none, got 1")
    fails("sample run --label 1", "--label: expected none, got 1: the model is baskets")
    fails("sample run --given milk --seed 3", "--seed: expected none, got 3")
    fails("sample run --given milk --out a.png", "--out: expected none, got a.png")


def test_other_models_know_no_baskets(trained, fails):
    trained("vae")
    fails("sample run --given milk", "--given: the model is vae, which was trained on images, not")


def test_commands_that_are_for_images_refuse_it(empty_folder, fails):
    assert main(words(epochs=1)) == 0
    path = save(empty_folder / "other.npz")
    fails("interpolate run", "the run's data are not images")
    fails("invert run", "expected a run of gan, got one of baskets")
    fails("evaluate run --samples 3", "--samples: the model is baskets, whose table draws no codes")
    fails(f"evaluate run --data {path}", "--data: expected none, as the model is baskets")


def test_runs_of_baskets_can_be_compared(empty_folder, capsys, fails):
    assert main(words(out="a", epochs=1)) == main(words("--beta", "1", out="b", epochs=1)) == 0
    capsys.readouterr()
    assert main(["compare", "a", "b"]) == 0
    out = capsys.readouterr().out
    assert "baskets" in out and "Recall@5" in out
    assert not list(empty_folder.glob("*.png"))
    assert main(words("--data", save(empty_folder / "o.npz"), out="c", epochs=1)) == 0
    fails("compare a c", "expected runs of the same data")


def test_a_step_can_be_explained_before_and_after_training(empty_folder, capsys):
    assert main(words(epochs=1)) == 0
    for what in ("baskets", "run"):
        assert main(["explain", what, "--images", "4", "--out", "pages"]) == 0
    pages = sorted(p.name for p in (empty_folder / "pages").iterdir())
    assert pages == ["step-baskets-2.html", "step-baskets.html"]
    text = (empty_folder / "pages/step-baskets.html").read_text(encoding="utf-8")
    start = text.index('id="data">') + len('id="data">')
    steps = json.loads(text[start : text.index("</script>", start)].replace("<\\/", "</"))["steps"]
    checks = [check for step in steps for check in step.get("checks", [])]
    assert len(checks) > 20
    assert sum(not close for *_, close in checks) <= 0.02 * len(checks)


def test_data_of_something_else_are_refused(images, empty_folder, fails):
    fails("train baskets --data basket", "no data set or file 'basket'; known: baskets, or a path")
    fails(f"train baskets --data {images}", "expected baskets, items (shape)")
    few = save(empty_folder / "few.npz", x=np.ones((9, 48), np.uint8))
    fails(f"train baskets --data {few}", f"--data {few}: split_baskets: x: expected 10 baskets")
    fails("train vae --data baskets", "no data set or file 'baskets'")
    path = save(empty_folder / "b.npz")
    fails(f"train vae --data {path}", "member 'items.npy': dtype <U16, expected booleans")
    fails("train baskets --binarize static", "unknown argument '--binarize'")
    fails("train baskets --dropout 1", "--dropout: expected a number >= 0 and <= 0.99")
    assert not list(empty_folder.glob("run*"))
