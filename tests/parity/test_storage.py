"""Weights files cross the border bit for bit: written here and loaded by Keras, and the reverse."""

import h5py
import numpy as np
import pytest

keras = pytest.importorskip("keras")

from keras import layers  # noqa: E402

from numpy_nets.storage import dataset_paths, read_weights, write_weights  # noqa: E402

# Keras 3.15 on TensorFlow 2.21 meets NumPy 2.4 with it whenever it saves.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def dense_stack(*sizes):
    """Sequential with everything that has no weights between two Dense layers."""
    units = [layers.Dense(size) for size in sizes[1:]]
    between = [layers.LeakyReLU(), layers.Dropout(0.5), layers.Activation("tanh")]
    return keras.Sequential([layers.Input((sizes[0],)), units[0], *between, *units[1:]])


def autoencoder():
    pixels = keras.Input((6,))
    code = layers.Dense(4, activation="relu", name="a_name_that_is_not_in_the_file")(pixels)
    return keras.Model(pixels, layers.Dense(6)(code))


def nested():
    pixels = keras.Input((6,))
    return keras.Model(pixels, dense_stack(3, 5, 6)(dense_stack(6, 4, 3)(pixels)))


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.encoder = dense_stack(6, 4, 3)
        self.decoder = dense_stack(3, 4, 6)
        self.blocks = [layers.Dense(6), layers.Dense(6)]
        self.tail = layers.Dense(6)  # sorts after `layers`, so Keras files it there
        self._private = layers.Dense(6)
        self.total = keras.metrics.Mean()
        self.seed_generator = keras.random.SeedGenerator(0)
        self(np.zeros((1, 6)))

    def call(self, inputs):
        outputs = self.decoder(self.encoder(inputs))
        for layer in [*self.blocks, self.tail, self._private]:
            outputs = layer(outputs)
        return outputs


def kernel_and_bias(*owners):
    return [f"{owner}/vars/{k}" for owner in owners for k in range(2)]


# The paths of each model, in the order of `model.weights`.
MODELS = {
    "functional": (autoencoder, kernel_and_bias("layers/dense", "layers/dense_1")),
    "sequential": (
        lambda: dense_stack(6, 4, 3, 6),
        kernel_and_bias("layers/dense", "layers/dense_1", "layers/dense_2"),
    ),
    "nested": (
        nested,
        kernel_and_bias(
            "layers/sequential/layers/dense",
            "layers/sequential/layers/dense_1",
            "layers/sequential_1/layers/dense",
            "layers/sequential_1/layers/dense_1",
        ),
    ),
    "subclassed": (
        Subclassed,
        kernel_and_bias(
            "encoder/layers/dense",
            "encoder/layers/dense_1",
            "decoder/layers/dense",
            "decoder/layers/dense_1",
            "blocks/dense",
            "blocks/dense_1",
            "layers/dense_2",
            "layers/dense_3",
        ),
    ),
}
OPTIMIZERS = {
    "sgd": (lambda: keras.optimizers.SGD(), 0),
    "momentum": (lambda: keras.optimizers.SGD(momentum=0.5), 1),
    "rmsprop": (lambda: keras.optimizers.RMSprop(), 1),
    "adagrad": (lambda: keras.optimizers.Adagrad(), 1),
    "adam": (lambda: keras.optimizers.Adam(), 2),
    "schedule": (
        lambda: keras.optimizers.Adam(keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.9)),
        2,
    ),
}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.weights.h5"


@pytest.fixture(params=MODELS)
def model_and_paths(request):
    builder, paths = MODELS[request.param]
    return builder(), paths


def random_arrays(variables, paths):
    rng = np.random.default_rng(0)
    assert len(variables) == len(paths)
    return {
        path: rng.normal(size=variable.shape).astype(variable.dtype)
        for path, variable in zip(paths, variables, strict=True)
    }


def expectation(variables, paths):
    return {
        path: (tuple(variable.shape), np.dtype(variable.dtype))
        for path, variable in zip(paths, variables, strict=True)
    }


def assert_same_bits(variables, arrays):
    assert len(variables) == len(arrays)
    for variable, array in zip(variables, arrays.values(), strict=True):
        value = np.asarray(variable)
        assert (value.shape, value.dtype) == (array.shape, array.dtype)
        assert value.tobytes() == array.tobytes()


def test_keras_loads_a_written_file(model_and_paths, path):
    model, paths = model_and_paths
    arrays = random_arrays(model.weights, paths)
    write_weights(path, arrays, {"epoch": "3"})
    model.load_weights(path)
    assert_same_bits(model.weights, arrays)


def test_a_file_of_keras_is_read(model_and_paths, path):
    model, paths = model_and_paths
    model.save_weights(path)
    assert sorted(paths) == dataset_paths(path)
    assert_same_bits(model.weights, read_weights(path, expectation(model.weights, paths)))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizer_state_crosses_both_ways(path, name):
    optimizer, slots = OPTIMIZERS[name]
    head = 1 if name == "schedule" else 2  # iteration, and learning_rate unless it is scheduled
    model = autoencoder()
    model.compile(optimizer(), "mse")
    rng = np.random.default_rng(0)
    for _ in range(2):
        model.train_on_batch(rng.normal(size=(8, 6)), rng.normal(size=(8, 6)))
    variables = model.weights + model.optimizer.variables
    paths = MODELS["functional"][1] + [
        f"optimizer/vars/{k}" for k in range(head + slots * len(model.trainable_variables))
    ]
    model.save_weights(path)
    assert sorted(paths) == dataset_paths(path)
    arrays = read_weights(path, expectation(variables, paths))
    assert arrays["optimizer/vars/0"].dtype == np.int64 and arrays["optimizer/vars/0"] == 2
    assert_same_bits(variables, arrays)

    write_weights(path, arrays)
    other = autoencoder()
    other.compile(optimizer(), "mse")
    other.optimizer.build(other.trainable_variables)  # else Keras skips the state, with a warning
    other.load_weights(path)
    assert_same_bits(other.weights + other.optimizer.variables, arrays)


def test_a_model_without_optimizer_reads_a_compiled_one(path):
    model = autoencoder()
    model.compile("adam", "mse")
    model.save_weights(path)
    paths = MODELS["functional"][1]
    assert_same_bits(model.weights, read_weights(path, expectation(model.weights, paths)))


def test_keras_loads_what_it_does_not_write_in_another_precision(path):
    model = autoencoder()
    arrays = random_arrays(model.weights, MODELS["functional"][1])
    write_weights(path, {name: array.astype("f8") for name, array in arrays.items()})
    model.load_weights(path)
    assert_same_bits(model.weights, arrays)


@pytest.mark.filterwarnings("ignore:Skipping nested container:UserWarning")  # Keras, then raises
def test_keras_and_this_library_agree_that_a_file_belongs_to_another_model(path):
    model = autoencoder()
    paths = MODELS["functional"][1]
    arrays = random_arrays(model.weights, paths)
    for wrong in (
        {name: array for name, array in arrays.items() if name != paths[-1]},
        arrays | {"layers/dense/vars/2": np.ones(3, "f4")},
        arrays | {paths[0]: np.ones((6, 5), "f4")},
    ):
        write_weights(path, wrong)
        with pytest.raises(ValueError):
            model.load_weights(path)
        with pytest.raises(ValueError, match="does not fit this model"):
            read_weights(path, expectation(model.weights, paths))


def test_the_seed_of_a_dropout_and_a_metric_are_not_in_a_file_of_keras(path):
    model = Subclassed()
    model.total.update_state(3.0)
    model.save_weights(path)
    with h5py.File(path) as file:
        names = []
        file.visit(names.append)
    assert not any("seed" in name or "total" in name for name in names)
