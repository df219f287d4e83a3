"""A GAN whose G is a linear map has a known density: the numbers of the lab against it."""

import math

import numpy as np
import pytest

from numpy_nets import config, random
from numpy_nets.evaluation.plane import (
    compare_with_truth,
    discriminator_loss,
    sample_gradients,
)
from numpy_nets.layers import Dense, Input
from numpy_nets.models import Sequential
from numpy_nets.models.gan import GAN, LEAST_SQUARES, MINIMAX, NON_SATURATING
from numpy_nets.theory.adversarial import value
from numpy_nets.theory.plane import Mixture, Square, points_as_mixture, probabilities

SQUARE, BLUR = Square(3.0, 50), 0.1
DATA = Mixture(np.array([[-1.0, 0.0], [1.0, 0.5]]), np.full((2, 2), 0.3), np.array([0.5, 0.5]))
OBJECTIVES = {"non-saturating": NON_SATURATING, "minimax": MINIMAX, "least-squares": LEAST_SQUARES}


def gan(objective=NON_SATURATING, **options):
    """G(z) = diag(0.8, 0.5) z + (0.2, -0.1), and a D of random weights."""
    random.set_random_seed(1)
    generator = Sequential([Input((2,)), Dense(2)], name="generator")
    generator.set_weights([np.diag([0.8, 0.5]), np.array([0.2, -0.1])])
    judge = Dense(1, activation=objective.activation)
    hidden = Dense(16, activation="tanh")
    discriminator = Sequential([Input((2,)), hidden, judge], name="discriminator")
    return GAN(generator, discriminator, objective, **options)


def samples(model, n=5000):
    z = np.random.default_rng(0).standard_normal((n, 2)).astype(config.floatx())
    return model.generator(z).numpy()


def densities(cells):
    """p and g as tables on [-6, 6]², both exact, without the functions under test."""
    line = (np.arange(cells) + 0.5) * 12 / cells - 6
    x, y = np.meshgrid(line, line)

    def normal(mx, my, sx, sy):
        vx, vy = sx**2 + BLUR**2, sy**2 + BLUR**2
        exponent = -0.5 * ((x - mx) ** 2 / vx + (y - my) ** 2 / vy)
        return np.exp(exponent) / (2 * np.pi * math.sqrt(vx * vy))

    p = 0.5 * normal(-1, 0, 0.3, 0.3) + 0.5 * normal(1, 0.5, 0.3, 0.3)
    return line, p, normal(0.2, -0.1, 0.8, 0.5), (12 / cells) ** 2


def test_the_divergence_is_that_of_the_exact_densities_but_for_what_chance_adds():
    model = gan()
    truth = compare_with_truth(model, samples(model), DATA, SQUARE, BLUR)
    _, p, g, area = densities(600)
    m = 0.5 * (p + g)
    exact = 0.5 * area * float(np.sum(p * np.log(p / m) + g * np.log(g / m)))
    assert 0.1 < exact < 0.6
    assert truth.jsd == pytest.approx(exact, abs=0.006)


def test_the_best_discriminator_is_that_of_the_exact_densities_where_there_are_samples():
    model = gan()
    truth = compare_with_truth(model, samples(model), DATA, SQUARE, BLUR)
    line, p, g, _ = densities(100)  # the same cells, and more of them
    inside = np.abs(line) < 3
    p, g = (table[np.ix_(inside, inside)] for table in (p, g))
    off = np.abs(truth.best - p / (p + g))
    weights = (p + g) / (p + g).sum()
    assert np.sum(weights * off) < 0.02 and not truth.empty.all()
    np.testing.assert_array_equal(truth.empty[weights > 1e-4], False)


@pytest.mark.parametrize("name", OBJECTIVES)
@pytest.mark.parametrize("label", [1.0, 0.9])
def test_no_discriminator_has_less_than_the_least_loss(name, label):
    model = gan(OBJECTIVES[name], real_label=label)
    x = samples(model)
    truth = compare_with_truth(model, x, DATA, SQUARE, BLUR)
    p = probabilities(DATA, SQUARE, BLUR)
    g = probabilities(points_as_mixture(x), SQUARE, BLUR)
    assert truth.least < truth.d_loss
    best, rng = label * p / (p + g), np.random.default_rng(0)
    for scale in (1e-3, 0.1):
        other = np.clip(best + scale * rng.standard_normal(best.shape), 0, 1)
        assert discriminator_loss(model.objective, label, other, p, g) > truth.least


def test_in_the_plain_game_the_losses_are_minus_the_value_and_its_maximum():
    model = gan()
    x = samples(model)
    truth = compare_with_truth(model, x, DATA, SQUARE, BLUR)
    p = probabilities(DATA, SQUARE, BLUR)
    g = probabilities(points_as_mixture(x), SQUARE, BLUR)
    d = model.discriminator(SQUARE.middles.astype("float32")).numpy()[:, 0].astype(float)
    v = value(np.append(d, 0.5), p, g)
    # The outside, a cell of probability 1e-4, has a D of its own.
    assert -truth.d_loss == pytest.approx(v, abs=1e-3)
    assert truth.least == pytest.approx(math.log(4) - 2 * truth.jsd, abs=1e-6)
    assert truth.seen == pytest.approx(0.5 * (math.log(4) - truth.d_loss))
    assert truth.seen < truth.jsd


def test_of_samples_that_are_all_outside_the_divergence_is_log_2():
    model = gan()
    far = np.full((10, 2), 9.0, np.float32)
    truth = compare_with_truth(model, far, DATA, SQUARE, BLUR)
    assert truth.jsd == pytest.approx(math.log(2), abs=1e-3)
    d = float(model.discriminator(far[:1]).numpy()[0, 0])
    p = probabilities(DATA, SQUARE, BLUR)[:-1]
    real = -float(np.sum(p * np.log(truth.d.reshape(-1))))
    assert truth.d_loss == pytest.approx(real - math.log(1 - d), abs=1e-3)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_the_way_of_a_sample_is_minus_the_slope_of_its_own_loss(name, monkeypatch):
    monkeypatch.setattr(config, "_floatx", "float64")
    model = gan(OBJECTIVES[name])
    x, step = samples(model, 6), 1e-6
    gradients = sample_gradients(model, x)
    assert gradients.shape == (6, 2)
    for i in range(6):
        for axis in range(2):
            ends = []
            for sign in (1, -1):
                moved = x[i : i + 1].copy()
                moved[0, axis] += sign * step
                ends.append(float(model.objective.generator(model.discriminator(moved))))
            slope = (ends[0] - ends[1]) / (2 * step)
            assert gradients[i, axis] == pytest.approx(slope, rel=1e-6, abs=1e-9)
