"""A VAE whose gradient is written by hand: one layer each, Bernoulli pixels."""

import numpy as np


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def weights(rng, pixels=784, latent=8):
    return {
        "wm": rng.normal(0, 0.02, (pixels, latent)), "bm": np.zeros(latent),
        "ws": rng.normal(0, 0.02, (pixels, latent)), "bs": np.zeros(latent),
        "wd": rng.normal(0, 0.2, (latent, pixels)), "bd": np.zeros(pixels),
    }  # fmt: skip


def noise(rng, n, latent=8):
    return rng.normal(size=(n, latent))


def forward(w, x, noise):
    mean, log_var = x @ w["wm"] + w["bm"], x @ w["ws"] + w["bs"]
    z = mean + np.exp(log_var / 2) * noise
    return mean, log_var, z, z @ w["wd"] + w["bd"]


def loss(w, x, noise):
    """The negative ELBO in nats per image: sums over pixels and latents, mean over the batch."""
    mean, log_var, _, logits = forward(w, x, noise)
    reconstruction = np.sum(np.logaddexp(0, logits) - x * logits, axis=1)
    kl = np.sum(mean**2 + np.exp(log_var) - 1 - log_var, axis=1) / 2
    return np.mean(reconstruction + kl)


def gradients(w, x, noise):
    mean, log_var, z, logits = forward(w, x, noise)
    by_logits = (sigmoid(logits) - x) / len(x)
    by_z = by_logits @ w["wd"].T
    by_mean = by_z + mean / len(x)
    by_log_var = by_z * noise * np.exp(log_var / 2) / 2 + (np.exp(log_var) - 1) / 2 / len(x)
    return {
        "wm": x.T @ by_mean, "bm": by_mean.sum(axis=0),
        "ws": x.T @ by_log_var, "bs": by_log_var.sum(axis=0),
        "wd": z.T @ by_logits, "bd": by_logits.sum(axis=0),
    }  # fmt: skip


def step(w, x, noise, rate=0.01):
    g = gradients(w, x, noise)
    return {name: w[name] - rate * np.clip(g[name], -1, 1) for name in w}
