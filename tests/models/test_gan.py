"""The GAN: its objectives against the theory, and which network learns in which step."""

import math
import re

import numpy as np
import pytest

from numpy_nets import GradientTape, Sequential, activations, config, gradcheck, ops, random
from numpy_nets.autodiff.tensor import Tensor
from numpy_nets.layers import Dense, Dropout, Flatten, Input, LeakyReLU, Reshape
from numpy_nets.models import gan as gan_file
from numpy_nets.models.gan import (
    GAN,
    LEAST_SQUARES,
    MINIMAX,
    NON_SATURATING,
    Objective,
    build_discriminator,
    build_gan,
    build_generator,
    crossentropy,
    squared_error,
    train_gan,
)
from numpy_nets.optimizers import SGD, Adam
from numpy_nets.storage.checkpoint import load_checkpoint, save_checkpoint

ALL = [MINIMAX, NON_SATURATING, LEAST_SQUARES]


@pytest.fixture
def float64(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "_floatx", "float64")


def make(objective: Objective = NON_SATURATING, dropout: bool = False, **options) -> GAN:
    """A GAN with 3 latents and 6 pixels, whose weights are not small."""
    random.set_random_seed(0)
    discriminator = build_discriminator(6, 4, activation=objective.activation)
    if dropout:
        discriminator = Sequential([Input((6,)), Dropout(0.5), Dense(1, activation="sigmoid")])
    gan = GAN(build_generator(3, 6, 4), discriminator, objective, **options)
    gan.compile()
    rng = np.random.default_rng(0)
    for network in (gan.generator, gan.discriminator):
        network.set_weights([rng.normal(size=w.shape) for w in network.get_weights()])
    return gan


def images(n: int = 12) -> np.ndarray:
    return np.random.default_rng(1).uniform(-1, 1, (n, 6)).astype(config.floatx())


def noise(n: int = 12, seed: int = 2) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, 3)).astype(config.floatx())


def bits(network, optimizer) -> list[bytes]:
    return [a.tobytes() for a in [*network.get_weights(), *optimizer.get_state()]]


def g_slope(objective: Objective, logit: float) -> float:
    """∂/∂a of G's loss on one image for which D's logit is a."""
    a = Tensor(np.array([[logit]]))
    with GradientTape() as tape:
        tape.watch(a)
        loss = objective.generator(activations.get(objective.activation)(a))
    return float(tape.gradient(loss, a).array[0, 0])


def g_gradients(gan: GAN, z: np.ndarray) -> np.ndarray:
    """The gradient of G's loss with respect to all its weights, as one vector."""
    with GradientTape() as tape:
        (loss,) = gan.g_terms(z)
    return np.concatenate(
        [g.array.ravel() for g in tape.gradient(loss, gan.generator.trainable_variables)]
    )


@pytest.mark.parametrize("logit", [-30.0, -3.0, -0.1, 0.0, 0.1, 3.0, 30.0])
def test_g_s_slopes_at_d_s_logit_are_those_of_the_theory(logit) -> None:
    sigmoid = 1 / (1 + math.exp(-logit))
    assert g_slope(MINIMAX, logit) == pytest.approx(-sigmoid, rel=1e-13)
    other = 1 / (1 + math.exp(logit))  # 1 - σ(a) without cancellation
    # 1 - σ is computed as a difference, which has the rounding error of σ.
    assert g_slope(NON_SATURATING, logit) == pytest.approx(-other, rel=1e-12, abs=1.2e-16)
    assert g_slope(LEAST_SQUARES, logit) == logit - 1


@pytest.mark.usefixtures("float64")
def test_for_one_image_both_crossentropies_pull_g_the_same_way_with_e_to_the_minus_a() -> None:
    for seed in range(5):
        z = noise(1, seed)
        gan = make()
        d = float(gan(z).array[0, 0])
        saturating, other = g_gradients(make(MINIMAX), z), g_gradients(gan, z)
        np.testing.assert_allclose(other, saturating * (1 - d) / d, rtol=1e-9, atol=1e-14)
        assert np.abs(other).max() > 1e-3


def test_where_d_wins_the_saturating_gradient_vanishes_and_the_others_do_not() -> None:
    for logit in (-20.0, -40.0, -1e4):
        assert 0 <= -g_slope(MINIMAX, logit) < 3e-9
        assert g_slope(NON_SATURATING, logit) == pytest.approx(-1)
        assert g_slope(LEAST_SQUARES, logit) < -20


@pytest.mark.usefixtures("float64")
def test_the_terms_of_d_are_minus_the_value_of_the_game() -> None:
    gan = make()
    d_x = gan.discriminator(images()).array
    d_g_z = gan(noise()).array
    value = np.mean(np.log(d_x)) + np.mean(np.log(1 - d_g_z))
    assert float(sum(gan.d_terms(images(), noise()))) == pytest.approx(-value, rel=1e-12)


@pytest.mark.usefixtures("float64")
def test_minimax_has_g_descend_the_value_that_d_ascends() -> None:
    gan = make(MINIMAX)
    with GradientTape() as tape:
        value = -sum(gan.d_terms(images(), noise()))
    gradients = tape.gradient(value, gan.generator.trainable_variables)
    expected = np.concatenate([g.array.ravel() for g in gradients])
    np.testing.assert_allclose(g_gradients(gan, noise()), expected, rtol=1e-12)


def test_least_squares_is_half_the_squared_distance_from_the_paper_s_labels() -> None:
    d = np.array([[0.2], [-1.5]])
    assert float(LEAST_SQUARES.discriminator(1.0, Tensor(d))) == pytest.approx(
        0.5 * ((0.2 - 1) ** 2 + (-1.5 - 1) ** 2) / 2
    )
    assert float(LEAST_SQUARES.discriminator(0.0, Tensor(d))) == pytest.approx(
        0.5 * (0.2**2 + 1.5**2) / 2
    )
    assert float(LEAST_SQUARES.generator(Tensor(d))) == pytest.approx(
        float(LEAST_SQUARES.discriminator(1.0, Tensor(d)))
    )


def slope(objective: Objective, real_label: float, data: float, output: float) -> float:
    """∂/∂D of D's loss where a share `data` of the images is real and the rest are G's."""
    d = Tensor(np.array([[output]]))
    with GradientTape() as tape:
        tape.watch(d)
        loss = data * objective.discriminator(real_label, d)
        loss = loss + (1 - data) * objective.discriminator(0.0, d)
    return float(tape.gradient(loss, d).array[0, 0])


@pytest.mark.parametrize("objective", [NON_SATURATING, LEAST_SQUARES])
@pytest.mark.parametrize("label", [1.0, 0.9])
def test_the_best_d_is_the_share_of_data_and_one_sided_smoothing_only_scales_it(
    objective, label
) -> None:
    for data in (0.25, 0.5, 0.875):
        best = label * data
        assert slope(objective, label, data, best) == pytest.approx(0, abs=1e-12)
        assert slope(objective, label, data, best - 0.01) < 0
        assert slope(objective, label, data, best + 0.01) > 0


@pytest.mark.usefixtures("float64")
def test_a_smoothed_label_changes_the_term_of_data_alone() -> None:
    plain, smooth = (make(real_label=label).d_terms(images(), noise()) for label in (1.0, 0.9))
    assert float(plain[0]) != float(smooth[0])
    assert float(plain[1]) == float(smooth[1])


@pytest.mark.parametrize("loss", [crossentropy, squared_error])
@pytest.mark.parametrize("label", [0.0, 0.9, 1.0])
@pytest.mark.usefixtures("float64")
def test_losses_have_the_gradients_of_central_differences(loss, label) -> None:
    logits = np.random.default_rng(0).normal(size=(5, 1))
    gradcheck(lambda a: loss(label, activations.sigmoid(a)), [logits])


@pytest.mark.parametrize("objective", ALL)
@pytest.mark.parametrize("what", ["d_terms", "g_terms"])
@pytest.mark.usefixtures("float64")
def test_both_networks_have_the_gradients_of_central_differences(objective, what) -> None:
    gan = make(objective)
    network = gan.discriminator if what == "d_terms" else gan.generator
    arguments = (images(), noise()) if what == "d_terms" else (noise(),)

    def loss() -> Tensor:
        return sum(getattr(gan, what)(*arguments))  # type: ignore[return-value]

    with GradientTape() as tape:
        value = loss()
    step = 1e-6
    for variable, g in zip(
        network.trainable_variables, tape.gradient(value, network.trainable_variables), strict=True
    ):
        before = variable.array
        direction = np.random.default_rng(3).normal(size=variable.shape)
        variable.assign(before + step * direction)
        above = float(loss())
        variable.assign(before - step * direction)
        slope = (above - float(loss())) / (2 * step)
        variable.assign(before)
        assert float(np.sum(g.array * direction)) == pytest.approx(slope, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("objective", [MINIMAX, NON_SATURATING])
@pytest.mark.parametrize("logit", [-1e4, 1e4])
def test_however_sure_d_is_losses_and_gradients_stay_finite(objective, logit) -> None:
    gan = make(objective)
    *rest, bias = gan.discriminator.get_weights()
    gan.discriminator.set_weights([*rest, np.full_like(bias, logit)])
    for step in (
        lambda: gan.learn_discriminator(images(), noise()),
        lambda: gan.learn_generator(noise()),
    ):
        assert all(np.isfinite(term.array) for term in step())
    for network in (gan.generator, gan.discriminator):
        assert all(np.isfinite(w).all() for w in network.get_weights())


@pytest.mark.parametrize("options", [{}, {"half_steps": True}, {"dropout": True}])
@pytest.mark.parametrize("objective", [NON_SATURATING, MINIMAX])
def test_a_step_of_one_leaves_the_other_and_its_optimizer_bit_for_bit(objective, options) -> None:
    gan = make(objective, **options)
    for _ in range(2):  # the second step meets optimizers with accumulators
        g = bits(gan.generator, gan.g_optimizer)
        d = bits(gan.discriminator, gan.d_optimizer)
        gan.learn_discriminator(images(), noise())
        assert bits(gan.generator, gan.g_optimizer) == g
        learnt = bits(gan.discriminator, gan.d_optimizer)
        changed = [a != b for a, b in zip(learnt, d, strict=True)]
        assert changed.count(False) == 1  # the learning rate
        gan.learn_generator(noise())
        assert bits(gan.discriminator, gan.d_optimizer) == learnt
        changed = [a != b for a, b in zip(bits(gan.generator, gan.g_optimizer), g, strict=True)]
        assert changed.count(False) == 1


@pytest.mark.parametrize("objective", ALL)
def test_a_step_depends_on_its_own_batch_and_not_on_steps_before(objective) -> None:
    """No stale gradients: with SGD, a step after one of the other network equals the step alone."""
    alone, after = make(objective), make(objective)
    for gan in (alone, after):
        gan.compile(SGD(0.1), SGD(0.1))
    start = after.generator.get_weights()
    after.learn_generator(noise(seed=9))
    after.generator.set_weights(start)
    for gan in (alone, after):
        gan.learn_discriminator(images(), noise())
        gan.learn_generator(noise(seed=5))
    for network in ("generator", "discriminator"):
        for a, b in zip(
            getattr(alone, network).get_weights(),
            getattr(after, network).get_weights(),
            strict=True,
        ):
            assert a.tobytes() == b.tobytes()


@pytest.mark.parametrize("k", [1, 3])
@pytest.mark.parametrize("half_steps", [False, True])
def test_optimizers_count_k_steps_of_d_twice_if_halved_for_each_of_g(k, half_steps) -> None:
    gan = make(k=k, half_steps=half_steps)
    gan.fit(images(), batch_size=6, epochs=2, verbose=0)
    assert gan.g_optimizer.iterations == 4
    assert gan.d_optimizer.iterations == 4 * k * (2 if half_steps else 1)


def test_one_step_descends_the_sum_and_two_halves_each_term_in_turn() -> None:
    together, halves, by_hand = make(), make(half_steps=True), make()
    for gan in (together, halves, by_hand):
        gan.compile(SGD(0.5), SGD(0.5))
    one, two = (gan.learn_discriminator(images(), noise()) for gan in (together, halves))
    assert float(one[0]) == float(two[0]) and float(one[1]) != float(two[1])
    for part in range(2):
        with GradientTape() as tape:
            term = by_hand.d_terms(images(), noise())[part]
        assert float(term) == float(two[part])
        variables = by_hand.discriminator.trainable_variables
        by_hand.d_optimizer.apply(tape.gradient(term, variables), variables)
    for a, b in zip(
        halves.discriminator.get_weights(), by_hand.discriminator.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(a, b)


def test_a_batch_is_divided_among_the_k_steps_each_with_noise_of_its_own(monkeypatch) -> None:
    gan = make(k=3)
    seen: list[tuple[np.ndarray, np.ndarray]] = []
    learn = gan.learn_discriminator

    def spy(real, z):
        seen.append((real.array, z.array))
        return learn(real, z)

    monkeypatch.setattr(gan, "learn_discriminator", spy)
    x = images(11)
    gan.train_on_batch(x)
    assert [len(real) for real, _ in seen] == [len(z) for _, z in seen] == [4, 4, 3]
    rows = np.concatenate([real for real, _ in seen])
    assert sorted(map(tuple, rows)) == sorted(map(tuple, x))
    assert len(np.unique(np.concatenate([z for _, z in seen]))) == 33


def test_a_batch_of_fewer_images_than_steps_is_refused() -> None:
    with pytest.raises(ValueError, match="batch: expected at least k = 3 images, got 2"):
        make(k=3).train_on_batch(images(2))


@pytest.mark.parametrize("objective", ALL)
@pytest.mark.parametrize("options", [{}, {"k": 2}, {"half_steps": True}])
def test_what_is_reported_adds_up_in_training_and_evaluation(objective, options) -> None:
    gan = make(objective, **options)
    history = gan.fit(images(), None, 5, 2, 0, validation_data=images()).history
    assert set(history) == {f"{p}{name}" for p in ("", "val_") for name in gan.reported}
    for p in ("", "val_"):
        total = np.add(history[f"{p}d_loss_real"], history[f"{p}d_loss_fake"])
        np.testing.assert_allclose(history[f"{p}d_loss"], total, rtol=1e-5)


@pytest.mark.parametrize("shift", [0, 1])  # wrong on one of G's images; right on some real
def test_accuracy_and_outputs_are_those_of_d_by_hand(shift) -> None:
    gan = make()
    with_noise = Tensor(noise())
    gan.draw_noise = lambda count: with_noise  # type: ignore[method-assign]
    bias = gan.discriminator.layers[-1].bias
    bias.assign(bias.array + shift)
    logs = gan.evaluate(images(), batch_size=12, verbose=0, return_dict=True)
    d_x, d_g_z = gan.discriminator(images()).array, gan(noise()).array
    assert 0 < ((d_x > 0.5).mean() if shift else (d_g_z <= 0.5).mean()) < 1
    assert logs["d_real"] == pytest.approx(d_x.mean(), rel=1e-6)
    assert logs["d_fake"] == pytest.approx(d_g_z.mean(), rel=1e-6)
    assert logs["d_accuracy"] == pytest.approx(((d_x > 0.5).mean() + (d_g_z <= 0.5).mean()) / 2)
    assert logs["g_loss"] == pytest.approx(-np.log(d_g_z).mean(), rel=1e-5)


def test_a_d_that_says_one_half_is_right_about_g_s_images_only() -> None:
    gan = make()
    gan.discriminator.set_weights([np.zeros_like(w) for w in gan.discriminator.get_weights()])
    logs = gan.test_on_batch(images(), return_dict=True)
    assert (logs["d_real"], logs["d_fake"], logs["d_accuracy"]) == (0.5, 0.5, 0.5)


def test_a_gan_is_built_when_both_of_its_networks_are() -> None:
    generator, discriminator = build_generator(3, 6), build_discriminator(6)
    assert GAN(generator, discriminator).built
    assert not GAN(generator, Sequential([Dense(1)])).built
    assert not GAN(Sequential([Dense(6)]), discriminator).built


def test_evaluation_is_without_dropout_and_changes_nothing() -> None:
    gan = make(dropout=True)
    gan.draw_noise = lambda count: Tensor(noise())  # type: ignore[method-assign]
    before = bits(gan.discriminator, gan.d_optimizer) + bits(gan.generator, gan.g_optimizer)
    first, second = (gan.evaluate(images(), batch_size=12, verbose=0) for _ in range(2))
    assert first == second
    after = bits(gan.discriminator, gan.d_optimizer) + bits(gan.generator, gan.g_optimizer)
    assert after == before


def test_training_uses_dropout_in_steps_of_d_and_of_g() -> None:
    gan = make(dropout=True)
    terms = [[float(t) for t in gan.d_terms(images(), noise(), True)] for _ in range(2)]
    assert terms[0][0] != terms[1][0] and terms[0][1] != terms[1][1]
    first, second = (float(gan.g_terms(noise(), True)[0]) for _ in range(2))
    assert first != second


@pytest.mark.parametrize("where", ["generator", "discriminator"])
def test_steps_use_dropout_and_terms_alone_do_not(where) -> None:
    ends = {"generator": [Dense(6, activation="tanh")], "discriminator": [Dense(1, "sigmoid")]}
    networks = [
        Sequential(
            [Input((n,)), Dense(50), *([Dropout(0.5)] if name == where else []), *ends[name]]
        )
        for name, n in (("generator", 3), ("discriminator", 6))
    ]
    gan = GAN(*networks)
    gan.compile(SGD(0.0), SGD(0.0))
    for once, varies in (
        (lambda: gan.learn_discriminator(images(), noise())[1], True),
        (lambda: gan.learn_generator(noise())[0], True),
        (lambda: gan.d_terms(images(), noise())[1], False),
        (lambda: gan.g_terms(noise())[0], False),
        (lambda: ops.sum(gan.examples(images(), noise())[1][1]), False),
    ):
        assert (float(once()) != float(once())) == varies


def test_the_same_seed_gives_the_same_run() -> None:
    runs = []
    for _ in range(2):
        gan = make()
        gan.fit(images(), batch_size=5, epochs=2, verbose=0)
        runs.append(bits(gan.generator, gan.g_optimizer))
    assert runs[0] == runs[1]


def test_the_averaged_generator_follows_g() -> None:
    """After the first step it is G; then the share of G's newest weights becomes smaller."""
    averaged = build_generator(3, 6, 4)
    gan = make(averaged=averaged, ema_momentum=0.15)
    expected = averaged.get_weights()
    for seed, momentum in enumerate([0, 1 / 11, 0.15, 0.15]):
        gan.learn_discriminator(images(), noise(seed=seed))
        for a, b in zip(averaged.get_weights(), expected, strict=True):
            np.testing.assert_array_equal(a, b, "a step of D")
        gan.learn_generator(noise(seed=seed))
        pairs = zip(expected, gan.generator.get_weights(), strict=True)
        expected = [momentum * a + (1 - momentum) * b for a, b in pairs]
        for a, b in zip(averaged.get_weights(), expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
        expected = averaged.get_weights()


def test_averaging_changes_nothing_in_the_game() -> None:
    plain, watched = make(), make(averaged=build_generator(3, 6, 4))
    for gan in (plain, watched):
        random.set_random_seed(3)
        gan.fit(images(), batch_size=5, epochs=2, verbose=0)
    assert bits(plain.generator, plain.g_optimizer) == bits(watched.generator, watched.g_optimizer)
    assert not watched.averaged.trainable_variables
    assert len(watched.trainable_variables) == len(plain.trainable_variables)


@pytest.mark.parametrize(
    "options", [{}, {"k": 2, "half_steps": True}, {"dropout": True}, {"averaged": True}]
)
def test_training_goes_on_from_a_checkpoint_bit_for_bit(options, tmp_path) -> None:
    def make_one() -> GAN:
        averaged = {"averaged": build_generator(3, 6, 4)} if "averaged" in options else {}
        return make(**(options | averaged))

    path = tmp_path / "c.weights.h5"
    whole, part = make_one(), make_one()
    random.set_random_seed(3)
    whole.fit(images(), batch_size=5, epochs=4, verbose=0)
    random.set_random_seed(3)
    part.fit(images(), batch_size=5, epochs=2, verbose=0)
    save_checkpoint(part, path, 2)
    fresh = make_one()
    random.set_random_seed(99)
    assert load_checkpoint(fresh, path) == 2
    fresh.fit(images(), batch_size=5, epochs=4, initial_epoch=2, verbose=0)
    for network in ("generator", "discriminator"):
        a, b = (
            bits(getattr(gan, network), getattr(gan, f"{network[0]}_optimizer"))
            for gan in (whole, fresh)
        )
        assert a == b
    if whole.averaged is not None:
        a, b = (gan.averaged.get_weights() for gan in (whole, fresh))
        assert all((x == y).all() for x, y in zip(a, b, strict=True))


def test_d_s_optimizer_is_the_one_its_discriminator_was_compiled_with() -> None:
    generator, discriminator = build_generator(), build_discriminator()
    discriminator.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])
    gan = build_gan(generator, discriminator)
    assert gan.d_optimizer is discriminator.optimizer and gan.half_steps
    for optimizer in (gan.g_optimizer, make().d_optimizer):
        assert (optimizer.learning_rate, optimizer.beta_1) == (np.float32(2e-4), 0.5)
    own = Adam(0.1)
    gan.compile(d_optimizer=own)
    assert gan.d_optimizer is own


def test_a_d_that_cannot_learn_is_refused_when_the_gan_is_compiled() -> None:
    """With the recipe's `trainable = False` the notebook's fault would be back."""
    frozen = build_discriminator(6)
    frozen.trainable = False
    unbuilt = Sequential([Dense(1)], name="discriminator")
    for discriminator in (frozen, unbuilt):
        with pytest.raises(ValueError, match="discriminator: expected trainable weights, got none"):
            build_gan(build_generator(3, 6), discriminator)


def test_one_optimizer_for_both_networks_is_refused() -> None:
    """An optimizer's accumulators belong to one list of variables."""
    shared, gan = Adam(0.1), make()
    before = gan.d_optimizer, gan.g_optimizer
    with pytest.raises(ValueError, match="g_optimizer: expected one of G's own, got D's optimizer"):
        gan.compile(shared, shared)
    assert (gan.d_optimizer, gan.g_optimizer) == before
    gan.compile("sgd", "sgd")
    assert gan.d_optimizer is not gan.g_optimizer


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"k": 0}, "k: expected a positive integer, got 0"),
        ({"k": 1.5}, "k: expected a positive integer, got 1.5"),
        ({"real_label": 0.0}, "real_label: expected a number in (0, 1], got 0.0"),
        ({"real_label": 1.2}, "real_label: expected a number in (0, 1], got 1.2"),
        ({"real_label": -0.5}, "real_label: expected a number in (0, 1], got -0.5"),
        ({"ema_momentum": -0.1}, "ema_momentum: expected a number in [0, 1], got -0.1"),
        ({"ema_momentum": 1.1}, "ema_momentum: expected a number in [0, 1], got 1.1"),
        ({"ema_momentum": "0.9"}, "ema_momentum: expected a number in [0, 1], got '0.9'"),
    ],
)
def test_wrong_options_are_refused(options, message) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        GAN(build_generator(3, 6), build_discriminator(6), **options)


def test_an_average_that_is_not_a_network_of_its_own_like_g_is_refused() -> None:
    generator, discriminator = build_generator(3, 6, 4), build_discriminator(6)
    hidden = generator.layers[0]
    shared = Sequential([Input((3,)), hidden, LeakyReLU(0.01), Dense(6, activation="tanh")])
    for averaged, message in (
        (build_generator(3, 6, 5), "expected weights like G's, ['(3, 4) float32', "),
        (Sequential([Dense(6)]), "expected weights like G's, "),
        (generator, "expected weights of its own, got some of G's or D's"),
        (shared, "expected weights of its own, got some of G's or D's"),
    ):
        with pytest.raises(ValueError, match=re.escape(f"GAN: averaged: {message}")):
            GAN(generator, discriminator, averaged=averaged).compile()
    assert all(w.trainable for w in generator.weights)
    with pytest.raises(TypeError, match="GAN: averaged: expected a Model, got bool"):
        GAN(generator, discriminator, averaged=True)


@pytest.mark.parametrize("argument", [{"optimizer": "adam"}, {"loss": "binary_crossentropy"}])
def test_arguments_of_other_models_are_refused_by_name(argument) -> None:
    (name,) = argument
    with pytest.raises(TypeError, match=f"GAN.compile: {name}: .* d_optimizer and g_optimizer"):
        make().compile(**argument)


def test_k_may_be_a_numpy_integer() -> None:
    gan = make(k=np.int64(2))
    gan.fit(images(), verbose=0)
    assert gan.d_optimizer.iterations == 2


LINE = re.compile(r"(\d+) \[D loss: (\d+\.\d{6}), acc\.: (\d+\.\d\d)%\] \[G loss: (\d+\.\d{6})\]")


def test_train_gan_prints_every_tenth_iteration_and_trains_both(capsys) -> None:
    random.set_random_seed(0)
    generator, discriminator = build_generator(3, 6, 8), build_discriminator(6, 8)
    gan = build_gan(generator, discriminator)
    before = [network.get_weights() for network in (generator, discriminator)]
    train_gan(gan, generator, discriminator, images(50), epochs=25, batch_size=8)
    lines = capsys.readouterr().out.splitlines()
    matches = [LINE.fullmatch(line) for line in lines]
    assert all(matches) and [m[1] for m in matches if m] == ["10", "20", "25"]
    for network, weights in zip((generator, discriminator), before, strict=True):
        assert all((a != b).any() for a, b in zip(network.get_weights(), weights, strict=True))
    assert (gan.d_optimizer.iterations, gan.g_optimizer.iterations) == (50, 25)


def test_train_gan_prints_the_mean_of_d_s_terms_its_accuracy_and_g_s_loss(capsys) -> None:
    gan = make(half_steps=True)
    bias = gan.discriminator.layers[-1].bias
    bias.assign(bias.array + 2)
    train_gan(gan, gan.generator, gan.discriminator, images(), 1, 8)
    match = LINE.fullmatch(capsys.readouterr().out.strip())
    logs = gan.get_metrics_result()
    expected = [0.5 * logs["d_loss"], 100 * logs["d_accuracy"], logs["g_loss"]]
    assert logs["d_accuracy"] > 0.1
    assert match and [float(x) for x in match.groups()[1:]] == pytest.approx(expected, abs=0.006)


def test_train_gan_draws_every_row_and_no_other(monkeypatch, capsys) -> None:
    gan = make(k=3)
    batches: list[np.ndarray] = []

    def record(x, **_):
        batches.append(x[:, 0])
        return dict.fromkeys(gan.reported, 0.0)

    monkeypatch.setattr(gan, "train_on_batch", record)
    x = np.linspace(-1, 1, 7)[:, None].repeat(6, axis=1)
    train_gan(gan, gan.generator, gan.discriminator, x, epochs=np.int64(257), batch_size=4)
    assert capsys.readouterr().out.splitlines()[-1].startswith("257 [")
    assert {len(batch) for batch in batches} == {gan.k * 4}
    rows, counts = np.unique(np.concatenate(batches), return_counts=True)
    np.testing.assert_array_equal(rows, x[:, 0])
    draws = 257 * gan.k * 4
    assert abs(counts - draws / 7).max() < 5 * math.sqrt(draws * 6 / 49)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.full((4, 6), 255.0), "expected values in [-1, 1], got 255 to 255"),
        (np.full((4, 6), -1.5), "expected values in [-1, 1], got -1.5 to -1.5"),
        (np.full((4, 6), 1.5), "expected values in [-1, 1], got 1.5 to 1.5"),
        (np.full((4, 6), np.nan), "expected values in [-1, 1], got nan to nan"),
        (np.zeros((0, 6)), "expected an array (samples, ...), got (0, 6)"),
        (np.zeros((4, 0)), "expected an array (samples, ...), got (4, 0)"),
        (np.zeros(4), "expected an array (samples, ...), got (4,)"),
        ([[0.0] * 6] * 4, "expected an array (samples, ...), got list"),
    ],
)
def test_train_gan_refuses_data_of_another_shape_or_outside_the_range_of_tanh(x, message) -> None:
    gan = make()
    with pytest.raises(ValueError, match=re.escape(message)):
        train_gan(gan, gan.generator, gan.discriminator, x)


@pytest.mark.parametrize("name", ["epochs", "batch_size"])
@pytest.mark.parametrize("value", [0, -1, 2.0])
def test_train_gan_refuses_counts_that_are_not_positive_integers(name, value) -> None:
    gan = make()
    with pytest.raises(ValueError, match=f"train_gan: {name}: expected a positive integer, got "):
        train_gan(gan, gan.generator, gan.discriminator, images(), **{name: value})


def test_train_gan_warns_about_images_in_0_to_1_as_in_the_notebook() -> None:
    gan = make()
    with pytest.warns(UserWarning, match="no value below 0") as seen:
        train_gan(gan, gan.generator, gan.discriminator, np.zeros((4, 6)), 1, 4)
    assert seen[0].filename == __file__


def test_train_gan_takes_images_of_more_dimensions_if_the_networks_do(capsys) -> None:
    generator = Sequential([Input((3,)), Dense(6, activation="tanh"), Reshape((2, 3))])
    discriminator = Sequential([Input((2, 3)), Flatten(), Dense(1, activation="sigmoid")])
    gan = build_gan(generator, discriminator)
    train_gan(gan, generator, discriminator, images().reshape(12, 2, 3), 1, 4)
    assert LINE.fullmatch(capsys.readouterr().out.strip())


def test_train_gan_refuses_a_stack_and_networks_of_another_gan() -> None:
    generator, discriminator = build_generator(3, 6), build_discriminator(6)
    stack = Sequential([generator, discriminator])
    with pytest.raises(TypeError, match="gan: expected a GAN, got Sequential"):
        train_gan(stack, generator, discriminator, images())
    gan = make()
    with pytest.raises(ValueError, match="expected those of gan"):
        train_gan(gan, generator, gan.discriminator, images())


def test_the_notebook_s_networks_have_their_shapes_and_ranges() -> None:
    generator, discriminator = build_generator(), build_discriminator()
    assert generator.count_params() == 100 * 128 + 128 + 128 * 784 + 784
    assert discriminator.count_params() == 784 * 128 + 128 + 128 + 1
    y = generator(10 * np.random.default_rng(0).normal(size=(5, 100))).array
    assert y.shape == (5, 784) and (np.abs(y) <= 1).all() and y.min() < 0 < y.max()
    d = discriminator(y).array
    assert d.shape == (5, 1) and ((d > 0) & (d < 1)).all()
    assert generator.layers[1].negative_slope == discriminator.layers[1].negative_slope == 0.01


@pytest.mark.parametrize("objective", ALL)
def test_if_all_data_are_one_image_g_comes_close_to_it(objective) -> None:
    target = np.array([0.5, -0.5], "float32")
    random.set_random_seed(0)
    discriminator = build_discriminator(2, 16, activation=objective.activation)
    gan = GAN(build_generator(2, 2, 16), discriminator, objective, real_label=0.9)
    gan.compile(Adam(0.01, beta_1=0.5), Adam(0.01, beta_1=0.5))
    gan.fit(np.tile(target, (320, 1)), batch_size=32, epochs=30, verbose=0)
    samples = gan.generator(gan.draw_noise(200)).array
    assert np.abs(samples.mean(axis=0) - target).max() < 0.2


def test_first_is_x_of_a_batch() -> None:
    x = images()
    assert gan_file.first(x) is x and gan_file.first((x, None)) is x


def test_no_operation_of_a_step_of_d_uses_the_weights_of_g(monkeypatch) -> None:
    """G runs before the tape starts, so its operations are not even recorded."""
    tapes: list[GradientTape] = []

    class Spy(GradientTape):
        def __enter__(self):
            tapes.append(self)
            return super().__enter__()

        def gradient(self, *args, **options):
            self.seen = {id(x) for record in self.records for x in record.inputs}
            return super().gradient(*args, **options)

    monkeypatch.setattr(gan_file, "GradientTape", Spy)
    gan = make()
    gan.learn_discriminator(images(), noise())
    (tape,) = tapes
    assert not tape.seen & {id(v) for v in gan.generator.weights}
    assert tape.seen >= {id(v) for v in gan.discriminator.weights}
