"""Detective exercises: a program with one wrong line, its loss curve, and its gradients' report.

The programs are those of `tour/programs`, whose gradients are written by hand. A case replaces one
line by a wrong one. `solved` compares what a reader has made of it with the right program.
"""

from collections.abc import Mapping
from importlib import resources
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from numpy_nets.autodiff.tensor import Array
from numpy_nets.datasets import digits

STEPS = 200
FUNCTIONS = ("loss", "g_loss", "gradients", "step")  # what has to be right


class Case(NamedTuple):
    """A wrong line.

    Attributes:
        program: the name of a file in `programs`.
        right, wrong: the line, which occurs once.
        hints: from a nudge to nearly the answer.
    """

    program: str
    right: str
    wrong: str
    hints: tuple[str, ...]


CASES = {
    "detective_1": Case(
        "autoencoder",
        "by_before = by_code * (before > 0)",
        "by_before = by_code",
        ("Two of the four gradients are wrong, and those behind them are right.",
         "What lies between the code and what came before it?"),
    ),
    "detective_2": Case(
        "autoencoder",
        "by_logits = (sigmoid(logits) - x) / x.size",
        "by_logits = (sigmoid(logits) - x) / len(x)",
        ("Every gradient is wrong by the same factor. Which number is it?",
         "The loss is a mean. Over what?"),
    ),
    "detective_3": Case(
        "vae",
        "by_log_var = by_z * noise * np.exp(log_var / 2) / 2 + (np.exp(log_var) - 1) / 2 / len(x)",
        "by_log_var = by_z * noise * np.exp(log_var / 2) + (np.exp(log_var) - 1) / 2 / len(x)",
        ("It trains, only worse. Which of the two outputs of the encoder has a wrong gradient?",
         "The derivative of e^(s / 2) is not e^(s / 2)."),
    ),
    "detective_4": Case(
        "vae",
        "kl = np.sum(mean**2 + np.exp(log_var) - 1 - log_var, axis=1) / 2",
        "kl = np.sum(mean**2 + np.exp(log_var) + 1 - log_var, axis=1) / 2",
        ("All gradients agree with finite differences: the fault is in what is computed.",
         "A KL divergence of equal distributions is 0. What is it here, at mean 0, log_var 0?"),
    ),
    "detective_5": Case(
        "gan",
        'by_image = (sigmoid(fake_logits) - 1) / len(x) @ w["v"].T',
        'by_image = sigmoid(fake_logits) / len(x) @ w["v"].T',
        ("D's gradients are right. Whom does G help?",
         "The derivative of -log σ(a) is σ(a) - 1."),
    ),
    "detective_6": Case(
        "gan",
        'w = w | {name: w[name] - rate * g[name] for name in ("v", "c")}',
        'w = w | {name: w[name] - rate * g[name] for name in ("u", "a")}',
        ("Loss and gradients are right. Does D ever learn?",
         "Which weights does each of the two updates of `step` change?"),
    ),
    "detective_7": Case(
        "vae",
        "z = mean + np.exp(log_var / 2) * noise",
        "z = mean + np.exp(log_var) * noise",
        ("The gradients of the encoder's log-variance disagree with finite differences, but their "
         "line is right.",
         "log_var is log σ². What is σ?"),
    ),
}  # fmt: skip

def source(program: str) -> str:
    """The text of a program."""
    return resources.files("numpy_nets.tour.programs").joinpath(f"{program}.py").read_text("utf-8")


def page(name: str) -> str:
    """The file of a case, with the wrong line in it."""
    case = CASES[name]
    text = source(case.program)
    head, rest = text.split('"""', 2)[1:]
    number = list(CASES).index(name) + 1
    return (
        f'"""Detective case {number} of {len(CASES)}: one line of this program is wrong. Find it.'
        f"\n\n{head.strip()}\n\nMend it, and try: numpy-nets check {name}.py\n\"\"\""
        f"{rest.replace(case.right, case.wrong)}"
    )


def run(text: str, name: str) -> ModuleType:
    """The module that a text makes."""
    module = ModuleType(name)
    exec(compile(text, f"{name}.py", "exec"), vars(module))
    return module


def curve(module: Any, every: int = 50) -> list[float]:
    """The loss on 1,000 digits, every so many steps of training."""
    (images, _), _ = digits.load_data()
    x = images.reshape(-1, 784) / 255
    rng = np.random.default_rng(0)
    w, losses = module.weights(rng), []
    for i in range(STEPS + 1):
        if i % every == 0:
            fixed = np.random.default_rng(1)
            losses.append(float(module.loss(w, x[:1000], module.noise(fixed, 1000))))
        batch = x[rng.integers(len(x), size=100)]
        w = module.step(w, batch, module.noise(rng, 100))
    return losses


def report(module: Any) -> dict[str, float]:
    """For each weight, how far its gradient is from central differences, relative to the largest.

    G's weights, in a program with a loss of G's own, are compared with that.
    """
    w, x, noise = _small(module)
    gradients = module.gradients(w, x, noise)
    errors = {}
    for name, weight in w.items():
        of_g = hasattr(module, "g_loss") and name in ("u", "a")
        loss = module.g_loss if of_g else module.loss
        differences = np.empty_like(weight)
        for index in np.ndindex(weight.shape):
            ends = []
            for by in (1e-6, -1e-6):
                moved = weight.copy()
                moved[index] += by
                ends.append(loss(w | {name: moved}, x, noise))
            differences[index] = (ends[0] - ends[1]) / 2e-6
        scale = np.max(np.abs(differences)) or 1.0
        errors[name] = float(np.max(np.abs(gradients[name] - differences)) / scale)
    return errors


def solved(module: Any, name: str) -> str | None:
    """None if everything is as in the right program; else the first function that differs."""
    right = run(source(CASES[name].program), CASES[name].program)
    w, x, noise = _small(right)
    for function in FUNCTIONS:
        if not hasattr(right, function):
            continue
        expected = getattr(right, function)(w, x, noise)
        try:
            value = getattr(module, function)(w, x, noise)
        except Exception as error:  # whatever the reader's file raises
            return f"`{function}` raises {type(error).__name__}: {error}"
        if not _same(value, expected):
            return f"`{function}` is not right yet"
    return None


def _small(module: Any) -> tuple[dict[str, Array], Array, Any]:
    """Weights, images and noise so small that every entry can be tried."""
    rng = np.random.default_rng(0)
    w = {name: rng.normal(0, 0.5, v.shape) for name, v in module.weights(rng, 6, 3).items()}
    noise = module.noise(rng, 5) if module.noise(rng, 5) is None else module.noise(rng, 5, 3)
    return w, rng.uniform(size=(5, 6)), noise


def _same(a: Any, b: Any) -> bool:
    if isinstance(b, Mapping):
        return isinstance(a, Mapping) and all(name in a and _same(a[name], b[name]) for name in b)
    return np.shape(a) == np.shape(b) and bool(np.allclose(a, b, rtol=1e-9, atol=1e-12))
