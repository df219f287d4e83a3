"""Faults, each as a change of one line of source: what a proof is worth is what it catches.

tests/test_mutants.py puts them in one at a time and expects a test that needs no Keras to fail;
tests/parity/test_mutants.py expects the parity report to call it broken.
"""

import inspect
import textwrap
from collections.abc import Callable
from types import CodeType
from typing import Any, NamedTuple

from numpy_nets import layers, losses, optimizers
from numpy_nets.autodiff import GradientTape, fused, ops
from numpy_nets.models import gan, vae

OPS = "tests/autodiff/test_ops.py::test_the_gradient_is_the_central_difference"
LOSSES = "tests/test_losses.py::test_the_gradient_is_the_central_difference"
STEPS = "tests/test_optimizers.py::test_ten_steps_follow_the_formula_with_keras_defaults"
GAN = "tests/models/test_gan.py::"
VAE = "tests/models/test_vae.py::"


class Mutant(NamedTuple):
    """`before`, once in the source of `function`, becomes `after`.

    `case` is part of the names of the parity cases that must break, `test` the test that must
    fail.
    """

    name: str
    function: Callable[..., Any]
    before: str
    after: str
    case: str
    test: str

    @property
    def target(self) -> Callable[..., Any]:
        """The function whose code is to change: inside @op, the one on arrays."""
        return inspect.unwrap(self.function)

    def code(self) -> CodeType:
        """The code of the function with the fault in it.

        It takes the place of `target.__code__`, so that whoever holds the function has the fault.
        """
        source = textwrap.dedent(inspect.getsource(self.target))
        assert source.count(self.before) == 1, f"{self.name}: the source has changed"
        changed = source.replace(self.before, self.after)
        for decorator in ("@keeps_logits\n", "@op\n", "@float_op\n"):
            changed = changed.removeprefix(decorator)
        namespace: dict[str, Any] = {}
        exec(f"from __future__ import annotations\n{changed}", self.target.__globals__, namespace)
        code: CodeType = namespace[self.target.__name__].__code__
        return code


MUTANTS = [
    # Derivatives.
    Mutant("LeakyReLU: slope on the wrong side", ops.leaky_relu,
           "positive + (1 - positive) * negative_slope", "1 - positive + positive * negative_slope",
           "ops.leaky_relu",
           "tests/autodiff/test_ops.py::test_the_value_is_that_of_numpy_or_scipy[leaky_relu-0]"),
    Mutant("sigmoid: derivative without (1 - y)", ops.sigmoid, "g * y * (1 - y)", "g * y",
           "ops.sigmoid", f"{OPS}[sigmoid-0]"),
    Mutant("tanh: derivative without the square", ops.tanh, "1 - y * y", "1 - y",
           "ops.tanh", f"{OPS}[tanh-0]"),
    Mutant("softmax: derivative without the mean", ops.softmax,
           "(g - np.sum(g * y, axis, keepdims=True))", "g",
           "ops.softmax", f"{OPS}[softmax-0]"),
    Mutant("log_softmax: derivative without the sum", ops.log_softmax,
           "np.sum(g, axis, keepdims=True)", "g",
           "ops.log_softmax", f"{OPS}[log_softmax-0]"),
    Mutant("clip: gradient outside instead of inside", ops.clip,
           "((x >= x_min) & (x <= x_max))", "((x < x_min) | (x > x_max))",
           "ops.clip", f"{OPS}[clip-0]"),
    Mutant("maximum: gradient to the smaller one", ops.maximum, "np.less(a, b)", "np.greater(a, b)",
           "ops.maximum", f"{OPS}[maximum-0]"),
    Mutant("divide: B for B²", ops.divide, "-g * y / b", "-g * y",
           "ops.divide", f"{OPS}[divide-0]"),
    Mutant("mean: 1/n missing", ops.mean, "g / (n or 1)", "g",
           "ops.mean", f"{OPS}[mean-0]"),
    Mutant("broadcasting: the gradient is not summed", ops._unbroadcast,
           "sum_array(g,", "np.mean(g,",
           "ops.add", f"{OPS}[add-1]"),
    Mutant("Dense: kernel gradient transposed", fused.dense,
           "np.dot(x.reshape(rows, len(w)).T, g.reshape(rows, b.size))",
           "np.dot(g.reshape(rows, b.size).T, x.reshape(rows, len(w))).reshape(w.shape)",
           "layers.Dense, linear",
           "tests/autodiff/test_fused.py::test_dense_is_matmul_and_add_with_their_gradients"),
    Mutant("tape: the last use of a tensor counts, not the sum", GradientTape._backpropagate,
           "gradients[key] + part if key in gradients else part", "part",
           "GradientTape, a diamond", f"{OPS}[concatenate-1]"),
    # Losses.
    Mutant("crossentropy of probabilities: wrong sign", ops._crossentropy_from_probabilities,
           "inside * (p - target)", "inside * (target - p)",
           "losses.BinaryCrossentropy, of a Reshape", f"{LOSSES}[bce]"),
    Mutant("crossentropy of logits: wrong sign", ops._crossentropy_from_logits,
           "(_logistic(z) - target)", "(target - _logistic(z))",
           "ops.binary_crossentropy", f"{OPS}[binary_crossentropy-1]"),
    Mutant("label smoothing: s for s/2", losses.binary_crossentropy,
           "0.5 * label_smoothing", "label_smoothing",
           "losses.BinaryCrossentropy, label_smoothing",
           "tests/test_losses.py::test_values_are_the_closed_form"),
    # Optimizers and layers.
    Mutant("Adam: ε inside the root", optimizers.Adam.fused_step,
           "d += self.epsilon", "np.sqrt(v + self.epsilon, out=d)",
           "optimizers.Adam, epsilon",
           "tests/test_optimizers.py::test_adam_adds_epsilon_after_the_bias_correction"),
    Mutant("Adam: β₂ in place of β₁", optimizers.Adam.fused_step,
           "d *= 1 - self.beta_1", "d *= 1 - self.beta_2",
           "optimizers.Adam, exact betas", STEPS),
    Mutant("Adam: no bias correction", optimizers.Adam.fused_step,
           "* math.sqrt(1 - self.beta_2**t) / (1 - self.beta_1**t)", "",
           "optimizers.Adam, exact betas", STEPS),
    Mutant("SGD: Nesterov forgotten", optimizers.SGD.step,
           "self.momentum * m + step if self.nesterov else m", "m",
           "optimizers.SGD, nesterov", STEPS),
    Mutant("RMSprop: ε outside of the root", optimizers.RMSprop.step,
           "np.sqrt(v + self.epsilon)", "(np.sqrt(v) + self.epsilon)",
           "optimizers.RMSprop, rho and epsilon", STEPS),
    Mutant("Adagrad: accumulator begins at 0", optimizers.Optimizer.build,
           "np.full(v.array.size, self.slot_start, v.dtype)", "np.zeros(v.array.size, v.dtype)",
           "optimizers.Adagrad, first accumulator", STEPS),
    Mutant("clipping: small gradients are scaled up", optimizers.Optimizer._clip,
           "max(common, self.global_clipnorm)", "common",
           "optimizers.SGD, nothing to clip",
           "tests/test_optimizers.py::"
           "test_global_clipnorm_scales_all_gradients_by_their_common_norm"),
    Mutant("Dropout: without 1 / (1 - rate)", layers.Dropout.mask,
           "(uniform >= self.rate) / uniform.dtype.type(1 - self.rate)",
           "(uniform >= self.rate).astype(uniform.dtype)",
           "layers.Dropout, statistics",
           "tests/layers/test_core.py::test_dropout_zeroes_the_rate_and_keeps_the_mean"),
    # Models.
    Mutant("KL: wrong sign", vae.gaussian_kl, "return 0.5", "return -0.5",
           "models.gaussian_kl",
           "tests/properties/test_gaussian_kl.py::test_it_is_positive_everywhere_else"),
    Mutant("reparameterization: σ² for σ", vae.reparameterize, "0.5 * log_var", "log_var",
           "models.reparameterize",
           f"{VAE}test_the_gradient_through_the_reparameterization_is_that_of_the_expectation"),
    Mutant("VAE: L samples added, not averaged", vae.VAE.terms,
           "-ops.mean(self.log_likelihood_at", "-self.samples * ops.mean(self.log_likelihood_at",
           "models.VAE, beta 2, three samples",
           f"{VAE}test_several_samples_are_the_mean_of_single_ones"),
    Mutant("GAN: D is told the wrong label", gan.crossentropy, "(d, label)", "(d, 1 - label)",
           "models.crossentropy", f"{GAN}test_the_terms_of_d_are_minus_the_value_of_the_game"),
    Mutant("GAN, least squares: ½ missing", gan.squared_error, "0.5 * ops.mean", "ops.mean",
           "models.squared_error",
           f"{GAN}test_least_squares_is_half_the_squared_distance_from_the_paper_s_labels"),
]  # fmt: skip
