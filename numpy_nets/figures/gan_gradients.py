"""How much does G learn from a D that wins? The saturating objective beside the usual one."""

import os
from typing import Any

import numpy as np

from numpy_nets import activations, random
from numpy_nets.autodiff import GradientTape
from numpy_nets.autodiff.tensor import Array, Tensor
from numpy_nets.models.gan import (
    GAN,
    MINIMAX,
    NON_SATURATING,
    Objective,
    build_discriminator,
    build_generator,
)
from numpy_nets.optimizers import Adam

OBJECTIVES = {"log(1 - D), saturating": MINIMAX, "-log D, non-saturating": NON_SATURATING}


def measured_slopes(objective: Objective, logits: Array) -> Array:
    """∂/∂a of G's loss on one image to which D gives the logit a, by the tape: (n,) -> (n,)."""
    a = Tensor(logits[:, None])
    with GradientTape() as tape:
        tape.watch(a)
        loss = len(logits) * objective.generator(activations.sigmoid(a))  # its mean is over n
    gradient: Any = tape.gradient(loss, a)
    slopes: Array = gradient.array[:, 0]
    return slopes


def exact_slopes(logits: Array) -> tuple[Array, Array]:
    """The same in closed form, in the order of OBJECTIVES: -σ(a) and -(1 - σ(a)) = -σ(-a).

    Both are negative, because G is to raise a, and their ratio is e^a. The chain rule multiplies
    both by the same ∂a/∂θ, so on one image the gradients for G's weights have that ratio, too.

    >>> import numpy as np
    >>> saturating, usual = exact_slopes(np.array([0.0, np.log(3)]))
    >>> saturating.round(3).tolist(), usual.round(3).tolist()
    ([-0.5, -0.75], [-0.5, -0.25])
    """
    return -1 / (1 + np.exp(-logits)), -1 / (1 + np.exp(logits))


def gradient_norms(steps: int = 100) -> tuple[Array, Array]:
    """|∂ loss/∂θ| over all of G's weights θ, before each step of a D that learns while G rests.

    The data are N((2, 2), 0.1² I) in the plane, which G's tanh cannot reach: D wins. Returns the
    norms (steps, 2), in the order of OBJECTIVES, and the mean of D(G(z)) (steps,). The shared
    stream of random numbers is left as it was.
    """
    before = random.get_state()
    random.set_random_seed(0)
    try:
        rng = np.random.default_rng(0)
        generator, discriminator = build_generator(2, 2, 16), build_discriminator(2, 16)
        games = [GAN(generator, discriminator, objective) for objective in OBJECTIVES.values()]
        games[0].compile(d_optimizer=Adam(0.05))
        norms, outputs = np.empty((steps, 2)), np.empty(steps)
        for step in range(steps):
            z = rng.standard_normal((128, 2)).astype(np.float32)
            for i, gan in enumerate(games):
                with GradientTape() as tape:
                    (loss,) = gan.g_terms(z)
                gradients: Any = tape.gradient(loss, generator.trainable_variables)
                norms[step, i] = np.sqrt(sum(np.sum(g.array**2) for g in gradients))
            outputs[step] = games[0](z).array.mean()
            real = (2 + 0.1 * rng.standard_normal((128, 2))).astype(np.float32)
            games[0].learn_discriminator(Tensor(real), Tensor(z))
    finally:
        random.set_state(before)
    return norms, outputs


def gan_gradients_figure() -> Any:
    """The Matplotlib figure that `save_gan_gradients` writes."""
    from matplotlib.figure import Figure

    dense, few = np.linspace(-12, 6, 200), np.linspace(-12, 6, 19)
    norms, outputs = gradient_norms()
    figure = Figure(figsize=(9, 4), dpi=90, layout="constrained")
    left, right = figure.subplots(1, 2)
    for i, (name, objective) in enumerate(OBJECTIVES.items()):
        left.semilogy(dense, -exact_slopes(dense)[i], f"C{i}-")
        left.semilogy(few, -measured_slopes(objective, few), f"C{i}o")
        right.semilogy(norms[:, i], f"C{i}-", label=f"G's loss is {name}")
    right.semilogy(outputs, "k:", label="mean of D(G(z))")
    left.set_title("one image (dots are measured, lines exact)", fontsize="medium")
    left.set_xticks(range(-12, 7, 3))
    left.set_xlabel("D's logit a; further left, D is surer of a fake")
    left.set_ylabel("-∂ G's loss / ∂a")
    right.set_title("a network, while D learns and G rests", fontsize="medium")
    right.set_xlabel("steps of D")
    right.set_ylabel("|∂ G's loss / ∂ weights of G|")
    for axes in (left, right):
        axes.grid(alpha=0.3)
    figure.legend(loc="outside lower center", ncols=3, frameon=False)
    return figure


def save_gan_gradients(path: str | os.PathLike[str]) -> None:
    """Draw slopes against D's logit (dots measured, lines exact), and norms while D learns alone.

    Raises:
        OSError: the file cannot be written.
    """
    figure = gan_gradients_figure()
    figure.savefig(path, dpi=figure.dpi)
