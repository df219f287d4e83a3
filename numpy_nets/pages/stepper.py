"""A tape as a page: the program forwards, the chain rule backwards, one record at a time.

Every value on the page is one that was computed; large arrays are thinned, by leaving rows and
columns out, never by averaging. Beside each gradient stand central differences, for which the
program runs again in float64.
"""

import ast
import base64
import functools
import inspect
import linecache
import re
from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from numpy_nets import pages

ROWS, COLUMNS, IMAGES = 40, 64, 6  # of a heat map; images of a batch
NUMBERS = 24  # entries of an array that is shown as numbers
CHECKED = 3  # entries of a gradient that are compared with central differences
STEP = 1e-5  # of the central differences

Array = Any  # np.ndarray; this package knows nothing of tensors but .array and .name


def save(
    path: Path, records: Sequence[Any], target: Any, sources: Sequence[Any], title: str
) -> None:
    """Write the page of a tape's records.

    Args:
        records: (output, inputs, vjps, call) in the order of execution, where call is
            (function, arguments, options), with which the value can be computed again.
        target: the tensor whose gradient is shown, with respect to each of the sources.
        title: what the page is headed with.
    """
    page = pages.fill(
        "stepper", title=escape(title), data=pages.as_json(_data(records, target, sources, title))
    )
    path.write_text(page, encoding="utf-8")


def _data(records: Sequence[Any], target: Any, sources: Sequence[Any], title: str) -> Any:
    """All that the page shows."""
    views: list[Any] = []  # of arrays; the steps refer to them by position
    seen: dict[int, int] = {}
    kept: list[Array] = []  # keeps the arrays alive, and so their ids their own

    def view(array: Array, signed: bool = False) -> int:
        key = id(array) * 2 + signed
        if key not in seen:
            seen[key] = len(views)
            views.append(as_view(array, signed))
            kept.append(array)
        return seen[key]

    names = {id(x): x.name for x in sources}
    program, steps = [], []
    for number, (output, inputs, _, call) in enumerate(records):
        names[id(output)] = f"%{number}"
        program.append(
            {
                "name": f"%{number}",
                "text": f"{output.name}({', '.join(_describe(x, names) for x in inputs)})",
                "shape": list(output.array.shape),
                "doc": _first_paragraph(call),
            }
        )
        steps.append({"kind": "forward", "record": number, "value": view(output.array),
                      "inputs": [{"name": _describe(x, names), "value": view(_array(x))}
                                 for x in inputs]})  # fmt: skip
    again = _Again(records, target)
    gradients: dict[int, Array] = {id(target): np.ones_like(target.array)}
    wanted = _depending(records, sources)
    steps.append({"kind": "seed", "name": _describe(target, names),
                  "value": view(gradients[id(target)], True)})  # fmt: skip
    for number, (output, inputs, vjps, call) in reversed(list(enumerate(records))):
        g = gradients.get(id(output))
        if g is None:
            continue
        for i, (x, vjp) in enumerate(zip(inputs, vjps, strict=True)):
            if id(x) not in wanted:
                continue
            part = vjp(g)
            before = gradients.get(id(x))
            gradients[id(x)] = part if before is None else before + part
            steps.append(
                {
                    "kind": "backward",
                    "record": number,
                    "to": _describe(x, names),
                    "incoming": view(g, True),
                    "checks": again.checks(output, g),
                    "formula": _clause(call, i),
                    "source": source_of(vjp),
                    "part": view(part, True),
                    "sum": None if before is None else view(gradients[id(x)], True),
                }
            )
    for x in sources:
        if id(x) in gradients:
            steps.append({"kind": "source", "name": _describe(x, names),
                          "value": view(gradients[id(x)], True),
                          "checks": again.checks(x, gradients[id(x)])})  # fmt: skip
        else:
            steps.append({"kind": "none", "name": _describe(x, names)})
    return {"title": title, "program": program, "steps": steps, "views": views}


def _depending(records: Sequence[Any], sources: Sequence[Any]) -> set[int]:
    """The ids of the sources and of all that depends on one of them."""
    wanted = {id(x) for x in sources}
    for output, inputs, _, _ in records:
        if any(id(x) in wanted for x in inputs):
            wanted.add(id(output))
    return wanted


class _Again:
    """The program, run again in float64 with one entry moved."""

    def __init__(self, records: Sequence[Any], target: Any) -> None:
        self.records, self.target = records, target

    def checks(self, x: Any, gradient: Array) -> list[Any]:
        """Entries where the gradient is largest: [position, gradient, central difference]."""
        if any(call is None for *_, call in self.records):
            return []
        order = np.argsort(-np.abs(gradient), axis=None, kind="stable")[:CHECKED]
        found = []
        for position in order:
            at = np.unravel_index(int(position), gradient.shape)
            ends = [self.loss(x, at, sign * STEP) for sign in (1, -1)]
            difference = (ends[0] - ends[1]) / (2 * STEP)
            found.append([f"[{', '.join(map(str, at))}]" if at else "", _number(gradient[at]),
                          _number(difference), bool(_close(gradient, at, difference))])  # fmt: skip
        return found

    def loss(self, moved: Any, at: tuple[Any, ...], by: float) -> float:
        """The sum of the target, with one entry of `moved` changed."""
        changed = _double(moved.array)
        changed[at] += by
        values = {id(moved): changed}
        for output, _, _, (function, arguments, options) in self.records:
            if id(output) not in values:
                inputs = (values.get(id(x)) if id(x) in values else _double(x) for x in arguments)
                values[id(output)] = np.asarray(function(*inputs, **options)[0])
        return float(np.sum(values[id(self.target)]))


def _close(gradient: Array, at: tuple[Any, ...], difference: float) -> bool:
    scale = max(float(np.max(np.abs(gradient))), 1e-30)
    single = gradient.dtype != np.float64
    return abs(float(gradient[at]) - difference) <= (1e-3 if single else 1e-5) * scale


def _double(x: Any) -> Any:
    """A copy in float64 of what is a float; anything else as it is."""
    array = getattr(x, "array", x)
    if isinstance(array, np.ndarray | np.generic) and array.dtype.kind == "f":
        return np.array(array, np.float64)
    return array


def _array(x: Any) -> Array:
    return np.asarray(getattr(x, "array", x))


def _describe(x: Any, names: dict[int, str]) -> str:
    if id(x) in names:
        return names[id(x)]
    if hasattr(x, "array"):
        return str(x.name)
    return repr(x) if np.ndim(x) == 0 else "constant"


def _number(x: Any) -> str:
    return f"{float(x):.6g}"


def as_view(array: Array, signed: bool = False) -> dict[str, Any]:
    """What is drawn of an array: numbers, images or a heat map, beside figures of the whole array.

    Args:
        signed: 0 is in the middle of the colours, as for a gradient, even if nothing is negative.

    >>> as_view(np.array([[1.0, 2.0]]))["numbers"]
    [['1', '2']]
    >>> as_view(np.eye(100, 10))["note"]
    'every 3rd of 100 rows'
    """
    values = np.asarray(array)
    shown = {"shape": list(values.shape), "dtype": str(values.dtype)}
    if not values.size:
        return shown | {"note": "empty"}
    values = values.astype(np.float64)
    shown["figures"] = ", ".join(
        f"{name} {_number(figure)}"
        for name, figure in (("least", values.min()), ("mean", values.mean()),
                             ("largest", values.max()), ("norm", np.sqrt(np.sum(values**2))))
    )  # fmt: skip
    rows = values.reshape(-1, values.shape[-1]) if values.ndim else values.reshape(1, 1)
    if values.size <= NUMBERS:
        return shown | {"numbers": [[f"{x:.4g}" for x in row] for row in rows]}
    if values.min() == values.max():
        return shown | {"note": "all entries are the same"}
    side = round(np.sqrt(rows.shape[1]))
    if side * side == rows.shape[1] and side >= 8:
        pixels = rows[:IMAGES].reshape(-1, side, side)
        note = f"the first {len(pixels)} of {len(rows)} rows, each as {side} × {side}"
    else:
        down, across = (-(-n // most) for n, most in zip(rows.shape, (ROWS, COLUMNS), strict=True))
        pixels = rows[None, ::down, ::across]
        thinned = (_every(down, rows.shape[0], "rows"), _every(across, rows.shape[1], "columns"))
        note = ", ".join(words for words in thinned if words)
    signed = signed or values.min() < 0
    scale = np.max(np.abs(values[np.isfinite(values)]), initial=0) or 1.0
    with np.errstate(invalid="ignore"):
        levels = 128 + 127 * pixels / scale if signed else 255 * pixels / scale
    levels = np.nan_to_num(np.clip(levels, 0, 255)).round().astype(np.uint8)
    return shown | {
        "note": note, "signed": bool(signed), "size": list(pixels.shape), "scale": _number(scale),
        "pixels": base64.b64encode(levels.tobytes()).decode(),
    }  # fmt: skip


def _every(step: int, count: int, what: str) -> str:
    if step == 1:
        return ""
    ending = {1: "st", 2: "nd", 3: "rd"}.get(step % 10 if step // 10 % 10 != 1 else 0, "th")
    return f"every {step}{ending} of {count} {what}"


def _function(call: Any) -> Callable[..., Any] | None:
    return None if call is None else inspect.unwrap(call[0])


def _first_paragraph(call: Any) -> str:
    """What an operation says of itself: its formula, and the derivatives."""
    function = _function(call)
    return (inspect.getdoc(function) or "").split("\n\n")[0] if function else ""


def _clause(call: Any, i: int) -> str:
    """`∂L/∂X = …` of input i, as the first paragraph has it; "" if it does not."""
    clauses = re.findall(r"∂L/∂\w+ = .*?(?=,?\s+∂L/∂|\.(?:\s|$)|;|$)", _first_paragraph(call), re.S)
    return " ".join(clauses[min(i, len(clauses) - 1)].split()) if clauses else ""


def source_of(vjp: Callable[..., Any]) -> str:
    """The lines of a VJP, "" where they cannot be found."""
    if isinstance(vjp, functools.partial):
        vjp = vjp.func
    code = getattr(vjp, "__code__", None)
    if code is None:
        return ""
    lines = linecache.getlines(code.co_filename)
    if not lines:
        return ""
    text, tree = "".join(lines), _parsed(code.co_filename, len(lines))
    nodes = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Lambda | ast.FunctionDef) and node.lineno == code.co_firstlineno
    ] if tree else []  # fmt: skip
    starts = [p[2] for p in code.co_positions() if p[0] == code.co_firstlineno and p[2] is not None]
    column = max(starts, default=0)
    inside = [n for n in nodes if n.col_offset <= column <= (n.end_col_offset or 0)] or nodes
    if not inside:
        return ""
    first, *rest = (ast.get_source_segment(text, inside[-1]) or "").split("\n")
    return "\n".join([first, *(line[inside[-1].col_offset :] for line in rest)])


@functools.lru_cache(maxsize=32)
def _parsed(file: str, length: int) -> ast.Module | None:
    try:
        return ast.parse("".join(linecache.getlines(file)))
    except SyntaxError:
        return None
