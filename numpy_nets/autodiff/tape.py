"""GradientTape: reverse-mode differentiation on an explicit list of records.

Running a program inside `with GradientTape() as tape` writes one record for each operation, in the
order of execution (a Wengert list, Wengert 1964). `gradient` reads the list backwards and applies
the chain rule: if y = f(a, b), then the gradient of the loss with respect to a is the gradient
with respect to y, multiplied by the Jacobian of f with respect to a. Each record holds this
vector-Jacobian product (VJP) as a function, one for each input.

    with GradientTape() as tape:
        loss = ops.mean(ops.square(model(x) - y))
    gradients = tape.gradient(loss, model.trainable_variables)

First derivatives only: `gradient` computes on plain arrays, which no tape can follow. An outer tape
records the gradients of an inner one, to raise an error if it is asked to differentiate them.
A tape records what the thread that runs its `with` block computes, and nothing of other threads.
"""

import os
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self, TypeAlias, overload

import numpy as np

from numpy_nets.autodiff.tensor import Array, Tensor, TensorLike, Variable

VJP: TypeAlias = Callable[[Array], Array]


class _Recording(threading.local):
    """`tapes`: those whose `with` block is running in this thread."""

    def __init__(self) -> None:
        self.tapes: list[GradientTape] = []


recording = _Recording()


class Record(NamedTuple):
    """`output` was computed from `inputs`; `vjps[i]` maps its gradient to that of `inputs[i]`.

    `call` is (function, arguments, options), what was called on the arrays of the arguments.
    """

    output: Tensor
    inputs: tuple[Any, ...]
    vjps: tuple[VJP, ...]
    call: tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]] | None = None


class GradientTape:
    """Records operations for automatic differentiation, with TensorFlow's names and rules.

    >>> x = Variable(3.0, name="x")
    >>> with GradientTape() as tape:
    ...     y = x * x + 2.0 * x
    >>> print(tape)
    %0 () = multiply(x (), x ())
    %1 () = multiply(2.0, x ())
    %2 () = add(%0, %1)
    >>> float(tape.gradient(y, x))  # 2 x + 2
    8.0

    The VJPs read the arrays that went into the operations, and nobody can see whether they still
    hold the same numbers. So until `gradient` is called, write into none of them: not into an
    array, `tensor.array` or a batch. `data = data * 100` makes a new array, and is safe; so are
    `Variable.assign` and a step of an optimizer.

    >>> data, w = np.array([3.0], "float32"), Variable([1.0])
    >>> with GradientTape() as tape:
    ...     y = data * w
    >>> data *= 100
    >>> tape.gradient(y, w).numpy().tolist()  # wrong: ∂y/∂w was 3
    [300.0]

    Python's garbage collector walks through the records of a long program again and again, and
    finds nothing to free: half the time of 30,000 small operations. `gc.disable()` before it, and
    `gc.enable()` after it, save that.

    Args:
        persistent: allow `gradient` to be called more than once.
        watch_accessed_variables: watch every trainable Variable that is used.
    """

    def __init__(self, persistent: bool = False, watch_accessed_variables: bool = True) -> None:
        self.persistent = persistent
        self.watch_accessed_variables = watch_accessed_variables
        self.records: list[Record] = []
        # By id, with the tensor itself, so that no id can pass to another object.
        self._tracked: dict[int, Tensor] = {}
        self._is_recording = False
        self._spent = False

    def __enter__(self) -> Self:
        if self._is_recording:
            raise ValueError("GradientTape: this tape is recording already")
        self._is_recording = True
        recording.tapes.append(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        recording.tapes.remove(self)
        self._is_recording = False

    def watch(self, tensor: Tensor | Iterable[Tensor]) -> None:
        """Follow a tensor, or several, from now on; trainable variables are followed anyway.

        >>> x = Tensor(3.0)
        >>> with GradientTape() as tape:
        ...     tape.watch(x)
        ...     y = x * x
        >>> float(tape.gradient(y, x))
        6.0

        Raises:
            TypeError: anything that is not a Tensor.
        """
        if not isinstance(tensor, Tensor | Iterable):
            raise TypeError(f"watch: expected a Tensor, got {type(tensor).__name__}")
        for x in [tensor] if isinstance(tensor, Tensor) else tensor:
            if not isinstance(x, Tensor):
                raise TypeError(f"watch: expected a Tensor, got {type(x).__name__}")
            self._tracked[id(x)] = x

    def record(
        self, output: Tensor, inputs: tuple[Any, ...], vjps: tuple[VJP, ...], call: Any = None
    ) -> None:
        """Write down one operation, if any of its inputs is followed."""
        tracked, followed = self._tracked, False
        for x in inputs:
            if id(x) in tracked:
                followed = True
            elif self._watches(x):
                tracked[id(x)] = x
                followed = True
        if followed:
            self.records.append(Record(output, inputs, vjps, call))
            tracked[id(output)] = output

    def _watches(self, x: Any) -> bool:
        return (
            self.watch_accessed_variables
            and isinstance(x, Variable)
            and x.trainable
            and x.array.dtype.kind == "f"
        )

    @overload
    def gradient(
        self, target: Tensor, sources: Tensor, output_gradients: TensorLike | None = None
    ) -> Tensor | None: ...
    @overload
    def gradient(
        self, target: Tensor, sources: Sequence[Tensor], output_gradients: TensorLike | None = None
    ) -> list[Tensor | None]: ...
    def gradient(
        self,
        target: Tensor,
        sources: Tensor | Sequence[Tensor],
        output_gradients: TensorLike | None = None,
    ) -> Tensor | None | list[Tensor | None]:
        """The gradient of sum(target) with respect to each source, in the source's shape.

        >>> x, unused = Variable([1.0, 2.0]), Variable(0.0)
        >>> with GradientTape() as tape:
        ...     y = x * x
        >>> by_x, by_unused = tape.gradient(y, [x, unused], output_gradients=[1.0, 10.0])
        >>> by_x.numpy().tolist(), by_unused
        ([2.0, 40.0], None)

        Args:
            target: a tensor of any shape.
            sources: one tensor, or a list of tensors.
            output_gradients: weights of the sum, in the shape of target: the vector v of vᵀJ.

        Returns:
            A Tensor, or None where the target does not depend on the source; a list of them if
            sources is a list. A crossentropy of p = sigmoid(z) is computed from z and does not
            depend on p, as in Keras: see `fused`.

        Raises:
            NotImplementedError: the target depends on a source through a gradient that another
                call computed while this tape was recording: a second derivative.
            RuntimeError: a second call on a tape that is not persistent.
            TypeError: a target or source that is not a Tensor, or a VJP that returns no array.
            ValueError: output_gradients in another shape than target, or a VJP's result in
                another shape than its input.
        """
        if self._spent:
            raise RuntimeError(
                "GradientTape.gradient was called already: "
                "use GradientTape(persistent=True) to call it more than once"
            )
        if not isinstance(sources, Tensor | Iterable):
            raise TypeError(f"gradient: sources: expected Tensors, got {type(sources).__name__}")
        listed = [sources] if isinstance(sources, Tensor) else list(sources)
        for x in [target, *listed]:
            if not isinstance(x, Tensor):
                raise TypeError(f"gradient: expected a Tensor, got {type(x).__name__}")
        gradients, path = self._backpropagate(target, listed, output_gradients)
        if recording.tapes:
            _forbid_second_derivatives(gradients, path, output_gradients)
        if not self.persistent:
            self._spent = True
            self.records, self._tracked = [], {}  # frees the arrays that the VJPs hold
        return gradients[0] if isinstance(sources, Tensor) else gradients

    def _backpropagate(
        self, target: Tensor, sources: list[Tensor], output_gradients: TensorLike | None
    ) -> tuple[list[Tensor | None], list[Record]]:
        """The gradients, and the records that they were computed from."""
        # A source that no operation has used yet is tracked too: its own gradient is 1.
        source_ids = {id(x) for x in sources if id(x) in self._tracked or self._watches(x)}

        # Forwards: what depends on a source?  Nothing else needs a gradient.
        needed = set(source_ids)
        for output, inputs, _, _ in self.records:
            for x in inputs:
                if id(x) in needed:
                    needed.add(id(output))
                    break

        # Backwards: the chain rule.  Sums make new arrays (never +=): an operation may have
        # returned one array as the gradient of two inputs.
        gradients = {id(target): _seed(target, output_gradients)} if id(target) in needed else {}
        path = []
        for record in reversed(self.records):
            output, inputs, vjps, _ = record
            gradient = gradients.get(id(output))
            if gradient is None:
                continue
            path.append(record)
            if id(output) not in source_ids:
                del gradients[id(output)]
            for x, vjp in zip(inputs, vjps, strict=True):
                key = id(x)
                if key in needed:
                    try:
                        part = vjp(gradient)
                    except Exception as error:
                        error.add_note(f"raised by {_vjp_name(record, vjp)}")
                        raise
                    if getattr(part, "shape", None) != x.array.shape or isinstance(part, Tensor):
                        raise _misshapen(_vjp_name(record, vjp), x, part)
                    gradients[key] = gradients[key] + part if key in gradients else part

        return [
            Tensor(gradients[id(x)], f"gradient of {x.name}") if id(x) in gradients else None
            for x in sources
        ], path

    def save_page(
        self,
        path: str | os.PathLike[str],
        target: Tensor | None = None,
        sources: Sequence[Tensor] | None = None,
        title: str = "Step by step",
    ) -> None:
        """Write a page that goes through the program, and then backwards through the chain rule.

        Each step shows its arrays, the formula and the source of the derivative, and central
        differences. Call it before `gradient`, which forgets the program.

        Args:
            path: an HTML file, which needs nothing else.
            target: as in `gradient`; the last thing computed, if None.
            sources: as in `gradient`; all that the tape watches, if None.
            title: the heading.

        Raises:
            ValueError: nothing was recorded, or it has been forgotten.
        """
        from numpy_nets.pages import stepper

        if not self.records:
            raise ValueError(
                "save_page: expected a recorded program, got none: call it before `gradient`, or "
                "use GradientTape(persistent=True)"
            )
        outputs = {id(record.output) for record in self.records}
        if sources is None:
            sources = [x for key, x in self._tracked.items() if key not in outputs]
        target = self.records[-1].output if target is None else target
        stepper.save(Path(path), self.records, target, list(sources), title)

    def __str__(self) -> str:
        """The recorded program, one line per record."""
        names: dict[int, str] = {}
        lines = []
        last_use = {id(x): number for number, record in enumerate(self.records) for x in record[1]}
        for number, (output, inputs, _, _) in enumerate(self.records):
            names[id(output)] = f"%{number}"
            described = ", ".join(_describe(x, names) for x in inputs)
            line = f"%{number} {output.shape} = {output.name}({described})"
            z = output.logits
            if z is not None and id(output) not in last_use and last_use.get(id(z), 0) > number:
                line += f"  # bypassed: a later line starts from {_describe(z, names)}"
            lines.append(line)
        return "\n".join(lines) or "(nothing recorded)"

    def __repr__(self) -> str:
        """What a prompt and a notebook show: the program, without the middle of a long one."""
        lines = str(self).splitlines()
        if len(lines) > 40:
            lines[20:-20] = [f"... {len(lines) - 40} records that print(tape) shows ..."]
        return "\n".join(lines)


def _describe(x: Any, names: dict[int, str]) -> str:
    if id(x) in names:
        return names[id(x)]
    if isinstance(x, Tensor):
        return f"{x.path if isinstance(x, Variable) else x.name} {x.shape}"
    return repr(x) if np.ndim(x) == 0 else f"constant {np.shape(x)}"


def _forbid_second_derivatives(
    gradients: list[Tensor | None], path: list[Record], output_gradients: TensorLike | None
) -> None:
    """Have the tapes that record now write down that `gradients` depend on the inputs of `path`."""
    used = [output_gradients, *(x for record in path for x in record.inputs)]
    inputs = {id(x): x for x in used if isinstance(x, Tensor)}
    for tape in recording.tapes:
        for gradient in gradients:
            if gradient is not None:
                tape.record(gradient, tuple(inputs.values()), (_second_derivative,) * len(inputs))


def _second_derivative(g: Array) -> Array:
    raise NotImplementedError(
        "gradient: first derivatives only: the target depends on a source through the result of "
        "another call of `gradient`, which has no VJP (ops.stop_gradient makes it a constant)"
    )


def _vjp_name(record: Record, vjp: VJP) -> str:
    return f"{record.output.name}: the VJP of input {record.vjps.index(vjp)}"


def _misshapen(name: str, x: Tensor, part: Any) -> Exception:
    expected = f"{name}: expected an array of shape {x.shape}, got"
    if isinstance(part, np.ndarray | np.generic):
        return ValueError(f"{expected} one of shape {part.shape}")
    return TypeError(f"{expected} {type(part).__name__}")


def _seed(target: Tensor, output_gradients: TensorLike | None) -> Array:
    if output_gradients is None:
        return np.ones_like(target.array)
    v = output_gradients.array if isinstance(output_gradients, Tensor) else output_gradients
    seed = np.array(v, dtype=target.dtype)  # a copy, because a gradient may be this very array
    if seed.shape != target.shape:
        raise ValueError(
            f"gradient: output_gradients: expected shape {target.shape}, got {seed.shape}"
        )
    return seed
