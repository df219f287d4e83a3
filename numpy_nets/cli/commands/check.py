"""numpy-nets check FILE: are the derivatives in a file right, and if not, how are they wrong?"""

import argparse
import inspect
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from numpy_nets.autodiff.tensor import Array, Tensor
from numpy_nets.cli.arguments import Parser
from numpy_nets.cli.commands.exercise import print_curves, print_report
from numpy_nets.tour import detective
from numpy_nets.tour.diagnosis import RIGHT, Operation, check, value_and_vjps
from numpy_nets.tour.exercises import EXERCISES, Exercise, draw

DRAWS = 3
TEMPLATE = """    from numpy_nets.autodiff import op

    @op
    def cube(x):
        return x**3, (lambda g: g * 3 * x**2,)"""


def main(argv: Sequence[str]) -> int:
    """Print a verdict for each derivative; returns 0 if all are right, 1 if not."""
    parser = Parser(
        prog="numpy-nets check",
        description="Compare the vector-Jacobian products of the operations in a Python file, "
        "which is run, with finite differences, and with Keras where it is installed and has an "
        "operation of that name. Exercises are known; an operation of your own, such as\n\n"
        + TEMPLATE
        + "\n\nis tried on random matrices of one shape, or on INPUTS = {'name': [array, ...]} of "
        "the file, an array for each input.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", metavar="FILE", type=Path, help="has functions under @op")
    file = parser.parse(argv).file
    module = load(file)
    if file.stem in detective.CASES:
        return check_case(module, file.stem)
    right = True
    for name, operation in operations(file, module).items():
        try:
            names = list(inspect.signature(operation).parameters)
            exercise, draws = exercise_of(name, operation), draws_for(module, name, operation)
            if exercise and not same_value(exercise, operation, draws[0]):
                print(f"{name}: y is not {exercise.formula.split(' = ', 1)[1]} any more")
                right = False
                continue
            verdicts = check(operation, draws, names, exercise.mistakes if exercise else None)
        except ValueError as error:
            raise ValueError(f"{file}: {name}: {error}") from None
        for of_input, verdict in verdicts:
            print(f"{name}: ∂L/∂{of_input.upper()}: {verdict}")
            right &= verdict == RIGHT
        for of_input in names[len(verdicts) : len(draws[0])]:
            print(f"{name}: ∂L/∂{of_input.upper()}: has no VJP: {of_input.upper()} is data")
        if not exercise and len(draws[0]) > 1 and not inputs_of(module, name):
            shapes = ", ".join(f"{n} {x.shape}" for n, x in zip(names, draws[0], strict=False))
            print(
                f"{name}: tried with {shapes} and others of one shape; for another, such as that "
                f"of a bias, put INPUTS = {{'{name}': [array, ...]}} into the file"
            )
    if right and all(map(find_spec, ("keras", "tensorflow", "keras_ref"))):
        right = as_in_keras(file)
    return 0 if right else 1


def operations(file: Path, module: ModuleType) -> dict[str, Operation]:
    """The functions under @op of a module, by name.

    Raises:
        ValueError: there are none.
    """
    found = {
        name: value.__wrapped__
        for name, value in vars(module).items()
        if getattr(value, "__module__", None) == module.__name__ and hasattr(value, "__wrapped__")
    }
    if not found:
        raise ValueError(
            f"{file}: expected a function under @op, found none; numpy-nets check --help has one"
        )
    return found


def check_case(module: ModuleType, name: str) -> int:
    """Say whether the wrong line of a detective case has been mended; 0 if it has."""
    with np.errstate(over="ignore"):
        sentence = detective.solved(module, name)
        if sentence is None:
            print(f"{name}: right. The line: {detective.CASES[name].right}")
            return 0
        print(f"{name}: {sentence}")
        try:
            print_curves(module, detective.CASES[name].program)
            print_report(module)
        except Exception as error:  # whatever the reader's file raises
            print(f"its gradients cannot be compared: {type(error).__name__}: {error}")
    return 1


def load(file: Path) -> ModuleType:
    """The module that a file makes."""
    if not file.exists():
        raise ValueError(f"{file}: there is no such file")
    if file.suffix != ".py" or not file.is_file():
        raise ValueError(f"{file}: expected a file of Python, .py")
    try:
        # Not by importing: Python keeps what it compiled, and a second try comes soon.
        return detective.run(file.read_text(encoding="utf-8"), file.stem)
    except Exception as error:  # whatever the reader's file raises
        raise ValueError(f"{file}: it does not run: {type(error).__name__}: {error}") from None


def exercise_of(name: str, operation: Operation) -> Exercise | None:
    """The exercise that an operation answers, by its name and those of its inputs."""
    exercise = EXERCISES.get(name)
    if exercise and list(inspect.signature(operation).parameters) == list(exercise.inputs):
        return exercise
    return None


def draws_for(module: ModuleType, name: str, operation: Operation) -> list[list[Array]]:
    """Several lists of inputs: of an exercise, those of the file, or random matrices.

    Raises:
        ValueError: random matrices do not fit the operation.
    """
    rng = np.random.default_rng(0)
    if exercise := exercise_of(name, operation):
        return [draw(exercise, rng) for _ in range(DRAWS)]
    parameters = inspect.signature(operation).parameters.values()
    required = [p for p in parameters if p.default is p.empty]
    given = inputs_of(module, name)
    if given is not None:
        fits = isinstance(given, list | tuple) and len(required) <= len(given) <= len(parameters)
        if not fits:
            raise ValueError(
                f"INPUTS['{name}']: expected a list of {len(required)} arrays, got {given!r:.60}"
            )
        arrays = [np.asarray(x, np.float64) for x in given]
        if not all(x.size for x in arrays):
            raise ValueError(f"INPUTS['{name}']: expected arrays with entries, got an empty one")
        return [arrays]
    draws = [[rng.normal(size=shape) for _ in required] for shape in ((3, 4), (5, 2), (2, 6))]
    try:
        value_and_vjps(operation, draws[0])
    except ValueError as error:
        if "mind the last comma" in str(error):
            raise
        raise ValueError(
            f"random matrices of one shape do not fit it ({error}); if it is right for others, "
            f"put INPUTS = {{'{name}': [array, ...]}} into the file"
        ) from None
    return draws


def inputs_of(module: ModuleType, name: str) -> Any:
    """What the file's INPUTS have for an operation; None if they have nothing."""
    table = getattr(module, "INPUTS", {})
    if not isinstance(table, dict):
        raise ValueError(f"INPUTS: expected {{'{name}': [array, ...]}}, got {table!r:.60}")
    return table.get(name)


def as_in_keras(file: Path) -> bool:
    """Compare with Keras, in a process of its own: nothing in numpy_nets imports Keras."""
    child = subprocess.run(
        [sys.executable, "-m", "keras_ref.exercises", str(file)], capture_output=True, text=True
    )
    print(child.stdout, end="")
    if child.stderr:
        print(f"beside Keras: {child.stderr.strip().splitlines()[-1]}", file=sys.stderr)
    return child.returncode == 0


def same_value(exercise: Exercise, operation: Operation, drawn: list[Array]) -> bool:
    """Is the value still that of the exercise?"""
    value, _ = value_and_vjps(operation, drawn)
    expected = exercise.solution(*(Tensor(x) for x in drawn)).numpy()
    return value.shape == expected.shape and np.allclose(value, expected, rtol=1e-9, atol=1e-12)
