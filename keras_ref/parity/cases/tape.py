"""GradientTape and TensorFlow's: what is None, what adds up, what is watched."""

import functools
from collections.abc import Callable, Iterator
from typing import Any

import keras
import tensorflow as tf

import numpy_nets
from keras_ref.parity.both import as_array, normal
from keras_ref.parity.case import Case, Pair

# A program takes the library k, its GradientTape, two variables (3, 4) and (4,), and a constant
# (3, 4), and returns gradients by name.
Program = Callable[[Any, Any, Any, Any, Any], dict[str, Any]]


def _unconnected(k: Any, tape_class: Any, v: Any, w: Any, c: Any) -> dict[str, Any]:
    with tape_class() as tape:
        y = k.ops.sum(k.ops.square(v))
    of_v, of_w, of_c = tape.gradient(y, [v, w, c])
    return {"connected": of_v, "unused variable": of_w, "constant": of_c}


def _constants(k: Any, tape_class: Any, v: Any, w: Any, c: Any) -> dict[str, Any]:
    with tape_class() as tape:
        y = k.ops.sum(k.ops.exp(c) * w)
    with tape_class() as watching:
        watching.watch(c)
        z = k.ops.sum(k.ops.exp(c) * w)
    of_c, of_w = watching.gradient(z, [c, w])
    return {"not watched": tape.gradient(y, c), "watched": of_c, "variable": of_w}


def _non_scalar(k: Any, tape_class: Any, v: Any, w: Any, c: Any) -> dict[str, Any]:
    with tape_class() as tape:
        y = k.ops.tanh(v * w)
    of_v, of_w = tape.gradient(y, [v, w])
    return {"left": of_v, "right": of_w}


def _persistent(k: Any, tape_class: Any, v: Any, w: Any, c: Any) -> dict[str, Any]:
    with tape_class(persistent=True) as tape:
        y = k.ops.square(v)
        z = k.ops.sum(y * w)
    return {
        "first": tape.gradient(z, v),
        "second": tape.gradient(z, w),
        "third": tape.gradient(y, v),
        "an intermediate": tape.gradient(z, y),
    }


def _nested(k: Any, tape_class: Any, v: Any, w: Any, c: Any) -> dict[str, Any]:
    with tape_class() as outer:
        y = k.ops.square(v)
        with tape_class() as inner:
            z = k.ops.sum(k.ops.exp(y) * w)
        u = z * k.ops.sum(w)
    of_v, of_w = outer.gradient(u, [v, w])
    return {"outer, v": of_v, "outer, w": of_w, "inner, w": inner.gradient(z, w)}


def _inner_sees_no_more(k: Any, tape_class: Any, v: Any, w: Any, c: Any) -> dict[str, Any]:
    with tape_class():
        y = k.ops.square(v)
        with tape_class() as inner:
            z = k.ops.sum(y * w)
    return {"computed before": inner.gradient(z, v)}


def _diamond(k: Any, tape_class: Any, v: Any, w: Any, c: Any) -> dict[str, Any]:
    with tape_class() as tape:
        a = k.ops.exp(v)
        b = a * a + a
        y = k.ops.sum(b / (a + 1.0)) + k.ops.sum(a)
    return {"gradient": tape.gradient(y, v)}


def _self(k: Any, tape_class: Any, v: Any, w: Any, c: Any) -> dict[str, Any]:
    with tape_class() as tape:
        tape.watch(c)
        y = k.ops.square(c)
    return {"of itself": tape.gradient(y, y)}


def _stopped(k: Any, tape_class: Any, v: Any, w: Any, c: Any) -> dict[str, Any]:
    with tape_class() as tape:
        y = k.ops.sum(k.ops.stop_gradient(k.ops.exp(v)) * v) + k.ops.sum(k.ops.stop_gradient(w))
    of_v, of_w = tape.gradient(y, [v, w])
    return {"half stopped": of_v, "stopped": of_w}


def _weighted(k: Any, tape_class: Any, v: Any, w: Any, c: Any) -> dict[str, Any]:
    with tape_class() as tape:
        y = k.ops.sum(k.ops.tanh(v) * w, axis=1)
    return {"gradient": tape.gradient(y, v, output_gradients=k.ops.convert_to_tensor(c[:, 0]))}


def _not_watching(k: Any, tape_class: Any, v: Any, w: Any, c: Any) -> dict[str, Any]:
    with tape_class(watch_accessed_variables=False) as tape:
        tape.watch(c)
        y = k.ops.sum(c * w)
    of_c, of_w = tape.gradient(y, [c, w])
    return {"watched": of_c, "variable": of_w}


def _assigned(k: Any, tape_class: Any, v: Any, w: Any, c: Any) -> dict[str, Any]:
    """An assignment after the recording does not change the gradient."""
    with tape_class() as tape:
        y = k.ops.sum(k.ops.square(v))
    v.assign(v * 2.0)
    return {"gradient": tape.gradient(y, v)}


def _run(program: Program, dtype: str) -> Iterator[Pair]:
    arrays = [normal(3, 4).astype(dtype), normal(4).astype(dtype), normal(3, 4, seed=1)]
    constant = arrays[2].astype(dtype)
    ours = program(
        numpy_nets,
        numpy_nets.GradientTape,
        numpy_nets.Variable(arrays[0]),
        numpy_nets.Variable(arrays[1]),
        numpy_nets.ops.convert_to_tensor(constant),
    )
    theirs = program(
        keras,
        tf.GradientTape,
        keras.Variable(arrays[0], dtype=dtype),
        keras.Variable(arrays[1], dtype=dtype),
        tf.constant(constant),
    )
    for name, gradient in ours.items():
        yield name, as_array(gradient), as_array(theirs[name])


CASES = [
    Case("tape", "GradientTape", functools.partial(_run, program), variant)
    for variant, program in [
        ("unconnected sources", _unconnected),
        ("constants", _constants),
        ("a target that is not a scalar", _non_scalar),
        ("persistent", _persistent),
        ("nested", _nested),
        ("an inner tape", _inner_sees_no_more),
        ("a diamond", _diamond),
        ("a target as source", _self),
        ("stop_gradient", _stopped),
        ("output_gradients", _weighted),
        ("watch_accessed_variables=False", _not_watching),
        ("a variable assigned later", _assigned),
    ]
]
