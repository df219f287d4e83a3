"""The float type and the fuzz factor."""

from collections.abc import Iterator

import pytest

from numpy_nets import Variable, config


@pytest.fixture(autouse=True)
def _restore() -> Iterator[None]:
    yield
    config.set_floatx("float32")


def test_the_default_is_float32() -> None:
    assert config.floatx() == "float32"
    assert Variable([1.0]).dtype == "float32"


def test_float64_holds_for_what_is_built_from_now_on() -> None:
    before = Variable([1.0])
    config.set_floatx("float64")
    assert config.floatx() == "float64"
    assert Variable([1.0]).dtype == "float64"
    assert before.dtype == "float32"


@pytest.mark.parametrize("value", ["float16", "double", "", None, 32, float])
def test_any_other_type_raises_and_changes_nothing(value) -> None:
    with pytest.raises(ValueError, match="set_floatx: expected 'float32' or 'float64', got"):
        config.set_floatx(value)
    assert config.floatx() == "float32"


def test_epsilon_is_that_of_keras() -> None:
    assert config.epsilon() == 1e-7
