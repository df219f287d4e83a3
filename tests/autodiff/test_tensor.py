"""Tensor and Variable: values that refuse to leave the tape silently."""

import operator

import numpy as np
import pytest

from numpy_nets import GradientTape, Variable, config, ops
from numpy_nets.autodiff.tensor import Tensor, convert_to_numpy, convert_to_tensor

UFUNCS = [np.exp, np.negative, np.sign, np.isnan]


@pytest.mark.parametrize("ufunc", UFUNCS)
def test_a_numpy_function_of_a_tensor_raises(ufunc: np.ufunc) -> None:
    with pytest.raises(TypeError):
        ufunc(Tensor([1.0, 2.0]))


@pytest.mark.parametrize("leave", [np.asarray, np.array, np.sum, np.mean, np.concatenate])
def test_conversion_by_numpy_raises_and_names_both_ways_out(leave) -> None:
    with pytest.raises(TypeError, match=r"use numpy_nets\.ops .* or tensor\.numpy\(\)|'Tensor'"):
        leave(Tensor([1.0, 2.0]))


def test_asarray_says_how_to_leave_the_tape() -> None:
    with pytest.raises(TypeError, match=r"use numpy_nets\.ops to stay .* tensor\.numpy\(\)"):
        np.asarray(Tensor([1.0]))


@pytest.mark.parametrize(
    ("operator", "expected"),
    [
        (lambda a, t: a + t, [4.0, 7.0]),
        (lambda a, t: a - t, [2.0, 3.0]),
        (lambda a, t: a * t, [3.0, 10.0]),
        (lambda a, t: a / t, [3.0, 2.5]),
        (lambda a, t: a**t, [3.0, 25.0]),
    ],
)
def test_an_array_on_the_left_of_an_operator_gives_a_tensor(operator, expected) -> None:
    result = operator(np.array([3.0, 5.0]), Tensor([1.0, 2.0]))
    assert isinstance(result, Tensor)
    assert result.array.tolist() == expected


def test_an_array_on_the_left_of_matmul_gives_a_tensor() -> None:
    result = np.array([[1.0, 2.0]]) @ Tensor([[3.0], [4.0]])
    assert isinstance(result, Tensor)
    assert result.array.tolist() == [[11.0]]


def test_adding_a_tensor_to_an_array_in_place_raises() -> None:
    array = np.array([1.0, 2.0])
    with pytest.raises(TypeError, match="a Tensor is not an array"):
        array += Tensor([1.0, 1.0])
    assert array.tolist() == [1.0, 2.0]


def test_every_operator_is_its_op() -> None:
    a, b = Tensor([3.0, 5.0]), Tensor([1.0, 2.0])
    for result, expected in [
        (a + b, ops.add(a, b)), (2 + b, ops.add(2, b)), (a - b, ops.subtract(a, b)),
        (2 - b, ops.subtract(2, b)), (a * b, ops.multiply(a, b)), (2 * b, ops.multiply(2, b)),
        (a / b, ops.divide(a, b)), (2 / b, ops.divide(2, b)), (a**b, ops.power(a, b)),
        (2**b, ops.power(2, b)), (-a, ops.negative(a)), (abs(-a), ops.abs(a)),
        (a[1:], ops.getitem(a, slice(1, None))),
    ]:  # fmt: skip
        np.testing.assert_array_equal(result.array, expected.array)


def test_comparisons_are_entry_by_entry_and_constants() -> None:
    a, b = Tensor([1.0, 2.0, 3.0]), np.array([2.0, 2.0, 2.0])
    with GradientTape() as tape:
        tape.watch(a)
        results = [a == b, a != b, a < b, a <= b, a > b, a >= b, b < a, a == 2]
    assert [t.array.tolist() for t in results] == [
        [False, True, False], [True, False, True], [True, False, False], [True, True, False],
        [False, False, True], [False, True, True], [False, False, True], [False, True, False],
    ]  # fmt: skip
    assert all(isinstance(t, Tensor) and t.dtype == bool for t in results)
    assert not tape.records


def test_a_comparison_is_a_condition_for_where() -> None:
    x = Tensor([0.0, 2.0])
    with GradientTape() as tape:
        tape.watch(x)
        y = ops.where(x == 0, 9.0, x)
    assert y.array.tolist() == [9.0, 2.0]
    assert tape.gradient(y, x).array.tolist() == [0.0, 1.0]


def test_tensors_are_keys_by_identity() -> None:
    v, w = Variable([1.0, 2.0]), Variable([1.0, 2.0])
    assert len({v, w, v}) == 2
    assert {v: "v", w: "w"}[w] == "w"


def test_truth_and_float_are_those_of_the_value() -> None:
    assert not Tensor([0.0])
    assert Tensor(1.5)
    assert float(Tensor(1.5)) == 1.5
    with pytest.raises(ValueError, match="ambiguous"):
        bool(Tensor([1.0, 2.0]))


def test_shape_dtype_ndim_len_are_those_of_the_array() -> None:
    t = Tensor(np.zeros((2, 3), np.float32))
    assert (t.shape, t.dtype, t.ndim, len(t)) == ((2, 3), np.float32, 2, 2)


def test_numpy_is_a_copy() -> None:
    t = Tensor([1.0, 2.0])
    t.numpy()[0] = 9
    assert t.array.tolist() == [1.0, 2.0]


def test_repr_shows_name_shape_dtype_and_value() -> None:
    assert repr(Variable([0.0, 1.0], name="bias")) == "<Variable bias (2,) float32>\n[0. 1.]"


def test_a_variable_copies_its_initial_value_in_floatx() -> None:
    start = np.array([1.0, 2.0])
    v = Variable(start)
    start[0] = 9
    assert v.dtype == config.floatx() == "float32"
    assert v.array.tolist() == [1.0, 2.0]
    assert v.trainable


def test_a_variable_calls_its_initializer_with_shape_and_dtype() -> None:
    v = Variable(np.ones, shape=(2, 3), dtype="float64")
    assert (v.shape, v.dtype) == ((2, 3), np.float64)


def test_an_initializer_function_without_a_shape_raises() -> None:
    with pytest.raises(ValueError, match="Variable kernel: shape: expected one for a function"):
        Variable(np.ones, name="kernel")


def test_assign_takes_arrays_and_tensors_in_the_dtype_of_the_variable() -> None:
    v = Variable([1.0, 2.0])
    v.assign(np.array([3.0, 4.0]))
    assert v.array.tolist() == [3.0, 4.0]
    v.assign(Tensor([5.0, 6.0]))
    assert v.array.tolist() == [5.0, 6.0]
    assert v.dtype == np.float32


def test_assign_neither_keeps_the_given_array_nor_writes_into_the_old_one() -> None:
    v = Variable([1.0, 2.0])
    old, new = v.array, np.float32([3.0, 4.0])
    v.assign(new)
    new[0] = 9
    assert old.tolist() == [1.0, 2.0]
    assert v.array.tolist() == [3.0, 4.0]


@pytest.mark.parametrize("value", [0.0, [1.0], [[1.0, 2.0]]])
def test_assign_of_another_shape_raises_and_changes_nothing(value) -> None:
    v = Variable([1.0, 2.0], name="bias")
    with pytest.raises(ValueError, match=r"bias: expected shape \(2,\), got"):
        v.assign(value)
    assert v.array.tolist() == [1.0, 2.0]


def test_convert_to_tensor_keeps_a_tensor_and_the_dtype_of_an_array() -> None:
    t = Tensor([1.0])
    assert convert_to_tensor(t) is t
    assert convert_to_tensor(t, "float64") is t
    assert convert_to_tensor(np.ones(2)).dtype == np.float64
    assert convert_to_tensor(np.ones(2), "float32").dtype == np.float32


@pytest.mark.parametrize("value", [1.5, [1.5, 2.0], [[1.0]]])
def test_convert_to_tensor_gives_python_floats_floatx(value) -> None:
    assert convert_to_tensor(value).dtype == np.float32
    assert convert_to_tensor(value, "float64").dtype == np.float64


def test_convert_to_tensor_leaves_integers_and_bools_and_casts_arrays_both_ways() -> None:
    assert convert_to_tensor([1, 2]).dtype.kind == "i"
    assert convert_to_tensor(True).dtype == np.bool_
    for before, after in (("float32", "float64"), ("float64", "float32"), ("int64", "float32")):
        assert convert_to_tensor(np.ones(2, before), after).dtype == after


@pytest.mark.parametrize("shape", [(), (1,), (2,), (2, 2), (3, 3), (2, 3, 1), (2, 4)])
def test_assign_refuses_every_other_shape(shape) -> None:
    variable = Variable(np.zeros((2, 3)))
    with pytest.raises(ValueError, match=r"expected shape \(2, 3\), got"):
        variable.assign(np.ones(shape))
    assert not variable.array.any()


def test_convert_to_tensor_does_not_cast_a_tensor_off_the_tape() -> None:
    with pytest.raises(TypeError, match=r"expected float32, got float64; use ops\.cast"):
        convert_to_tensor(Tensor([1.0]), "float32")


def test_convert_to_numpy_copies() -> None:
    source = np.array([1.0, 2.0])
    for x in (source, Tensor(source)):
        array = convert_to_numpy(x)
        assert isinstance(array, np.ndarray)
        array[0] = 9
    assert source.tolist() == [1.0, 2.0]


# Numbers.


def test_a_tensor_of_one_number_is_formatted_and_converted_as_a_float() -> None:
    for x in (Tensor(np.float32(2.75)), Tensor([[2.75]]), Tensor(np.array(2.75))):
        assert f"{x:.1f} {x:8.3e}" == f"{2.75:.1f} {2.75:8.3e}"
    assert int(Tensor(np.float32(2.75))) == 2
    assert int(Tensor(np.array(-3))) == -3
    assert f"{Tensor(7):03d}" == "007"


def test_a_tensor_without_a_format_is_shown_as_by_str() -> None:
    x = Tensor([1.0, 2.0])
    assert f"{x}" == str(x) == repr(x)


def test_a_format_for_several_numbers_raises() -> None:
    with pytest.raises(TypeError, match=r"loss: format '.3f': expected one number, got \(2,\)"):
        f"{Tensor([1.0, 2.0], 'loss'):.3f}"


@pytest.mark.parametrize("function", [np.exp, np.add.reduce, lambda x: np.maximum(x, 0), np.sum])
def test_a_numpy_function_of_a_tensor_names_ops(function) -> None:
    with pytest.raises(TypeError, match=r"use numpy_nets\.ops .* \(ops\.exp for np\.exp\), or"):
        function(Tensor([1.0, 2.0]))


@pytest.mark.parametrize("left", [np.float64(3), np.array([3.0, 5.0]), np.ones((3, 2)), np.int8(3)])
@pytest.mark.parametrize("name", ["add", "sub", "mul", "truediv", "pow", "eq", "ne", "lt", "le",
                                  "gt", "ge"])  # fmt: skip
def test_every_operator_with_numpy_on_the_left_is_that_of_arrays(name, left) -> None:
    f, x = getattr(operator, name), np.array([1.0, 4.0])
    result = f(left, Tensor(x))
    assert isinstance(result, Tensor)
    np.testing.assert_array_equal(result.array, f(left, x))


# Variables.


@pytest.mark.parametrize("dtype", ["int32", "int64", "uint8", "bool"])
def test_a_variable_keeps_the_dtype_of_an_array_of_integers(dtype) -> None:
    assert Variable(np.array([1, 0], dtype)).dtype == dtype
    assert Variable(np.array([1, 0], dtype), dtype="float32").dtype == np.float32


@pytest.mark.parametrize("value", [[1, 0], 1, 1.0, np.array([1.0]), np.float64(1), [True]])
def test_a_variable_of_other_numbers_is_of_the_default_float_type(value) -> None:
    assert Variable(value).dtype == np.float32


@pytest.mark.parametrize("value", [[1.0, 2.0], np.array([1.0, 2.0]), Tensor([1.0, 2.0]), 1])
def test_assign_add_and_assign_sub_change_the_value(value) -> None:
    array = value.array if isinstance(value, Tensor) else np.array(value)
    v = Variable([3.0, 4.0])
    before = v.array
    v.assign_add(value)
    np.testing.assert_array_equal(v.array, np.add([3.0, 4.0], array))
    v.assign_sub(value)
    np.testing.assert_array_equal(v.array, [3.0, 4.0])
    assert v.dtype == np.float32
    assert before.tolist() == [3, 4]


@pytest.mark.parametrize("method", ["assign_add", "assign_sub"])
def test_summands_of_another_shape_raise_and_change_nothing(method) -> None:
    v = Variable([3.0, 4.0], name="w")
    for value in ([1.0], [1.0, 2.0, 3.0], [[1.0, 2.0]]):
        with pytest.raises(ValueError, match=r"w: expected shape \(2,\), got \("):
            getattr(v, method)(value)
    assert v.array.tolist() == [3, 4]


def test_assign_add_leaves_a_tape_at_the_old_value() -> None:
    v = Variable([3.0])
    with GradientTape() as tape:
        y = v * v
        v.assign_add([1.0])
    assert len(tape.records) == 1
    assert tape.gradient(y, v).array.tolist() == [6]
