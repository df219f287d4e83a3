"""Files of a run folder that neither a kill, a full disk nor a second process can spoil."""

import os
import re
import secrets
import sys
from collections.abc import Container, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

if sys.platform != "win32":
    import fcntl

LOCK = ".lock"
_TEMPORARY = re.compile(r"\.[0-9a-f]{16}\.tmp|settings\.json\.tmp|history\.csv\.tmp")


def write_whole(path: Path, text: str, *, durable: bool = True) -> None:
    """Replace a file in one step: at any moment it has its old text or its new one.

    Args:
        durable: wait until the text is on the disk, so that this is true of a power cut, too.

    Raises:
        OSError: if it cannot be written; the message names it, and the file is as before.
    """
    temporary = path.parent / f".{secrets.token_hex(8)}.tmp"
    try:
        with open(temporary, "xb") as file:
            file.write(text.encode())
            if durable:
                file.flush()
                os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise OSError(f"{path}: cannot be written: {error.strerror}") from error
    finally:
        with suppress(OSError):  # gone after success; after a failure its reason is what counts
            temporary.unlink()


def is_leftover(path: Path) -> bool:
    """Whether only a run that was killed while it wrote a file can have left this."""
    return path.name == LOCK or _TEMPORARY.fullmatch(path.name) is not None


def remove_temporaries(folder: Path) -> None:
    """Remove what killed runs have left, which nobody but they would have used."""
    for path in folder.iterdir():
        if is_leftover(path) and path.name != LOCK:
            path.unlink()


def sync(folder: Path, done: dict[Path, int], without: Container[str] = ()) -> None:
    """Wait until all files below a folder are on the disk.

    Args:
        done: the time of the last change of each file that is there already; is brought up to date.
        without: names of files that may come later.
    """
    for path in folder.rglob("*"):
        if path.name in without:
            continue
        with suppress(FileNotFoundError, PermissionError):  # not a file of this run
            changed = path.stat().st_mtime_ns
            if path.is_file() and done.get(path) != changed:
                with open(path, "rb+") as file:
                    os.fsync(file.fileno())
                done[path] = changed


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other processes out of a run folder until the end of `with`, or of this process.

    The folder is created if it does not exist. The operating system releases the lock of a process
    that ends, however it ends. Windows has no such lock (`flock`), and neither have some network
    drives: there, nobody is kept out.

    Raises:
        ValueError: if another process is in the folder, or it is a file.
        OSError: if the folder cannot be written.
    """
    path = folder / LOCK
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise ValueError(f"--out {folder}: exists already, and is not a folder") from None
    while True:
        with open(path, "ab") as file:
            if sys.platform != "win32":
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    raise ValueError(
                        f"--out {folder}: expected a folder that no other process trains in, "
                        "got one that is in use: wait for its end, or give another folder"
                    ) from None
                except OSError:  # a drive without locks
                    pass
                # The process before removes the file when it ends, perhaps after we opened it.
                if not (path.exists() and os.path.samestat(path.stat(), os.fstat(file.fileno()))):
                    continue
            try:
                yield
            finally:
                with suppress(OSError):  # Windows keeps a file that is open
                    path.unlink()
            return
