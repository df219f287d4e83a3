"""M2 and M1+M2: closed forms of their bounds, what each network learns from, and what for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from numpy_nets import GradientTape, Model, gradcheck, random
from numpy_nets.autodiff import ops
from numpy_nets.autodiff.tensor import Array, Tensor
from numpy_nets.losses import CategoricalCrossentropy
from numpy_nets.models.cvae import build_conditional_decoder, build_conditional_encoder
from numpy_nets.models.m2 import M1M2, M2, build_classifier, build_m2_decoder
from numpy_nets.models.terms import total
from numpy_nets.models.vae import VAE, build_decoder, build_encoder, gaussian_log_likelihood
from numpy_nets.optimizers import Adam

RNG = np.random.default_rng(0)
PIXELS, CLASSES, LATENT, CODES = 6, 3, 2, 4
X, LABELLED = RNG.integers(0, 2, (2, 5, PIXELS)).astype(np.float32)
Y = np.eye(CLASSES, dtype=np.float32)[[0, 1, 2, 0, 1]]


def build(**options: Any) -> M2:
    random.set_random_seed(0)
    sizes = (PIXELS, CLASSES, 8)
    return M2(
        build_classifier(*sizes), build_conditional_encoder(*sizes, LATENT),
        build_conditional_decoder(*sizes, LATENT), **{"share": 0.25, "seed": 0} | options,
    )  # fmt: skip


def build_both() -> M1M2:
    random.set_random_seed(0)
    m1 = VAE(build_encoder(PIXELS, 8, CODES), build_decoder(PIXELS, 8, CODES), seed=1)
    sizes = (CODES, CLASSES, 8)
    m2 = M2(
        build_classifier(*sizes), build_conditional_encoder(*sizes, LATENT),
        build_m2_decoder(*sizes, LATENT), 0.25, 2.0, gaussian_log_likelihood, seed=2,
    )  # fmt: skip
    return M1M2(m1, m2, seed=3)


def with_logits(logits: Array, model: M2 | None = None) -> M2:
    """An M2 whose q(y|x) has these logits, (batch, classes), whatever x is."""
    model = model or build()
    model.classifier = lambda _: Tensor(logits)  # type: ignore[assignment]
    return model


def draws(n: int = 5, latent: int = LATENT) -> Tensor:
    return Tensor(np.random.default_rng(1).standard_normal((n, latent)).astype(np.float32))


# The two bounds


def test_where_q_is_certain_the_bound_without_a_label_is_that_with_it() -> None:
    model = with_logits(1e4 * Y)
    with_label = model.labelled_bound(Tensor(X), Tensor(Y), draws()).array
    np.testing.assert_allclose(
        model.unlabelled_bound(Tensor(X), draws()).array, with_label, rtol=1e-6
    )


def test_where_nothing_depends_on_the_class_the_bounds_are_those_of_the_vae() -> None:
    m2 = with_logits(np.zeros((5, CLASSES), np.float32))
    for part, inputs in ((m2.encoder, PIXELS), (m2.decoder, LATENT)):
        kernel = part.trainable_variables[0]
        kernel.assign(np.where(np.arange(kernel.shape[0])[:, None] < inputs, kernel.numpy(), 0))
    zeros = np.zeros_like(Y)
    vae = VAE(lambda x: m2.encoder([x, zeros]), lambda z: m2.decoder([z, zeros]))
    expected = float(total(vae.terms(Tensor(X), draws())))
    without = m2.unlabelled_bound(Tensor(X), draws()).array.mean()
    with_label = m2.labelled_bound(Tensor(X), Tensor(Y), draws()).array.mean()
    assert without == pytest.approx(expected, rel=1e-6)
    assert with_label == pytest.approx(expected + np.log(CLASSES), rel=1e-6)


def test_with_the_true_posterior_the_bound_is_the_likelihood_of_the_mixture() -> None:
    """p(x) = Σ_y p(y) p(x|y), where z does nothing; q(y|x) ∝ p(x|y). Any other q is worse."""
    p = RNG.uniform(0.1, 0.9, (CLASSES, PIXELS))
    of_class = np.prod(np.where(X[:, None] == 1, p, 1 - p), axis=-1)  # (batch, classes)
    logits = Tensor(np.log(p / (1 - p)))
    model = M2(
        lambda _: Tensor(np.log(of_class)),  # type: ignore[arg-type]
        lambda xy: [0 * xy[0][:, :LATENT], 0 * xy[0][:, :LATENT]],  # type: ignore[arg-type]
        lambda zy: ops.matmul(zy[1], logits),  # type: ignore[arg-type]
        share=0.5,
    )
    x, epsilon = Tensor(X.astype(np.float64)), Tensor(draws().array.astype(np.float64))
    likelihood = np.log(of_class.mean(axis=1))
    np.testing.assert_allclose(model.unlabelled_bound(x, epsilon).array, -likelihood, rtol=1e-12)
    joint = model.labelled_bound(x, Tensor(Y.astype(np.float64)), epsilon).array
    np.testing.assert_allclose(joint, -np.log(of_class[Y == 1] / CLASSES), rtol=1e-12)
    other = with_logits(np.log(of_class) + RNG.standard_normal(of_class.shape), model)
    assert (other.unlabelled_bound(x, epsilon).array > -likelihood).all()


def test_the_sum_over_classes_is_that_of_a_loop() -> None:
    model, x, epsilon = build(), Tensor(X), draws()
    q = model(x).array
    loop = np.zeros(5)
    for k in range(CLASSES):
        y = Tensor(np.tile(np.eye(CLASSES, dtype=np.float32)[k], (5, 1)))
        loop += q[:, k] * (model.labelled_bound(x, y, epsilon).array + np.log(q[:, k]))
    np.testing.assert_allclose(model.unlabelled_bound(x, epsilon).array, loop, rtol=1e-6)


def test_a_class_that_q_rules_out_leaves_bound_and_gradients_finite() -> None:
    model = build()
    bias = model.classifier.trainable_variables[-1]
    bias.assign(np.array([2000.0, 0.0, -2000.0], np.float32))
    with GradientTape() as tape:
        loss = total(model.terms((Tensor(X), Tensor(LABELLED), Tensor(Y)), (draws(), draws())))
    gradients = tape.gradient(loss, model.trainable_variables)
    assert np.isfinite(loss.array) and all(np.isfinite(g.array).all() for g in gradients)


# The loss


def test_the_terms_are_the_means_of_the_bounds_and_the_crossentropy_with_their_weights() -> None:
    model, data = build(share=0.25, alpha=3.0), (Tensor(X), Tensor(LABELLED), Tensor(Y))
    epsilons = (draws(), Tensor(-draws().array))
    q = model(data[1]).array
    expected = [
        0.25 * model.labelled_bound(*data[1:], epsilons[1]).array.mean(),
        0.75 * model.unlabelled_bound(data[0], epsilons[0]).array.mean(),
        3.0 * np.mean(-np.log(q[Y == 1])),
    ]
    found = [float(term) for term in model.terms(data, epsilons)]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_the_terms_have_the_gradients_of_central_differences() -> None:
    x, labelled, epsilons = RNG.random((3, 5)), RNG.random((2, 5)), RNG.normal(size=(5, 2))
    shapes = ((5, 3), (5, 2), (3, 2), (5, 2), (2, 5), (3, 5), (2, 5))
    weights = [0.5 * RNG.normal(size=shape) for shape in shapes]

    def loss(a: Any, b: Any, c: Any, d: Any, e: Any, f: Any, g: Any) -> Tensor:
        model = M2(
            lambda x: ops.matmul(x, a),  # type: ignore[arg-type]
            lambda xy: [  # type: ignore[arg-type]
                ops.matmul(xy[0], b) + ops.matmul(xy[1], c), ops.matmul(xy[0], d)
            ],
            lambda zy: [  # type: ignore[arg-type]
                ops.matmul(zy[0], e) + ops.matmul(zy[1], f), ops.matmul(zy[0], g)
            ],
            0.3, 2.0, gaussian_log_likelihood,
        )  # fmt: skip
        data = (Tensor(x), Tensor(labelled), Tensor(np.eye(3)[:2]))
        return total(model.terms(data, (Tensor(epsilons[:3]), Tensor(epsilons[3:]))))

    gradcheck(loss, weights)


def test_labels_teach_the_classifier_by_its_crossentropy_alone() -> None:
    model, data = build(), (Tensor(X), Tensor(LABELLED), Tensor(Y))
    with GradientTape(persistent=True) as tape:
        terms = model.terms(data, (draws(), draws()))
    networks = (model.classifier, model.encoder, model.decoder)
    learns = [
        [tape.gradient(term, net.trainable_variables)[0] is not None for net in networks]
        for term in terms
    ]
    assert learns == [[False, True, True], [True, True, True], [True, False, False]]


def test_what_is_reported_adds_up_and_is_saved(tmp_path: Any) -> None:
    for model, make in ((build(), build), (build_both(), build_both)):
        model.compile(Adam(0.01))
        first = model.evaluate(X, [LABELLED, Y], verbose=0, return_dict=True)
        for _ in range(60):
            logs = model.train_on_batch(X, [LABELLED, Y], return_dict=True)
        assert set(logs) == {"loss", *model.term_names}
        assert logs["loss"] == pytest.approx(sum(logs[n] for n in model.term_names), rel=1e-6)
        assert model.evaluate(X, [LABELLED, Y], verbose=0, return_dict=True)["loss"] < first["loss"]
        model.save_weights(tmp_path / "m.weights.h5")
        other = make()
        other.load_weights(tmp_path / "m.weights.h5")
        predicted = model.predict(X, verbose=0)
        np.testing.assert_allclose(predicted.sum(axis=1), 1, rtol=1e-6)
        np.testing.assert_array_equal(predicted, other.predict(X, verbose=0))


@pytest.mark.parametrize("make", [build, build_both])
@pytest.mark.parametrize("data", [(X,), (X, Y), (X, [LABELLED])])
def test_data_of_another_kind_are_refused(make: Any, data: Any) -> None:
    model = make()
    model.compile("adam")
    with pytest.raises(ValueError, match=r"M2: data: expected \(x, \[x_labelled, y\]\)"):
        model.train_on_batch(*data)


@pytest.mark.parametrize(
    ("options", "said"),
    [({"share": 1.5}, r"M2: share: expected a number in \[0, 1\], got 1.5"),
     ({"alpha": -1.0}, "M2: alpha: expected a finite number >= 0, got -1.0")],
)  # fmt: skip
def test_weights_that_cannot_be_are_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        build(**options)


def test_a_seed_fixes_the_noise_and_each_input_has_its_own() -> None:
    data = (Tensor(X), Tensor(LABELLED[:3]), Tensor(Y[:3]))
    ours, theirs = build().draw_noise(data), build().draw_noise(data)
    assert [e.shape for e in ours] == [(5, LATENT), (3, LATENT)]
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(a.array, b.array)
    assert (ours[0].array[:3] != ours[1].array).all()


# M1+M2


def test_m2_learns_from_the_codes_that_m1_draws() -> None:
    both, data = build_both(), (Tensor(X), Tensor(LABELLED), Tensor(Y))
    noise = both.draw_noise(data)
    terms = both.terms(data, noise)
    codes = []
    for x, epsilon in zip((X, LABELLED), noise[1], strict=True):
        mean, log_var = (part.array for part in both.m1.encode(Tensor(x)))
        codes.append(Tensor(mean + np.exp(log_var / 2) * epsilon.array))
    alone = [*both.m1.terms(data[0], noise[0]), *both.m2.terms((*codes, data[2]), noise[2])]
    np.testing.assert_allclose([float(t) for t in terms], [float(t) for t in alone], rtol=1e-6)
    mean, _ = both.m1.encode(data[0])
    np.testing.assert_array_equal(both(data[0]).array, both.m2(mean).array)


def test_m1_learns_as_it_would_alone() -> None:
    both, alone = build_both(), build_both().m1
    for model in (both, alone):
        model.compile(Adam(0.01))
    for _ in range(5):
        both.train_on_batch(X, [LABELLED, Y])
        alone.train_on_batch(X)
    for a, b in zip(both.m1.get_weights(), alone.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_networks_have_the_shapes_in_their_docstrings() -> None:
    assert build_classifier().input_shape == (None, 50)
    assert build_classifier().output_shape == (None, 10)
    assert build_m2_decoder().input_shape == [(None, 50), (None, 10)]
    assert build_m2_decoder().output_shape == [(None, 50), (None, 50)]


# What data without labels are good for


class Pairs:
    """Batches of (x, [x_labelled, y]), with all labelled points in each."""

    def __init__(self, x: Array, labelled: Array, y: Array) -> None:
        self.x, self.labelled = x, [labelled, y]

    def __iter__(self) -> Iterator[Any]:
        order = random.generator().permutation(len(self.x))
        for start in range(0, len(order), 100):
            yield self.x[order[start : start + 100]], self.labelled


def stripes(rng: np.random.Generator) -> tuple[Array, Array]:
    """Two long clusters side by side."""
    y = np.arange(1000) % 2
    x = np.stack([4 * y - 2 + 0.5 * rng.standard_normal(1000), 4 * rng.standard_normal(1000)], 1)
    return x.astype(np.float32), y


def right(model: Model, x: Array, y: Array) -> float:
    return float(np.mean(model.predict(x, 1000, verbose=0).argmax(axis=1) == y))


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_with_one_label_a_cluster_the_points_without_labels_help(seed: int) -> None:
    """The labelled points are at far ends: labels alone put a line across both clusters."""
    x, y = stripes(np.random.default_rng(seed))
    labelled, one_hot = np.array([[-2, -6], [2, 6]], np.float32), np.eye(2, dtype=np.float32)
    random.set_random_seed(seed)
    alone = build_classifier(2, 2, 32)
    alone.compile(Adam(0.01), CategoricalCrossentropy(from_logits=True))
    alone.fit(labelled, one_hot, epochs=300, verbose=0)
    m2 = M2(
        build_classifier(2, 2, 32), build_conditional_encoder(2, 2, 32, 1),
        build_m2_decoder(2, 2, 32, 1), 0.5, 1.0, gaussian_log_likelihood,
    )  # fmt: skip
    m2.compile(Adam(0.01))
    m2.fit(Pairs(x, labelled.repeat(50, 0), one_hot.repeat(50, 0)), epochs=20, verbose=0)
    assert 0.5 < right(alone, x, y) < 0.7 < 0.99 < right(m2, x, y)
