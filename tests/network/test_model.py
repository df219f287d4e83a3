"""Functional, sequential and nested models: what runs, in which order, and what is refused."""

import copy
import itertools
import time

import numpy as np
import pytest

from numpy_nets import GradientTape, Model, Sequential
from numpy_nets.layers import Concatenate, Dense, Dropout, Input, ReLU
from numpy_nets.layers.layer import Layer

X = np.random.default_rng(0).random((4, 3)).astype("float32")


def _names(model):
    return [layer.name for layer in model.layers]


def test_a_functional_model_computes_what_its_layers_compute():
    one, two = Dense(5, "relu"), Dense(2)
    x = Input((3,))
    model = Model(x, two(one(x)))
    np.testing.assert_array_equal(model(X).array, two(one(X)).array)
    assert model.input_shape == (None, 3) and model.output_shape == (None, 2)
    assert model.count_params() == 3 * 5 + 5 + 5 * 2 + 2


def test_a_shared_layer_is_listed_once_and_gets_the_gradient_of_both_calls():
    shared, x = Dense(3, use_bias=False), Input((3,))
    model = Model(x, shared(shared(x)))
    assert len(model.weights) == 1
    with GradientTape() as tape:
        y = model(X)
    w = shared.kernel.array
    ones = np.ones((4, 3), "float32")
    expected = (X @ w).T @ ones + X.T @ (ones @ w.T)
    np.testing.assert_allclose(tape.gradient(y, shared.kernel).array, expected, rtol=1e-5)


def test_several_inputs_and_outputs_come_and_go_as_lists():
    a, b = Input((3,)), Input((1,))
    joined = Concatenate()([a, b])
    model = Model([a, b], [Dense(1)(joined), joined, b])
    y = [tensor.array for tensor in model([X, X[:, :1]])]
    np.testing.assert_array_equal(y[1], np.concatenate([X, X[:, :1]], 1))
    np.testing.assert_array_equal(y[2], X[:, :1])
    assert model.input_shape == [(None, 3), (None, 1)]
    assert model.output_shape == [(None, 1), (None, 4), (None, 1)]
    predicted = model.predict([X, X[:, :1]], batch_size=3, verbose=0)
    assert all(np.allclose(p, part) for p, part in zip(predicted, y, strict=True))


def test_a_model_of_several_outputs_is_a_layer_of_several_outputs(capsys):
    x = Input((3,))
    encoder = Model(x, [Dense(2, name="mean")(x), Dense(2, name="log_var")(x)], name="encoder")
    z = Input((3,))
    mean, log_var = encoder(z)
    model = Model(z, [log_var, Concatenate()([mean, log_var])])
    expected = [y.array for y in encoder(X)]
    found = [y.array for y in model(X)]
    np.testing.assert_array_equal(found[0], expected[1])
    np.testing.assert_array_equal(found[1], np.concatenate(expected, axis=1))
    model.summary(print_fn=print)
    shown = capsys.readouterr().out
    assert "encoder[0][0]" in shown and "encoder[0][1]" in shown
    with pytest.raises(ValueError, match=r"encoder: expected input of shape \(None, 3\)"):
        encoder(Input((4,)))


def test_a_subclassed_model_has_no_shapes_to_ask_for():
    class Plain(Model):
        def call(self, inputs):
            return inputs

    for name in ("input_shape", "output_shape"):
        with pytest.raises(AttributeError, match=f"has no {name}: it is not a functional model"):
            getattr(Plain(), name)
    with pytest.raises(NotImplementedError, match="Plain needs a compute_output_shape method"):
        Plain()(Input((3,)))
    with pytest.raises(ValueError, match="expected at least one layer"):
        Sequential()(X)


def test_nested_models_share_their_weights_with_the_outer_one():
    x = Input((3,))
    encoder = Model(x, Dense(2, "relu")(x))
    z = Input((2,))
    decoder = Sequential([Input((2,)), Dense(3)])
    autoencoder = Model(x, decoder(encoder(x)))
    assert [id(v) for v in autoencoder.weights] == [
        id(v) for v in encoder.weights + decoder.weights
    ]
    np.testing.assert_array_equal(autoencoder(X).array, decoder(encoder(X).array).array)
    around = Model(z, decoder(z))
    autoencoder.compile("sgd", "mse")
    autoencoder.train_on_batch(X, X)
    np.testing.assert_array_equal(around(X[:, :2]).array, decoder(X[:, :2]).array)


def test_a_deep_copy_computes_the_same_with_weights_of_its_own():
    model = Sequential([Input((3,)), Dense(2, "relu"), Dense(1)])
    copied = copy.deepcopy(model)
    before = copied(X).array
    np.testing.assert_array_equal(before, model(X).array)
    model.set_weights([0 * w for w in model.get_weights()])
    np.testing.assert_array_equal(copied(X).array, before)
    assert before.any()


def test_models_that_share_a_part_train_it_together():
    x = Input((3,))
    code = Dense(2)(x)
    whole, encoder = Model(x, Dense(3)(code)), Model(x, code)
    before = encoder(X).array
    whole.compile("sgd", "mse")
    whole.train_on_batch(X, X)
    assert not np.array_equal(encoder(X).array, before)


# Orders as measured on Keras 3.15.1.
def test_layers_are_listed_by_depth_and_then_as_they_were_met():
    x, y = Input((3,), name="x"), Input((3,), name="y")
    a = Dense(3, name="a")(y)
    b = Dense(3, name="b")(a)
    model = Model([x, y], Concatenate(name="c")([Dense(3, name="d")(x), b]))
    assert _names(model) == ["y", "x", "a", "d", "b", "c"]


def test_an_unused_input_is_allowed_and_stands_before_the_last_layers():
    x, y, z = (Input((3,), name=name) for name in "xyz")
    assert _names(Model([x, y, z], Dense(2, name="d")(y))) == ["y", "x", "z", "d"]


def test_a_shared_layer_counts_as_deep_as_its_deepest_call():
    x, y = Input((3,), name="x"), Input((3,), name="y")
    shared = Dense(3, name="s")
    joined = Concatenate(name="c")([shared(y), shared(shared(x))])
    assert _names(Model([x, y], joined)) == ["y", "x", "s", "c"]


def test_weights_come_in_the_order_of_layers_kernel_before_bias():
    x = Input((3,))
    model = Model(x, Dense(2, name="two")(Dense(4, name="one")(x)))
    assert [v.path for v in model.weights] == ["one/kernel", "one/bias", "two/kernel", "two/bias"]
    assert [w.shape for w in model.get_weights()] == [(3, 4), (4,), (4, 2), (2,)]


def test_a_subclass_may_hold_layers_beside_its_graph():
    class Both(Model):
        def __init__(self):
            x = Input((3,))
            inner = Dense(2, name="inner")
            super().__init__(x, inner(x))
            self.inner, self.beside = inner, Dense(1, name="beside")

    model = Both()
    model.beside(X)
    assert [v.path for v in model.weights] == [
        "inner/kernel", "inner/bias", "beside/kernel", "beside/bias",
    ]  # fmt: skip
    assert model(X).shape == (4, 2)


def test_a_chain_of_2000_layers_builds_and_trains():
    start = time.perf_counter()
    x = h = Input((2,))
    for _ in range(2000):
        h = Dense(2)(h)
    model = Model(x, h)
    model.compile("sgd", "mse")
    model.train_on_batch(X[:, :2], X[:, :2])
    assert len(model.layers) == 2001
    model = Sequential([Input((2,))] + [Dense(2) for _ in range(2000)])
    assert model(X[:, :2]).shape == (4, 2)
    assert time.perf_counter() - start < 20


def test_a_graph_with_exponentially_many_paths_builds_at_once():
    h = x = Input((2,))
    for _ in range(60):
        h = Dense(2)(Concatenate()([h, h]))
    assert len(Model(x, h).layers) == 121


def test_adding_layers_one_by_one_leaves_one_node_a_layer():
    model = Sequential([Input((3,))])
    for _ in range(20):
        model.add(Dense(2))
    assert all(len(layer.nodes) == 1 for layer in model.layers)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda x: Model(x), "expected inputs and outputs, or neither"),
        (lambda x: Model(x, 5), "outputs: expected the result of Input, .* got int"),
        (lambda x: Model(X, x), "inputs: expected the result of Input, .* got ndarray"),
        (lambda x: Model([], x), "inputs: expected the result of Input"),
        (lambda x: Model({"a": x}, x), "inputs: expected the result of Input, .* got dict"),
        (lambda x: Model(Input((3,)), x), "outputs need in0, which is not in inputs"),
        (lambda x: Model(Dense(2, name="d")(x), x), "inputs: expected Inputs, got the output of d"),
        (
            lambda x: Model(x, Dense(1, name="d")(Dense(1, name="d")(x))),
            "expected distinct names of layers, got 'd' twice",
        ),
    ],
)
def test_a_graph_that_makes_no_model_is_refused(make, message):
    with pytest.raises(ValueError, match=message) as error:
        make(Input((3,), name="in0"))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("inputs", "came"),
    [
        (X[:, :2], r"\(4, 2\)"),
        (X[0], r"\(3,\)"),
        (X[..., None], r"\(4, 3, 1\)"),
        ([X, X], r"\[\(4, 3\), \(4, 3\)\]"),
        (Input((2,)), r"\(None, 2\)"),
    ],
)
def test_a_functional_model_refuses_inputs_of_another_shape(inputs, came):
    x = Input((3,))
    model = Model(x, Dense(2)(x), name="mine")
    with pytest.raises(ValueError, match=rf"mine: expected input of shape \(None, 3\), got {came}"):
        model(inputs)


def test_a_model_of_two_inputs_refuses_one():
    a, b = Input((3,)), Input((3,))
    model = Model([a, b], Concatenate()([a, b]), name="mine")
    with pytest.raises(ValueError, match=r"mine: expected input of shape \[.*\], got \(4, 3\)"):
        model(X)


def test_arguments_that_a_functional_model_would_ignore_are_refused():
    with pytest.raises(TypeError, match="expected inputs and training only"):
        Sequential([Input((3,)), Dense(1)])(X, mask=None)


def test_a_sequential_with_an_input_is_built_at_once_and_hides_the_input():
    model = Sequential([Input((3,)), Dense(2), Dense(1)])
    assert model.built and len(model.layers) == 2
    assert model.output_shape == (None, 1)


def test_a_sequential_without_input_is_built_by_its_first_data():
    model = Sequential([Dense(2), Dense(1)])
    assert not model.built and model.weights == []
    with pytest.raises(AttributeError, match="no input_shape"):
        _ = model.input_shape
    model(X)
    assert model.built and model.input_shape == (None, 3) and len(model.weights) == 4


def test_a_sequential_takes_its_input_from_a_built_model_in_front():
    inner = Sequential([Input((3,)), Dense(2)])
    assert Sequential([inner, Dense(1)]).output_shape == (None, 1)


@pytest.mark.parametrize("first", [[Input((3,))], []])
def test_layers_can_be_added_after_building(first):
    model = Sequential([*first, Dense(2)])
    y = model(X).array
    model.add(Dense(1))
    assert model(X).shape == (4, 1)
    np.testing.assert_array_equal(model.layers[0](X).array, y)


def test_sequentials_nest_lazily():
    model = Sequential([Sequential([Dense(2), Dropout(0.5)]), Sequential([Dense(1)])])
    assert model(X).shape == (4, 1) and len(model.weights) == 4


def test_a_layer_that_does_not_fit_is_not_added():
    model = Sequential([Input((3,)), Dense(2)])
    with pytest.raises(ValueError, match="Concatenate: expected a list"):
        model.add(Concatenate())
    assert len(model.layers) == 1 and model(X).shape == (4, 2)


@pytest.mark.parametrize(
    ("layers", "kind", "message"),
    [
        (lambda: Dense(2), TypeError, "expected a list of layers, got <"),
        (lambda: [5], TypeError, "expected a layer, got 5"),
        (lambda: [Dense], TypeError, "expected a layer, got <class"),
        (lambda: [Dense(2)(Input((3,)))], TypeError, "expected a layer, got <KerasTensor"),
        (lambda: [Dense(2), Input((3,))], ValueError, "an Input must come first, and once"),
        (lambda: [Input((3,)), Input((3,))], ValueError, "an Input must come first, and once"),
        (lambda: [Dense(2, name="d"), ReLU(name="d")], ValueError, "got 'd' twice"),
        (lambda: [Dense(2, name="d")] * 2, ValueError, "got 'd' twice"),
    ],
)
def test_what_makes_no_sequential_is_refused(layers, kind, message):
    with pytest.raises(kind, match=f"Sequential: .*{message}"):
        Sequential(layers())


@pytest.mark.parametrize("layers", [None, [], [Input((3,))]])
def test_a_sequential_without_layers_computes_nothing(layers):
    with pytest.raises(ValueError, match="expected at least one layer"):
        Sequential(layers)(X)


def test_a_model_without_call_says_so():
    with pytest.raises(NotImplementedError, match="Model has no call method"):
        Model()(X)


def test_an_unbuilt_model_neither_saves_nor_loads_nor_counts(tmp_path):
    path = tmp_path / "m.weights.h5"
    for make in (lambda: Sequential([Dense(2)]), Model):
        for call in (
            lambda m: m.save_weights(path), lambda m: m.load_weights(path), Layer.count_params,
        ):  # fmt: skip
            with pytest.raises(ValueError, match="not built yet: call it on data first"):
                call(make())
    assert not path.exists()


def test_a_model_that_is_never_called_is_built_when_its_layers_are(tmp_path):
    class Game(Model):
        def __init__(self):
            super().__init__()
            self.generator = Sequential([Input((2,)), Dense(3)])
            self.discriminator = Sequential([Input((3,)), Dense(1)])

    one, two = Game(), Game()
    one.save_weights(tmp_path / "m.weights.h5")
    two.load_weights(tmp_path / "m.weights.h5")
    for a, b in itertools.zip_longest(one.get_weights(), two.get_weights()):
        np.testing.assert_array_equal(a, b)


def test_a_model_of_models_that_are_never_called_is_built_when_their_layers_are(tmp_path):
    class Pair(Model):
        def __init__(self, *models):
            super().__init__()
            self.models = list(models)

    path = tmp_path / "m.weights.h5"
    ours, theirs = (Pair(Pair(Sequential([Input((3,)), Dense(2)]))) for _ in range(2))
    ours.save_weights(path)
    theirs.load_weights(path)
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    with pytest.raises(ValueError, match="not built yet"):
        Pair(Pair(Sequential([Input((3,)), Dense(2)])), Sequential([Dense(2)])).save_weights(path)


def test_a_subclassed_model_may_return_several_outputs():
    class Two(Model):
        def __init__(self):
            super().__init__()
            self.a, self.b = Dense(1), Dense(2)

        def call(self, inputs):
            return self.a(inputs), self.b(inputs)

    a, b = Two().predict(X, batch_size=3, verbose=0)
    assert a.shape == (4, 1) and b.shape == (4, 2)


def test_an_encoder_is_a_model_of_the_layers_of_a_trained_autoencoder():
    x = Input((3,))
    autoencoder = Model(x, Dense(3, name="out")(Dense(2, name="code")(x)))
    encoder = Model(autoencoder.input, autoencoder.get_layer("code").output)
    decoder_input = Input((2,))
    decoder = Model(decoder_input, autoencoder.layers[-1](decoder_input))
    both = Model(autoencoder.inputs, [autoencoder.get_layer(index=1).output, *autoencoder.outputs])
    autoencoder.compile("sgd", "mse")
    data = np.random.default_rng(0).random((8, 3)).astype("float32")
    before = encoder(data).array
    autoencoder.fit(data, data, verbose=0)
    codes, outputs = both(data)
    assert not np.array_equal(encoder(data).array, before)
    np.testing.assert_array_equal(encoder(data).array, codes.array)
    np.testing.assert_array_equal(decoder(codes).array, outputs.array)
    np.testing.assert_array_equal(autoencoder(data).array, outputs.array)


def test_a_sequential_model_can_be_cut_as_well():
    model = Sequential([Dense(2, name="code"), Dense(3)])
    with pytest.raises(AttributeError, match="has no input: it was never called on an Input"):
        _ = model.input
    model.build((None, 3))
    assert Model(model.inputs, model.layers[0].output).output_shape == (None, 2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nope",), r"get_layer: expected one of \['code', 'out'\], got 'nope'"),
        ((None, 2), r"get_layer: expected one of \['code', 'out'\], got 2"),
        ((), "get_layer: expected a name or an index"),
        (("code", 0), "get_layer: expected a name or an index"),
    ],
)
def test_a_layer_that_is_not_there_is_named(arguments, message):
    model = Sequential([Input((3,)), Dense(2, name="code"), Dense(3, name="out")])
    assert model.get_layer(index=-1) is model.get_layer("out")
    with pytest.raises(ValueError, match=message):
        model.get_layer(*arguments)
