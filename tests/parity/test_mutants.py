"""A fault in a derivative or an update rule is a broken bound in the parity report."""

from __future__ import annotations

import pytest

pytest.importorskip("keras")

from mutants import MUTANTS, Mutant

from keras_ref.parity import __main__ as report


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_every_fault_is_reported_as_broken(
    mutant: Mutant, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--filter", mutant.case, "--dtype", "float64"]
    assert report.main(arguments) == 0
    assert "BROKEN" not in capsys.readouterr().out
    monkeypatch.setattr(mutant.target, "__code__", mutant.code())
    assert report.main(arguments) == 1
    assert "\nBROKEN " in capsys.readouterr().out


def test_there_are_twenty_faults_and_more() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS) >= 20
