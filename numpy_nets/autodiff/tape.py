"""GradientTape: reverse-mode differentiation on an explicit list of records.

Running a program inside `with GradientTape() as tape` writes one record for each operation, in the
order of execution (a Wengert list, Wengert 1964). `gradient` reads the list backwards and applies
the chain rule: if y = f(a, b), then the gradient of the loss with respect to a is the gradient
with respect to y, multiplied by the Jacobian of f with respect to a. Each record holds this
vector-Jacobian product (VJP) as a function, one for each input.

    with GradientTape() as tape:
        loss = ops.mean(ops.square(model(x) - y))
    gradients = tape.gradient(loss, model.trainable_variables)

First derivatives only: `gradient` computes on plain arrays, which no tape can follow. Every thread
has its own list of tapes: a tape records what the thread that runs its `with` block computes.
"""

import threading
from collections.abc import Callable, Iterable, Sequence
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
    """`output` was computed from `inputs`; `vjps[i]` maps its gradient to that of `inputs[i]`."""

    output: Tensor
    inputs: tuple[Any, ...]
    vjps: tuple[VJP, ...]


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

    def record(self, output: Tensor, inputs: tuple[Any, ...], vjps: tuple[VJP, ...]) -> None:
        """Write down one operation, if any of its inputs is followed."""
        tracked, followed = self._tracked, False
        for x in inputs:
            if id(x) in tracked:
                followed = True
            elif self._watches(x):
                tracked[id(x)] = x
                followed = True
        if followed:
            self.records.append(Record(output, inputs, vjps))
            tracked[id(output)] = output

    def _watches(self, x: Any) -> bool:
        return self.watch_accessed_variables and isinstance(x, Variable) and x.trainable

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
            sources is a list.

        Raises:
            RuntimeError: a second call on a tape that is not persistent.
            TypeError: a target or source that is not a Tensor.
            ValueError: output_gradients in another shape than target.
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
        gradients = self._backpropagate(target, listed, output_gradients)
        if not self.persistent:
            self._spent = True
            self.records, self._tracked = [], {}  # frees the arrays that the VJPs hold
        return gradients[0] if isinstance(sources, Tensor) else gradients

    def _backpropagate(
        self, target: Tensor, sources: list[Tensor], output_gradients: TensorLike | None
    ) -> list[Tensor | None]:
        # A source that no operation has used yet is tracked too: its own gradient is 1.
        source_ids = {id(x) for x in sources if id(x) in self._tracked or self._watches(x)}

        # Forwards: what depends on a source?  Nothing else needs a gradient.
        needed = set(source_ids)
        for output, inputs, _ in self.records:
            for x in inputs:
                if id(x) in needed:
                    needed.add(id(output))
                    break

        # Backwards: the chain rule.  Sums make new arrays (never +=): an operation may have
        # returned one array as the gradient of two inputs.
        gradients = {id(target): _seed(target, output_gradients)} if id(target) in needed else {}
        for output, inputs, vjps in reversed(self.records):
            gradient = gradients.get(id(output))
            if gradient is None:
                continue
            if id(output) not in source_ids:
                del gradients[id(output)]
            for x, vjp in zip(inputs, vjps, strict=True):
                key = id(x)
                if key in needed:
                    part = vjp(gradient)
                    gradients[key] = gradients[key] + part if key in gradients else part

        return [
            Tensor(gradients[id(x)], f"gradient of {x.name}") if id(x) in gradients else None
            for x in sources
        ]

    def __str__(self) -> str:
        """The recorded program, one line per record."""
        names: dict[int, str] = {}
        lines = []
        for number, (output, inputs, _) in enumerate(self.records):
            names[id(output)] = f"%{number}"
            described = ", ".join(_describe(x, names) for x in inputs)
            lines.append(f"%{number} {output.shape} = {output.name}({described})")
        return "\n".join(lines) or "(nothing recorded)"


def _describe(x: Any, names: dict[int, str]) -> str:
    if id(x) in names:
        return names[id(x)]
    if isinstance(x, Tensor):
        return f"{x.name} {x.shape}"
    return repr(x) if np.ndim(x) == 0 else f"constant {np.shape(x)}"


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
