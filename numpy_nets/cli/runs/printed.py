"""What the command line says of a trained model, kept for the page of its run."""

from html import escape
from typing import Any


class Printed:
    """Tables of rich, and lines of text: each is printed at once, and kept.

    The page shows the tables as HTML, so it does not depend on how wide the terminal was.

    Args:
        seconds: what the training took, for tables that say so; None if that is not known.
    """

    def __init__(self, seconds: float | None = None) -> None:
        self.seconds = seconds
        self._kept: list[Any] = []

    def print(self, what: Any, kept: Any = None) -> None:
        """Print a table or a text.

        Args:
            kept: what the page has in its place. Seconds differ from run to run, and a page must
                not: it has none.
        """
        from rich.console import Console

        Console().print(what)
        self._kept.append(what if kept is None else kept)

    def as_html(self) -> str:
        """All that was printed.

        >>> printed = Printed()
        >>> printed.print("1 < 2")
        1 < 2
        >>> printed.as_html()
        '<p class="note">1 &lt; 2</p>'
        """
        return "\n".join(
            f'<p class="note">{escape(what)}</p>' if isinstance(what, str) else _table(what)
            for what in self._kept
        )


def _table(table: Any) -> str:
    heads = "".join(f"<th scope=col>{escape(str(column.header))}</th>" for column in table.columns)
    rows = zip(*(column.cells for column in table.columns), strict=True)
    return "\n".join([
        f"<table>\n<caption>{escape(str(table.title))}</caption>\n<thead><tr>{heads}</tr></thead>",
        "<tbody>", *map(_row, rows), "</tbody>\n</table>",
    ])  # fmt: skip


def _row(cells: tuple[Any, ...]) -> str:
    name, *values = (escape(str(cell)) for cell in cells)
    return f"<tr><th scope=row>{name}</th>{''.join(f'<td>{value}</td>' for value in values)}</tr>"
