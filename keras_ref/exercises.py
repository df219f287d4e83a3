"""`python -m keras_ref.exercises FILE`: the derivatives in a reader's file beside those of Keras.

`numpy-nets check` starts this when finite differences have found nothing wrong. An operation is
compared if Keras has one of its name, or if it is an exercise, whose expression in Keras is below.
Exit code 0: they agree, or there is nothing to compare; 1: they do not.
"""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from keras_ref import quiet  # noqa: F401  # isort: skip  # before anything imports Keras
import keras
import numpy as np
import tensorflow as tf
from keras import ops

from keras_ref.models import vae
from numpy_nets.autodiff.tensor import Array
from numpy_nets.cli.commands.check import draws_for, load, operations
from numpy_nets.tour.diagnosis import Operation, value_and_vjps

CLOSE = 1024  # units of machine epsilon, relative to the largest entry

EXPRESSIONS: dict[str, Callable[..., Any]] = {
    "add_bias": ops.add,
    "crossentropy": lambda p, t: -(t * ops.log(p) + (1 - t) * ops.log(1 - p)),
    "crossentropy_from_logits": lambda a, t: ops.mean(
        keras.losses.binary_crossentropy(t, a, from_logits=True)
    ),
    "reparameterize": vae.reparameterize,
    "gaussian_kl": vae.gaussian_kl,
    "logsumexp": lambda x: ops.logsumexp(x, axis=1),
    "standardize": lambda x: (x - ops.mean(x, axis=0)) / ops.sqrt(ops.var(x, axis=0)),
}


def distance(operation: Operation, function: Callable[..., Any], inputs: Sequence[Array]) -> float:
    """From the VJPs to Keras's gradients, in eps of the largest entry; inf if Y differs."""
    y, vjps = value_and_vjps(operation, inputs)
    g = np.random.default_rng([0, 1]).normal(size=y.shape)  # not the stream of the inputs
    sources = [tf.constant(x) for x in inputs]
    with tf.GradientTape() as tape:
        tape.watch(sources)
        try:
            result = function(*sources)
        except (TypeError, ValueError):  # other arguments
            return float("inf")
    if result.shape != y.shape or not np.allclose(result, y):
        return float("inf")
    gradients = tape.gradient(result, sources[: len(vjps)], output_gradients=tf.constant(g))
    return max(
        float(
            np.max(np.abs(vjp(g) - expected))
            / max(np.max(np.abs(expected)), 1e-3 * np.max(np.abs(g)))
            / np.finfo(float).eps
        )
        for vjp, expected in zip(vjps, map(np.asarray, gradients), strict=True)
    )


def main() -> int:
    """Print a line for each operation that can be compared."""
    file = Path(sys.argv[1])
    module, right = load(file), True
    for name, operation in operations(file, module).items():
        function = EXPRESSIONS.get(name) or getattr(ops, name, None)
        if function is None:
            continue
        eps = max(
            distance(operation, function, inputs) for inputs in draws_for(module, name, operation)
        )
        if eps == float("inf"):  # another operation of that name
            continue
        if eps > CLOSE:
            print(f"{name}: Keras has another gradient, {eps:.2g} machine epsilons away")
            right = False
        else:
            print(f"{name}: Keras has the same gradients, to {max(eps, 0.1):.1f} machine epsilons")
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
