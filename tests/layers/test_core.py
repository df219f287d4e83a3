"""The layers: shapes, arithmetic, and what they refuse."""

import numpy as np
import pytest

from numpy_nets import GradientTape, config, gradcheck, random
from numpy_nets.autodiff.tensor import Tensor
from numpy_nets.layers import (
    Activation,
    Concatenate,
    Dense,
    Dropout,
    Flatten,
    Input,
    LeakyReLU,
    Maxout,
    ReLU,
    Reshape,
)

X = np.array([[-2.0, 0.0, 4.0]], "float32")


def test_dense_is_the_product_with_the_kernel_plus_the_bias():
    dense = Dense(2, "relu", kernel_initializer="he_normal", bias_initializer="random_normal")
    y = dense(X).array
    np.testing.assert_allclose(
        y, np.maximum(X @ dense.kernel.array + dense.bias.array, 0), rtol=1e-6
    )
    assert dense.kernel.shape == (3, 2) and dense.bias.shape == (2,)


def test_dense_without_bias_has_only_a_kernel():
    dense = Dense(2, use_bias=False)
    dense(X)
    assert [v.name for v in dense.weights] == ["kernel"] and dense.bias is None


def test_dense_begins_glorot_uniform_with_zero_bias():
    dense = Dense(500)
    dense(np.ones((1, 300)))
    limit = np.sqrt(6 / 800)
    kernel = dense.kernel.array
    assert np.abs(kernel).max() <= limit and kernel.std() == pytest.approx(limit / 3**0.5, rel=0.02)
    assert not dense.bias.array.any()


def test_dense_works_on_the_last_of_several_axes_with_right_gradients():
    x = np.random.default_rng(0).random((2, 5, 3)).astype("float32")
    dense = Dense(4, "tanh")
    with GradientTape() as tape:
        y = dense(x)
    assert y.shape == (2, 5, 4)
    in_graph = Input((5, 3))
    assert dense(in_graph).shape == (None, 5, 4)
    kernel, bias = (g.array for g in tape.gradient(y, dense.weights))
    flat = Dense(4, "tanh")
    flat(x.reshape(10, 3))
    flat.set_weights(dense.get_weights())
    with GradientTape() as tape:
        y_flat = flat(x.reshape(10, 3))
    np.testing.assert_allclose(y.array.reshape(10, 4), y_flat.array, rtol=1e-6)
    kernel_flat, bias_flat = (g.array for g in tape.gradient(y_flat, flat.weights))
    np.testing.assert_allclose(kernel, kernel_flat, rtol=1e-5)
    np.testing.assert_allclose(bias, bias_flat, rtol=1e-5)


def test_dense_names_the_width_it_expects():
    dense = Dense(2)
    dense(np.ones((1, 784)))
    with pytest.raises(ValueError, match=r"Dense: expected last axis 784, got \(32, 100\)"):
        dense(np.ones((32, 100)))
    with pytest.raises(ValueError, match=r"Dense: expected last axis 784, got \(None, 100\)"):
        dense(Input((100,)))


@pytest.mark.parametrize("x", [np.ones(3), np.array(3.0)])
def test_dense_needs_a_batch_of_features(x):
    with pytest.raises(ValueError, match=r"Dense: expected input \(batch, features\), got"):
        Dense(2)(x)


@pytest.mark.parametrize("shape", [(), (None,)])
def test_dense_needs_a_known_width(shape):
    with pytest.raises(ValueError, match=r"Dense: expected input \(batch, features\), got"):
        Dense(2)(Input(shape))


@pytest.mark.parametrize("layer", [Dense(2), LeakyReLU(), ReLU(), Activation("relu"), Flatten()])
def test_a_layer_of_one_input_refuses_a_list(layer):
    with pytest.raises(ValueError, match="inputs: expected one, got a list of 2"):
        layer([X, X])
    with pytest.raises(ValueError, match="inputs: expected one, got a list of 2"):
        layer([Input((3,)), Input((3,))])


def test_maxout_is_the_largest_of_its_linear_pieces() -> None:
    maxout = Maxout(4, 3)
    x = np.random.default_rng(0).normal(size=(5, 2)).astype("float32")
    maxout(x)
    kernel, bias = (np.random.default_rng(1).normal(size=w.shape) for w in maxout.get_weights())
    maxout.set_weights([kernel, bias])
    assert kernel.shape == (2, 12) and bias.shape == (12,)
    y = maxout(x).array
    for i in range(4):
        pieces = [x @ kernel[:, c] + bias[c] for c in (i, i + 4, i + 8)]
        np.testing.assert_allclose(y[:, i], np.max(pieces, axis=0), rtol=1e-5, atol=1e-6)


def test_maxout_of_two_pieces_can_be_the_absolute_value_and_of_one_is_dense() -> None:
    both_signs = Maxout(1, 2)
    both_signs(X.T)
    both_signs.set_weights([np.array([[1.0, -1.0]]), np.zeros(2)])
    np.testing.assert_array_equal(both_signs(X.T).array, np.abs(X.T))
    one = Maxout(2, 1)
    y = one(X).array
    np.testing.assert_allclose(y, X @ one.weights[0].array, rtol=1e-6)


def test_maxout_learns_only_in_the_piece_that_was_largest_and_passes_the_gradient_check() -> None:
    maxout = Maxout(1, 2)
    maxout(X.T)
    maxout.set_weights([np.array([[1.0, -1.0]]), np.zeros(2)])
    with GradientTape() as tape:
        y = maxout(np.array([[3.0]]))
    np.testing.assert_array_equal(tape.gradient(y, maxout.weights[0]).array, [[3.0, 0.0]])
    config.set_floatx("float64")
    try:
        wide = Maxout(3, 4)
        gradcheck(wide, [np.random.default_rng(0).normal(size=(2, 5, 6))])
    finally:
        config.set_floatx("float32")


def test_maxout_knows_its_shape_in_a_graph_and_refuses_another_width() -> None:
    maxout = Maxout(4, 3)
    assert maxout(Input((5, 2))).shape == (None, 5, 4)
    with pytest.raises(ValueError, match="expected last axis 2, got"):
        maxout(X)
    for arguments in ((0, 3), (4, 0), (4, 1.5), (True, 3)):
        with pytest.raises(ValueError, match="Maxout: (units|pieces): expected a positive integer"):
            Maxout(*arguments)


def test_rectifiers_have_keras_slopes():
    assert LeakyReLU()(X).array[0] == pytest.approx([-0.6, 0, 4])
    assert Activation("leaky_relu")(X).array[0] == pytest.approx([-0.4, 0, 4])
    assert ReLU()(X).array[0].tolist() == [0, 0, 4]
    with pytest.warns(UserWarning, match="alpha is now called negative_slope"):
        assert LeakyReLU(alpha=0.5)(X).array[0].tolist() == [-1, 0, 4]


def test_an_activation_may_be_a_function():
    assert Activation(lambda x: x * 2.0)(X).array[0].tolist() == [-4, 0, 8]
    assert Dense(3, activation=lambda x: x * 0.0)(X).array.tolist() == [[0, 0, 0]]


def test_dropout_does_nothing_outside_of_training():
    assert (Dropout(0.9)(X).array == X).all()
    assert (Dropout(0.0)(X, training=True).array == X).all()


def test_dropout_zeroes_the_rate_and_keeps_the_mean():
    x = np.ones((400, 500), "float32")
    y = Dropout(0.3, seed=1)(x, training=True).array
    assert set(np.unique(y).tolist()) == {0.0, float(np.float32(1) / np.float32(0.7))}
    n = x.size
    assert abs((y == 0).mean() - 0.3) < 4 * np.sqrt(0.3 * 0.7 / n)
    assert abs(y.mean() - 1) < 4 * np.sqrt(0.3 / 0.7 / n)


def test_dropout_of_everything_is_zero_and_so_is_its_gradient():
    x = Tensor(np.ones((2, 2), "float32"))
    with GradientTape() as tape:
        tape.watch(x)
        y = Dropout(1.0)(x, training=True)
    assert not y.array.any() and not tape.gradient(y, x).array.any()


def test_dropout_passes_the_gradient_where_it_passes_the_value():
    x = Tensor(np.ones((5, 5), "float32"))
    with GradientTape() as tape:
        tape.watch(x)
        y = Dropout(0.5)(x, training=True)
    np.testing.assert_array_equal(tape.gradient(y, x).array, y.array)


@pytest.mark.parametrize("seed", [3, np.int64(3)])
def test_a_dropout_seed_gives_a_stream_of_its_own_with_a_new_mask_every_step(seed):
    x = np.ones((5, 5))
    first, second = Dropout(0.5, seed=seed), Dropout(0.5, seed=3)
    state = random.get_state()
    masks = [first(x, training=True).array for _ in range(3)]
    assert random.get_state() == state
    assert not np.array_equal(masks[0], masks[1])
    for mask in masks:
        np.testing.assert_array_equal(second(x, training=True).array, mask)


def test_without_a_seed_dropout_draws_from_the_shared_generator():
    x, dropout = np.ones((5, 5)), Dropout(0.5)
    random.set_random_seed(4)
    mask = dropout(x, training=True).array
    random.set_random_seed(4)
    np.testing.assert_array_equal(dropout(x, training=True).array, mask)


def test_layers_pass_the_gradient_check():
    random.set_random_seed(0)
    config.set_floatx("float64")
    try:
        dense, join = Dense(6, "softplus"), Concatenate()
        rest = [Reshape((3, 2)), Activation("tanh"), Flatten(), LeakyReLU(), ReLU()]
    finally:
        config.set_floatx("float32")

    def run(x):
        x = join([dense(x), x])
        x = x[:, :6]
        for layer in rest:
            x = layer(x)
        return x

    gradcheck(run, [np.random.default_rng(1).normal(size=(2, 4))])


def test_flatten_reshape_and_concatenate_agree_on_data_and_in_a_graph():
    x = np.arange(24.0, dtype="float32").reshape(2, 3, 4)
    for layer, shape in [
        (Flatten(), (12,)),
        (Reshape((4, 3)), (4, 3)),
        (Reshape((2, -1)), (2, 6)),
        (Reshape((-1,)), (12,)),
    ]:
        assert layer(Input((3, 4))).shape == (None, *shape)
        np.testing.assert_array_equal(layer(x).array, x.reshape(2, *shape))
    for axis in (1, 2, -1):
        layer = Concatenate(axis)
        y = layer([x, x])
        np.testing.assert_array_equal(y.array, np.concatenate([x, x], axis))
        assert layer([Input((3, 4)), Input((3, 4))]).shape[1:] == y.shape[1:]


def test_flatten_makes_a_column_of_a_vector():
    assert Flatten()(np.ones(3)).shape == (3, 1)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Input(784), r"Input: expected shape such as \(784,\), got 784"),
        (lambda: Input((2.5,)), "Input: expected shape"),
        (lambda: Input(("a",)), "Input: expected shape"),
        (lambda: Input((0,)), "Input: expected shape"),
        (lambda: Dense(0), "Dense: units: expected a positive integer, got 0"),
        (lambda: Dense("64"), "Dense: units: expected a positive integer, got '64'"),
        (lambda: Dense(2.0), "Dense: units: expected a positive integer, got 2.0"),
        (lambda: Dense(2, "rellu"), "activation: unknown 'rellu'; did you mean 'relu'?"),
        (lambda: Dense(2, kernel_initializer="glorot"), "did you mean 'glorot_uniform'?"),
        (lambda: Dropout(1.5), r"Dropout: rate: expected a number in \[0, 1\], got 1.5"),
        (lambda: Dropout("a"), "Dropout: rate: expected a number"),
        (lambda: LeakyReLU(-1), "LeakyReLU: negative_slope: expected a finite number >= 0, got -1"),
        (lambda: LeakyReLU("a"), "negative_slope: expected a finite number >= 0, got 'a'"),
        (lambda: Reshape(5), "Reshape: target_shape: expected sizes, got 5"),
        (lambda: Reshape((0, -1)), "Reshape: target_shape: expected sizes"),
        (lambda: Reshape((2, 3))(Input((4,))), r"cannot reshape \(None, 4\) to \(2, 3\)"),
        (lambda: Reshape((-1, -1)), "Reshape: target_shape: expected at most one -1"),
        (lambda: Reshape((4,))(Input((None,))), "Reshape: expected an input of known sizes"),
        (lambda: Concatenate("a"), "Concatenate: axis: expected an integer, got 'a'"),
        (lambda: Concatenate()(Input((4,))), "Concatenate: expected a list of inputs"),
        (lambda: Concatenate()([Input((4,))]), "Concatenate: expected a list of inputs"),
        (lambda: Concatenate(1)([Input((4, 2)), Input((3, 3))]), "differ only in axis 1"),
        (lambda: Concatenate(5)([Input((4,)), Input((4,))]), "differ only in axis 5"),
    ],
)
def test_a_wrong_argument_is_named_in_one_line(make, message):
    with pytest.raises(ValueError, match=message) as error:
        make()
    assert "\n" not in str(error.value)


def test_arguments_of_keras_that_are_not_supported_raise():
    with pytest.raises(TypeError, match="input_dim"):
        Dense(2, input_dim=3)


def test_true_is_no_number_of_units() -> None:
    with pytest.raises(ValueError, match="Dense: units: expected a positive integer, got True"):
        Dense(True)
