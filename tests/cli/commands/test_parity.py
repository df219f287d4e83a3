"""numpy-nets parity, with something else in the place of Keras and of the comparison."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import numpy_nets
from numpy_nets.cli import main
from numpy_nets.cli.commands import parity

PYTHON_PATH = {**os.environ, "PYTHONPATH": str(Path(numpy_nets.__file__).parent.parent)}


@pytest.fixture
def stand_in(empty_folder: Path, monkeypatch: pytest.MonkeyPatch):
    """stand_in(code): what `python -m keras_ref.parity` runs in this folder; Keras is "there"."""

    def make(code: str) -> None:
        folder = empty_folder / "keras_ref" / "parity"
        folder.mkdir(parents=True)
        (folder.parent / "__init__.py").touch()
        (folder / "__init__.py").touch()
        (folder / "__main__.py").write_text(code)
        for name in ("keras", "tensorflow", "mpmath"):
            (empty_folder / f"{name}.py").touch()

    monkeypatch.setattr(parity, "find_spec", lambda name: name)
    return make


@pytest.mark.parametrize("name", ["keras", "tensorflow", "mpmath", "keras_ref"])
def test_without_the_keras_extra_one_line_says_how_to_get_it(name, fails, monkeypatch) -> None:
    monkeypatch.setattr(parity, "find_spec", lambda wanted: None if wanted == name else wanted)
    fails("parity", f"parity needs {name}: pip install 'numpy_nets[keras]'")


@pytest.mark.parametrize("words", ["--dtype float16", "--fliter x", "--json", "one more"])
def test_wrong_arguments_are_refused_before_anything_is_started(
    words, fails, stand_in, empty_folder
) -> None:
    stand_in("open('started', 'w')")
    fails(f"parity {words}", words.split()[0])
    assert not (empty_folder / "started").exists()


@pytest.mark.parametrize("code", [0, 1, 2])
def test_arguments_and_exit_code_are_passed_on(code, stand_in, empty_folder) -> None:
    stand_in(f"import sys; open('words', 'w').write(' '.join(sys.argv[1:])); sys.exit({code})")
    words = ["--filter", "ops.add", "--dtype", "float32", "--json", "a.json", "--html", "a.html"]
    assert main(["parity", *words]) == code
    assert (empty_folder / "words").read_text() == " ".join(words)


def test_a_comparison_that_was_killed_is_an_error_that_names_the_signal(stand_in, capsys) -> None:
    stand_in("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    assert main(["parity"]) == 128 + signal.SIGKILL
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("numpy-nets parity: error: the comparison was ended by SIGKILL; ")


def test_ctrl_c_stops_both_processes_in_one_line(stand_in) -> None:
    stand_in("import time; print('ready', flush=True); time.sleep(60); print('not stopped')")
    # Where the tests run in the background, Ctrl-C is ignored, and children inherit that.
    start = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "from numpy_nets.cli import main; sys.exit(main(['parity']))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", start], env=PYTHON_PATH, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        try:
            assert process.stdout is not None and process.stdout.readline() == b"ready\n"
            os.killpg(process.pid, signal.SIGINT)
            assert process.communicate(timeout=30) == (b"", b"numpy-nets: stopped\n")
            assert process.returncode == 130
        finally:
            process.kill()
