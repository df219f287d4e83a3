"""Arguments: argparse, with one-line errors that suggest the nearest name."""

import argparse
import math
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from numpy_nets.naming import suggest


class Parser(argparse.ArgumentParser):
    """An ArgumentParser that raises ValueError instead of printing its usage."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, **options)

    def error(self, message: str) -> NoReturn:
        raise ValueError(message)

    def parse(self, argv: Sequence[str]) -> argparse.Namespace:
        """The arguments; the error for an unknown one suggests the nearest that is known."""
        arguments, unknown = self.parse_known_args(argv)
        if unknown:
            flags = [flag for action in self._actions for flag in action.option_strings]
            hint = suggest(unknown[0].split("=")[0], flags)
            if not unknown[0].startswith("-"):
                hint = f"expected options only, such as {flags[-1]}"
            raise ValueError(f"unknown argument {unknown[0]!r}; {hint}")
        return arguments


class Command(NamedTuple):
    """What a word of the command line does: `run(argv)` returns the exit code."""

    help: str
    run: Callable[[Sequence[str]], int]


def dispatch(
    prog: str,
    description: str,
    commands: Mapping[str, Command],
    argv: Sequence[str],
    version: str | None = None,
) -> int:
    """Run the command that the first word of argv names, with the rest."""
    if not argv:
        raise ValueError(f"expected a command: {prog} {' | '.join(commands)}")
    listing = "\n".join(f"  {name:<14}{command.help}" for name, command in commands.items())
    parser = Parser(
        prog=prog,
        description=f"{description}\n\ncommands:\n{listing}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    if version is not None:
        parser.add_argument("--version", action="version", version=version)
    names = choice(*commands)
    parser.add_argument("command", type=names, help="one of the above, with --help for more")
    parser.add_argument("arguments", nargs=argparse.REMAINDER)
    words = parser.parse(argv)
    return commands[words.command].run(words.arguments)


def choice(*names: str) -> Callable[[str], str]:
    """A type for add_argument: one of the names."""

    def parse(text: str) -> str:
        if text not in names:
            raise argparse.ArgumentTypeError(f"unknown {text[:40]!r}; {suggest(text, names)}")
        return text

    parse.choices = names  # type: ignore[attr-defined]  # for the help
    return parse


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


def png(text: str) -> Path:
    """A type for add_argument: the path of a new picture."""
    path = Path(text)
    if path.suffix != ".png":
        raise argparse.ArgumentTypeError(f"expected a file name that ends in .png, got {text!r}")
    if os.path.lexists(path):
        raise argparse.ArgumentTypeError(f"{text}: exists already: give another name")
    return path
