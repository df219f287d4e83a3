from pathlib import Path

import numpy as np
import pytest

from numpy_nets import random
from numpy_nets.cli import main
from numpy_nets.cli.recipes import m1m2
from numpy_nets.cli.recipes.m1m2 import analogies, drawn_codes
from numpy_nets.cli.recipes.sgan import labelled_rows
from numpy_nets.cli.runs.data import load_images
from numpy_nets.cli.runs.saved import load_saved

COMMAND = ["train", "m1m2", "--latent", "3", "--hidden", "8", "--m2-hidden", "8", "--batch-size",
           "16", "--epochs", "2", "--labels", "6"]  # fmt: skip


def run(images, folder, capsys):
    """History, weights and table of a run."""
    assert main([*COMMAND, "--data", str(images), "--out", folder]) == 0
    out = capsys.readouterr().out
    main(["evaluate", folder])
    history, weights = (
        (Path(folder) / name).read_bytes() for name in ("history.csv", "m1m2.weights.h5")
    )
    table = [line for line in out[out.index("error on") :].splitlines() if folder not in line]
    return history, weights, table, capsys.readouterr()


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
    monkeypatch.setattr(m1m2, "labelled_rows", lambda *_: rows)  # to be balanced, it sees all
    ours = run(images, "a", capsys)
    assert ours == run(empty_folder / "other" / "small.npz", "b", capsys)
    monkeypatch.setattr(m1m2, "labelled_rows", lambda *_: others[:6])  # the comparison can fail
    assert run(images, "c", capsys)[:2] != ours[:2]


def test_the_share_of_the_labels_in_the_loss_is_that_in_the_data(images):
    recipe, data, seen = m1m2.M1M2Recipe(), load_images(str(images)), []
    settings = m1m2.M1M2Settings(image_shape=(6, 5), classes=3, labels=6)
    model = recipe.build(settings)
    model.fit = lambda batches, **_: seen.append(batches)
    recipe.fit(model, data, settings)
    assert model.m2.share == 6 / 60
    assert seen[0].x is data.x_train and len(seen[0].x_labelled) == 6


def test_the_table_has_the_errors_of_the_same_labels_without_m2(
    images, empty_folder, no_pictures, capsys
):
    assert main([*COMMAND, "--data", str(images), "--out", "run"]) == 0
    trained = capsys.readouterr().out
    assert main(["evaluate", "run"]) == 0
    evaluated = capsys.readouterr().out
    for line in ("m1m2", "its classifier, trained on the labels alone",
                 "linear probe of M1's codes", "nearest labelled image, by M1's codes",
                 "linear probe of pixels", "nearest labelled image"):  # fmt: skip
        assert line in evaluated
    assert "error on 20 test images, from 6 labels" in evaluated
    assert evaluated.strip() in trained


def test_samples_are_those_of_m2_in_the_order_of_their_classes(trained, monkeypatch):
    run = load_saved(trained("m1m2"))
    m2, asked = run.model.m2, []
    decoder = m2.decoder
    monkeypatch.setattr(m2, "decoder", lambda zy: asked.append(zy[1]) or decoder(zy))
    images = run.recipe.sample(run.model, 6, None)
    run.recipe.sample(run.model, 2, 1)
    assert [rows.argmax(axis=1).tolist() for rows in asked] == [[0, 0, 1, 1, 2, 2], [1, 1]]
    assert images.shape == (6, 30) and 0 <= images.min() < images.max() <= 1


def test_analogies_are_the_image_and_then_its_style_with_each_class(trained):
    run = load_saved(trained("m1m2"))
    x = run.images().x_test[:4]
    sheet = analogies(run.model, x, 3).reshape(4, 4, 30)
    np.testing.assert_array_equal(sheet[:, 0], x)
    m1, m2 = run.model.m1, run.model.m2
    codes, _ = m1.encode(x)
    y = np.eye(3, dtype=np.float32)[m2(codes).numpy().argmax(axis=1)]
    means, _ = m2.decoder([m2.encode((codes, y))[0], y])
    expected = run.recipe.decode(run.model, means.numpy(), None)
    for i, label in enumerate(y.argmax(axis=1)):
        np.testing.assert_allclose(sheet[i, 1 + label], expected[i], rtol=1e-5)
    assert (sheet[:, 1] != sheet[:, 2]).any(axis=1).all()


def test_the_classifier_of_the_labels_alone_is_given_codes_that_are_drawn_anew(trained):
    run = load_saved(trained("m1m2"))
    x = run.images().x_test
    first, second = drawn_codes(run.model, x), drawn_codes(run.model, x)
    assert first.shape == (20, 4) and (first != second).all()
    mean, log_var = (part.numpy() for part in run.model.m1.encode(x))
    random.set_random_seed(1)
    many = np.stack([drawn_codes(run.model, x) for _ in range(2000)])
    np.testing.assert_allclose(many.std(axis=0) / np.exp(log_var / 2), 1, atol=0.1)
    np.testing.assert_allclose((many.mean(axis=0) - mean) / np.exp(log_var / 2), 0, atol=0.15)


@pytest.mark.parametrize(
    ("words", "said"),
    [("train m1m2 --data small.npz --labels 2", "--labels 2: expected at least 3, one of each"),
     ("train m1m2 --data bare.npz", "m1m2: expected a label from 2 to 1,000 classes"),
     ("train m1m2 --data small.npz --alpha -1", "argument --alpha: expected a number >= 0"),
     ("sample run --label 3", "--label: expected 0 to 2, got 3"),
     ("evaluate run --samples 3", "--samples: the table of m1m2 has no likelihood")],
)  # fmt: skip
def test_what_cannot_be_is_one_line(words, said, images, empty_folder, trained, fails):
    trained("m1m2")
    (empty_folder / "small.npz").write_bytes(images.read_bytes())
    with np.load(images) as file:
        np.savez(empty_folder / "bare.npz", x_train=file["x_train"], x_test=file["x_test"])
    fails(words, said)
