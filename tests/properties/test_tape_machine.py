"""Any sequence of record, watch, gradient and nested tapes, beside a reference interpretation.

The reference differentiates forwards, with dual numbers (Clifford 1873): to find ∂y/∂x it runs
the recorded polynomials again, with x + δ for x and δ² = 0, and reads the factor of δ. It shares
nothing with the tape but the rule of what is recorded: an operation of which an input is followed.
"""

from dataclasses import dataclass, field

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
)
from strategies import fewer

from numpy_nets import GradientTape, Variable, ops
from numpy_nets.autodiff.tape import Record
from numpy_nets.autodiff.tensor import Tensor

whole = st.integers(-3, 3).map(float)

# Operations with their values and derivatives at plain numbers.
OPS = {
    "add": (ops.add, lambda a, b: a + b, lambda a, b: (1, 1)),
    "subtract": (ops.subtract, lambda a, b: a - b, lambda a, b: (1, -1)),
    "multiply": (ops.multiply, lambda a, b: a * b, lambda a, b: (b, a)),
    "square": (ops.square, lambda a: a * a, lambda a: (2 * a,)),
    "negative": (ops.negative, lambda a: -a, lambda a: (-1,)),
}


def is_gradient(record: Record) -> bool:
    return record.output.name.startswith("gradient of")


@dataclass(eq=False)
class Reference:
    """What a tape has written down, and which tensors it follows."""

    tape: GradientTape
    persistent: bool
    sees_variables: bool
    recording: bool = True
    spent: bool = False
    gradients: int = 0  # results of `gradient` that it has written down
    program: list[tuple[Tensor, list[Tensor], tuple[float, ...]]] = field(default_factory=list)
    followed: list[Tensor] = field(default_factory=list)

    def follows(self, x: Tensor) -> bool:
        by_itself = self.sees_variables and isinstance(x, Variable) and x.trainable
        return by_itself or any(x is y for y in self.followed)

    def record(self, output: Tensor, inputs: list[Tensor], slopes: tuple[float, ...]) -> None:
        known = [x for x in inputs if self.follows(x)]
        if known:
            self.program.append((output, inputs, slopes))
            self.followed += [*known, output]

    def record_gradients(self) -> None:
        """An inner gradient is an operation too: what it was computed from is followed."""
        gradients = [record for record in self.tape.records if is_gradient(record)]
        for record in gradients[self.gradients :]:
            self.followed += [x for x in record.inputs if self.follows(x)]
        self.gradients = len(gradients)

    def derivative(self, target: Tensor, source: Tensor) -> float | None:
        """The factor of δ in target, with source + δ; None if it is not in it at all."""
        if not self.follows(source):
            return None
        factor = {id(source): 1.0}
        for output, inputs, slopes in self.program:
            if output is not source and any(id(x) in factor for x in inputs):
                factor[id(output)] = sum(
                    slope * factor.get(id(x), 0.0) for x, slope in zip(inputs, slopes, strict=True)
                )
        return factor.get(id(target))


class TapeMachine(RuleBasedStateMachine):
    tensors = Bundle("tensors")
    variables = Bundle("variables")
    tapes = Bundle("tapes")
    open_tapes = Bundle("open_tapes")

    def __init__(self) -> None:
        super().__init__()
        self.references: list[Reference] = []
        self.values: list[tuple[Tensor, float]] = []

    def remember(self, x: Tensor, value: float) -> Tensor:
        self.values = [(y, v) for y, v in self.values if y is not x] + [(x, value)]
        return x

    def value(self, x: Tensor) -> float:
        return next(v for y, v in self.values if y is x)

    @initialize(target=variables, value=whole)
    def first_variable(self, value):
        return self.variable_of(value, True)

    @initialize(target=open_tapes)
    def first_tape(self):
        return self.entered(True, True)

    @rule(target=tensors, value=whole)
    def constant(self, value):
        return self.remember(Tensor(value), value)

    @rule(target=variables, value=whole, trainable=st.booleans())
    def variable(self, value, trainable):
        return self.variable_of(value, trainable)

    def variable_of(self, value, trainable):
        return self.remember(Variable(value, dtype="float64", trainable=trainable), value)

    @rule(target=open_tapes, persistent=st.booleans(), sees_variables=st.booleans())
    def enter(self, persistent, sees_variables):
        return self.entered(persistent, sees_variables)

    def entered(self, persistent, sees_variables):
        tape = GradientTape(persistent, watch_accessed_variables=sees_variables)
        self.references.append(Reference(tape.__enter__(), persistent, sees_variables))
        return self.references[-1]

    @rule(target=tapes, reference=consumes(open_tapes))
    def leave(self, reference):
        """In any order, as tapes need not be nested."""
        reference.tape.__exit__(None, None, None)
        reference.recording = False
        return reference

    @rule(reference=open_tapes | tapes, x=tensors | variables)
    def watch(self, reference, x):
        reference.tape.watch(x)
        reference.followed.append(x)

    @rule(target=tensors, name=st.sampled_from(sorted(OPS)), a=tensors | variables, data=st.data())
    def compute(self, name, a, data):
        op, value, slopes = OPS[name]
        inputs = [a]
        if name in ("add", "subtract", "multiply"):
            inputs.append(data.draw(st.sampled_from([x for x, _ in self.values])))
        at = [self.value(x) for x in inputs]
        if abs(value(*at)) > 1e6:  # so that all numbers are whole and exact
            return multiple()
        output = op(*inputs)
        for reference in self.references:
            if reference.recording:
                reference.record(output, inputs, slopes(*at))
        return self.remember(output, value(*at))

    @rule(x=variables, value=whole)
    def assign(self, x, value):
        """What was recorded before stays differentiated at the old value."""
        x.assign(value)
        self.remember(x, value)

    @rule(x=variables)
    def freeze_or_unfreeze(self, x):
        x.trainable = not x.trainable

    @rule(
        reference=open_tapes | tapes, y=tensors | variables,
        sources=st.lists(tensors | variables, min_size=1, max_size=3), weight=whole,
    )  # fmt: skip
    def differentiate(self, reference, y, sources, weight):
        if reference.spent:
            with pytest.raises(RuntimeError, match="called already"):
                reference.tape.gradient(y, sources)
            return
        self.compare(reference, y, sources, weight)
        if not reference.persistent:
            reference.spent = True
            reference.program, reference.followed = [], []

    def compare(self, reference, y, sources, weight):
        found = reference.tape.gradient(y, sources, output_gradients=weight)
        for other in self.references:
            if other.recording:
                other.record_gradients()
        for source, gradient in zip(sources, found, strict=True):
            expected = reference.derivative(y, source)
            if expected is None:
                assert gradient is None
            else:
                assert float(gradient) == pytest.approx(weight * expected, rel=1e-12)

    @invariant()
    def persistent_tapes_know_the_gradient_of_what_they_wrote_last(self):
        for reference in self.references:
            if reference.persistent and reference.program:
                y, _, _ = reference.program[-1]
                self.compare(reference, y, [x for x, _ in self.values], 1.0)

    @invariant()
    def values_are_what_was_computed(self):
        for x, value in self.values:
            assert float(x) == value

    @invariant()
    def tapes_hold_the_reference_s_program(self):
        for reference in self.references:
            records = reference.tape.records
            found = [record.output for record in records if not is_gradient(record)]
            expected = [output for output, _, _ in reference.program]
            assert len(found) == len(expected)
            assert all(a is b for a, b in zip(found, expected, strict=True))

    def teardown(self) -> None:
        for reference in self.references:
            if reference.recording:
                reference.tape.__exit__(None, None, None)


TestTape = TapeMachine.TestCase
TestTape.settings = settings(fewer(2), stateful_step_count=40)
