import numpy as np
import pytest

from numpy_nets import random
from numpy_nets.cli.runs.binarize import DynamicBatches, binarized
from numpy_nets.cli.runs.data import load_images
from numpy_nets.models.autoencoder import build_autoencoder


def test_none_changes_nothing(images):
    data = load_images(str(images))
    assert binarized(data, "none", 0) is data


@pytest.mark.parametrize("mode", ["static", "dynamic"])
def test_test_pixels_are_0_or_1_and_follow_from_the_seed(mode, images):
    data = load_images(str(images))
    a, b, c = (binarized(data, mode, seed) for seed in (1, 1, 2))
    assert set(np.unique(a.x_test)) == {0, 1} and a.x_test.dtype == np.float32
    np.testing.assert_array_equal(a.x_test, b.x_test)
    assert (a.x_test != c.x_test).any()


@pytest.mark.parametrize("mode", ["static", "dynamic"])
def test_test_pixels_have_a_stream_of_their_own(mode, images):
    """The shared one draws the initial weights, the order and the training pixels."""
    data = load_images(str(images))
    random.set_random_seed(3)
    before = random.get_state()
    x_test = binarized(data, mode, 3).x_test
    assert random.get_state() == before
    shared, own = random.generator(), np.random.default_rng([3, 1])
    np.testing.assert_array_equal(x_test, own.random(x_test.shape, np.float32) < data.x_test)
    assert (x_test != (shared.random(x_test.shape, np.float32) < data.x_test)).any()


def test_static_binarizes_training_and_validation_images_and_dynamic_leaves_training_grey(images):
    data = load_images(str(images))
    data = data._replace(x_valid=data.x_train[:10])
    static, dynamic = (binarized(data, mode, 0) for mode in ("static", "dynamic"))
    assert set(np.unique(static.x_train)) == {0, 1}
    assert dynamic.x_train is data.x_train
    for found in (static, dynamic):
        assert set(np.unique(found.x_valid)) == {0, 1}


def test_test_pixels_are_the_same_whatever_is_trained_on(images):
    data = load_images(str(images))
    fewer = data._replace(x_train=data.x_train[:7])
    a, b = (binarized(d, "static", 0).x_test for d in (data, fewer))
    np.testing.assert_array_equal(a, b)


def test_a_pixel_is_1_as_often_as_it_is_bright():
    random.set_random_seed(0)
    x = np.tile(np.array([0.0, 0.2, 0.9, 1.0], np.float32), (20_000, 1))
    (batch,) = DynamicBatches((x,), len(x))
    mean = batch[0].mean(axis=0)
    assert mean[0] == 0 and mean[3] == 1
    np.testing.assert_allclose(mean[1:3], [0.2, 0.9], atol=5 * 0.4 / np.sqrt(len(x)))


def test_every_epoch_has_all_samples_in_a_new_order_with_new_pixels():
    random.set_random_seed(0)
    grey, label = np.full((10, 50), 0.5, np.float32), np.arange(10)
    batches = DynamicBatches((grey, label), 4)
    assert len(batches) == 3
    epochs = [list(batches) for _ in range(2)]
    assert [len(x) for x, _ in epochs[0]] == [4, 4, 2]
    orders = [np.concatenate([y for _, y in epoch]) for epoch in epochs]
    assert (orders[0] != orders[1]).any()
    pixels = []
    for epoch, order in zip(epochs, orders, strict=True):
        np.testing.assert_array_equal(np.sort(order), label)
        pixels.append(np.concatenate([x for x, _ in epoch])[np.argsort(order)])
    assert (pixels[0] != pixels[1]).any(axis=1).all()


def test_images_that_are_their_own_target_are_drawn_once():
    x = np.full((6, 5), 0.5, np.float32)
    for a, b in DynamicBatches((x, x), 4):
        assert a is b


def test_an_autoencoder_trains_on_the_batches():
    random.set_random_seed(0)
    model, _ = build_autoencoder(8, 3)
    model.compile("adam", "binary_crossentropy")
    x = np.random.default_rng(0).random((20, 8)).astype(np.float32)
    history = model.fit(DynamicBatches((x, x), 8), epochs=2, verbose=0).history
    assert len(history["loss"]) == 2
