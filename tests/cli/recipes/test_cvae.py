import numpy as np
import pytest

from numpy_nets.cli.recipes.cvae import one_hot
from numpy_nets.cli.runs.saved import load_saved


def test_images_are_sampled_of_a_class_or_of_all_in_turn(trained, monkeypatch):
    run = load_saved(trained("cvae"))
    asked = []
    monkeypatch.setattr(
        type(run.recipe), "decode", lambda self, model, codes, y: asked.append(y.tolist())
    )
    run.recipe.sample(run.model, 6, None)
    run.recipe.sample(run.model, 2, 1)
    assert asked == [[0, 0, 1, 1, 2, 2], [1, 1]]


def test_labels_become_rows_with_a_single_1():
    rows = one_hot(np.array([2, 0]), 3, "cvae")
    np.testing.assert_array_equal(rows, [[0, 0, 1], [1, 0, 0]])


def test_other_data_need_the_labels_that_the_model_knows(trained, images, fails):
    trained("cvae")
    stored = dict(np.load(images))
    np.savez("four.npz", **{**stored, "y_test": stored["y_test"] + 1})
    fails("evaluate run --data four.npz", "expected a label of 0 to 2 for every image, got 3")
    np.savez("none.npz", x_train=stored["x_train"], x_test=stored["x_test"])
    fails("evaluate run --data none.npz", "expected a label of 0 to 2 for every image, got none")


@pytest.mark.parametrize("labels", [None, np.zeros(20, int), np.full(20, 2**40)])
def test_data_without_labels_or_with_unusable_ones_are_refused(labels, empty_folder, fails):
    arrays = {"x_train": np.ones((20, 4)), "x_test": np.ones((20, 4))}
    if labels is not None:
        arrays |= {"y_train": labels, "y_test": labels}
    np.savez("x.npz", **arrays)
    fails("train cvae --data x.npz --out run", "cvae: expected a label from 2 to 1,000 classes")
    assert not (empty_folder / "run").exists()
