"""Any sequence of compile, fit, set_weights, save and load, beside training written by hand.

The model is y = x W + b with the mean squared error, whose gradient needs no tape: ∂L/∂W = Xᵀ D,
∂L/∂b = Σ D, D = 2 (ŷ - y) / (n d). The reference keeps what the weights, the optimizer's state, the
files and the history must be.
"""

import copy
import tempfile
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from strategies import fewer

from numpy_nets import Sequential, config, random
from numpy_nets.autodiff.tensor import Array
from numpy_nets.layers import Dense, Input
from numpy_nets.optimizers import SGD, Adam

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(7, 3)), RNG.normal(size=(7, 2))
names = st.sampled_from(["a.weights.h5", "b.weights.h5"])


@dataclass
class ByHand:
    """An optimizer's state and formula: SGD with momentum 0.9, or Adam with its defaults."""

    kind: str
    rate: float
    steps: int = 0
    slots: list[list[Array]] = field(default_factory=list)  # of W, of b; none before a step

    @property
    def state(self) -> list[Any]:
        return [self.steps, self.rate, *(slot for slots in self.slots for slot in slots)]

    def build(self, weights: list[Array]) -> None:
        if not self.slots:
            count = 1 if self.kind == "sgd" else 2
            self.slots = [[np.zeros_like(w) for _ in range(count)] for w in weights]

    def apply(self, weights: list[Array], gradients: list[Array]) -> list[Array]:
        self.build(weights)
        self.steps += 1
        found = []
        for w, g, slots in zip(weights, gradients, self.slots, strict=True):
            if self.kind == "sgd":
                slots[0] = 0.9 * slots[0] - self.rate * g
                found.append(w + slots[0])
            else:
                slots[0] = 0.9 * slots[0] + 0.1 * g
                slots[1] = 0.999 * slots[1] + 0.001 * g**2
                rate = self.rate * np.sqrt(1 - 0.999**self.steps) / (1 - 0.9**self.steps)
                found.append(w - rate * slots[0] / (np.sqrt(slots[1]) + 1e-7))
        return found

    def load(self, saved: "ByHand", weights: list[Array]) -> bool:
        """Take over a saved state if it has as many arrays as this one, or will have."""
        mine = copy.deepcopy(self)
        if len(saved.state) > len(mine.state):
            mine.build(weights)
        if len(saved.state) != len(mine.state):
            return False
        self.steps, self.rate = saved.steps, saved.rate
        self.slots = copy.deepcopy(saved.slots)
        return True


class ModelMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        config.set_floatx("float64")
        self.folder = tempfile.TemporaryDirectory()
        random.set_random_seed(0)
        self.model = Sequential([Input((3,)), Dense(2)])
        self.weights = self.model.get_weights()
        self.optimizer: ByHand | None = None
        self.files: dict[str, tuple[list[Array], ByHand | None]] = {}

    def teardown(self) -> None:
        config.set_floatx("float32")
        self.folder.cleanup()

    def path(self, name: str) -> Path:
        return Path(self.folder.name) / name

    def loss(self, x: Array, y: Array) -> float:
        return float(np.mean((x @ self.weights[0] + self.weights[1] - y) ** 2))

    @rule(kind=st.sampled_from(["sgd", "adam"]), rate=st.sampled_from([0.01, 0.05]))
    def compile(self, kind, rate):
        """Training begins anew, from the weights as they are."""
        self.model.compile(SGD(rate, momentum=0.9) if kind == "sgd" else Adam(rate), "mse")
        self.optimizer = ByHand(kind, rate)

    @rule(
        batch_size=st.integers(1, 8), epochs=st.integers(1, 2), seed=st.none() | st.integers(0, 9)
    )
    def fit(self, batch_size, epochs, seed):
        """The history is the mean of the losses before each step; a seed shuffles."""
        if self.optimizer is None:
            with pytest.raises(ValueError, match=r"call model\.compile"):
                self.model.fit(X, Y, verbose=0)
            return
        random.set_random_seed(seed or 0)
        history = self.model.fit(
            X, Y, batch_size, epochs, verbose=0, shuffle=seed is not None, validation_data=(X, Y)
        ).history
        rng = np.random.default_rng(seed)
        expected: dict[str, list[float]] = {"loss": [], "val_loss": []}
        for _ in range(epochs):
            order = np.arange(7) if seed is None else rng.permutation(7)
            total = 0.0
            for start in range(0, 7, batch_size):
                rows = order[start : start + batch_size]
                x, y = X[rows], Y[rows]
                total += self.loss(x, y) * len(x)
                d = 2 * (x @ self.weights[0] + self.weights[1] - y) / y.size
                self.weights = self.optimizer.apply(self.weights, [x.T @ d, d.sum(axis=0)])
            expected["loss"].append(total / 7)
            expected["val_loss"].append(self.loss(X, Y))
        assert set(history) == set(expected)
        for name, values in expected.items():
            np.testing.assert_allclose(history[name], values, rtol=1e-9)

    @precondition(lambda self: self.optimizer is not None)
    @rule(batch_size=st.integers(1, 8))
    def evaluate(self, batch_size):
        found = self.model.evaluate(X, Y, batch_size, verbose=0)
        assert found == pytest.approx(self.loss(X, Y), rel=1e-9)

    @rule(seed=st.integers(0, 100))
    def set_weights(self, seed):
        """The optimizer's state stays."""
        rng = np.random.default_rng(seed)
        self.weights = [rng.uniform(-1, 1, w.shape) for w in self.weights]
        self.model.set_weights(self.weights)

    @rule(shapes=st.sampled_from([[(3, 2)], [(2, 3), (2,)], [(3, 2), (3,)], [(3, 2), (2,), (1,)]]))
    def set_weights_that_do_not_fit(self, shapes):
        with pytest.raises(ValueError, match="set_weights"):
            self.model.set_weights([np.ones(shape) for shape in shapes])

    @initialize()
    def save_before_compile(self):
        """A file without an optimizer's state."""
        self.save("a.weights.h5")

    @rule(name=names)
    def save(self, name):
        """Over an older file, unless that is forbidden."""
        if name in self.files:
            with pytest.raises(FileExistsError):
                self.model.save_weights(self.path(name), overwrite=False)
        self.model.save_weights(self.path(name))
        self.files[name] = copy.deepcopy((self.weights, self.optimizer))

    @rule(data=st.data())
    def load(self, data):
        """Weights always; the optimizer's state if one is compiled and the saved one fits it."""
        name = data.draw(st.sampled_from(sorted(self.files)))
        weights, saved = copy.deepcopy(self.files[name])
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            self.model.load_weights(self.path(name))
        loaded = True
        if self.optimizer is not None:
            loaded = saved is not None and self.optimizer.load(saved, self.weights)
        assert ["was not loaded" in str(w.message) for w in caught] == [True] * (not loaded)
        self.weights = weights

    @rule(data=st.data(), place=st.floats(0, 0.99))
    def load_what_is_missing_or_cut(self, data, place):
        with pytest.raises(FileNotFoundError):
            self.model.load_weights(self.path("missing.weights.h5"))
        content = self.path(data.draw(st.sampled_from(sorted(self.files)))).read_bytes()
        cut = self.path("cut.weights.h5")
        cut.write_bytes(content[: int(place * len(content))])
        with pytest.raises(ValueError, match=r"cut\.weights\.h5"):
            self.model.load_weights(cut)

    @invariant()
    def weights_are_as_expected(self):
        for found, expected in zip(self.model.get_weights(), self.weights, strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)

    @invariant()
    def the_optimizer_s_state_is_as_expected(self):
        assert self.model.compiled == (self.optimizer is not None)
        if self.optimizer is not None:
            pairs = zip(self.model.optimizer.get_state(), self.optimizer.state, strict=True)
            for found, expected in pairs:
                np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


TestModel = ModelMachine.TestCase
TestModel.settings = settings(fewer(2), stateful_step_count=30)
