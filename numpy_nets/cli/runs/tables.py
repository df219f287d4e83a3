"""The CSV files of a run: a row of numbers for every epoch, which are counted from 0."""

from collections.abc import Mapping, Sequence
from pathlib import Path


def table(columns: Mapping[str, Sequence[float]], epochs: Sequence[int]) -> str:
    """The text of a CSV file. A number is written so that reading it gives the same number.

    >>> print(table({"loss": [0.5, 0.25]}, [0, 1]), end="")
    epoch,loss
    0,0.5
    1,0.25
    """
    rows = zip(epochs, *columns.values(), strict=True)
    lines = [("epoch", *columns), *(map(repr, row) for row in rows)]
    return "".join(",".join(line) + "\n" for line in lines)


def read_table(file: Path) -> tuple[list[str], dict[int, dict[str, float]]]:
    """The names in the header, and the rows by epoch; a damaged row is left out.

    Of two rows of an epoch the last one counts, and a value "NA" is left out. If there is no file,
    there are no names and no rows.

    Raises:
        OSError: if the file cannot be read.
    """
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        text = ""
    # What follows the last line end is a row that was being written.
    header, *lines = [line.rstrip("\r").split(",") for line in text.split("\n")[:-1]] or [[]]
    rows = {}
    for line in lines:
        try:
            row = dict(zip(header, line, strict=True))
            epoch = int(row.pop("epoch"))
            rows[epoch] = {name: float(word) for name, word in row.items() if word != "NA"}
        except (ValueError, KeyError):
            continue
    return header, rows
