"""A fault in a derivative or an update rule makes a test fail, also where there is no Keras."""

import os
from pathlib import Path

import pytest
from mutants import MUTANTS, Mutant

ROOT = Path(__file__).parent.parent


@pytest.fixture(autouse=True)
def _no_plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")


def run(*tests: str) -> int:
    """The exit code of pytest on some tests, inside this process, without our settings."""
    options = ["-c", os.devnull, "--rootdir", str(ROOT), "--import-mode=importlib", "--tb=no", "-x"]
    return pytest.main([*options, "-pno:cacheprovider", *(str(ROOT / test) for test in tests)])


def test_without_a_fault_the_tests_pass() -> None:
    assert run(*{mutant.test: None for mutant in MUTANTS}) == pytest.ExitCode.OK


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_every_fault_makes_its_test_fail(mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mutant.target, "__code__", mutant.code())
    assert run(mutant.test) == pytest.ExitCode.TESTS_FAILED
