"""@op turns a function on arrays into an operation on tensors, and checks dtypes."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from numpy_nets import config
from numpy_nets.autodiff.tape import VJP, recording
from numpy_nets.autodiff.tensor import Symbolic, Tensor

_ARRAYS = (np.ndarray, np.generic)


def op(function: Callable[..., tuple[Any, tuple[VJP, ...]]]) -> Callable[..., Tensor]:
    """Turn a function on arrays into an operation on tensors.

    >>> @op
    ... def cube(x):
    ...     return x**3, (lambda g: 3 * g * x**2,)
    >>> cube(np.array([1.0, 2.0])).numpy().tolist()
    [1.0, 8.0]

    `function(*arrays, **options)` returns the value and a tuple of VJPs, one for each of its
    leading positional arguments that may be differentiated. A VJP is called only when the gradient
    with respect to its input is asked for. It may return `g`, a view of `g` or a new array, but
    must not write into `g`.

    Arguments may be Tensors, arrays, or Python scalars, which take the dtype of the others, or
    `config.floatx()` if there are none. Tensors must be passed by position.

    Raises:
        TypeError: a float32 tensor meets an array that would turn the result into float64, as
            nothing here computes in float64 without being told to; an `Input` in place of an
            array; a function that does not return a value and a tuple.
    """
    name = function.__name__.lstrip("_")

    @functools.wraps(function)
    def apply(*args: Any, **options: Any) -> Tensor:
        arrays = [x.array if isinstance(x, Tensor) else _weak(x) for x in args]
        for key, x in options.items():
            if isinstance(x, Tensor):
                raise TypeError(f"{name}: {key}: expected a Tensor by position, not by name")
            options[key] = _weak(x)
        try:
            result = function(*arrays, **options)
        except (ValueError, IndexError, TypeError) as error:
            raise _named(name, error) from None
        try:
            value, vjps = result
        except (ValueError, TypeError):
            raise TypeError(_unexpected(name, result)) from None
        if type(vjps) is not tuple:
            raise TypeError(_unexpected(name, result))
        if not isinstance(value, _ARRAYS):
            value = _array(name, value)
        if value.dtype == np.float64 and "dtype" not in options:
            value = _float64(name, value, [*arrays, *options.values()])
        output = Tensor(value, name)
        # An operation may take options after its inputs, and fewer inputs than it has VJPs.
        for tape in recording.tapes:
            call = (function, args, options)
            tape.record(output, args[: len(vjps)], vjps[: len(args)], call)
        return output

    return apply


def _unexpected(name: str, result: Any) -> str:
    kind = type(result).__name__
    if isinstance(result, tuple):
        kind = f"({', '.join(type(part).__name__ for part in result)})"
    one = isinstance(result, tuple) and len(result) == 2 and callable(result[1])
    hint = "; a tuple of one VJP has a comma: (vjp,)" if one else ""
    return f"{name}: expected it to return a value and a tuple of VJPs, got {kind}{hint}"


def _array(name: str, value: Any) -> Any:
    """The value of an operation on Python numbers as an array."""
    if isinstance(value, bool | int | float):
        return np.asarray(value)
    raise TypeError(f"{name}: expected it to return an array, got {type(value).__name__}")


def float_op(function: Callable[..., tuple[Any, tuple[VJP, ...]]]) -> Callable[..., Tensor]:
    """An @op of one array of real numbers; integers and booleans become `config.floatx()` first.

    So `exp` of int8 is float32, as in Keras; NumPy alone would return float16. No gradient flows
    to integers. float16 is computed in float32 and rounded at the end: the sum of a mean or of a
    softmax may be larger than 65504, where float16 ends.
    """

    @functools.wraps(function)
    def on_floats(x: Any, *args: Any, **options: Any) -> tuple[Any, tuple[VJP, ...]]:
        if isinstance(x, _ARRAYS) and x.dtype.char in "fdg":
            return function(x, *args, **options)
        array = np.asarray(x)
        if array.dtype.kind not in "fiub":
            raise TypeError(f"expected real numbers, got {array.dtype}")
        if array.dtype == np.float16:
            value, (vjp,) = function(array.astype(np.float32), *args, **options)
            return value.astype(np.float16), (
                lambda g: vjp(g.astype(np.float32)).astype(np.float16),
            )
        value, _ = function(array.astype(config.floatx()), *args, **options)
        return value, ()

    return op(on_floats)


def _named(name: str, error: Exception) -> Exception:
    """NumPy's error as one line that begins with the name of the operation."""
    line = " ".join(str(error).split())
    if line.startswith((f"{name}:", "tensor[index]:")):
        return error
    kinds = (ValueError, IndexError, TypeError)  # NumPy's subclasses have other constructors
    return next(kind for kind in kinds if isinstance(error, kind))(f"{name}: {line}")


def _weak(x: Any) -> Any:
    """np.float64 as a float, which does not turn float32 arrays into float64."""
    if isinstance(x, Symbolic):
        x.__array__()  # raises
    return float(x) if type(x) is np.float64 else x


def _float64(name: str, value: Any, inputs: list[Any]) -> Any:
    """The float64 result `value`: kept if an input is float64, cast to floatx if none is.

    Raises TypeError if a float32 input was promoted.
    """
    arrays = (x for x in inputs if isinstance(x, np.ndarray | np.generic))
    dtypes = [x.dtype.newbyteorder("=") for x in arrays]  # files may be big-endian
    if np.float32 in dtypes:
        promoted = (x for x in inputs if isinstance(x, np.ndarray | np.generic | list))
        kinds = " and ".join(dict.fromkeys(str(getattr(x, "dtype", "list")) for x in promoted))
        raise TypeError(f"{name}: {kinds} would compute in float64: use ops.cast on one of them")
    return value if np.float64 in dtypes else value.astype(config.floatx())
