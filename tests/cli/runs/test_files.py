"""Files of a run folder: written whole, and by one process at a time."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from numpy_nets.cli.runs import files
from numpy_nets.cli.runs.files import locked, remove_temporaries, sync, write_whole


def test_a_file_is_replaced_whole_and_nothing_else_is_left(empty_folder):
    for text in ("first", "zweiter Text: ä"):
        write_whole(empty_folder / "a.txt", text)
        assert (empty_folder / "a.txt").read_text(encoding="utf-8") == text
    assert [p.name for p in empty_folder.iterdir()] == ["a.txt"]


def test_a_full_disk_leaves_the_old_file_and_a_message_that_names_it(empty_folder, monkeypatch):
    path = empty_folder / "a.txt"
    write_whole(path, "old")

    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="a.txt: cannot be written: No space left on device"):
        write_whole(path, "new")
    assert path.read_text() == "old" and list(empty_folder.iterdir()) == [path]


def test_temporary_files_are_removed_and_no_others(empty_folder):
    mine = [".config.tmp", "notes.tmp", "a.txt", ".0123456789abcdef.png", ".0123456789abcde.tmp"]
    left = [".0123456789abcdef.tmp", "settings.json.tmp", "history.csv.tmp"]
    for name in mine + left:
        (empty_folder / name).touch()
    remove_temporaries(empty_folder)
    assert {p.name for p in empty_folder.iterdir()} == set(mine)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="tells the name of an open file")
def test_only_what_has_changed_is_brought_to_the_disk(empty_folder, monkeypatch):
    synced = []
    monkeypatch.setattr(
        os, "fsync", lambda number: synced.append(Path(f"/proc/self/fd/{number}").resolve().name)
    )
    (empty_folder / "inside").mkdir()
    for name in ("a.png", "inside/b.png", "later.csv"):
        (empty_folder / name).write_text("x")
    done = {}
    sync(empty_folder, done, without=["later.csv"])
    assert sorted(synced) == ["a.png", "b.png"]
    os.utime(empty_folder / "a.png", (1, 1))
    sync(empty_folder, done, without=["later.csv"])
    assert sorted(synced) == ["a.png", "a.png", "b.png"]


HOLDER = """
import sys, time
from pathlib import Path
from numpy_nets.cli.runs.files import locked
with locked(Path(sys.argv[1])):
    print("locked", flush=True)
    time.sleep(60)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no flock")
def test_a_second_process_is_refused_until_the_first_is_killed(empty_folder):
    folder = empty_folder / "run"
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout.readline() == "locked\n"
        for _ in range(2):  # being refused does not open the folder
            with (
                pytest.raises(ValueError, match="run: expected a folder that no other process"),
                locked(folder),
            ):
                raise AssertionError
        assert (folder / files.LOCK).exists()
    finally:
        holder.kill()
        holder.wait()
        holder.stdout.close()
    with locked(folder):
        pass
    assert not (folder / files.LOCK).exists()


@pytest.mark.skipif(sys.platform == "win32", reason="there is no flock")
def test_a_lock_on_a_file_that_its_owner_has_removed_meanwhile_does_not_count(
    empty_folder, monkeypatch
):
    """The owner before ends between our `open` and our `flock`, and a third process comes in."""
    lock, taken = files.fcntl.flock, []

    def late(file, operation):
        if not taken:
            os.unlink(empty_folder / files.LOCK)
        lock(file, operation)
        taken.append(os.fstat(file.fileno()).st_ino)

    monkeypatch.setattr(files.fcntl, "flock", late)
    with locked(empty_folder):
        assert len(taken) == 2
        assert (empty_folder / files.LOCK).stat().st_ino == taken[1]


@pytest.mark.skipif(sys.platform == "win32", reason="there is no flock")
def test_a_drive_without_locks_can_be_used(empty_folder, monkeypatch):
    def unsupported(file, operation):
        raise OSError(errno.ENOTSUP, "not supported")

    monkeypatch.setattr(files.fcntl, "flock", unsupported)
    with locked(empty_folder):
        pass
    assert list(empty_folder.iterdir()) == []


def test_a_file_in_the_place_of_the_folder_is_one_line(empty_folder):
    (empty_folder / "run").touch()
    with (
        pytest.raises(ValueError, match="run: exists already, and is not a folder"),
        locked(empty_folder / "run"),
    ):
        raise AssertionError
