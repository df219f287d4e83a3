"""Arguments: argparse, with errors of one line that suggest the nearest name."""

import argparse
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, NoReturn

from numpy_nets.naming import suggest


class Parser(argparse.ArgumentParser):
    """An ArgumentParser that raises ValueError instead of printing its usage."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, **options)

    def error(self, message: str) -> NoReturn:
        raise ValueError(message)

    def parse(self, argv: Sequence[str]) -> argparse.Namespace:
        """The arguments; an unknown one is reported with the nearest that is known."""
        found, unknown = self.parse_known_args(argv)
        if unknown:
            known = ["--" + name.replace("_", "-") for name in vars(found)]
            hint = suggest(unknown[0].split("=")[0], known)
            raise ValueError(f"unknown argument {unknown[0]!r}; {hint}")
        return found


class Command(NamedTuple):
    """What a word of the command line does: `run(argv)` returns the exit code."""

    help: str
    run: Callable[[Sequence[str]], int]


def dispatch(
    prog: str, description: str, commands: Mapping[str, Command], argv: Sequence[str]
) -> int:
    """Run the command that the first word of argv names, with the rest."""

    def known(word: str) -> str:
        if word not in commands:
            raise argparse.ArgumentTypeError(f"unknown {word!r}; {suggest(word, commands)}")
        return word

    if not argv:
        raise ValueError(f"expected a command: {prog} {' | '.join(commands)}")
    listing = "\n".join(f"  {name:<14}{command.help}" for name, command in commands.items())
    parser = Parser(
        prog=prog,
        description=f"{description}\n\ncommands:\n{listing}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", type=known, help="one of the above, with --help for more")
    parser.add_argument("arguments", nargs=argparse.REMAINDER)
    found = parser.parse(argv)
    return commands[found.command].run(found.arguments)


def number(
    kind: type, least: float, *, above: bool = False, most: float = 2**31 - 1
) -> Callable[[str], Any]:
    """A type for add_argument: an int or float from `least` (or above it) to `most`."""

    def parse(text: str) -> Any:
        try:
            value = kind(text)
        except ValueError:
            value = math.nan
        if not (least < value if above else least <= value) or value > most:
            words = {int: "an integer", float: "a number"}[kind]
            sign = ">" if above else ">="
            raise argparse.ArgumentTypeError(
                f"expected {words} {sign} {least:g} and <= {most:,}, got {text[:40]!r}"
            )
        return value

    return parse
