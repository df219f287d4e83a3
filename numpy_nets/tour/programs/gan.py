"""A GAN with gradients written by hand, and one layer each: D(x) = σ(x v + c), G(z) = σ(z u + a).

`loss` is D's; `g_loss` is G's, in its non-saturating form.
"""

import numpy as np


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def weights(rng, pixels=784, latent=16):
    return {
        "v": rng.normal(0, 0.02, (pixels, 1)), "c": np.zeros(1),
        "u": rng.normal(0, 0.2, (latent, pixels)), "a": np.zeros(pixels),
    }  # fmt: skip


def noise(rng, n, latent=16):
    return rng.normal(size=(n, latent))


def loss(w, x, noise):
    """-log D(x) - log(1 - D(G(z))), means over the batch."""
    fake = sigmoid(noise @ w["u"] + w["a"])
    real_logits, fake_logits = x @ w["v"] + w["c"], fake @ w["v"] + w["c"]
    return np.mean(np.logaddexp(0, -real_logits)) + np.mean(np.logaddexp(0, fake_logits))


def g_loss(w, x, noise):
    """-log D(G(z))."""
    fake = sigmoid(noise @ w["u"] + w["a"])
    return np.mean(np.logaddexp(0, -(fake @ w["v"] + w["c"])))


def gradients(w, x, noise):
    """Of D's loss for v and c, of G's loss for u and a."""
    fake = sigmoid(noise @ w["u"] + w["a"])
    real_logits, fake_logits = x @ w["v"] + w["c"], fake @ w["v"] + w["c"]
    by_real = (sigmoid(real_logits) - 1) / len(x)
    by_fake = sigmoid(fake_logits) / len(x)
    by_image = (sigmoid(fake_logits) - 1) / len(x) @ w["v"].T
    by_before = by_image * fake * (1 - fake)
    return {
        "v": x.T @ by_real + fake.T @ by_fake, "c": by_real.sum(axis=0) + by_fake.sum(axis=0),
        "u": noise.T @ by_before, "a": by_before.sum(axis=0),
    }  # fmt: skip


def step(w, x, noise, rate=0.1):
    """One step of D, then one of G against the new D."""
    g = gradients(w, x, noise)
    w = w | {name: w[name] - rate * g[name] for name in ("v", "c")}
    g = gradients(w, x, noise)
    return w | {name: w[name] - 10 * rate * g[name] for name in ("u", "a")}
