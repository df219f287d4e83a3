"""The settings of a run: one dataclass for each model, which yields the flags of the command line,
the JSON in the run's folder, and the check of both.
"""

import math
from argparse import ArgumentTypeError, Namespace
from collections.abc import Callable, Mapping
from dataclasses import Field, asdict, dataclass, field, fields, replace
from typing import Any, Self, TypeVar

from numpy_nets.cli.arguments import Parser, choice, number
from numpy_nets.cli.runs.binarize import MODES
from numpy_nets.cli.runs.data import NAMES, Images, drawable
from numpy_nets.cli.runs.digest import data_digest

T = TypeVar("T")


def option(
    default: T, parse: Callable[[str], T], text: str, *, formerly: T | None = None
) -> T:
    """A field of a settings class that is an option of the command line.

    Args:
        default: its value when the flag is not given.
        parse: turns the flag's word into a value; raises ArgumentTypeError for a bad one.
        text: the help.
        formerly: its value in runs that were made before there was such an option.
    """
    metadata = {"parse": parse, "help": text, "formerly": formerly}
    made: T = field(default=default, metadata=metadata)
    return made


def count(default: int, text: str, *, formerly: int | None = None) -> int:
    """An option that is a number of things."""
    return option(default, number(int, 1), text, formerly=formerly)


def rate(default: float) -> float:
    """The option --learning-rate."""
    return option(default, number(float, 0, above=True, most=1), "of Adam, at most 1")


IMAGES = (
    f"{', '.join(NAMES)}, or a file: .npz, .npy, IDX, a .bin batch of CIFAR-10, or the .mat of "
    "Frey Face"
)


@dataclass(frozen=True)
class Settings:
    """The settings that all models have. A model's own class adds to them and sets its defaults.

    Attributes:
        image_shape: (height, width) of the data, or (height, width, 3) in colour, or (pixels,) if
            they are not images.
        classes: the number of classes of the data, or 0 if some have no label.
        data_sha256: of the images alone. Runs from before there was `data_digest` have only this.
        data_digest: tells these data from others.
    """

    data: str = option("digits", str, IMAGES)
    binarize: str = option(
        "none", choice(*MODES),
        "make pixels 0 or 1, with their grey as the probability of 1: static once, dynamic anew "
        "in every epoch of training",
    )  # fmt: skip
    epochs: int = count(20, "passes over the data")
    batch_size: int = count(50, "samples in a step")
    learning_rate: float = rate(1e-3)
    seed: int = option(0, number(int, 0), "of initial weights, shuffling and all other draws")
    # Not options, but known once the data are read.
    image_shape: tuple[int, ...] = ()
    classes: int = 0
    data_sha256: str = ""
    data_digest: str = ""

    @property
    def pixels(self) -> int:
        """The number of values in one image; a pixel in colour has three."""
        return math.prod(self.image_shape)

    @property
    def drawable(self) -> bool:
        """Whether the data are images."""
        return drawable(self.image_shape)

    def on(self, data: Images) -> Self:
        """These settings with what is known of the data once they are read."""
        return replace(
            self, image_shape=data.image_shape, classes=data.classes, data_sha256=data.sha256,
            data_digest=data_digest(data),
        )  # fmt: skip

    def same_data(self, other: "Settings") -> bool:
        """Whether both are of the same data, as far as the older of them can tell."""
        if self.data_digest and other.data_digest:
            return self.data_digest == other.data_digest
        return self.data_sha256 == other.data_sha256

    @classmethod
    def options(cls) -> list[Field[Any]]:
        """The fields that are options of the command line."""
        return [f for f in fields(cls) if f.metadata]

    @classmethod
    def add_flags(cls, parser: Parser) -> None:
        """Give the parser a flag for each option; one that is not given is None afterwards."""
        for f in cls.options():
            flag, parse = "--" + f.name.replace("_", "-"), f.metadata["parse"]
            choices = ", ".join(getattr(parse, "choices", ()))
            text = f"{f.metadata['help']}{': ' if choices else ''}{choices} (default: {f.default})"
            parser.add_argument(flag, type=parse, help=text)

    @classmethod
    def given(cls, arguments: Namespace) -> dict[str, Any]:
        """The options that were given on the command line, by name."""
        values = {f.name: getattr(arguments, f.name) for f in cls.options()}
        return {name: value for name, value in values.items() if value is not None}

    def as_json(self) -> dict[str, Any]:
        """The settings by name, as `from_json` reads them."""
        return {**asdict(self), "image_shape": list(self.image_shape)}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """The settings in the document of a run, which may hold more.

        Raises:
            ValueError: if one is missing, or has a value that the command line would refuse.
        """
        former = {f.name: f.metadata["formerly"] for f in cls.options()}
        document = {**{k: v for k, v in former.items() if v is not None}, **document}
        for f in cls.options():
            value = document.get(f.name)
            try:
                valid = type(value) is type(f.default) and f.metadata["parse"](str(value)) == value
            except ArgumentTypeError:
                valid = False
            if not valid:
                raise ValueError(f"{f.name}: got {value!r}")
        shape, classes = document.get("image_shape"), document.get("classes")
        if not (isinstance(shape, list) and 1 <= len(shape) <= 3 and all(map(_is_count, shape))):
            raise ValueError(f"image_shape: got {shape!r}")
        if not (classes == 0 or _is_count(classes)):
            raise ValueError(f"classes: got {classes!r}")
        known = {f.name: document[f.name] for f in fields(cls) if f.name in document}
        return cls(**{**known, "image_shape": tuple(shape)})


def _is_count(value: object) -> bool:
    return type(value) is int and value >= 1
