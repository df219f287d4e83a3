"""The notebook's autoencoder and GAN run as text; only imports and the scale of x are changed."""

import os
from pathlib import Path

import numpy as np
import pytest

from numpy_nets import random
from numpy_nets.datasets import digits
from numpy_nets.datasets.mnist import SHAPES
from numpy_nets.naming import clear_session

SNIPPET = """
from numpy_nets.layers import Input, Dense
from numpy_nets.models import Model
from numpy_nets.datasets import mnist

input_layer = Input(shape=(784,))
encoded = Dense(64, activation="relu")(input_layer)
decoded = Dense(784, activation="sigmoid")(encoded)
model = Model(input_layer, decoded)
model.compile(optimizer="adam", loss="binary_crossentropy")
model.summary()
(x_train, _), (x_test, _) = mnist.load_data()
x_train = x_train.astype("float32") / 255
x_test = x_test.astype("float32") / 255
x_train = x_train.reshape((len(x_train), 784))
x_test = x_test.reshape((len(x_test), 784))
model.fit(x_train, x_train, epochs=50, batch_size=256, shuffle=True, validation_data=(x_test, x_test))
"""  # noqa: E501

# Printed by Keras 3.15.1 if standard output is not a terminal.
SUMMARY = """\
Model: "functional"
┏━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━┓
┃ Layer (type)                    ┃ Output Shape           ┃       Param # ┃
┡━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━┩
│ input_layer (InputLayer)        │ (None, 784)            │             0 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ dense (Dense)                   │ (None, 64)             │        50,240 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ dense_1 (Dense)                 │ (None, 784)            │        50,960 │
└─────────────────────────────────┴────────────────────────┴───────────────┘
 Total params: 101,200 (395.31 KB)
 Trainable params: 101,200 (395.31 KB)
 Non-trainable params: 0 (0.00 B)
"""


def _run(capsys):
    """The output and the variables of the snippet with one epoch instead of 50."""
    clear_session()
    random.set_random_seed(0)
    variables = {}
    exec(SNIPPET.replace("epochs=50", "epochs=1"), variables)  # the claim is about this very text
    return capsys.readouterr().out, variables["model"]


def test_the_snippet_runs_on_mnist_s_shapes_and_prints_keras_s_lines(tmp_path, monkeypatch, capsys):
    arrays = {name: np.zeros(shape, "u1") for name, shape in SHAPES.items()}
    for name in ("x_train", "x_test"):
        arrays[name][:, 10:18, 12:16] = 255  # every image the same stroke
    (tmp_path / "datasets").mkdir()
    np.savez(tmp_path / "datasets" / "mnist.npz", **arrays)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "80")
    out, model = _run(capsys)
    assert out.startswith(SUMMARY)
    last = out.rstrip().splitlines()[-1]
    assert "235/235" in last and "━" * 20 in last and " - loss: " in last and "ms/step" in last
    assert " - val_loss: " in last
    history = model.history.history
    assert history["val_loss"][0] < history["loss"][0] < 0.3
    assert model.optimizer.iterations == 235


def test_the_snippet_learns_real_mnist(tmp_path, monkeypatch, capsys):
    folder = os.environ.get("NUMPY_NETS_DATA")
    if not folder:
        pytest.skip("NUMPY_NETS_DATA is not set")
    (tmp_path / "datasets").mkdir()
    (tmp_path / "datasets" / "mnist.npz").symlink_to(Path(folder, "mnist.npz").resolve())
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    _, model = _run(capsys)
    assert model.history.history["val_loss"][0] < 0.2


# Unlike in the notebook, x is scaled to the range of G's tanh, and the stack of G and D is a GAN.
GAN_SNIPPET = """
from numpy_nets.models.gan import build_discriminator, build_gan, build_generator, train_gan

generator = build_generator()
discriminator = build_discriminator()
discriminator.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])
gan = build_gan(generator, discriminator)
train_gan(gan, generator, discriminator, x_train, epochs=400, batch_size=128)
"""


def test_the_gan_snippet_prints_the_notebook_s_lines_and_d_learns(capsys):
    (x, _), (test, _) = digits.load_data()
    x, test = (a.reshape(len(a), 784) / np.float32(127.5) - 1 for a in (x, test))
    random.set_random_seed(0)
    variables = {"x_train": x}
    exec(GAN_SNIPPET.replace("epochs=400", "epochs=100"), variables)
    lines = capsys.readouterr().out.splitlines()
    assert [int(line.split()[0]) for line in lines] == list(range(10, 101, 10))
    assert all(" [D loss: " in line and "%] [G loss: " in line for line in lines)
    noise = random.normal((500, 100))
    d_data = variables["discriminator"].predict(test[:500], verbose=0)
    d_samples = variables["discriminator"](variables["generator"](noise)).array
    right = 0.5 * ((d_data > 0.5).mean() + (d_samples <= 0.5).mean())
    assert right > 0.9  # 0.5 before: it tells images that it has not seen from samples
