"""Layer: what belongs to it, when it is built, what it computes in, and whether it trains."""

from collections.abc import Iterator

import numpy as np
import pytest

from numpy_nets import GradientTape, Model, Sequential, Variable, config, layers, ops
from numpy_nets.layers import (
    Activation,
    BatchNormalization,
    Concatenate,
    Dense,
    Dropout,
    Flatten,
    Input,
)
from numpy_nets.layers.layer import Layer

X = np.ones((2, 3), "float32")


@pytest.fixture
def float64() -> Iterator[None]:
    config.set_floatx("float64")
    yield
    config.set_floatx("float32")


class Keeper(Model):
    """Layers in every kind of attribute."""

    def __init__(self) -> None:
        super().__init__()
        self.plain = Dense(1, name="plain")
        self.many = [Dense(1, name="in_list"), (Dense(1, name="in_tuple"),)]
        self.named = {"z": Dense(1, name="in_dict"), "a": [Dense(1, name="in_list_in_dict")]}
        self._hidden = Dense(1, name="hidden")
        self.again = self.plain
        self.number, self.text = 3, "no layer"

    def call(self, inputs):
        outputs = [layer(inputs) for layer in self.layers]
        return outputs[0]


class Spy(Layer):
    """Notes whether it was called for training."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[bool] = []

    def call(self, inputs, training=False):
        self.seen.append(training)
        return inputs

    def compute_output_shape(self, input_shape):
        return input_shape


def test_layers_in_attributes_lists_tuples_and_dicts_belong_to_a_model_in_order_of_assignment():
    model = Keeper()
    names = ["plain", "in_list", "in_tuple", "in_dict", "in_list_in_dict", "hidden"]
    assert [layer.name for layer in model.layers] == names
    model(X)
    assert [v.path for v in model.weights] == [
        f"{name}/{kind}" for name in names for kind in ("kernel", "bias")
    ]


def test_variables_that_are_attributes_belong_to_the_layer():
    class Scaled(Model):
        def __init__(self):
            super().__init__()
            self.dense = Dense(1)
            self.scale = Variable(2.0, name="scale")
            self.shifts = [Variable(1.0, name="shift"), Variable(5, trainable=False, name="count")]

        def call(self, inputs):
            return self.dense(inputs) * self.scale + self.shifts[0]

    model = Scaled()
    model(X)
    assert [v.name for v in model.weights] == [
        "scale", "shift", "count", "kernel", "bias",
    ]  # fmt: skip
    assert len(model.trainable_weights) == 4
    model.compile("sgd", "mse")
    model.train_on_batch(X, np.zeros((2, 1)))
    assert float(model.scale) != 2.0 and float(model.shifts[0]) != 1.0


def test_a_layer_that_is_met_twice_has_its_weights_once():
    model = Keeper()
    model(X)
    assert len(model.weights) == 12
    assert model.count_params() == 6 * 4


def test_setting_trainable_holds_for_everything_inside_and_before_building_too():
    inner = Sequential([Dense(2), Dropout(0.5)])
    outer = Sequential([inner, Dense(1)])
    outer.trainable = False
    outer(X)
    assert outer.trainable_weights == [] and len(outer.non_trainable_weights) == 4
    assert not inner.trainable and not any(v.trainable for v in outer.weights)
    outer.trainable = True
    assert outer.trainable_variables == outer.weights and all(v.trainable for v in outer.weights)


def test_a_layer_made_with_trainable_false_starts_frozen_and_thaws():
    dense = Dense(2, trainable=False)
    dense(X)
    assert dense.trainable_weights == [] and dense.non_trainable_variables == dense.weights
    dense.trainable = True
    assert dense.trainable_weights == dense.weights


def test_thawing_leaves_a_variable_alone_that_was_never_trainable():
    class Counted(Layer):
        def __init__(self):
            super().__init__()
            self.count = Variable(0.0, trainable=False)
            self.gain = Variable(1.0)

    layer = Counted()
    for _ in range(2):
        layer.trainable = False
        assert not layer.gain.trainable
        layer.trainable = True
    assert layer.gain.trainable and not layer.count.trainable


def test_a_frozen_model_has_no_trainable_weights_even_around_a_thawed_layer_as_in_keras():
    model = Sequential([Input((3,)), Dense(2), Dense(1)])
    model.trainable = False
    model.layers[0].trainable = True
    assert model.trainable_weights == [] and len(model.non_trainable_weights) == 4
    assert len(model.layers[0].trainable_weights) == 2


def test_freezing_between_steps_stops_exactly_that_layer():
    model = Sequential([Input((3,)), Dense(2), Dense(1)])
    model.compile("adam", "mse")
    y = np.zeros((2, 1))
    for frozen in (False, True, False):
        model.layers[0].trainable = not frozen
        before = model.get_weights()
        model.train_on_batch(X, y)
        after = model.get_weights()
        changed = [not np.array_equal(a, b) for a, b in zip(before, after, strict=True)]
        assert changed == [not frozen, not frozen, True, True]


def test_training_reaches_layers_inside_and_defaults_to_false():
    spy = Spy()
    model = Sequential([Input((3,)), Sequential([Input((3,)), spy])])

    class Outer(Model):
        def __init__(self):
            super().__init__()
            self.inner = model

        def call(self, inputs):
            return self.inner(inputs)

    outer = Outer()
    outer(X)
    outer(X, training=True)
    outer(X, training=False)
    outer(X)
    assert spy.seen == [False, True, False, False]


def test_an_explicit_training_argument_wins_over_the_calling_layer():
    spy = Spy()

    class Always(Model):
        def call(self, inputs, training=False):
            return spy(spy(inputs, training=not training))

    model = Always()
    model(X, training=True)
    model(X, training=False)
    assert spy.seen == [False, True, True, False]


def test_training_is_over_after_an_exception():
    spy = Spy()

    class Failing(Model):
        def call(self, inputs):
            raise RuntimeError("on purpose")

    with pytest.raises(RuntimeError, match="on purpose"):
        Failing()(X, training=True)
    spy(X)
    assert spy.seen == [False]


def test_fit_trains_with_dropout_and_evaluate_and_predict_do_without():
    spy = Spy()
    model = Sequential([Input((3,)), spy, Dense(1)])
    model.compile("sgd", "mse")
    y = np.zeros((2, 1))
    model.fit(X, y, verbose=0, validation_data=(X, y))
    assert spy.seen == [True, False]
    model.evaluate(X, y, verbose=0)
    model.predict(X, verbose=0)
    model.test_on_batch(X, y)
    model.train_on_batch(X, y)
    assert spy.seen == [True, False, False, False, False, True]


@pytest.mark.parametrize("dtype", ["float64", "uint8", "int64", "bool", "float16"])
def test_data_of_any_number_type_is_computed_in_the_dtype_of_the_model(dtype):
    dense = Dense(2)
    assert dense(np.ones((2, 3), dtype)).dtype == np.float32
    np.testing.assert_array_equal(dense(np.ones((2, 3), dtype)).array, dense(X).array)


def test_a_tape_follows_the_cast_of_a_float64_tensor():
    x = ops.convert_to_tensor(np.ones((2, 3)))
    dense = Dense(1)
    with GradientTape() as tape:
        tape.watch(x)
        y = dense(x)
    gradient = tape.gradient(y, x)
    assert gradient.dtype == np.float64 and gradient.shape == (2, 3)


def test_a_float32_model_computes_nothing_in_float64():
    model = Sequential(
        [Input((3,)), Dense(4, "relu"), Dropout(0.5), Dense(4, "tanh"), Dense(2, "sigmoid")]
    )
    model.compile("adam", "binary_crossentropy")
    x, y = np.random.default_rng(0).random((8, 3)), np.ones((8, 2))
    with GradientTape(persistent=True) as tape:
        loss = model.compute_loss(None, ops.cast(y, "float32"), model(x, training=True))
    assert len(tape.records) >= 9
    for output, inputs, vjps, _ in tape.records:
        assert output.dtype == np.float32, output.name
        for vjp in vjps:
            assert vjp(np.ones_like(output.array)).dtype == np.float32, output.name
        assert all(getattr(i, "dtype", np.float32) == np.float32 for i in inputs), output.name
    assert all(g.dtype == np.float32 for g in tape.gradient(loss, model.trainable_weights))
    model.fit(x, y, verbose=0)
    assert {w.dtype for w in model.get_weights()} == {np.dtype("float32")}
    assert {a.dtype for a in model.optimizer.get_state()[1:]} == {np.dtype("float32")}
    assert model.predict(x, verbose=0).dtype == np.float32


def test_a_float64_model_computes_everything_in_float64(float64):
    model = Sequential([Input((3,)), Dense(4, "relu"), Dropout(0.5), Dense(2, "sigmoid")])
    model.compile("adam", "binary_crossentropy")
    with GradientTape() as tape:
        model.compute_loss(None, ops.cast(np.ones((2, 2)), "float64"), model(X, training=True))
    assert {r.output.dtype for r in tape.records} == {np.dtype("float64")}
    model.fit(X, np.ones((2, 2), "float32"), verbose=0)
    assert {w.dtype for w in model.get_weights()} == {np.dtype("float64")}
    assert model.predict(X, verbose=0).dtype == np.float64


def test_get_weights_gives_copies():
    dense = Dense(2)
    dense(X)
    dense.get_weights()[0][:] = 7
    assert not (dense.kernel.array == 7).any()


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([], "expected 2 arrays, got 0"),
        ([np.ones((3, 2))], "expected 2 arrays, got 1"),
        ([np.ones((3, 2)), np.ones(3)], r"expected numbers of shape \(2,\), got .*\(3,\)"),
        ([np.ones((2, 3)), np.ones(2)], r"expected numbers of shape \(3, 2\), got .*\(2, 3\)"),
        ([np.ones((3, 2)), np.array(["a", "b"])], "expected numbers of shape .* got <U1"),
    ],
)
def test_set_weights_changes_nothing_when_anything_does_not_fit(weights, message):
    dense = Dense(2)
    dense(X)
    before = dense.get_weights()
    with pytest.raises(ValueError, match=message) as error:
        dense.set_weights(weights)
    assert "\n" not in str(error.value)
    after = dense.get_weights()
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


def test_set_weights_takes_what_get_weights_gives():
    one, two = Dense(2), Dense(2)
    one(X), two(X)
    two.set_weights(one.get_weights())
    np.testing.assert_array_equal(one(X).array, two(X).array)


def test_count_params_of_an_unbuilt_layer_is_an_error_that_says_what_to_do():
    with pytest.raises(ValueError, match=r"dense.*count_params: not built yet: call it on data"):
        Dense(2).count_params()
    dense = Dense(2)
    assert dense.weights == []
    dense(X)
    assert dense.count_params() == 8


@pytest.mark.parametrize(
    ("inputs", "came"),
    [
        ("text", "str"),
        (3.0, "float"),
        (None, "NoneType"),
        (np.array([["a"]]), "an array of <U1"),
        (np.ones((2, 3), complex), "an array of complex128"),
    ],
)
def test_what_is_no_array_of_numbers_is_refused_by_name(inputs, came):
    with pytest.raises(TypeError, match=f"mine: inputs: expected an array of numbers, got {came}"):
        Dense(2, name="mine")(inputs)


def test_arrays_and_graph_tensors_do_not_mix():
    with pytest.raises(TypeError, match="expected arrays or KerasTensors, got both"):
        Concatenate()([Input((3,)), X])


def test_arguments_that_a_graph_would_lose_are_refused():
    with pytest.raises(TypeError, match="expected no argument beside KerasTensors"):
        Dropout(0.5)(Input((3,)), training=True)


def test_forgetting_super_init_is_explained():
    class Forgetful(Model):
        def __init__(self):
            self.dense = Dense(1)

    with pytest.raises(TypeError, match=r"Forgetful: __init__ must call super\(\).__init__\(\)"):
        Forgetful()(X)


def test_a_layer_without_compute_output_shape_works_on_data_and_says_so_in_a_graph():
    class Twice(Layer):
        def call(self, inputs):
            return inputs * 2.0

    assert (Twice()(X).array == 2).all()
    with pytest.raises(NotImplementedError, match="Twice needs a compute_output_shape method"):
        Twice()(Input((3,)))


def test_calls_on_data_leave_no_nodes_behind():
    dense = Dense(2)
    activation = Activation("relu")
    for _ in range(3):
        activation(dense(X))
    assert dense.nodes == [] and activation.nodes == []


def test_a_layer_that_was_built_by_hand_keeps_its_weights_when_it_is_called():
    dense = Dense(2)
    dense.build((None, 3))
    assert dense.built
    weights = dense.get_weights()
    dense(np.ones((1, 3)))
    for before, after in zip(weights, dense.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)
    assert len(dense.weights) == 2


def test_building_a_sublayer_in_build_makes_its_weights_once():
    class Outer(Layer):
        def __init__(self):
            super().__init__()
            self.inner = Dense(2)

        def build(self, input_shape):
            self.inner.build(input_shape)

        def call(self, inputs):
            return self.inner(inputs)

    outer = Outer()
    outer(np.ones((1, 3)))
    assert [w.shape for w in outer.weights] == [(3, 2), (2,)]


def test_a_layer_cannot_be_built_twice():
    dense = Dense(2)
    dense.build((None, 3))
    with pytest.raises(ValueError, match="add_weight: expected a call in __init__ or build"):
        dense.build((None, 3))
    assert len(dense.weights) == 2


def seen_training(outer, inner):
    """What `training` the two layers get when the outer one is called without it."""
    seen = []

    class Inner(Layer):
        def call(self, inputs, training=inner):
            seen.append(training)
            return inputs

    class Outer(Layer):
        def __init__(self):
            super().__init__()
            self.inner = Inner()

        def call(self, inputs, training=outer):
            seen.append(training)
            return self.inner(inputs)

    Outer()(X)
    return seen


@pytest.mark.parametrize("inner", [None, True, False])
def test_outside_fit_training_is_the_default_of_the_first_call_that_has_one_as_in_keras(inner):
    assert seen_training(True, inner) == [True, True]
    assert seen_training(False, inner) == [False, False]
    assert seen_training(None, inner) == [None, inner]


def test_a_call_that_requires_training_raises_when_nobody_says_so():
    class Strict(Layer):
        def call(self, inputs, training):
            return inputs

    with pytest.raises(TypeError, match="missing 1 required positional argument: 'training'"):
        Strict()(X)
    assert Strict()(X, training=False).shape == X.shape


@pytest.mark.parametrize("kind", ["int32", "int64", "uint8", "bool"])
def test_integers_stay_integers_until_a_layer_computes_with_floats(kind):
    x, seen = X.astype(kind), []

    class Spy(Layer):
        def call(self, inputs):
            seen.append(inputs.dtype)
            return inputs

    assert Flatten()(Spy()(x)).dtype == kind
    assert seen == [kind]
    for layer in (Dense(2), Dense(2, use_bias=False), BatchNormalization()):
        y = layer(x)
        assert y.dtype == np.float32
        np.testing.assert_array_equal(y.array, layer(x.astype("float32")).array)
    assert Concatenate()([x, X.astype("float32")]).dtype == np.float32
    assert Concatenate()([x, x]).dtype == kind


@pytest.mark.parametrize("trainable", ["yes", 1, None])
def test_trainable_is_a_bool(trainable):
    with pytest.raises(ValueError, match="trainable: expected True or False, got"):
        Dense(2, trainable=trainable)


def test_setting_trainable_takes_any_truth_value_as_in_keras():
    layer = Dense(2)
    layer.trainable = 0
    assert layer.trainable is False


def test_a_variable_has_a_name_and_a_path_and_a_dtype_of_its_own():
    class Counting(Layer):
        def __init__(self):
            super().__init__(name="counting")
            self.count = self.add_weight(
                name="count", shape=(2,), dtype="int64", initializer="ones", trainable=False
            )
            self.empty = self.add_weight(dtype="int32")
            self.kernel = self.add_weight(shape=(2, 3), initializer=lambda s, dtype: ops.exp(X))
            self.drawn = self.add_weight((1, 2))

    layer = Counting()
    assert [v.name for v in layer.weights] == ["count", "variable", "variable", "variable"]
    assert layer.count.path == "counting/count"
    assert layer.count.dtype == "int64" and layer.count.numpy().tolist() == [1, 1]
    assert layer.empty.dtype == "int32" and layer.empty.numpy() == 0
    np.testing.assert_array_equal(layer.kernel.array, np.exp(X))
    assert layer.drawn.dtype == np.float32 and layer.drawn.numpy().all()
    assert layer.trainable_weights == [layer.empty, layer.kernel, layer.drawn]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("kernel",), "add_weight: shape: expected a tuple, got 'kernel'"),
        (((2, 2), lambda s, dtype: np.ones(3)), r"expected an array of shape \(2, 2\), got \(3,\)"),
    ],
)
def test_a_weight_has_the_shape_it_is_given(arguments, message):
    with pytest.raises(ValueError, match=message):
        Layer.add_weight(Spy(), *arguments)


class Adding(Layer):
    def call(self, inputs):
        self.add_loss(ops.sum(inputs))
        self.add_loss([2.0 * ops.sum(inputs)])
        return inputs


def test_losses_are_those_of_the_last_call_from_outside_as_in_keras():
    class Twice(Layer):
        def __init__(self):
            super().__init__()
            self.inner = Adding()

        def call(self, inputs):
            return self.inner(self.inner(inputs))

    layer = Twice()
    for _ in range(2):
        layer(X)
    assert [float(x) for x in layer.losses] == [6.0, 12.0] * 2
    layer.inner(X)
    assert [float(x) for x in layer.losses] == [6.0, 12.0]
    with pytest.raises(ValueError, match="add_loss: expected a Tensor, got 1.0"):
        layer.add_loss(1.0)


def test_losses_end_after_an_exception():
    class Failing(Adding):
        def call(self, inputs):
            super().call(inputs)
            raise RuntimeError("on purpose")

    layer = Failing()
    for _ in range(2):
        with pytest.raises(RuntimeError, match="on purpose"):
            layer(X)
        assert len(layer.losses) == 2


def test_penalties_of_frozen_weights_are_no_losses_as_in_keras():
    layer = Dense(2, kernel_initializer="ones", kernel_regularizer="l2", bias_regularizer="l1")
    layer(X)
    assert [float(x) for x in layer.losses] == [pytest.approx(0.06), 0.0]
    layer.trainable = False
    assert layer.losses == []


def test_the_penalty_of_an_output_is_that_of_a_sample():
    layer = Dense(2, kernel_initializer="ones", activity_regularizer="l1")
    layer(np.concatenate([X, X]))
    assert [float(x) for x in layer.losses] == [pytest.approx(0.01 * 2 * 3)]


def test_input_and_output_are_those_of_the_first_call_on_an_input():
    x, layer = Input((3,)), Dense(2)
    with pytest.raises(AttributeError, match="has no output: it was never called on an Input"):
        _ = layer.output
    y = layer(x)
    layer(Input((3,)))
    assert layer.input is x and layer.output is y and x.node.layer.output is x


def test_a_layer_and_a_tensor_show_what_keras_shows():
    x = Input((3,), name="x")
    assert repr(Dense(2, name="d")) == "<Dense name=d, built=False>"
    assert repr(x) == "<KerasTensor shape=(None, 3), name=x>"


def test_a_layer_of_keras_that_is_not_here_says_what_to_use():
    with pytest.raises(NotImplementedError, match="layers.Conv2D: not in numpy_nets: use Dense la"):
        from numpy_nets.layers import Conv2D  # noqa: F401
    with pytest.raises(NotImplementedError, match="layers.Lambda: not in numpy_nets: use ops in"):
        _ = layers.Lambda
    with pytest.raises(AttributeError, match="has no attribute 'Dnse'"):
        _ = layers.Dnse
