"""numpy-nets exercise [NAME]: derivatives to fill in, and wrong lines to find."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from numpy_nets.cli.arguments import Parser, choice, number
from numpy_nets.tour import detective
from numpy_nets.tour.exercises import EXERCISES, page


def main(argv: Sequence[str]) -> int:
    """List the exercises, or write the file of one of them; returns the exit code."""
    parser = Parser(
        prog="numpy-nets exercise",
        description="Derivatives to fill in, in an order in which each one needs those before it, "
        "and programs with a wrong line to find. Without a name: the list.",
    )
    names = choice(*EXERCISES, *detective.CASES)
    parser.add_argument("name", nargs="?", type=names, help="an exercise of the list")
    parser.add_argument(
        "--hint", type=number(int, 1), help="print hint 1, 2 … in place of the file"
    )
    arguments = parser.parse(argv)
    if arguments.name is None:
        if arguments.hint is not None:
            raise ValueError("--hint: expected the name of an exercise before it")
        for i, (name, exercise) in enumerate(EXERCISES.items(), 1):
            print(f"{i:3} {name:<25}{exercise.formula}")
        for i, (name, program) in enumerate(
            ((name, case.program) for name, case in detective.CASES.items()), len(EXERCISES) + 1
        ):
            print(f"{i:3} {name:<25}{program}: one line is wrong, find it")
        print("numpy-nets exercise square    writes square.py, in which the derivative is blank")
        print("numpy-nets exercise square --hint 1    gives a hint")
        print("numpy-nets check square.py    says whether it is right, and if not, how it is wrong")
        return 0
    case = detective.CASES.get(arguments.name)
    if arguments.hint is not None:
        hints = case.hints if case else EXERCISES[arguments.name].hints
        if arguments.hint > len(hints):
            raise ValueError(
                f"--hint: {arguments.name} has {len(hints)}, got {arguments.hint}"
                + ("" if case else "; the solution is in numpy_nets/autodiff/ops.py or, for the "
                   "terms of models, in numpy_nets/models/vae.py and losses.py")
            )  # fmt: skip
        print(hints[arguments.hint - 1])
        return 0
    file = Path(f"{arguments.name}.py")
    with open(file, "x", encoding="utf-8") as opened:  # never over what a reader has written
        opened.write(detective.page(arguments.name) if case else page(arguments.name))
    if case is None:
        print(f"written: {file}. Fill in the dots, then: numpy-nets check {file}")
        return 0
    print(f"written: {file}. Find the wrong line, mend it, then: numpy-nets check {file}")
    with np.errstate(over="ignore"):  # a wrong line may well make something infinite
        wrong = detective.run(detective.page(arguments.name), arguments.name)
        print_curves(wrong, case.program)
        print_report(wrong)
    return 0


def print_curves(program: Any, name: str) -> None:
    """Print the losses of a program, and of the program of that name without its wrong line."""
    right = detective.run(detective.source(name), name)
    print(f"loss, every 50 steps   {'  '.join(f'{x:.4g}' for x in detective.curve(program))}")
    print(f"as it should be        {'  '.join(f'{x:.4g}' for x in detective.curve(right))}")


def print_report(program: Any) -> None:
    """Print which gradients of a program agree with finite differences."""
    for name, error in detective.report(program).items():
        verdict = "agrees with" if error < 1e-5 else "differs from"
        print(f"gradient of {name:<3} {verdict} finite differences: {error:.1e}")
