"""PyTorch: eager with fused optimizers, and the losses through torch.compile."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch.nn import functional

from benchmarks.work import (
    ADAM,
    CHAIN_LENGTH,
    CHAIN_SIZE,
    GAN_ADAM,
    KEEP,
    PAPER_SGD,
    PIECES,
    Work,
)

MODELS = ("autoencoder", "vae", "gan", "paper_gan")
VARIANTS = {"eager": (*MODELS, "adam", "bce", "chain"), "compile": (*MODELS, "bce")}
MAY_FAIL = ("compile",)  # needs a C++ compiler
crossentropy = functional.binary_cross_entropy_with_logits


def describe() -> str:
    return f"PyTorch {torch.__version__}, {torch.get_num_threads()} threads"


def compiled(function: Any, variant: str) -> Any:
    return torch.compile(function) if variant == "compile" else function


def parameters(arrays: list[Any]) -> list[Any]:
    return [torch.tensor(a, requires_grad=True) for a in arrays]


def make_adam(weights: list[Any], settings: dict[str, float] = ADAM) -> Any:
    betas = settings["beta_1"], settings["beta_2"]
    rate, epsilon = settings["learning_rate"], settings["epsilon"]
    return torch.optim.Adam(weights, lr=rate, betas=betas, eps=epsilon, fused=True)


def make_sgd(weights: list[Any]) -> Any:
    rate, momentum = PAPER_SGD["learning_rate"], PAPER_SGD["momentum"]
    return torch.optim.SGD(weights, lr=rate, momentum=momentum, fused=True)


def update(loss: Any, weights: list[Any], optimizer: Any) -> Any:
    """One step; gradients of these weights only."""
    for w, g in zip(weights, torch.autograd.grad(loss, weights), strict=True):
        w.grad = g
    optimizer.step()
    return loss.detach()


def rounds(work: Work, step: Callable[..., Any], *arrays: Any) -> Callable[[], float]:
    tensors = [torch.from_numpy(a) for a in arrays]

    def one_round() -> float:
        losses = [step(*(t[where] for t in tensors)) for where in work.batches()]
        return float(torch.stack(losses).mean())

    return one_round


def autoencoder(work: Work, variant: str) -> Callable[[], float]:
    w = parameters(work.weights())
    optimizer = make_adam(w)

    def loss(x: Any) -> Any:
        hidden = torch.relu(torch.addmm(w[1], x, w[0]))
        return crossentropy(torch.addmm(w[3], hidden, w[2]), x)

    loss = compiled(loss, variant)
    return rounds(work, lambda x: update(loss(x), w, optimizer), work.images())


def vae(work: Work, variant: str) -> Callable[[], float]:
    w = parameters(work.weights())
    optimizer = make_adam(w)

    def loss(x: Any, epsilon: Any) -> Any:
        hidden = torch.relu(torch.addmm(w[1], x, w[0]))
        mean, log_var = torch.addmm(w[3], hidden, w[2]), torch.addmm(w[5], hidden, w[4])
        z = mean + torch.exp(0.5 * log_var) * epsilon
        logits = torch.addmm(w[9], torch.relu(torch.addmm(w[7], z, w[6])), w[8])
        kl = 0.5 * torch.sum(mean * mean + log_var.exp() - 1 - log_var) / len(x)
        return crossentropy(logits, x, reduction="sum") / len(x) + kl

    loss = compiled(loss, variant)

    def step(x: Any, epsilon: Any) -> Any:
        return update(loss(x, epsilon), w, optimizer)

    return rounds(work, step, work.images(), work.noise())


def gan(work: Work, variant: str) -> Callable[[], float]:
    g, d = map(parameters, work.networks())
    g_optimizer, d_optimizer = make_adam(g, GAN_ADAM), make_adam(d, GAN_ADAM)

    def generator(z: Any) -> Any:
        hidden = functional.leaky_relu(torch.addmm(g[1], z, g[0]), 0.01)
        return torch.tanh(torch.addmm(g[3], hidden, g[2]))

    def judge(x: Any, labels: Any) -> Any:
        hidden = functional.leaky_relu(torch.addmm(d[1], x, d[0]), 0.01)
        return crossentropy(torch.addmm(d[3], hidden, d[2]), labels)

    def fool(z: Any) -> Any:
        return judge(generator(z), ones)

    ones, zeros = torch.ones(work.batch, 1), torch.zeros(work.batch, 1)
    draw, judged, fooled = (compiled(f, variant) for f in (generator, judge, fool))

    def step(real: Any, z: Any) -> Any:
        with torch.no_grad():
            fake = draw(z[:, 0])
        d_loss = update(judged(real, ones), d, d_optimizer)
        d_loss = d_loss + update(judged(fake, zeros), d, d_optimizer)
        return d_loss + update(fooled(z[:, 1]), g, g_optimizer)

    return rounds(work, step, work.images(), work.noise())


def paper_gan(work: Work, variant: str) -> Callable[[], float]:
    g, d = map(parameters, work.networks())
    g_optimizer, d_optimizer = make_sgd(g), make_sgd(d)

    def generator(z: Any) -> Any:
        hidden = torch.relu(torch.addmm(g[1], z, g[0]))
        hidden = torch.relu(torch.addmm(g[3], hidden, g[2]))
        return torch.sigmoid(torch.addmm(g[5], hidden, g[4]))

    def discriminator(x: Any) -> Any:
        for i, keep in enumerate(KEEP):
            x = torch.addmm(d[2 * i + 1], functional.dropout(x, 1 - keep), d[2 * i])
            if i < 2:
                x = torch.amax(x.view(len(x), PIECES, -1), 1)
        return x

    def judge(real: Any, fake: Any) -> Any:
        on_data = crossentropy(discriminator(real), ones)
        return on_data + crossentropy(discriminator(fake), zeros)

    def fool(z: Any) -> Any:
        return crossentropy(discriminator(generator(z)), ones)

    ones, zeros = torch.ones(work.batch, 1), torch.zeros(work.batch, 1)
    draw, judged, fooled = (compiled(f, variant) for f in (generator, judge, fool))

    def step(real: Any, z: Any) -> Any:
        with torch.no_grad():
            fake = draw(z[:, 0])
        loss = update(judged(real, fake), d, d_optimizer)
        loss = loss + update(fooled(z[:, 1]), g, g_optimizer)
        for optimizer in (d_optimizer, g_optimizer):
            optimizer.param_groups[0]["lr"] *= PAPER_SGD["decay"]
        return loss

    return rounds(work, step, work.images(), work.noise())


def adam(work: Work, variant: str) -> Callable[[], float]:
    w = parameters(work.weights())
    for variable, gradient in zip(w, work.gradients(), strict=True):
        variable.grad = torch.from_numpy(gradient)
    optimizer = make_adam(w)

    def one_round() -> float:
        for _ in range(work.steps):
            optimizer.step()
        return math.fsum(float(v.detach().abs().mean()) for v in w) / len(w)

    return one_round


def bce(work: Work, variant: str) -> Callable[[], float]:
    x = torch.from_numpy(work.images()[: work.batch])
    logits = torch.tensor(work.logits(), requires_grad=True)
    forward = compiled(crossentropy, variant)

    def one_round() -> float:
        for _ in range(work.steps):
            loss = forward(logits, x)
            (gradient,) = torch.autograd.grad(loss, logits)
        return float(loss.detach() + gradient.abs().sum())

    return one_round


def chain(work: Work, variant: str) -> Callable[[], float]:
    x = torch.ones(CHAIN_SIZE, requires_grad=True)

    def one_round() -> float:
        for _ in range(work.steps):
            y = x
            for _ in range(CHAIN_LENGTH // 2):
                y = y * 0.999 + 0.001
            (gradient,) = torch.autograd.grad(y.sum(), x)
        return float(y.detach().sum() + gradient.sum())

    return one_round
