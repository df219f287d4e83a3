"""Which path each variable gets: the literal lists that Keras 3.15.1 writes (measured)."""

import warnings

import numpy as np
import pytest

from numpy_nets import GradientTape, Model, Sequential, Variable, ops, random
from numpy_nets.layers import (
    Activation,
    Concatenate,
    Dense,
    Dropout,
    Flatten,
    Input,
    LeakyReLU,
    ReLU,
    Reshape,
)
from numpy_nets.layers.layer import Layer
from numpy_nets.metrics import Mean
from numpy_nets.optimizers import SGD, Adam
from numpy_nets.optimizers.schedules import ExponentialDecay
from numpy_nets.storage.weights import dataset_paths, read_weights

X = np.ones((4, 2), "float32")


def _paths(model, tmp_path):
    path = tmp_path / "m.weights.h5"
    model.save_weights(path)
    return dataset_paths(path)


def _pairs(*prefixes):
    """The kernel and the bias of each."""
    return sorted(f"{prefix}/vars/{k}" for prefix in prefixes for k in (0, 1))


def _optimizer(count, prefix="optimizer"):
    return [f"{prefix}/vars/{k}" for k in range(count)]


def test_a_functional_autoencoder_with_adam(tmp_path):
    x = Input((6,))
    model = Model(x, Dense(6)(Dense(2)(x)))
    layers = _pairs("layers/dense", "layers/dense_1")
    assert _paths(model, tmp_path) == layers
    model.compile("adam", "mse")
    assert _paths(model, tmp_path) == layers + _optimizer(2)
    model.train_on_batch(np.ones((3, 6)), np.ones((3, 6)))
    assert _paths(model, tmp_path) == layers + sorted(_optimizer(10))


def test_a_functional_autoencoder_s_datasets_hold_these_arrays(tmp_path):
    x = Input((6,))
    model = Model(x, Dense(6)(Dense(2)(x)))
    model.compile("adam", "mse")
    model.train_on_batch(np.ones((3, 6)), np.ones((3, 6)))
    model.save_weights(tmp_path / "m.weights.h5")
    shapes = [(6, 2), (2,), (2, 6), (6,)]
    moments = [shape for shape in shapes for _ in "mv"]
    names = _pairs("layers/dense", "layers/dense_1") + _optimizer(10)
    dtypes = [np.dtype("float32")] * 4 + [np.dtype("int64")] + [np.dtype("float32")] * 9
    expected = dict(zip(names, zip([*shapes, (), (), *moments], dtypes, strict=True), strict=True))
    arrays = read_weights(tmp_path / "m.weights.h5", expected)
    weights = [arrays[name] for name in names[:4]]
    assert all(np.array_equal(a, b) for a, b in zip(weights, model.get_weights(), strict=True))
    state = [arrays[name] for name in names[4:]]
    for a, b in zip(state, model.optimizer.get_state(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_sequential_counts_each_class_for_itself(tmp_path):
    model = Sequential([Input((2,)), Dense(3, name="mine"), LeakyReLU(), Dropout(0.1), Dense(1)])
    model.compile("sgd", "mse")
    model.train_on_batch(X, np.ones((4, 1)))
    assert _paths(model, tmp_path) == _pairs("layers/dense", "layers/dense_1") + _optimizer(2)


def test_nested_sequentials_in_a_functional_and_in_a_sequential(tmp_path):
    def parts():
        return (
            Sequential([Input((2,)), Dense(3)], name="encoder"),
            Sequential([Input((3,)), Dense(4), ReLU(), Dense(2)], name="decoder"),
        )

    expected = _pairs(
        "layers/sequential/layers/dense",
        "layers/sequential_1/layers/dense",
        "layers/sequential_1/layers/dense_1",
    )
    encoder, decoder = parts()
    x = Input((2,))
    assert _paths(Model(x, decoder(encoder(x))), tmp_path) == expected
    assert _paths(Sequential([Input((2,)), *parts()]), tmp_path) == expected


def test_a_nested_functional_model_is_filed_as_functional(tmp_path):
    x, y = Input((2,)), Input((2,))
    inner = Model(x, Dense(2)(x), name="inner")
    assert _paths(Model(y, inner(y)), tmp_path) == _pairs("layers/functional/layers/dense")


def test_layers_without_variables_and_shared_layers(tmp_path):
    shared = Dense(2)
    a, b = Input((2,)), Input((2,))
    joined = Concatenate()([shared(a), Activation("relu")(shared(b))])
    model = Model([a, b], Dense(1)(Flatten()(Reshape((2, 2))(joined))))
    assert _paths(model, tmp_path) == _pairs("layers/dense", "layers/dense_1")


class Subclassed(Model):
    def __init__(self):
        super().__init__()
        self.encoder = Sequential([Input((2,)), Dense(2)])
        self.decoder = Sequential([Input((2,)), Dense(2)])
        self.blocks = [Dense(2), Dense(2)]
        self.by_name = {"b": Dense(2), "a": Dense(2)}
        self._hidden = Dense(2)
        self._hidden_list = [Dense(2)]
        self.seen = Mean("seen")
        self.own = Variable(1.0)

    def call(self, inputs):
        x = self.decoder(self.encoder(inputs))
        for layer in (*self.blocks, *self.by_name.values(), self._hidden, *self._hidden_list):
            x = layer(x)
        return x


def test_a_subclassed_model_files_by_attribute(tmp_path):
    model = Subclassed()
    model(X)
    assert _paths(model, tmp_path) == sorted(
        [
            *_pairs(
                "encoder/layers/dense", "decoder/layers/dense", "blocks/dense", "blocks/dense_1",
                "by_name/dense", "by_name/dense_1", "layers/dense_4", "layers/dense_5",
            ),
            "vars/0",
        ]
    )  # fmt: skip


def test_attributes_that_sort_after_layers_are_filed_in_layers(tmp_path):
    class Trap(Model):
        def __init__(self):
            super().__init__()
            self.z, self.a = Dense(2), Dense(2)
            self.m = [Dense(2)]
            self._p = Dense(2)
            self.nest = [[Dense(2)], [Dense(2)]]
            self.anest = [[Dense(2)], [Dense(2), {"q": Dense(2)}]]

        def call(self, inputs):
            outputs = [layer(inputs) for layer in self.layers]
            return outputs[0]

    model = Trap()
    model(X)
    by_layer = {
        "a": model.a,
        "anest/container/dense": model.anest[0][0],
        "anest/container_1/dense": model.anest[1][0],
        "anest/container_1/container/dense": model.anest[1][1]["q"],
        "layers/dense": model.z,
        "layers/dense_2": model.m[0],
        "layers/dense_3": model._p,
        "layers/dense_4": model.nest[0][0],
        "layers/dense_5": model.nest[1][0],
    }
    assert _paths(model, tmp_path) == _pairs(*by_layer)
    expected = {f"{path}/vars/0": ((2, 2), np.dtype("float32")) for path in by_layer}
    expected |= {f"{path}/vars/1": ((2,), np.dtype("float32")) for path in by_layer}
    arrays = read_weights(tmp_path / "m.weights.h5", expected)
    for path, layer in by_layer.items():
        np.testing.assert_array_equal(arrays[f"{path}/vars/0"], layer.kernel.array)


def test_a_layer_made_of_layers_files_by_attribute_private_ones_too(tmp_path):
    class Block(Layer):
        def __init__(self):
            super().__init__()
            self._h, self.zed, self._z, self.a = Dense(2), Dense(2), [Dense(2)], Dense(2)

        def build(self, input_shape):
            self.w = self.add_weight((2,), "zeros", name="w")

        def call(self, inputs):
            return self.a(self._z[0](self.zed(self._h(inputs)))) * self.w

        def compute_output_shape(self, input_shape):
            return input_shape

    model = Sequential([Block()])
    model.layers[0](X)
    model(X)
    assert _paths(model, tmp_path) == sorted(
        [
            *_pairs(
                "layers/block/_h", "layers/block/_z/dense", "layers/block/a", "layers/block/zed"
            ),
            "layers/block/vars/0",
        ]
    )


def test_a_functional_subclass_files_its_graph_first(tmp_path):
    class Both(Model):
        def __init__(self):
            x = Input((2,))
            enc = Dense(2)
            super().__init__(x, enc(x))
            self.enc, self.aux = enc, Dense(1)

    model = Both()
    model.aux(X)
    assert _paths(model, tmp_path) == _pairs("aux", "layers/dense")


class Game(Model):
    def __init__(self):
        super().__init__()
        self.generator = Sequential([Input((2,)), Dense(2)])
        self.discriminator = Sequential([Input((2,)), Dense(1)])

    def call(self, inputs):
        return self.discriminator(self.generator(inputs))


def test_two_optimizers_are_filed_by_attribute_beside_the_compiled_one(tmp_path):
    game = Game()
    game.compile()
    game.d_optimizer, game.g_optimizer = Adam(), SGD()
    layers = _pairs("discriminator/layers/dense", "generator/layers/dense")
    assert _paths(game, tmp_path) == sorted(
        layers + _optimizer(2, "d_optimizer") + _optimizer(2, "g_optimizer") + _optimizer(2)
    )
    game.d_optimizer.build(game.discriminator.trainable_variables)
    assert len(_paths(game, tmp_path)) == 4 + 6 + 2 + 2


def test_an_optimizer_of_two_names_is_filed_under_the_first(tmp_path):
    game = Game()
    game.d_optimizer = Adam()
    game.compile(game.d_optimizer)
    layers = _pairs("discriminator/layers/dense", "generator/layers/dense")
    assert _paths(game, tmp_path) == sorted(layers + _optimizer(2, "d_optimizer"))


@pytest.mark.parametrize(
    ("optimizer", "count"),
    [("sgd", 2), (SGD(momentum=0.5), 4), ("rmsprop", 4), ("adagrad", 4), ("adam", 6),
     (Adam(ExponentialDecay(0.1, 10, 0.5)), 5)],
)  # fmt: skip
def test_an_optimizer_saves_iteration_learning_rate_and_slots(tmp_path, optimizer, count):
    model = Sequential([Input((2,)), Dense(1)])
    model.compile(optimizer, "mse")
    model.train_on_batch(X, np.ones((4, 1)))
    names = [name for name in _paths(model, tmp_path) if name.startswith("optimizer")]
    assert names == _optimizer(count)


# Loading


def _trained(optimizer="adam", steps=3, seed=0):
    random.set_random_seed(seed)
    model = Sequential([Input((2,)), Dense(2), Dense(1)])
    if optimizer is not None:
        model.compile(optimizer, "mse")
        for _ in range(steps):
            model.train_on_batch(X, np.ones((4, 1)))
    return model


def _same(one, two):
    return all(
        np.array_equal(a, b) for a, b in zip(one.get_weights(), two.get_weights(), strict=True)
    )


def test_a_subclassed_model_comes_back(tmp_path):
    one, two = Subclassed(), Subclassed()
    one(X), two(X)
    one.save_weights(tmp_path / "m.weights.h5")
    two.load_weights(tmp_path / "m.weights.h5")
    assert _same(one, two)


def test_a_model_that_is_not_compiled_ignores_the_optimizer_in_the_file(tmp_path):
    _trained().save_weights(tmp_path / "m.weights.h5")
    model = _trained(None, seed=1)
    model.load_weights(tmp_path / "m.weights.h5")
    assert _same(model, _trained())


def test_a_fresh_optimizer_gets_the_state_in_the_file(tmp_path):
    trained = _trained()
    trained.save_weights(tmp_path / "m.weights.h5")
    model = _trained(steps=0, seed=1)
    model.load_weights(tmp_path / "m.weights.h5")
    state = trained.optimizer.get_state()
    for a, b in zip(state, model.optimizer.get_state(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_two_optimizers_of_a_game_come_back_once_built(tmp_path):
    def game():
        made = Game()
        made.compile()
        made.d_optimizer = Adam()
        made.d_optimizer.build(made.discriminator.trainable_variables)
        return made

    one, two = game(), game()
    with GradientTape() as tape:
        loss = ops.sum(one(X))
    variables = one.discriminator.trainable_variables
    one.d_optimizer.apply(tape.gradient(loss, variables), variables)
    one.save_weights(tmp_path / "m.weights.h5")
    two.load_weights(tmp_path / "m.weights.h5")
    assert two.d_optimizer.iterations == 1 and _same(one, two)
    for a, b in zip(one.d_optimizer.get_state(), two.d_optimizer.get_state(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(("saved", "here"), [(None, 10), ("sgd", 10)])
def test_an_optimizer_that_the_file_does_not_fit_keeps_its_state_with_a_warning(
    tmp_path, saved, here
):
    path = tmp_path / "m.weights.h5"
    _trained(saved).save_weights(path)
    model = _trained("adam", seed=1)
    state = model.optimizer.get_state()
    message = f"state of optimizer 'adam.*' was not loaded: {here} variables here"
    with pytest.warns(UserWarning, match=message):
        model.load_weights(path)
    assert _same(model, _trained(saved))
    for a, b in zip(state, model.optimizer.get_state(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_frozen_compiled_model_loads_its_weights(tmp_path):
    _trained().save_weights(tmp_path / "m.weights.h5")
    model = _trained(steps=0, seed=1)
    model.trainable = False
    with pytest.warns(UserWarning, match="was not loaded"):
        model.load_weights(tmp_path / "m.weights.h5")
    assert _same(model, _trained())


@pytest.mark.parametrize(
    ("layers", "fault"),
    [
        ([Dense(2), Dense(2)], "has shape"),
        ([Dense(2), Dense(1), Dense(1)], "missing"),
        ([Dense(2)], "unexpected"),
    ],
)
def test_weights_that_do_not_fit_are_refused_before_anything_changes(tmp_path, layers, fault):
    _trained().save_weights(tmp_path / "m.weights.h5")
    model = Sequential([Input((2,)), *layers])
    model.compile("adam", "mse")
    before = model.get_weights()
    with warnings.catch_warnings(), pytest.raises(ValueError, match=fault) as error:
        warnings.simplefilter("ignore")
        model.load_weights(tmp_path / "m.weights.h5")
    assert "\n" not in str(error.value)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    assert not model.optimizer.built and model.optimizer.iterations == 0
