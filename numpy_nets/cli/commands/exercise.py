"""numpy-nets exercise [NAME]: derivatives to fill in."""

from collections.abc import Sequence
from pathlib import Path

from numpy_nets.cli.arguments import Parser, choice, number
from numpy_nets.tour.exercises import EXERCISES, page


def main(argv: Sequence[str]) -> int:
    """List the exercises, or write the file of one of them; returns the exit code."""
    parser = Parser(
        prog="numpy-nets exercise",
        description="Derivatives to fill in, in an order in which each one needs those before it. "
        "Without a name: the list.",
    )
    parser.add_argument("name", nargs="?", type=choice(*EXERCISES), help="an exercise of the list")
    parser.add_argument(
        "--hint", type=number(int, 1), help="print hint 1, 2 … in place of the file"
    )
    arguments = parser.parse(argv)
    if arguments.name is None:
        if arguments.hint is not None:
            raise ValueError("--hint: expected the name of an exercise before it")
        for i, (name, exercise) in enumerate(EXERCISES.items(), 1):
            print(f"{i:3} {name:<25}{exercise.formula}")
        print("numpy-nets exercise square    writes square.py, in which the derivative is blank")
        print("numpy-nets check square.py    says whether it is right, and if not, how it is wrong")
        return 0
    if arguments.hint is not None:
        hints = EXERCISES[arguments.name].hints
        if arguments.hint > len(hints):
            raise ValueError(
                f"--hint: {arguments.name} has {len(hints)}, got {arguments.hint}; the solution is "
                f"in numpy_nets/autodiff/ops.py or, for the models' terms, numpy_nets/models/vae.py"
            )
        print(hints[arguments.hint - 1])
        return 0
    file = Path(f"{arguments.name}.py")
    with open(file, "x", encoding="utf-8") as opened:  # never over what a reader has written
        opened.write(page(arguments.name))
    print(f"written: {file}. Fill in the dots, then: numpy-nets check {file}")
    return 0
