"""`numpy-nets check` beside Keras: every exercise's right answer, a wrong one, and a failure."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from keras_ref.exercises import CLOSE, EXPRESSIONS, distance  # noqa: E402
from numpy_nets.cli import main  # noqa: E402
from numpy_nets.tour.exercises import EXERCISES, draw  # noqa: E402
from tests.tour.test_exercises import ANSWERS, operation  # noqa: E402


@pytest.mark.parametrize("name", EXERCISES)
def test_the_right_answer_is_keras_s(name):
    function = EXPRESSIONS.get(name) or getattr(keras.ops, name)
    inputs = draw(EXERCISES[name], np.random.default_rng(1))
    assert distance(operation(name, ANSWERS[name]), function, inputs) < 64


def test_a_wrong_gradient_is_far_from_keras_s_and_another_value_is_not_compared():
    x = np.random.default_rng(0).normal(size=(3, 4))
    assert distance(lambda x: (np.tanh(x), (lambda g: g,)), keras.ops.tanh, [x]) > CLOSE
    assert distance(lambda x: (np.tanh(x), (lambda g: g,)), keras.ops.sin, [x]) == np.inf


@pytest.fixture
def empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


OPERATIONS = """
import numpy as np
from numpy_nets.autodiff import op

@op
def softsign(x):
    return x / (1 + np.abs(x)), (lambda g: g / (1 + np.abs(x)) ** 2,)

@op
def my_own(x):
    return x**3, (lambda g: 3 * g * x**2,)
"""


def test_check_prints_keras_s_verdict_for_an_operation_that_keras_has(empty_folder, capsys):
    (empty_folder / "own.py").write_text(OPERATIONS)
    assert main(["check", "own.py"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["softsign: ∂L/∂X: right", "my_own: ∂L/∂X: right"]
    assert lines[2].startswith("softsign: Keras has the same gradients, to ")
    assert len(lines) == 3


def test_check_passes_on_that_keras_disagrees_or_failed(empty_folder, capsys, monkeypatch):
    (empty_folder / "own.py").write_text(OPERATIONS)
    for code, out, err in ((1, "softsign: Keras has another gradient\n", ""), (1, "", "a\nb: c\n")):
        answer = subprocess.CompletedProcess([], code, out, err)
        monkeypatch.setattr(subprocess, "run", lambda *a, answer=answer, **k: answer)
        assert main(["check", "own.py"]) == 1
        printed = capsys.readouterr()
        assert printed.out.endswith("right\n" + out)
        assert printed.err == (err and "beside Keras: b: c\n")


def test_the_child_says_which_gradient_is_another(empty_folder):
    wrong = OPERATIONS.replace("** 2,", "** 3,")
    (empty_folder / "own.py").write_text(wrong)
    child = subprocess.run(
        [sys.executable, "-m", "keras_ref.exercises", "own.py"], capture_output=True, text=True
    )
    assert child.returncode == 1
    assert child.stdout.startswith("softsign: Keras has another gradient, ")


def test_a_gradient_that_nearly_vanishes_at_one_draw_and_another_signature_are_no_mistakes():
    def normalize(x):
        r = np.sqrt(np.sum(x * x, axis=1, keepdims=True))
        y = x / r
        return y, (lambda g: (g - y * np.sum(g * y, axis=1, keepdims=True)) / r,)

    def in_keras(x):
        return x / keras.ops.sqrt(keras.ops.sum(x * x, axis=1, keepdims=True))

    x = np.random.default_rng(0).normal(size=(3, 4))  # the draws that G must not repeat
    assert distance(normalize, in_keras, [x]) < 64
    assert distance(lambda x: (x**3, (lambda g: 3 * g * x * x,)), keras.ops.power, [x]) == np.inf
