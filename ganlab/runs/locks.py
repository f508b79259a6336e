"""One process a run: locks live beside the run folders, in results/.locks, and are taken before a framework is loaded."""

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
from ganlab.runs.status import is_identity
from ganlab.storage.cache import acquired
from ganlab.storage.writing import naming

_FOLDER = ".locks"
_PATIENCE = 0.5  # seconds; `holder_of` holds a lock for a moment, and an owner is named only after it has its lock


@contextlib.contextmanager
def locked(results: Path, identity: str) -> Iterator[Callable[[], None]]:
    """Holds the lock of one identity; the system frees it when its process ends, however it ends.

    Gives a function that raises LockedError once the lock is another's: a process that was stopped while somebody removed
    its lock, or whose file system has no locks between hosts, must not write on when it comes back.

    Raises:
        LockedError: naming the owner, while another process holds it.
        GanlabError: if the identity is none, or one of its files is a link.
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
            if is_held(token, None):  # None: on a full disk the record is empty
                owner.unlink(missing_ok=True)
                # Removed while still held: whoever waits on the removed file notices and opens a new one.
                path.unlink()
        lock.release()
        for created in made:  # a config error found after locking leaves nothing behind
            with contextlib.suppress(OSError):
                created.rmdir()


def _acquire(results: Path, path: Path, owner: Path) -> FileLock:
    """A held lock of a file that lies at `path`."""
    give_up = time.monotonic() + _PATIENCE
    while True:
        make_folder(results)
        try:
            left = max(0.0, give_up - time.monotonic())
            return acquired(path, "--results names another folder.", timeout=left, poll_interval=0.02).lock
        except Timeout as error:
            raise LockedError(f"this run is being trained by {_name_of(owner)}; wait for it or stop it") from error
        except FileNotFoundError:  # the folder went away again, with another process that had made it
            if time.monotonic() > give_up:
                raise


def make_folder(results: Path) -> None:
    """Makes the folder of the locks. Who starts several runs does it before, and none removes it under another's feet."""
    (results / _FOLDER).mkdir(parents=True, exist_ok=True)


def holder_of(results: Path, identity: str) -> str | None:
    """Who trains this identity now, or None; leaves the lock as it is."""
    try:
        path, owner = _files(results, identity)
    except GanlabError:  # nobody trains a run of no identity, or by locks that lead elsewhere
        return None
    # A killed process leaves both files behind, and only trying tells. Without an owner's file nobody tries in vain.
    if not (path.exists() and owner.exists()):
        return None
    try:
        with FileLock(path).acquire(timeout=0):
            return None
    except Timeout:
        return _name_of(owner)
    except OSError:  # a folder in which this process may not write, so that nobody can tell
        return None


def owner_record() -> dict:
    """Who this process is: host, process number and start time."""
    return {"host": socket.gethostname(), "pid": os.getpid(), "since": round(time.time(), 3)}


def _files(results: Path, identity: str) -> tuple[Path, Path]:
    """The lock of an identity, and the file that says who holds it. Both are opened by name, so neither may be a link."""
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
    """What the owner's file says; {} where it is missing or damaged."""
    try:
        record = json.loads(owner.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}
