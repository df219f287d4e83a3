"""Every fused operation computes what its docstring says, derivatives included."""

import math

import numpy as np
import pytest
import scipy.special

from numpy_nets import GradientTape, activations, gradcheck, ops
from numpy_nets.autodiff import fused
from numpy_nets.autodiff.tensor import Array, Tensor


def normal(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng([seed, *shape]).normal(size=shape)


@pytest.mark.parametrize("shape", [(5, 3), (1, 3), (0, 3), (4, 5, 3)])
def test_dense_is_matmul_and_add_with_their_gradients(shape) -> None:
    x, w, b = (Tensor(a) for a in (normal(*shape), normal(3, 2, seed=1), normal(2, seed=2)))
    upstream = normal(*shape[:-1], 2, seed=3)
    results = []
    for function in (fused.dense, lambda x, w, b: ops.matmul(x, w) + b):
        with GradientTape() as tape:
            tape.watch([x, w, b])
            y = function(x, w, b)
        gradients = tape.gradient(y, [x, w, b], output_gradients=upstream)
        results.append([y.array, *(g.array for g in gradients)])
    for ours, plain in zip(*results, strict=True):
        np.testing.assert_allclose(ours, plain, rtol=1e-13, atol=1e-14)
    gradcheck(fused.dense, [x.array, w.array, b.array])


@pytest.mark.parametrize("shape", [(), (0, 3), (1,), (3, 40), (2, 3, 5), (300, 784)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("scale", [1e-3, 3.0, 60.0])
def test_sigmoid_is_the_plain_one_with_its_gradient(shape, dtype, scale) -> None:
    x = Tensor((scale * normal(*shape)).astype(dtype))
    upstream = normal(*shape, seed=1).astype(dtype)
    results = []
    for function in (fused.sigmoid, ops.sigmoid):
        with GradientTape() as tape:
            tape.watch(x)
            y = function(x)
        results.append((y.array, tape.gradient(y, x, output_gradients=upstream).array))
    (y, g), (plain_y, plain_g) = results
    eps, tiny = np.finfo(dtype).eps, np.finfo(dtype).tiny
    assert y.dtype == plain_y.dtype == dtype
    np.testing.assert_allclose(y, plain_y, rtol=4 * eps, atol=tiny)
    # 1 - y has no digits where y is near 1
    np.testing.assert_allclose(g, plain_g, atol=4 * eps)


@pytest.mark.parametrize("extreme", [-1e4, -750.0, -90.0, 0.0, 90.0, 750.0, 1e4, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_sigmoid_of_extreme_logits_is_finite_and_warns_of_nothing(extreme, dtype) -> None:
    x = np.array([extreme], dtype)
    expected = scipy.special.expit(x)
    for function in (fused.sigmoid, ops.sigmoid):
        np.testing.assert_allclose(function(x).array, expected, atol=np.finfo(dtype).tiny)


@pytest.mark.parametrize("shape", [(61,), (40, 61), (300, 784)])
def test_what_a_sigmoid_has_computed_gives_the_loss_and_gradient_of_the_logits_alone(shape) -> None:
    z = Tensor(np.linspace(-30, 30, math.prod(shape)).reshape(shape))
    y = Tensor(np.linspace(0, 1, math.prod(shape)).reshape(shape))
    results = []
    for function in (
        lambda z: fused.mean_crossentropy(y, activations.sigmoid(z)),
        lambda z: fused.mean_crossentropy_from_logits(y, z),
    ):
        with GradientTape() as tape:
            tape.watch(z)
            loss = function(z)
        results.append((loss.array, tape.gradient(loss, z).array))
    for alone, shared in zip(*results, strict=True):
        np.testing.assert_array_equal(alone, shared)


def test_a_crossentropy_of_a_softmax_takes_its_logits_and_not_its_output() -> None:
    z, y = Tensor(normal(3, 4)), Tensor(np.eye(4)[:3])
    with GradientTape(persistent=True) as tape:
        tape.watch(z)
        loss = fused.mean_crossentropy(y, activations.softmax(z))
        plain = ops.mean(ops.binary_crossentropy(y, z, from_logits=True), axis=-1)
    np.testing.assert_allclose(loss.array, plain.array, rtol=1e-14)
    fused_gradient, plain_gradient = (tape.gradient(x, z).array for x in (loss, plain))
    np.testing.assert_allclose(fused_gradient, plain_gradient, rtol=1e-14)


@pytest.mark.parametrize(
    "shape",
    [*((5, n) for n in (1, 2, 9, 30, 35, 64, 256, 784)), (2, 3, 64), (2, 6, 5), (8,), (300, 20)],
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("scale", [1e-3, 3.0, 1e4])
def test_the_fast_mean_crossentropy_is_the_mean_of_the_plain_one(shape, dtype, scale) -> None:
    z = Tensor((scale * normal(*shape)).astype(dtype))
    y = Tensor(scipy.special.expit(normal(*shape, seed=1)).astype(dtype))
    upstream = normal(*shape[:-1], seed=2).astype(dtype)
    results = []
    for function in (
        fused.mean_crossentropy_from_logits,
        lambda y, z: ops.mean(ops.binary_crossentropy(y, z, from_logits=True), axis=-1),
    ):
        with GradientTape() as tape:
            tape.watch([y, z])
            loss = function(y, z)
        gradients = tape.gradient(loss, [y, z], output_gradients=upstream)
        results.append((loss.array, *(g.array for g in gradients)))
    for fast, plain in zip(*results, strict=True):
        assert fast.dtype == plain.dtype == dtype
        error = np.abs(fast - plain).max()
        assert error <= 4 * np.finfo(dtype).eps * np.abs(plain).max()
    # All terms of the sum are positive, so each loss has its digits, a small one too.
    np.testing.assert_allclose(results[0][0], results[1][0], rtol=16 * np.finfo(dtype).eps)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("x", [0.0, 1.0, 5.0, 15.0, 20.0, 40.0, 87.0])
def test_the_sum_of_logarithms_by_products_keeps_small_values_and_cannot_overflow(dtype, x) -> None:
    row = np.full((1, 784), x, dtype)
    expected = 784 * np.log1p(np.exp(-np.longdouble(x)))
    total = fused._sum_log1p(np.exp(-row))[0]
    assert abs(total - expected) <= 16 * np.finfo(dtype).eps * expected


@pytest.mark.parametrize(
    ("entries", "logarithms"), [(128, 2), (64, 1), (784, 49), (6, 3), (3, 3), (1, 1), (0, 0)]
)
def test_a_sum_of_log1p_takes_one_logarithm_of_up_to_64_factors(
    monkeypatch, entries, logarithms
) -> None:
    shapes = []
    log1p = np.log1p
    monkeypatch.setattr(np, "log1p", lambda e: shapes.append(e.shape) or log1p(e))
    e = np.linspace(0, 1, 2 * entries).reshape(2, entries)
    np.testing.assert_allclose(fused._sum_log1p(e), log1p(e).sum(-1), rtol=1e-13)
    assert shapes == [(2, logarithms)]


@pytest.mark.parametrize("shape", [(0, 3), (2, 0, 3)])
def test_no_rows_are_no_losses(shape) -> None:
    z = Tensor(np.zeros(shape))
    with GradientTape() as tape:
        tape.watch(z)
        loss = fused.mean_crossentropy_from_logits(np.zeros(shape), z)
    assert loss.shape == shape[:-1]
    assert tape.gradient(loss, z).shape == shape
