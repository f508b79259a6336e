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


@contextlib.contextmanager
def locked(results: Path, identity: str) -> Iterator[None]:
    """Holds the lock of one identity; the system frees it when its process ends, however it ends.

    Raises: LockedError, naming the owner, while another process holds it.
    """
    folder = results / ".locks"
    made = [path for path in (folder, results) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    lock, owner = FileLock(folder / f"{identity[:16]}.lock"), folder / f"{identity[:16]}.owner"
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
        Path(lock.lock_file).unlink(missing_ok=True)
        lock.release()
        for path in made:  # a config error found after locking leaves nothing behind
            with contextlib.suppress(OSError):
                path.rmdir()


def owner_record() -> dict:
    """Who this process is: host, process number and start time."""
    return {"host": socket.gethostname(), "pid": os.getpid(), "since": round(time.time(), 3)}


def _name_of(owner: Path) -> str:
    try:
        record = json.loads(owner.read_text(encoding="utf-8"))
        return f"process {record['pid']} on {record['host']}"
    except (OSError, ValueError, KeyError):
        return "another process"
