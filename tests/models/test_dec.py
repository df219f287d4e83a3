import numpy as np
import pytest

from numpy_nets import GradientTape, gradcheck, ops, random
from numpy_nets.autodiff.tensor import Tensor
from numpy_nets.evaluation.clustering import clustering_accuracy, kmeans
from numpy_nets.layers import Dense, Input
from numpy_nets.models import Sequential
from numpy_nets.models.dec import (
    DEC,
    ClusterAssignment,
    build_dec_decoder,
    build_dec_encoder,
    student_t_scores,
    target_distribution,
    target_divergence,
)
from numpy_nets.optimizers import SGD

ALPHAS = [1.0, 0.5, 7.0]


def draws(n=8, clusters=3, d=2, seed=0):
    """Codes, centres and a target p."""
    rng = np.random.default_rng(seed)
    p = rng.random((n, clusters))
    p /= p.sum(axis=1, keepdims=True)
    return rng.standard_normal((n, d)), rng.standard_normal((clusters, d)), p


def loss(z, centres, p, alpha):
    return ops.mean(target_divergence(p, ops.log_softmax(student_t_scores(z, centres, alpha))))


def blobs(n=120, seed=0):
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 3
    centres = np.array([[0, 0, 3.0], [3, 0, 0], [0, 3, 0]])
    return (centres[y] + 0.6 * rng.standard_normal((n, 3))).astype(np.float32), y


@pytest.mark.parametrize("alpha", ALPHAS)
def test_the_assignment_is_equation_1(alpha):
    z, centres, _ = draws()
    layer = ClusterAssignment(3, alpha)
    layer.build((None, 2))
    layer.set_weights([centres])
    expected = np.array([
        [(1 + np.sum((a - b) ** 2) / alpha) ** (-(alpha + 1) / 2) for b in centres] for a in z
    ])  # fmt: skip
    expected /= expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(layer(z).array, expected, rtol=2e-6)  # of float32
    assert layer.compute_output_shape((None, 2)) == (None, 3)


def test_the_target_is_equation_3():
    _, _, q = draws()
    f = q.sum(axis=0)
    expected = np.array([[q[i, j] ** 2 / f[j] for j in range(3)] for i in range(len(q))])
    expected /= expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(target_distribution(Tensor(q)).array, expected, rtol=1e-13)


def test_an_assignment_whose_square_underflows_has_a_target_that_does_not():
    p = target_distribution(Tensor(np.array([[1.0, 1e-200], [1e-200, 1e-200]]))).array
    assert np.isfinite(p).all() and p[1].tolist() == pytest.approx([0, 1], abs=1e-150)


@pytest.mark.parametrize("alpha", ALPHAS)
def test_the_gradients_are_equations_4_and_5(alpha):
    z, centres, p = draws()
    sources = Tensor(z), Tensor(centres)
    with GradientTape() as tape:
        tape.watch(sources)
        value = loss(*sources, p, alpha)
    by_z, by_centres = (g.array for g in tape.gradient(value, list(sources)))
    q = ops.softmax(student_t_scores(*sources, alpha)).array
    differences = z[:, None] - centres
    kernel = 1 / (1 + np.sum(differences**2, axis=-1) / alpha)
    pulls = (alpha + 1) / alpha * (kernel * (p - q))[:, :, None] * differences
    np.testing.assert_allclose(by_z, pulls.sum(axis=1) / len(z), rtol=1e-12, atol=1e-16)
    np.testing.assert_allclose(by_centres, -pulls.sum(axis=0) / len(z), rtol=1e-12, atol=1e-16)


@pytest.mark.parametrize("alpha", ALPHAS)
def test_the_gradients_agree_with_finite_differences(alpha):
    z, centres, p = draws()
    gradcheck(lambda a, b: loss(a, b, p, alpha), [z, centres])


def test_a_centre_is_pulled_by_the_codes_that_the_target_gives_it():
    """With p = (1, 0) of a code between two centres, it and the first move towards each other."""
    z, centres = Tensor(np.array([[0.0]])), Tensor(np.array([[-1.0], [1.0]]))
    with GradientTape() as tape:
        tape.watch((z, centres))
        value = loss(z, centres, np.array([[1.0, 0.0]]), 1.0)
    by_z, by_centres = (g.array for g in tape.gradient(value, [z, centres]))
    assert by_z[0, 0] > 0  # a descent goes left
    assert by_centres[0, 0] < 0  # right, towards the code
    assert by_centres[1, 0] < 0  # right as well, away from it


def test_the_networks_have_the_shapes_of_the_paper():
    encoder, decoder = build_dec_encoder(), build_dec_decoder()
    assert [w.shape for w in encoder.weights[::2]] == [
        (784, 500), (500, 500), (500, 2000), (2000, 10),
    ]  # fmt: skip
    assert [w.shape for w in decoder.weights[::2]] == [
        (10, 2000), (2000, 500), (500, 500), (500, 784),
    ]  # fmt: skip
    activations = [layer.activation.__name__ for layer in encoder.layers if hasattr(layer, "units")]
    assert activations == ["relu", "relu", "relu", "linear"]


def test_training_sharpens_clusters_and_keeps_those_that_are_there():
    x, y = blobs()
    random.set_random_seed(0)
    model = DEC(build_dec_encoder(3, 2, (16,)), clusters=3)
    model.compile(SGD(0.05, momentum=0.9))
    model.assignment.set_weights([kmeans(model.encoder.predict(x, verbose=0), 3).centres])
    before = model.predict(x, verbose=0)
    for _ in range(60):
        p = target_distribution(Tensor(model.predict(x, verbose=0))).array
        model.fit(x, p, batch_size=40, verbose=0)
    q = model.predict(x, verbose=0)
    assert q.max(axis=1).mean() > 0.85 > 0.7 > before.max(axis=1).mean()
    assert (q.argmax(axis=1) == before.argmax(axis=1)).mean() > 0.97
    assert clustering_accuracy(q.argmax(axis=1), y) > 0.97


def test_the_centres_learn_beside_the_encoder():
    model = DEC(build_dec_encoder(3, 2, (4,)), clusters=3)
    names = [w.name for w in model.trainable_variables]
    assert names == ["kernel", "bias", "kernel", "bias", "centres"]
    before = [w.copy() for w in model.get_weights()]
    model.compile(SGD(0.1))
    x, _ = blobs(9)
    model.train_on_batch(x, np.eye(3, dtype=np.float32)[np.arange(9) % 3])
    assert all((a != b).any() for a, b in zip(before, model.get_weights(), strict=True))


def test_the_weights_are_saved_before_any_call_and_load_into_another(tmp_path):
    x, _ = blobs(5)
    first, second = (DEC(build_dec_encoder(3, 2, (4,)), clusters=3) for _ in range(2))
    first.save_weights(tmp_path / "dec.weights.h5")
    assert (first(x).array != second(x).array).any()
    second.load_weights(tmp_path / "dec.weights.h5")
    np.testing.assert_array_equal(first(x).array, second(x).array)


def test_images_without_a_target_are_refused():
    model = DEC(Sequential([Input((3,)), Dense(2)]), clusters=2)
    model.compile(SGD(0.1))
    with pytest.raises(ValueError, match=r"DEC: data: expected \(x, p\), got \(x\)"):
        model.fit(blobs(4)[0], verbose=0)


def test_what_cannot_be_a_number_of_clusters_or_of_degrees_of_freedom_is_refused():
    with pytest.raises(ValueError, match="ClusterAssignment: clusters: expected a positive int"):
        ClusterAssignment(0)
    with pytest.raises(ValueError, match="ClusterAssignment: alpha: expected a finite number > 0"):
        ClusterAssignment(2, alpha=0.0)
