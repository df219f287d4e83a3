"""The tape: what it follows, what it calls, what it gives back."""

import gc
import inspect
import weakref
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from numpy_nets import GradientTape, Variable, activations, config, losses, ops
from numpy_nets.autodiff import op
from numpy_nets.autodiff.tensor import Tensor

calls: Counter[str] = Counter()


@pytest.fixture(autouse=True)
def _no_calls() -> Iterator[None]:
    calls.clear()
    yield


@pytest.fixture
def float64() -> Iterator[None]:
    config.set_floatx("float64")
    yield
    config.set_floatx("float32")


@op
def counting_product(a, b):
    """A B, counting how often each VJP is called."""

    def by_a(g):
        calls["a"] += 1
        return g * b

    def by_b(g):
        calls["b"] += 1
        return g * a

    return np.multiply(a, b), (by_a, by_b)


@op
def aliasing_sum(a, b):
    """A + B, whose two VJPs return the very same array."""
    return np.add(a, b), (lambda g: g, lambda g: g)


def test_the_gradient_of_a_product_is_the_other_factor() -> None:
    a, b = Variable(3.0), Variable(5.0)
    with GradientTape() as tape:
        y = a * b
    ga, gb = tape.gradient(y, [a, b])
    assert (float(ga), float(gb)) == (5.0, 3.0)


def test_one_source_gives_one_tensor_and_a_list_gives_a_list() -> None:
    v = Variable([1.0, 2.0])
    with GradientTape(persistent=True) as tape:
        y = ops.sum(v)
    assert isinstance(tape.gradient(y, v), Tensor)
    assert isinstance(tape.gradient(y, [v]), list)
    assert isinstance(tape.gradient(y, (v,)), list)


# Which VJPs are called.


def test_only_the_vjp_of_the_input_on_the_path_to_the_source_is_called() -> None:
    a, b = Variable(3.0), Variable(5.0)
    with GradientTape() as tape:
        y = counting_product(a, b)
    tape.gradient(y, a)
    assert calls == {"a": 1}


def test_the_vjp_of_a_constant_is_not_called() -> None:
    a = Variable(3.0)
    with GradientTape() as tape:
        y = counting_product(a, Tensor(np.float32(5)))
    tape.gradient(y, [a])
    assert calls == {"a": 1}


def test_no_vjp_is_called_for_a_branch_that_does_not_reach_the_target() -> None:
    a, b = Variable(3.0), Variable(5.0)
    with GradientTape() as tape:
        counting_product(a, b)
        y = a + b
        counting_product(y, a)
    tape.gradient(y, [a, b])
    assert not calls


def test_recording_calls_no_vjp() -> None:
    with GradientTape():
        counting_product(Variable(3.0), Variable(5.0))
    assert not calls


def test_a_vjp_is_called_once_however_many_paths_lead_to_its_output() -> None:
    a, b = Variable(3.0), Variable(5.0)
    with GradientTape() as tape:
        x = counting_product(a, b)
        y = x + x * x + 2 * x
    tape.gradient(y, [a, b])
    assert calls == {"a": 1, "b": 1}


# The shape of the graph.


def test_a_chain_of_100_000_ops_needs_no_recursion() -> None:
    v = Variable(1.0, dtype="float64")
    with GradientTape() as tape:
        y = v
        for _ in range(100_000):
            y = y + 1.0
    assert len(tape.records) == 100_000
    assert float(tape.gradient(y, v)) == 1.0


def test_a_chain_of_100_000_sigmoids_with_their_logits_is_freed_without_recursion() -> None:
    x = Tensor(np.float64(0.5))
    for _ in range(100_000):
        x = activations.sigmoid(x)
    del x


def test_a_diamond_adds_the_gradients_of_both_sides() -> None:
    v = Variable(3.0)
    with GradientTape() as tape:
        left, right = v * v, 2 * v
        y = left * right  # 2 v³
    assert float(tape.gradient(y, v)) == 54.0


def test_a_tower_of_diamonds_doubles_the_gradient_at_every_floor() -> None:
    v = Variable(1.0)
    with GradientTape() as tape:
        y = v
        for _ in range(60):
            y = y + y
    assert float(tape.gradient(y, v)) == 2.0**60


def test_one_tensor_as_both_inputs_gets_both_gradients() -> None:
    v = Variable(3.0)
    with GradientTape() as tape:
        y = v * v
    assert float(tape.gradient(y, v)) == 6.0


def test_an_intermediate_tensor_can_be_a_source_beside_what_it_came_from() -> None:
    v = Variable(3.0)
    with GradientTape() as tape:
        x = v * v
        y = x * x
    gy, gx, gv = tape.gradient(y, [y, x, v])
    assert (float(gy), float(gx), float(gv)) == (1.0, 18.0, 108.0)


def test_a_source_listed_twice_gets_its_gradient_twice() -> None:
    v = Variable(3.0)
    with GradientTape() as tape:
        y = v * v
    assert [float(g) for g in tape.gradient(y, [v, v])] == [6.0, 6.0]


# Arrays that are shared.


def test_an_op_that_returns_one_array_as_both_gradients_gives_right_sums() -> None:
    a, b = Variable([1.0, 2.0]), Variable([3.0, 4.0])
    with GradientTape() as tape:
        s = aliasing_sum(a, b)
        y = ops.sum(aliasing_sum(s, a) * np.float32([1, 10]))
    ga, gb = tape.gradient(y, [a, b])
    assert ga.array.tolist() == [2.0, 20.0]
    assert gb.array.tolist() == [1.0, 10.0]


def test_accumulation_writes_into_no_gradient_array() -> None:
    """If sums were made with +=, the arrays that this op hands out would change."""
    handed_out = []

    @op
    def keeping(x):
        def vjp(g):
            handed_out.append((g, g.copy()))
            return g

        return x + 0, (vjp,)

    v = Variable([1.0, 2.0])
    with GradientTape() as tape:
        y = ops.sum(aliasing_sum(keeping(v), aliasing_sum(keeping(v), keeping(v))))
    assert tape.gradient(y, v).array.tolist() == [3.0, 3.0]
    for array, copy in handed_out:
        np.testing.assert_array_equal(array, copy)


def test_output_gradients_are_neither_written_into_nor_given_back() -> None:
    v, w = Variable([1.0, 2.0]), np.float32([10, 100])
    with GradientTape() as tape:
        y = aliasing_sum(v, v) + v
    g = tape.gradient(y, v, output_gradients=w)
    assert w.tolist() == [10.0, 100.0]
    assert g.array.tolist() == [30.0, 300.0]
    with GradientTape() as tape:
        y = aliasing_sum(v, 1.0)
    assert not np.shares_memory(tape.gradient(y, v, output_gradients=w).array, w)


# What is followed.


def test_an_unconnected_source_gets_none() -> None:
    a, b = Variable(3.0), Variable(5.0)
    with GradientTape() as tape:
        y = a * a
        b * b
    ga, gb = tape.gradient(y, [a, b])
    assert float(ga) == 6.0
    assert gb is None


def test_a_target_without_followed_inputs_gives_none() -> None:
    v = Variable(3.0)
    with GradientTape() as tape:
        y = Tensor(2.0) * 3.0
    assert tape.gradient(y, v) is None


def test_a_source_computed_after_the_target_gets_none() -> None:
    v = Variable(3.0)
    with GradientTape() as tape:
        y = v * v
        z = y * 2
    assert tape.gradient(y, z) is None


def test_a_constant_is_not_followed_but_a_watched_one_is() -> None:
    x = Tensor(np.float32(3))
    with GradientTape() as tape:
        y = x * x
    assert not tape.records
    assert tape.gradient(y, x) is None
    with GradientTape() as tape:
        tape.watch(x)
        y = x * x
    assert float(tape.gradient(y, x)) == 6.0


def test_an_unwatched_constant_gets_none_even_beside_a_variable() -> None:
    x, v = Tensor(np.float32(3)), Variable(2.0)
    with GradientTape() as tape:
        y = x * v
    gx, gv = tape.gradient(y, [x, v])
    assert gx is None
    assert float(gv) == 3.0


def test_ops_recorded_before_watch_are_not_followed() -> None:
    x = Tensor(3.0)
    with GradientTape() as tape:
        before = x * x
        tape.watch(x)
        after = before + 5 * x
    assert float(tape.gradient(after, x)) == 5.0


def test_watch_takes_a_list() -> None:
    xs = [Tensor(3.0), Tensor(5.0)]
    with GradientTape() as tape:
        tape.watch(xs)
        y = xs[0] * xs[1]
    assert [float(g) for g in tape.gradient(y, xs)] == [5.0, 3.0]


@pytest.mark.parametrize("wrong", [np.zeros(2), [1.0], ["x"]])
def test_watch_of_something_else_raises(wrong) -> None:
    with pytest.raises(TypeError, match="watch: expected a Tensor, got"):
        GradientTape().watch(wrong)


def test_an_op_outside_the_tape_is_not_recorded() -> None:
    v = Variable(3.0)
    x = v * v
    with GradientTape() as tape:
        y = x * v
    assert float(tape.gradient(y, v)) == 9.0
    v * v
    assert not tape.records


def test_stop_gradient_passes_the_value_and_no_gradient() -> None:
    v = Variable(3.0)
    with GradientTape() as tape:
        stopped = ops.stop_gradient(v * v)
        y = stopped * v
    assert float(stopped) == 9.0
    assert float(tape.gradient(y, v)) == 9.0


def test_a_variable_that_is_not_trainable_is_followed_only_when_watched() -> None:
    v = Variable(3.0, trainable=False)
    with GradientTape() as tape:
        y = v * v
    assert tape.gradient(y, v) is None
    with GradientTape() as tape:
        tape.watch(v)
        y = v * v
    assert float(tape.gradient(y, v)) == 6.0


def test_freezing_a_variable_after_the_forward_pass_does_not_lose_its_gradient() -> None:
    v = Variable(3.0)
    with GradientTape() as tape:
        y = v * v
    v.trainable = False
    assert float(tape.gradient(y, v)) == 6.0


def test_watch_accessed_variables_false_follows_only_what_is_watched() -> None:
    a, b = Variable(3.0), Variable(5.0)
    with GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(a)
        y = a * b
    ga, gb = tape.gradient(y, [a, b])
    assert float(ga) == 5.0
    assert gb is None


def test_a_variable_assigned_after_the_forward_pass_is_differentiated_as_it_was() -> None:
    v, w = Variable([3.0]), Variable([5.0])
    with GradientTape() as tape:
        y = ops.square(v) * w
    v.assign([100.0])
    w.assign([100.0])
    gv, gw = tape.gradient(y, [v, w])
    assert gv.array.tolist() == [30.0]
    assert gw.array.tolist() == [9.0]


def test_a_variable_assigned_between_two_uses_is_differentiated_at_both_values() -> None:
    v = Variable(3.0)
    with GradientTape() as tape:
        first = ops.square(v)
        v.assign(10.0)
        y = first + ops.square(v)
    assert float(tape.gradient(y, v)) == 26.0


# Targets, and their weights.


def test_a_target_that_is_not_a_scalar_is_summed() -> None:
    v = Variable([1.0, 2.0, 3.0])
    with GradientTape() as tape:
        y = v * v
    assert tape.gradient(y, v).array.tolist() == [2.0, 4.0, 6.0]


@pytest.mark.parametrize("kind", [list, np.array, Tensor])
def test_output_gradients_weigh_the_sum(kind) -> None:
    v = Variable([1.0, 2.0, 3.0])
    with GradientTape() as tape:
        y = v * v
    g = tape.gradient(y, v, output_gradients=kind([1.0, 0.0, -2.0]))
    assert g.array.tolist() == [2.0, 0.0, -12.0]
    assert g.dtype == np.float32


def test_output_gradients_of_another_shape_raise_and_leave_the_tape_usable() -> None:
    v = Variable([1.0, 2.0])
    with GradientTape() as tape:
        y = v * v
    for size in (1, 3):
        message = rf"output_gradients: expected shape \(2,\), got \({size},\)"
        with pytest.raises(ValueError, match=message):
            tape.gradient(y, v, output_gradients=np.ones(size))
    assert tape.gradient(y, v).array.tolist() == [2.0, 4.0]


def test_the_gradient_of_a_variable_by_itself_is_one() -> None:
    v = Variable([3.0, 4.0])
    with GradientTape() as tape:
        pass
    assert tape.gradient(v, v).array.tolist() == [1.0, 1.0]


@pytest.mark.parametrize("shape", [(0, 3), (1, 3), (0,), (1,), ()])
def test_empty_and_size_1_batches_have_gradients_of_their_shape(shape) -> None:
    x, w = Variable(np.ones(shape)), Variable(2.0)
    with GradientTape() as tape:
        y = ops.mean(ops.square(x * w)) if x.array.size else ops.sum(ops.square(x * w))
    gx, gw = tape.gradient(y, [x, w])
    assert gx.shape == shape
    assert gw.shape == ()
    assert float(gw) == (4.0 if x.array.size else 0.0)


# How often, and inside what.


def test_a_tape_that_is_not_persistent_raises_the_second_time() -> None:
    v = Variable(3.0)
    with GradientTape() as tape:
        y = v * v
    tape.gradient(y, v)
    with pytest.raises(RuntimeError, match="persistent=True"):
        tape.gradient(y, v)


@pytest.mark.parametrize("sources", ["v", [3.0], [None]])
def test_a_source_of_another_type_raises_and_leaves_the_tape_usable(sources) -> None:
    v = Variable(3.0)
    with GradientTape() as tape:
        y = v * v
    with pytest.raises(TypeError, match="gradient: expected a Tensor, got"):
        tape.gradient(y, sources)
    assert float(tape.gradient(y, v)) == 6.0


def test_a_persistent_tape_gives_the_same_gradient_every_time_and_others_too() -> None:
    v = Variable(3.0)
    with GradientTape(persistent=True) as tape:
        x = v * v
        y = x * v
    assert [float(tape.gradient(y, v)) for _ in range(3)] == [27.0] * 3
    assert float(tape.gradient(x, v)) == 6.0
    assert float(tape.gradient(y, x)) == 3.0


def test_nested_tapes_record_independently() -> None:
    v = Variable(3.0)
    with GradientTape() as outer:
        x = v * v
        with GradientTape() as inner:
            y = x * v
        z = y * 2
    assert float(inner.gradient(y, v)) == 9.0
    assert float(outer.gradient(z, v)) == 54.0


# Second derivatives: none, and never in silence.

def refused() -> pytest.RaisesExc[NotImplementedError]:
    return pytest.raises(NotImplementedError, match="first derivatives only: the target")


def test_a_second_derivative_raises() -> None:
    v = Variable(3.0)
    with GradientTape() as outer:
        with GradientTape() as inner:
            y = v * v
        g = inner.gradient(y, v)
    with refused():
        outer.gradient(g, v)


def gradient_penalty(*, constant: bool) -> tuple[GradientTape, Tensor, Variable]:
    """The loss of WGAN-GP: y = D(x) and 10 · mean(‖∂y/∂x‖²), of D(x) = w x²."""
    w, x = Variable(2.0, name="w"), Tensor(np.float32([1.0, 3.0]))
    with GradientTape(persistent=True) as outer:
        with GradientTape() as inner:
            inner.watch(x)
            y = ops.sum(w * x * x)
        by_x = inner.gradient(y, x)
        if constant:
            by_x = ops.stop_gradient(by_x)
        loss = y + 10.0 * ops.mean(ops.square(by_x))
    return outer, loss, w


def test_a_gradient_penalty_raises_instead_of_losing_its_second_order_term() -> None:
    outer, loss, w = gradient_penalty(constant=False)
    with refused():
        outer.gradient(loss, w)


def test_a_gradient_that_is_declared_constant_is_one() -> None:
    outer, loss, w = gradient_penalty(constant=True)
    assert float(outer.gradient(loss, w)) == 1 + 9
    assert float(loss) == 20 + 10 * (4**2 + 12**2) / 2


def test_gradients_that_do_not_enter_the_target_forbid_nothing() -> None:
    v = Variable(3.0)
    with GradientTape() as outer:
        with GradientTape() as inner:
            y = v * v
        g = inner.gradient(y, v)
        g * 2.0
        z = y * v
    assert float(outer.gradient(z, v)) == 27.0


def test_what_an_inner_gradient_does_not_depend_on_has_a_derivative() -> None:
    v, other = Variable(3.0), Variable(5.0)
    with GradientTape(persistent=True) as outer:
        with GradientTape() as inner:
            y = v * v
            other * other  # recorded too, but not on the way from y to v
        g = inner.gradient(y, v)
        z = g * other
    assert float(outer.gradient(z, other)) == 6.0
    assert float(outer.gradient(z, g)) == 5.0
    with refused():
        outer.gradient(z, [v, other])


def test_the_weights_of_a_vector_jacobian_product_are_upstream_of_it() -> None:
    v, weights = Variable(3.0), Variable(5.0)
    with GradientTape() as outer:
        with GradientTape() as inner:
            y = v * v
        g = inner.gradient(y, v, output_gradients=weights)
    with refused():
        outer.gradient(g, weights)


def test_a_gradient_of_an_earlier_tape_raises_as_well() -> None:
    v = Variable(3.0)
    with GradientTape() as first:
        y = v * v
    with GradientTape() as second:
        z = first.gradient(y, v) * 2.0
    with refused():
        second.gradient(z, v)


def test_a_tape_that_differentiates_itself_raises() -> None:
    v = Variable(3.0)
    with GradientTape(persistent=True) as tape:
        g = tape.gradient(v * v, v)
        z = g * v
    with refused():
        tape.gradient(z, v)


def test_the_program_shows_gradients() -> None:
    v = Variable(3.0, name="v")
    with GradientTape() as outer:
        with GradientTape() as inner:
            y = v * v
        inner.gradient(y, v) * 2.0
    _, second, third = str(outer).splitlines()
    assert second == "%1 () = gradient of v(v ())"
    assert third == "%2 () = multiply(%1, 2.0)"


def test_gradient_works_inside_the_block_too() -> None:
    v = Variable(3.0)
    with GradientTape() as tape:
        assert float(tape.gradient(v * v, v)) == 6.0


def test_an_error_inside_the_block_ends_the_recording_and_passes_through() -> None:
    v = Variable(3.0)
    tape = GradientTape()
    with pytest.raises(KeyError, match="mine"), tape:
        raise KeyError("mine")
    v * v
    assert not tape.records


def test_a_tape_cannot_be_entered_while_it_records() -> None:
    tape = GradientTape()
    with tape, pytest.raises(ValueError, match="recording already"), tape:
        pass


def test_a_used_tape_lets_go_of_the_arrays() -> None:
    v = Variable(np.ones(10))
    with GradientTape() as tape:
        x = ops.exp(v)
        y = ops.sum(x)
    watched = weakref.ref(x.array)
    tape.gradient(y, v)
    del x
    gc.collect()
    assert watched() is None


# Dtypes.


def test_python_scalars_take_the_dtype_of_the_tensor() -> None:
    v = Variable([1.0, 2.0])
    with GradientTape() as tape:
        y = (2 * v + 1.5) / 3 - 1 + 2.0**v
    assert y.dtype == np.float32
    assert tape.gradient(y, v).dtype == np.float32


@pytest.mark.parametrize("operator", ["add", "subtract", "multiply", "divide", "power", "maximum"])
def test_float64_scalars_do_not_promote_float32(operator) -> None:
    f, v, two = getattr(ops, operator), Variable([1.0, 3.0]), np.float64(2)
    for a, b in ((v, two), (two, v)):
        with GradientTape() as tape:
            y = f(a, b)
        assert y.dtype == np.float32
        assert tape.gradient(y, v).dtype == np.float32


def test_float64_scalars_as_options_do_not_promote_float32() -> None:
    v = Variable([1.0, 3.0])
    assert ops.clip(v, x_min=np.float64(0), x_max=np.float64(2)).dtype == np.float32
    assert ops.leaky_relu(v, negative_slope=np.float64(0.1)).dtype == np.float32


def test_numbers_without_any_array_give_floatx(float64) -> None:
    assert ops.exp(1.0).dtype == np.float64
    config.set_floatx("float32")
    assert ops.exp(1.0).dtype == np.float32
    assert ops.where([True, False], 1.0, 0.0).dtype == np.float32
    assert ops.sum([1.0, 2.0]).dtype == np.float32
    assert ops.mean(np.array([1, 2])).dtype == np.float32


@pytest.mark.parametrize("other", [np.ones(2), np.array(1.0), np.array([1, 2]), Tensor(np.ones(2))])
def test_a_float32_tensor_refuses_an_array_that_would_make_it_float64(other) -> None:
    v = Variable([1.0, 2.0])
    dtype = other.dtype
    with pytest.raises(TypeError, match=f"add: float32 and {dtype} would compute in float64"):
        v + other
    with pytest.raises(TypeError, match=f"multiply: {dtype} and float32 .* use ops.cast"):
        other * v


def test_a_float32_tensor_refuses_a_list_of_floats() -> None:
    with pytest.raises(TypeError, match="float32 and list would compute in float64"):
        Variable([1.0, 2.0]) * [1.0, 2.0]


def test_float64_in_the_byte_order_of_another_machine_stays_float64() -> None:
    x = Tensor(np.array([1.0, 1 + 2**-40], ">f8"))
    y = ops.concatenate([x, x]) - 1.0
    assert y.dtype == np.float64
    assert y.array[1] == 2**-40


def test_names_in_messages_and_programs_are_those_of_the_public_ops() -> None:
    v = Variable([1.0])
    with pytest.raises(TypeError, match=r"^where: float32 and float64"):
        ops.where([True], v, np.ones(1))
    with pytest.raises(TypeError, match=r"^concatenate: float32 and float64"):
        ops.concatenate([v, np.ones(1)])


def test_a_tensor_given_by_keyword_raises_instead_of_leaving_the_tape() -> None:
    v = Variable([1.0])
    with pytest.raises(TypeError, match="add: b: expected a Tensor by position"):
        ops.add(v, b=v)


def test_a_constant_given_by_keyword_is_a_constant() -> None:
    v = Variable([3.0])
    with GradientTape() as tape:
        y = ops.power(v, b=2)
    assert tape.gradient(y, v).array.tolist() == [6.0]


# print(tape)


def test_print_shows_the_program() -> None:
    x = Tensor(np.zeros((4, 3), np.float32), "x")
    target = np.zeros((4, 2), np.float32)
    kernel, bias = Variable(np.zeros((3, 2)), name="kernel"), Variable(np.zeros(2), name="bias")
    with GradientTape() as tape:
        x * 2.0  # depends on no variable
        y = ops.relu(x @ kernel + bias)
        y = ops.where(target > 0, y, 0.0)
        loss = ops.mean(ops.square(y - target)) * 0.5
    assert str(tape) == (
        "%0 (4, 2) = matmul(x (4, 3), kernel (3, 2))\n"
        "%1 (4, 2) = add(%0, bias (2,))\n"
        "%2 (4, 2) = relu(%1)\n"
        "%3 (4, 2) = where(%2, 0.0)\n"
        "%4 (4, 2) = subtract(%3, constant (4, 2))\n"
        "%5 (4, 2) = square(%4)\n"
        "%6 () = mean(%5)\n"
        "%7 () = multiply(%6, 0.5)"
    )
    assert loss.shape == ()


def test_print_of_an_empty_tape_says_so() -> None:
    assert str(GradientTape()) == "(nothing recorded)"


def test_a_gradient_is_named_after_its_source() -> None:
    v = Variable(3.0, name="kernel")
    with GradientTape() as tape:
        y = v * v
    assert tape.gradient(y, v).name == "gradient of kernel"


def test_anything_but_a_tensor_is_named() -> None:
    with pytest.raises(TypeError, match="gradient: sources: expected Tensors, got int"):
        GradientTape().gradient(3, 4)
    with pytest.raises(TypeError, match="watch: expected a Tensor, got int"):
        GradientTape().watch(3)


def test_an_error_of_numpy_begins_with_the_op_and_is_one_line() -> None:
    for call, kind, message in [
        (lambda: ops.add(np.ones(2), np.ones(3)), ValueError, r"add: operands could not[^\n]*"),
        (lambda: ops.sum(np.ones(2), axis=1), ValueError, r"sum: axis 1 is out of bounds[^\n]*"),
        (lambda: Tensor([1.0])[3], IndexError, r"getitem: index 3 is out of bounds[^\n]*"),
    ]:
        with pytest.raises(kind, match=f"^{message}$"):
            call()


def test_an_op_keeps_the_name_docstring_and_signature_of_its_function() -> None:
    assert ops.add.__name__ == "add"
    assert ops.add.__doc__ and ops.add.__doc__.startswith("Y = A + B.")
    assert list(inspect.signature(ops.add).parameters) == ["a", "b"]


# The sigmoid that a crossentropy bypasses.


@pytest.mark.parametrize(
    "activation", [activations.sigmoid, activations.softmax, ops.sigmoid, ops.softmax]
)
def test_print_says_that_a_crossentropy_bypasses_an_activation(activation) -> None:
    z = Variable(np.zeros((2, 3)), name="z")
    with GradientTape(persistent=True) as tape:
        p = activation(z)
        loss = losses.binary_crossentropy(np.zeros((2, 3), np.float32), p)
    first, second = str(tape).splitlines()
    assert first.endswith("(z (2, 3))  # bypassed: a later line starts from z (2, 3)")
    assert second.endswith("z (2, 3))")
    assert tape.gradient(loss, p) is None
    assert tape.gradient(loss, z) is not None


@pytest.mark.parametrize(("count", "lines"), [(0, 1), (40, 40), (1000, 41)])
def test_a_prompt_shows_the_program_without_the_middle_of_a_long_one(count, lines):
    x = Variable(1.0, name="x")
    with GradientTape() as tape:
        for _ in range(count):
            x = x + 1.0
    shown = repr(tape).splitlines()
    assert len(shown) == lines
    assert shown[:20] == str(tape).splitlines()[:20]
    assert shown[-20:] == str(tape).splitlines()[-20:]
    assert count != 1000 or shown[20] == "... 960 records that print(tape) shows ..."


def test_print_says_so_only_of_activations_that_are_bypassed() -> None:
    z, target = Variable(np.zeros((2, 3))), np.zeros((2, 3), np.float32)
    for program in (
        lambda: activations.sigmoid(z),
        lambda: losses.binary_crossentropy(target, activations.sigmoid(z) * 1.0),
        lambda: losses.binary_crossentropy(target, ops.sigmoid(z) * 1.0),
        lambda: (z * z, activations.sigmoid(z)),
    ):
        with GradientTape() as tape:
            program()
        assert "sigmoid(" in str(tape)
        assert "bypassed" not in str(tape)


# Own operations.


def own(*vjps: Any) -> Callable[..., Tensor]:
    @op
    def product(a, b):
        return a * b, vjps

    return product


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        (lambda g: np.ones(3), ValueError, r"an array of shape \(2,\), got one of shape \(3,\)$"),
        (lambda g: np.sum(g), ValueError, r"an array of shape \(2,\), got one of shape \(\)$"),
        (lambda g: 1.0, TypeError, r"an array of shape \(2,\), got float$"),
        (lambda g: None, TypeError, r"an array of shape \(2,\), got NoneType$"),
        (lambda g: Tensor(g), TypeError, r"an array of shape \(2,\), got Tensor$"),
    ],
)
def test_a_vjp_that_returns_something_else_is_named(wrong, error, message) -> None:
    v, w = Variable([1.0, 2.0]), Variable([1.0, 2.0])
    with GradientTape() as tape:
        y = own(lambda g: g, wrong)(v, w)
    with pytest.raises(error, match=rf"^product: the VJP of input 1: expected {message}"):
        tape.gradient(y, [v, w])


@pytest.mark.parametrize("wrong", [None, lambda: 0, lambda g: g @ np.ones(5), lambda g: {}[0]])
def test_an_error_in_a_vjp_says_which_one(wrong) -> None:
    v = Variable([1.0, 2.0])
    with GradientTape() as tape:
        y = own(lambda g: g, wrong)(v, v)
    with pytest.raises((TypeError, ValueError, KeyError)) as error:
        tape.gradient(y, v)
    assert error.value.__notes__ == ["raised by product: the VJP of input 1"]


def test_the_vjp_of_an_input_that_is_not_asked_for_may_be_anything() -> None:
    v = Variable([1.0, 2.0])
    with GradientTape() as tape:
        y = own(lambda g: g, None)(v, 2.0)
    assert tape.gradient(y, v).array.tolist() == [1, 1]


MALFORMED = {
    "no comma": (lambda x: (x, lambda g: g), r"\(ndarray, function\); a tuple of one .* comma"),
    "a value alone": (lambda x: x * x, "ndarray$"),
    "a value of two rows": (lambda x: np.stack([x, x]), "ndarray$"),
    "a list of VJPs": (lambda x: (x, [lambda g: g]), r"\(ndarray, list\)$"),
    "VJPs side by side": (lambda x: (x, lambda g: g, lambda g: g), r"\(ndarray, function, f"),
    "nothing": (lambda x: None, "NoneType$"),
    "None for VJPs": (lambda x: (x, None), r"\(ndarray, NoneType\)$"),
}


@pytest.mark.parametrize(("function", "message"), MALFORMED.values(), ids=MALFORMED)
def test_an_op_that_returns_something_else_is_named(function, message) -> None:
    def mine(x):
        return function(x)

    expected = "^mine: expected it to return a value and a tuple of VJPs, got "
    with pytest.raises(TypeError, match=expected + message):
        op(mine)(Variable([1.0, 2.0]))


@pytest.mark.parametrize("value", [[1.0], Tensor([1.0]), "1", None])
def test_an_op_whose_value_is_not_an_array_is_named(value) -> None:
    @op
    def mine(x):
        return value, (lambda g: g,)

    with pytest.raises(TypeError, match=rf"^mine: .* array, got {type(value).__name__}$"):
        mine(Variable([1.0]))


def test_an_op_of_numbers_may_return_a_number() -> None:
    @op
    def cube(x):
        return x**3, (lambda g: 3 * g * x**2,)

    for x, dtype in ((2.0, np.float32), (2, np.int64)):
        assert float(cube(x)) == 8.0
        assert cube(x).dtype == dtype


# Integers.


@pytest.mark.parametrize("dtype", ["int32", "uint8", "bool"])
def test_variables_of_integers_are_not_watched(dtype) -> None:
    v = Variable(np.array([1, 0], dtype))
    with GradientTape() as tape:
        y = v + v
    assert not tape.records
    assert tape.gradient(y, v) is None
