import warnings

import numpy as np
import pytest

from numpy_nets import random
from numpy_nets.evaluation.collapse import CollapseWarning
from numpy_nets.layers import Dense, Input
from numpy_nets.models import Sequential
from numpy_nets.models.gan import GAN, build_discriminator, build_generator
from numpy_nets.optimizers import SGD

NOISE = np.random.default_rng(0).standard_normal((50, 2)).astype(np.float32)
HEALTHY = {"d_real": 0.6, "d_fake": 0.4}


class Linear:
    """Stands for a GAN: G(z) = scale · z."""

    def __init__(self, scale=1.0, real_label=1.0):
        self.scale, self.real_label = scale, real_label

    def generator(self, z):
        return self.scale * z


def watch(model, epochs, patience=3):
    """The warnings in a run whose epochs have these logs."""
    callback = CollapseWarning(NOISE, NOISE, patience)
    callback.set_model(model)
    callback.on_train_begin()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for epoch, logs in enumerate(epochs):
            callback.on_epoch_end(epoch, logs)
    return [str(warning.message) for warning in caught]


def test_a_healthy_run_causes_no_warning():
    assert watch(Linear(), [HEALTHY] * 10) == []
    assert watch(Linear(0.26), [HEALTHY] * 10) == []


def test_samples_that_are_alike_cause_one_warning():
    assert watch(Linear(0.2), [HEALTHY] * 2) == []
    (message,) = watch(Linear(0.2), [HEALTHY] * 10)
    assert message.startswith("epoch 3: the generator has collapsed: its samples are ")
    assert "\n" not in message


def test_data_that_are_sorted_by_class_are_compared_with_samples_of_all_classes():
    """Fifty of the first class alone would be as close together as the samples."""
    classes = np.repeat([[-5.0, 0], [5, 0]], 500, axis=0) + 0.1 * np.tile(NOISE, (20, 1))
    callback = CollapseWarning(NOISE, classes)
    assert 4 < callback.data_diversity < 6  # 10 for half of the pairs


def test_a_discriminator_that_makes_no_mistakes_causes_one_warning():
    (message,) = watch(Linear(), [HEALTHY] * 4 + [{"d_real": 0.99, "d_fake": 0.004}] * 9)
    assert message.startswith("epoch 7: the discriminator has won: D(x) 0.990, D(G(z)) 0.004;")


@pytest.mark.parametrize("logs", [{"d_real": 0.99, "d_fake": 0.1}, {"d_real": 0.9, "d_fake": 0.0}])
def test_both_of_its_outputs_have_to_be_sure(logs):
    assert watch(Linear(), [logs] * 10) == []


def test_with_label_smoothing_a_discriminator_is_sure_at_its_target():
    logs = {"d_real": 0.89, "d_fake": 0.001}
    assert watch(Linear(), [logs] * 10) == []
    (message,) = watch(Linear(real_label=0.9), [logs] * 10)
    assert message.startswith("epoch 3: the discriminator has won")


def test_a_healthy_epoch_in_between_restarts_the_count():
    sure = {"d_real": 1.0, "d_fake": 0.0}
    assert watch(Linear(), [sure, sure, HEALTHY, sure, sure, HEALTHY]) == []


def trained(callbacks):
    random.set_random_seed(0)
    gan = GAN(build_generator(2, 2, 8), build_discriminator(2, 8))
    gan.compile()
    gan.fit(NOISE, epochs=2, batch_size=25, verbose=0, callbacks=callbacks)
    return gan.get_weights()


def test_looking_does_not_change_the_run():
    watched = trained([CollapseWarning(NOISE, NOISE, patience=9)])
    assert all((a == b).all() for a, b in zip(watched, trained([]), strict=True))


def test_fit_warns_about_a_generator_that_makes_the_same_sample_from_every_z():
    zero = Sequential([Input((2,)), Dense(2, kernel_initializer="zeros")])
    gan = GAN(zero, build_discriminator(2, 8))
    gan.compile(SGD(1e-3), SGD(1e-9))
    with pytest.warns(UserWarning, match="epoch 2: the generator has collapsed") as caught:
        gan.fit(NOISE, epochs=4, verbose=0, callbacks=[CollapseWarning(NOISE, NOISE, patience=2)])
    assert len(caught) == 1
