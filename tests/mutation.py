"""Change the source a little, many times: does a test notice?  (pip install -e '.[mutation]')

    python tests/mutation.py                      # 60 changes of each module that computes
    python tests/mutation.py losses.py --sample 1000

Cosmic Ray says what can be changed where: an operator, a comparison, a number, `and`, `not`,
`break`, an exception. For each change a fork of this process, which has imported all but
numpy_nets, imports the changed module from memory and runs that module's tests until one fails.
No file is written. Prints the changes that no test noticed; to be killed by a test, or explained
in EXPLAINED.
"""

import argparse
import difflib
import importlib.abc
import importlib.machinery
import os
import random
import signal
import sys
import time
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import cosmic_ray.plugins
import h5py
import hypothesis
import hypothesis.extra.numpy
import hypothesis.stateful
import numpy
import pytest
import scipy.integrate
import scipy.special
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "numpy_nets"
PRELOADED: list[ModuleType] = [numpy, scipy.special, scipy.integrate, h5py, hypothesis.extra.numpy]
LIMIT = 120  # seconds; a change that makes a loop endless is noticed

TESTS = {
    "autodiff/gradcheck.py": ["autodiff/test_gradcheck.py"],
    "autodiff/fused.py": ["autodiff/test_fused.py", "properties/test_ops.py"],
    "autodiff/op.py": ["autodiff/test_ops.py", "autodiff/test_tape.py"],
    "autodiff/ops.py": ["autodiff/test_ops.py", "properties/test_ops.py",
                        "properties/test_binary_crossentropy.py"],
    "autodiff/tape.py": ["autodiff/test_tape.py", "properties/test_tape_machine.py"],
    "autodiff/tensor.py": ["autodiff/test_tensor.py", "autodiff/test_tape.py"],
    "losses.py": ["test_losses.py", "properties/test_binary_crossentropy.py"],
    "models/autoencoder.py": ["test_models.py"],
    **{f"models/{name}.py": [f"models/test_{name}.py", "models/test_defaults.py"]
       for name in ("cvae", "denoising", "gan", "gan_paper", "iwae", "sparse")},
    "models/bigan.py": ["models/test_bigan.py", "models/test_defaults.py"],
    "models/cgan.py": ["models/test_cgan.py", "models/test_defaults.py"],
    "layers/normalization.py": ["layers/test_normalization.py"],
    "models/terms.py": ["models/test_terms.py", "models/test_vae.py"],
    "models/vae.py": ["models/test_vae.py", "models/test_defaults.py",
                      "properties/test_gaussian_kl.py", "evaluation/test_likelihood.py"],
    **{f"optimizers/{name}.py": ["test_optimizers.py", "properties/test_optimizers.py"]
       for name in ("__init__", "optimizer", "rules")},
    "optimizers/schedules.py": ["test_optimizers.py", "properties/test_optimizers.py"],
}  # fmt: skip


class Changed(importlib.abc.MetaPathFinder):
    """Imports one module from other source than its file's."""

    def __init__(self, name: str, source: str) -> None:
        self.name, self.source = name, source

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> Any:
        if fullname != self.name:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path)
        assert spec is not None and spec.origin is not None
        source = self.source

        class Loader(importlib.machinery.SourceFileLoader):
            def get_code(self, fullname: str) -> CodeType:
                return compile(source, self.path, "exec")

        spec.loader = Loader(fullname, spec.origin)
        return spec


def changes(source: str) -> list[tuple[str, int, Any]]:
    """(operator, occurrence, position) of all changes, without those of `int | None`."""
    found = []
    nodes = list(ast_nodes(get_ast(source)))
    for name in cosmic_ray.plugins.operator_names():
        operator = cosmic_ray.plugins.get_operator(name)
        if operator.arguments() or "BinaryOperator_BitOr" in name:
            continue
        places = [at for node in nodes for at, _ in operator().mutation_positions(node)]
        found += [(name, k, at) for k, at in enumerate(places)]
    return found


def sample(found: list[tuple[str, int, Any]], size: int, seed: int) -> list[tuple[str, int, Any]]:
    """A few, at different places before several at one."""
    rng = random.Random(seed)
    rng.shuffle(found)
    seen: dict[Any, int] = {}
    ranked = []
    for change in found:
        seen[change[2]] = seen.get(change[2], 0) + 1
        ranked.append((seen[change[2]], change))
    ranked.sort(key=lambda pair: pair[0])
    return [change for _, change in ranked[:size]]


def is_noticed(module: str, source: str, tests: list[str]) -> bool:
    """Whether the tests fail, or do not end, with this source in the module's place."""
    child = os.fork()
    if child == 0:
        os.setpgrp()
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, 1)
        os.dup2(silence, 2)
        sys.meta_path.insert(0, Changed(module, source))
        options = ["-qx", "-pno:cacheprovider", "-pno:randomly", "-pno:xdist",
                   "-Wignore::pytest.PytestAssertRewriteWarning"]  # fmt: skip
        deselected = [f"--deselect={test}" for test in SLOW]
        status = 1
        try:
            status = pytest.main([*options, "--hypothesis-profile=mutation", *deselected, *tests])
        finally:
            os._exit(int(status))
    deadline = time.monotonic() + LIMIT
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status) != 0
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return True


SLOW = [
    "tests/autodiff/test_tape.py::test_a_chain_of_100_000_ops_needs_no_recursion",
    "tests/autodiff/test_tape.py::"
    "test_a_chain_of_100_000_sigmoids_with_their_logits_is_freed_without_recursion",
]


# Lines that a change may lead to, or remove, without harm; and why.
SAME = "another way to say the same"
LENGTHS = "the lengths are equal by construction"
TYPING = "for the type checker only"
TWO_AXES = "there are two axes"
SMALL = "small integers are single objects"
EXPLAINED: dict[str, str] = {
    # autodiff
    "directions: int = 4,": "checks more",
    "seed: int = 1,": "another draw",
    "for i, (x, gradient) in enumerate(zip(points, gradients, strict=False)):": LENGTHS,
    "if any(tape == self for tape in recording):": SAME,
    "for x, vjp in zip(inputs, vjps, strict=False):": LENGTHS,
    "@overload": TYPING,
    "while factors < 63 and e.shape[-1] % 2 == 0:": SAME,
    "while factors != 64 and e.shape[-1] % 2 == 0:": SAME,
    "while factors < 64 and e.shape[-1] % 2 <= 0:": SAME,
    "total: Array = np.sum(np.log1p(e), +1)": TWO_AXES,
    "total: Array = np.sum(np.log1p(e), 1)": TWO_AXES,
    "factor: Array = (part >= 0) - rows_t[rows]": "times 0",
    "n = x.size / total.size if total.size else 1  # entries of X for each mean": SAME,
    **{f"n = x.size // total.size if total.size else {one}  # entries of X for each mean":
       "nothing is divided" for one in (0, 2)},
    "lambda g: np.full(x.shape, _expand(g / (n or 2), axis, keepdims)),": "nothing is divided",
    **{f"m = np.where(np.isfinite(m), m, x.dtype.type({one}))  # -∞ - (-∞) would be nan":
       "any finite number" for one in (" 1", " -1")},
    **{f"y_finite = np.where(np.isneginf(y_kept), x.dtype.type({one}), y_kept)  # e^(-∞ - 0) = 0":
       "any finite number" for one in (" 1", " -1")},
    "loss = z * ((z >= 0) - target) + np.log1p(np.exp(-np.abs(z)))  # z > 0 counts as 1 or 0":
        "times 0",
    "return y, (lambda g: g.astype(x.dtype),) if x.dtype.kind is y.dtype.kind == \"f\" else ()":
        SAME,
    "return np.clip(x, x_min, x_max), (lambda g: g * ((x >= x_min) * (x <= x_max)),)": SAME,
    "log_a = np.log(np.where(positive, a, 2), dtype=y.dtype)  # no log of A ≤ 0": "times 0",
    "if g.shape is shape:": "a sum over no axes",
    "p, inside = np.clip(output, low, high), (output >= low) * (output <= high)": SAME,
    "largest = x >= _expand(y, axis, keepdims)": SAME,
    "for start, stop in zip(bounds[:-1], bounds[1:], strict=False)": LENGTHS,
    "continue": "goes on looking for what it has found",
    "if value.dtype >= np.float64 and \"dtype\" not in options:":
        "differs for wider types only, which nothing takes",
    "if dtype is None and array.dtype >= np.float64 and not hasattr(x, \"dtype\"):":
        "differs for complex numbers only, which nothing takes",
    "if not math.isfinite(difference) or abs(slope - difference) >= rtol * scale:":
        "one number only",
    "directions: int = 2,": "checks less",
    "return gradients[ -1] if isinstance(sources, Tensor) else gradients": "there is one",
    "return repr(x) if np.ndim(x) <= 0 else f\"constant {np.shape(x)}\"": SAME,
    "return float(x) if type(x) == np.float64 else x": SAME,
    # losses, optimizers
    "if slot.itemsize > 3:  # in float16 the limit would not be negligible": "none has 3",
    "forgetting = self.fades and self.iterations % FORGET_EVERY == 1": "as often",
    **{f"FORGET_EVERY = {n}  # steps from one call of _forget to the next": "nearly as often"
       for n in (15, 17)},
    "return tensor if tensor.dtype is other.dtype else ops.cast(tensor, str(other.dtype))":
        "casts to the dtype it has",
    "labels = labels[..., -1]": SAME,
    "for gradient, variable in zip(gradients, variables, strict=False):": LENGTHS,
    "if len(gradients) is not len(variables):": SMALL,
    "if len(dtypes) != 1:": SAME,
    "/,": "subclasses pass them on as they should be",
    # models
    "return ops.mean(ops.sum(ops.abs(codes), axis=+1))": TWO_AXES,
    "return 0.5 * ops.sum(ops.square(mean) + ops.expm1(log_var) - log_var, axis=1)": TWO_AXES,
    "return 0.5 * ops.sum(ops.square(mean) + ops.expm1(log_var) - log_var, axis=+1)": TWO_AXES,
    "return -ops.shape(x)[1] * binary_crossentropy(x, logits, from_logits=True)": TWO_AXES,
    "return -ops.shape(x)[+1] * binary_crossentropy(x, logits, from_logits=True)": TWO_AXES,
    "return -0.5 * ops.sum(math.log(2 * math.pi) + log_var + squares, axis=1)": TWO_AXES,
    "return -0.5 * ops.sum(math.log(2 * math.pi) + log_var + squares, axis=+1)": TWO_AXES,
    "return random.normal((self.samples * batch_size(data), mean[1]), seed=self.noise)": TWO_AXES,
    "return random.normal((self.samples * batch_size(data), mean[+1]), seed=self.noise)": TWO_AXES,
    "log_ratio = 0.5 * ops.sum(ops.square(epsilon) + log_var - ops.square(z), axis=+1)": TWO_AXES,
    **{f"if times {compared}:": SAME for compared in ("< 1", "<= 1", "== 0")},
    "return ops.mean(ops.sum(ops.abs(codes), axis=1))": TWO_AXES,
    "log_ratio = 0.5 * ops.sum(ops.square(epsilon) + log_var - ops.square(z), axis=1)": TWO_AXES,
    "return self.prior((count, self.generator.input_shape[+1]))": TWO_AXES,
    "if epoch % 10 == 0 or epoch >= epochs:": SAME,
    "if epoch % 10 <= 0 or epoch == epochs:": SAME,
    "if getattr(x_train, \"ndim\", -1) < 2 or not x_train.size:": SAME,
    "if getattr(x_train, \"ndim\", 1) < 2 or not x_train.size:": SAME,
    "if d_optimizer == g_optimizer and not isinstance(d_optimizer, str | None):": SAME,
    "return self.prior((count, self.generator.input_shape[1]))": TWO_AXES,
    "if gan.generator is not generator or gan.discriminator != discriminator:": SAME,
    "if gan.generator != generator or gan.discriminator is not discriminator:": SAME,
    "return parts if len(parts) > 1 else parts[ -1]": SAME,
    "return parts if len(parts) != 1 else parts[0]": SAME,
    "while parts[-1] is None and len(parts) != 1:": SAME,
    "while parts[-1] is None and len(parts) > 0:": "data are not all None",
    "while parts[-1] is None and len(parts) >= 1:": "data are not all None",
    "if len(parts) is not len(self.data_names):": SMALL,
    "for mean, value in zip(self.means, [loss, *terms], strict=False):": LENGTHS,
    "return ops.shape(data[ 1] if isinstance(data, tuple) else data)[0]": LENGTHS,
    "return ops.shape(data[ -1] if isinstance(data, tuple) else data)[0]": LENGTHS,
}  # fmt: skip


def why(diff: list[str]) -> str | None:
    """The reason why a change need not be noticed, if there is one."""
    lines = {sign: [x[1:].strip() for x in diff if x[0] == sign and x[1:].strip()] for sign in "+-"}
    reasons = [EXPLAINED.get(line) for line in lines["+"] or lines["-"]]
    return reasons[0] if all(reasons) else None


def run(path: str, size: int, seed: int) -> tuple[int, int, int]:
    """Changes noticed, explained, and made."""
    file = PACKAGE / path
    source = file.read_text()
    module = ".".join(["numpy_nets", *Path(path).with_suffix("").parts]).removesuffix(".__init__")
    tests = [str(ROOT / "tests" / test) for test in TESTS[path]]
    if is_noticed(module, source, tests):
        sys.exit(f"{path}: its tests fail as it is")
    every = changes(source)
    chosen = sample(every, size, seed)
    print(f"# {path}: {len(chosen)} of {len(every)} changes", flush=True)
    noticed = explained = 0
    for name, occurrence, _ in chosen:
        changed = mutate_code(source, cosmic_ray.plugins.get_operator(name)(), occurrence)
        if is_noticed(module, changed, tests):
            noticed += 1
            continue
        diff = difflib.unified_diff(source.splitlines(), changed.splitlines(), n=0, lineterm="")
        lines = list(diff)[2:]
        reason = why(lines)
        explained += reason is not None
        print(f"## survived: {name} {occurrence}: {reason or 'why?'}", *lines, sep="\n", flush=True)
    return noticed, explained, len(chosen)


def main() -> None:
    parser = argparse.ArgumentParser(description="Mutation testing of the modules that compute.")
    parser.add_argument("modules", nargs="*", metavar="MODULE", help=f"of {', '.join(TESTS)}")
    parser.add_argument("--sample", type=int, default=60, help="changes a module (60)")
    parser.add_argument("--seed", type=int, default=0, help="of the choice of changes (0)")
    options = parser.parse_args()
    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT))
    fast = hypothesis.settings(deadline=None, database=None, derandomize=True, max_examples=25)
    without_shrinking = (hypothesis.Phase.explicit, hypothesis.Phase.generate)
    hypothesis.settings.register_profile("mutation", fast, phases=without_shrinking)
    totals = numpy.zeros(3, int)
    for path in options.modules or TESTS:
        found = run(path, options.sample, options.seed)
        print("# {}: {} noticed and {} explained of {}".format(path, *found), flush=True)
        totals += found
    noticed, explained, made = totals
    print(
        f"# in total {noticed} of {made} noticed, {noticed / max(1, made):.1%}; "
        f"{explained} explained, {made - noticed - explained} not"
    )


if __name__ == "__main__":
    main()
