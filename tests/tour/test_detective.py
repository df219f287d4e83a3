"""The detective's programs are right, and each case is wrong in one line, which shows."""

import numpy as np
import pytest

from numpy_nets.tour.detective import CASES, curve, page, report, run, solved, source

PROGRAMS = sorted({case.program for case in CASES.values()})


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_gradients_written_by_hand_are_those_of_finite_differences(program):
    assert max(report(run(source(program), program)).values()) < 1e-7


@pytest.mark.parametrize("program", ["autoencoder", "vae"])
def test_the_right_programs_learn(program):
    losses = curve(run(source(program), program))
    assert losses == sorted(losses, reverse=True) and losses[-1] < 0.5 * losses[0]


@pytest.mark.parametrize("name", CASES)
def test_each_case_has_one_wrong_line_and_is_solved_by_the_right_one(name):
    case = CASES[name]
    assert source(case.program).count(case.right) == 1
    wrong = page(name)
    assert wrong.count(case.wrong) == 1 and case.right not in wrong
    with np.errstate(over="ignore"):
        assert "not right yet" in solved(run(wrong, name), name)
        assert solved(run(wrong.replace(case.wrong, case.right), name), name) is None


@pytest.mark.parametrize("name", CASES)
def test_what_is_wrong_shows_in_the_curve(name):
    case = CASES[name]
    with np.errstate(over="ignore"):
        wrong, right = curve(run(page(name), name)), curve(run(source(case.program), "right"))
    assert not np.allclose(wrong, right, rtol=1e-3)


def test_a_wrong_gradient_shows_in_the_report_and_a_wrong_formula_does_not():
    found = {
        name: {w for w, error in report(run(page(name), name)).items() if error > 1e-5}
        for name in CASES
    }
    assert found == {
        "detective_1": {"w1", "b1"}, "detective_2": {"w1", "b1", "w2", "b2"},
        "detective_3": {"ws", "bs"}, "detective_4": set(), "detective_5": {"u", "a"},
        "detective_6": set(), "detective_7": {"ws", "bs"},
    }  # fmt: skip
