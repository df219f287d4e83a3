import json
import os
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from numpy_nets import random
from numpy_nets.cli import main
from numpy_nets.cli.commands import train
from numpy_nets.cli.recipes import dec
from numpy_nets.cli.recipes.dec import DECRecipe, DECSettings, Phases, predict, target
from numpy_nets.cli.runs import stops
from numpy_nets.cli.runs.data import load_images
from numpy_nets.cli.runs.saved import load_saved
from numpy_nets.evaluation.clustering import clustering_scores, kmeans

COMMAND = ["train", "dec", "--latent", "3", "--hidden", "8", "--batch-size", "16", "--clusters",
           "3"]  # fmt: skip


def words(images, *more):
    return [*COMMAND, "--data", str(images), *map(str, more)]


def settings(images, **changed):
    defaults = {"epochs": 5, "pretraining": 2, "clusters": 3, "hidden": 8, "latent": 3,
                "batch_size": 16, "tolerance": 0.0}  # fmt: skip
    return DECSettings(**defaults | changed).on(load_images(str(images)))


def built(images, **changed):
    """A model that is not trained, the images, and what training needs of both."""
    chosen, data = settings(images, **changed), load_images(str(images))
    random.set_random_seed(0)
    return DECRecipe().build(chosen), data, chosen


def files(folder):
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.name != "times.csv"}


@pytest.fixture
def no_report(monkeypatch):
    monkeypatch.setattr(train, "_report", lambda *_: None)


def test_pretraining_is_that_of_the_autoencoder_and_leaves_the_clusters_alone(images):
    model, data, chosen = built(images)
    before = model.encoder.get_weights() + model.assignment.get_weights()
    decoder = model.autoencoder.decoder.get_weights()[0].copy()
    phases = Phases(model, data.x_train, chosen)
    phases.on_epoch_begin(1)
    batches = list(phases)
    assert [len(x) for x in batches] == [16, 16, 16, 12] == [16] * (len(phases) - 1) + [12]
    seen = np.concatenate(batches)
    np.testing.assert_array_equal(np.sort(seen, axis=0), np.sort(data.x_train, axis=0))
    assert set(model.fit(phases, verbose=0).history) == {"reconstruction"}
    after = model.encoder.get_weights() + model.assignment.get_weights()
    assert all((a == b).all() for a, b in zip(before, after, strict=True))
    assert (model.autoencoder.decoder.get_weights()[0] != decoder).any()


def test_clustering_begins_with_the_pretrained_encoder_and_the_centres_of_kmeans(images):
    model, data, chosen = built(images)
    phases = Phases(model, data.x_train, chosen)
    phases.on_epoch_begin(2)
    x, p = next(iter(phases))
    pretrained = model.autoencoder.encoder
    for ours, theirs in zip(model.encoder.weights, pretrained.weights, strict=True):
        np.testing.assert_array_equal(ours.array, theirs.array)
        assert ours.array is not theirs.array
    codes = predict(pretrained, data.x_train)
    np.testing.assert_allclose(
        model.assignment.get_weights()[0], kmeans(codes, 3, seed=0).centres, rtol=1e-6
    )
    everything = target(predict(model, data.x_train))
    rows = [np.flatnonzero((data.x_train == image).all(axis=1))[0] for image in x]
    np.testing.assert_array_equal(p, everything[rows])


def test_clustering_leaves_the_pretrained_autoencoder_as_it_was(images):
    model, data, chosen = built(images)
    before = model.autoencoder.get_weights()
    codes = model.encoder.get_weights()[0].copy()
    phases = Phases(model, data.x_train, chosen)
    model.fit(phases, epochs=3, initial_epoch=2, callbacks=[phases], verbose=0)
    after = model.autoencoder.get_weights()
    assert all((a == b).all() for a, b in zip(before, after, strict=True))
    assert (model.encoder.get_weights()[0] != codes).any()


def test_the_target_is_new_at_the_begin_of_a_pass_and_after_so_many_steps(images, monkeypatch):
    model, data, chosen = built(images, update=3)
    seen = []
    monkeypatch.setattr(dec, "target", lambda q: seen.append(q) or target(q))
    phases = Phases(model, data.x_train, chosen)
    model.fit(phases, epochs=4, initial_epoch=2, callbacks=[phases], verbose=0)
    assert len(seen) == 2 * 2  # two passes of four steps, each with a target for 3 steps and one
    assert (seen[0] != seen[1]).any() and (seen[1] != seen[2]).any()
    np.testing.assert_array_equal(phases.q, predict(model, data.x_train))


def test_a_pass_reports_the_part_of_the_images_that_it_moves(images):
    model, data, chosen = built(images, clustering_rate=0.5)
    phases = Phases(model, data.x_train, chosen)
    model.fit(phases, epochs=3, initial_epoch=2, callbacks=[phases], verbose=0)
    before = phases.before
    logs = {}
    phases.on_epoch_end(2, logs)
    after = predict(model, data.x_train).argmax(axis=1)
    assert logs["changed"] == np.mean(before != after)


@pytest.mark.parametrize("step", [2, 6, 10, 14])
def test_a_run_resumes_bit_for_bit_in_both_phases(
    step, images, empty_folder, no_report, monkeypatch
):
    """Four steps a pass: in the first, the second, which still pretrain, the third and fourth."""
    options = ("--epochs", 4, "--pretraining", 2, "--tolerance", 0, "--update", 3)
    assert main(words(images, *options, "--out", "whole")) == 0
    seen, ask = 0, stops.StopOnInterrupt.on_train_batch_end

    def count(self, batch, logs=None):
        nonlocal seen
        seen += 1
        if seen == step:
            os.kill(os.getpid(), signal.SIGINT)
        ask(self, batch, logs)

    with monkeypatch.context() as patch:
        patch.setattr(stops.StopOnInterrupt, "on_train_batch_end", count)
        assert main(words(images, *options, "--out", "cut")) == 130
    assert main(["train", "dec", "--out", "cut", "--resume"]) == 0
    assert files(empty_folder / "whole") == files(empty_folder / "cut")


def test_training_ends_when_hardly_an_image_moves_and_the_run_is_whole(
    images, empty_folder, no_pictures, capsys
):
    options = ("--pretraining", 1, "--tolerance", 1)
    assert main(words(images, "--epochs", 9, *options, "--out", "run")) == 0
    assert "ended after 2 epochs: the last one moved" in capsys.readouterr().out
    history = (empty_folder / "run/history.csv").read_text().splitlines()
    assert len(history) == 1 + 2
    assert json.loads((empty_folder / "run/settings.json").read_text())["epochs"] == 2
    assert main(["evaluate", "run"]) == 0
    ended = files(empty_folder / "run")
    assert "--epochs 2" in ended["index.html"].decode()
    for more in ([], ["--epochs", "5"]):  # there is nothing left to train
        assert main(["train", "dec", "--out", "run", "--resume", *more]) == 0
        assert files(empty_folder / "run") == ended
    assert main(words(images, "--epochs", 2, *options, "--out", "again")) == 0
    assert files(empty_folder / "again")["dec.weights.h5"] == ended["dec.weights.h5"]


def test_a_run_that_is_killed_after_its_last_epoch_ends_when_it_is_resumed(
    images, empty_folder, no_pictures, monkeypatch
):
    options = ("--epochs", 9, "--pretraining", 1, "--tolerance", 1)
    main(words(images, *options, "--out", "whole"))
    with monkeypatch.context() as patch:
        patch.setattr("numpy_nets.cli.runs.run.Run.end", lambda self: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            main(words(images, *options, "--out", "cut"))
    assert main(["train", "dec", "--out", "cut", "--resume"]) == 0
    assert files(empty_folder / "whole") == files(empty_folder / "cut")


def test_data_without_labels_are_clustered_and_labels_change_nothing_else(
    images, empty_folder, no_pictures, capsys
):
    with np.load(images) as file:
        np.savez(empty_folder / "bare.npz", x_train=file["x_train"], x_test=file["x_test"])
    options = ("--epochs", 3, "--pretraining", 1)
    assert main(words(images, *options, "--out", "labelled")) == 0
    assert "clusters of 60 training images, against their labels" in capsys.readouterr().out
    assert main(words(empty_folder / "bare.npz", *options, "--out", "bare")) == 0
    out = capsys.readouterr().out
    assert "training images in each cluster: " in out and "accuracy" not in out.split("Accuracy")[0]
    assert "The training images have no labels, so there is no score." in out
    for name in ("history.csv", "dec.weights.h5"):
        assert (Path("labelled") / name).read_bytes() == (Path("bare") / name).read_bytes()


def test_the_table_has_kmeans_on_pixels_pca_and_pretrained_codes_beside_the_model(
    trained, capsys
):
    run = load_saved(trained("dec"))
    capsys.readouterr()
    assert main(["evaluate", "run"]) == 0
    out = capsys.readouterr().out
    data = run.images()
    scores = clustering_scores(predict(run.model, data.x_test).argmax(axis=1), data.y_test)
    row = f"{scores.accuracy:.1%} │              {scores.nmi:.3f} │ {scores.purity:>6.1%}"
    assert row in [line for line in out.splitlines() if "│ dec " in line][1]
    for name in ("k-means on pixels", "k-means on PCA, 4 numbers",
                 "k-means on the pretrained codes"):  # fmt: skip
        assert out.count(name) == 2
    pixels = kmeans(data.x_train, 3, seed=0)
    assert f"{clustering_scores(pixels.labels, data.y_train).accuracy:.1%}" in out


def test_on_other_data_only_the_model_is_scored_if_those_of_the_run_are_gone(
    trained, images, empty_folder, capsys
):
    folder = trained("dec")
    document = json.loads((folder / "settings.json").read_text())
    document["data"] = "gone.npz"
    (folder / "settings.json").write_text(json.dumps(document))
    with np.load(images) as file:
        arrays = dict(file)
    np.savez("other.npz", **arrays | {"x_train": 255 - arrays["x_train"]})
    capsys.readouterr()
    assert main(["evaluate", "run", "--data", "other.npz"]) == 0
    out = capsys.readouterr().out
    assert "clusters of 20 test images" in out
    assert "training images" not in out and "k-means" not in out


def test_the_sheet_has_the_nearest_test_images_of_each_cluster_behind_its_centre(
    trained, monkeypatch
):
    run = load_saved(trained("dec"))
    data = run.images()
    drawn = {}
    monkeypatch.setattr(dec, "save_images", lambda path, x, n, *_, **labels: drawn.update(
        images=x, columns=n, **labels))  # fmt: skip
    DECRecipe.draw(run.recipe, run.model, data, run.settings, run.folder)
    assert drawn["columns"] == 1 + dec.SHOWN and drawn["row_labels"] == ["0", "1", "2"]
    sheet = drawn["images"].reshape(3, 1 + dec.SHOWN, -1)
    centres = run.model.assignment.get_weights()[0]
    np.testing.assert_array_equal(sheet[:, 0], run.recipe.decode(run.model, centres, None))
    for k, images in enumerate(sheet[:, 1:]):
        codes = run.recipe.encode(run.model, images, None)
        distances = np.linalg.norm(codes - centres[k], axis=1)
        assert (np.diff(distances) >= -1e-5).all()
        every = np.linalg.norm(run.recipe.encode(run.model, data.x_test, None) - centres[k], axis=1)
        np.testing.assert_allclose(distances, np.sort(every)[: dec.SHOWN], rtol=1e-5)


def test_codes_of_two_numbers_are_drawn_as_a_map(images, tmp_path, monkeypatch):
    model, data, chosen = built(images, latent=2)
    monkeypatch.setattr(dec, "save_images", lambda *_, **__: None)
    monkeypatch.setattr(dec, "save_scatter", lambda path, codes, y: path.write_text(str(len(y))))
    DECRecipe().draw(model, data, chosen, tmp_path)
    assert (tmp_path / "codes.png").read_text() == "20"
    DECRecipe().draw(model, data._replace(y_test=None), chosen, tmp_path)  # nothing to colour


def test_separated_classes_are_found_without_labels(images):
    """Three patterns with noise: pretraining and clustering together get nearly all of them."""
    model, data, chosen = built(images, epochs=60, pretraining=40, tolerance=0.001)
    DECRecipe().fit(model, data, chosen, epochs=60, verbose=0)
    clusters = predict(model, data.x_train).argmax(axis=1)
    assert clustering_scores(clusters, data.y_train).accuracy > 0.9


def test_the_reason_for_an_early_end_is_that_of_the_last_pass(images):
    recipe, chosen = DECRecipe(), settings(images, tolerance=0.001)
    assert recipe.ended({}, chosen) == ""
    assert recipe.ended({"reconstruction": [1.0]}, chosen) == ""
    assert recipe.ended({"changed": [float("nan"), 0.0005]}, chosen) != ""
    assert recipe.ended({"changed": [0.0005, 0.001]}, chosen) == ""
    assert recipe.ended({"changed": [0.0]}, replace(chosen, tolerance=0.0)) == ""


@pytest.mark.parametrize(
    ("words", "said"),
    [("train dec --data small.npz --epochs 4 --pretraining 4",
      "--epochs 4: expected more than the 4 of --pretraining"),
     ("train dec --data small.npz --clusters 61",
      "--clusters 61: expected at most 60, the number of training images"),
     ("train dec --data small.npz --clusters 0", "--clusters: expected an integer >= 1"),
     ("train dec --data small.npz --tolerance 2", "--tolerance: expected a number >= 0"),
     ("train dec --out run --resume --clusters 4", "clusters was 3, now 4"),
     ("evaluate run --samples 3", "--samples: the model is dec, which has no likelihood"),
     ("sample run", "learns no distribution of codes to draw from")],
)  # fmt: skip
def test_what_cannot_be_is_one_line(words, said, images, empty_folder, trained, fails):
    trained("dec")
    (empty_folder / "small.npz").write_bytes(images.read_bytes())
    fails(words, said)
