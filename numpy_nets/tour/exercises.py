"""Exercises: a formula is given, its vector-Jacobian products are asked for.

`page(exercise)` is the file that a reader fills in, and `diagnosis.check` says what is wrong with
it. The solutions are the table of derivatives, `autodiff/ops.py`, and what the models make of it.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from numpy_nets import losses
from numpy_nets.autodiff import ops
from numpy_nets.autodiff.tensor import Array
from numpy_nets.models import vae


class Exercise(NamedTuple):
    """An operation whose derivatives are asked for.

    Attributes:
        formula: Y in terms of the inputs, as it stands in the file.
        inputs: the name of each array, and its shape: the names of its sizes, such as ("n", "d").
        forward: the lines of Python that compute y.
        solution: the same operation in this library, on Tensors.
        hints: one after the other, from a nudge to nearly the answer.
        asked: how many of the inputs have a VJP; the last ones may be data.
        between_0_and_1: the inputs that are probabilities.
        mistakes: {sentence: (input, the wrong VJP (g, *inputs, y) -> array that it describes)}.
    """

    formula: str
    inputs: dict[str, tuple[str, ...]]
    forward: str
    solution: Callable[..., Any]
    hints: tuple[str, ...]
    asked: int = 1
    between_0_and_1: tuple[str, ...] = ()
    mistakes: Mapping[str, tuple[str, Callable[..., Array]]] = {}


EXERCISES = {
    "square": Exercise(
        "Y = X²",
        {"x": ("n", "d")},
        "y = x**2",
        ops.square,
        ("Each entry of Y depends on one entry of X: ∂L/∂X_ij = G_ij · dY_ij/dX_ij.",
         "The derivative of x² is 2x."),
    ),
    "multiply": Exercise(
        "Y = A B, entry by entry",
        {"a": ("n", "d"), "b": ("n", "d")},
        "y = a * b",
        ops.multiply,
        ("Keep B fixed and ask how Y changes with A; then the other way round.",),
        asked=2,
    ),
    "matmul": Exercise(
        "Y = A B, the product of matrices",
        {"a": ("n", "k"), "b": ("k", "m")},
        "y = a @ b",
        ops.matmul,
        ("Write it with indices: Y_ij = Σ_l A_il B_lj. In which Y_ij does A_il occur?",
         "∂L/∂A_il = Σ_j G_ij B_lj. Which product of matrices is that?",
         "The shapes leave one way: G is (n, m), B is (k, m), and ∂L/∂A has to be (n, k)."),
        asked=2,
    ),
    "add_bias": Exercise(
        "Y = X + B, with B added to every row",
        {"x": ("n", "d"), "b": ("d",)},
        "y = x + b",
        ops.add,
        ("How many entries of Y does one entry of B occur in?",
         "An array that is used n times gets the sum of n gradients."),
        asked=2,
    ),
    "relu": Exercise(
        "Y = max(X, 0)",
        {"x": ("n", "d")},
        "y = np.maximum(x, 0)",
        ops.relu,
        ("The slope of max(x, 0) has two values. Which, and where?",),
    ),
    "sigmoid": Exercise(
        "Y = σ(X) = 1 / (1 + e^-X)",
        {"x": ("n", "d")},
        "y = 1 / (1 + np.exp(-x))",
        ops.sigmoid,
        ("Differentiate 1 / u with u = 1 + e^-x.",
         "e^-x / (1 + e^-x)² is a product of y and 1 - y: no exponential is left."),
        mistakes={
            "it has X where Y belongs: σ' is Y (1 - Y), and y has been computed":
                ("x", lambda g, x, y: g * x * (1 - x)),
        },
    ),
    "tanh": Exercise(
        "Y = tanh X",
        {"x": ("n", "d")},
        "y = np.tanh(x)",
        ops.tanh,
        ("tanh = sinh / cosh, and cosh² - sinh² = 1.", "In terms of y it is one minus a square."),
        mistakes={
            "it has X where Y belongs: tanh' is 1 - Y²": ("x", lambda g, x, y: g * (1 - x * x)),
            "Y has to be squared: tanh' is 1 - Y²": ("x", lambda g, x, y: g * (1 - y)),
        },
    ),
    "mean": Exercise(
        "Y = Σ X / N, one number, over all N entries of X",
        {"x": ("n", "d")},
        "y = np.mean(x)",
        ops.mean,
        ("G is one number. Each of the N entries has the same share in Y.",
         "The result has the shape of X: np.full(x.shape, ...)."),
    ),
    "crossentropy": Exercise(
        "Y = -(T log P + (1 - T) log(1 - P)), entry by entry, with targets T",
        {"p": ("n", "d"), "t": ("n", "d")},
        "y = -(t * np.log(p) + (1 - t) * np.log(1 - p))",
        lambda p, t: -(t * ops.log(p) + (1 - t) * ops.log(1 - p)),
        ("Differentiate both logarithms. Mind the inner derivative of 1 - P.",
         "Over a common denominator it is (P - T) / (P (1 - P))."),
        between_0_and_1=("p", "t"),
        mistakes={
            "the second logarithm is of 1 - P, whose derivative is -1":
                ("p", lambda g, p, t, y: -g * (t / p + (1 - t) / (1 - p))),
        },
    ),
    "crossentropy_from_logits": Exercise(
        "Y = mean of -(T log σ(A) + (1 - T) log(1 - σ(A))) = mean of log(1 + e^A) - T A",
        {"a": ("n", "d"), "t": ("n", "d")},
        "y = np.mean(np.log1p(np.exp(a)) - t * a)",
        lambda a, t: ops.mean(losses.binary_crossentropy(t, a, from_logits=True)),
        ("What is the derivative of log(1 + e^a)? You have met it before.",
         "σ(A) - T: how wrong the prediction is. Then the mean."),
        between_0_and_1=("t",),
    ),
    "reparameterize": Exercise(
        "Y = M + e^(S / 2) E, with the mean M, the log-variance S and the noise E",
        {"m": ("n", "d"), "s": ("n", "d"), "e": ("n", "d")},
        "y = m + np.exp(s / 2) * e",
        vae.reparameterize,
        ("E is drawn beforehand, so it is a constant: the randomness is an input.",
         "The derivative of e^(s / 2) has an inner derivative."),
        asked=2,
        mistakes={
            "the inner derivative of e^(S / 2), ½, is missing":
                ("s", lambda g, m, s, e, y: g * np.exp(s / 2) * e),
            "the derivative of e^(S / 2) E keeps the factor E":
                ("s", lambda g, m, s, e, y: g * np.exp(s / 2) / 2),
        },
    ),
    "gaussian_kl": Exercise(
        "Y = ½ Σ (M² + e^S - 1 - S), summed over each row: KL(N(M, e^S) ‖ N(0, 1))",
        {"m": ("n", "d"), "s": ("n", "d")},
        "y = 0.5 * np.sum(m**2 + np.exp(s) - 1 - s, axis=1)",
        vae.gaussian_kl,
        ("Y is (n,) and so is G, but M is (n, d): every entry of a row gets the row's G.",
         "g[:, None] is a column, which NumPy repeats along a row."),
        asked=2,
        mistakes={
            "-S has a derivative, too": ("s", lambda g, m, s, y: g[:, None] * np.exp(s) / 2),
        },
    ),
    "logsumexp": Exercise(
        "Y = log Σ e^X, summed over each row",
        {"x": ("n", "d")},
        "y = np.log(np.sum(np.exp(x), axis=1))",
        lambda x: ops.logsumexp(x, axis=1),
        ("The derivative of log u is 1 / u, and one e^x_j is in the sum for each x_j.",
         "e^x_j / Σ e^x = e^(x_j - y): it has a name."),
    ),
    "softmax": Exercise(
        "Y = e^X / Σ e^X, with the sum over each row",
        {"x": ("n", "d")},
        "y = np.exp(x) / np.sum(np.exp(x), axis=1, keepdims=True)",
        ops.softmax,
        ("Every entry of a row of Y depends on every entry of that row of X.",
         "∂Y_i/∂X_j = Y_i (1 - Y_j) if i = j, and -Y_i Y_j if not.",
         "Σ_i G_i ∂Y_i/∂X_j = Y_j (G_j - Σ_i G_i Y_i)."),
        mistakes={
            "it is only the diagonal of the Jacobian: a larger X_j also makes the other Y smaller":
                ("x", lambda g, x, y: g * y * (1 - y)),
        },
    ),
    "standardize": Exercise(
        "Y = (X - M) / √V, with the mean M and the variance V of each column",
        {"x": ("n", "d")},
        "y = (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0))",
        lambda x: (x - ops.mean(x, axis=0)) / ops.sqrt(
            ops.mean(ops.square(x - ops.mean(x, axis=0)), axis=0)
        ),
        ("X occurs three times: in X, in M and in V. Add up three gradients.",
         "∂V/∂X_i = 2 (X_i - M) / n, since the mean of X - M is 0.",
         "The result is (G - mean of G - Y · mean of G Y) / √V: batch normalization's."),
        mistakes={
            "M and V depend on X, too": ("x", lambda g, x, y: g / np.sqrt(x.var(axis=0))),
            "V depends on X, too":
                ("x", lambda g, x, y: (g - g.mean(axis=0)) / np.sqrt(x.var(axis=0))),
        },
    ),
}  # fmt: skip


def page(name: str) -> str:
    """The file in which the VJPs of an exercise are left blank."""
    exercise = EXERCISES[name]
    number = list(EXERCISES).index(name) + 1
    shapes = ", ".join(
        f"{key.upper()} ({', '.join(shape)}{',' * (len(shape) == 1)})"
        for key, shape in exercise.inputs.items()
    )
    blanks = "\n".join(
        f"        lambda g: ...,  # ∂L/∂{key.upper()}, in the shape of {key.upper()}"
        for key in list(exercise.inputs)[: exercise.asked]
    )
    return f'''"""Exercise {number} of {len(EXERCISES)}: {name}.

    {exercise.formula}

{shapes}. Later operations turn Y into one number L. g is G = ∂L/∂Y, in the
shape of Y. Replace each `...` by a derivative of L in terms of g, the inputs and y, so that the
line reads, say, `lambda g: 3 * g,`, and try it:

    numpy-nets check {name}.py

Stuck?  numpy-nets exercise {name} --hint 1
"""

import numpy as np

from numpy_nets.autodiff import op


@op
def {name}({", ".join(exercise.inputs)}):
    {exercise.forward}
    return y, (
{blanks}
    )
'''


def draw(exercise: Exercise, rng: np.random.Generator) -> list[Array]:
    """Inputs of an exercise, float64, of sizes that differ from one another."""
    sizes = dict(zip("ndkm", rng.permutation(np.arange(2, 7)), strict=False))
    return [
        rng.uniform(0.1, 0.9, [sizes[size] for size in shape])
        if key in exercise.between_0_and_1
        else rng.normal(size=[sizes[size] for size in shape])
        for key, shape in exercise.inputs.items()
    ]
