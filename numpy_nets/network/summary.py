"""The table that `model.summary()` prints, as Keras 3 prints it.

Format: keras.Model.summary of Keras 3.15.1, drawn by the same library (rich), so that colours
appear in a terminal and a notebook and nowhere else; tests/parity/test_summary.py compares both.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from numpy_nets.layers.node import KerasTensor, Shape
from numpy_nets.nested import flatten

if TYPE_CHECKING:
    from rich.table import Table

    from numpy_nets.layers import Layer


@dataclass(frozen=True)
class Row:
    """One layer, or one nested model, in the table.

    Attributes:
        name, class_name: the layer's name and the name of its class.
        output_shape: a tuple of sizes, with None for a size left open; a list of such tuples for
            several outputs; None, printed as "?", for a layer neither called nor built.
        params: the number of weights.
        built: False adds "(unbuilt)" to the number of weights.
        connected_to: (layer name, node index, tensor index) for every input; None in a chain of
            layers. If any row has it, the table has a column "Connected to".
        level: the depth of nesting, for the layers of a nested model that is shown expanded.
    """

    name: str
    class_name: str
    output_shape: Shape | list[Shape] | None
    params: int
    built: bool = True
    connected_to: Sequence[tuple[str, int, int]] | None = None
    level: int = 0


class Size(NamedTuple):
    """The number of values, and of the bytes that hold them."""

    params: int
    bytes: int


class _Stored(Protocol):
    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def dtype(self) -> Any: ...


def size_of(variables: Iterable[_Stored]) -> Size:
    """The size of variables or arrays (anything with a shape and a NumPy dtype)."""
    params = n_bytes = 0
    for variable in variables:
        count = math.prod(variable.shape)
        params += count
        n_bytes += count * np.dtype(variable.dtype).itemsize
    return Size(params, n_bytes)


def layer_row(layer: Layer, calls: set[int] | None) -> Row:
    """The row of a layer.

    Args:
        calls: the ids of the nodes of a graph, whose connections the row then lists; None for a
            model that is a chain.
    """
    connected = None
    if calls is not None:
        connected = [
            (x.node.layer.name, x.node.layer.nodes.index(x.node), _index_in_output(x))
            for node in layer.nodes
            if id(node) in calls
            for x in flatten(node.inputs)
        ]
    return Row(
        name=layer.name,
        class_name=layer.class_name,
        output_shape=layer.known_output_shape(),
        params=size_of(layer.weights).params,
        built=layer.built,
        connected_to=connected,
    )


def _index_in_output(x: KerasTensor) -> int:
    return [id(y) for y in flatten(x.node.output)].index(id(x))


def print_summary(
    model_name: str,
    rows: Sequence[Row],
    trainable: Size,
    non_trainable: Size,
    optimizer: Size | None = None,
    line_length: int | None = None,
    print_fn: Callable[[str], object] | None = None,
) -> None:
    """Print the summary of a model.

    Args:
        model_name: goes into the title.
        rows: the layers in the model's order.
        trainable, non_trainable: the sizes of the weights.
        optimizer: the size of the optimizer's variables, or None while it has none.
        line_length: the width of the table in characters; by default 88, or 108 with the column
            "Connected to", and less in a narrow terminal.
        print_fn: is called once with the whole text, without colours, instead of printing it.

    Raises:
        ValueError: if `line_length` leaves a column fewer than 4 characters.
    """
    from rich.console import Console, Group
    from rich.markup import escape

    sizes = {"Trainable": trainable, "Non-trainable": non_trainable}
    if optimizer is not None:
        sizes["Optimizer"] = optimizer
    total = Size(sum(s.params for s in sizes.values()), sum(s.bytes for s in sizes.values()))
    lines = [
        f"[bold] {kind} params: [/]{_number(f'{size.params:,}')} ({_memory(size.bytes)})"
        for kind, size in {"Total": total, **sizes}.items()
    ]
    title = f'[bold]Model: "{escape(model_name)}"[/]'
    text = Group(title, _table(rows, line_length), *lines)

    if print_fn is None:
        Console(highlight=False).print(text)
        return
    console = Console(highlight=False, force_terminal=False, color_system=None)
    with console.capture() as capture:
        console.print(text)
    print_fn(capture.get())


def _table(rows: Sequence[Row], line_length: int | None) -> Table:
    from rich.markup import escape
    from rich.table import Column, Table

    branched = any(row.connected_to is not None for row in rows)
    edges = [0.0, 0.3, 0.56, 0.74, 1.0] if branched else [0.0, 0.45, 0.80, 1.0]
    if line_length is None:
        line_length = min(108 if branched else 88, shutil.get_terminal_size().columns - 4)
    stops = [int(edge * line_length) for edge in edges]
    widths = [right - left for left, right in zip(stops, stops[1:], strict=False)]
    if min(widths) < 4:
        raise ValueError(
            f"summary: expected a line_length with 4 characters for every column, got {line_length}"
        )

    columns = [
        Column("Layer (type)", width=widths[0]),
        Column("Output Shape", width=widths[1]),
        Column("Param #", width=widths[2], justify="right"),
    ]
    if branched:
        columns.append(Column("Connected to", width=widths[3]))
    table = Table(*columns, width=line_length, show_lines=True)
    for row in rows:
        indent = "   " * row.level + "└ " if row.level else ""
        cells = [
            f"{escape(indent + row.name)} ([color(33)]{escape(row.class_name)}[/])",
            "?" if row.output_shape is None else _shapes(row.output_shape),
            _number(f"{row.params:,}") if row.built else f"{_number(row.params)} (unbuilt)",
        ]
        if branched:
            sources = [
                f"{name}[{_number(node)}][{_number(tensor)}]"
                for name, node, tensor in row.connected_to or ()
            ]
            cells.append(", ".join(sources) or "-")
        table.add_row(*cells)
    return table


def _shapes(shapes: Shape | list[Shape]) -> str:
    if isinstance(shapes, list):
        return f"[{', '.join(map(_shapes, shapes))}]" if len(shapes) != 1 else _shapes(shapes[0])
    return f"({', '.join(map(_number, shapes))})"


def _number(value: object) -> str:
    return f"[color({45 if value is None else 34})]{value}[/]"


def _memory(n_bytes: float) -> str:
    for unit in ("B", "KB", "MB", "GB", "TB"):
        if n_bytes < 1024:
            return f"{n_bytes:.2f} {unit}"
        n_bytes /= 1024
    return f"{n_bytes:.2f} PB"
