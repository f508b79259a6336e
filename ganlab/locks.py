"""One process a run: locks live beside the run folders, in results/.locks, and are taken before a framework is loaded."""

import contextlib
import json
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from ganlab.errors import LockedError

_FOLDER = ".locks"


@contextlib.contextmanager
def locked(results: Path, identity: str) -> Iterator[None]:
    """Holds the lock of one identity; the system frees it when its process ends, however it ends.

    Raises: LockedError, naming the owner, while another process holds it.
    """
    made = [missing for missing in (results / _FOLDER, results) if not missing.exists()]
    make_folder(results)
    path, owner = _files(results, identity)
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise LockedError(f"this run is being trained by {_name_of(owner)}; wait for it or stop it") from error
    try:
        owner.write_text(json.dumps(owner_record()), encoding="utf-8")
        yield
    finally:
        owner.unlink(missing_ok=True)
        # Removed while still held: whoever waits on the removed file notices and opens a new one.
        path.unlink(missing_ok=True)
        lock.release()
        for created in made:  # a config error found after locking leaves nothing behind
            with contextlib.suppress(OSError):
                created.rmdir()


def make_folder(results: Path) -> None:
    """Makes the folder of the locks. Who starts several runs does it before, and none removes it under another's feet."""
    (results / _FOLDER).mkdir(parents=True, exist_ok=True)


def holder_of(results: Path, identity: str) -> str | None:
    """Who trains this identity now, or None; leaves the lock as it is."""
    path, owner = _files(results, identity)
    # A killed process leaves both files behind, and only trying tells. Without an owner's file nobody tries in vain.
    if not (path.exists() and owner.exists()):
        return None
    try:
        with FileLock(path).acquire(timeout=0):
            return None
    except Timeout:
        return _name_of(owner)


def owner_record() -> dict:
    """Who this process is: host, process number and start time."""
    return {"host": socket.gethostname(), "pid": os.getpid(), "since": round(time.time(), 3)}


def _files(results: Path, identity: str) -> tuple[Path, Path]:
    """The lock of an identity, and the file that says who holds it."""
    folder = results / _FOLDER
    return folder / f"{identity[:16]}.lock", folder / f"{identity[:16]}.owner"


def _name_of(owner: Path) -> str:
    try:
        record = json.loads(owner.read_text(encoding="utf-8"))
        return f"process {record['pid']} on {record['host']}"
    except (OSError, ValueError, KeyError):
        return "another process"
