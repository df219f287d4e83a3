"""NumPy without a tape: gradients derived by hand, in arrays that are made once.

About what NumPy gives at most, on one thread but for products: numpy_nets adds the tape, new arrays
in every step, and what `fit` does around it. All weights of a network lie in one vector, all
gradients in another.
"""

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from benchmarks.work import ADAM, GAN_ADAM, KEEP, LATENT, PAPER_SGD, PIECES, Work

VARIANTS = {"numpy": ("autoencoder", "vae", "gan", "paper_gan")}
MAY_FAIL = ()
BLOCK, ROWS = 65_536, 128  # weights, and rows of a crossentropy, that are worked on at a time


def describe() -> str:
    return f"NumPy {np.__version__}"


class Network:
    """Weights and their gradients, as [W, b, W, b, …] and as two vectors; and its optimizers."""

    def __init__(self, weights: list[Any]) -> None:
        self.vector = np.concatenate([w.ravel() for w in weights])
        self.gradient, self.m, self.v = np.zeros((3, self.vector.size), np.float32)
        self.d = np.empty(BLOCK, np.float32)
        ends = np.cumsum([w.size for w in weights])[:-1]
        self.w, self.g = (
            [part.reshape(w.shape) for part, w in zip(np.split(v, ends), weights, strict=True)]
            for v in (self.vector, self.gradient)
        )
        self.t = 0

    def adam(self, learning_rate: float, beta_1: float, beta_2: float, epsilon: float) -> None:
        """m and v without their factors 1-β₁ and 1-β₂, which go into the step: fewer passes."""
        self.t += 1
        scale = math.sqrt(1 - beta_2)
        rate = learning_rate * math.sqrt(1 - beta_2**self.t) / (1 - beta_1**self.t)
        for w, g, m, v, d in self.blocks():
            m *= beta_1
            m += g
            g *= g
            v *= beta_2
            v += g
            np.sqrt(v, out=d)
            d += epsilon / scale
            np.divide(m, d, out=d)
            d *= rate * (1 - beta_1) / scale
            w -= d
            if self.t % 16 == 0:
                forget(m, v)

    def sgd(self, learning_rate: float, decay: float, momentum: float) -> None:
        rate = learning_rate * decay**self.t
        self.t += 1
        for w, g, m, _, _ in self.blocks():
            m *= momentum
            g *= rate
            m -= g
            w += m
            if self.t % 16 == 0:
                forget(m)

    def blocks(self) -> Iterator[tuple[Any, ...]]:
        """Weights, gradients, m, v and room for a step, as much as stays in the cache."""
        for start in range(0, self.vector.size, BLOCK):
            block = slice(start, start + BLOCK)
            rest = self.vector[block].size
            yield *(a[block] for a in (self.vector, self.gradient, self.m, self.v)), self.d[:rest]


def forget(*slots: Any) -> None:
    """Keep subnormal numbers out, with which processors are slow."""
    for slot in slots:
        slot[np.abs(slot) < 1e-33] = 0


class Dense:
    """y = x W + b, for one batch size; its weights are the i-th and the next of a network."""

    def __init__(self, network: Network, i: int, batch: int) -> None:
        self.w, self.b = network.w[i : i + 2]
        self.g_w, self.g_b = network.g[i : i + 2]
        fan_in, fan_out = self.w.shape
        self.y, self.slope = np.empty((2, batch, fan_out), np.float32)
        self.g_x = np.empty((batch, fan_in), np.float32)
        self.ones = np.ones(batch, np.float32)

    def forward(self, x: Any) -> Any:
        self.x = x
        np.matmul(x, self.w, out=self.y)
        self.y += self.b
        return self.y

    def backward(self, g: Any, to_weights: bool = True, to_input: bool = True) -> Any:
        if to_weights:
            np.matmul(self.x.T, g, out=self.g_w)
            np.matmul(self.ones, g, out=self.g_b)
        return np.matmul(g, self.w.T, out=self.g_x) if to_input else None

    def relu(self) -> Any:
        return np.maximum(self.y, 0, out=self.y)

    def leaky_relu(self) -> Any:
        np.multiply(self.y, 0.01, out=self.slope)
        return np.maximum(self.y, self.slope, out=self.y)

    def times_slope(self, g: Any, below: float = 0.0) -> Any:
        """g times the derivative of the (leaky) relu of y."""
        np.greater(self.y, 0, out=self.slope)
        if below:
            np.maximum(self.slope, below, out=self.slope)
        return np.multiply(g, self.slope, out=g)


class Crossentropy:
    """Σ over all entries of log(1 + e^z) - y z, and its gradient σ(z) - y."""

    def __init__(self, *shape: int) -> None:
        self.e, self.u, self.g = np.empty((3, *shape), np.float32)

    def __call__(self, y: Any, z: Any) -> tuple[float, Any]:
        blocks = [slice(i, i + ROWS) for i in range(0, len(z), ROWS)]
        return math.fsum(self.block(b, y[b], z[b]) for b in blocks), self.g

    def block(self, rows: slice, y: Any, z: Any) -> float:
        e, u, g = self.e[rows], self.u[rows], self.g[rows]
        np.abs(z, out=e)
        np.negative(e, out=e)
        np.exp(e, out=e)
        np.add(e, 1, out=u)
        np.maximum(z, 0, out=g)
        loss = float(g.sum()) - float(np.vdot(y, z))
        np.maximum(e, z >= 0, out=g)  # e^z, or 1 where that overflows, over 1 + e^-|z|
        g /= u
        g -= y
        while u.shape[-1] % 2 == 0 and u.shape[-1] > 784 // 64:  # at most 64 factors below 2
            half = u.shape[-1] // 2
            u = np.multiply(u[:, :half], u[:, half:], out=u[:, :half])
        return loss + float(np.log(u).sum())


def autoencoder(work: Work, variant: str) -> Callable[[], float]:
    network = Network(work.weights())
    encoder, decoder = (Dense(network, i, work.batch) for i in (0, 2))
    crossentropy = Crossentropy(work.batch, 784)

    def step(x: Any) -> float:
        encoder.forward(x)
        loss, g = crossentropy(x, decoder.forward(encoder.relu()))
        g /= x.size
        encoder.backward(encoder.times_slope(decoder.backward(g)), to_input=False)
        network.adam(**ADAM)
        return loss / x.size

    return rounds(work, step, work.images())


def vae(work: Work, variant: str) -> Callable[[], float]:
    w = work.weights()
    heads = [np.concatenate(pair, axis=-1) for pair in ((w[2], w[4]), (w[3], w[5]))]
    network = Network([*w[:2], *heads, *w[6:]])
    encoder, codes, hidden, decoder = (Dense(network, i, work.batch) for i in range(0, 8, 2))
    crossentropy = Crossentropy(work.batch, 784)
    g_codes = np.empty((work.batch, 2 * LATENT), np.float32)

    def step(x: Any, epsilon: Any) -> float:
        encoder.forward(x)
        mean, log_var = np.split(codes.forward(encoder.relu()), 2, axis=1)
        deviation = np.exp(0.5 * log_var)
        noise = deviation * epsilon
        hidden.forward(mean + noise)
        nats, g = crossentropy(x, decoder.forward(hidden.relu()))
        variance = deviation * deviation
        kl = 0.5 * float((mean * mean + variance - 1 - log_var).sum())
        g /= len(x)
        g_z = hidden.backward(hidden.times_slope(decoder.backward(g)))
        g_codes[:, :LATENT] = g_z + mean / len(x)
        g_codes[:, LATENT:] = 0.5 * (g_z * noise + (variance - 1) / len(x))
        encoder.backward(encoder.times_slope(codes.backward(g_codes)), to_input=False)
        network.adam(**ADAM)
        return (nats + kl) / len(x)

    return rounds(work, step, work.images(), work.noise())


def gan(work: Work, variant: str) -> Callable[[], float]:
    g, d = (Network(weights) for weights in work.networks())
    code, paint = (Dense(g, i, work.batch) for i in (0, 2))
    look, judge = (Dense(d, i, work.batch) for i in (0, 2))
    crossentropy = Crossentropy(work.batch, 1)
    ones, zeros = np.ones((work.batch, 1), np.float32), np.zeros((work.batch, 1), np.float32)

    def generate(z: Any) -> Any:
        code.forward(z)
        paint.forward(code.leaky_relu())
        return np.tanh(paint.y, out=paint.y)

    def differentiate(x: Any, labels: Any, of_d: bool) -> tuple[float, Any]:
        """D's loss, and its gradient for D's weights, or for x."""
        look.forward(x)
        loss, gradient = crossentropy(labels, judge.forward(look.leaky_relu()))
        gradient /= len(x)
        gradient = look.times_slope(judge.backward(gradient, to_weights=of_d), 0.01)
        return loss / len(x), look.backward(gradient, to_weights=of_d, to_input=not of_d)

    def step(real: Any, z: Any) -> float:
        total = 0.0
        for x, labels in ((real, ones), (generate(z[:, 0]), zeros)):
            loss, _ = differentiate(x, labels, of_d=True)
            d.adam(**GAN_ADAM)
            total += loss
        loss, gradient = differentiate(generate(z[:, 1]), ones, of_d=False)
        slope = np.multiply(paint.y, paint.y, out=paint.slope)
        np.subtract(1, slope, out=slope)
        gradient *= slope
        code.backward(code.times_slope(paint.backward(gradient), 0.01), to_input=False)
        g.adam(**GAN_ADAM)
        return total + loss

    return rounds(work, step, work.images(), work.noise())


class Maxout:
    """Dropout, x W + b, and the largest of each unit's pieces, if it has several."""

    def __init__(self, network: Network, i: int, batch: int, keep: float, pieces: int) -> None:
        self.dense = Dense(network, i, batch)
        self.rng, self.keep, self.pieces = np.random.default_rng(i), keep, pieces
        self.drawn, self.kept = np.empty((2, *self.dense.g_x.shape), np.float32)

    def forward(self, x: Any) -> Any:
        self.rng.random(out=self.drawn, dtype=np.float32)
        np.less(self.drawn, self.keep, out=self.kept)
        self.kept *= 1 / self.keep
        y = self.dense.forward(np.multiply(x, self.kept, out=self.drawn))
        if self.pieces > 1:
            self.split = y.reshape(len(y), self.pieces, -1)
            self.y = y = self.split.max(axis=1)
        return y

    def backward(self, g: Any, to_weights: bool = True, to_input: bool = True) -> Any:
        if self.pieces > 1:
            g = ((self.split == self.y[:, None]) * g[:, None]).reshape(len(g), -1)
        g_x = self.dense.backward(g, to_weights, to_input)
        return np.multiply(g_x, self.kept, out=g_x) if to_input else None


def paper_gan(work: Work, variant: str) -> Callable[[], float]:
    """D sees data and pictures in one batch of twice the size: fewer, larger products."""
    g, d = (Network(weights) for weights in work.networks())
    code, hidden, paint = (Dense(g, i, work.batch) for i in (0, 2, 4))
    pieces = (PIECES, PIECES, 1)
    of_both, of_fake = (
        [Maxout(d, 2 * i, n, keep, pieces[i]) for i, keep in enumerate(KEEP)]
        for n in (2 * work.batch, work.batch)
    )
    crossentropy = [Crossentropy(2 * work.batch, 1), Crossentropy(work.batch, 1)]
    labels = np.repeat(np.float32([[1], [0]]), work.batch, axis=0)
    both = np.empty((2 * work.batch, 784), np.float32)

    def generate(z: Any) -> Any:
        for layer, x in ((code, lambda: z), (hidden, code.relu), (paint, hidden.relu)):
            layer.forward(x())
        y = np.multiply(paint.y, -1, out=paint.y)
        np.exp(y, out=y)
        y += 1
        return np.divide(1, y, out=y)

    def differentiate(x: Any, layers: list[Maxout], of_d: bool) -> tuple[float, Any]:
        """D's loss, and its gradient for D's weights, or for x."""
        for layer in layers:
            x = layer.forward(x)
        loss, gradient = crossentropy[not of_d](labels[: len(x)], x)
        gradient /= work.batch
        for i, layer in reversed(list(enumerate(layers))):
            gradient = layer.backward(gradient, of_d, i > 0 or not of_d)
        return loss / work.batch, gradient

    def step(real: Any, z: Any) -> float:
        both[: work.batch], both[work.batch :] = real, generate(z[:, 0])
        d_loss, _ = differentiate(both, of_both, of_d=True)
        d.sgd(**PAPER_SGD)
        g_loss, gradient = differentiate(generate(z[:, 1]), of_fake, of_d=False)
        np.subtract(1, paint.y, out=paint.slope)
        paint.slope *= paint.y
        gradient *= paint.slope
        for before, layer in ((hidden, paint), (code, hidden)):
            gradient = before.times_slope(layer.backward(gradient))
        code.backward(gradient, to_input=False)
        g.sgd(**PAPER_SGD)
        return d_loss + g_loss

    return rounds(work, step, work.images(), work.noise())


def rounds(work: Work, step: Callable[..., float], *arrays: Any) -> Callable[[], float]:
    def one_round() -> float:
        return math.fsum(step(*(a[where] for a in arrays)) for where in work.batches()) / work.steps

    return one_round
