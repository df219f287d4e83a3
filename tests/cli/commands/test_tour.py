import json

from numpy_nets.cli import main
from numpy_nets.cli.commands.tour import FILES


def test_both_files_are_written_and_said_how_to_open(empty_folder, capsys):
    assert main(["tour", "a/b"]) == 0
    out = capsys.readouterr().out
    assert all(f"written: a/b/{name}" in out for name in FILES)
    compile((empty_folder / "a/b" / FILES[0]).read_text(encoding="utf-8"), FILES[0], "exec")
    notebook = json.loads((empty_folder / "a/b" / FILES[1]).read_text(encoding="utf-8"))
    assert notebook["nbformat"] == 4


def test_what_a_reader_has_changed_is_not_written_over(empty_folder, fails):
    for name in FILES:
        (empty_folder / name).write_text("mine")
        fails("tour", f"{name}: exists already, and is not written over")
        assert [p.name for p in empty_folder.iterdir()] == [name]
        assert (empty_folder / name).read_text() == "mine"
        (empty_folder / name).unlink()
