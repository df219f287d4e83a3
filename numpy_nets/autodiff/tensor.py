"""Tensor and Variable: an array with a name.  The mathematics is in `ops`."""

from collections.abc import Callable
from typing import Any, ClassVar, TypeAlias, Union

import numpy as np
import numpy.typing as npt

from numpy_nets import config

Array: TypeAlias = npt.NDArray[Any]
TensorLike: TypeAlias = Union["Tensor", npt.ArrayLike]
Unary: TypeAlias = Callable[["Tensor"], "Tensor"]
Binary: TypeAlias = Callable[["Tensor", Any], "Tensor"]


class Symbolic:
    """What stands for a value that a model will compute, such as an `Input`: layers take it."""

    def __array__(self, *_args: Any, **_kwargs: Any) -> Array:
        raise TypeError(
            f"operations take arrays and Tensors, but {self!r} has no values yet: "
            "call layers on it, or write the operation into the `call` of a layer of your own"
        )

    def _refuse(self, *_args: Any) -> Any:
        return self.__array__()

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __neg__ = __abs__ = _refuse
    __truediv__ = __rtruediv__ = __pow__ = __rpow__ = __matmul__ = __rmatmul__ = _refuse
    __lt__ = __le__ = __gt__ = __ge__ = __getitem__ = __len__ = __float__ = _refuse


# What Tensor's methods call the operators of an array on their left.
_REFLECTED = {
    "add": "__radd__", "subtract": "__rsub__", "multiply": "__rmul__", "divide": "__rtruediv__",
    "power": "__rpow__", "matmul": "__rmatmul__", "equal": "__eq__", "not_equal": "__ne__",
    "less": "__gt__", "less_equal": "__ge__", "greater": "__lt__", "greater_equal": "__le__",
}  # fmt: skip


class Tensor:
    """An array that a tape can follow.

    >>> Tensor([1.0, 2.0]) * 3.0
    <Tensor multiply (2,) float64>
    [3. 6.]

    `array` is the value, `name` is what `print(tape)` shows. `logits` is set on the output of a
    sigmoid or softmax activation: the crossentropies compute from it instead of taking the
    logarithm of a rounded probability (Keras's `_keras_logits`).
    """

    __slots__ = ("array", "logits", "name")

    # `a + b` is `ops.add(a, b)`: ops.py knows the derivatives and binds these names.
    __add__: ClassVar[Binary]
    __radd__: ClassVar[Binary]
    __sub__: ClassVar[Binary]
    __rsub__: ClassVar[Binary]
    __mul__: ClassVar[Binary]
    __rmul__: ClassVar[Binary]
    __truediv__: ClassVar[Binary]
    __rtruediv__: ClassVar[Binary]
    __pow__: ClassVar[Binary]
    __rpow__: ClassVar[Binary]
    __matmul__: ClassVar[Binary]
    __rmatmul__: ClassVar[Binary]
    __getitem__: ClassVar[Binary]
    __neg__: ClassVar[Unary]
    __abs__: ClassVar[Unary]
    # Entry by entry too, so that `ops.where(x == 0, ...)` means what it says.
    __eq__: ClassVar[Binary]  # type: ignore[assignment]
    __ne__: ClassVar[Binary]  # type: ignore[assignment]
    __lt__: ClassVar[Binary]
    __le__: ClassVar[Binary]
    __gt__: ClassVar[Binary]
    __ge__: ClassVar[Binary]
    __hash__ = object.__hash__  # by identity

    def __init__(self, array: npt.ArrayLike, name: str = "tensor") -> None:
        self.array: Array = array if isinstance(array, np.ndarray) else np.asarray(array)
        self.name = name
        self.logits: Tensor | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        return self.array.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.array.dtype

    @property
    def ndim(self) -> int:
        return self.array.ndim

    def numpy(self) -> Array:
        """A copy of the value as a NumPy array."""
        return self.array.copy()

    def __float__(self) -> float:
        return float(self.array)

    def __int__(self) -> int:
        return int(self.array)

    def __format__(self, spec: str) -> str:
        """`f"{loss:.3f}"` of one number is that of a float."""
        if not spec:
            return str(self)
        if self.array.size != 1:
            raise TypeError(f"{self.name}: format {spec!r}: expected one number, got {self.shape}")
        return format(self.array.item(), spec)

    def __bool__(self) -> bool:
        return bool(self.array)

    def __len__(self) -> int:
        return len(self.array)

    def __array_ufunc__(
        self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any
    ) -> "Tensor | Array":
        """NumPy calls `array + tensor` np.add(array, tensor): here Tensor.__radd__ computes it.

        np.exp(tensor) raises, because an array would silently leave the tape.
        """
        operator = _REFLECTED.get(ufunc.__name__)
        if operator is None or method != "__call__" or options or isinstance(inputs[0], Tensor):
            return self.__array__()
        result: Tensor = getattr(self, operator)(inputs[0])
        return result

    def __array__(self, *_args: Any, **_kwargs: Any) -> Array:
        raise TypeError(
            "a Tensor is not an array: use numpy_nets.ops to stay on the tape "
            "(ops.exp for np.exp), or tensor.numpy() to leave it"
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name} {self.shape} {self.dtype}>\n{self.array}"


class Variable(Tensor):
    """A Tensor that can be assigned: the weights of a model.

    A trainable variable is watched by every tape that sees it used.

    >>> w = Variable([1.0, 2.0], name="w")
    >>> w.assign(w - 0.5)
    >>> w.assign_add([1.0, 1.0])
    >>> w
    <Variable w (2,) float32>
    [1.5 2.5]

    Args:
        initializer: the value, or a function `(shape, dtype) -> array`.
        shape: required for a function, and ignored for a value.
        dtype: by default that of an array of integers or booleans, and otherwise
            `config.floatx()`. Tapes do not watch integers.
        trainable: whether tapes watch it and optimizers may change it.
        name: shown in summaries and error messages.

    Raises:
        ValueError: a function without a shape.
    """

    __slots__ = ("path", "regularizer", "trainable")

    def __init__(
        self,
        initializer: npt.ArrayLike | Callable[..., Array],
        shape: tuple[int, ...] | None = None,
        dtype: npt.DTypeLike | None = None,
        trainable: bool = True,
        *,
        name: str = "variable",
    ) -> None:
        if dtype is None:
            own = getattr(initializer, "dtype", None)
            dtype = own if isinstance(own, np.dtype) and own.kind in "iub" else config.floatx()
        if callable(initializer):
            if shape is None:
                raise ValueError(f"Variable {name}: shape: expected one for a function, got None")
            initializer = initializer(shape, dtype)
        super().__init__(np.array(initializer, dtype=dtype), name)
        self.trainable = trainable
        self.path = name  # in a layer, with the layer's name before it
        self.regularizer: Callable[[Tensor], Tensor] | None = None  # see `regularizers`

    def assign(self, value: TensorLike) -> None:
        """Set a new value of the same shape; raises ValueError on any other shape.

        The variable gets a new array and the old one stays unchanged, so a tape that has
        recorded the old value still differentiates what was computed.
        """
        array = np.array(value.array if isinstance(value, Tensor) else value, dtype=self.dtype)
        if array.shape != self.shape:
            raise ValueError(f"{self.path}: expected shape {self.shape}, got {array.shape}")
        self.array = array

    def assign_add(self, value: TensorLike) -> None:
        """Add a number, or an array of the same shape, as a new value: see `assign`."""
        self.assign(self.array + self._summand(value))

    def assign_sub(self, value: TensorLike) -> None:
        """Subtract a number, or an array of the same shape, as a new value: see `assign`."""
        self.assign(self.array - self._summand(value))

    def _summand(self, value: TensorLike) -> Array:
        array = np.asarray(value.array if isinstance(value, Tensor) else value, dtype=self.dtype)
        if array.shape not in ((), self.shape):
            raise ValueError(f"{self.name}: expected shape {self.shape}, got {array.shape}")
        return array


def convert_to_tensor(x: TensorLike, dtype: npt.DTypeLike | None = None) -> Tensor:
    """`x` itself if it is a Tensor; otherwise a Tensor that is a constant to tapes.

    Python floats, and lists of them, become `config.floatx()`.

    >>> convert_to_tensor([0.5, 1.0]).dtype, convert_to_tensor(np.array([0.5, 1.0])).dtype
    (dtype('float32'), dtype('float64'))

    Raises:
        TypeError: a Tensor of another dtype, because a cast here would leave the tape.
    """
    array = x.array if isinstance(x, Tensor) else np.asarray(x)
    if dtype is None and array.dtype == np.float64 and not hasattr(x, "dtype"):
        dtype = config.floatx()
    if dtype is not None and array.dtype != dtype:
        if isinstance(x, Tensor):
            raise TypeError(f"convert_to_tensor: expected {dtype}, got {array.dtype}; use ops.cast")
        array = array.astype(dtype)
    return x if isinstance(x, Tensor) else Tensor(array, "constant")


def convert_to_numpy(x: TensorLike) -> Array:
    """A copy of `x` as a NumPy array, which tapes do not follow."""
    return x.numpy() if isinstance(x, Tensor) else np.array(x)
