"""Names as Keras makes them, and messages that suggest."""

from collections.abc import Iterator

import pytest

from numpy_nets import naming


@pytest.fixture(autouse=True)
def _fresh_names() -> Iterator[None]:
    kept = naming._used.copy()
    naming.clear_session()
    yield
    naming.clear_session()
    naming._used.update(kept)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Dense", "dense"), ("LeakyReLU", "leaky_re_lu"), ("ReLU", "re_lu"),
        ("InputLayer", "input_layer"), ("MeanSquaredError", "mean_squared_error"),
        ("SGD", "sgd"), ("Adam", "adam"), ("VAE", "vae"), ("GAN", "gan"),
        ("Conv2D", "conv2d"), ("already_snake", "already_snake"),
    ],
)  # fmt: skip
def test_snake_case_is_that_of_keras(name, expected) -> None:
    assert naming.snake_case(name) == expected


def test_automatic_names_count_per_prefix_from_none() -> None:
    assert [naming.unique_name("dense") for _ in range(3)] == ["dense", "dense_1", "dense_2"]
    assert naming.unique_name("re_lu") == "re_lu"


def test_clear_session_starts_again() -> None:
    naming.unique_name("dense")
    naming.clear_session()
    assert naming.unique_name("dense") == "dense"


def test_lookup_finds_what_is_there() -> None:
    assert naming.lookup("loss", "mse", {"mse": 1, "bce": 2}) == 1


def test_lookup_suggests_the_nearest_name_and_lists_all() -> None:
    with pytest.raises(ValueError) as error:
        naming.lookup("activation", "sigmiod", {"sigmoid": 1, "tanh": 2})
    assert str(error.value) == (
        "activation: unknown 'sigmiod'; did you mean 'sigmoid'? known: sigmoid, tanh"
    )


@pytest.mark.parametrize("name", ["zzz", 5, None, ["relu"], {}])
def test_lookup_of_something_far_off_lists_all(name) -> None:
    with pytest.raises(ValueError, match=r"activation: unknown .*; known: sigmoid, tanh$"):
        naming.lookup("activation", name, {"sigmoid": 1, "tanh": 2})
