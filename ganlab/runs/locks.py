"""One process a run: locks in results/.locks, beside the run folders. A process takes its lock before it loads a framework."""

import contextlib
import json
import os
import secrets
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from ganlab.errors import GanlabError, LockedError
from ganlab.runs.containment import require_unlinked
from ganlab.runs.forms import is_identity
from ganlab.storage.cache import acquired
from ganlab.storage.writing import naming

_FOLDER = ".locks"
_PATIENCE = 0.5  # seconds: `holder_of` holds a lock for a moment, and an owner writes its name after it has its lock


@contextlib.contextmanager
def locked(results: Path, identity: str) -> Iterator[Callable[[], None]]:
    """Holds the lock of one identity. The system frees the lock when the process ends, even if it is killed.

    Yields a function that raises LockedError when another process has taken the lock. This happens if somebody removed the
    lock of a sleeping process, or if the file system has no locks between hosts.

    Raises:
        LockedError: another process holds the lock; the message names it.
        GanlabError: the identity is not one, or a file of the lock is a link.
    """
    path, owner = _files(results, identity)
    made = [missing for missing in (results / _FOLDER, results) if not missing.exists()]
    lock = _acquire(results, path, owner)
    inode, token = _inode_of(path), secrets.token_hex(8)

    def is_held(*tokens: str | None) -> bool:
        return _inode_of(path) == inode and _record_of(owner).get("token") in tokens

    def require_own() -> None:
        if not is_held(token):
            raise LockedError(f"this run was taken over by {_name_of(owner)}; this process leaves it as it is")

    try:
        with naming(owner):
            owner.write_text(json.dumps(owner_record() | {"token": token}), encoding="utf-8")
        yield require_own
    finally:
        with contextlib.suppress(OSError):
            if is_held(token, None):  # None: the record is empty on a full disk
                owner.unlink(missing_ok=True)
                # Remove the file while its lock is held: a process that waits for it notices, and opens a new file.
                path.unlink()
        lock.release()
        for created in made:  # a config error after locking leaves no folder behind
            with contextlib.suppress(OSError):
                created.rmdir()


def _acquire(results: Path, path: Path, owner: Path) -> FileLock:
    """A lock that is held, of the file at `path`."""
    give_up = time.monotonic() + _PATIENCE
    while True:
        make_folder(results)
        try:
            left = max(0.0, give_up - time.monotonic())
            return acquired(path, "--results names another folder.", timeout=left, poll_interval=0.02).lock
        except Timeout as error:
            raise LockedError(f"this run is being trained by {_name_of(owner)}; wait for it or stop it") from error
        except FileNotFoundError:  # another process that had created the folder removed it
            if time.monotonic() > give_up:
                raise


def make_folder(results: Path) -> None:
    """Creates the folder of the locks. A sweep calls this first, so that no run of it removes the folder again."""
    (results / _FOLDER).mkdir(parents=True, exist_ok=True)


def holder_of(results: Path, identity: str) -> str | None:
    """The process that trains this identity now, or None. The lock stays as it is."""
    try:
        path, owner = _files(results, identity)
    except GanlabError:  # a wrong identity or a link: nobody trains this run
        return None
    # A killed process leaves both files behind, so try to lock. Without an owner's file there is nobody to find.
    if not (path.exists() and owner.exists()):
        return None
    try:
        with FileLock(path).acquire(timeout=0):
            return None
    except Timeout:
        return _name_of(owner)
    except OSError:  # this process may not write in the folder
        return None


def owner_record() -> dict:
    """Host, number and start time of this process."""
    return {"host": socket.gethostname(), "pid": os.getpid(), "since": round(time.time(), 3)}


def is_this_process(record: dict) -> bool:
    """Whether an owner's record names this process."""
    own = owner_record()
    return all(record.get(key) == own[key] for key in ("host", "pid"))


def _files(results: Path, identity: str) -> tuple[Path, Path]:
    """The files of an identity's lock and of its owner's record. Neither may be a link."""
    if not is_identity(identity):
        raise GanlabError(f"{results}: no lock: {identity!r} is no identity")
    files = tuple(results / _FOLDER / f"{identity[:16]}.{kind}" for kind in ("lock", "owner"))
    for file in files:
        require_unlinked(results, file)
    return files


def _inode_of(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return None


def _name_of(owner: Path) -> str:
    record = _record_of(owner)
    return f"process {record['pid']} on {record['host']}" if {"pid", "host"} <= record.keys() else "another process"


def _record_of(owner: Path) -> dict:
    """The content of the owner's file; {} if it is missing or damaged."""
    try:
        record = json.loads(owner.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}
