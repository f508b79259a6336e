"""Writing files whole or not at all, and only while this process may."""

import contextlib
import glob
import io
import json
import math
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ganlab.errors import GanlabError

_guards: dict[Path, Callable[[], None]] = {}


@contextlib.contextmanager
def guarding(folder: Path, check: Callable[[], None]) -> Iterator[None]:
    """Calls `check` before any thread renames, appends or removes a file below `folder`.

    `check` raises if this process may no longer write there: its lock went to another process while it was stopped.
    """
    _guards[folder] = check
    try:
        yield
    finally:
        del _guards[folder]


def permit(path: Path) -> None:
    """Asks the guards of the folders above `path`; a guard raises if the path may not be written."""
    for folder, check in list(_guards.items()):
        if path.is_relative_to(folder):
            check()


@contextlib.contextmanager
def replacing(path: Path | str) -> Iterator[Path]:
    """Gives a temporary path beside `path`; moves the flushed file to `path` if the block raises nothing.

    The suffixes stay at the end, because writers such as numpy.savez and Keras read them. The name is random, because two
    processes, also of two hosts, may write the same file.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{secrets.token_hex(4)}-{path.name}")
    with naming(path):
        try:
            yield temporary
            flush(temporary)
            move(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)


def half_written(path: Path) -> list[Path]:
    """The temporary files that killed processes left of `replacing(path)`."""
    return list(path.parent.glob(f".{'[0-9a-f]' * 8}-{glob.escape(path.name)}"))


@contextlib.contextmanager
def naming(path: Path) -> Iterator[None]:
    """Adds the file's name to an OSError of the block: the error of a failed write, as on a full disk, has none."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or str(path)
        if error.errno:
            error.strerror = os.strerror(error.errno)  # HDF5 puts a paragraph of its own there
        raise


def move(temporary: Path, path: Path) -> None:
    """Renames a flushed file, and makes the new name reach the disk."""
    permit(path)
    os.replace(temporary, path)
    flush(path.parent)


def append_text(path: Path, text: str) -> None:
    """Appends whole lines, all of them or none. A torn last line, left by a process that was killed, is cut off first."""
    permit(path)
    with naming(path), path.open("ab+", buffering=0) as file:
        file.seek(0)
        there = file.read()
        file.truncate(there.rfind(b"\n") + 1)
        append_bytes(file, text.encode("utf-8"))


def append_bytes(file: io.FileIO, content: bytes) -> None:
    """Appends to an unbuffered file, everything or nothing: cuts off the part that a full disk took."""
    end = file.seek(0, os.SEEK_END)
    try:
        while content:
            content = content[file.write(content) :]
    except BaseException:  # a second Ctrl-C, too
        with contextlib.suppress(OSError):
            file.truncate(end)
        raise


def flush(path: Path) -> None:
    """Makes a file's bytes, or a folder's entries, reach the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def forget_cached(path: Path) -> None:
    """Drops a flushed file from the system's memory, where the system can, so that the next read asks the disk."""
    if hasattr(os, "posix_fadvise"):
        with path.open("rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def write_text(path: Path, text: str) -> None:
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """A JSON file's value.

    Raises: GanlabError, one line that names the file, for damage.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"), parse_float=_finite, parse_constant=_finite)
    except RecursionError as error:
        raise GanlabError(f"{path}: damaged JSON: nested too deeply") from error
    except ValueError as error:
        raise GanlabError(f"{path}: damaged JSON: {error}") from error


def _finite(text: str) -> float:
    """A finite number of a JSON file; `write_json` writes neither NaN nor infinity."""
    if not math.isfinite(value := float(text)):
        raise ValueError(f"{text} is no finite number")
    return value
