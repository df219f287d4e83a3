"""The proof: every public name of numpy_nets computed here and in Keras, and how far apart.

`CASES` is the one list of comparisons. The tests check every row of it, `python -m
keras_ref.parity` prints them; a case added to a file of `cases` is both. `public_names` is what
must be in it.
"""

import inspect
import os
import pkgutil
from importlib import import_module
from types import ModuleType

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # read when TensorFlow is imported, below

import numpy_nets
from keras_ref.parity.case import Case, Row, normwise_eps, precision, runs
from keras_ref.parity.cases import CASES

__all__ = [
    "CASES", "Case", "Row", "normwise_eps", "precision", "public_names", "runs",
]  # fmt: skip

# What has no number of its own to compare: base classes, and functions that look up or make.
_NOTHING_TO_COMPARE = {
    "initializers.Initializer", "losses.Loss", "metrics.Metric", "metrics.PredictionMetric",
    "optimizers.Optimizer", "optimizers.schedules.LearningRateSchedule",
    "random.SeedGenerator", "random.generator", "random.get_state", "random.set_random_seed",
    "random.set_state",
}  # fmt: skip


def public_names() -> set[str]:
    """The subjects that need a case, as `ops.add`: every public function and class with a value."""
    names = {"GradientTape", "Model.fit"}
    names |= {f"ops.{name}" for name in numpy_nets.ops.__all__}
    for name in ("activations", "initializers", "layers", "losses", "metrics", "optimizers"):
        names |= _defined_in(name, getattr(numpy_nets, name))
    names |= _defined_in("optimizers.schedules", numpy_nets.optimizers.schedules)
    names |= _defined_in("random", numpy_nets.random)
    names |= {f"models.{name}" for name in numpy_nets.models.__all__}
    for file in pkgutil.iter_modules(numpy_nets.models.__path__):
        names |= _defined_in("models", import_module(f"numpy_nets.models.{file.name}"))
    return {name for name in names - _NOTHING_TO_COMPARE if not name.endswith(".get")}


def _defined_in(prefix: str, module: ModuleType) -> set[str]:
    return {
        f"{prefix}.{name}"
        for name, value in vars(module).items()
        if (inspect.isclass(value) or inspect.isfunction(value))
        and value.__module__ == module.__name__
        and not name.startswith("_")
    } | {f"{prefix}.{name}" for name in getattr(module, "__all__", ())}
