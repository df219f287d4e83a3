"""Losses, optimizers and steps as pure functions over NumPy's names: for JAX and HIPS autograd.

Weights are lists [W, b, W, b, …]. A state holds all that a step changes; a step takes it and a
batch, and returns the next one and the loss, as `jax.lax.scan` wants it.
"""

from collections.abc import Callable
from typing import Any

from benchmarks.work import ADAM, GAN_ADAM, KEEP, PAPER_SGD, PIECES, Work

State = Any


class Functional:
    """The steps, for one library.

    Args:
        np: jax.numpy or autograd.numpy.
        value_and_grad: the library's own, with respect to the first argument.
        uniform: (key, number, shape) -> numbers in [0, 1), where key comes with a batch.
    """

    def __init__(self, np: Any, value_and_grad: Any, uniform: Callable[..., Any]) -> None:
        self.np, self.value_and_grad, self.uniform = np, value_and_grad, uniform

    def start(self, work: Work) -> State:
        if work.name in ("gan", "paper_gan"):
            generator, discriminator = work.networks()
            adam = work.name == "gan"
            return [optimizer_state(w, 1 + adam) for w in (generator, discriminator)]
        return optimizer_state(work.weights(), 2)

    def step(self, work: Work) -> Callable[[State, Any], tuple[State, Any]]:
        return getattr(self, work.name)

    # Models

    def autoencoder(self, state: State, data: Any) -> tuple[State, Any]:
        (x,) = data
        loss, gradients = self.value_and_grad(self.autoencoder_loss)(state["weights"], x)
        return self.adam_step(state, gradients, **ADAM), loss

    def vae(self, state: State, data: Any) -> tuple[State, Any]:
        loss, gradients = self.value_and_grad(self.vae_loss)(state["weights"], *data)
        return self.adam_step(state, gradients, **ADAM), loss

    def gan(self, state: State, data: Any) -> tuple[State, Any]:
        (g, d), (real, z) = state, data
        fake, d_loss = self.generator(g["weights"], z[:, 0]), 0.0
        for x, label in ((real, 1.0), (fake, 0.0)):
            loss, gradients = self.value_and_grad(self.judge)(d["weights"], x, label)
            d, d_loss = self.adam_step(d, gradients, **GAN_ADAM), d_loss + loss
        g_loss, gradients = self.value_and_grad(self.fool)(g["weights"], d["weights"], z[:, 1])
        return [self.adam_step(g, gradients, **GAN_ADAM), d], d_loss + g_loss

    def paper_gan(self, state: State, data: Any) -> tuple[State, Any]:
        (g, d), (real, z, key) = state, data
        fake = self.paper_generator(g["weights"], z[:, 0])
        d_loss, gradients = self.value_and_grad(self.paper_judge)(d["weights"], real, fake, key)
        d = self.sgd_step(d, gradients, **PAPER_SGD)
        fool = self.value_and_grad(self.paper_fool)
        g_loss, gradients = fool(g["weights"], d["weights"], z[:, 1], key)
        return [self.sgd_step(g, gradients, **PAPER_SGD), d], d_loss + g_loss

    # Their losses

    def crossentropy(self, labels: Any, logits: Any) -> Any:
        """Mean of -(y log σ(z) + (1-y) log(1-σ(z))), from logits."""
        np = self.np
        log = np.log1p(np.exp(-np.abs(logits)))
        return np.mean(np.maximum(logits, 0) - logits * labels + log)

    def autoencoder_loss(self, w: Any, x: Any) -> Any:
        hidden = self.np.maximum(x @ w[0] + w[1], 0)
        return self.crossentropy(x, hidden @ w[2] + w[3])

    def vae_loss(self, w: Any, x: Any, epsilon: Any) -> Any:
        np = self.np
        hidden = np.maximum(x @ w[0] + w[1], 0)
        mean, log_var = hidden @ w[2] + w[3], hidden @ w[4] + w[5]
        z = mean + np.exp(0.5 * log_var) * epsilon
        logits = np.maximum(z @ w[6] + w[7], 0) @ w[8] + w[9]
        kl = 0.5 * np.sum(mean * mean + np.exp(log_var) - 1 - log_var) / len(x)
        return x.shape[1] * self.crossentropy(x, logits) + kl

    def leaky(self, x: Any) -> Any:
        return self.np.maximum(x, 0.01 * x)

    def generator(self, w: Any, z: Any) -> Any:
        return self.np.tanh(self.leaky(z @ w[0] + w[1]) @ w[2] + w[3])

    def discriminator(self, w: Any, x: Any) -> Any:
        return self.leaky(x @ w[0] + w[1]) @ w[2] + w[3]

    def judge(self, d: Any, x: Any, label: float) -> Any:
        return self.crossentropy(label, self.discriminator(d, x))

    def fool(self, g: Any, d: Any, z: Any) -> Any:
        return self.crossentropy(1.0, self.discriminator(d, self.generator(g, z)))

    def paper_generator(self, w: Any, z: Any) -> Any:
        np = self.np
        hidden = np.maximum(z @ w[0] + w[1], 0)
        hidden = np.maximum(hidden @ w[2] + w[3], 0)
        return 0.5 * (np.tanh(0.5 * (hidden @ w[4] + w[5])) + 1)  # a sigmoid that cannot overflow

    def paper_discriminator(self, w: Any, x: Any, key: Any, number: int) -> Any:
        for i, keep in enumerate(KEEP):
            kept = self.uniform(key, 3 * number + i, x.shape) < keep
            x = x * kept * (1 / keep)
            x = x @ w[2 * i] + w[2 * i + 1]
            if i < 2:
                x = self.np.max(self.np.reshape(x, (len(x), PIECES, -1)), axis=1)
        return x

    def paper_judge(self, d: Any, real: Any, fake: Any, key: Any) -> Any:
        on_data = self.crossentropy(1.0, self.paper_discriminator(d, real, key, 0))
        return on_data + self.crossentropy(0.0, self.paper_discriminator(d, fake, key, 1))

    def paper_fool(self, g: Any, d: Any, z: Any, key: Any) -> Any:
        x = self.paper_generator(g, z)
        return self.crossentropy(1.0, self.paper_discriminator(d, x, key, 2))

    # Optimizers

    def adam_step(
        self, state: State, gradients: Any, learning_rate: float, beta_1: float, beta_2: float,
        epsilon: float,
    ) -> State:  # fmt: skip
        t = state["t"] + 1.0
        rate = learning_rate * (1 - beta_2**t) ** 0.5 / (1 - beta_1**t)
        m, v = state["slots"]
        m = [m + (1 - beta_1) * (g - m) for m, g in zip(m, gradients, strict=True)]
        v = [v + (1 - beta_2) * (g * g - v) for v, g in zip(v, gradients, strict=True)]
        weights = [
            w - rate * m / (self.np.sqrt(v) + epsilon)
            for w, m, v in zip(state["weights"], m, v, strict=True)
        ]
        return {"weights": weights, "slots": [m, v], "t": t}

    def sgd_step(
        self, state: State, gradients: Any, learning_rate: float, decay: float, momentum: float
    ) -> State:
        rate = learning_rate * decay ** state["t"]
        (v,) = state["slots"]
        v = [momentum * v - rate * g for v, g in zip(v, gradients, strict=True)]
        weights = [w + v for w, v in zip(state["weights"], v, strict=True)]
        return {"weights": weights, "slots": [v], "t": state["t"] + 1.0}


def optimizer_state(weights: list[Any], slots: int) -> State:
    return {"weights": weights, "slots": [[0 * w for w in weights] for _ in range(slots)], "t": 0.0}


def arrays(work: Work) -> tuple[Any, ...]:
    """The data of a round, of which a step takes one batch."""
    noise = () if work.name == "autoencoder" else (work.noise(),)
    return (work.images(), *noise)
