from pathlib import Path

import numpy as np
import pytest

from numpy_nets import random
from numpy_nets.cli import main
from numpy_nets.cli.recipes import sgan
from numpy_nets.cli.recipes.sgan import (
    PairedBatches,
    SGANRecipe,
    SGANSettings,
    classifier,
    discriminator,
    labelled_rows,
    train_alone,
)
from numpy_nets.cli.runs.data import load_images

COMMAND = ["train", "sgan", "--latent", "3", "--hidden", "8", "--batch-size", "16", "--epochs", "2",
           "--labels", "6"]  # fmt: skip


def settings(images, **changed):
    return SGANSettings(
        **{"image_shape": (6, 5), "classes": 3, "data": str(images), "hidden": 8} | changed
    )


@pytest.mark.parametrize(("labels", "counts"), [(3, [1, 1, 1]), (10, [3, 3, 4]), (60, [20] * 3)])
def test_labels_are_drawn_in_equal_numbers_of_each_class(labels, counts):
    y = np.random.default_rng(0).permutation(np.repeat([0, 1, 2], 20))
    rows = labelled_rows(y, labels, seed=1)
    assert len(set(rows)) == labels
    assert sorted(np.bincount(y[rows])) == counts


def test_a_class_that_has_too_few_gives_all_and_others_give_more():
    y = np.array([0] * 10 + [1] * 2 + [2] * 10)
    assert np.bincount(y[labelled_rows(y, 12, seed=0)]).tolist() == [5, 2, 5]


def test_another_seed_draws_other_labels_and_more_labels_include_the_fewer():
    y = np.arange(300) % 10
    few, more, other = (set(labelled_rows(y, n, s)) for n, s in ((20, 0), (50, 0), (20, 1)))
    assert few < more and few != other
    assert few == set(labelled_rows(y, 20, 0))


def run(images, folder, capsys):
    """History, weights and table of a run."""
    assert main([*COMMAND, "--data", str(images), "--out", folder]) == 0
    out = capsys.readouterr().out
    main(["evaluate", folder])
    history, weights = (
        (Path(folder) / name).read_bytes() for name in ("history.csv", "sgan.weights.h5")
    )
    return history, weights, out[out.index("error on") :], capsys.readouterr()


def test_the_labels_that_were_not_drawn_change_nothing(
    images, empty_folder, no_pictures, monkeypatch, capsys
):
    """Their permutation leaves history, weights and table as they were."""
    with np.load(images) as file:
        arrays = dict(file)
    y = arrays["y_train"]
    rows = labelled_rows(y, 6, seed=0)
    others = np.setdiff1d(np.arange(len(y)), rows)
    shuffled = y.copy()
    shuffled[others] = np.random.default_rng(5).permutation(y[others])
    assert not np.array_equal(shuffled, y)
    (empty_folder / "other").mkdir()
    np.savez(empty_folder / "other" / "small.npz", **arrays | {"y_train": shuffled})
    monkeypatch.setattr(sgan, "labelled_rows", lambda *_: rows)  # to be balanced, it sees all
    ours = run(images, "a", capsys)
    theirs = run(empty_folder / "other" / "small.npz", "b", capsys)
    files = [line for line in ours[2].splitlines() if not line.startswith("  a/")]
    other_files = [line for line in theirs[2].splitlines() if not line.startswith("  b/")]
    assert ours[:2] == theirs[:2] and files == other_files and ours[3] == theirs[3]
    monkeypatch.setattr(sgan, "labelled_rows", lambda *_: others[:6])  # the comparison can fail
    assert run(images, "c", capsys)[:2] != ours[:2]


def test_a_batch_pairs_every_image_with_one_of_the_labelled_ones():
    random.set_random_seed(0)
    x, few, y = np.arange(50.0)[:, None], np.arange(3.0)[:, None], np.eye(3)
    batches = list(PairedBatches(x, few, y, 20))
    assert [len(b[0]) for b in batches] == [20, 20, 10] == [len(b[1][0]) for b in batches]
    seen, labelled, targets = (
        np.concatenate(parts)
        for parts in zip(*((images, *pair) for images, pair in batches), strict=True)
    )
    assert sorted(seen[:, 0]) == x[:, 0].tolist() and not np.array_equal(seen, x)
    assert set(labelled[:, 0]) == {0.0, 1.0, 2.0}
    np.testing.assert_array_equal(targets, np.eye(3)[labelled[:, 0].astype(int)])


@pytest.mark.parametrize(("least", "sizes"), [(1, [20, 20, 1]), (2, [20, 20])])
def test_a_last_batch_that_is_too_small_for_k_steps_is_left_out(least, sizes):
    x = np.zeros((41, 1))
    batches = PairedBatches(x, x[:2], np.eye(2), 20, least)
    assert [len(x) for x, _ in batches] == sizes and len(batches) == len(sizes)


def test_networks_see_pixels_from_zero_to_one_as_they_are(images):
    recipe, data, seen = SGANRecipe(), load_images(str(images)), []

    class Spy:
        def fit(self, batches, **_):
            seen.append(batches)

    recipe.fit(Spy(), data, settings(images))
    assert seen[0].x is data.x_train
    samples = recipe.sample(recipe.build(settings(images)), 9, None)
    assert samples.shape == (9, 30) and 0 <= samples.min() < samples.max() <= 1


def test_the_table_has_the_errors_of_the_same_labels_without_the_gan(
    images, empty_folder, no_pictures, capsys
):
    assert main([*COMMAND, "--data", str(images), "--out", "run"]) == 0
    trained = capsys.readouterr().out
    assert main(["evaluate", "run"]) == 0
    evaluated = capsys.readouterr().out
    for line in ("sgan, average of D's weights", "sgan, D itself", "linear probe of pixels",
                 "nearest labelled image", "the same D, trained on the labels alone"):  # fmt: skip
        assert line in evaluated
    assert "error on 20 test images, from 6 labels" in evaluated
    assert evaluated.strip() in trained


def test_the_network_of_the_labels_alone_learns_them_and_leaves_the_random_stream(images):
    data = load_images(str(images))
    random.set_random_seed(4)
    before = random.get_state()
    chosen = settings(images, hidden=32)
    model = train_alone(
        lambda: classifier(discriminator(chosen)), lambda rows: data.x_train[rows],
        data.y_train, chosen,
    )  # fmt: skip
    assert random.get_state() == before
    assert sgan.accuracy(model, data.x_test, data.y_test) > 0.9


@pytest.mark.parametrize(
    ("words", "said"),
    [("train sgan --data small.npz --labels 2", "--labels 2: expected at least 3, one of each"),
     ("train sgan --data bare.npz", "sgan: expected a label from 2 to 1,000 classes"),
     ("train sgan --data small.npz --k 61 --out k", "--k 61: expected at most 60 images"),
     ("sample run --label 1", "--label: the model is sgan, whose G knows no classes"),
     ("evaluate run --samples 3", "--samples: the model is sgan, which has no likelihood")],
)  # fmt: skip
def test_what_cannot_be_is_one_line(words, said, images, empty_folder, trained, fails):
    trained("sgan")
    (empty_folder / "small.npz").write_bytes(images.read_bytes())
    with np.load(images) as file:
        np.savez(empty_folder / "bare.npz", x_train=file["x_train"], x_test=file["x_test"])
    fails(words, said)
