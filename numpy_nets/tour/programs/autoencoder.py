"""An autoencoder whose gradient is written by hand: x -> relu code -> sigmoid -> crossentropy."""

import numpy as np


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def weights(rng, pixels=784, units=32):
    return {
        "w1": rng.normal(0, 0.05, (pixels, units)), "b1": np.zeros(units),
        "w2": rng.normal(0, 0.05, (units, pixels)), "b2": np.zeros(pixels),
    }  # fmt: skip


def noise(rng, n):
    return None


def forward(w, x):
    before = x @ w["w1"] + w["b1"]
    code = np.maximum(before, 0)
    return before, code, code @ w["w2"] + w["b2"]


def loss(w, x, noise):
    """The crossentropy of a pixel, from logits: mean of log(1 + e^a) - x a."""
    _, _, logits = forward(w, x)
    return np.mean(np.logaddexp(0, logits) - x * logits)


def gradients(w, x, noise):
    before, code, logits = forward(w, x)
    by_logits = (sigmoid(logits) - x) / x.size
    by_code = by_logits @ w["w2"].T
    by_before = by_code * (before > 0)
    return {
        "w1": x.T @ by_before,
        "b1": by_before.sum(axis=0),
        "w2": code.T @ by_logits,
        "b2": by_logits.sum(axis=0),
    }


def step(w, x, noise, rate=20.0):
    g = gradients(w, x, noise)
    return {name: w[name] - rate * g[name] for name in w}
