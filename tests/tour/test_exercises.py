"""The exercises: their right answers, and every way of being wrong that has a name."""

import numpy as np
import pytest

from numpy_nets.autodiff.tensor import Tensor
from numpy_nets.tour.diagnosis import RIGHT, check, value_and_vjps
from numpy_nets.tour.exercises import EXERCISES, draw, page


def sigma(x):
    return 1 / (1 + np.exp(-x))


# The right VJPs, (g, *inputs, y) -> gradient, in the words of a reader.
ANSWERS = {
    "square": [lambda g, x, y: g * 2 * x],
    "multiply": [lambda g, a, b, y: g * b, lambda g, a, b, y: g * a],
    "matmul": [lambda g, a, b, y: g @ b.T, lambda g, a, b, y: a.T @ g],
    "add_bias": [lambda g, x, b, y: g, lambda g, x, b, y: g.sum(axis=0)],
    "relu": [lambda g, x, y: g * (x > 0)],
    "sigmoid": [lambda g, x, y: g * y * (1 - y)],
    "tanh": [lambda g, x, y: g * (1 - y**2)],
    "mean": [lambda g, x, y: np.full(x.shape, g / x.size)],
    "crossentropy": [lambda g, p, t, y: g * (p - t) / (p * (1 - p))],
    "crossentropy_from_logits": [lambda g, a, t, y: g * (sigma(a) - t) / a.size],
    "reparameterize": [
        lambda g, m, s, e, y: g,
        lambda g, m, s, e, y: g * e * np.exp(s / 2) / 2,
    ],
    "gaussian_kl": [
        lambda g, m, s, y: g[:, None] * m,
        lambda g, m, s, y: g[:, None] * (np.exp(s) - 1) / 2,
    ],
    "logsumexp": [lambda g, x, y: g[:, None] * np.exp(x - y[:, None])],
    "softmax": [lambda g, x, y: y * (g - np.sum(g * y, axis=1, keepdims=True))],
    "standardize": [
        lambda g, x, y: (g - g.mean(axis=0) - y * np.mean(g * y, axis=0)) / x.std(axis=0)
    ],
}


def operation(name, answers):
    """The function that a reader's file would define."""
    exercise = EXERCISES[name]

    def forward(*inputs):
        variables = {"np": np, **dict(zip(exercise.inputs, inputs, strict=True))}
        exec(exercise.forward, variables)
        y = variables["y"]
        return y, tuple(lambda g, f=f: f(g, *inputs, y) for f in answers)

    return forward


def verdicts(name, answers, trials=3, seed=0):
    rng = np.random.default_rng(seed)
    exercise = EXERCISES[name]
    draws = [draw(exercise, rng) for _ in range(trials)]
    found = check(operation(name, answers), draws, list(exercise.inputs), exercise.mistakes)
    return [verdict for _, verdict in found]


def test_there_is_an_answer_to_every_exercise():
    assert list(ANSWERS) == list(EXERCISES)
    assert all(len(ANSWERS[name]) == exercise.asked for name, exercise in EXERCISES.items())


@pytest.mark.parametrize("name", ANSWERS)
def test_the_value_is_that_of_the_solution_in_the_library(name):
    drawn = draw(EXERCISES[name], np.random.default_rng(1))
    value, _ = value_and_vjps(operation(name, ANSWERS[name]), drawn)
    np.testing.assert_allclose(
        value, EXERCISES[name].solution(*map(Tensor, drawn)).numpy(), rtol=1e-12
    )


@pytest.mark.parametrize("name", ANSWERS)
def test_the_right_answer_triggers_no_diagnosis_over_a_hundred_random_shapes(name):
    for seed in range(34):
        assert set(verdicts(name, ANSWERS[name], seed=seed)) == {RIGHT}


@pytest.mark.parametrize("name", ANSWERS)
def test_the_page_is_python_whose_value_is_right_and_whose_blanks_are_called_blank(name):
    variables = {"__name__": "exercise"}
    exec(compile(page(name), name, "exec"), variables)
    exercise = EXERCISES[name]
    blank = variables[name].__wrapped__
    drawn = draw(exercise, np.random.default_rng(2))
    np.testing.assert_allclose(
        blank(*drawn)[0], exercise.solution(*map(Tensor, drawn)).numpy(), rtol=1e-12
    )
    assert {v for _, v in check(blank, [drawn], list(exercise.inputs))} == {"not filled in yet"}


@pytest.mark.parametrize(
    ("name", "sentence"),
    [(name, s) for name, exercise in EXERCISES.items() for s in exercise.mistakes],
)
def test_the_mistakes_of_an_exercise_are_called_by_their_names(name, sentence):
    exercise = EXERCISES[name]
    of_input, wrong = exercise.mistakes[sentence]
    i = list(exercise.inputs).index(of_input)
    answers = list(ANSWERS[name])
    answers[i] = wrong
    expected = [RIGHT] * exercise.asked
    expected[i] = sentence
    for seed in range(10):
        assert verdicts(name, answers, seed=seed) == expected


FAULTS = [
    ("square", 0, lambda g, x, y: None, "not filled in yet"),
    ("square", 0, lambda g, x, y: ..., "not filled in yet"),
    ("square", 0, lambda g, x, y: "2x", "expected numbers, got <U2"),
    ("square", 0, lambda g, x, y: g * z, "it raises NameError: name 'z' is not defined"),  # noqa: F821
    ("square", 0, lambda g, x, y: -2 * g * x, "the other sign: multiply it by -1"),
    ("square", 0, lambda g, x, y: g * x, "too small: multiply it by 2"),
    ("square", 0, lambda g, x, y: 4 * g * x, "too large: divide it by 2"),
    ("square", 0, lambda g, x, y: -g * x, "multiply it by 2, and it has the other sign"),
    ("square", 0, lambda g, x, y: 6 * g * x, "it is 3 times the right gradient"),
    ("square", 0, lambda g, x, y: 2 * x, "g is missing"),
    ("square", 0, lambda g, x, y: 2 * g * x / len(x), "multiply it by the number of rows"),
    ("square", 0, lambda g, x, y: 2 * g * x * x.shape[1], "divide it by the number of columns"),
    ("square", 0, lambda g, x, y: 2 * g * y,
     "evaluated at the wrong point: it is the derivative at y, not at x"),
    ("square", 0, lambda g, x, y: (2 * g * x).T, "transposed: swap its rows and columns"),
    ("square", 0, lambda g, x, y: (2 * g * x)[0], "expected the shape of x, (4, 6), got (6,)"),
    ("square", 0, lambda g, x, y: 2 * g * np.maximum(x, 0), "right where x > 0, and wrong"),
    ("square", 0, lambda g, x, y: 2 * g * np.minimum(x, 0), "right where x < 0, and wrong"),
    ("square", 0, lambda g, x, y: 2 * g * x + 1, "and finite differences say"),
    ("multiply", 0, lambda g, a, b, y: g * a, "it is the gradient of b"),
    ("matmul", 0, lambda g, a, b, y: b @ g.T, "transposed: swap its rows and columns"),
    ("matmul", 0, lambda g, a, b, y: g @ b, "it raises ValueError: matmul"),
    ("add_bias", 1, lambda g, x, b, y: g, "not summed over the axis along which the input is"),
    ("add_bias", 1, lambda g, x, b, y: g.mean(axis=0), "multiply it by the number of rows"),
    ("mean", 0, lambda g, x, y: np.full(x.shape, g), "divide it by the number of entries"),
    ("mean", 0, lambda g, x, y: np.full(x.shape, 1 / x.size), "g is missing"),
    ("reparameterize", 1, lambda g, m, s, e, y: g, "it is the gradient of m"),
    ("reparameterize", 1, lambda g, m, s, e, y: g * e * np.exp(m / 2) / 2,
     "it is the derivative at m, not at s"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "i", "wrong", "said"), FAULTS)
def test_every_fault_has_its_sentence(name, i, wrong, said):
    answers = list(ANSWERS[name])
    answers[i] = wrong
    found = verdicts(name, answers)
    assert said in found[i]
    assert all(verdict == RIGHT for j, verdict in enumerate(found) if j != i)


def test_a_square_matrix_may_be_transposed_too():
    def double(x):
        return 2 * x, (lambda g: (2 * g).T,)

    assert check(double, [[np.ones((3, 3))]], ["x"]) == [
        ("x", "transposed: swap its rows and columns")
    ]


@pytest.mark.parametrize("result", [1.0, (1.0,), (1.0, lambda g: g), (1.0, ()), (1.0, (2.0,))])
def test_an_operation_that_returns_no_vjps_is_named(result):
    with pytest.raises(ValueError, match="expected the operation to return its value and a tuple"):
        value_and_vjps(lambda x: result, [np.ones(2)])


def test_what_is_right_on_one_draw_only_is_not_right():
    def power(x):
        return x**2, (lambda g: 2 * g * (x if x.shape == (1, 1) else 1),)

    (verdict,) = check(power, [[np.array([[3.0]])], [np.array([[3.0, 4.0]])]], ["x"])
    assert verdict[1] != RIGHT
