import pytest

from numpy_nets.cli import main
from numpy_nets.cli.commands import check
from numpy_nets.tour.detective import CASES
from numpy_nets.tour.exercises import EXERCISES


@pytest.fixture(autouse=True)
def _without_keras(monkeypatch):
    """Loading it takes seconds; tests/parity/test_exercises.py compares with it."""
    monkeypatch.setattr(check, "find_spec", lambda name: None)


def write(name, old="", new=""):
    with open(f"{name}.py", encoding="utf-8") as file:
        text = file.read()
    assert old in text
    with open(f"{name}.py", "w", encoding="utf-8") as file:
        file.write(text.replace(old, new))


def test_the_list_names_every_exercise_and_both_commands(capsys):
    assert main(["exercise"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines[:-3]] == [*EXERCISES, *CASES]
    assert "numpy-nets exercise square" in lines[-3] and "--hint 1" in lines[-2]
    assert "numpy-nets check" in lines[-1]


def test_from_blank_to_wrong_to_right(empty_folder, capsys):
    assert main(["exercise", "square"]) == 0
    assert "written: square.py" in capsys.readouterr().out
    for answer, verdict, code in (
        ("...", "not filled in yet", 1),
        ("g * x", "too small: multiply it by 2", 1),
        ("2 * g * x", "right", 0),
    ):
        write("square", "lambda g: ...", f"lambda g: {answer}")
        assert main(["check", "square.py"]) == code
        assert capsys.readouterr().out == f"square: ∂L/∂X: {verdict}\n"
        write("square", f"lambda g: {answer}", "lambda g: ...")


def test_a_file_that_is_there_is_not_written_over(empty_folder, fails):
    main(["exercise", "square"])
    write("square", "...", "2 * g * x")
    before = (empty_folder / "square.py").read_bytes()
    fails("exercise square", "square.py: File exists")
    assert (empty_folder / "square.py").read_bytes() == before


def test_hints_come_one_by_one(capsys, fails):
    for number, hint in enumerate(EXERCISES["softmax"].hints, 1):
        assert main(["exercise", "softmax", "--hint", str(number)]) == 0
        assert capsys.readouterr().out == f"{hint}\n"
    fails("exercise softmax --hint 4", "--hint: softmax has 3, got 4; the solution is in")
    fails("exercise --hint 1", "--hint: expected the name of an exercise before it")
    fails("exercise sofmax", "softmax")


def test_a_changed_value_is_no_exercise_any_more(empty_folder, capsys):
    main(["exercise", "tanh"])
    write("tanh", "y = np.tanh(x)", "y = np.tanh(2 * x)")
    capsys.readouterr()
    assert main(["check", "tanh.py"]) == 1
    assert capsys.readouterr().out == "tanh: y is not tanh X any more\n"


OWN = """
import numpy as np
from numpy_nets.autodiff import op

@op
def cube(x):
    return x**3, (lambda g: {cube},)

@op
def scale(x, factor=2.0):
    return factor * x, (lambda g: g * factor,)

@op
def outer(a, b):
    return np.outer(a, b), (lambda g: g @ b, lambda g: a @ g)

INPUTS = {{"outer": [[1.0, 2.0, 3.0], [4.0, 5.0]]}}
"""


def test_an_operation_of_ones_own_is_checked_on_its_inputs_or_on_random_matrices(
    empty_folder, capsys
):
    file = empty_folder / "own.py"
    file.write_text(OWN.format(cube="3 * g * x**2"))
    assert main(["check", "own.py"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "cube: ∂L/∂X: right", "scale: ∂L/∂X: right",
        "outer: ∂L/∂A: right", "outer: ∂L/∂B: right",
    ]  # fmt: skip
    file.write_text(OWN.format(cube="3 * g * x"))
    assert main(["check", "own.py"]) == 1
    assert "cube: ∂L/∂X: ∂L/∂x[" in capsys.readouterr().out


def test_files_that_cannot_be_checked_are_refused_in_one_line(empty_folder, fails):
    head = "from numpy_nets.autodiff import op\n@op\n"
    for text, said in (
        ("x = 1", "own.py: expected a function under @op, found none"),
        ("def (:", "own.py: it does not run: SyntaxError: invalid syntax"),
        ("1 / 0", "own.py: it does not run: ZeroDivisionError: division by zero"),
        (head + "def f(x):\n    return x, (lambda g: g)", "own.py: f: expected the operation to"),
        (head + "def f(x):\n    return x.reshape(7), (lambda g: g,)", "put INPUTS = {'f': [array"),
    ):
        (empty_folder / "own.py").write_text(text)
        fails("check own.py", said)
    fails("check nowhere.py", "nowhere.py: there is no such file")
    (empty_folder / "own.txt").write_text("")
    fails("check own.txt", "own.txt: expected a file of Python, .py")


def test_a_case_comes_with_curve_and_report_and_is_solved_by_the_right_line(
    empty_folder, capsys, fails
):
    assert main(["exercise", "detective_3"]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[0].startswith("written: detective_3.py. Find the wrong line")
    wrong, right = ([float(x) for x in line.split()[-5:]] for line in out[1:3])
    assert wrong[0] == right[0] and wrong[-1] > right[-1]
    verdicts = {line.split()[2]: line.split()[3] for line in out[3:]}
    assert {name for name, verdict in verdicts.items() if verdict == "differs"} == {"ws", "bs"}
    assert main(["check", "detective_3.py"]) == 1
    assert "detective_3: `gradients` is not right yet" in capsys.readouterr().out
    write("detective_3", CASES["detective_3"].wrong, CASES["detective_3"].right)
    assert main(["check", "detective_3.py"]) == 0
    right = CASES["detective_3"].right
    assert capsys.readouterr().out == f"detective_3: right. The line: {right}\n"
    fails("exercise detective_3 --hint 9", "--hint: detective_3 has 2, got 9")


def test_a_case_that_raises_is_told_what(empty_folder, capsys):
    main(["exercise", "detective_1"])
    write("detective_1", "def loss(w, x, noise):", "def loss(w, x):")
    capsys.readouterr()
    assert main(["check", "detective_1.py"]) == 1
    out = capsys.readouterr().out
    assert "`loss` raises TypeError" in out and "its gradients cannot be compared: TypeError" in out


def checked(folder, text, capsys):
    """What `check` prints of operations of one's own, and its exit code."""
    head = "import numpy as np\nfrom numpy_nets.autodiff import op\n"
    (folder / "own.py").write_text(head + text)
    capsys.readouterr()
    code = main(["check", "own.py"])
    printed = capsys.readouterr()
    assert printed.err.count("\n") <= 1 and "Traceback" not in printed.err
    return code, printed.out + printed.err


SCALE = "@op\ndef scale(x, a):\n    return x * a, (lambda g: g * a, lambda g: g * x)\n"


def test_shapes_that_were_not_tried_are_no_proof_and_it_says_so(empty_folder, capsys):
    code, said = checked(empty_folder, SCALE, capsys)
    assert code == 0
    assert "scale: tried with x (3, 4), a (3, 4) and others of one shape; for another" in said
    given = SCALE + 'INPUTS = {"scale": [np.ones((3, 4)), np.arange(4.0)]}'
    code, said = checked(empty_folder, given, capsys)
    assert code == 1 and "∂L/∂A: not summed over the axis" in said and "tried with" not in said
    for wrong in ("g.sum(axis=0, keepdims=True) * 0 + (g * x).sum(axis=0)",):
        code, said = checked(empty_folder, given.replace("lambda g: g * x", f"lambda g: {wrong}"),
                             capsys)  # fmt: skip
        assert "∂L/∂A: the right numbers in the wrong shape: expected that of a, (4,), got" in said


def test_an_input_without_a_vjp_is_named(empty_folder, capsys):
    code, said = checked(
        empty_folder, "@op\ndef mul(x, a):\n    return x * a, (lambda g: g * a,)\n", capsys
    )
    assert code == 0 and "mul: ∂L/∂A: has no VJP: A is data" in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("@op\ndef f(x):\n    raise RuntimeError('boom')", "it raises RuntimeError: boom"),
        ("@op\ndef f(x):\n    return np.sgn(x), (lambda g: g,)", "raises AttributeError: module"),
        ("@op\ndef f(x):\n    return np.sqrt(x), (lambda g: g,)", "value is not finite"),
        (SCALE + "INPUTS = [1]", "INPUTS: expected {'scale': [array, ...]}, got [1]"),
        (SCALE + "INPUTS = {'scale': [[1.0]]}", "expected a list of 2 arrays, got [[1.0]]"),
        (SCALE + "INPUTS = {'scale': np.ones(2)}", "INPUTS['scale']: expected a list of 2 arrays"),
        (SCALE + "INPUTS = {'scale': [[], []]}", "expected arrays with entries, got an empty one"),
    ],
)
def test_what_cannot_be_tried_is_said_in_one_line(text, said, empty_folder, capsys):
    code, printed = checked(empty_folder, text, capsys)
    assert code == 2 and said in printed
    assert printed.startswith("numpy-nets: error: own.py: ")
